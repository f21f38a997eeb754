import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ConfigError,
  InvalidInputError,
  SourceAuthenticationError,
  SourceContractError,
  SourceRateLimitedError,
  SourceTimeoutError,
  SourceUnavailableError,
} from '../../src/errors.js';
import type { CallSignal } from '../../src/v8/call-signal.js';
import { PRIORITIES } from '../../src/priority.js';
import type { Protection, ProtectionOptions, Work } from '../../src/resilience/protection.js';
import { createProtection } from '../../src/resilience/wrap.js';

const clock = { now: () => Date.now() };
const unavailable = () => new SourceUnavailableError('shop', 'shop is unavailable.');
const slowDown = (retryAfter?: number) =>
  new SourceRateLimitedError('shop', 'shop limits the rate of calls.', { retryAfter });

function protect(options: Partial<ProtectionOptions> = {}): Protection {
  return createProtection({ source: 'shop', clock, random: () => 1, ...options });
}
/** Runs one call. */
function run<T>(protection: Protection, call: (signal: CallSignal) => Promise<T>, work: Partial<Work> = {}) {
  return protection.scope({ priority: 'interactive', ...work }).run(call);
}
const outcomeOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);
const never = () => new Promise<never>(() => undefined);
/** Creates a call that takes this many milliseconds. */
const taking = (ms: number) => () => new Promise<string>((resolve) => setTimeout(resolve, ms, 'answer'));
/** Creates a call that fails with these errors in sequence, and then answers. */
function failing(...errors: Error[]) {
  return vi.fn(() => {
    const error = errors.shift();
    return error === undefined ? Promise.resolve('answer') : Promise.reject(error);
  });
}
/** A system that fails while `isUnavailable` is true. */
const system = {
  isUnavailable: false,
  call: vi.fn(() => (system.isUnavailable ? Promise.reject(unavailable()) : Promise.resolve('answer'))),
};

async function openBreaker(protection: Protection): Promise<void> {
  for (let i = 0; i < 20 && protection.breaker === 'closed'; i += 1) {
    const outcome = outcomeOf(run(protection, () => Promise.reject(unavailable())));
    await vi.advanceTimersByTimeAsync(0);
    void outcome;
    await vi.advanceTimersByTimeAsync(3_000);
  }
  expect(protection.breaker).toBe('open');
}

beforeEach(() => {
  vi.useFakeTimers();
  system.isUnavailable = false;
  system.call.mockClear();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe('calls that are in progress when the source rate-limits the gateway', () => {
  it('count as one failure, so they do not open the breaker', async () => {
    const protection = protect({ limits: { concurrency: 30, retries: 0 } });
    const outcomes = Array.from({ length: 30 }, () =>
      outcomeOf(
        run(protection, async () => {
          await taking(10)();
          throw slowDown(1);
        }),
      ),
    );
    await vi.advanceTimersByTimeAsync(10);
    for (const outcome of await Promise.all(outcomes)) expect(outcome).toBeInstanceOf(SourceRateLimitedError);
    expect(protection.breaker).toBe('closed');
  });
});

describe('a call that fails only for its key', () => {
  it.each([
    new SourceUnavailableError('shop', 'one shelf is closed.', { isOfKeyOnly: true }),
    new SourceRateLimitedError('shop', 'one shelf is busy.', { isOfKeyOnly: true, retryAfter: 30 }),
  ])('never opens the breaker, for any number of failures: %s', async (error) => {
    const protection = protect({ limits: { retries: 0 } });
    for (let i = 0; i < 50; i += 1)
      expect(await outcomeOf(run(protection, () => Promise.reject(error)))).toBe(error);
    expect(protection.breaker).toBe('closed');
    // No other call waits for the retry.
    expect(await run(protection, () => Promise.resolve('answer'))).toBe('answer');
  });

  it('is retried', async () => {
    const call = failing(new SourceUnavailableError('shop', 'one shelf is closed.', { isOfKeyOnly: true }));
    const answer = run(protect(), call);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await answer).toBe('answer');
    expect(call).toHaveBeenCalledTimes(2);
  });
});

describe('a call to a healthy source', () => {
  it('is sent at once, and leaves no timer or listener', async () => {
    const protection = protect();
    const scope = protection.scope({ priority: 'bulk', deadlineAt: clock.now() + 2_000 });
    expect(await scope.run(() => Promise.resolve('answer'))).toBe('answer');
    expect([scope.isWaiting, scope.retries, scope.retryAfter(), protection.waiting]).toEqual([
      false,
      0,
      1,
      0,
    ]);
  });

  it('is reported to the observer, including its waiting time', async () => {
    const observe = { called: vi.fn(), waited: vi.fn(), retried: vi.fn(), breakerChanged: vi.fn() };
    const protection = protect({ observe, limits: { concurrency: 1 } });
    const both = [run(protection, taking(30)), run(protection, taking(40), { priority: 'bulk' })];
    await vi.advanceTimersByTimeAsync(70);
    await Promise.all(both);
    expect(observe.called.mock.calls).toEqual([
      [30, 'ok'],
      [40, 'ok'],
    ]);
    expect(observe.waited.mock.calls).toEqual([[30, 'bulk']]);
    expect(observe.retried).not.toHaveBeenCalled();
    expect(observe.breakerChanged).not.toHaveBeenCalled();
  });

  it('is refused with invalid limits at start', () => {
    expect(() => protect({ limits: { concurrency: 0 } })).toThrow(ConfigError);
  });
});

describe('a call that fails', () => {
  it('is retried after a short wait if the system was unavailable', async () => {
    const observe = { called: vi.fn(), retried: vi.fn() };
    const call = failing(unavailable(), unavailable());
    const scope = protect({ observe }).scope({ priority: 'interactive' });
    const answer = scope.run(call);
    await vi.advanceTimersByTimeAsync(49);
    expect(call).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(call).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(100);
    expect(await answer).toBe('answer');
    expect(scope.retries).toBe(2);
    expect(observe.called.mock.calls.map(([, outcome]: unknown[]) => outcome)).toEqual([
      'SOURCE_UNAVAILABLE',
      'SOURCE_UNAVAILABLE',
      'ok',
    ]);
    expect(observe.retried).toHaveBeenCalledTimes(2);
  });

  it('is rejected with its error if it fails for the third time', async () => {
    const errors = [unavailable(), unavailable(), unavailable()];
    const call = failing(...errors);
    const outcome = outcomeOf(run(protect(), call));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await outcome).toBe(errors[2]);
    expect(call).toHaveBeenCalledTimes(3);
  });

  it.each([
    new SourceContractError('shop', 'shop answered something else.'),
    new SourceAuthenticationError('shop', 'shop refuses us.'),
    new InvalidInputError('Too long.'),
    new TypeError('A defect.'),
  ])('is not retried if that would not help, and does not open the breaker: $message', async (error) => {
    const protection = protect();
    for (let i = 0; i < 30; i += 1) {
      const call = failing(error);
      expect(await outcomeOf(run(protection, call))).toBe(error);
      expect(call).toHaveBeenCalledTimes(1);
    }
    expect(protection.breaker).toBe('closed');
  });

  it('is not retried after the deadline', async () => {
    const call = failing(unavailable(), unavailable());
    const error = outcomeOf(run(protect(), call, { deadlineAt: clock.now() + 50 }));
    await vi.advanceTimersByTimeAsync(0);
    expect(await error).toBeInstanceOf(SourceUnavailableError);
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('is not retried before the time that the system requests', async () => {
    const call = failing(new SourceUnavailableError('shop', 'Maintenance.', { retryAfter: 3 }));
    const protection = protect();
    const answer = run(protection, call, { deadlineAt: clock.now() + 5_000 });
    await vi.advanceTimersByTimeAsync(2_999);
    expect(call).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toBe('answer');
    const later = failing(new SourceUnavailableError('shop', 'Maintenance.', { retryAfter: 3 }));
    await expect(run(protection, later, { deadlineAt: clock.now() + 3_000 })).rejects.toThrow('Maintenance.');
  });

  it('is not retried after a timeout, because its time is used up', async () => {
    const call = vi.fn(never);
    const outcome = outcomeOf(run(protect(), call));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await outcome).toBeInstanceOf(SourceTimeoutError);
    expect(call).toHaveBeenCalledTimes(1);
  });

  it('counts as one failure, for any number of attempts', async () => {
    const protection = protect();
    for (let i = 0; i < 10; i += 1) {
      expect(protection.breaker).toBe('closed');
      const outcome = outcomeOf(run(protection, () => Promise.reject(unavailable())));
      await vi.advanceTimersByTimeAsync(1_000);
      await outcome;
    }
    expect(protection.breaker).toBe('open');
  });

  it('does not double the load in an outage: only a fifth of the calls, and a few more, are retried', async () => {
    const protection = protect({ limits: { concurrency: 1_000 } });
    // Two of five calls fail, so that the breaker remains closed.
    let calls = 0;
    const call = () => (calls++ % 5 < 2 ? Promise.reject(unavailable()) : Promise.resolve());
    const outcomes: Promise<unknown>[] = [];
    for (let i = 0; i < 1_000; i += 1) {
      outcomes.push(outcomeOf(run(protection, call)));
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(1_000);
    await Promise.all(outcomes);
    expect(calls - 1_000).toBeGreaterThan(150);
    expect(calls - 1_000).toBeLessThanOrEqual(206);
  });
});

describe('a source that rate-limits the gateway', () => {
  it('receives no call until the requested time, and then all waiting calls', async () => {
    const protection = protect();
    const call = failing(slowDown(1));
    const scope = protection.scope({ priority: 'interactive', deadlineAt: clock.now() + 2_000 });
    const refused = scope.run(call);
    await vi.advanceTimersByTimeAsync(0);
    const other = run(protection, system.call);
    await vi.advanceTimersByTimeAsync(999);
    expect([scope.isWaiting, protection.waiting]).toEqual([true, 2]);
    expect(system.call).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await refused).toBe('answer');
    expect(await other).toBe('answer');
    expect(scope.retries).toBe(1);
  });

  it('is not awaited beyond the deadline: its error is returned', async () => {
    const call = failing(slowDown(2));
    const protection = protect();
    const error = await outcomeOf(run(protection, call, { deadlineAt: clock.now() + 2_000 }));
    expect(error).toMatchObject({ message: 'shop limits the rate of calls.', retryAfter: 2 });
    expect(protection.scope({ priority: 'interactive' }).retryAfter()).toBe(2);
  });

  it('is not awaited if it requests an hour', async () => {
    expect(await outcomeOf(run(protect(), failing(slowDown(3_600))))).toMatchObject({ retryAfter: 3_600 });
  });

  it('receives no call for a second if it requests no time', async () => {
    const protection = protect();
    await outcomeOf(run(protection, failing(slowDown()), { deadlineAt: clock.now() }));
    const answer = run(protection, system.call);
    await vi.advanceTimersByTimeAsync(999);
    expect(system.call).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toBe('answer');
  });

  it('makes calls wait until their deadlines, even after many simultaneous refusals', async () => {
    const protection = protect();
    const deadlineAt = clock.now() + 5_000;
    const outcomes = Array.from({ length: 16 }, () => run(protection, failing(slowDown(1)), { deadlineAt }));
    const waiting = run(protection, system.call, { deadlineAt });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await Promise.all(outcomes)).toEqual(Array.from({ length: 16 }, () => 'answer'));
    expect(await waiting).toBe('answer');
    expect(protection.breaker).toBe('closed');
  });

  it('receives no more calls if it refuses repeatedly after the requested time', async () => {
    const protection = protect({ limits: { retries: 0 } });
    for (let i = 0; i < 10; i += 1) {
      expect(protection.breaker).toBe('closed');
      const outcome = outcomeOf(run(protection, () => Promise.reject(slowDown(1))));
      await vi.advanceTimersByTimeAsync(1_000);
      await outcome;
    }
    expect(protection.breaker).toBe('open');
  });

  it('receives at most the calls that it reports as remaining', async () => {
    const protection = protect();
    const scope = protection.scope({ priority: 'interactive' });
    await scope.run(() => {
      scope.slowDown({ remaining: 2, resetMs: 3_000 });
      return Promise.resolve();
    });
    const answers = Array.from({ length: 4 }, () => run(protection, system.call, { priority: 'automation' }));
    await vi.advanceTimersByTimeAsync(2_999);
    expect(system.call).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1);
    await Promise.all(answers);
    expect(system.call).toHaveBeenCalledTimes(4);
  });

  it('receives from all processes together at most the calls that it reports as remaining', async () => {
    const protections = [1, 2].map(() => protect({ processes: 2 }));
    for (const protection of protections)
      protection.scope({ priority: 'interactive' }).slowDown({ remaining: 5, resetMs: 3_000 });
    const answers = protections.flatMap((protection) =>
      Array.from({ length: 4 }, () => run(protection, system.call)),
    );
    await vi.advanceTimersByTimeAsync(2_999);
    expect(system.call).toHaveBeenCalledTimes(4);
    await vi.advanceTimersByTimeAsync(1);
    await Promise.all(answers);
    expect(system.call).toHaveBeenCalledTimes(8);
  });
});

describe('a call that waits for a slot', () => {
  const limits = { rate: { calls: 1, per: '1 s' as const } };

  it('is refused at the deadline with the retry time, is not retried, and does not count as a failure', async () => {
    const protection = protect({ limits });
    await run(protection, system.call);
    const observe = Array.from({ length: 20 }, () =>
      outcomeOf(run(protection, system.call, { deadlineAt: clock.now() + 400 })),
    );
    await vi.advanceTimersByTimeAsync(400);
    for (const error of await Promise.all(observe)) {
      expect(error).toBeInstanceOf(SourceRateLimitedError);
      expect((error as SourceRateLimitedError).retryAfter).toBeGreaterThanOrEqual(1);
    }
    expect(system.call).toHaveBeenCalledTimes(1);
    expect(protection.breaker).toBe('closed');
  });

  it('has its full timeout after it receives a slot, because the system did not cause the wait', async () => {
    const protection = protect({ limits: { concurrency: 1, timeout: '1 s' } });
    const both = Promise.all([run(protection, taking(900)), run(protection, taking(900))]);
    await vi.advanceTimersByTimeAsync(1_800);
    expect(await both).toEqual(['answer', 'answer']);
  });

  it('leaves the queue at once if it is cancelled', async () => {
    const protection = protect({ limits });
    await run(protection, system.call);
    const client = new AbortController();
    const reason = new Error('hung up');
    const outcome = outcomeOf(run(protection, system.call, { signal: client.signal }));
    await vi.advanceTimersByTimeAsync(0);
    expect(protection.waiting).toBe(1);
    client.abort(reason);
    expect(await outcome).toBe(reason);
    expect(protection.waiting).toBe(0);
  });
});

describe('a cancelled call', () => {
  const reason = new Error('hung up');

  it('is not sent', async () => {
    await expect(run(protect(), system.call, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(system.call).not.toHaveBeenCalled();
  });

  it('is aborted, frees its slot, is not retried, and does not count as a failure', async () => {
    const observe = { called: vi.fn() };
    const protection = protect({ observe, limits: { concurrency: 1 } });
    for (let i = 0; i < 30; i += 1) {
      const client = new AbortController();
      let callSignal: CallSignal | undefined;
      const call = vi.fn((signal: CallSignal) => {
        callSignal = signal;
        return never();
      });
      const outcome = outcomeOf(run(protection, call, { signal: client.signal }));
      const next = run(protection, system.call);
      await vi.advanceTimersByTimeAsync(10);
      client.abort(reason);
      expect(await outcome).toBe(reason);
      expect(await next).toBe('answer');
      expect(callSignal?.reason).toBe(reason);
      expect(call).toHaveBeenCalledTimes(1);
    }
    expect(observe.called.mock.calls[0]).toEqual([10, 'CANCELLED']);
    expect(protection.breaker).toBe('closed');
  });

  it('is not retried for any reason', async () => {
    const client = new AbortController();
    const scope = protect().scope({ priority: 'interactive', signal: client.signal });
    const outcome = outcomeOf(scope.run(never));
    const error = unavailable();
    client.abort(error);
    expect(await outcome).toBe(error);
    expect(scope.retries).toBe(0);
  });

  it('is not retried if it is cancelled during the wait before a retry', async () => {
    const client = new AbortController();
    const call = failing(unavailable());
    const outcome = outcomeOf(run(protect(), call, { signal: client.signal }));
    await vi.advanceTimersByTimeAsync(10);
    client.abort(reason);
    expect(await outcome).toBe(reason);
    expect(call).toHaveBeenCalledTimes(1);
  });
});

describe('a source that fails repeatedly', () => {
  it('receives no more calls: all are refused at once, including waiting ones', async () => {
    const protection = protect({ limits: { concurrency: 10, retries: 0 } });
    const call = vi.fn(never);
    const outcomes = Array.from({ length: 100 }, () => outcomeOf(run(protection, call)));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(call).toHaveBeenCalledTimes(10);
    for (const error of (await Promise.all(outcomes)).slice(10))
      expect(error).toMatchObject({ code: 'SOURCE_UNAVAILABLE', retryAfter: 5 });
    expect(protection.breaker).toBe('open');
    await expect(run(protection, system.call)).rejects.toThrow('not called until it is probed again');
    expect(system.call).not.toHaveBeenCalled();
    expect(protection.scope({ priority: 'interactive' }).retryAfter()).toBe(5);
  });

  it('receives no retries after the breaker has opened', async () => {
    const protection = protect();
    const call = vi.fn(() => Promise.reject(unavailable()));
    // The budget for retries allows three retries, but not ten.
    const outcomes = Array.from({ length: 13 }, () => outcomeOf(run(protection, call)));
    await vi.advanceTimersByTimeAsync(0);
    expect(protection.breaker).toBe('open');
    await vi.advanceTimersByTimeAsync(1_000);
    await Promise.all(outcomes);
    expect(call).toHaveBeenCalledTimes(13);
  });

  it('refuses a call that waited for the slot of a hanging call', async () => {
    const protection = protect({ limits: { concurrency: 10, timeout: '1 s' } });
    const began = Date.now();
    const waits: number[] = [];
    for (let i = 0; i < 30; i += 1) {
      void outcomeOf(run(protection, never)).then(() => waits.push(Date.now() - began - i * 50));
      await vi.advanceTimersByTimeAsync(50);
    }
    await vi.advanceTimersByTimeAsync(1_000);
    expect(waits).toHaveLength(30);
    expect(Math.max(...waits)).toBe(1_000);
    expect(protection.breaker).toBe('open');
  });

  it('grants the slot of a hanging call to the next call when another call is answered', async () => {
    const protection = protect({ limits: { concurrency: 2, timeout: '1 s', retries: 0 } });
    const began = Date.now();
    const hung = outcomeOf(run(protection, never));
    const slow = run(protection, taking(900));
    await vi.advanceTimersByTimeAsync(800);
    const [second, third] = [run(protection, taking(500)), run(protection, taking(10))];
    const times = Promise.all([second, third].map((promise) => promise.then(() => Date.now() - began)));
    await vi.advanceTimersByTimeAsync(2_000);
    await Promise.all([hung, slow]);
    // The second call had the slot of the slow call at 900 ms. The third had that of the hanging call after the second
    // was answered.
    expect(await times).toEqual([1_400, 1_410]);
  });

  it('grants the slots of hanging calls to the next calls if no other call is in progress', async () => {
    const protection = protect({ limits: { concurrency: 2, timeout: '1 s', retries: 0 } });
    const hung = [outcomeOf(run(protection, never)), outcomeOf(run(protection, never))];
    const waiting = run(protection, taking(10));
    await vi.advanceTimersByTimeAsync(1_010);
    expect(await waiting).toBe('answer');
    await Promise.all(hung);
  });

  it('is probed by one call, even if that hangs, and refuses all other calls at once', async () => {
    const breakerChanged = vi.fn();
    const protection = protect({ limits: { retries: 0 }, observe: { breakerChanged } });
    await openBreaker(protection);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(protection.breaker).toBe('half-open');
    const probe = outcomeOf(run(protection, never));
    await vi.advanceTimersByTimeAsync(500);
    await expect(run(protection, system.call)).rejects.toThrow('not called until it is probed again');
    await vi.advanceTimersByTimeAsync(500);
    expect(await probe).toBeInstanceOf(SourceTimeoutError);
    expect(protection.breaker).toBe('open');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await run(protection, system.call)).toBe('answer');
    expect(protection.breaker).toBe('closed');
    expect(breakerChanged.mock.calls.flat()).toEqual(['open', 'half-open', 'open', 'half-open', 'closed']);
  });

  it('is probed by the next call if the probe was never sent', async () => {
    const protection = protect({ limits: { retries: 0 } });
    await openBreaker(protection);
    await vi.advanceTimersByTimeAsync(5_000);
    const client = new AbortController();
    const probe = outcomeOf(run(protection, never, { signal: client.signal }));
    client.abort(new Error('hung up'));
    await probe;
    expect(await run(protection, system.call)).toBe('answer');
    expect(protection.breaker).toBe('closed');
  });
});

describe('a probe', () => {
  it('without a slot is replaced by the next call', async () => {
    const protection = protect({ limits: { retries: 0 } });
    await openBreaker(protection);
    protection.scope({ priority: 'interactive' }).slowDown({ retryAfterMs: 10_000 });
    await vi.advanceTimersByTimeAsync(5_000);
    const probe = outcomeOf(run(protection, system.call, { deadlineAt: clock.now() + 1_000 }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await probe).toBeInstanceOf(SourceRateLimitedError);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await run(protection, system.call)).toBe('answer');
    expect(protection.breaker).toBe('closed');
  });
});

describe('a source whose contract counts calls', () => {
  beforeEach(() => {
    vi.setSystemTime(Date.UTC(2026, 10, 24, 23, 59, 0));
  });
  const limits = { quota: { calls: 2, per: 'day' as const }, concurrency: 1 };

  it('receives no calls after the quota is used up until the next day, and no call waits', async () => {
    const protection = protect({ limits: { ...limits, rate: { calls: 1, per: '1 s', burst: 3 } } });
    const all = Array.from({ length: 20 }, () => outcomeOf(run(protection, taking(10))));
    await vi.advanceTimersByTimeAsync(20);
    const outcomes = await Promise.all(all);
    expect(outcomes.slice(0, 2)).toEqual(['answer', 'answer']);
    for (const error of outcomes.slice(2))
      expect(error).toMatchObject({ code: 'SOURCE_RATE_LIMITED', retryAfter: 60 });
    await expect(run(protection, system.call)).rejects.toThrow('quota of shop is used up');
    expect(protection.scope({ priority: 'interactive' }).retryAfter()).toBe(60);
    expect(protection.breaker).toBe('closed');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await run(protection, system.call)).toBe('answer');
  });

  it('receives calls even if the store of the count hangs', async () => {
    const protection = protect({ limits, quota: { count: never } });
    const answer = run(protection, system.call);
    await vi.advanceTimersByTimeAsync(20);
    expect(await answer).toBe('answer');
  });

  it('is charged for calls that are sent, not for calls that are cancelled earlier', async () => {
    const count = vi.fn(() => Promise.resolve(1));
    const protection = protect({ limits: { ...limits, rate: { calls: 1, per: '1 s' } }, quota: { count } });
    await run(protection, system.call);
    const outcome = outcomeOf(run(protection, system.call, { deadlineAt: clock.now() + 10 }));
    await vi.advanceTimersByTimeAsync(10);
    expect(await outcome).toBeInstanceOf(SourceRateLimitedError);
    expect(count).toHaveBeenCalledTimes(1);
  });
});

it('settles every call and frees every slot, for any behaviour of the system and the callers', async () => {
  const way = fc.constantFrom('answers', 'hangs', 'is unavailable', 'wants less', 'answers nonsense');
  const call = fc.record({
    priority: fc.constantFrom(...PRIORITIES),
    at: fc.integer({ min: 0, max: 20_000 }),
    takes: fc.integer({ min: 0, max: 1_500 }),
    ways: fc.array(way, { minLength: 3, maxLength: 3 }),
    deadlineIn: fc.option(fc.integer({ min: 1, max: 5_000 }), { nil: undefined }),
    cancelledIn: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined }),
  });
  const limits = fc.record({
    concurrency: fc.integer({ min: 1, max: 4 }),
    rate: fc.constantFrom(undefined, { calls: 5, per: '1 s' as const }),
    quota: fc.constantFrom(undefined, { calls: 20, per: 'day' as const }),
  });
  await fc.assert(
    fc.asyncProperty(limits, fc.array(call, { maxLength: 40 }), async ({ rate, quota, ...rest }, calls) => {
      const protection = protect({
        limits: { ...rest, ...(rate && { rate }), ...(quota && { quota }) },
        random: Math.random,
      });
      let [underWay, most, ended] = [0, 0, 0];
      const makeCall =
        (ways: string[], takes: number, cancel: { gone: boolean }) => async (signal: CallSignal) => {
          expect(cancel.gone).toBe(false);
          underWay += 1;
          most = Math.max(most, underWay);
          signal.addEventListener('abort', () => (underWay -= 1));
          const next = ways.shift();
          if (next === 'hangs') await never();
          await new Promise((resolve) => setTimeout(resolve, takes));
          if (signal.aborted) return;
          underWay -= 1;
          if (next === 'is unavailable') throw unavailable();
          if (next === 'wants less') throw slowDown(1);
          if (next === 'answers nonsense') throw new SourceContractError('shop', 'What?');
        };
      for (const { priority, at, takes, ways, deadlineIn, cancelledIn } of calls)
        setTimeout(() => {
          const client = new AbortController();
          const cancel = { gone: false };
          if (cancelledIn !== undefined)
            setTimeout(() => {
              cancel.gone = true;
              client.abort(new Error('hung up'));
            }, cancelledIn);
          const deadlineAt = deadlineIn === undefined ? undefined : clock.now() + deadlineIn;
          const scope = protection.scope({ priority, signal: client.signal, deadlineAt });
          void outcomeOf(scope.run(makeCall(ways, takes, cancel))).then(() => {
            ended += 1;
            expect(scope.isWaiting).toBe(false);
          });
        }, at);
      await vi.advanceTimersByTimeAsync(2 * 86_400_000);
      expect(ended).toBe(calls.length);
      expect(most).toBeLessThanOrEqual(rest.concurrency);
      expect(protection.waiting).toBe(0);
      expect(vi.getTimerCount()).toBe(0);
      // All slots are free again. The first call may be a probe.
      expect(await run(protection, system.call)).toBe('answer');
      const after = Promise.all(Array.from({ length: rest.concurrency }, () => run(protection, taking(1))));
      await vi.advanceTimersByTimeAsync(1);
      expect(await after).toHaveLength(rest.concurrency);
    }),
    { numRuns: 150 },
  );
});
