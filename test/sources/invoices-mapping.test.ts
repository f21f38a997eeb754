import { describe, expect, it } from 'vitest';
import {
  cursorOf,
  isAfter,
  isSameCustomer,
  moneyOf,
  newestFirst,
  placeIn,
  placeOf,
  toCustomer,
  toInvoice,
  totalsOf,
  WIRE_STATUS,
} from '../../sources/invoices/mapping.js';
import { customerCard, salesInvoice } from '../../sources/invoices/wire.js';
import { encodeCursor, type CustomerRecord } from '../../src/index.js';

interface Parts {
  vatNumber?: string | null;
  name?: string;
  street?: string | null;
  postcode?: string | null;
}

function account({
  vatNumber = null,
  name = 'Bakkerij Jansen B.V.',
  street = 'Dorpsstraat 1',
  postcode = '1234 AB',
}: Parts): CustomerRecord {
  return {
    id: 'D1',
    identifiers: [{ namespace: 'vatNumber', value: vatNumber }],
    profile: { name, address: { street, postcode, city: 'Ede' } },
  };
}

describe('two accounts of the invoice system', () => {
  it.each<[string, Parts, Parts, boolean]>([
    ['the same name, street and postcode', {}, {}, true],
    [
      'written with other blanks, dots and capitals',
      {},
      { name: 'bakkerij jansen bv', postcode: '1234ab' },
      true,
    ],
    ['another name', {}, { name: 'Slagerij Jansen B.V.' }, false],
    ['another street', {}, { street: 'Kerkstraat 2' }, false],
    ['another postcode', {}, { postcode: '1234 AC' }, false],
    ['no street', { street: null }, { street: null }, false],
    ['no postcode', { postcode: null }, { postcode: null }, false],
    ['the same VAT number', { vatNumber: 'NL1' }, { vatNumber: 'NL1', name: 'Other', street: 'Other' }, true],
    ['another VAT number', { vatNumber: 'NL1' }, { vatNumber: 'NL2', name: 'Other' }, false],
    ['no VAT number', { name: 'One' }, { name: 'Other' }, false],
  ])('are compared by name, address and VAT number: %s', (_, parts, other, expected) => {
    expect(isSameCustomer(account(parts), account(other))).toBe(expected);
    expect(isSameCustomer(account(other), account(parts))).toBe(expected);
  });
});

describe('the total of invoices', () => {
  const total = (...amounts: string[]) =>
    totalsOf(amounts.map((amount) => ({ amount, currency: 'EUR' }))).map(({ amount }) => amount);

  it.each<[string[], string[]]>([
    [[], []],
    [['0.10', '0.20'], ['0.30']],
    [['9007199254740993.01', '0.01'], ['9007199254740993.02']],
    [['10.00', '-12.50'], ['-2.50']],
    [['-0.05'], ['-0.05']],
    [['1', '0.5'], ['1.5']],
    [['100', '23'], ['123']],
  ])('of %j is %j', (amounts, expected) => {
    expect(total(...amounts)).toEqual(expected);
  });

  it('is separate for each currency, ordered by code', () => {
    expect(
      totalsOf([
        { amount: '1.00', currency: 'SEK' },
        { amount: '2.00', currency: 'EUR' },
        { amount: '3.00', currency: 'SEK' },
      ]),
    ).toEqual([
      { amount: '2.00', currency: 'EUR' },
      { amount: '4.00', currency: 'SEK' },
    ]);
  });
});

describe('an invoice', () => {
  const invoice = (issuedOn: string, number: string) => ({
    ...{ issuedOn, number, dueOn: null, status: 'OPEN' as const, orderNumber: null },
    total: { amount: '1.00', currency: 'EUR' },
    openAmount: { amount: '1.00', currency: 'EUR' },
  });

  it.each<[string, string, boolean]>([
    ['2026-11-24', 'F2', false],
    ['2026-11-24', 'F1', true],
    ['2026-11-24', 'F3', false],
    ['2026-11-23', 'F9', true],
    ['2026-11-25', 'F1', false],
  ])('of %s with the number %s is sorted after F2 of 2026-11-24: %j', (issuedOn, number, expected) => {
    expect(isAfter(invoice(issuedOn, number), placeOf({ issuedOn: '2026-11-24', number: 'F2' }))).toBe(
      expected,
    );
  });
});

describe('a record of the invoice system', () => {
  const card = (fields: object) => toCustomer(customerCard.parse({ number: 'D1', ...fields }));

  it('has each field of a customer in its place', () => {
    const address = { addressLine1: 'A 1', postalCode: '1234 AB', city: 'Ede', country: 'BE' };
    const contact = { email: 'a@example.nl', phoneNumber: '06', taxRegistrationNumber: 'NL1' };
    const lastModifiedDateTime = '2026-10-01T12:00:00Z';
    expect(card({ ...address, ...contact, displayName: 'Bakker', lastModifiedDateTime })).toEqual({
      id: 'D1',
      identifiers: [
        { namespace: 'email', value: 'a@example.nl' },
        { namespace: 'vatNumber', value: 'NL1' },
        { namespace: 'phone', value: '06' },
      ],
      profile: {
        ...{ name: 'Bakker', updatedAt: lastModifiedDateTime },
        address: { street: 'A 1', postcode: '1234 AB', city: 'Ede', country: 'BE' },
      },
    });
  });

  const none = { street: null, postcode: null, city: null, country: null };
  it.each<[object, object | null]>([
    [{}, null],
    [{ addressLine1: '', postalCode: '', city: '', country: 'NL' }, null],
    [{ addressLine1: 'A 1' }, { ...none, street: 'A 1' }],
    [{ postalCode: '1' }, { ...none, postcode: '1' }],
    [
      { city: 'Ede', country: 'NLD' },
      { ...none, city: 'Ede' },
    ],
    [
      { city: 'Ede', country: 'nl' },
      { ...none, city: 'Ede' },
    ],
  ])('with only %j has the address %j', (fields, address) => {
    expect(card(fields).profile).toEqual({ name: null, address, updatedAt: null });
  });

  const plain = {
    ...{ number: 'F1', invoiceDate: '2026-11-24', dueDate: '2026-12-24', billToCustomerNumber: 'D1' },
    ...{ currencyCode: 'SEK', orderNumber: 'O1', totalAmountIncludingTax: 35.4, remainingAmount: 5 },
  };
  it.each([
    ['Open', 'OPEN'],
    ['Paid', 'PAID'],
    ['Canceled', 'CANCELLED'],
    ['Corrective', 'CORRECTIVE'],
  ] as const)('has each field of an invoice in its place: %s', (wire, status) => {
    expect(WIRE_STATUS[status]).toBe(wire);
    expect(toInvoice(salesInvoice.parse({ ...plain, status: wire }))).toEqual({
      ...{ number: 'F1', issuedOn: '2026-11-24', dueOn: '2026-12-24', status, orderNumber: 'O1' },
      total: { amount: '35.40', currency: 'SEK' },
      openAmount: { amount: '5.00', currency: 'SEK' },
    });
    const without = { ...plain, dueDate: '0001-01-01', orderNumber: '', status: wire };
    expect(toInvoice(salesInvoice.parse(without))).toMatchObject({ dueOn: null, orderNumber: null });
  });

  it.each([
    ['35.4', 'EUR', '35.40'],
    ['35', 'EUR', '35.00'],
    ['35.123', 'EUR', '35.123'],
    ['-0.5', 'EUR', '-0.50'],
    ['35', 'JPY', '35'],
    ['35.5', 'JPY', '35.5'],
    ['35', 'KWD', '35.000'],
  ])('with the amount %s %s has %s', (amount, currency, expected) => {
    expect(moneyOf(amount, currency)).toEqual({ amount: expected, currency });
  });
});

describe('a list of invoices', () => {
  const invoiceAt = (issuedOn: string, number: string) => ({
    ...{ number, issuedOn, dueOn: null, status: 'OPEN' as const, orderNumber: null },
    ...{ total: { amount: '1', currency: 'EUR' }, openAmount: { amount: '1', currency: 'EUR' } },
  });

  it('is sorted by day and then by number, both in descending order', () => {
    const days = ['2026-11-23 F9', '2026-11-24 F1', '2026-11-24 F3', '2026-11-25 F0', '2026-11-24 F2'];
    const sorted = days.map((day) => invoiceAt(day.slice(0, 10), day.slice(11))).sort(newestFirst);
    expect(sorted.map(({ number }) => number)).toEqual(['F0', 'F3', 'F2', 'F1', 'F9']);
    expect(newestFirst(invoiceAt('2026-11-24', 'F1'), invoiceAt('2026-11-24', 'F1'))).toBe(0);
  });

  it('continues after the invoice of a cursor', () => {
    expect(placeIn(cursorOf(invoiceAt('2026-11-24', 'F1')))).toEqual({
      ...{ at: '2026-11-24T00:00:00.000000Z', id: 'F1' },
    });
  });

  it.each([[['2026-11-24T00:00', 'F1']], [['2026-13-24', 'F1']], [['', 'F1']], [['2026-11-24']]])(
    'refuses the cursor %j',
    (parts) => {
      expect(() => placeIn(encodeCursor('Customer.invoices', parts))).toThrow();
      expect(() => placeIn(encodeCursor('Customer.orders', ['2026-11-24', 'F1']))).toThrow();
    },
  );
});
