import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { ConfigError } from '../errors.js';
import { HeadError, headPath, openHead, type AuditHead } from './audit-head.js';
import { BEGINNING, lastLine, type AuditLine, type Link, type Seal } from './audit-line.js';
import { LockedError, takeLock } from './audit-lock.js';

/** The destination of audit lines, and the state of the chain there. */
export interface AuditTarget {
  fd: number;
  /** The last line, which the next line refers to. */
  chain: Link;
  /** The bytes after the last complete line, which a crash left. */
  torn: Buffer;
  /** False if the last line has no line break. */
  isEnded: boolean;
  /** Only a file has one. */
  head: AuditHead | undefined;
  /** Removes the last bytes. Returns false if that is not possible. */
  takeBack(bytes: number): boolean;
  close(): void;
}

/** A standard stream or another destination that cannot be read: each start of the gateway begins a new chain. */
function stream(fd: number, close: () => void): AuditTarget {
  return {
    fd,
    chain: BEGINNING,
    torn: Buffer.alloc(0),
    isEnded: true,
    head: undefined,
    takeBack: () => false,
    close: () => {
      close();
    },
  };
}

export function standardStream(name: 'stdout' | 'stderr'): AuditTarget {
  return stream(name === 'stdout' ? 1 : 2, () => undefined);
}

/** Opens and locks a log to continue its chain. Throws a ConfigError if that is not possible. */
export function openAuditFile(path: string, seal: Seal): AuditTarget {
  const undo: (() => void)[] = [];
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
      const device = openSync(path, 'a');
      return stream(device, () => {
        closeSync(device);
      });
    }
    // Resolves links, so that two names of one file share one lock.
    const name = existsSync(path) ? realpathSync(path) : path;
    const unlock = takeLock(`${name}.lock`);
    undo.push(unlock);
    const fd = openSync(path, 'a+', 0o600);
    undo.push(() => {
      closeSync(fd);
    });
    const head = openHead(headPath(name));
    undo.push(() => {
      head.close();
    });
    const end = endOf(fd, head.found, seal);
    head.start(end.chain);
    return {
      fd,
      ...end,
      head,
      takeBack: (bytes) => {
        try {
          // The file may have been truncated meanwhile (logrotate's copytruncate). Truncating to more than its size would
          // fill it with zeros.
          ftruncateSync(fd, Math.max(0, fstatSync(fd).size - bytes));
          return true;
        } catch {
          return false;
        }
      },
      close: () => {
        head.close();
        closeSync(fd);
        unlock();
      },
    };
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw new ConfigError([`AUDIT_FILE cannot be written to: ${reasonOf(error)}.`]);
  }
}

class ForeignFileError extends Error {}

function reasonOf(error: unknown): string {
  if (error instanceof LockedError)
    return `${error.message}. Two gateways would break the chain: give each its own file. If that process has ended, remove the lock`;
  if (error instanceof HeadError)
    return `${error.message}. Run \`stekkerdoos audit verify\`, then move the file and its head away together`;
  if (error instanceof ForeignFileError) return `${error.message}. Name another file, or move this one away`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return `${code}. Name a file in an existing folder that the gateway may write to`;
}

type End = Pick<AuditTarget, 'chain' | 'torn' | 'isEnded'>;

/** The state of the chain at the end of a file, compared with its head. */
function endOf(fd: number, head: Link | undefined, seal: Seal): End {
  const { size } = fstatSync(fd);
  const { found, torn } = readEnd(fd, size);
  if (found === undefined) {
    if (size > 0 && head === undefined) throw new ForeignFileError('it is not an audit log');
    // A head without lines: the old file was moved away, and this file continues its chain.
    return { chain: head ?? BEGINNING, torn, isEnded: true };
  }
  const { line, isEnded, after } = found;
  if (seal(line.sealed) !== line.hash) {
    throw new ForeignFileError(
      'its last line does not match AUDIT_SECRET. If AUDIT_SECRET was changed, begin a new file; if not, the line was changed',
    );
  }
  // The head may be behind the file by the lines of the last moment before a crash. If it is ahead, lines were removed:
  // continuing from the head makes their absence visible.
  const isCurrent = head === undefined || head.seq < line.seq;
  const chain = isCurrent ? { seq: line.seq, hash: line.hash } : head;
  return { chain, torn: after, isEnded };
}

/** More torn bytes than several consecutive crashes can leave. */
const MAX_TORN_BYTES = 16 * 1024 * 1024;

/** Finds the last complete line. Searches from the end, because the file may be large. */
function readEnd(
  fd: number,
  size: number,
): { found: { line: AuditLine; isEnded: boolean; after: Buffer } | undefined; torn: Buffer } {
  for (let length = 64 * 1024; ; length *= 16) {
    const bytes = Buffer.alloc(Math.min(length, size));
    const read = readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    const found = lastLine(bytes.subarray(0, read));
    if (found !== undefined || length >= size) return { found, torn: bytes };
    if (length >= MAX_TORN_BYTES) throw new ForeignFileError('it is not an audit log');
  }
}
