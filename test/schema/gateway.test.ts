import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { expect, it } from 'vitest';
import { publish } from '../../src/stitching/publish.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

const file = readFileSync(new URL('../../schema/gateway.graphql', import.meta.url), 'utf8');

it('publishes the schema that all sources make together', async () => {
  const gateway = createTestGateway(directSettings());
  expect(publish(gateway.schema), 'schema/gateway.graphql is out of date: run "npm run schema"').toBe(file);
  await gateway.close();
});

it('publishes nothing that is only for composing the schema', () => {
  expect(file).not.toMatch(/^\s*_\w+/m);
  expect(file).not.toMatch(/@foundBy|@merge/);
  expect(Object.keys(buildSchema(file).getQueryType()?.getFields() ?? {})).toEqual([
    'company',
    'customer',
    'customers',
    'identify',
    'me',
    'weather',
  ]);
});
