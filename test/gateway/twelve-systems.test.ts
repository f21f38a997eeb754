import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings } from '../support/stand-ins.js';

// The timeout is long, because the machine may be busy.
const gateway = createTestGateway({
  ...directSettings(),
  DEADLINE_MS: '30000',
  CLICKSTREAM_TIMEOUT_MS: '20000',
});
afterAll(() => gateway.close());

test('one query returns data of each of the twelve systems', async () => {
  const { data, errors } = await gateway.query(
    readFileSync('src/http/graphiql/examples/17-all-systems.graphql', 'utf8'),
  );
  expect(errors).toEqual([]);
  const customer = at(data, 'customer') as Record<string, unknown>;
  for (const [field, value] of Object.entries(customer)) {
    expect(value, field).not.toBeNull();
    expect(value, field).not.toEqual([]);
  }
  for (const list of ['orders', 'tickets', 'deals', 'invoices', 'visits'])
    expect(listAt(customer, list, 'nodes'), list).not.toHaveLength(0);
  expect(at(customer, 'company', 'legalForm')).not.toBeNull();
  expect(at(customer, 'company', 'vat', 'isValid')).toBe(true);
});
