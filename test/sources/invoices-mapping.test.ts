import { describe, expect, it } from 'vitest';
import { isAfter, isSameCustomer, placeOf, totalsOf } from '../../sources/invoices/mapping.js';
import type { CustomerRecord } from '../../src/index.js';

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
  ])('with %s', (_, one, other, expected) => {
    expect(isSameCustomer(account(one), account(other))).toBe(expected);
    expect(isSameCustomer(account(other), account(one))).toBe(expected);
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

  it('is one for each currency, by its code', () => {
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

describe('the place of an invoice', () => {
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
  ])('is behind F2 of 2026-11-24 on %s for %s: %j', (issuedOn, number, expected) => {
    expect(isAfter(invoice(issuedOn, number), placeOf({ issuedOn: '2026-11-24', number: 'F2' }))).toBe(
      expected,
    );
  });
});
