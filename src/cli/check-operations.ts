import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildSchema } from 'graphql';
import { sources } from '../../sources/index.js';
import { readNamedAudiences } from '../audiences/named-audiences.js';
import { ConfigError } from '../errors.js';
import { problemsOf, readPersistedOperations } from '../operation/persisted-operations.js';
import { directiveNamed } from '../stitching/policies.js';
import { readSdl } from '../stitching/sdl.js';
import { readSubscriptionRules } from '../stitching/subscription-rules.js';
import { readTriggers } from '../webhooks/triggers.js';

/**
 * Checks the operations, triggers and named audiences of folders against schema/gateway.graphql, which has the fields of
 * every source. The gateway leaves out operations that its sources cannot answer. An operation with a field
 * that no source has is a mistake.
 */

const SCHEMA = new URL('../../schema/gateway.graphql', import.meta.url);

const { values } = parseArgs({
  options: {
    operations: { type: 'string', multiple: true, default: [] },
    triggers: { type: 'string', multiple: true, default: [] },
    audiences: { type: 'string', multiple: true, default: [] },
  },
});
const schema = buildSchema(readFileSync(fileURLToPath(SCHEMA), 'utf8'));
const sdl = readSdl(
  sources.map(({ name }) => name),
  {},
  [],
);
const folderOf = (path: string) => pathToFileURL(`${resolve(path)}/`);

const problems: string[] = [];
for (const folder of values.operations) {
  try {
    for (const { file, document } of readPersistedOperations(folderOf(folder)))
      problems.push(...problemsOf(document, schema).map((problem) => `${folder}/${file}: ${problem}`));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems.map((problem) => `${folder}/${problem}`));
  }
}
for (const folder of values.triggers) {
  const read = readTriggers({
    folder: folderOf(folder),
    schema,
    subscriptionRules: readSubscriptionRules(sdl, schema),
    deliver: directiveNamed('deliver', sdl),
    // The endpoints, and the fields that a purpose forbids, are known only when the gateway starts.
    endpoints: { has: () => true },
    forbidden: () => [],
    maySee: () => true,
  });
  problems.push(...read.problems);
}
for (const folder of values.audiences)
  // The lists of the systems are known only when the gateway starts.
  problems.push(...readNamedAudiences({ folder: folderOf(folder), schema, refusalsOf: () => [] }).problems);
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;
