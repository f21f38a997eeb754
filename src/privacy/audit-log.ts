import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { AuditError } from '../errors.js';
import { openAuditFile, standardStream } from './audit-file.js';
import {
  bodyOf,
  createSeal,
  lastLine,
  nextLine,
  repairBody,
  type AuditEntry,
  type Link,
} from './audit-line.js';

export type AuditDestination = { file: string } | AuditStream;
export type AuditStream = 'stdout' | 'stderr';

/** The destination of the audit log; undefined for none. Without authentication there is no caller to record. */
export function auditDestination(
  file: string | undefined,
  callersAreKnown: boolean,
  stream: AuditStream = 'stdout',
): AuditDestination | undefined {
  if (file !== undefined) return { file };
  return callersAreKnown ? stream : undefined;
}

export interface AuditLogOptions {
  to: AuditDestination;
  /** The key of the hash of each line: HMAC-SHA-256 instead of SHA-256. */
  secret?: string | undefined;
  /** Milliseconds since 1970, for the time in a line. Default: `Date.now`. */
  now?: () => number;
  /** Writes part of a text (as UTF-8) or bytes, and returns the number of bytes, as write(2) does. Default: the file system. */
  write?: WriteSome;
}

export type WriteSome = (fd: number, what: string | Uint8Array) => number | Promise<number>;

export interface AuditLog {
  /**
   * Writes a line. Resolves when the operating system has it: the end of this process cannot lose it, but a power failure
   * can. Rejects with an AuditError if the line could not be written; then it is not in the log.
   */
  append(entry: AuditEntry): Promise<void>;
  /** Counts since the start, and the number of entries that wait to be written. */
  state(): AuditState;
  /** Writes the waiting entries, then closes the log. */
  close(): Promise<void>;
}

export interface AuditState {
  written: number;
  failed: number;
  waiting: number;
}

interface Waiting {
  body: string;
  resolve: () => void;
  reject: (error: AuditError) => void;
}

interface Line {
  text: string;
  /** Length in bytes. */
  bytes: number;
  link: Link;
  of?: Waiting;
}

/** Maximum size of one write in characters. A crash tears at most this and one line. */
const MAX_GROUP_CHARS = 1024 * 1024;
/** Maximum number of waiting entries. More are refused, so that a blocked disk does not fill the memory. */
const MAX_WAITING_ENTRIES = 10_000;
/** Milliseconds that a full pipe may block a write. */
const WRITE_TIMEOUT_MS = 5_000;
const RETRY_PAUSE_MS = 10;

/**
 * Opens the audit log. Throws a ConfigError if that fails. Entries that arrive during a write are written together after
 * it, in their order of arrival.
 */
export function createAuditLog({
  to,
  secret,
  now = Date.now,
  write = typeof to === 'string' ? writeAtOnce : writeSome,
}: AuditLogOptions): AuditLog {
  const seal = createSeal(secret);
  const target = typeof to === 'string' ? standardStream(to) : openAuditFile(to.file, seal);
  let { chain, torn, isEnded } = target;
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  const counts = { written: 0, failed: 0 };

  const run = async (): Promise<void> => {
    // Waits one microtask, so that entries of answers that resolve together are written together.
    await RESOLVED;
    for (;;) {
      const lines = linesOf(nextGroup());
      const whole = writeAll(write, target.fd, lines);
      settle(lines, whole instanceof Promise ? await whole : whole);
      await RESOLVED;
      if (waiting.length === 0) break;
      // Yields to the event loop, so that a continuous flow of lines does not block other work.
      await new Promise(setImmediate);
    }
    running = undefined;
  };

  const nextGroup = (): Waiting[] => {
    let chars = 0;
    const end = waiting.findIndex(({ body }) => (chars += body.length) > MAX_GROUP_CHARS);
    const group = end === -1 ? waiting : waiting.slice(0, Math.max(1, end));
    waiting = waiting.slice(group.length);
    return group;
  };

  const linesOf = (group: readonly Waiting[]): readonly Line[] => {
    const lines: Line[] = [];
    let last = chain;
    const add = (before: string, body: string, of?: Waiting): void => {
      const { text, link } = nextLine(last, body, seal);
      const whole = before + text;
      lines.push({ text: whole, bytes: Buffer.byteLength(whole), link, ...(of === undefined ? {} : { of }) });
      last = link;
    };
    if (torn.length > 0) add('\n', repairBody(torn, now()));
    for (const of of group) add(lines.length > 0 || isEnded ? '' : '\n', of.body, of);
    return lines;
  };

  const settle = (lines: readonly Line[], { written, error }: WriteResult): void => {
    // Completely written lines count, even if a later line failed.
    let end = 0;
    let whole = 0;
    for (const { bytes, link, of } of lines) {
      const next = end + bytes;
      if (next > written) break;
      [end, chain, torn, isEnded] = [next, link, NOTHING, true];
      whole += 1;
      if (of === undefined) continue;
      counts.written += 1;
      of.resolve();
    }
    if (whole > 0) target.head?.note(chain);
    if (whole === lines.length) return;
    const partial = Buffer.from(textOf(lines)).subarray(end, written);
    if (partial.length > 0 && !target.takeBack(partial.length)) retainPartial(partial);
    const refusal = new AuditError('The audit log could not be written, so the answer is not sent.', {
      cause: error,
    });
    for (const { of } of lines.slice(whole)) {
      if (of === undefined) continue;
      counts.failed += 1;
      of.reject(refusal);
    }
  };

  /** Handles an incomplete line that cannot be removed: as after a crash, the next line records it. */
  const retainPartial = (partial: Buffer): void => {
    // The first byte is the line break of the previous line, if that was missing.
    const all = Buffer.concat([torn, isEnded ? partial : partial.subarray(1)]);
    const found = lastLine(all);
    isEnded = found?.isEnded ?? true;
    torn = found === undefined ? all : found.after;
    if (found !== undefined) chain = found.line;
  };

  return {
    append: (entry) => {
      if (closing !== undefined || waiting.length >= MAX_WAITING_ENTRIES) {
        counts.failed += 1;
        const reason = closing === undefined ? 'has too many waiting entries' : 'is closed';
        return Promise.reject(new AuditError(`The audit log ${reason}, so the answer is not sent.`));
      }
      const body = bodyOf(entry, now());
      return new Promise((resolve, reject) => {
        waiting.push({ body, resolve, reject });
        running ??= run();
      });
    },
    state: () => ({ ...counts, waiting: waiting.length }),
    close: () => {
      closing ??= (async () => {
        await running;
        target.close();
      })();
      return closing;
    },
  };
}

const NOTHING = Buffer.alloc(0);

const RESOLVED = Promise.resolve();

/** The number of written bytes, and the error if not all were written. */
interface WriteResult {
  written: number;
  error?: unknown;
}

function textOf(lines: readonly Line[]): string {
  return lines.map(({ text }) => text).join('');
}

/** Writes until all is written or an error occurs. Usually one write is enough, and then no buffer is needed. */
function writeAll(write: WriteSome, fd: number, lines: readonly Line[]): WriteResult | Promise<WriteResult> {
  const text = textOf(lines);
  try {
    const some = write(fd, text);
    const all = lines.reduce((sum, { bytes }) => sum + bytes, 0);
    return some === all ? { written: some } : writeRest(write, fd, Buffer.from(text), some);
  } catch (error) {
    return isFull(error) ? writeRest(write, fd, Buffer.from(text), 0) : { written: 0, error };
  }
}

/** Writes the rest after the first attempt. A full pipe returns EAGAIN and may have room soon. */
async function writeRest(
  write: WriteSome,
  fd: number,
  bytes: Buffer,
  first: number | Promise<number>,
): Promise<WriteResult> {
  let written = 0;
  let some = first;
  for (let remainingMs = WRITE_TIMEOUT_MS; ;) {
    try {
      written += await some;
      if (written === bytes.length) return { written };
      some = write(fd, bytes.subarray(written));
    } catch (error) {
      if (!isFull(error) || remainingMs <= 0) return { written, error };
      remainingMs -= RETRY_PAUSE_MS;
      some = 0;
      await delay(RETRY_PAUSE_MS);
    }
  }
}

/** A write goes to the operating system's page cache, so a synchronous write is several times cheaper than a thread. */
function writeSome(fd: number, what: string | Uint8Array): number {
  return typeof what === 'string' ? writeSync(fd, what) : writeSync(fd, what);
}

/**
 * Writes complete lines synchronously. Other lines go to the same stream, and with a full pipe they would appear between two
 * parts of an audit line.
 */
function writeAtOnce(fd: number, what: string | Uint8Array): number {
  let written = writeSome(fd, what);
  if (written === Buffer.byteLength(what)) return written;
  const bytes = Buffer.from(what);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let remainingMs = WRITE_TIMEOUT_MS; written < bytes.length && remainingMs > 0;) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if (!isFull(error)) break;
      remainingMs -= RETRY_PAUSE_MS;
      Atomics.wait(pause, 0, 0, RETRY_PAUSE_MS);
    }
  }
  return written;
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
