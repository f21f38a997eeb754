import { statSync, watch, watchFile, unwatchFile } from 'node:fs';
import { join } from 'node:path';
import { GATEWAY_FILE } from '../project/project-folder.js';

/** Editors write a file in several steps, so a reload waits this long after the last one. */
const SETTLE_MS = 100;
const SECRET_POLL_MS = 5_000;

/** Calls `onChange` after files of a project folder changed. Returns a function that stops watching. */
export function watchProject(folder: string, onChange: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const changed = (): void => {
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS);
  };
  const watchers = ['sources', 'schema', '.'].flatMap((part) => {
    const path = join(folder, part);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
    return watch(path, { recursive: part !== '.' }, (_event, name) => {
      if (part !== '.' || name === GATEWAY_FILE || name === '.env') changed();
    });
  });
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
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
