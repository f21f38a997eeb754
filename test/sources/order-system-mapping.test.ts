import { describe, expect, it } from 'vitest';
import {
  cursorOf,
  isSameCustomer,
  placeOf,
  toConsent,
  toCustomer,
  toOrder,
  toOrderLine,
  toPayment,
} from '../../sources/order-system/mapping.js';
import { moment, withDevices, type CustomerRow } from '../../sources/order-system/wire.js';
import { encodeCursor } from '../../src/index.js';

const row: CustomerRow = {
  ...{ cust_no: 'K-1', email: 'a@example.nl', email_verified: true, phone: '06', phone_verified: false },
  ...{ first_name: 'Anna', last_name: 'de Vries', birth_date: '1980-02-29', street: 'A', house_no: '1b' },
  ...{ postcode: '1234 AB', city: 'Ede', country: 'BE', kvk_no: '12345678', vat_no: 'NL1' },
  ...{
    company_name: null,
    created_at: '2026-10-01 12:00:00.123456+00',
    updated_at: '2026-10-02 12:00:00+00',
  },
  visitor_ids: ['v1', 'v2'],
};
const customerOf = (more: Partial<CustomerRow> = {}) => toCustomer({ ...row, ...more });

describe('a customer of the order system', () => {
  it('has each column in its place', () => {
    expect(customerOf()).toEqual({
      id: 'K-1',
      identifiers: [
        { namespace: 'email', value: 'a@example.nl', verified: true },
        { namespace: 'phone', value: '06', verified: false },
        { namespace: 'visitorId', value: 'v1' },
        { namespace: 'visitorId', value: 'v2' },
        { namespace: 'kvkNumber', value: '12345678' },
        { namespace: 'vatNumber', value: 'NL1' },
      ],
      profile: {
        name: 'Anna de Vries',
        birthDate: '1980-02-29',
        address: { street: 'A', houseNumber: '1b', postcode: '1234 AB', city: 'Ede', country: 'BE' },
        updatedAt: '2026-10-02T12:00:00.000Z',
      },
      becameCustomerAt: '2026-10-01T12:00:00.123Z',
      lastName: 'de Vries',
    });
    expect(customerOf({ updated_at: null, birth_date: null }).profile).toMatchObject({
      ...{ updatedAt: null, birthDate: null },
    });
  });

  it.each([
    [{ company_name: 'Bakker' }, 'Bakker'],
    [{ first_name: null }, 'de Vries'],
    [{ last_name: null }, 'Anna'],
    [{ first_name: '', last_name: '' }, null],
    [{ first_name: ' ', last_name: null }, null],
    [{ first_name: null, last_name: null }, null],
  ])('with %j has the name %j', (more, name) => {
    expect(customerOf(more).profile?.name).toBe(name);
  });

  const nowhere = { street: null, house_no: null, postcode: null, city: null };
  const none = { street: null, houseNumber: null, postcode: null, city: null, country: 'BE' };
  it.each([
    [{}, null],
    [{ house_no: '1b' }, null],
    [{ street: 'A' }, { ...none, street: 'A' }],
    [{ postcode: '1' }, { ...none, postcode: '1' }],
    [{ city: 'Ede' }, { ...none, city: 'Ede' }],
  ])('with only %j has the address %j', (more, address) => {
    expect(customerOf({ ...nowhere, ...more }).profile?.address).toEqual(address);
  });
});

describe('two customers of the order system', () => {
  const unknown = { birth_date: null, phone: null, kvk_no: null };
  const verified = { ...unknown, phone: '06', phone_verified: true };
  it.each([
    ['the same name and birth date', {}, { phone: '07' }, true],
    ['the same name in other notation', {}, { last_name: ' DE VRIES ', phone: '07' }, true],
    ['another birth date', {}, { birth_date: '1980-03-01', phone: '07' }, false],
    ['another name', {}, { last_name: 'Jansen', phone: '07' }, false],
    ['no birth date', unknown, unknown, false],
    ['no name', { last_name: null, phone: null }, { last_name: null, phone: null }, false],
    ['blank names', { last_name: ' ', phone: null }, { last_name: ' ', phone: null }, false],
    ['the same verified phone', verified, { ...verified, last_name: 'Jansen' }, true],
    ['the same phone, verified for one of them', verified, { ...verified, phone_verified: false }, false],
    [
      'the same phone, not verified',
      { ...verified, phone_verified: false },
      { ...verified, phone_verified: false },
      false,
    ],
    ['two verified phones', verified, { ...verified, phone: '07' }, false],
    ['two organisations', {}, { kvk_no: '87654321' }, false],
    ['an organisation and a person', {}, { kvk_no: null }, false],
  ])('are compared by name, birth date and verified phone: %s', (_, item, other, expected) => {
    expect(isSameCustomer(customerOf(item), customerOf(other))).toBe(expected);
    expect(isSameCustomer(customerOf(other), customerOf(item))).toBe(expected);
  });
});

describe('an order of the order system', () => {
  const order = {
    ...{ page: 0, order_no: 'O-1', cust_no: 'K-1', shop_order_no: '#7', status: 'SHIPPED' as const },
    ...{ placed_at: '2026-10-01 12:00:00.123456+00', currency: 'USD', total: '10.50' },
  };

  it('has each column in its place', () => {
    expect(toOrder(order)).toEqual({
      ...{
        exactlyPlacedAt: order.placed_at,
        number: 'O-1',
        customerNumber: 'K-1',
        onlineNumber: '#7',
        status: 'SHIPPED',
      },
      ...{ placedAt: '2026-10-01T12:00:00.123Z', total: { amount: '10.50', currency: 'USD' } },
    });
    expect(placeOf(cursorOf(toOrder(order)))).toEqual({ placedAt: order.placed_at, number: 'O-1' });
  });

  it.each([
    ['', null],
    [null, null],
    ['0', '0'],
  ])('with the online number %j has %j', (shop_order_no, onlineNumber) => {
    expect(toOrder({ ...order, shop_order_no }).onlineNumber).toBe(onlineNumber);
  });

  it.each([
    [['2026-10-01', 'O-1']],
    [['2026-02-30 12:00:00+00', 'O-1']],
    [['', 'O-1']],
    [['2026-10-01 12:00:00+00']],
    [['2026-10-01 12:00:00+00', 'O-1', 'more']],
  ])('is not found at a cursor of %j', (parts) => {
    expect(() => placeOf(encodeCursor('Customer.orders', parts))).toThrow();
    expect(() => placeOf(encodeCursor('Customer.other', ['2026-10-01 12:00:00+00', 'O-1']))).toThrow();
  });

  it('has lines and payments with each column in its place', () => {
    const line = { order_no: 'O-1', line_no: 2, sku: 'S', description: 'Mug', quantity: 3 };
    expect(toOrderLine({ ...line, unit_price: '4.00', currency: 'USD' })).toEqual({
      ...{ orderNumber: 'O-1', lineNumber: 2, sku: 'S', description: 'Mug', quantity: 3 },
      unitPrice: { amount: '4.00', currency: 'USD' },
    });
    const payment = { order_no: 'O-1', payment_no: 1, method: 'ideal', amount: '5.00', currency: 'USD' };
    expect(toPayment({ ...payment, paid_at: '2026-10-01 12:00:00+00' })).toEqual({
      ...{ method: 'ideal', amount: { amount: '5.00', currency: 'USD' }, paidAt: '2026-10-01T12:00:00.000Z' },
    });
  });
});

describe('a consent of the order system', () => {
  it.each([
    ['GIVEN', 0, 'GRANTED'],
    ['GIVEN', 1, 'EXPIRED'],
    ['ASKED', 0, 'REQUESTED'],
    ['ASKED', 1, 'EXPIRED'],
    ['REFUSED', 0, 'DENIED'],
    ['REFUSED', 1, 'DENIED'],
    ['WITHDRAWN', 0, 'REVOKED'],
    ['WITHDRAWN', 1, 'REVOKED'],
  ] as const)('with the state %s and is_over %i is %s', (status, is_over, expected) => {
    const item = { cust_no: 'K-1', purpose: 'ANALYTICS' as const, channel: 'SMS' as const, evidence: 'form' };
    expect(toConsent({ ...item, status, is_over, changed_at: '2026-10-01 12:00:00+00' })).toEqual({
      ...{ purpose: 'ANALYTICS', channel: 'SMS', status: expected, evidence: 'form' },
      updatedAt: '2026-10-01T12:00:00.000Z',
    });
  });
});

it('rows of devices are joined by customer, in order, each device once', () => {
  const rowOf = (cust_no: string, visitor_id: string | null) => ({ ...row, cust_no, visitor_id });
  expect(
    withDevices([
      ...[rowOf('K-1', 'b'), rowOf('K-2', null), rowOf('K-1', null), rowOf('K-1', 'a')],
      ...[rowOf('K-1', 'b'), rowOf('K-3', 'b'), rowOf('K-2', 'c')],
    ]).map(({ cust_no, visitor_ids }) => [cust_no, visitor_ids]),
  ).toEqual([
    ['K-1', ['b', 'a']],
    ['K-2', ['c']],
    ['K-3', ['b']],
  ]);
});

it.each([
  ['2026-02-28 23:59:59.999999+00', true],
  ['2028-02-29 00:00:00+00', true],
  ['2026-02-29 00:00:00+00', false],
  ['2026-10-01 24:00:00+00', false],
  ['2026-10-01 12:60:00+00', false],
  ['0000-10-01 12:00:00+00', false],
  ['2026-10-01 12:00:00.1234567+00', false],
  ['2026-10-01 12:00:00+01', false],
  ['2026-10-01T12:00:00+00', false],
])('%s is a time of the order system: %j', (text, expected) => {
  expect(moment.safeParse(text).success).toBe(expected);
});
