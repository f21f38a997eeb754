import { describe, expect, it, vi } from 'vitest';
import { CallController, toAbortSignal, type CallSignal } from '../../src/v8/call-signal.js';

const reason = new Error('Nobody waits for it.');

describe.each([
  ['of a call', () => new CallController()],
  ['of Node', () => new AbortController()],
] as const)('a signal %s', (_, make) => {
  const listener = (signal: CallSignal) => {
    const heard = vi.fn();
    signal.addEventListener('abort', heard, { once: true });
    return heard;
  };

  it('tells all who listen, once, with the first reason', () => {
    const controller = make();
    const { signal } = controller;
    const [one, other] = [listener(signal), listener(signal)];
    signal.throwIfAborted();
    expect([signal.aborted, signal.reason]).toEqual([false, undefined]);
    controller.abort(reason);
    controller.abort(new Error('Another one.'));
    expect([one.mock.calls.length, other.mock.calls.length]).toEqual([1, 1]);
    expect([signal.aborted, signal.reason]).toEqual([true, reason]);
    expect(() => {
      signal.throwIfAborted();
    }).toThrow(reason);
  });

  it('does not tell who has stopped listening, nor who comes too late, and twice the same listener once', () => {
    const controller = make();
    const { signal } = controller;
    const [gone, twice, late] = [listener(signal), listener(signal), vi.fn()];
    signal.removeEventListener('abort', gone);
    signal.removeEventListener('abort', vi.fn());
    signal.addEventListener('abort', twice);
    controller.abort(reason);
    signal.addEventListener('abort', late);
    expect([gone.mock.calls.length, twice.mock.calls.length, late.mock.calls.length]).toEqual([0, 1, 0]);
  });

  it('is told on by a real AbortSignal, also when it has aborted before', () => {
    const controller = make();
    const early = toAbortSignal(controller.signal);
    expect(early).toBeInstanceOf(AbortSignal);
    expect(early.aborted).toBe(false);
    controller.abort(reason);
    const late = toAbortSignal(controller.signal);
    expect([early.aborted, early.reason, late.aborted, late.reason]).toEqual([true, reason, true, reason]);
  });
});
