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

/** Where audit lines go, and where the chain stands there. */
export interface AuditTarget {
  fd: number;
  /** The line that the next one comes after. */
  chain: Link;
  /** What stands after the last whole line: what a crash left of further lines. */
  torn: Buffer;
  /** False when the last line lacks its line break. */
  isEnded: boolean;
  /** Only a file has one. */
  head: AuditHead | undefined;
  /** Takes back the last bytes; false when what is written stays. */
  takeBack(bytes: number): boolean;
  close(): void;
}

/** Standard output, or another thing that cannot be read again: each start of the gateway begins a chain. */
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

export function standardOutput(): AuditTarget {
  return stream(1, () => undefined);
}

/** Opens a log to go on with it, alone. Throws a ConfigError when that cannot be. */
export function openAuditFile(path: string, seal: Seal): AuditTarget {
  const undo: (() => void)[] = [];
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
      const device = openSync(path, 'a');
      return stream(device, () => {
        closeSync(device);
      });
    }
    // Two names of one file are one file.
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
          // Whoever empties the file meanwhile (logrotate's copytruncate) is not given it back full of zeros.
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
    return `${error.message}. Two gateways would break the chain: give each a file of its own. When that process is no more, remove the lock`;
  if (error instanceof HeadError)
    return `${error.message}. See what \`stekkerdoos audit verify\` says, then move the file and its head away together`;
  if (error instanceof ForeignFileError) return `${error.message}. Name another file, or move this one away`;
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  return `${code}. Name a file in a folder that is there and that the gateway may write to`;
}

type End = Pick<AuditTarget, 'chain' | 'torn' | 'isEnded'>;

/** Where the chain stands at the end of a file and by its head. */
function endOf(fd: number, head: Link | undefined, seal: Seal): End {
  const { size } = fstatSync(fd);
  const { found, torn } = readEnd(fd, size);
  if (found === undefined) {
    if (size > 0 && head === undefined)
      throw new ForeignFileError('it holds something else than an audit log');
    // Without lines but with a head: the file was moved away, and this one goes on from it.
    return { chain: head ?? BEGINNING, torn, isEnded: true };
  }
  const { line, isEnded, after } = found;
  if (seal(line.sealed) !== line.hash) {
    throw new ForeignFileError(
      'its last line is not sealed as this gateway would seal it. If AUDIT_SECRET was changed, a new file is to be begun with it; if not, the line was',
    );
  }
  // The head may be behind the file by what was written just before a crash. That it is ahead means that lines were
  // taken away: going on from it lets everybody see that they are missing.
  const isCurrent = head === undefined || head.seq < line.seq;
  const chain = isCurrent ? { seq: line.seq, hash: line.hash } : head;
  return { chain, torn: after, isEnded };
}

/** More torn bytes than several crashes in a row could leave. */
const MAX_TORN = 16 * 1024 * 1024;

/** The last whole line is looked for from the end: the file may be large. */
function readEnd(
  fd: number,
  size: number,
): { found: { line: AuditLine; isEnded: boolean; after: Buffer } | undefined; torn: Buffer } {
  for (let length = 64 * 1024; ; length *= 16) {
    const bytes = Buffer.alloc(Math.min(length, size));
    const read = readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    const found = lastLine(bytes.subarray(0, read));
    if (found !== undefined || length >= size) return { found, torn: bytes };
    if (length >= MAX_TORN) throw new ForeignFileError('it holds something else than an audit log');
  }
}
