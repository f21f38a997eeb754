import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { compiledFolder } from '../support/compiled.js';

/** A project folder in which the compiled program is installed. `write` creates or replaces a file of it. */
export async function createProject(): Promise<{
  folder: string;
  write: (path: string, text: string) => void;
}> {
  const folder = mkdtempSync(join(inject('temporaryFolder'), 'project-'));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const program = await compiledFolder();
  // The imports of the project reach the same modules as the command.
  write(
    'node_modules/stekkerdoos/package.json',
    '{ "name": "stekkerdoos", "type": "module", "exports": "./program/src/index.js" }',
  );
  symlinkSync(program, join(folder, 'node_modules/stekkerdoos/program'));
  symlinkSync(join(program, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  write('package.json', '{ "private": true, "type": "module" }');
  return { folder, write };
}
