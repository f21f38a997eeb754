import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

/** Who holds a lock. A process id alone may have been given to another process since. */
const owners = z.object({ pid: z.number(), host: z.string(), started: z.string().optional() });
type Owner = z.infer<typeof owners>;

/** Somebody else holds the lock, or it cannot be told that nobody does. */
export class LockedError extends Error {}

/**
 * Takes a lock: a file that says which process holds it. What a process that is no more has left is taken over. Gives
 * back how to let it go.
 */
export function takeLock(path: string): () => void {
  const me = JSON.stringify({
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid),
  } satisfies Owner);
  const mine = `${path}.${randomUUID()}`;
  // Written elsewhere and linked, so that nobody sees a lock that does not say yet whose it is.
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

/** Puts a lock aside that nobody holds any more. */
function takeOver(path: string, aside: string): void {
  const held = read(path);
  if (held === undefined) return;
  const owner = parse(held);
  if (owner === undefined) throw new LockedError(`${path} is not readable as a lock`);
  if (owner.host !== hostname())
    throw new LockedError(`process ${owner.pid} on ${owner.host} has taken it by ${path}`);
  if (isRunning(owner)) throw new LockedError(`process ${owner.pid} is writing it, by ${path}`);
  if (
    !isDone('ENOENT', () => {
      renameSync(path, aside);
    })
  )
    return;
  // Somebody else may have been quicker: then it is theirs that was put aside.
  if (read(aside) !== held)
    isDone('EEXIST', () => {
      linkSync(aside, path);
    });
  rmSync(aside, { force: true });
}

function isRunning({ pid, started }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process may not be signalled, and runs.
    if (codeOf(error) === 'ESRCH') return false;
  }
  const now = startOf(pid);
  return now === undefined || started === undefined || now === started;
}

/** When a process started, where /proc tells: two processes of one id never have the same. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in brackets, may hold anything.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    // One that is dead, and whose parent has not asked what became of it, holds nothing.
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

/** False when it failed for the one reason that is expected. */
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
