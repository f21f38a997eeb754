import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { milliseconds } from '../duration.js';
import type { SourceEvent } from './event.js';
import type {
  DeliveryRecord,
  LeasedDelivery,
  LeasedEvent,
  Processed,
  Settled,
  StoreCounts,
  WebhookStore,
  WebhookStoreOptions,
} from './store.js';
import type { Database, Statement, Value } from './store-database.js';
import { batchWrites } from './store-write.js';
import {
  deliveryCount,
  deliveryRecord,
  disabledEndpoint,
  eventCount,
  leasedDelivery,
  leasedEvent,
  storedEvent,
} from './store-rows.js';
import { sealWith, type Seal } from './store-seal.js';
import * as sql from './store-tables.js';

const SWEEP_CHUNK = 2_000;

/** Opens the store in a database of any kind. */
export async function storeOver(database: Database, options: WebhookStoreOptions): Promise<WebhookStore> {
  const store = new DatabaseStore(database, options);
  await database.prepare(sql.tables(database));
  return store;
}

class DatabaseStore implements WebhookStore {
  readonly add: WebhookStore['add'];
  readonly #database: Database;
  readonly #seal: Seal;
  readonly #now: () => number;
  /** How long events are remembered, and how long the content of used events and of dead deliveries is stored. */
  readonly #retention: { knownMs: number; usedMs: number; deadMs: number };

  constructor(
    database: Database,
    {
      secret,
      now = Date.now,
      rememberMs = milliseconds('80 hours'),
      retainUsedMs = milliseconds('24 hours'),
      retainDeadMs = milliseconds('30 days'),
    }: WebhookStoreOptions,
  ) {
    this.#database = database;
    this.#seal = sealWith(secret);
    this.#now = now;
    this.#retention = { knownMs: rememberMs, usedMs: retainUsedMs, deadMs: retainDeadMs };
    this.add = batchWrites(database, this.#seal, now);
  }

  async leaseEvents(limit: number, leaseMs: number): Promise<LeasedEvent[]> {
    const holder = newHolder();
    const rows = await this.#rowsOf(leasedEvent, sql.leaseEvents(this.#database), [
      this.#now(),
      this.#now() + leaseMs,
      holder,
      limit,
    ]);
    const leased = [];
    for (const { seq, event_key, sealed, attempts } of rows.sort((a, b) => a.seq - b.seq)) {
      const event = this.#unseal(sealed, event_key);
      if (event !== undefined) leased.push({ seq, holder, event, attempts });
      else
        await this.#database.run([
          { sql: sql.eventGivenUp, values: [seq, holder, 'cannot be read', this.#now()] },
        ]);
    }
    return leased;
  }

  async processed(
    { seq, holder, event }: LeasedEvent,
    { deliveries, cancel = [] }: Processed,
  ): Promise<string[]> {
    const at = this.#now();
    const statements: Statement[] = [{ sql: sql.eventProcessed, values: [seq, holder, at] }];
    for (const key of cancel.map((text) => this.#seal.digest('cancel', text)))
      statements.push(
        { sql: sql.cancelUnderLease, values: [key, at, seq, holder] },
        { sql: sql.releaseCancelled, values: [key] },
        { sql: sql.promoteBehindCancelled, values: [key] },
      );
    const plans: number[] = [];
    for (const { trigger, endpoint, orderKey, dueAt, cancelKey, once } of deliveries) {
      const id = `msg_${this.#seal.digest('delivery', event.source, event.id, trigger, endpoint)}`;
      const order = this.#seal.digest('order', orderKey);
      const claim = once === undefined ? null : this.#seal.digest('claim', once.key);
      if (this.#database.dialect.forUpdate !== '')
        statements.push({ sql: sql.lockLane(this.#database), values: [endpoint, order] });
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
          cancelKey === undefined ? null : this.#seal.digest('cancel', cancelKey),
          dueAt,
          at,
          holder,
          claim,
        ],
      });
    }
    const rows = await this.#database.run(statements);
    return plans.flatMap((index) => (rows[index] ?? []).map(({ id }) => String(id)));
  }

  async eventFailed({ seq, holder }: LeasedEvent, reason: string, retryAt?: number): Promise<void> {
    await this.#database.run([
      retryAt === undefined
        ? { sql: sql.eventGivenUp, values: [seq, holder, reason, this.#now()] }
        : { sql: sql.eventPostponed, values: [seq, holder, reason, retryAt] },
    ]);
  }

  async leaseDeliveries(endpoint: string, limit: number, leaseMs: number): Promise<LeasedDelivery[]> {
    const holder = newHolder();
    const at = this.#now();
    const leasedUntil = at + leaseMs;
    const [, rows = []] = await this.#database.run([
      { sql: sql.leaseDeliveries(this.#database), values: [endpoint, at, leasedUntil, holder, limit] },
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
      const event = this.#unseal(sealed, event_key);
      if (event !== undefined)
        leased.push({ id, holder, trigger, endpoint, event, attempts, dueAt, leasedUntil });
      else await this.#database.run(this.#finish(id, holder, attempts, 'its event cannot be read', 'dead'));
    }
    return leased;
  }

  async settle({ id, holder }: Pick<LeasedDelivery, 'id' | 'holder'>, how: Settled): Promise<void> {
    await this.#database.run(
      how.state === 'waiting'
        ? [{ sql: sql.deliveryPostponed, values: [id, holder, how.attempts, how.reason, how.at] }]
        : this.#finish(id, holder, how.attempts, how.reason, how.state),
    );
  }

  async disable(endpoint: string, reason: string): Promise<void> {
    await this.#database.run([
      { sql: sql.disableEndpoint, values: [endpoint, this.#now(), reason] },
      { sql: sql.markDisabledDead, values: [this.#now()] },
    ]);
  }

  async enable(endpoint: string): Promise<boolean> {
    const statement = 'DELETE FROM webhook_disabled_endpoints WHERE endpoint = $1 RETURNING endpoint';
    return (await this.#rowsOf(z.unknown(), statement, [endpoint])).length > 0;
  }

  async disabled(): Promise<{ endpoint: string; at: number; reason: string }[]> {
    const rows = await this.#rowsOf(
      disabledEndpoint,
      'SELECT * FROM webhook_disabled_endpoints ORDER BY endpoint',
    );
    return rows.map(({ endpoint, disabled_at: at, reason }) => ({ endpoint, at, reason }));
  }

  list(filter: Parameters<WebhookStore['list']>[0]): Promise<DeliveryRecord[]> {
    const { state = null, endpoint = null, limit } = filter;
    return this.#rowsOf(deliveryRecord, sql.listDeliveries, [state, endpoint, limit]);
  }

  async find(id: string): Promise<DeliveryRecord | undefined> {
    return (await this.#rowsOf(deliveryRecord, sql.findDelivery, [id]))[0];
  }

  async replay(which: { id: string } | { dead: true; endpoint?: string }): Promise<number> {
    const rows =
      'id' in which
        ? await this.#rowsOf(z.unknown(), sql.replayOne, [this.#now(), which.id])
        : await this.#rowsOf(z.unknown(), sql.replayDead, [this.#now(), which.endpoint ?? null]);
    return rows.length;
  }

  async counts(): Promise<StoreCounts> {
    const [events = [], deliveries = []] = await this.#database.run([
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
  }

  async sweep(): Promise<void> {
    const at = this.#now();
    await this.#database.run([{ sql: sql.markDisabledDead, values: [at] }]);
    await this.#markAbandonedDead(at);
    await this.#deleteInChunks(
      sql.sweepDeliveries,
      at - this.#retention.deadMs,
      at - this.#retention.knownMs,
    );
    await this.#deleteInChunks(sql.sweepContents, at - this.#retention.usedMs, at - this.#retention.deadMs);
    await this.#deleteInChunks(sql.sweepEvents, at - this.#retention.knownMs);
    await this.#deleteInChunks(sql.sweepClaims, at);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #rowsOf<T>(schema: z.ZodType<T>, statement: string, values: readonly Value[] = []): Promise<T[]> {
    const [rows = []] = await this.#database.run([{ sql: statement, values }]);
    return rows.map((row) => schema.parse(row));
  }

  /** Returns undefined if the event was sealed with another secret. */
  #unseal(sealed: string | null, eventKey: string): SourceEvent | undefined {
    if (sealed === null) return undefined;
    try {
      const { subject, ...event } = storedEvent.parse(JSON.parse(this.#seal.open(sealed, eventKey)));
      return { ...event, ...(subject === undefined ? {} : { subject }) };
    } catch {
      return undefined;
    }
  }

  /** Ends a delivery, and makes the next delivery of the same customer due. */
  #finish(id: string, holder: string, attempts: number, reason: string, state: string): Statement[] {
    return [
      { sql: sql.deliveryFinished, values: [id, holder, attempts, reason, state, this.#now()] },
      { sql: sql.promoteBehind, values: [id] },
      ...(state === 'skipped' ? [{ sql: sql.releaseSkipped, values: [id] }] : []),
    ];
  }

  /** Marks deliveries to endpoints that are no longer in the settings as dead. Otherwise they would be stored for ever. */
  async #markAbandonedDead(at: number): Promise<void> {
    const values = [at - this.#retention.deadMs, at, SWEEP_CHUNK];
    const [marked = []] = await this.#database.run([{ sql: sql.markAbandonedDead, values }]);
    await this.#database.run(marked.map(({ id }) => ({ sql: sql.promoteBehind, values: [String(id)] })));
  }

  async #deleteInChunks(statement: string, ...values: readonly Value[]): Promise<void> {
    let deleted: number;
    do {
      const [rows = []] = await this.#database.run([{ sql: statement, values: [...values, SWEEP_CHUNK] }]);
      deleted = rows.length;
    } while (deleted === SWEEP_CHUNK);
  }
}

const newHolder = (): string => randomBytes(9).toString('base64url');
