import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { after, LateError, within } from '../../../src/cache/shared-cache/within.js';
import { nextLoop } from './fake-link.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('a call is made after the time and the data that was received, unless it is cancelled before', async () => {
  const [call, cancelled, cancelledLate] = [vi.fn(), vi.fn(), vi.fn()];
  after(20, call);
  after(20, cancelled)();
  const cancel = after(20, cancelledLate);
  vi.advanceTimersByTime(20);
  expect(call).not.toHaveBeenCalled();
  cancel();
  await nextLoop();
  expect([call, cancelled, cancelledLate].map(({ mock }) => mock.calls.length)).toEqual([1, 0, 0]);
});

it('a promise is late after the time, and leaves no timer behind if it settles in time', async () => {
  const late = within(20, new Promise(() => undefined)).catch((error: unknown) => error);
  vi.advanceTimersByTime(20);
  expect(await late).toBeInstanceOf(LateError);
  expect(await within(20, Promise.resolve('value'))).toBe('value');
  await expect(within(20, Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  expect(vi.getTimerCount()).toBe(0);
});
