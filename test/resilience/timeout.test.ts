import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SourceTimeoutError } from '../../src/errors.js';
import type { CallSignal } from '../../src/v8/call-signal.js';
import { cancellation } from '../../src/resilience/cancellation.js';
import { timeout } from '../../src/resilience/timeout.js';

describe('the timeout of a call', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  const guard = <T>(call: (signal: CallSignal) => Promise<T>, client?: AbortSignal) =>
    timeout('shop', 1_000, call, client && cancellation(client));
  const never = () => new Promise<never>(() => undefined);

  it('returns the result of a call in time, and leaves no timer', async () => {
    expect(await guard(() => Promise.resolve('answer'))).toBe('answer');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('returns the failure of a call in time, and leaves no timer', async () => {
    await expect(guard(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('returns the failure of a call that throws synchronously', async () => {
    const failing = (): Promise<never> => {
      throw new Error('broken');
    };
    await expect(guard(failing)).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects at its timeout even if the call continues, and aborts the call', async () => {
    let signal: CallSignal | undefined;
    const outcome = guard((callSignal) => {
      signal = callSignal;
      return new Promise(() => undefined);
    }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(999);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    const error = await outcome;
    expect(error).toBeInstanceOf(SourceTimeoutError);
    expect((error as SourceTimeoutError).extensions).toEqual({
      code: 'SOURCE_TIMEOUT',
      source: 'shop',
      retryable: true,
    });
    expect(signal?.aborted).toBe(true);
    expect(signal?.reason).toBe(error);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not stop a call that has answered', async () => {
    let signal: CallSignal | undefined;
    await guard((callSignal) => {
      signal = callSignal;
      return Promise.resolve();
    });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(signal?.aborted).toBe(false);
  });

  it('ignores the late result of a call', async () => {
    let answer: (value: string) => void = () => undefined;
    const outcome = guard(() => new Promise<string>((resolve) => (answer = resolve))).catch(
      (error: unknown) => error,
    );
    await vi.advanceTimersByTimeAsync(1_000);
    answer('too late');
    expect(await outcome).toBeInstanceOf(SourceTimeoutError);
  });

  it('aborts a cancelled call, with the reason of the caller', async () => {
    const client = new AbortController();
    const reason = new Error('hung up');
    let signal: CallSignal | undefined;
    const outcome = guard((callSignal) => {
      signal = callSignal;
      return never();
    }, client.signal).catch((error: unknown) => error);
    client.abort(reason);
    expect(await outcome).toBe(reason);
    expect(signal?.reason).toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not send a call that is already cancelled', async () => {
    const call = vi.fn(never);
    await expect(guard(call, AbortSignal.abort(new Error('hung up')))).rejects.toThrow('hung up');
    expect(call).not.toHaveBeenCalled();
  });

  it('leaves no listener on the signal of the client, for any result of the call', async () => {
    const client = new AbortController();
    const added = vi.spyOn(client.signal, 'addEventListener');
    const removed = vi.spyOn(client.signal, 'removeEventListener');
    await guard(() => Promise.resolve('answer'), client.signal);
    await guard(() => Promise.reject(new Error('broken')), client.signal).catch(() => undefined);
    const late = guard(never, client.signal).catch(() => undefined);
    await vi.advanceTimersByTimeAsync(1_000);
    await late;
    expect(added).toHaveBeenCalledTimes(3);
    expect(removed).toHaveBeenCalledTimes(3);
  });

  it('adds one listener for any number of calls, until the last of them ends', async () => {
    const client = new AbortController();
    const added = vi.spyOn(client.signal, 'addEventListener');
    const cancelled = cancellation(client.signal);
    const done = timeout('shop', 1_000, () => Promise.resolve(), cancelled);
    const outcomes = Array.from({ length: 50 }, () => timeout('shop', 1_000, never, cancelled));
    expect(added).toHaveBeenCalledTimes(1);
    await done;
    client.abort(new Error('hung up'));
    await Promise.all(outcomes.map((outcome) => expect(outcome).rejects.toThrow('hung up')));
  });
});
