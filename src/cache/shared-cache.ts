import type { Logger } from '../telemetry/logger.js';
import { createConnection } from './shared-cache/connection.js';
import { createEncoding } from './shared-cache/encoding.js';
import { createForgetting } from './shared-cache/forgetting.js';
import { numberIn, type Link } from './shared-cache/link.js';
import { createReads } from './shared-cache/reads.js';
import { COUNT, EVERYTHING } from './shared-cache/scripts.js';
import { within } from './shared-cache/within.js';
import { createWrites } from './shared-cache/writes.js';

/** An answer as it lies in Redis. */
export interface SharedEntry {
  /** Anything that JSON can say. */
  value: unknown;
  /** Moment of the question, wall-clock ms since 1970. */
  fetchedAt: number;
  maxAgeMs: number;
  /** Digests of all that the answer is about. */
  tags: readonly string[];
}

export interface SharedRead {
  /** In the order of the keys. */
  entries: readonly (SharedEntry | undefined)[];
  /** To be handed to `write`: what is forgotten after it is not written. Undefined: do not write. */
  since: number | undefined;
}

/** What several gateways keep together, and forget together. Keys and tags are digests, without commas. */
export interface SharedCache {
  /** Never rejects. Answers within `waitMs` or not at all: what is not there in time counts as not there. */
  read(keys: readonly string[]): Promise<SharedRead>;
  /** Does not wait. Kept for `retentionMs` at most. Dropped when any of its tags was forgotten after `since`. */
  write(entry: { key: string; entry: SharedEntry; retentionMs: number; since: number }): void;
  /**
   * Forgets on every instance. Resolves when none can read it from Redis and all have been sent word. Rejects when
   * that was not done in 1 s; then this instance tries until it is done, and reads nothing from Redis before.
   */
  forget(tags: readonly string[]): Promise<void>;
  /**
   * Counts so much more (once unless told; less, when below zero), and tells how much all instances did in the window
   * that began with the first. Rejects when Redis is not there, or does not answer within `waitMs`.
   */
  count(name: string, ttlMs: number, amount?: number): Promise<number>;
  /** `down`: not connected, slow, or with something still to be forgotten; nothing is read or written. */
  readonly state: 'up' | 'down';
  close(): Promise<void>;
}

export interface SharedCacheOptions {
  /** One Redis (6 or later) or Valkey, with replicas or not; no cluster. */
  url: string;
  /** Answers are encrypted in Redis with a key made of it; who has another secret finds none. Default: in the clear. */
  secret?: string;
  logger: Logger;
  /** These are to be dropped from memory, and not kept when they arrive; also told to the instance that forgets. */
  onForget: (tags: readonly string[]) => void;
  /** Messages may have been missed: all that is in memory or on its way to it may be old. Also after the start. */
  onGap: () => void;
  /** The longest that a read takes. Default 20 ms. */
  waitMs?: number;
}

/**
 * The second level of the cache, in Redis. It connects at once, and anew whenever the connection is lost. While Redis
 * is away or slow, nobody waits for it: one read that is not answered in time, and it is left alone until it answers
 * a PING in time.
 *
 * After a new connection to a Redis that was started anew, taken over by a replica or emptied, it begins empty: such a
 * Redis may hold again what was forgotten.
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
  /** The link, when what lies behind it may be read. */
  const usable = (): Link | undefined => (forgetting.isSettled() ? connection.quick : undefined);
  const reads = createReads({
    connection,
    readable: usable,
    beingForgotten: () => forgetting.underWay(),
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
      if (link === undefined) throw new Error('The shared cache cannot count: Redis is not there.');
      try {
        const count = numberIn(await within(waitMs, link.run(COUNT, name, Math.ceil(ttlMs), amount)));
        if (count === undefined) throw new Error('The shared cache cannot count: Redis said something else.');
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

/** The tags in a message. What cannot be read may be about anything. */
function tagsIn(message: string): readonly string[] | undefined {
  if (message === EVERYTHING) return undefined;
  try {
    const tags: unknown = JSON.parse(message);
    return Array.isArray(tags) && tags.every((tag) => typeof tag === 'string') ? tags : undefined;
  } catch {
    return undefined;
  }
}
