import { afterEach, expect, it, vi } from 'vitest';
import { createStoreHealth } from '../../src/webhooks/store-health.js';
import type { WebhookStore } from '../../src/webhooks/store.js';
import { fakeClock } from '../support/clock.js';

afterEach(() => {
  vi.useRealTimers();
});

const COUNTS = { eventsWaiting: 2, oldestEventAt: null, eventsDead: 1, deliveries: [] };

it('reads the figures of the store at most once in five seconds', async () => {
  const clock = fakeClock();
  const counts = vi.fn<WebhookStore['counts']>(() => Promise.resolve(COUNTS));
  const disabled = () => Promise.resolve([{ endpoint: 'mailer', at: 0, reason: 'status 410' }]);
  const figures = createStoreHealth(Promise.resolve({ store: { counts, disabled } }), clock);
  expect(await figures()).toEqual({
    eventsWaiting: 2,
    eventsDead: 1,
    deliveries: [],
    oldestEventS: 0,
    disabled: ['mailer'],
  });
  clock.advance(4_999);
  await figures();
  expect(counts).toHaveBeenCalledTimes(1);
  clock.advance(1);
  await figures();
  expect(counts).toHaveBeenCalledTimes(2);
});

it.each([
  ['cannot be opened', () => Promise.reject(new Error('no file'))],
  [
    'rejects',
    () =>
      Promise.resolve({
        store: { counts: () => Promise.reject(new Error('gone')), disabled: () => Promise.resolve([]) },
      }),
  ],
])('has no figures of a store that %s', async (_, open) => {
  expect(await createStoreHealth(open())()).toBeUndefined();
});

it.each([
  [90_000, 90],
  [0, 0],
  // The clock of the instance that received it may be ahead.
  [-5_000, 0],
])('has the age of the oldest event in seconds: %i ms', async (ageMs, seconds) => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const counts = () => Promise.resolve({ ...COUNTS, oldestEventAt: Date.now() - ageMs });
  const figures = createStoreHealth(
    Promise.resolve({ store: { counts, disabled: () => Promise.resolve([]) } }),
  );
  expect((await figures())?.oldestEventS).toBe(seconds);
});

it('has no figures of a store that does not answer within two seconds, and no timer is left of one that does', async () => {
  vi.useFakeTimers();
  const disabled = () => Promise.resolve([]);
  const never = createStoreHealth(
    Promise.resolve({ store: { counts: () => new Promise<never>(() => undefined), disabled } }),
  );
  let figures: unknown = 'pending';
  void never().then((read) => (figures = read));
  await vi.advanceTimersByTimeAsync(1_999);
  expect(figures).toBe('pending');
  await vi.advanceTimersByTimeAsync(1);
  expect(figures).toBeUndefined();
  await createStoreHealth(Promise.resolve({ store: { counts: () => Promise.resolve(COUNTS), disabled } }))();
  await vi.advanceTimersByTimeAsync(0);
  expect(vi.getTimerCount()).toBe(0);
});
