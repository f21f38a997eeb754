import { link, mkdir, mkdtemp, readdir, rename, rm, truncate, writeFile, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { healthy, type Condition, type Fault } from './fault.js';
import type { Counters } from './proxy-port.js';

/** The faults of a folder of files. */
const folderFaults: readonly (Fault | null)[] = [null, 'down', 'garbage'];

/** A folder has no port, so no proxy is in front of it. It has no latency and no counts. */
export interface FolderFront {
  readonly url: string;
  readonly condition: Condition;
  readonly counters: Counters;
  resetCalls(): void;
  change(condition: Condition): Promise<void>;
  close(): Promise<void>;
}

export class NotOfAFolderError extends Error {
  override name = 'NotOfAFolderError';
}

/**
 * A separate folder with the same files (hard links). With `down` it does not exist. With `garbage` each file is cut off in the
 * middle, like a file that is still being written.
 */
export async function openFolderFront(target: URL): Promise<FolderFront> {
  const parent = await mkdtemp(join(tmpdir(), 'stekkerdoos-folder-'));
  const folder = join(parent, 'files');
  const away = join(parent, 'away');
  const from = fileURLToPath(target);
  let condition = healthy;

  const fill = async (): Promise<void> => {
    await rm(folder, { recursive: true, force: true });
    await rm(away, { recursive: true, force: true });
    await forEachFile(from, async (path) => {
      const file = join(folder, path);
      await mkdir(dirname(file), { recursive: true });
      await link(join(from, path), file);
    });
  };
  await fill();

  const strike: Partial<Record<Fault, () => Promise<void>>> = {
    down: () => rename(folder, away),
    garbage: () =>
      forEachFile(folder, async (path) => {
        const file = join(folder, path);
        const whole = await readFile(file);
        // The file is replaced. Truncating it would also truncate the stand-in's file.
        await rm(file);
        await writeFile(file, whole);
        await truncate(file, Math.floor(whole.length / 2));
      }),
  };
  let changing = Promise.resolve();
  const change = async (wanted: Condition): Promise<void> => {
    if (wanted.latencyMs > 0 || !folderFaults.includes(wanted.fault))
      throw new NotOfAFolderError('a folder of files can only be "down" or "garbage", and has no latency');
    if (wanted.fault !== condition.fault) {
      await fill();
      if (wanted.fault !== null) await strike[wanted.fault]?.();
    }
    condition = wanted;
  };
  return {
    url: pathToFileURL(folder).href,
    get condition() {
      return condition;
    },
    counters: { calls: 0, connections: 0 },
    resetCalls: () => undefined,
    change: (wanted) => {
      const next = changing.then(() => change(wanted));
      changing = next.catch(() => undefined);
      return next;
    },
    close: () => rm(parent, { recursive: true, force: true }),
  };
}

async function forEachFile(folder: string, act: (path: string) => Promise<void>): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await act(join(entry.parentPath, entry.name).slice(folder.length + 1));
}
