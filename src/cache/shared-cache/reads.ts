import type { SharedEntry, SharedRead } from '../shared-cache.js';
import type { Connection } from './connection.js';
import type { Encoding } from './encoding.js';
import { numberIn, type Link } from './link.js';
import { READ } from './scripts.js';
import { after, LateError } from './within.js';

/** A round trip asks for at most so many keys, unless one read wants more, so that Redis answers others in between. */
const MAX_KEYS = 200;

export interface Reads {
  read(keys: readonly string[]): Promise<SharedRead>;
  /** Reads that are under way do not bring these any more; undefined: nothing at all. */
  forget(tags: readonly string[] | undefined): void;
  /** The greatest `since` given out. */
  lastSince(): number;
}

export interface ReadsOptions {
  connection: Connection;
  /** The link, when what lies behind it may be read. */
  readable: () => Link | undefined;
  /** Tags that are being forgotten; a read that begins now may still find them. */
  beingForgotten: () => Iterable<string>;
  encoding: Encoding;
  waitMs: number;
}

interface Waiting {
  keys: readonly string[];
  resolve: (read: SharedRead) => void;
}

/** Reads in one round trip. What is forgotten while they are under way they must not bring. */
interface Batch {
  forgotten: Set<string>;
  everything: boolean;
}

export function createReads({ connection, readable, beingForgotten, encoding, waitMs }: ReadsOptions): Reads {
  const batches = new Set<Batch>();
  let waiting: Waiting[] = [];
  let lastSince = 0;

  /** All reads of one turn of the event loop go together. */
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
      if (index > first && keys > MAX_KEYS) {
        ask(link, reads.slice(first, index));
        first = index;
        keys = read.keys.length;
      }
    });
    ask(link, reads.slice(first));
  };

  const ask = (link: Link, reads: readonly Waiting[]): void => {
    const batch: Batch = { forgotten: new Set(beingForgotten()), everything: false };
    batches.add(batch);
    let answered = false;
    let open = reads.length;
    const giveUp = (): void => {
      cancel();
      batches.delete(batch);
      for (const { keys, resolve } of reads) resolve(nothing(keys));
    };
    const cancel = after(waitMs, () => {
      // When only the unpacking takes long, Redis is not to blame.
      if (!answered) connection.failed(link, new LateError(waitMs));
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
        answered = true;
        const [seq, found] = Array.isArray(reply) ? (reply as unknown[]) : [];
        const since = numberIn(seq);
        if (since === undefined || since < link.since || !Array.isArray(found)) {
          // Somebody emptied it, and nobody knows what it had to remember.
          link.drop('Redis has lost what was in it');
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
          if (areThere(entries)) finish(read, entries, since);
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

/** Most entries are small, and unpacked at once: then nobody needs to wait for another turn. */
function areThere(entries: readonly (SharedEntry | undefined | Promise<unknown>)[]): entries is Entries {
  return !entries.some((entry) => entry instanceof Promise);
}

function isForgotten(entry: SharedEntry | undefined, { forgotten, everything }: Batch): boolean {
  return everything || (forgotten.size > 0 && entry?.tags.some((tag) => forgotten.has(tag)) === true);
}

function nothing(keys: readonly string[]): SharedRead {
  return { entries: keys.map(() => undefined), since: undefined };
}
