import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sources } from '../../sources/index.js';
import { createGateway } from '../gateway.js';
import { editorSchema } from '../project/editor-schema.js';
import { SettingsReader } from '../settings.js';
import { publish } from '../stitching/publish.js';

/**
 * Writes schema/gateway.graphql, the published schema with every source plugged in, and schema/stekkerdoos.schema.json, the shape of the
 * YAML files for editors. With `--check` it writes nothing and fails if a file is not current.
 */

/** No system is called, so any valid value plugs a source in. */
const PLACEHOLDERS = ['http://127.0.0.1', 'postgres://127.0.0.1/none', 'none', '1', '/none'];

const noSettings = new SettingsReader({});
const environment: Record<string, string> = {
  ID_SECRET: 'of no use for a schema',
  AUTH: 'off',
  LOG_LEVEL: 'silent',
};
for (const { connector } of sources) {
  for (const { variable, schema } of connector.settings(noSettings)) {
    // Optional settings stay unset.
    if (schema.safeParse(undefined).success) continue;
    environment[variable] = PLACEHOLDERS.find((value) => schema.safeParse(value).success) ?? '';
  }
}

const gateway = createGateway({ sources, environment });
const files = {
  'schema/gateway.graphql': publish(gateway.schema),
  'schema/stekkerdoos.schema.json': `${JSON.stringify(editorSchema(), null, 2)}\n`,
};
await gateway.close();

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
for (const [file, current] of Object.entries(files)) {
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  if (!values.check) writeFileSync(path, current);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== current) {
    process.stderr.write(`${file} is not current: run npm run schema and commit it.\n`);
    process.exitCode = 1;
  }
}
