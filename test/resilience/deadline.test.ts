import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SourceRateLimitedError, SourceTimeoutError } from '../../src/errors.js';
import { startDeadline } from '../../src/resilience/deadline.js';

describe("a request's deadline", () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  const never = new Promise<never>(() => undefined);
  const outcomeOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

  it('returns an answer or a failure that arrives in time', async () => {
    const deadline = startDeadline(2_000);
    expect(await deadline.race('shop', Promise.resolve('answer'))).toBe('answer');
    await expect(deadline.race('shop', Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    deadline.clear();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects all calls in progress, each with the name of its source', async () => {
    const deadline = startDeadline(2_000);
    const both = Promise.all([
      outcomeOf(deadline.race('shop', never)),
      outcomeOf(deadline.race('crm', never)),
    ]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await both).map((error) => (error as SourceTimeoutError).extensions)).toEqual([
      { code: 'SOURCE_TIMEOUT', source: 'shop', retryable: true },
      { code: 'SOURCE_TIMEOUT', source: 'crm', retryable: true },
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not wait for work that begins after it', async () => {
    const deadline = startDeadline(2_000);
    await vi.advanceTimersByTimeAsync(2_001);
    await expect(deadline.race('shop', never)).rejects.toBeInstanceOf(SourceTimeoutError);
  });

  it('does not stop work that other requests wait for', async () => {
    const deadline = startDeadline(2_000);
    let answer: (value: string) => void = () => undefined;
    const work = new Promise<string>((resolve) => (answer = resolve));
    const waiting = outcomeOf(deadline.race('shop', work));
    await vi.advanceTimersByTimeAsync(2_000);
    answer('late');
    expect(await waiting).toBeInstanceOf(SourceTimeoutError);
    expect(await work).toBe('late');
  });

  it('leaves no timer if the request ends earlier', () => {
    const deadline = startDeadline(2_000);
    deadline.clear();
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    [1, false],
    [2, true],
    [60, true],
  ])(
    'of a system with a retry time of %d s reports that time only if it is later: %s',
    (retryAfter, isLater) => {
      const deadline = startDeadline(2_000, { now: () => 500 });
      const error = new SourceRateLimitedError('shop', 'Too often.', { retryAfter });
      const explained = deadline.explain(error);
      deadline.clear();
      if (!isLater) expect(explained).toBe(error);
      else
        expect(explained).toMatchObject({
          source: 'shop',
          retryAfter,
          message: `Too often. shop may be called again after ${retryAfter} s, which is later than the request's deadline of 2000 ms. Repeat the request then, or raise DEADLINE_MS.`,
        });
    },
  );
});
