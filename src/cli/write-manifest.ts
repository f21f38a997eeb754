import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { manifestOf, readPersistedOperations } from '../operation/persisted-operations.js';

/** Writes `manifest.generated.json` into each given folder: the ids and documents of its operations, for client builds. */
for (const folder of process.argv.slice(2)) {
  const url = pathToFileURL(`${resolve(folder)}/`);
  writeFileSync(new URL('manifest.generated.json', url), manifestOf(readPersistedOperations(url)));
}
