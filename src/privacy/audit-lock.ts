import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

/** The owner of a lock. The start time is included, because process ids are reused. */
const owners = z.object({ pid: z.number(), host: z.string(), started: z.string().optional() });
type Owner = z.infer<typeof owners>;

/** Another process holds the lock, or its owner cannot be determined. */
export class LockedError extends Error {}

/**
 * Acquires a lock: a file that names the process that holds it. Takes over the lock of a process that has ended. Returns
 * the function that releases the lock.
 */
export function takeLock(path: string): () => void {
  const me = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid),
  } satisfies Owner);
  const mine = `${path}.${randomUUID()}`;
  // Written under another name and then linked, so that no process sees a lock without its owner.
  writeFileSync(mine, me, { flag: 'wx', mode: 0o600 });
  try {
    while (
      !isDone('EEXIST', () => {
        linkSync(mine, path);
      })
    )
      takeOver(path, `${mine}.old`);
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (read(path) === me) rmSync(path, { force: true });
  };
}

/** Moves away a lock whose process has ended. */
function takeOver(path: string, aside: string): void {
  const content = read(path);
  if (content === undefined) return;
  const owner = parse(content);
  if (owner === undefined) throw new LockedError(`${path} is not a valid lock`);
  if (owner.host !== hostname())
    throw new LockedError(`process ${owner.pid} on ${owner.host} has taken it by ${path}`);
  if (isRunning(owner)) throw new LockedError(`process ${owner.pid} is writing it, by ${path}`);
  if (
    !isDone('ENOENT', () => {
      renameSync(path, aside);
    })
  )
    return;
  // Another process may have taken the lock meanwhile. Then its lock was moved, and is put back.
  if (read(aside) !== content)
    isDone('EEXIST', () => {
      linkSync(aside, path);
    });
  rmSync(aside, { force: true });
}

function isRunning({ pid, started }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Any other error means that the process runs, but belongs to another user.
    if (codeOf(error) === 'ESRCH') return false;
  }
  const now = startOf(pid);
  return now === undefined || started === undefined || now === started;
}

/** The start time of a process from /proc, if available. Two processes with the same id never have the same one. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The program name, in brackets, may contain blanks and brackets.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    // A zombie process (state Z) has ended, so it holds no lock.
    return state === 'Z' ? 'ended' : `${boot} ${rest[18] ?? ''}`;
  } catch {
    return undefined;
  }
}

function read(path: string): string | undefined {
  let text: string | undefined;
  isDone('ENOENT', () => {
    text = readFileSync(path, 'utf8');
  });
  return text;
}

function parse(text: string): Owner | undefined {
  try {
    return owners.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Runs an action. Returns false if it failed with the expected error code; other errors are thrown. */
function isDone(expected: string, act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (codeOf(error) === expected) return false;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
