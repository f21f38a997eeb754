import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { milliseconds } from '../duration.js';
import { EVENT_TYPES, type SourceEvent } from './event.js';
import type { DeliveryRecord, WebhookStore, WebhookStoreOptions } from './store.js';
import type { Database, Statement, Value } from './store-database.js';
import { gatherKept } from './store-keep.js';
import { sealWith } from './store-seal.js';
import * as sql from './store-tables.js';

const SWEEP_CHUNK = 2_000;

const storedEvent = z.object({
  id: z.string(),
  source: z.string(),
  type: z.enum(EVENT_TYPES),
  time: z.string(),
  subject: z.string().optional(),
  identifiers: z.record(z.string(), z.array(z.string())),
  data: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
const leasedEvent = z.object({
  seq: z.number(),
  event_key: z.string(),
  sealed: z.string().nullable(),
  attempts: z.number(),
});
const leasedDelivery = z.object({
  id: z.string(),
  trigger_name: z.string(),
  attempts: z.number(),
  due_at: z.number(),
  event_key: z.string(),
  sealed: z.string().nullable(),
});
const deliveryRecord = z
  .object({
    id: z.string(),
    state: z.enum(['waiting', 'delivered', 'skipped', 'cancelled', 'dead']),
    trigger_name: z.string(),
    endpoint: z.string(),
    attempts: z.number(),
    reason: z.string(),
    created_at: z.number(),
    due_at: z.number(),
    next_at: z.number().nullable(),
    finished_at: z.number().nullable(),
  })
  .transform(({ trigger_name, created_at, due_at, next_at, finished_at, ...same }): DeliveryRecord => ({
    ...same,
    trigger: trigger_name,
    createdAt: created_at,
    dueAt: due_at,
    nextAt: next_at,
    finishedAt: finished_at,
  }));
const disabledEndpoint = z.object({ endpoint: z.string(), disabled_at: z.number(), reason: z.string() });
const eventCount = z.object({ state: z.string(), count: z.number(), oldest: z.number() });
const deliveryCount = z.object({
  endpoint: z.string(),
  state: z.enum(['waiting', 'delivered', 'skipped', 'cancelled', 'dead']),
  count: z.number(),
});

/** The store, whatever the database. */
export async function storeOver(
  database: Database,
  {
    secret,
    now = Date.now,
    rememberMs = milliseconds('80 hours'),
    keepUsedMs = milliseconds('24 hours'),
    keepDeadMs = milliseconds('30 days'),
  }: WebhookStoreOptions,
): Promise<WebhookStore> {
  const seal = sealWith(secret);
  await database.prepare(sql.tables(database));

  async function rowsOf<T>(
    schema: z.ZodType<T>,
    statement: string,
    values: readonly Value[] = [],
  ): Promise<T[]> {
    const [rows = []] = await database.run([{ sql: statement, values }]);
    return rows.map((row) => schema.parse(row));
  }

  /** Undefined when it cannot be read: with another secret than it was written with. */
  function unseal(sealed: string | null, eventKey: string): SourceEvent | undefined {
    if (sealed === null) return undefined;
    try {
      const { subject, ...event } = storedEvent.parse(JSON.parse(seal.open(sealed, eventKey)));
      return { ...event, ...(subject === undefined ? {} : { subject }) };
    } catch {
      return undefined;
    }
  }

  /** What ends a delivery lets the next one of the same customer go. */
  const finish = (
    id: string,
    holder: string,
    attempts: number,
    reason: string,
    state: string,
  ): Statement[] => [
    { sql: sql.deliveryFinished, values: [id, holder, attempts, reason, state, now()] },
    { sql: sql.promoteBehind, values: [id] },
    ...(state === 'skipped' ? [{ sql: sql.releaseSkipped, values: [id] }] : []),
  ];

  /** What was left behind when an endpoint was taken out of the settings would be kept for ever. */
  async function buryForgotten(at: number): Promise<void> {
    const values = [at - keepDeadMs, at, SWEEP_CHUNK];
    const [buried = []] = await database.run([{ sql: sql.buryForgotten, values }]);
    await database.run(buried.map(({ id }) => ({ sql: sql.promoteBehind, values: [String(id)] })));
  }

  async function deleteInChunks(statement: string, ...values: readonly Value[]): Promise<void> {
    let deleted: number;
    do {
      const [rows = []] = await database.run([{ sql: statement, values: [...values, SWEEP_CHUNK] }]);
      deleted = rows.length;
    } while (deleted === SWEEP_CHUNK);
  }

  return {
    keep: gatherKept(database, seal, now),

    async leaseEvents(limit, leaseMs) {
      const holder = newHolder();
      const rows = await rowsOf(leasedEvent, sql.leaseEvents(database), [
        now(),
        now() + leaseMs,
        holder,
        limit,
      ]);
      const leased = [];
      for (const { seq, event_key, sealed, attempts } of rows.sort((a, b) => a.seq - b.seq)) {
        const event = unseal(sealed, event_key);
        if (event !== undefined) leased.push({ seq, holder, event, attempts });
        else await database.run([{ sql: sql.eventGivenUp, values: [seq, holder, 'cannot be read', now()] }]);
      }
      return leased;
    },

    async processed({ seq, holder, event }, { deliveries, cancel = [] }) {
      const at = now();
      const statements: Statement[] = [{ sql: sql.eventProcessed, values: [seq, holder, at] }];
      for (const key of cancel.map((text) => seal.digest('cancel', text)))
        statements.push(
          { sql: sql.cancelUnderLease, values: [key, at, seq, holder] },
          { sql: sql.releaseCancelled, values: [key] },
          { sql: sql.promoteBehindCancelled, values: [key] },
        );
      const plans: number[] = [];
      for (const { trigger, endpoint, orderKey, dueAt, cancelKey, once } of deliveries) {
        const id = `msg_${seal.digest('delivery', event.source, event.id, trigger, endpoint)}`;
        const order = seal.digest('order', orderKey);
        const claim = once === undefined ? null : seal.digest('claim', once.key);
        if (database.dialect.forUpdate !== '')
          statements.push({ sql: sql.lockLane(database), values: [endpoint, order] });
        if (once !== undefined)
          statements.push({ sql: sql.claimForPlanned, values: [claim, id, once.until, at, seq, holder] });
        plans.push(statements.length);
        statements.push({
          sql: sql.planDelivery,
          values: [
            id,
            seq,
            trigger,
            endpoint,
            order,
            cancelKey === undefined ? null : seal.digest('cancel', cancelKey),
            dueAt,
            at,
            holder,
            claim,
          ],
        });
      }
      const rows = await database.run(statements);
      return plans.flatMap((index) => (rows[index] ?? []).map(({ id }) => String(id)));
    },

    async eventFailed({ seq, holder }, reason, retryAt) {
      await database.run([
        retryAt === undefined
          ? { sql: sql.eventGivenUp, values: [seq, holder, reason, now()] }
          : { sql: sql.eventPostponed, values: [seq, holder, reason, retryAt] },
      ]);
    },

    async leaseDeliveries(endpoint, limit, leaseMs) {
      const holder = newHolder();
      const at = now();
      const leasedUntil = at + leaseMs;
      const [, rows = []] = await database.run([
        { sql: sql.leaseDeliveries(database), values: [endpoint, at, leasedUntil, holder, limit] },
        { sql: sql.leasedDeliveries, values: [holder] },
      ]);
      const leased = [];
      for (const row of rows) {
        const {
          id,
          trigger_name: trigger,
          attempts,
          due_at: dueAt,
          event_key,
          sealed,
        } = leasedDelivery.parse(row);
        const event = unseal(sealed, event_key);
        if (event !== undefined)
          leased.push({ id, holder, trigger, endpoint, event, attempts, dueAt, leasedUntil });
        else await database.run(finish(id, holder, attempts, 'its event cannot be read', 'dead'));
      }
      return leased;
    },

    async settle({ id, holder }, how) {
      await database.run(
        how.state === 'waiting'
          ? [{ sql: sql.deliveryPostponed, values: [id, holder, how.attempts, how.reason, how.at] }]
          : finish(id, holder, how.attempts, how.reason, how.state),
      );
    },

    async disable(endpoint, reason) {
      await database.run([
        { sql: sql.disableEndpoint, values: [endpoint, now(), reason] },
        { sql: sql.buryDisabled, values: [now()] },
      ]);
    },
    async enable(endpoint) {
      const statement = 'DELETE FROM webhook_disabled_endpoints WHERE endpoint = $1 RETURNING endpoint';
      return (await rowsOf(z.unknown(), statement, [endpoint])).length > 0;
    },
    async disabled() {
      const rows = await rowsOf(
        disabledEndpoint,
        'SELECT * FROM webhook_disabled_endpoints ORDER BY endpoint',
      );
      return rows.map(({ endpoint, disabled_at: at, reason }) => ({ endpoint, at, reason }));
    },

    list: ({ state = null, endpoint = null, limit }) =>
      rowsOf(deliveryRecord, sql.listDeliveries, [state, endpoint, limit]),
    find: async (id) => (await rowsOf(deliveryRecord, sql.findDelivery, [id]))[0],
    async replay(which) {
      const rows =
        'id' in which
          ? await rowsOf(z.unknown(), sql.replayOne, [now(), which.id])
          : await rowsOf(z.unknown(), sql.replayDead, [now(), which.endpoint ?? null]);
      return rows.length;
    },

    async counts() {
      const [events = [], deliveries = []] = await database.run([
        { sql: sql.countEvents },
        { sql: sql.countDeliveries },
      ]);
      const byState = new Map(events.map((row) => eventCount.parse(row)).map((row) => [row.state, row]));
      return {
        eventsWaiting: byState.get('waiting')?.count ?? 0,
        oldestEventAt: byState.get('waiting')?.oldest ?? null,
        eventsDead: byState.get('dead')?.count ?? 0,
        deliveries: deliveries.map((row) => deliveryCount.parse(row)),
      };
    },

    async sweep() {
      const at = now();
      await database.run([{ sql: sql.buryDisabled, values: [at] }]);
      await buryForgotten(at);
      await deleteInChunks(sql.sweepDeliveries, at - keepDeadMs, at - rememberMs);
      await deleteInChunks(sql.sweepContents, at - keepUsedMs, at - keepDeadMs);
      await deleteInChunks(sql.sweepEvents, at - rememberMs);
      await deleteInChunks(sql.sweepClaims, at);
    },

    close: () => database.close(),
  };
}

const newHolder = (): string => randomBytes(9).toString('base64url');
