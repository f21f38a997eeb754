import type { SharedEntry, SharedRead } from '../shared-cache.js';
import type { Connection } from './connection.js';
import type { Encoding } from './encoding.js';
import { numberIn, type Link } from './link.js';
import { READ } from './scripts.js';
import { after, LateError } from './within.js';

/** Keys for each round trip, unless one read has more. So Redis can serve other clients in between. */
const KEYS_PER_ROUND_TRIP = 200;

export interface Reads {
  read(keys: readonly string[]): Promise<SharedRead>;
  /** Removes entries with these tags from the results of reads in progress. Undefined: all entries. */
  forget(tags: readonly string[] | undefined): void;
  /** The greatest `since` that was returned. */
  lastSince(): number;
}

export interface ReadsOptions {
  connection: Connection;
  /** The link, if its Redis may be read. */
  readable: () => Link | undefined;
  /** Tags that are being forgotten. A read that begins now may still find their entries. */
  beingForgotten: () => Iterable<string>;
  encoding: Encoding;
  waitMs: number;
}

interface Waiting {
  keys: readonly string[];
  resolve: (read: SharedRead) => void;
}

/** The reads of one round trip, with the tags that are forgotten while they are in progress. */
interface Batch {
  forgotten: Set<string>;
  everything: boolean;
}

export function createReads({ connection, readable, beingForgotten, encoding, waitMs }: ReadsOptions): Reads {
  const batches = new Set<Batch>();
  let waiting: Waiting[] = [];
  let lastSince = 0;

  /** All reads of one event-loop iteration share a round trip. */
  const start = (): void => {
    const reads = waiting;
    waiting = [];
    const link = readable();
    if (link === undefined) {
      for (const { keys, resolve } of reads) resolve(nothing(keys));
      return;
    }
    let first = 0;
    let keys = 0;
    reads.forEach((read, index) => {
      keys += read.keys.length;
      if (index > first && keys > KEYS_PER_ROUND_TRIP) {
        sendReads(link, reads.slice(first, index));
        first = index;
        keys = read.keys.length;
      }
    });
    sendReads(link, reads.slice(first));
  };

  const sendReads = (link: Link, reads: readonly Waiting[]): void => {
    const batch: Batch = { forgotten: new Set(beingForgotten()), everything: false };
    batches.add(batch);
    let hasAnswered = false;
    let open = reads.length;
    const giveUp = (): void => {
      cancel();
      batches.delete(batch);
      for (const { keys, resolve } of reads) resolve(nothing(keys));
    };
    const cancel = after(waitMs, () => {
      // If Redis has answered and only decoding is slow, Redis is not slow.
      if (!hasAnswered) connection.failed(link, new LateError(waitMs));
      giveUp();
    });
    const finish = ({ resolve }: Waiting, entries: Entries, since: number): void => {
      resolve({ entries: entries.map((entry) => (isForgotten(entry, batch) ? undefined : entry)), since });
      open -= 1;
      if (open === 0) {
        cancel();
        batches.delete(batch);
      }
    };
    link.run(READ, ...reads.flatMap(({ keys }) => keys)).then(
      (reply) => {
        hasAnswered = true;
        const [seq, found] = Array.isArray(reply) ? (reply as unknown[]) : [];
        const since = numberIn(seq);
        if (since === undefined || since < link.since || !Array.isArray(found)) {
          // Redis was emptied, so it no longer knows which answers were forgotten.
          link.drop('Redis has lost its data');
          giveUp();
          return;
        }
        lastSince = Math.max(lastSince, since);
        let next = 0;
        for (const read of reads) {
          const entries = read.keys.map((key) => {
            const stored: unknown = found[next++];
            return Buffer.isBuffer(stored) ? encoding.decode(key, stored) : undefined;
          });
          if (areDecoded(entries)) finish(read, entries, since);
          else
            void Promise.all(entries.map((entry) => Promise.resolve(entry))).then((decoded) => {
              finish(read, decoded, since);
            });
        }
      },
      (error: unknown) => {
        connection.failed(link, error);
        giveUp();
      },
    );
  };

  return {
    read: (keys) => {
      if (readable() === undefined) return Promise.resolve(nothing(keys));
      return new Promise((resolve) => {
        waiting.push({ keys, resolve });
        if (waiting.length === 1) setImmediate(start);
      });
    },
    forget: (tags) => {
      for (const batch of batches) {
        if (tags === undefined) batch.everything = true;
        else for (const tag of tags) batch.forgotten.add(tag);
      }
    },
    lastSince: () => lastSince,
  };
}

type Entries = readonly (SharedEntry | undefined)[];

/** Whether all entries were decoded synchronously, as small ones are. Then no promise is needed. */
function areDecoded(entries: readonly (SharedEntry | undefined | Promise<unknown>)[]): entries is Entries {
  return !entries.some((entry) => entry instanceof Promise);
}

function isForgotten(entry: SharedEntry | undefined, { forgotten, everything }: Batch): boolean {
  return everything || (forgotten.size > 0 && entry?.tags.some((tag) => forgotten.has(tag)) === true);
}

function nothing(keys: readonly string[]): SharedRead {
  return { entries: keys.map(() => undefined), since: undefined };
}
