import { beforeEach, describe, expect, it } from 'vitest';
import { allowanceOf, type Allowance } from '../../src/webhooks/deliver-endpoint.js';

let now: number;
let rate: { ratePerSecond: number };
let allowance: Allowance;
const create = (ratePerSecond: number) => {
  rate = { ratePerSecond };
  allowance = allowanceOf(rate, () => now);
};

beforeEach(() => {
  now = 1_000_000;
  create(4);
});

describe('the allowance of an endpoint', () => {
  it('is limited to the deliveries of one second, even after a long time', () => {
    expect(allowance.of(10)).toBe(4);
    expect(allowance.of(3)).toBe(3);
    now += 60_000;
    expect(allowance.of(10)).toBe(4);
  });

  it('is refilled at the rate', () => {
    allowance.use(4);
    expect(allowance.of(1)).toBe(0);
    now += 249;
    expect(allowance.of(1)).toBe(0);
    now += 1;
    expect(allowance.of(4)).toBe(1);
    now += 500;
    expect(allowance.of(4)).toBe(3);
  });

  it.each([
    [1, 250],
    [2, 500],
    [4, 1_000],
  ])('of %i deliveries is available after %i ms', (count, expected) => {
    expect(allowance.waitMs(count)).toBe(0);
    allowance.use(4);
    expect(allowance.waitMs(count)).toBe(expected);
    now += expected;
    expect(allowance.waitMs(count)).toBe(0);
    expect(allowance.of(4)).toBe(count);
  });

  it('is one delivery if the rate is below one per second', () => {
    create(0.5);
    expect(allowance.of(4)).toBe(1);
    allowance.use(1);
    expect(allowance.waitMs(1)).toBe(2_000);
    now += 1_999;
    expect(allowance.of(1)).toBe(0);
    now += 1;
    expect(allowance.of(1)).toBe(1);
  });

  it('uses a changed rate', () => {
    allowance.use(4);
    rate.ratePerSecond = 8;
    now += 1_000;
    expect(allowance.of(10)).toBe(8);
    rate.ratePerSecond = 2;
    expect(allowance.of(10)).toBe(2);
  });

  it('does not change if the clock is set back', () => {
    allowance.use(2);
    now -= 60_000;
    expect(allowance.of(4)).toBe(2);
    now += 250;
    expect(allowance.of(4)).toBe(3);
  });

  it.each<[string, number | undefined, number]>([
    ['5 s without a time', undefined, 5_000],
    ['the time', 1_500, 1_500],
    ['an hour at most', 7_200_000, 3_600_000],
  ])('is zero during a pause: %s', (_, forMs, expected) => {
    allowance.pause(forMs);
    expect(allowance.of(4)).toBe(0);
    expect(allowance.waitMs(1)).toBe(expected);
    now += expected - 1;
    expect(allowance.of(4)).toBe(0);
    now += 1;
    expect(allowance.of(4)).toBe(4);
    expect(allowance.waitMs(1)).toBe(0);
  });

  it('is zero until the later end of two pauses', () => {
    allowance.pause(3_000);
    allowance.pause(1_000);
    expect(allowance.waitMs(1)).toBe(3_000);
  });
});
