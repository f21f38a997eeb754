import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sources } from '../../sources/index.js';
import { createGateway } from '../gateway.js';
import { SettingsReader } from '../settings.js';
import { publish } from '../stitching/publish.js';

/**
 * Writes schema/gateway.graphql, the published schema with every source plugged in. With `--check` it writes nothing and
 * fails if the file is not current.
 */

const FILE = new URL('../../schema/gateway.graphql', import.meta.url);
/** No system is called, so any valid value plugs a source in. */
const PLACEHOLDERS = ['http://127.0.0.1', 'postgres://127.0.0.1/none', 'none', '1', '/none'];

const nothing = new SettingsReader({});
const environment: Record<string, string> = {
  ID_SECRET: 'of no use for a schema',
  AUTH: 'off',
  LOG_LEVEL: 'silent',
};
for (const { connector } of sources) {
  for (const { variable, schema } of connector.settings(nothing)) {
    // Optional settings stay unset.
    if (schema.safeParse(undefined).success) continue;
    environment[variable] = PLACEHOLDERS.find((value) => schema.safeParse(value).success) ?? '';
  }
}

const gateway = createGateway({ sources, environment });
const current = publish(gateway.schema);
await gateway.close();

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
if (!values.check) writeFileSync(fileURLToPath(FILE), current);
else if (readFileSync(fileURLToPath(FILE), 'utf8') !== current) {
  process.stderr.write('schema/gateway.graphql is not current: run npm run schema and commit it.\n');
  process.exitCode = 1;
}
