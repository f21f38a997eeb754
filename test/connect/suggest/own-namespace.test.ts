import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { namespaceName, patternOfValues } from '../../../src/connect/suggest/own-namespace.js';
import * as made from './made-up.js';

const { each } = made;

describe('the pattern of the ids of a system', () => {
  it.each<[string, readonly string[], string, readonly string[], readonly string[]]>([
    ['numbers', each((i) => String(7 + i * 91)), '^[1-9]\\d{0,18}$', ['123456789'], ['007', '1.0', 'A1']],
    [
      'numbers with zeros',
      each((i) => String(i * 7).padStart(8, '0')),
      '^\\d{8}$',
      ['12345678'],
      ['1234567'],
    ],
    ['UUIDs', each((i) => String(made.uuids[i])), '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', [], ['x']],
    [
      'a prefix',
      each((i) => `cus_Q${made.hex(i, 13)}`),
      '^cus_[a-zA-Z0-9]{14}$',
      ['cus_NffrFeUfNV2Hib'],
      ['sub_Q123'],
    ],
    [
      'global ids',
      each((i) => `gid://shop/Customer/${71 + i}`),
      '^gid:\\/\\/shop\\/Customer\\/[1-9]\\d{0,18}$',
      [],
      ['gid://shop/Order/7'],
    ],
    ['a letter and digits', each((i) => `D00${2_040 + i}`), '^D\\d{6}$', ['D910000'], ['E002040', 'D1']],
    ['capitals', ['ALFKI', 'ANATR', 'ANTON', 'AROUT', 'BERGS'], '^[A-Z]{5}$', ['WOLZA'], ['alfki']],
    ['two kinds', ['NL-17', 'BE-1234'], '^[A-Z]{2}-\\d{1,10}$', ['DE-9'], ['NL17']],
    ['no sample', [], '^[!-~]{1,100}$', ['x'], ['']],
  ])('fits %s', (_case, values, expected, matching, others) => {
    const pattern = patternOfValues(values);
    expect(pattern).toBe(expected);
    for (const value of [...values, ...matching]) expect(new RegExp(pattern, 'u').test(value)).toBe(true);
    for (const value of others) expect(new RegExp(pattern, 'u').test(value)).toBe(false);
  });

  it('matches all sampled values, and contains none of them', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ minLength: 4, maxLength: 70 }).filter((text) => !/[\n\r\u2028\u2029]/.test(text)),
          { minLength: 1, maxLength: 9 },
        ),
        (values) => {
          const pattern = patternOfValues(values);
          const compiled = new RegExp(pattern, 'u');
          for (const value of values) {
            expect(compiled.test(value)).toBe(true);
            expect(pattern.includes(value)).toBe(false);
          }
        },
      ),
    );
  });

  it('does not contain the name of a person', () => {
    expect(patternOfValues(['jansen1', 'jansen2', 'jansen3'])).not.toContain('jansen');
  });
});

it.each([
  ['club', 'ClubMember', 'id', 'clubMemberId'],
  ['xero', 'XeroContact', 'ContactID', 'xeroContactId'],
  ['web-shop', 'Customer', 'entity_id', 'webShopCustomerEntityId'],
  ['erp', 'ErpDebtor', 'details.number', 'erpDebtorNumber'],
])('names the ids of %s %s.%s %s', (source, type, path, expected) => {
  expect(namespaceName(source, type, path)).toBe(expected);
});
