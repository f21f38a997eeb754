import type { Logger } from '../../telemetry/logger.js';
import type { SharedEntry } from '../shared-cache.js';
import type { Connection } from './connection.js';
import type { Encoding } from './encoding.js';
import { reasonOf } from '../../redis.js';
import type { Link, Parameter } from './link.js';
import { WRITE } from './scripts.js';

/** Writes that wait for their turn, or for Redis. What comes on top of them is dropped. */
const MAX_WAITING = 1_000;
/** Encoding takes time: so many at once, and requests are answered in between. */
const AT_ONCE = 20;
/** What is larger takes longer to read than anybody waits. */
const MAX_ENTRY_BYTES = 2 * 1024 * 1024;
const COMPLAIN_EVERY_MS = 60_000;

export interface Write {
  key: string;
  entry: SharedEntry;
  retentionMs: number;
  since: number;
}

export interface WritesOptions {
  connection: Connection;
  /** The link, when it may be written over. */
  writable: () => Link | undefined;
  encoding: Encoding;
  logger: Logger;
}

export function createWrites({
  connection,
  writable,
  encoding,
  logger,
}: WritesOptions): (write: Write) => void {
  const waiting: Write[] = [];
  let underWay = 0;
  let refusals = 0;
  let complainedAt = -Infinity;

  const start = (): void => {
    const writes = waiting.splice(0, AT_ONCE);
    if (waiting.length > 0) setImmediate(start);
    const link = writable();
    if (link === undefined) return;
    // What was read over an earlier link may have been forgotten without a trace on this one.
    const calls = writes.filter(({ since }) => since >= link.since).map(encode);
    const now = calls.filter((call): call is Call => call !== undefined && !(call instanceof Promise));
    if (now.length > 0) void send(link, now);
    for (const call of calls) {
      if (call instanceof Promise)
        void call.then((later) => (later === undefined ? later : send(link, [later])));
    }
  };

  const encode = ({
    key,
    entry,
    retentionMs,
    since,
  }: Write): Call | undefined | Promise<Call | undefined> => {
    const call = (encoded: Buffer): Call | undefined =>
      encoded.length > MAX_ENTRY_BYTES
        ? undefined
        : [key, since, Math.ceil(retentionMs), encoded, ...entry.tags];
    try {
      const encoded = encoding.encode(key, entry, since);
      return encoded instanceof Promise ? encoded.then(call).catch(refused) : call(encoded);
    } catch (error) {
      refused(error);
      return undefined;
    }
  };

  const send = async (link: Link, calls: readonly Call[]): Promise<void> => {
    underWay += calls.length;
    try {
      for (const error of await link.runAll(WRITE, calls)) {
        if (error === undefined) continue;
        refused(error);
        connection.failed(link, error);
      }
    } catch (error) {
      connection.failed(link, error);
    } finally {
      underWay -= calls.length;
    }
  };

  /** A full Redis refuses thousands a second. */
  const refused = (error: unknown): undefined => {
    refusals += 1;
    if (performance.now() - complainedAt < COMPLAIN_EVERY_MS) return;
    logger.warn({ reason: reasonOf(error), refusals }, 'answers could not be kept in the shared cache');
    complainedAt = performance.now();
    refusals = 0;
  };

  return (write) => {
    if (writable() === undefined || !(write.retentionMs > 0)) return;
    if (waiting.length + underWay >= MAX_WAITING) return;
    waiting.push(write);
    if (waiting.length === 1) setImmediate(start);
  };
}

type Call = readonly Parameter[];
