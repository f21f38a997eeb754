import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { createDeliverer, type Deliverer } from '../../src/webhooks/deliver.js';
import { createWebhookStore, type WebhookStore } from '../../src/webhooks/store.js';
import { anEndpoint, planFor } from '../webhooks/deliveries.js';
import { startReceiver, type Receiver } from '../webhooks/receiver.js';
import { anEvent } from '../webhooks/store-contract.js';
import { createDatabase } from './database.js';

type Instance = { store: WebhookStore; deliverer: Deliverer };

let database: Awaited<ReturnType<typeof createDatabase>>;
let receiver: Receiver;
let instances: Instance[];
/** The clock is faster than real time, so that retries after seconds happen at once. */
const now = () => Date.now() * 100;

beforeEach(async () => {
  database = await createDatabase();
  receiver = await startReceiver();
  instances = await Promise.all([1, 2, 3].map(startInstance));
});
afterEach(async () => {
  for (const { store, deliverer } of instances) {
    await deliverer.close();
    await store.close();
  }
  await receiver.close();
  await database.close();
});

async function startInstance(): Promise<Instance> {
  const store = await createWebhookStore({ postgresUrl: database.url, secret: 'a secret of the test', now });
  const deliverer = createDeliverer({
    metrics: createMetrics(),
    store,
    endpoints: [anEndpoint('mailer', receiver.url)],
    process: (event) => Promise.resolve({ deliveries: [planFor(event, 'mailer', now())] }),
    render: ({ event }) => Promise.resolve({ body: { type: 't', timestamp: event.time, data: event.id } }),
    logger: pino({ level: 'silent' }),
    now,
    pollMs: 50,
    leaseMs: 100 * 30_000,
  });
  return { store, deliverer };
}

const ofCustomer = (customer: number, number: number) =>
  anEvent(`${customer}-${number}`, {
    identifiers: { customerNumber: [`c${customer}`] },
    data: { customer: `c${customer}` },
  });
const came = () => receiver.received.map(({ body }) => (JSON.parse(body) as { data: string }).data);

it('three instances send each delivery once, and those of a customer in order', async () => {
  const failed = new Set<string>();
  receiver.answer = ({ id, body }) => {
    const fails = /-[37]"/.test(body) && !failed.has(id);
    if (fails) failed.add(id);
    return { status: fails ? 500 : 204 };
  };
  await Promise.all(
    Array.from({ length: 20 }, async (_, customer) => {
      for (let number = 0; number < 15; number += 1) {
        const instance = instances[(customer + number) % 3];
        // The system repeats the event to an available instance.
        for (const item of [instance, instances[number % 3]])
          await item?.store.add([ofCustomer(customer, number)]);
        instance?.deliverer.wake();
      }
    }),
  );
  const { store } = instances[0] ?? {};
  await vi.waitFor(async () => {
    expect(await store?.list({ state: 'delivered', limit: 1_000 })).toHaveLength(300);
  }, 40_000);
  const events = came();
  // Only failed deliveries were repeated.
  expect(failed.size).toBe(40);
  expect(events).toHaveLength(340);
  for (let customer = 0; customer < 20; customer += 1) {
    const items = events
      .filter((event) => event.startsWith(`${customer}-`))
      .map((event) => Number(event.split('-')[1]));
    expect(items).toEqual(items.toSorted((a, b) => a - b));
    expect(new Set(items).size).toBe(15);
  }
});

it('events and deliveries are refused while the database is unavailable, and accepted when it returns', async () => {
  const [{ store, deliverer } = instances[0] ?? raise()] = instances;
  await store.add([ofCustomer(1, 1)]);
  await database.shut();
  await expect(store.add([ofCustomer(1, 2)])).rejects.toThrow();
  await database.reopen();
  await vi.waitFor(() => store.add([ofCustomer(1, 2)]), 20_000);
  deliverer.wake();
  await vi.waitFor(() => {
    expect(new Set(came())).toEqual(new Set(['1-1', '1-2']));
  }, 40_000);
});

function raise(): never {
  throw new Error('The instance does not exist.');
}
