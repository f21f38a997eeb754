import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createWebhookStore } from '../../src/webhooks/store.js';
import { openTuned, type Bench } from './bench.js';
import type { EventSenderOptions, SentEvents } from './events-sender.js';
import { openConnections, openLoop, type Connections } from './open-loop.js';
import { customersEverywhere, customerQuery, ordinaryCustomers } from './query.js';
import { quantile, type Figure } from './report.js';

const EVENTS_PER_SECOND = 1_000;
const QUERIES_PER_SECOND = 50;
const CONNECTIONS = 500;
const WARM_UP_S = 3;
const GIVE_UP_MS = 10 * 60_000;
const SECRET = 'a secret of the bench';

/** A thousand webhooks a second, at the same time as queries. */
export async function events(bench: Bench): Promise<Figure[]> {
  const { environment, effort } = bench;
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-bench-events-'));
  const file = join(folder, 'webhooks.db');
  const gateway = await openTuned(
    bench,
    { '*': { freshness: { maxAge: '30 s' } } },
    {
      WEBHOOK_FILE: file,
      WEBHOOK_SECRET: SECRET,
      // The endpoint that the triggers name. No event of the bench is forwarded to it.
      WEBHOOK_ENDPOINTS: JSON.stringify([
        {
          name: 'campaign-tool',
          url: 'http://127.0.0.1:9/',
          secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
          allowPrivate: true,
        },
      ]),
    },
  );
  const queries = await openConnections(gateway.ready.url, CONNECTIONS);
  const others = new Set(queriedCustomers());
  const sender = await startSender({
    url: new URL('/webhooks/webshop', gateway.ready.url).href,
    secret: environment['WEBSHOP_WEBHOOK_SECRETS'] ?? '',
    emails: ordinaryCustomers().filter((email) => !others.has(email)),
    connections: CONNECTIONS,
    perSecond: EVENTS_PER_SECOND,
  });
  const store = await createWebhookStore({ file, secret: SECRET });
  try {
    // Warm up the gateway and the sender, to their state after hours of traffic.
    await sender.go(WARM_UP_S);
    await emptyAfterS(() => store.counts().then(({ eventsWaiting }) => eventsWaiting));
    await runQueries(queries, WARM_UP_S);
    const alone = await runQueries(queries, effort.loadS);
    const [{ sent, answers }, beside] = await Promise.all([
      sender.go(effort.loadS),
      runQueries(queries, effort.loadS),
    ]);
    const left = (await store.counts()).eventsWaiting;
    const { cpuMs } = await gateway.usage();
    const goneS = await emptyAfterS(() => store.counts().then(({ eventsWaiting }) => eventsWaiting));
    const accepted = answers.filter(({ status }) => status === 204);
    const p = (all: readonly { ms: number }[], part: number) =>
      quantile(
        all.map(({ ms }) => ms),
        part,
      );
    const detailOf = (all: readonly Answered[]) =>
      `${all.filter(({ status }) => status === 200).length} of ${all.length} answered, p99 ${p(all, 0.99).toFixed(0)} ms`;
    return [
      {
        name: 'events, accepted',
        value: accepted.length / effort.loadS,
        unit: 'requests/s',
        detail: `of ${(sent / effort.loadS).toFixed(0)} a second for ${effort.loadS} s; the others were refused and must be sent again`,
      },
      {
        name: 'events, p99 until accepted',
        value: p(accepted, 0.99),
        unit: 'ms',
        atMost: 200,
        detail: `p50 ${p(accepted, 0.5).toFixed(1)}`,
      },
      {
        name: 'events, p50 of queries without them',
        value: p(alone, 0.5),
        unit: 'ms',
        detail: detailOf(alone),
      },
      {
        name: 'events, p50 of queries during them',
        value: p(beside, 0.5),
        unit: 'ms',
        detail: detailOf(beside),
      },
      {
        name: 'events, p50 of queries during them / without them',
        value: p(beside, 0.5) / p(alone, 0.5),
        unit: 'x',
        atMost: 2,
      },
      {
        name: 'events, all processed after',
        value: goneS,
        unit: 's',
        atMost: 300,
        detail: `${left} were waiting when the last one was accepted`,
      },
      {
        name: 'events, CPU to process one',
        value: ((await gateway.usage()).cpuMs - cpuMs) / left,
        unit: 'ms',
      },
    ];
  } finally {
    sender.stop();
    await Promise.all([queries.close(), store.close()]);
    rmSync(folder, { recursive: true });
  }
}

interface Answered {
  status: number;
  ms: number;
}

/** Customers without events: an event invalidates the cache, which would slow queries for another reason. */
function queriedCustomers(): string[] {
  return customersEverywhere().slice(0, 100);
}

async function runQueries(connections: Connections, seconds: number): Promise<Answered[]> {
  const bodies = queriedCustomers().map((email) => customerQuery(email));
  const answered: Answered[] = [];
  await openLoop(connections, {
    perSecond: QUERIES_PER_SECOND,
    seconds,
    createRequest: (i) => ({ body: bodies[i % bodies.length] ?? '' }),
    each: ({ status, ms }) => answered.push({ status, ms }),
  });
  return answered;
}

/** Sends the events from a process of its own: in this one they would delay reading the answers to queries. */
async function startSender(what: EventSenderOptions): Promise<EventSender> {
  const child = fork(fileURLToPath(new URL('./events-sender.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
  });
  // In production the sender is another machine, so the measured processes have priority over it here.
  setPriority(child.pid ?? 0, 10);
  child.send(what);
  await once(child, 'message');
  return {
    go: async (seconds) => {
      child.send(seconds);
      const [result] = (await once(child, 'message')) as [SentEvents];
      return result;
    },
    stop: () => child.kill(),
  };
}

interface EventSender {
  go(seconds: number): Promise<SentEvents>;
  stop(): void;
}

async function emptyAfterS(count: () => Promise<number>): Promise<number> {
  const startedAt = performance.now();
  while ((await count()) > 0) {
    if (performance.now() - startedAt > GIVE_UP_MS) return Infinity;
    await sleep(100);
  }
  return (performance.now() - startedAt) / 1_000;
}
