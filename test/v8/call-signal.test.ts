import { describe, expect, it, vi } from 'vitest';
import { CallController, toAbortSignal, type CallSignal } from '../../src/v8/call-signal.js';

const reason = new Error('The client disconnected.');

describe.each([
  ['of a call', () => new CallController()],
  ['of Node', () => new AbortController()],
] as const)('a signal %s', (_, make) => {
  const listener = (signal: CallSignal) => {
    const heard = vi.fn();
    signal.addEventListener('abort', heard, { once: true });
    return heard;
  };

  it('calls all listeners once, with the first reason', () => {
    const controller = make();
    const { signal } = controller;
    const [first, second] = [listener(signal), listener(signal)];
    signal.throwIfAborted();
    expect([signal.aborted, signal.reason]).toEqual([false, undefined]);
    controller.abort(reason);
    controller.abort(new Error('Another reason.'));
    expect([first.mock.calls.length, second.mock.calls.length]).toEqual([1, 1]);
    expect([signal.aborted, signal.reason]).toEqual([true, reason]);
    expect(() => {
      signal.throwIfAborted();
    }).toThrow(reason);
  });

  it('calls a listener once if it is added twice, and never if it is removed or added too late', () => {
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

  it('aborts the AbortSignal that it is converted to, also if it was aborted before', () => {
    const controller = make();
    const early = toAbortSignal(controller.signal);
    expect(early).toBeInstanceOf(AbortSignal);
    expect(early.aborted).toBe(false);
    controller.abort(reason);
    const late = toAbortSignal(controller.signal);
    expect([early.aborted, early.reason, late.aborted, late.reason]).toEqual([true, reason, true, reason]);
  });
});
