import type { Logger } from '../telemetry/logger.js';
import { createConnection } from './shared-cache/connection.js';
import { createEncoding } from './shared-cache/encoding.js';
import { createForgetting } from './shared-cache/forgetting.js';
import { numberIn, type Link } from './shared-cache/link.js';
import { createReads } from './shared-cache/reads.js';
import { COUNT, EVERYTHING } from './shared-cache/scripts.js';
import { within } from './shared-cache/within.js';
import { createWrites } from './shared-cache/writes.js';

/** An answer as it is stored in Redis. */
export interface SharedEntry {
  /** A value that JSON can represent. */
  value: unknown;
  /** When the system was called, in wall-clock milliseconds since 1970. */
  fetchedAt: number;
  maxAgeMs: number;
  /** Digests of the subjects that the answer is about. */
  tags: readonly string[];
}

export interface SharedRead {
  /** One for each key, in the order of the keys. */
  entries: readonly (SharedEntry | undefined)[];
  /** Pass it to `write`, which does not store what was forgotten after it. Undefined: do not write. */
  since: number | undefined;
}

/** A cache in Redis that several gateways share. Forgetting on one of them applies to all. Keys and tags are digests without commas. */
export interface SharedCache {
  /** Never rejects. Resolves within `waitMs`; an entry that does not arrive in time counts as missing. */
  read(keys: readonly string[]): Promise<SharedRead>;
  /**
   * Stores an entry for at most `retentionMs`, without waiting. The entry is dropped if any of its tags was forgotten
   * after `since`.
   */
  write(entry: { key: string; entry: SharedEntry; retentionMs: number; since: number }): void;
  /**
   * Forgets on every instance. Resolves when no instance can read the entries from Redis and all were notified.
   * Rejects if that takes more than 1 s. Then this instance retries until it succeeds, and reads nothing from Redis
   * before.
   */
  forget(tags: readonly string[]): Promise<void>;
  /**
   * Adds `amount` to a counter: default 1, negative to subtract. Resolves to the total of all instances in the
   * current window, which begins with its first count. Rejects if Redis is unavailable or does not answer within
   * `waitMs`.
   */
  count(name: string, ttlMs: number, amount?: number): Promise<number>;
  /** `down`: not connected, slow, or with invalidations still to be sent. Nothing is read or written then. */
  readonly state: 'up' | 'down';
  close(): Promise<void>;
}

export interface SharedCacheOptions {
  /** A Redis (6 or later) or Valkey, with or without replicas. Not a cluster. */
  url: string;
  /**
   * Answers in Redis are encrypted with a key derived from it. Instances with another secret cannot read them. Default: no
   * encryption.
   */
  secret?: string;
  logger: Logger;
  /**
   * Called when tags are forgotten on any instance, this one included: drop their answers from memory, and do not
   * cache those that are being loaded.
   */
  onForget: (tags: readonly string[]) => void;
  /**
   * Called when messages may have been missed, and after the start: all answers in memory or being loaded may be
   * outdated.
   */
  onGap: () => void;
  /** The longest time a read may take, in milliseconds. Default 20. */
  waitMs?: number;
}

/**
 * The second level of the cache, in Redis. It connects at once, and again each time the connection is lost. No
 * request waits for a Redis that is disconnected or slow: after one late answer it is not used until a PING succeeds
 * in time.
 *
 * It starts empty after a connection to a Redis that was restarted, emptied or replaced by a replica. Such a Redis
 * may contain answers again that were forgotten.
 */
export function createSharedCache(options: SharedCacheOptions): SharedCache {
  const { url, secret, logger, onForget, onGap, waitMs = 20 } = options;
  const encoding = createEncoding(secret);

  const connection = createConnection({
    url,
    waitMs,
    logger,
    lastSince: () => reads.lastSince(),
    onMessage: (message) => {
      const tags = tagsIn(message);
      reads.forget(tags);
      if (tags === undefined) onGap();
      else onForget(tags);
    },
    onOpen: () => {
      reads.forget(undefined);
      forgetting.settle();
      onGap();
    },
  });
  const forgetting = createForgetting({ connection, logger });
  /** The link, if its Redis may be read. */
  const usable = (): Link | undefined => (forgetting.isSettled() ? connection.quick : undefined);
  const reads = createReads({
    connection,
    readable: usable,
    beingForgotten: () => forgetting.inProgress(),
    encoding,
    waitMs,
  });
  const write = createWrites({ connection, writable: usable, encoding, logger });

  return {
    read: (keys) => reads.read(keys),
    write,
    forget: (tags) => {
      reads.forget(tags);
      return forgetting.forget(tags);
    },
    count: async (name, ttlMs, amount = 1) => {
      const link = connection.quick;
      if (link === undefined) throw new Error('The shared cache cannot count: Redis is not connected.');
      try {
        const count = numberIn(await within(waitMs, link.run(COUNT, name, Math.ceil(ttlMs), amount)));
        if (count === undefined) throw new Error('The shared cache cannot count: Redis returned no number.');
        return count;
      } catch (error) {
        connection.failed(link, error);
        throw error;
      }
    },
    get state() {
      return usable() === undefined ? 'down' : 'up';
    },
    close: () => {
      forgetting.close();
      connection.close();
      return Promise.resolve();
    },
  };
}

/** The tags in a message. Undefined means all tags, also for a message that cannot be read. */
function tagsIn(message: string): readonly string[] | undefined {
  if (message === EVERYTHING) return undefined;
  try {
    const tags: unknown = JSON.parse(message);
    return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : undefined;
  } catch {
    return undefined;
  }
}
