import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A folder for all tests, which is removed after the last one. */
    temporaryFolder: string;
  }
}

export default function makeTemporaryFolder(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-tests-'));
  project.provide('temporaryFolder', folder);
  return () => {
    rmSync(folder, { recursive: true });
  };
}
