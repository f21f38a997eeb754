import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { createDeliverer } from '../../src/webhooks/deliver.js';
import { createWebhookStore } from '../../src/webhooks/store.js';
import { planFor } from '../webhooks/deliveries.js';
import { anEvent } from '../webhooks/store-contract.js';

/**
 * Time to store an event while many arrive and are processed, each into a reminder for later:
 * `node --import tsx test/bench/webhooks-add.ts [events a second] [seconds] [PostgreSQL's address]`
 */
const [rate = 1_000, seconds = 15] = process.argv.slice(2, 4).map(Number);
const postgresUrl = process.argv[4];
const folder = await mkdtemp(join(tmpdir(), 'webhooks-'));
const place = postgresUrl === undefined ? { file: join(folder, 'webhooks.db') } : { postgresUrl };
const store = await createWebhookStore({ ...place, secret: 'a secret of the bench' });
const deliverer = createDeliverer({
  metrics: createMetrics(),
  store,
  endpoints: [],
  process: (event) => Promise.resolve({ deliveries: [planFor(event, 'mailer', Date.now() + 3_600_000)] }),
  render: () => Promise.resolve({ skip: 'never due' }),
  logger: pino({ level: 'warn' }),
});

const times: number[] = [];
const added: Promise<void>[] = [];
const run = String(Date.now());
const loop = monitorEventLoopDelay({ resolution: 5 });
loop.enable();
const startedAt = performance.now();
for (let count = 0; count < rate * seconds; count += 1) {
  const ahead = (count * 1000) / rate - (performance.now() - startedAt);
  if (ahead > 1) await sleep(ahead);
  // The time since the event was due, including delays of the bench itself.
  const at = startedAt + (count * 1000) / rate;
  const event = anEvent(`${run}-${count}`, { data: { customer: `c${count % 5_000}` } });
  added.push(
    store.add([event]).then(() => {
      times.push(performance.now() - at);
      deliverer.wake();
    }),
  );
}
await Promise.all(added);
loop.disable();
const { eventsWaiting } = await store.counts();
await deliverer.idle();
const all = performance.now() - startedAt;
times.sort((a, b) => a - b);
const at = (part: number) => Math.round(times[Math.floor((times.length - 1) * part)] ?? 0);
process.stdout.write(
  `${JSON.stringify({
    eventsPerSecond: rate,
    added: times.length,
    storeMs: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) },
    eventLoopDelayMs: { p99: Math.round(loop.percentile(99) / 1e6), max: Math.round(loop.max / 1e6) },
    notYetProcessedAtTheEnd: eventsWaiting,
    allProcessedAfterMs: Math.round(all),
  })}\n`,
);
await deliverer.close();
await store.close();
await rm(folder, { recursive: true });
