import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { createDeliverer } from '../../src/webhooks/deliver.js';
import { storeOver } from '../../src/webhooks/store-over.js';
import { openSqlite } from '../../src/webhooks/store-sqlite.js';
import { anEndpoint, planFor } from './deliveries.js';
import { startReceiver } from './receiver.js';
import { anEvent } from './store-contract.js';

it('refuses events while the disk is full, loses no accepted event, and continues when there is space again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'webhooks-'));
  const receiver = await startReceiver();
  const database = await openSqlite(join(folder, 'webhooks.db'));
  let now = Date.now();
  const store = await storeOver(database, { secret: 'a secret of the test', now: () => now });
  // SQLite fails in the same way at this limit as on a full disk.
  const limitPages = (pages: number) => database.run([{ sql: `PRAGMA max_page_count = ${pages}` }]);
  await limitPages(60);
  const add = (id: string) => store.add([anEvent(id, { data: { text: 'x'.repeat(1_000) } })]);

  const added: string[] = [];
  let refusal: unknown;
  for (let count = 0; refusal === undefined && count < 1_000; count += 1) {
    const id = `event-${count}`;
    await add(id).then(
      () => added.push(id),
      (error: unknown) => {
        refusal = error;
      },
    );
  }
  expect(refusal).toMatchObject({ code: 'SQLITE_FULL' });
  expect(added.length).toBeGreaterThan(20);
  await expect(add('one more')).rejects.toMatchObject({ code: 'SQLITE_FULL' });

  const log: string[] = [];
  const deliverer = createDeliverer({
    metrics: createMetrics(),
    store,
    endpoints: [anEndpoint('mailer', receiver.url)],
    process: (event) => Promise.resolve({ deliveries: [planFor(event, 'mailer', now)] }),
    render: ({ event }) => Promise.resolve({ body: { type: 't', timestamp: event.time, data: event.id } }),
    logger: pino({ level: 'info' }, { write: (line: string) => log.push(line) }),
    now: () => now,
  });
  await deliverer.idle();

  await limitPages(100_000);
  await add('one more');
  for (let minutes = 0; minutes < 30; minutes += 1) {
    now += 60_000;
    await deliverer.idle();
  }
  const delivered = new Set(receiver.received.map(({ body }) => (JSON.parse(body) as { data: string }).data));
  expect([...delivered].sort()).toEqual([...added, 'one more'].sort());
  expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(delivered.size);
  expect((await store.counts()).eventsWaiting).toBe(0);
  expect(log.join('')).toContain('the webhook store is unavailable');
  expect(log.join('')).toContain('the webhook store is available again');
  await deliverer.close();
  await store.close();
  await receiver.close();
  await rm(folder, { recursive: true });
});
