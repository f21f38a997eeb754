import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { manifestOf, readPersistedOperations } from '../server/persisted-operations.js';

/** Writes the ids and texts of all persisted operations, for whoever builds clients. Default: beside the operations. */

const FILE = new URL('../../schema/operations/manifest.generated.json', import.meta.url);
const [file = fileURLToPath(FILE)] = process.argv.slice(2);
writeFileSync(file, manifestOf(readPersistedOperations()));
