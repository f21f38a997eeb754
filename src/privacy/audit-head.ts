import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import type { Link } from './audit-line.js';

/**
 * A file beside the log with number and hash of its newest line. The chain tells when a line within it is missing; that
 * lines are missing at its end only this tells.
 */
export interface AuditHead {
  /** What it said when it was opened; undefined when it was not there. */
  found: Link | undefined;
  /** Notes the newest line within a tenth of a second: of those that come faster the last is enough. */
  note(link: Link): void;
  /** Notes a line at once. */
  start(link: Link): void;
  close(): void;
}

/** The head does not say what a head says, or is not where it should be. */
export class HeadError extends Error {}

const NOTED_WITHIN_MS = 100;

/** Every head has this length, so that one is written over the other in place. */
const BYTES = 120;
const FORM = /^\{"seq":(\d{1,15}),"hash":"([0-9a-f]{64})"\} *\n$/;

export function headPath(file: string): string {
  return `${file}.head`;
}

/** What a head says; undefined when there is none. */
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
      // The head is behind the log, which verifies; the next line tries again.
    }
  };
  return {
    found,
    note: (link) => {
      newest = link;
      timer ??= setTimeout(writeNewest, NOTED_WITHIN_MS).unref();
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
  if (seq === undefined || hash === undefined) throw new HeadError(`${path} does not say what a head says`);
  return { seq: Number(seq), hash };
}
