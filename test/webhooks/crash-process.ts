import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { pino } from 'pino';
import { z } from 'zod';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { createDeliverer } from '../../src/webhooks/deliver.js';
import { createWebhookStore } from '../../src/webhooks/store.js';
import { anEndpoint, planFor } from './deliveries.js';
import { anEvent } from './store-contract.js';

/**
 * A process that only handles webhooks: it stores events from POST requests, answers 204 and delivers them. It starts when it
 * reads a line from standard input, so that the next process can be ready when this one is killed.
 */
const { file, url, speed } = z
  .object({ file: z.string(), url: z.string(), speed: z.coerce.number() })
  .parse({ file: process.argv[2], url: process.argv[3], speed: process.argv[4] });
await once(process.stdin, 'data');

/** The clock is faster than real time, so that retries after seconds happen at once. */
const now = (): number => Date.now() * speed;
const postgresUrl = process.env['CRASH_POSTGRES_URL'];
const store = await createWebhookStore({
  ...(postgresUrl === undefined ? { file } : { postgresUrl }),
  secret: 'a secret of the test',
  now,
});
const deliverer = createDeliverer({
  metrics: createMetrics(),
  store,
  endpoints: [anEndpoint('flaky', url, { concurrency: 20 })],
  process: (event) => Promise.resolve({ deliveries: [planFor(event, 'flaky', now())] }),
  render: ({ event }) =>
    Promise.resolve({
      body: { type: 'orderPlaced', timestamp: event.time, data: { ...event.data, event: event.id } },
    }),
  logger: pino({ level: 'silent' }),
  now,
  pollMs: 50,
  // The deliverer uses the clock of the lease, because it sends no attempt that could exceed the lease.
  timeoutMs: 1_000 * speed,
  leaseMs: 2_000 * speed,
});

const body = z.object({ id: z.string(), customer: z.string() });
const server = createServer((request, response) => {
  request.setEncoding('utf8').on('data', (text) => {
    const { id, customer } = body.parse(JSON.parse(String(text)));
    const event = anEvent(id, { identifiers: { customerNumber: [customer] }, data: { customer } });
    void store
      .add([event])
      .then(() => {
        deliverer.wake();
        return 204;
      })
      .catch(() => 503)
      .then((status) => response.writeHead(status).end());
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
