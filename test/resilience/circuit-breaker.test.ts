import { beforeEach, describe, expect, it } from 'vitest';
import { SourceUnavailableError } from '../../src/errors.js';
import {
  circuitBreaker,
  type CircuitBreaker,
  type CallOutcome,
} from '../../src/resilience/circuit-breaker.js';
import { fakeClock, type FakeClock } from '../support/clock.js';

describe('the circuit breaker', () => {
  let clock: FakeClock;
  let breaker: CircuitBreaker;
  let states: string[];
  beforeEach(() => {
    clock = fakeClock();
    states = [];
    breaker = circuitBreaker('shop', clock, (state) => states.push(state));
  });

  const call = (outcome: CallOutcome, retryAfterMs?: number): void => {
    breaker.leave(breaker.enter(), outcome, retryAfterMs);
  };
  const fail = (times: number): void => {
    for (let i = 0; i < times; i += 1) call('failed');
  };
  const refusal = (): SourceUnavailableError => {
    try {
      breaker.enter();
    } catch (error) {
      return error as SourceUnavailableError;
    }
    throw new Error('The breaker allowed the call.');
  };

  it('opens at the tenth consecutive failure, and returns the time of the retry', () => {
    fail(9);
    expect(breaker.state).toBe('closed');
    expect(breaker.retryAfter).toBe(0);
    fail(1);
    expect(breaker.state).toBe('open');
    expect(refusal()).toBeInstanceOf(SourceUnavailableError);
    expect(refusal().extensions).toEqual({
      code: 'SOURCE_UNAVAILABLE',
      source: 'shop',
      retryable: true,
      retryAfter: 5,
    });
    clock.advance(3_500);
    expect(refusal().retryAfter).toBe(2);
  });

  it('remains closed if failures are fewer than answers', () => {
    for (let i = 0; i < 100; i += 1) {
      fail(1);
      call('answered');
      call('answered');
    }
    expect(breaker.state).toBe('closed');
  });

  it('opens for a system with more failures than answers', () => {
    const oftenFailing = () => {
      for (;;) {
        fail(2);
        call('answered');
      }
    };
    expect(oftenFailing).toThrow(SourceUnavailableError);
    expect(breaker.state).toBe('open');
  });

  it('opens by the latest 40 calls for a system that was healthy before and now often fails', () => {
    for (let i = 0; i < 1_000; i += 1) call('answered');
    // Two of three calls fail, so more than half of the latest 40 have failed after 31 calls.
    let calls = 0;
    while (breaker.state === 'closed' && calls < 100) call(calls++ % 3 < 2 ? 'failed' : 'answered');
    expect(calls).toBe(31);
  });

  it('ignores cancelled calls', () => {
    fail(9);
    for (let i = 0; i < 50; i += 1) call('unknown');
    expect(breaker.state).toBe('closed');
    fail(1);
    expect(breaker.state).toBe('open');
  });

  it('probes the system with one call after five seconds, and refuses all others until it is available', () => {
    fail(10);
    clock.advance(4_999);
    expect(refusal().retryAfter).toBe(1);
    clock.advance(1);
    expect(breaker.state).toBe('half-open');
    const probe = breaker.enter();
    expect(refusal().retryAfter).toBe(1);
    clock.advance(60_000);
    expect(refusal().retryAfter).toBe(1);
    breaker.leave(probe, 'answered');
    expect(breaker.state).toBe('closed');
    expect(states).toEqual(['open', 'half-open', 'closed']);
  });

  it('remains open if the probe fails', () => {
    fail(10);
    clock.advance(5_000);
    fail(1);
    expect(breaker.state).toBe('open');
    expect(refusal().retryAfter).toBe(5);
    clock.advance(5_000);
    call('answered');
    expect(breaker.state).toBe('closed');
  });

  it('uses the next call as the probe if the first one was cancelled', () => {
    fail(10);
    clock.advance(5_000);
    call('unknown');
    expect(breaker.state).toBe('half-open');
    call('answered');
    expect(breaker.state).toBe('closed');
  });

  it('resets its counts when the system is available again', () => {
    fail(10);
    clock.advance(5_000);
    call('answered');
    fail(9);
    expect(breaker.state).toBe('closed');
  });

  it('ignores the results of calls that were sent before it opened', () => {
    const early = Array.from({ length: 3 }, () => breaker.enter());
    fail(10);
    for (const pass of early.slice(0, 1)) breaker.leave(pass, 'answered');
    expect(breaker.state).toBe('open');
    clock.advance(5_000);
    const probe = breaker.enter();
    for (const pass of early.slice(1)) breaker.leave(pass, 'answered');
    expect(refusal()).toBeInstanceOf(SourceUnavailableError);
    breaker.leave(probe, 'failed');
    expect(states).toEqual(['open', 'half-open', 'open']);
  });

  it('remains open as long as the system requests, but at most a minute', () => {
    fail(9);
    call('failed', 30_000);
    expect(refusal().retryAfter).toBe(30);
    clock.advance(30_000);
    call('failed', 86_400_000);
    expect(refusal().retryAfter).toBe(60);
  });
});
