import { expect, test } from 'vitest';
import { storedEvents } from '../../src/webhooks/intake.js';

const event = {
  id: '1',
  type: 'order.paid',
  time: '2026-11-20T11:30:00.000Z',
  subject: '71',
  data: { total: 10 },
  identifiers: {
    email: ['Eva@example.nl', 'eva@example.nl', 'nobody'],
    phone: ['nobody'],
    customerNumber: ['1', '2'],
  },
};
const options = {
  types: new Set(['order.paid']),
  identify: (namespace: string, value: string) =>
    value === 'nobody' ? null : namespace === 'email' ? value.toLowerCase() : value,
};

test('an event is stored with its source and with its identifiers in canonical form, without duplicates', () => {
  expect(storedEvents('shop', event, options)).toEqual([
    { ...event, source: 'shop', identifiers: { email: ['eva@example.nl'], customerNumber: ['1', '2'] } },
  ]);
});

test('an event of a type that is not in the schema is not stored', () => {
  expect(storedEvents('shop', { ...event, type: 'order.placed', identifiers: {} }, options)).toEqual([]);
});
