import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { AuditError } from '../errors.js';
import { openAuditFile, standardOutput } from './audit-file.js';
import {
  bodyOf,
  createSeal,
  lastLine,
  nextLine,
  repairBody,
  type AuditEntry,
  type Link,
} from './audit-line.js';

export type AuditDestination = { file: string } | 'stdout';

/** Where the audit log goes; undefined for nowhere. Where nobody says who they are there is nobody to account for. */
export function auditDestination(
  file: string | undefined,
  callersAreKnown: boolean,
): AuditDestination | undefined {
  if (file !== undefined) return { file };
  return callersAreKnown ? 'stdout' : undefined;
}

export interface AuditLogOptions {
  to: AuditDestination;
  /** Lines are sealed with it: HMAC-SHA-256 instead of SHA-256. */
  secret?: string | undefined;
  /** Milliseconds since 1970, for the time in a line. Default: `Date.now`. */
  now?: () => number;
  /** Writes some of a text (as UTF-8) or bytes to a file and gives how many bytes, as write(2) does. Default: the file system's. */
  write?: WriteSome;
}

export type WriteSome = (fd: number, what: string | Uint8Array) => number | Promise<number>;

export interface AuditLog {
  /**
   * Writes a line. Done when the operating system has it: what happens to this process does not touch it any more, though
   * a power cut may. Fails with an AuditError when it could not be written, and then it is not in the log.
   */
  append(entry: AuditEntry): Promise<void>;
  /** Counts since the start, and how many entries wait to be written. */
  state(): AuditState;
  /** Writes what waits. */
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
  /** How long it is. */
  bytes: number;
  link: Link;
  of?: Waiting;
}

/** Written at once. What a crash can tear is no longer than this and one line. */
const MAX_GROUP_CHARS = 1024 * 1024;
/** When the disk stands still, more are refused rather than kept in memory. */
const MAX_WAITING = 10_000;
/** A pipe that nobody reads from is given this long. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 10;

/**
 * Opens the audit log. Throws a ConfigError when it cannot be. Entries that come while others are being written go out
 * together after them, in the order in which they came.
 */
export function createAuditLog({
  to,
  secret,
  now = Date.now,
  write = to === 'stdout' ? writeAtOnce : writeSome,
}: AuditLogOptions): AuditLog {
  const seal = createSeal(secret);
  const target = to === 'stdout' ? standardOutput() : openAuditFile(to.file, seal);
  let { chain, torn, isEnded } = target;
  let waiting: Waiting[] = [];
  let running: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  const counts = { written: 0, failed: 0 };

  const run = async (): Promise<void> => {
    // What is answered by the same news of a system goes out together.
    await RESOLVED;
    for (;;) {
      const lines = linesOf(nextGroup());
      const whole = writeWhole(write, target.fd, lines);
      conclude(lines, whole instanceof Promise ? await whole : whole);
      await RESOLVED;
      if (waiting.length === 0) break;
      // One line has led to the next: others have their turn between them.
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

  const conclude = (lines: readonly Line[], { written, error }: Whole): void => {
    // Lines of which all bytes are there stay, whatever became of those after them.
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
    if (partial.length > 0 && !target.takeBack(partial.length)) stays(partial);
    const refusal = new AuditError('The audit log could not be written, so this is not answered.', {
      cause: error,
    });
    for (const { of } of lines.slice(whole)) {
      if (of === undefined) continue;
      counts.failed += 1;
      of.reject(refusal);
    }
  };

  /** Bytes of lines that are not whole are written and cannot be taken back: as after a crash, the next line says so. */
  const stays = (partial: Buffer): void => {
    // The first of them ends the line that was whole but for its line break.
    const all = Buffer.concat([torn, isEnded ? partial : partial.subarray(1)]);
    const found = lastLine(all);
    isEnded = found?.isEnded ?? true;
    torn = found === undefined ? all : found.after;
    if (found !== undefined) chain = found.line;
  };

  return {
    append: (entry) => {
      if (closing !== undefined || waiting.length >= MAX_WAITING) {
        counts.failed += 1;
        const reason = closing === undefined ? 'does not get on with writing' : 'is closed';
        return Promise.reject(new AuditError(`The audit log ${reason}, so this is not answered.`));
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

/** How many bytes were written, and why not all of them. */
interface Whole {
  written: number;
  error?: unknown;
}

function textOf(lines: readonly Line[]): string {
  return lines.map(({ text }) => text).join('');
}

/** Writes until all is written or there is an error: at once, as a rule, and then what is written need not be made bytes of here. */
function writeWhole(write: WriteSome, fd: number, lines: readonly Line[]): Whole | Promise<Whole> {
  const text = textOf(lines);
  try {
    const some = write(fd, text);
    const all = lines.reduce((sum, { bytes }) => sum + bytes, 0);
    return some === all ? { written: some } : writeRest(write, fd, Buffer.from(text), some);
  } catch (error) {
    return isFull(error) ? writeRest(write, fd, Buffer.from(text), 0) : { written: 0, error };
  }
}

/** What the first attempt has left. A pipe that is full says EAGAIN, and may have room soon. */
async function writeRest(
  write: WriteSome,
  fd: number,
  bytes: Buffer,
  first: number | Promise<number>,
): Promise<Whole> {
  let written = 0;
  let some = first;
  for (let patience = PATIENCE_MS; ;) {
    try {
      written += await some;
      if (written === bytes.length) return { written };
      some = write(fd, bytes.subarray(written));
    } catch (error) {
      if (!isFull(error) || patience <= 0) return { written, error };
      patience -= PAUSE_MS;
      some = 0;
      await delay(PAUSE_MS);
    }
  }
}

/** What is written to a file is taken by the operating system's memory: handing it to another thread costs several times more. */
function writeSome(fd: number, what: string | Uint8Array): number {
  return typeof what === 'string' ? writeSync(fd, what) : writeSync(fd, what);
}

/**
 * Writes to the end of a line while nothing else of this process can run: log lines go to standard output too, and would
 * come between two parts of an audit line when the pipe is full.
 */
function writeAtOnce(fd: number, what: string | Uint8Array): number {
  let written = writeSome(fd, what);
  if (written === Buffer.byteLength(what)) return written;
  const bytes = Buffer.from(what);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let patience = PATIENCE_MS; written < bytes.length && patience > 0;) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if (!isFull(error)) break;
      patience -= PAUSE_MS;
      Atomics.wait(pause, 0, 0, PAUSE_MS);
    }
  }
  return written;
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
