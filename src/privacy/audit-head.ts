import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import type { Link } from './audit-line.js';

/**
 * A file beside the log with the number and hash of the newest line. The chain itself shows missing lines except at its
 * end; the head shows those.
 */
export interface AuditHead {
  /** The content when it was opened; undefined if it did not exist. */
  found: Link | undefined;
  /** Writes the number and hash of the newest line within 100 ms. Of several calls in that time, only the last is written. */
  note(link: Link): void;
  /** Writes the number and hash of a line at once. */
  start(link: Link): void;
  close(): void;
}

/** The head is missing, or its content is invalid. */
export class HeadError extends Error {}

const WRITE_DELAY_MS = 100;

/** The fixed length of a head, so that a new one overwrites the old one in place. */
const BYTES = 120;
const FORM = /^\{"seq":(\d{1,15}),"hash":"([0-9a-f]{64})"\} *\n$/;

export function headPath(file: string): string {
  return `${file}.head`;
}

/** Reads a head; undefined if there is none. */
export function readHead(path: string): Link | undefined {
  try {
    return parse(path, readFileSync(path, 'latin1'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

export function openHead(path: string): AuditHead {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  let found: Link | undefined;
  try {
    const bytes = Buffer.alloc(BYTES + 1);
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    if (length > 0) found = parse(path, bytes.toString('latin1', 0, length));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let newest: Link | undefined;
  let timer: NodeJS.Timeout | undefined;
  const writeNewest = (): void => {
    timer = undefined;
    if (newest === undefined) return;
    try {
      writeSync(fd, format(newest), 0, BYTES, 0);
      newest = undefined;
    } catch {
      // The head is now behind the log, which still verifies. The next line tries again.
    }
  };
  return {
    found,
    note: (link) => {
      newest = link;
      timer ??= setTimeout(writeNewest, WRITE_DELAY_MS).unref();
    },
    start: (link) => {
      writeSync(fd, format(link), 0, BYTES, 0);
    },
    close: () => {
      clearTimeout(timer);
      writeNewest();
      closeSync(fd);
    },
  };
}

function format({ seq, hash }: Link): Buffer {
  return Buffer.from(`${`{"seq":${seq},"hash":"${hash}"}`.padEnd(BYTES - 1)}\n`, 'latin1');
}

function parse(path: string, text: string): Link {
  const [, seq, hash] = FORM.exec(text) ?? [];
  if (seq === undefined || hash === undefined)
    throw new HeadError(`${path} is not a valid head of an audit log`);
  return { seq: Number(seq), hash };
}
