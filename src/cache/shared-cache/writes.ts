import type { Logger } from '../../telemetry/logger.js';
import type { SharedEntry } from '../shared-cache.js';
import type { Connection } from './connection.js';
import type { Encoding } from './encoding.js';
import { reasonOf } from '../../redis.js';
import type { Link, Parameter } from './link.js';
import { WRITE } from './scripts.js';

/** Bound on writes that wait to be sent or for Redis. More writes are dropped. */
const MAX_WAITING = 1_000;
/** Writes that are encoded before the process yields to the event loop. */
const WRITES_PER_SLICE = 20;
/** A larger entry would take longer to read than a read may wait. */
const MAX_ENTRY_BYTES = 2 * 1024 * 1024;
const WARNING_INTERVAL_MS = 60_000;

export interface Write {
  key: string;
  entry: SharedEntry;
  retentionMs: number;
  since: number;
}

export interface WritesOptions {
  connection: Connection;
  /** The link, if its Redis may be written. */
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
  let inProgress = 0;
  let refusals = 0;
  let warnedAt = -Infinity;

  const start = (): void => {
    const writes = waiting.splice(0, WRITES_PER_SLICE);
    if (waiting.length > 0) setImmediate(start);
    const link = writable();
    if (link === undefined) return;
    // An answer that was read over an earlier link may have been forgotten since, and this Redis may not know it.
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
    inProgress += calls.length;
    try {
      for (const error of await link.runAll(WRITE, calls)) {
        if (error === undefined) continue;
        refused(error);
        connection.failed(link, error);
      }
    } catch (error) {
      connection.failed(link, error);
    } finally {
      inProgress -= calls.length;
    }
  };

  /** Warns at most once a minute, because a full Redis refuses thousands of writes a second. */
  const refused = (error: unknown): undefined => {
    refusals += 1;
    if (performance.now() - warnedAt < WARNING_INTERVAL_MS) return;
    logger.warn(
      { reason: reasonOf(error), refusals },
      'answers could not be stored in the shared cache: check the memory and the disk of Redis',
    );
    warnedAt = performance.now();
    refusals = 0;
  };

  return (write) => {
    if (writable() === undefined || !(write.retentionMs > 0)) return;
    if (waiting.length + inProgress >= MAX_WAITING) return;
    waiting.push(write);
    if (waiting.length === 1) setImmediate(start);
  };
}

type Call = readonly Parameter[];
