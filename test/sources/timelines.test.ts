import { expect, it } from 'vitest';
import { sources } from '../../sources/index.js';
import type { Context, Customer } from '../../src/customer/customer.js';

const before = { at: '2026-11-03T00:00:00Z', id: '7' };
const since = '2026-11-01T00:00:00Z';

/** Sources whose system can find the items of a period, and the key of the only load. Other sources read all items. */
it.each([
  ['order-system', { customerNumbers: ['1'], first: 5, before, since }],
  ['invoices', { customerNumbers: ['1'], first: 5, after: before, since, status: null }],
  ['clickstream', { size: 5, after: before, since }],
])('the timeline of %s loads only the items of the requested period', async (name, key) => {
  const timeline = sources.find((source) => source.name === name)?.timeline;
  const customer = {
    identifiers: () => Promise.resolve(['1']),
    identity: { start: { namespace: 'customerNumber', value: '1' } },
  } as unknown as Customer;
  const keys: unknown[] = [];
  const load = (_: unknown, requested: unknown) => {
    keys.push(requested);
    return Promise.resolve([]);
  };
  const request = { first: 5, before, since, kinds: new Set(timeline?.kinds) };
  await timeline?.page(customer, request, { load } as unknown as Context);
  expect(keys).toMatchObject([key]);
});
