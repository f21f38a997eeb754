import { expect, test } from 'vitest';
import type { IdentifyingSource, KnownRecord } from '../../src/identity/matching.js';
import { Lookup } from '../../src/identity/walk.js';

const source: IdentifyingSource = {
  name: 'shop',
  identity: { recordKey: 'shopId', foundBy: {}, yields: {} },
};
const recordOf = (id: string): KnownRecord => ({
  source,
  rank: 0,
  record: { id, identifiers: [] },
  key: `shop ${id}`,
  recordId: { namespace: 'shopId', value: id },
  heldIdentifiers: [],
});

test('a lookup that was read before its answer arrived has the records of the answer', () => {
  const lookup = new Lookup(source, { namespace: 'email', value: 'a@example.nl' });
  const [record, other] = [recordOf('1'), recordOf('2')];
  expect([lookup.has(record), lookup.customersWith(record), lookup.customers]).toEqual([false, 1, 0]);
  lookup.answer = [record, other];
  expect([lookup.has(record), lookup.has(recordOf('3'))]).toEqual([true, false]);
  expect([lookup.customersWith(record), lookup.customersWith(recordOf('3')), lookup.customers]).toEqual([
    2, 3, 2,
  ]);
});
