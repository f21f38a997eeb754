import { expect, test } from 'vitest';
import { readReceipt, sealReceipt, type ReceiptBody } from '../../src/privacy/receipt.js';

const SECRET = 'a secret of the tests';
const BODY: ReceiptBody = {
  format: 'stekkerdoos receipt 2',
  time: '2026-12-01T09:00:00.000Z',
  customerId: 'customer-1',
  identifiers: ['digest-1', 'digest-2'],
  records: [{ source: 'crm', record: 'digest-3' }],
  unavailableSources: ['shop'],
  everyInstance: true,
  suppressed: true,
};
const receipt = sealReceipt(BODY, SECRET);

test('a receipt can be read only with the secret that sealed it', () => {
  expect(readReceipt(JSON.stringify(receipt), SECRET)).toEqual({ ...BODY, seal: receipt.seal });
  expect(readReceipt(JSON.stringify(receipt), 'another secret')).toBeNull();
});

test('a receipt is valid with its members in any order', () => {
  const reversed = Object.fromEntries(Object.entries(receipt).reverse());
  expect(readReceipt(JSON.stringify(reversed, null, 2), SECRET)).not.toBeNull();
  expect(sealReceipt(Object.fromEntries(Object.entries(BODY).reverse()) as ReceiptBody, SECRET).seal).toBe(
    receipt.seal,
  );
});

test.each<[string, object]>([
  ['time', { time: '2026-12-02T09:00:00.000Z' }],
  ['customer', { customerId: null }],
  ['identifiers', { identifiers: ['digest-1'] }],
  ['records', { records: [] }],
  ['source of a record', { records: [{ source: 'shop', record: 'digest-3' }] }],
  ['list of unavailable systems', { unavailableSources: [] }],
  ['statement about every instance', { everyInstance: false }],
  ['statement about suppression', { suppressed: false }],
  ['seal', { seal: `${receipt.seal.slice(0, -1)}_` }],
  ['end of its seal', { seal: receipt.seal.slice(0, 16) }],
])('a receipt whose %s was changed is refused', (_, changed) => {
  expect(readReceipt(JSON.stringify({ ...receipt, ...changed }), SECRET)).toBeNull();
});

test.each([
  '',
  'nonsense',
  'null',
  '{}',
  JSON.stringify(BODY),
  JSON.stringify({ ...receipt, format: 'other' }),
])('the text %j is refused as a receipt', (text) => {
  expect(readReceipt(text, SECRET)).toBeNull();
});
