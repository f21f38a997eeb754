import { ConfigError } from '../errors.js';
import type { SourceEvent } from './event.js';
import { openPostgres } from './postgres-store.js';
import { storeOver } from './store-over.js';
import { openSqlite } from './store-sqlite.js';

/**
 * `waiting`: to be sent, at once or later. `delivered`: the endpoint took it. `skipped`: nothing was to be sent after
 * all, consent for one. `cancelled`: a later event made it needless. `dead`: given up, until somebody replays it.
 */
export const DELIVERY_STATES = ['waiting', 'delivered', 'skipped', 'cancelled', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** What an event leads to: one message for one endpoint. */
export interface PlannedDelivery {
  trigger: string;
  endpoint: string;
  /** Whose message it is. Those of one customer reach an endpoint in the order in which they are due. */
  orderKey: string;
  /** When it is due, in milliseconds since 1970. */
  dueAt: number;
  /** By which a later event can cancel it while it waits. */
  cancelKey?: string;
  /** It is planned only if no other holds the key; then it holds the key until then, or until it is skipped or cancelled. */
  once?: { key: string; until: number };
}

/** What processing an event came to. All of it is written at once, together with the event being processed. */
export interface Processed {
  deliveries: readonly PlannedDelivery[];
  /** The cancel keys of what needs not be sent any more. Done before the new ones are planned. */
  cancel?: readonly string[];
}

/** An event that one instance has taken on for a while. */
export interface LeasedEvent {
  /** Which event of this store. */
  seq: number;
  /** Which lease: what is reported under an older one counts no more. */
  holder: string;
  event: SourceEvent;
  /** How often it was tried before. */
  attempts: number;
}

/** A delivery that is due and that one instance has taken on for a while. */
export interface LeasedDelivery {
  /** The `webhook-id`: the same for the same event, trigger and endpoint, however often it is sent. */
  id: string;
  holder: string;
  trigger: string;
  endpoint: string;
  event: SourceEvent;
  /** How often it was sent before. */
  attempts: number;
  /** When it was due first. */
  dueAt: number;
  /** When another may take it on, if nothing was reported by then. */
  leasedUntil: number;
}

/** How an attempt ended. The reason is told by `list`, so it must be ours and without personal data. */
export type Settled =
  | { state: 'delivered' | 'skipped' | 'dead'; attempts: number; reason: string }
  | { state: 'waiting'; attempts: number; reason: string; at: number };

/** What may be shown of a delivery: nothing of the person. */
export interface DeliveryRecord {
  id: string;
  state: DeliveryState;
  trigger: string;
  endpoint: string;
  attempts: number;
  reason: string;
  createdAt: number;
  dueAt: number;
  /** Of one that waits: when it is tried next; null while an earlier one of the same customer is before it. */
  nextAt: number | null;
  finishedAt: number | null;
}

export interface StoreCounts {
  eventsWaiting: number;
  /** When the oldest of them came in. */
  oldestEventAt: number | null;
  /** Events that could not be processed and are given up. */
  eventsDead: number;
  /** Those that wait and those that are dead. */
  deliveries: readonly { endpoint: string; state: DeliveryState; count: number }[];
}

/** Events and deliveries, on disk. What a promise here resolves for has been written durably. */
export interface WebhookStore {
  /** Rejects when they could not be written: then none of them counts as kept. */
  keep(events: readonly SourceEvent[]): Promise<{ kept: number; known: number }>;
  /** Takes on events that are to be processed; of one customer only the first. */
  leaseEvents(limit: number, leaseMs: number): Promise<LeasedEvent[]>;
  /** The ids of what was planned. Empty also when the lease had passed to another. */
  processed(leased: LeasedEvent, what: Processed): Promise<string[]>;
  /** Processing failed. Without `retryAt` the event is given up. */
  eventFailed(leased: LeasedEvent, reason: string, retryAt?: number): Promise<void>;
  /** Takes on deliveries of an endpoint that are due; of one customer only the first. */
  leaseDeliveries(endpoint: string, limit: number, leaseMs: number): Promise<LeasedDelivery[]>;
  settle(leased: Pick<LeasedDelivery, 'id' | 'holder'>, how: Settled): Promise<void>;
  /** Nothing more is sent there: what waits for it is dead, and what is planned for it is so from the start. */
  disable(endpoint: string, reason: string): Promise<void>;
  /** Whether it was disabled. What is dead stays so until it is replayed. */
  enable(endpoint: string): Promise<boolean>;
  disabled(): Promise<{ endpoint: string; at: number; reason: string }[]>;
  /** The newest first. */
  list(filter: { state?: DeliveryState; endpoint?: string; limit: number }): Promise<DeliveryRecord[]>;
  find(id: string): Promise<DeliveryRecord | undefined>;
  /**
   * Sends again under the same id, behind what waits for the same customer. How many: not those whose event is deleted
   * already, nor those of a disabled endpoint.
   */
  replay(which: { id: string } | { dead: true; endpoint?: string }): Promise<number>;
  counts(): Promise<StoreCounts>;
  /** Deletes what has served its time. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

export interface WebhookStoreOptions {
  /** A file on a local disk, for one instance. Made when it is not there. */
  file?: string | undefined;
  /** Or a PostgreSQL (13 or newer), for several instances. The tables are made when they are not there. */
  postgresUrl?: string | undefined;
  /** Encrypts events, and hides keys. With another secret what is kept cannot be read any more. */
  secret: string;
  /** Milliseconds since 1970. Default: the system's clock. */
  now?: () => number;
  /** So long an event is known, so that it counts once however often it is sent. Default: 80 hours. */
  rememberMs?: number | undefined;
  /** So long what an event held is kept after its last delivery is done. Default: 24 hours. */
  keepUsedMs?: number | undefined;
  /** So long the dead are kept, and with them what their events held. Default: 30 days. */
  keepDeadMs?: number | undefined;
}

/** Opens a store: in a file, or in PostgreSQL. Fails with a ConfigError when it cannot be. */
export async function createWebhookStore(options: WebhookStoreOptions): Promise<WebhookStore> {
  const { file, postgresUrl } = options;
  if (file === undefined && postgresUrl === undefined)
    throw new TypeError('A webhook store needs a file or a postgresUrl.');
  try {
    return await storeOver(
      postgresUrl === undefined ? await openSqlite(file ?? '') : await openPostgres(postgresUrl),
      options,
    );
  } catch (error) {
    // The driver's own words may hold the address, and with it a password.
    const code =
      error instanceof Error && 'code' in error && error.code !== '' ? String(error.code) : 'unknown';
    throw new ConfigError([
      postgresUrl === undefined
        ? `WEBHOOK_FILE cannot be opened (${code}): name a file in a folder that is there and that the gateway may write to.`
        : `WEBHOOK_POSTGRES_URL cannot be opened (${code}): is the database there, and may the role make tables in it?`,
    ]);
  }
}
