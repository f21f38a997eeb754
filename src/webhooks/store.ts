import { ConfigError } from '../errors.js';
import type { SourceEvent } from './event.js';
import { openPostgres } from './postgres-store.js';
import type { Database } from './store-database.js';
import { storeOver } from './store-over.js';
import { openSqlite } from './store-sqlite.js';

/**
 * `waiting`: to be sent, now or later. `delivered`: the endpoint accepted it. `skipped`: it must not be sent, for example
 * without consent. `cancelled`: a later event replaced it. `dead`: all attempts failed; an operator can replay it.
 */
export const DELIVERY_STATES = ['waiting', 'delivered', 'skipped', 'cancelled', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** A message about an event, for one endpoint. */
export interface PlannedDelivery {
  trigger: string;
  endpoint: string;
  /** Identifies the customer. Messages of one customer reach an endpoint in the order in which they are due. */
  orderKey: string;
  /** When it is due, in milliseconds since 1970. */
  dueAt: number;
  /** The key by which a later event can cancel it while it waits. */
  cancelKey?: string;
  /**
   * Plans the delivery only if no other delivery claims the key. The claim ends at `until` (milliseconds since 1970), or when
   * the delivery is skipped or cancelled.
   */
  once?: { key: string; until: number };
}

/** The result of processing an event. It is written in one transaction with the state of the event. */
export interface Processed {
  deliveries: readonly PlannedDelivery[];
  /** Cancel keys of deliveries that this event replaces. They are cancelled before the new deliveries are planned. */
  cancel?: readonly string[];
}

/** An event with a lease: one instance processes it. */
export interface LeasedEvent {
  /** The number of the event in the store. */
  seq: number;
  /** The lease. Reports under an expired lease are ignored. */
  holder: string;
  event: SourceEvent;
  /** Earlier attempts. */
  attempts: number;
}

/** A delivery with a lease: it is due, and one instance sends it. */
export interface LeasedDelivery {
  /** The `webhook-id`. It is the same for each attempt with this event, trigger and endpoint. */
  id: string;
  holder: string;
  trigger: string;
  endpoint: string;
  event: SourceEvent;
  /** Earlier attempts. */
  attempts: number;
  /** When it was first due, in milliseconds since 1970. */
  dueAt: number;
  /** When the lease expires, in milliseconds since 1970. Without a report by then, another instance may send the delivery. */
  leasedUntil: number;
}

/** The outcome of an attempt. `list` shows the reason, so it must be our own text without personal data. */
export type Settled =
  | { state: 'delivered' | 'skipped' | 'dead'; attempts: number; reason: string }
  | { state: 'waiting'; attempts: number; reason: string; at: number };

/** A delivery without personal data. Times are in milliseconds since 1970. */
export interface DeliveryRecord {
  id: string;
  state: DeliveryState;
  trigger: string;
  endpoint: string;
  attempts: number;
  reason: string;
  createdAt: number;
  dueAt: number;
  /** The next attempt of a waiting delivery; null while an earlier delivery of the same customer waits. */
  nextAt: number | null;
  finishedAt: number | null;
}

export interface StoreCounts {
  eventsWaiting: number;
  /** When the oldest waiting event was received, in milliseconds since 1970. */
  oldestEventAt: number | null;
  /** Events whose processing failed permanently. */
  eventsDead: number;
  /** The waiting and the dead deliveries, by endpoint. */
  deliveries: readonly { endpoint: string; state: DeliveryState; count: number }[];
}

/** Events and deliveries on disk. When a promise resolves, the change has been written durably. */
export interface WebhookStore {
  /** Stores events. `known` were stored before. If it rejects, none of the events counts as stored. */
  add(events: readonly SourceEvent[]): Promise<{ added: number; known: number }>;
  /** Leases waiting events for processing; only the first event of each customer. */
  leaseEvents(limit: number, leaseMs: number): Promise<LeasedEvent[]>;
  /** Reports success. Resolves to the ids of the planned deliveries, or to none if the lease had expired. */
  processed(leased: LeasedEvent, what: Processed): Promise<string[]>;
  /** Reports a failure. Without `retryAt`, the event is not processed again. */
  eventFailed(leased: LeasedEvent, reason: string, retryAt?: number): Promise<void>;
  /** Leases due deliveries of an endpoint; only the first delivery of each customer. */
  leaseDeliveries(endpoint: string, limit: number, leaseMs: number): Promise<LeasedDelivery[]>;
  settle(leased: Pick<LeasedDelivery, 'id' | 'holder'>, how: Settled): Promise<void>;
  /** Stops sending to an endpoint. Its waiting deliveries become dead, and so does each new one. */
  disable(endpoint: string, reason: string): Promise<void>;
  /** Enables an endpoint again. Resolves to whether it was disabled. Dead deliveries stay dead until they are replayed. */
  enable(endpoint: string): Promise<boolean>;
  disabled(): Promise<{ endpoint: string; at: number; reason: string }[]>;
  /** Lists deliveries, the newest first. */
  list(filter: { state?: DeliveryState; endpoint?: string; limit: number }): Promise<DeliveryRecord[]>;
  find(id: string): Promise<DeliveryRecord | undefined>;
  /**
   * Queues deliveries again with the same id, after the waiting deliveries of the same customer. Resolves to their number.
   * Deliveries without a stored event, and those of disabled endpoints, are not replayed.
   */
  replay(which: { id: string } | { dead: true; endpoint?: string }): Promise<number>;
  counts(): Promise<StoreCounts>;
  /** Deletes events and deliveries whose retention has ended. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

export interface WebhookStoreOptions {
  /** A file on a local disk, for one instance. The store creates it if it does not exist. */
  file?: string | undefined;
  /** Or a PostgreSQL (13 or newer), for several instances. The store creates missing tables. */
  postgresUrl?: string | undefined;
  /** Encrypts events and derives digests. Stored events cannot be read with another secret. */
  secret: string;
  /** Milliseconds since 1970. Default: the system's clock. */
  now?: () => number;
  /** How long an event is remembered, so that a repeated event is stored once. Default: 80 hours. */
  rememberMs?: number | undefined;
  /** How long the content of an event is stored after its last delivery ended. Default: 24 hours. */
  retainUsedMs?: number | undefined;
  /** How long dead deliveries are stored, with the content of their events. Default: 30 days. */
  retainDeadMs?: number | undefined;
}

/** Opens the database of the store: a file or PostgreSQL. Rejects with a ConfigError if that fails. */
export async function openStoreDatabase(options: WebhookStoreOptions): Promise<Database> {
  const { file, postgresUrl } = options;
  if (file === undefined && postgresUrl === undefined)
    throw new TypeError('A webhook store needs a file or a postgresUrl.');
  return orConfigError(
    postgresUrl === undefined ? openSqlite(file ?? '') : openPostgres(postgresUrl),
    options,
  );
}

/** Opens a store in a file or in PostgreSQL. Rejects with a ConfigError if that fails. */
export async function createWebhookStore(
  options: WebhookStoreOptions,
  opening = openStoreDatabase(options),
): Promise<WebhookStore> {
  return orConfigError(storeOver(await opening, options), options);
}

async function orConfigError<T>(opening: Promise<T>, { postgresUrl }: WebhookStoreOptions): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    // The driver's message may contain the address with its password.
    const code =
      error instanceof Error && 'code' in error && error.code !== '' ? String(error.code) : 'unknown';
    throw new ConfigError([
      postgresUrl === undefined
        ? `WEBHOOK_FILE cannot be opened (${code}). Name a file in an existing folder that the gateway may write to.`
        : `WEBHOOK_POSTGRES_URL cannot be opened (${code}). Check that the database exists and that the role may create tables.`,
    ]);
  }
}
