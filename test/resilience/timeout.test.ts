import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SourceTimeoutError } from '../../src/errors.js';
import { wrap } from '../../src/resilience/wrap.js';

describe('the timeout of a call', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  const guard = wrap({ source: 'shop', timeoutMs: 1_000 });

  it('gives what the call gives in time, and leaves no timer behind', async () => {
    expect(await guard(() => Promise.resolve('answer'))).toBe('answer');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('tells the failure of a call that fails in time, and leaves no timer behind', async () => {
    await expect(guard(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does the same for a call that fails before it has made a promise', async () => {
    const failing = (): Promise<never> => {
      throw new Error('broken');
    };
    await expect(guard(failing)).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends at its time although the call goes on, and tells the call to stop', async () => {
    let signal: AbortSignal | undefined;
    const outcome = guard((given) => {
      signal = given;
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
    let signal: AbortSignal | undefined;
    await guard((given) => {
      signal = given;
      return Promise.resolve();
    });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(signal?.aborted).toBe(false);
  });

  it('takes no notice of what the call says after its time', async () => {
    let answer: (value: string) => void = () => undefined;
    const outcome = guard(() => new Promise<string>((resolve) => (answer = resolve))).catch(
      (error: unknown) => error,
    );
    await vi.advanceTimersByTimeAsync(1_000);
    answer('too late');
    expect(await outcome).toBeInstanceOf(SourceTimeoutError);
  });
});
