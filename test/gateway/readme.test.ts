import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

const gateway = createTestGateway(directSettings());
afterAll(() => gateway.close());

test('the query in the README returns the response in the README', async () => {
  const readme = readFileSync('README.md', 'utf8');
  const [, query = ''] = /```graphql\n(.*?)```/s.exec(readme) ?? [];
  const [, answer = ''] = /```json\n(.*?)```/s.exec(readme) ?? [];
  const { data, errors } = await gateway.query(query);
  expect(errors).toEqual([]);
  expect({ data }).toEqual(JSON.parse(answer));
});
