import { afterEach, expect, it, vi } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { createDeliverer } from '../../src/webhooks/deliver.js';
import type { WebhookStore } from '../../src/webhooks/store.js';
import { anEndpoint, planFor, START, startDeliveries } from './deliveries.js';
import { recordingLogger } from '../cache/shared-cache/fake-link.js';
import { startReceiver } from './receiver.js';
import { anEvent } from './store-contract.js';

afterEach(() => {
  vi.useRealTimers();
});

it('an overloaded endpoint receives no messages for 5 seconds, if it sends no Retry-After', async () => {
  const mailer = await startReceiver(() => ({ status: 429 }));
  const sender = await startDeliveries([anEndpoint('mailer', mailer.url, { concurrency: 1 })]);
  try {
    await sender.send(anEvent('1'), anEvent('2'));
    expect(mailer.received).toHaveLength(1);
    sender.advance(4_999);
    await sender.deliverer.idle();
    expect(mailer.received).toHaveLength(1);
    mailer.answer = () => ({ status: 204 });
    sender.advance(1);
    await sender.deliverer.idle();
    expect(mailer.received).toHaveLength(3);
  } finally {
    await sender.close();
    await mailer.close();
  }
});

it('an event is delivered when it is stored, without waiting for the next poll', async () => {
  const mailer = await startReceiver();
  const sender = await startDeliveries([anEndpoint('mailer', mailer.url)], { pollMs: 3_600_000 });
  try {
    await sender.deliverer.idle();
    await sender.store.add([anEvent('1')]);
    sender.deliverer.wake();
    await vi.waitFor(() => {
      expect(mailer.received).toHaveLength(1);
    });
  } finally {
    await sender.close();
    await mailer.close();
  }
});

it('the store is swept every minute until the deliverer is closed', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const sweep = vi.fn<WebhookStore['sweep']>(() => Promise.reject(new Error('The disk is full.')));
  const nothing = () => Promise.resolve([]);
  const store = { sweep, leaseEvents: nothing, leaseDeliveries: nothing } as unknown as WebhookStore;
  const deliverer = createDeliverer({
    store,
    endpoints: [],
    process: () => Promise.resolve({ deliveries: [] }),
    render: () => Promise.resolve({ skip: 'never' }),
    logger: createLogger('silent'),
    metrics: createMetrics(),
  });
  vi.advanceTimersByTime(59_999);
  expect(sweep).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_001);
  expect(sweep).toHaveBeenCalledTimes(2);
  await deliverer.close();
  vi.advanceTimersByTime(120_000);
  expect(sweep).toHaveBeenCalledTimes(2);
});

it('events and attempts are counted with their outcome', async () => {
  const mailer = await startReceiver(() => ({ status: 500 }));
  const metrics = { eventProcessed: vi.fn(), deliveryAttempted: vi.fn() };
  const sender = await startDeliveries([anEndpoint('mailer', mailer.url)], {
    metrics,
    process: (event) =>
      event.id === 'broken'
        ? Promise.reject(new Error('broken'))
        : Promise.resolve({ deliveries: [planFor(event, 'mailer', START)] }),
  });
  try {
    const { source } = anEvent('1');
    for (const id of ['1', 'broken']) await sender.send(anEvent(id));
    expect(metrics.eventProcessed.mock.calls).toEqual([
      [source, 'ok'],
      [source, 'failed'],
    ]);
    mailer.answer = () => ({ status: 204 });
    sender.advance(5_000);
    await sender.deliverer.idle();
    expect(metrics.deliveryAttempted.mock.calls).toEqual([
      ['mailer', 'waiting'],
      ['mailer', 'delivered'],
    ]);
  } finally {
    await sender.close();
    await mailer.close();
  }
});

it('an unavailable store is logged once, and once when it is available again', async () => {
  let isAvailable = false;
  const lease = () => (isAvailable ? Promise.resolve([]) : Promise.reject(new Error('The disk is full.')));
  const store = { leaseEvents: lease, leaseDeliveries: lease } as unknown as WebhookStore;
  const { logger, lines } = recordingLogger();
  const deliverer = createDeliverer({
    store,
    endpoints: [anEndpoint('mailer', 'http://127.0.0.1:1/')],
    process: () => Promise.resolve({ deliveries: [] }),
    render: () => Promise.resolve({ skip: 'never' }),
    logger,
    metrics: createMetrics(),
  });
  const messages = () => lines.map(({ msg }) => String(msg));
  for (let i = 0; i < 3; i += 1) await deliverer.idle();
  expect(messages()).toEqual([expect.stringContaining('the webhook store is unavailable')]);
  isAvailable = true;
  for (let i = 0; i < 3; i += 1) await deliverer.idle();
  expect(messages().slice(1)).toEqual(['the webhook store is available again']);
  await deliverer.close();
});
