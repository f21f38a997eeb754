import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createEventPace, type EventPace } from '../../src/webhooks/event-pace.js';

const SAMPLE_MS = 200;
/** The utilization of the event loop between two samples, from 0 (idle) to 1 (always busy). */
let utilization: number;
let pace: EventPace;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let measured = 0;
  vi.spyOn(performance, 'eventLoopUtilization').mockImplementation((now, before) => {
    if (now === undefined) return { idle: 0, active: (measured += 1), utilization: 0.123 };
    // The utilization is measured from the previous sample to this one.
    expect(now.active - (before?.active ?? 0)).toBe(1);
    return { idle: 0, active: 0, utilization };
  });
  utilization = 0;
  pace = createEventPace();
});
afterEach(() => {
  pace.close();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const samples = (count: number) => vi.advanceTimersByTime(count * SAMPLE_MS);

it('begins at the highest rate, and remains there on an idle instance', () => {
  expect(pace.ratePerSecond).toBe(300);
  samples(5);
  expect(pace.ratePerSecond).toBe(300);
});

it('decreases fast under load to a minimum rate, and increases slowly after it', () => {
  utilization = 0.51;
  samples(1);
  expect(pace.ratePerSecond).toBeCloseTo(210);
  samples(1);
  expect(pace.ratePerSecond).toBeCloseTo(147);
  samples(20);
  expect(pace.ratePerSecond).toBe(40);
  utilization = 0.5;
  samples(1);
  expect(pace.ratePerSecond).toBe(50);
  samples(25);
  expect(pace.ratePerSecond).toBe(300);
});

it('stops measuring when it is closed', () => {
  utilization = 1;
  pace.close();
  samples(3);
  expect(pace.ratePerSecond).toBe(300);
  expect(vi.getTimerCount()).toBe(0);
});
