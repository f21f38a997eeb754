import { expect, it, vi } from 'vitest';
import { createStoreHealth } from '../../src/webhooks/store-health.js';
import type { WebhookStore } from '../../src/webhooks/store.js';
import { fakeClock } from '../support/clock.js';

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
