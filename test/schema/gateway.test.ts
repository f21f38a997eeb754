import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { expect, it } from 'vitest';
import { publish } from '../../src/stitching/publish.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

const file = readFileSync(new URL('../../schema/gateway.graphql', import.meta.url), 'utf8');

it('publishes the schema with all sources', async () => {
  const gateway = createTestGateway(directSettings());
  expect(publish(gateway.schema), 'schema/gateway.graphql is out of date: run "npm run schema"').toBe(file);
  await gateway.close();
});

it('does not publish types and fields that only serve composition', () => {
  expect(file).not.toMatch(/^\s*_\w+/m);
  expect(file).not.toMatch(/@foundBy|@merge/);
  expect(Object.keys(buildSchema(file).getQueryType()?.getFields() ?? {})).toEqual([
    'audience',
    'audiencePlan',
    'company',
    'customer',
    'customers',
    'findCustomers',
    'identify',
    'me',
    'weather',
  ]);
});
