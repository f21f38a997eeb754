import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { createDeliverer, type Deliverer, type DelivererOptions } from '../../src/webhooks/deliver.js';
import type { Endpoint } from '../../src/webhooks/endpoints.js';
import type { SourceEvent } from '../../src/webhooks/event.js';
import { createWebhookStore, type PlannedDelivery, type WebhookStore } from '../../src/webhooks/store.js';

export const HOUR = 3_600_000;
export const START = Date.parse('2026-03-02T09:00:00Z');

export interface Deliveries {
  store: WebhookStore;
  deliverer: Deliverer;
  /** The logged lines. */
  log: string[];
  now: () => number;
  advance: (milliseconds: number) => void;
  /** Stores events one after another, and attempts the due deliveries. */
  send: (...events: SourceEvent[]) => Promise<void>;
  close(): Promise<void>;
}

/** Starts a store and a deliverer with a fake clock. Each event is delivered to each endpoint. */
export async function startDeliveries(
  endpoints: readonly Endpoint[],
  more: Partial<DelivererOptions> = {},
): Promise<Deliveries> {
  let at = START;
  const now = () => at;
  const folder = await mkdtemp(join(tmpdir(), 'webhooks-'));
  const store = await createWebhookStore({
    file: join(folder, 'webhooks.db'),
    secret: 'a secret of the test',
    now,
  });
  const log: string[] = [];
  const deliverer = createDeliverer({
    metrics: createMetrics(),
    store,
    endpoints,
    process: (event) =>
      Promise.resolve({ deliveries: endpoints.map(({ name }) => planFor(event, name, at)) }),
    render: ({ trigger, event }) =>
      Promise.resolve({ body: { type: trigger, timestamp: event.time, data: { order: event.subject } } }),
    logger: pino({ level: 'info' }, { write: (line: string) => log.push(line) }),
    now,
    random: () => 0.5,
    ...more,
  });
  return {
    store,
    deliverer,
    log,
    now,
    advance: (milliseconds) => {
      at += milliseconds;
    },
    send: async (...events) => {
      for (const event of events) await store.add([event]);
      await deliverer.idle();
    },
    close: async () => {
      await deliverer.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

export function planFor(event: SourceEvent, endpoint: string, dueAt: number): PlannedDelivery {
  return { trigger: 'orderPlaced', endpoint, orderKey: String(event.data['customer'] ?? event.id), dueAt };
}

export function anEndpoint(name: string, url: string, more: Partial<Endpoint> = {}): Endpoint {
  return {
    name,
    url,
    secrets: [randomBytes(32)],
    ratePerSecond: 1_000,
    concurrency: 5,
    allowPrivate: true,
    callers: [],
    ...more,
  };
}
