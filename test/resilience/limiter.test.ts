import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SourceRateLimitedError } from '../../src/errors.js';
import { cancellation } from '../../src/resilience/cancellation.js';
import { createLimiter, type Limiter } from '../../src/resilience/limiter.js';
import { createPace, type Rate } from '../../src/resilience/pace.js';
import { PRIORITIES, type Priority } from '../../src/priority.js';

const clock = { now: () => Date.now() };

interface Setting {
  concurrency: number;
  bulkShare: number;
  rate?: Rate | undefined;
}

function limiterOf({ concurrency, bulkShare, rate }: Setting): Limiter {
  return createLimiter({
    source: 'shop',
    concurrency,
    bulkShare,
    pace: createPace(rate, bulkShare, clock),
    clock,
  });
}

interface Arrival {
  priority: Priority;
  /** The time of arrival, in milliseconds after the start. */
  at: number;
  takes: number;
  /** The time of cancellation, in milliseconds after the arrival. */
  deadlineIn?: number | undefined;
  cancelledIn?: number | undefined;
}

interface Call extends Arrival {
  /** The numbers of the events, because several events happen within one millisecond. */
  arrived: number;
  started?: number;
  ended?: number;
  startedAt?: number;
  endedAt?: number;
  outcome?: 'made' | 'refused' | 'cancelled';
}

/** Starts the calls at their times. Their outcomes are set later. */
function start(limiter: Limiter, arrivals: readonly Arrival[]): Call[] {
  let happened = 0;
  const began = Date.now();
  const calls = arrivals.map((arrival): Call => ({ ...arrival, arrived: -1 }));
  const run = async (call: Call) => {
    const client = new AbortController();
    if (call.cancelledIn !== undefined)
      setTimeout(() => {
        client.abort(new Error('hung up'));
      }, call.cancelledIn);
    call.arrived = happened++;
    const deadlineAt = call.deadlineIn === undefined ? undefined : Date.now() + call.deadlineIn;
    try {
      if (!limiter.tryAcquire(call.priority))
        await limiter.wait(call.priority, deadlineAt, cancellation(client.signal));
    } catch (error) {
      call.outcome = error instanceof SourceRateLimitedError ? 'refused' : 'cancelled';
      call.ended = happened++;
      call.endedAt = Date.now() - began;
      return;
    }
    call.started = happened++;
    call.startedAt = Date.now() - began;
    await new Promise((resolve) => setTimeout(resolve, call.takes));
    call.ended = happened++;
    call.endedAt = Date.now() - began;
    call.outcome = 'made';
    limiter.release(call.priority, call.takes);
  };
  for (const call of calls) setTimeout(() => void run(call), call.at);
  return calls;
}

/** Starts the calls, and waits until all of them have ended. */
async function runAll(limiter: Limiter, arrivals: readonly Arrival[]): Promise<Call[]> {
  const calls = start(limiter, arrivals);
  await vi.advanceTimersByTimeAsync(3_600_000);
  return calls;
}

const many = (count: number, arrival: Arrival): Arrival[] => Array.from({ length: count }, () => arrival);
const startsOf = (calls: readonly Call[]): number[] =>
  calls.flatMap(({ startedAt }) => startedAt ?? []).sort((a, b) => a - b);

describe('the limiter', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it('respects the limits and the priorities for any arrival of calls', async () => {
    const setting = fc.record({
      concurrency: fc.integer({ min: 1, max: 6 }),
      bulkShare: fc.constantFrom(0, 0.3, 0.5, 1),
      rate: fc.option(
        fc.record({
          calls: fc.integer({ min: 1, max: 50 }),
          per: fc.constantFrom('1 s' as const, '3 s' as const, '10 s' as const),
          burst: fc.integer({ min: 1, max: 8 }),
        }),
        { nil: undefined },
      ),
    });
    const arrival = fc.record({
      priority: fc.constantFrom(...PRIORITIES),
      at: fc.integer({ min: 0, max: 12_000 }),
      takes: fc.integer({ min: 0, max: 2_000 }),
      deadlineIn: fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: undefined }),
      cancelledIn: fc.option(fc.integer({ min: 0, max: 4_000 }), { nil: undefined, freq: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(
        setting,
        fc.array(arrival, { minLength: 1, maxLength: 60 }),
        async (input, arrivals) => {
          const limiter = limiterOf(input);
          const calls = await runAll(limiter, arrivals);
          expectNothingLost(limiter, calls);
          expectWithinConcurrency(calls, input);
          if (input.rate !== undefined) expectWithinRate(startsOf(calls), input.rate);
          expectOrder(calls);
        },
      ),
      { numRuns: 150 },
    );
  });

  function expectNothingLost(limiter: Limiter, calls: readonly Call[]): void {
    expect(limiter.waiting).toBe(0);
    for (const { outcome, at, endedAt, deadlineIn, cancelledIn } of calls) {
      // A call is refused at once if no slot can be free in time, otherwise at its deadline.
      if (outcome === 'refused') expect([at, at + Math.max(1, deadlineIn ?? NaN)]).toContain(endedAt);
      else if (outcome === 'cancelled') expect(endedAt).toBe(at + Math.max(1, cancelledIn ?? NaN));
      else expect(outcome).toBe('made');
    }
  }

  function expectWithinConcurrency(calls: readonly Call[], { concurrency, bulkShare }: Setting): void {
    const items = calls.filter(({ outcome }) => outcome === 'made');
    for (const { started = 0 } of items) {
      const inProgress = items.filter(
        (call) => (call.started ?? 0) <= started && started < (call.ended ?? 0),
      );
      expect(inProgress.length).toBeLessThanOrEqual(concurrency);
      expect(inProgress.filter(({ priority }) => priority === 'bulk').length).toBeLessThanOrEqual(
        Math.max(1, Math.floor(concurrency * bulkShare)),
      );
    }
  }

  function expectWithinRate(starts: readonly number[], { calls, per, burst = 1 }: Rate): void {
    const perMs = calls / (Number.parseInt(per) * 1_000);
    for (const [i, from] of starts.entries())
      for (const [j, to] of starts.entries())
        if (j >= i) expect(j - i + 1).toBeLessThanOrEqual(burst + perMs * (to - from) + 1e-3);
  }

  function expectOrder(calls: readonly Call[]): void {
    const began = calls.filter(({ started }) => started !== undefined);
    const order = (call: Call) => call.started ?? Infinity;
    for (const call of began) {
      const passedOver = calls.filter(
        (item) => item.arrived < call.arrived && (item.ended ?? 0) > order(call) && order(item) > order(call),
      );
      // Calls of one class are in order of arrival.
      expect(passedOver.filter(({ priority }) => priority === call.priority)).toEqual([]);
      const before = passedOver.filter(
        ({ priority }) => PRIORITIES.indexOf(priority) < PRIORITIES.indexOf(call.priority),
      );
      if (before.length === 0) continue;
      // A lower class has priority only if it has waited for long.
      const ofClass = began.filter(({ priority }) => priority === call.priority);
      const lastSlot = Math.max(
        call.at,
        ...ofClass.filter((item) => order(item) < order(call)).map(({ startedAt = 0 }) => startedAt),
      );
      expect((call.startedAt ?? 0) - lastSlot).toBeGreaterThanOrEqual(5_000);
    }
  }

  it('runs a single export at the full rate of the source', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200 }),
        fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
        fc.constantFrom(0, 0.25, 0.5, 1),
        fc.integer({ min: 40, max: 200 }),
        async (calls, burst, bulkShare, count) => {
          const rate: Rate = { calls, per: '1 s', ...(burst === undefined ? {} : { burst }) };
          const limiter = limiterOf({ concurrency: 50, bulkShare, rate });
          const starts = startsOf(await runAll(limiter, many(count, { priority: 'bulk', at: 0, takes: 5 })));
          const last = starts.at(-1) ?? 0;
          // Timers have a resolution of a millisecond, and with a burst of one, delays add up.
          const fullRateMs = (count * 1_000) / calls;
          expect(last).toBeLessThanOrEqual(fullRateMs + (burst === 1 ? count : 1));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('runs page views at once during an export, and the export at the remaining rate', async () => {
    const limiter = limiterOf({ concurrency: 16, bulkShare: 0.5, rate: { calls: 10, per: '1 s' } });
    const views = Array.from({ length: 100 }, (_, i): Arrival => {
      return { priority: 'interactive', at: 3_000 + i * 500, takes: 50 };
    });
    const calls = await runAll(limiter, [...many(1_000, { priority: 'bulk', at: 0, takes: 50 }), ...views]);
    for (const { startedAt, at } of calls.slice(1_000)) expect(startedAt).toBe(at);
    const last = startsOf(calls).at(-1) ?? 0;
    // The rate of 10 a second applies to 1,100 calls, less the calls of the full bucket.
    expect(last).toBeGreaterThan(108_000);
    expect(last).toBeLessThanOrEqual(110_000);
  });

  it('reserves some calls for simultaneous page views during an export', async () => {
    const limiter = limiterOf({ concurrency: 16, bulkShare: 0.5, rate: { calls: 10, per: '1 s' } });
    const calls = await runAll(limiter, [
      ...many(200, { priority: 'bulk', at: 0, takes: 50 }),
      ...many(5, { priority: 'interactive', at: 9_990, takes: 50 }),
    ]);
    for (const { startedAt } of calls.slice(200)) expect(startedAt).toBe(9_990);
  });

  it('refuses at once only calls for which no slot is free before their deadline', async () => {
    const limiter = limiterOf({ concurrency: 2, bulkShare: 0.5, rate: { calls: 1, per: '1 s' } });
    limiter.slowDown({ retryAfterMs: 3_000 });
    const soon = limiter.wait('interactive', Date.now() + 2_999).catch((error: unknown) => error);
    const inTime = limiter.wait('interactive', Date.now() + 3_001);
    expect(limiter.waiting).toBe(1);
    expect(await soon).toMatchObject({ code: 'SOURCE_RATE_LIMITED', retryAfter: 3 });
    await vi.advanceTimersByTimeAsync(3_000);
    await inTime;
  });

  it('does not count a timed-out call as one that the system has not counted yet', () => {
    const limiter = limiterOf({ concurrency: 10, bulkShare: 0.5 });
    for (let i = 0; i < 3; i += 1) limiter.tryAcquire('interactive');
    limiter.holdBack('interactive', 1_000);
    // One of the other two calls reports it, so the system may not have counted one call.
    limiter.slowDown({ remaining: 3, resetMs: 10_000 });
    const acquired = Array.from({ length: 3 }, () => limiter.tryAcquire('interactive'));
    expect(acquired).toEqual([true, true, false]);
  });

  it('grants due slots to waiting calls before new ones', async () => {
    const limiter = limiterOf({ concurrency: 2, bulkShare: 1, rate: { calls: 1, per: '1 s' } });
    expect(limiter.tryAcquire('bulk')).toBe(true);
    const first = limiter.wait('bulk');
    vi.setSystemTime(Date.now() + 1_000);
    expect(limiter.tryAcquire('bulk')).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    await first;
  });

  it('reserves slots for page views during a slow export', async () => {
    const limiter = limiterOf({ concurrency: 4, bulkShare: 0.5 });
    const calls = await runAll(limiter, [
      ...many(10, { priority: 'bulk', at: 0, takes: 10_000 }),
      ...many(2, { priority: 'interactive', at: 7_000, takes: 10 }),
    ]);
    for (const { startedAt } of calls.slice(10)) expect(startedAt).toBe(7_000);
  });

  it('grants a campaign and an export a call every five seconds if page views use the whole rate', async () => {
    const limiter = limiterOf({ concurrency: 1, bulkShare: 0.5 });
    const calls = await runAll(limiter, [
      ...many(3, { priority: 'bulk', at: 1, takes: 100 }),
      ...many(3, { priority: 'automation', at: 1, takes: 100 }),
      ...many(400, { priority: 'interactive', at: 0, takes: 100 }),
    ]);
    const secondsOf = (wanted: Priority) =>
      startsOf(calls.filter(({ priority }) => priority === wanted)).map((at) => Math.round(at / 1_000));
    expect(secondsOf('automation')).toEqual([5, 10, 15]);
    expect(secondsOf('bulk')).toEqual([5, 10, 15]);
  });

  it('respects priorities even for a source with one call in ten seconds', async () => {
    const limiter = limiterOf({
      concurrency: 1,
      bulkShare: 0.5,
      rate: { calls: 6, per: '1 minute', burst: 1 },
    });
    const calls = await runAll(limiter, [
      ...many(60, { priority: 'interactive', at: 0, takes: 10 }),
      ...many(5, { priority: 'bulk', at: 1, takes: 10 }),
    ]);
    const order = calls
      .toSorted((a, b) => (a.started ?? 0) - (b.started ?? 0))
      .map(({ priority }) => priority);
    const bulkSlots = order.flatMap((priority, i) => (priority === 'bulk' ? [i] : []));
    expect(bulkSlots[0]).toBeGreaterThanOrEqual(10);
    for (const [i, advance] of bulkSlots.slice(1).entries())
      if (advance < 60) expect(advance - (bulkSlots[i] ?? 0)).toBeGreaterThanOrEqual(10);
  });

  it('returns the likely waiting time with a refusal', async () => {
    const limiter = limiterOf({ concurrency: 16, bulkShare: 0.5, rate: { calls: 1, per: '1 s' } });
    start(limiter, many(10, { priority: 'interactive', at: 0, takes: 10, deadlineIn: 20_000 }));
    await vi.advanceTimersByTimeAsync(0);
    const refused = limiter.wait('interactive', Date.now() + 2_000).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(2_000);
    // Eight calls are before it, each for one second.
    expect(((await refused) as SourceRateLimitedError).retryAfter).toBe(8);
    await vi.advanceTimersByTimeAsync(3_600_000);
  });

  it('returns the likely waiting time if slow calls use all slots', async () => {
    const limiter = limiterOf({ concurrency: 2, bulkShare: 0.5 });
    start(limiter, many(40, { priority: 'interactive', at: 0, takes: 4_000 }));
    await vi.advanceTimersByTimeAsync(60_001);
    expect(limiter.waiting).toBe(8);
    expect(limiter.estimatedWaitMs('interactive')).toBeGreaterThan(10_000);
    expect(limiter.estimatedWaitMs('interactive')).toBeLessThanOrEqual(18_000);
    await vi.advanceTimersByTimeAsync(3_600_000);
  });
});
