import { statSync, watch, watchFile, unwatchFile, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { GATEWAY_FILE } from '../project/project-folder.js';

/** Editors write a file in several steps, so a reload waits this long after the last one. */
const SETTLE_MS = 100;
const SECRET_POLL_MS = 5_000;
/** Folders of a project whose files are read. */
const FOLDERS = ['sources', 'schema'];

/** Calls `onChange` after files of a project folder changed. Returns a function that stops watching. */
export function watchProject(folder: string, onChange: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
  };
  const watchers = new Map<string, FSWatcher>();
  const watchFolder = (part: string): void => {
    const path = join(folder, part);
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    // A folder that is removed and made again needs another watcher.
    watchers.get(part)?.close();
    if (isFolder) watchers.set(part, watch(path, { recursive: true }, changed));
  };
  for (const part of FOLDERS) watchFolder(part);
  const top = watch(folder, (_event, name) => {
    if (name === GATEWAY_FILE || name === '.env') changed();
    if (name === null || !FOLDERS.includes(name)) return;
    watchFolder(name);
    changed();
  });
  return () => {
    clearTimeout(timer);
    top.close();
    for (const watcher of watchers.values()) watcher.close();
  };
}

/**
 * Calls `onChange` after one of these files changed. It polls them, because secrets are often replaced by changing a symbolic
 * link, which the operating system does not report.
 */
export function watchSecretFiles(files: readonly string[], onChange: () => void): () => void {
  for (const file of files) watchFile(file, { interval: SECRET_POLL_MS, persistent: false }, onChange);
  return () => {
    for (const file of files) unwatchFile(file, onChange);
  };
}
