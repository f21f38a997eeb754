import { isInputObjectType } from 'graphql';
import { afterAll, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings } from '../support/stand-ins.js';

// The timeouts are long, because the machine may be busy.
const gateway = createTestGateway(
  {
    ...directSettings(),
    DEADLINE_MS: '60000',
    IDENTITY_PATIENCE_MS: '20000',
    CLICKSTREAM_TIMEOUT_MS: '20000',
  },
  { sources: sources.map((source) => ({ ...source, limits: { ...source.limits, timeout: '20 s' } })) },
);
afterAll(() => gateway.close());

const PEOPLE = ['everywhere', ...Array.from({ length: 12 }, (_, i) => `customer-${i + 1}`)];

interface Found {
  id: string;
  identifiers: { namespace: string; value: string }[];
}

test('a customer has the same id by each of their identifiers', async () => {
  const first = await gateway.query(
    'query ($by: [CustomerKey!]!) { customers(by: $by) { id identifiers { namespace value } } }',
    { by: PEOPLE.map((name) => ({ email: `${name}@example.nl` })) },
  );
  expect(first.errors).toEqual([]);
  const kinds = gateway.schema.getType('CustomerKey');
  if (!isInputObjectType(kinds)) throw new Error('The schema has no CustomerKey.');
  const namespaces = new Set<string>();
  for (const customer of listAt(first.data, 'customers') as (Found | null)[]) {
    if (customer === null) continue;
    const keys = customer.identifiers
      .filter(({ namespace }) => namespace in kinds.getFields())
      .map(({ namespace, value }) => ({ [namespace]: value }));
    const { data, errors } = await gateway.query(
      'query ($by: [CustomerKey!]!) { customers(by: $by) { id } }',
      {
        by: keys,
      },
    );
    expect(errors.filter(({ extensions }) => extensions.code !== 'AMBIGUOUS_IDENTITY')).toEqual([]);
    const ids = (at(data, 'customers') as ({ id: string } | null)[]).map((item) => item?.id);
    keys.forEach((key, i) => {
      // An identifier that several people share finds no customer.
      if (ids[i] === undefined) return;
      expect(ids[i], JSON.stringify(key)).toBe(customer.id);
      namespaces.add(Object.keys(key)[0] ?? '');
    });
  }
  expect([...namespaces]).toEqual(
    expect.arrayContaining([
      'email',
      'customerNumber',
      'hubspotContactId',
      'facebookUserId',
      'shopifyCustomerId',
    ]),
  );
});
