import { describe, expect, test } from 'vitest';
import type { CustomerRecord, CustomerSearch } from '../../src/identity/declaration.js';
import { ForbiddenError, InvalidInputError } from '../../src/errors.js';
import { commonNamespaces } from '../../src/identity/identifiers.js';
import { matchesSearch, readSearch } from '../../src/customer/search-terms.js';

const rules = {
  sources: [],
  namespaces: new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace])),
  limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 20 },
};
const seesAll = { maySee: () => true };

describe('readSearch', () => {
  const accepted: [Parameters<typeof readSearch>[0], CustomerSearch][] = [
    [{ name: '  van  der Meer ' }, { name: 'van der Meer' }],
    [{ name: 'Meer,van der; Eva' }, { name: 'Meer van der Eva' }],
    [{ email: 'Eva@' }, { email: 'eva@' }],
    [{ phone: '06 1234 5678' }, { phone: '+31612345678' }],
    [
      { postcode: '1012 ab', houseNumber: '12 a' },
      { postcode: '1012AB', houseNumber: '12A' },
    ],
    [
      { orderNumber: ' ORD-1 ', ticketNumber: '7' },
      { orderNumber: 'ORD-1', ticketNumber: '7' },
    ],
    [{ name: 'Li', email: null }, { name: 'Li' }],
  ];
  test.each(accepted)('reads %j as %j', (input, search) => {
    expect(readSearch(input, rules, seesAll).search).toEqual(search);
  });

  const refused: [Parameters<typeof readSearch>[0], RegExp][] = [
    [{}, /at least one term/],
    [{ name: null }, /at least one term/],
    [{ name: '  ' }, /1 to 100 characters/],
    [{ name: 'a b' }, /two letters/],
    [{ name: '%%' }, /two letters/],
    [{ name: 'e\u0007va' }, /control/],
    [{ name: 'x'.repeat(101) }, /1 to 100/],
    [{ email: '@e' }, /at least 3/],
    [{ email: 'eva meer' }, /no spaces/],
    [{ phone: '12' }, /complete telephone number/],
    [{ postcode: '1012AB' }, /Give both/],
    [{ houseNumber: '1' }, /Give both/],
  ];
  test.each(refused)('refuses %j', (input, message) => {
    expect(() => readSearch(input, rules, seesAll)).toThrow(InvalidInputError);
    expect(() => readSearch(input, rules, seesAll)).toThrow(message);
  });

  const forbidden: [Parameters<typeof readSearch>[0], string][] = [
    [{ name: 'eva' }, 'Customer.name'],
    [{ email: 'eva@' }, 'Customer.emails'],
    [{ phone: '0612345678' }, 'Customer.phones'],
    [{ postcode: '1012AB', houseNumber: '1' }, 'Customer.address'],
  ];
  test.each(forbidden)('refuses %j to a caller that may not see %s', (input, field) => {
    const maySee = (place: string) => place !== field;
    expect(() => readSearch(input, rules, { maySee })).toThrow(ForbiddenError);
    expect(() => readSearch({ orderNumber: '1' }, rules, { maySee })).not.toThrow();
  });

  test('names the terms in the order of the schema', () => {
    const input = { ticketNumber: '1', postcode: '1012AB', houseNumber: '1', name: 'eva' };
    expect(readSearch(input, rules, seesAll).terms).toEqual([
      'NAME',
      'POSTCODE',
      'HOUSE_NUMBER',
      'TICKET_NUMBER',
    ]);
  });
});

describe('matchesSearch', () => {
  const record: CustomerRecord = {
    id: '1',
    identifiers: [
      { namespace: 'email', value: 'Zoe.Muller@Example.nl' },
      { namespace: 'email', value: null },
      { namespace: 'phone', value: '06-12345678' },
    ],
    profile: {
      name: 'Zoë van der Müller-Strauß',
      address: { postcode: '1012 ab', houseNumber: '12 a' },
    },
  };
  const cases: [CustomerSearch, boolean][] = [
    [{ name: 'zoe' }, true],
    [{ name: 'MULLER van' }, true],
    [{ name: 'strauss' }, true],
    [{ name: 'uller' }, false],
    [{ name: 'zoe jansen' }, false],
    [{ email: 'muller@ex' }, true],
    [{ email: 'miller' }, false],
    [{ phone: '+31612345678' }, true],
    [{ phone: '+31612345679' }, false],
    [{ postcode: '1012AB', houseNumber: '12A' }, true],
    [{ postcode: '1012AB', houseNumber: '12' }, false],
    [{ postcode: '1012AC', houseNumber: '12A' }, false],
    [{ name: 'zoe', phone: '+31612345679' }, false],
    [{ orderNumber: 'the source checks it' }, true],
  ];
  test.each(cases)('for %j is %s', (search, expected) => {
    expect(matchesSearch(record, search, rules)).toBe(expected);
  });

  test('does not find a record without the data of a term', () => {
    for (const search of [{ name: 'zoe' }, { email: 'zoe' }, { postcode: '1012AB', houseNumber: '12A' }])
      expect(matchesSearch({ id: '2', identifiers: [] }, search, rules)).toBe(false);
  });
});
