import { describe, expect, it } from 'vitest';
import {
  cut,
  filterText,
  literal,
  odataDate,
  odataDecimal,
  odataGuid,
  optionsText,
  type Condition,
  type OdataValue,
} from '../../src/connectors/odata/query.js';
import { InvalidInputError } from '../../src/errors.js';

const guid = '0A1b2c3d-0000-1111-2222-333344445555';

describe('a literal of OData', () => {
  it.each<[OdataValue, string, string]>([
    ["O'Neil's", "'O''Neil''s'", "'O''Neil''s'"],
    [12.5, '12.5', '12.5'],
    [false, 'false', 'false'],
    [odataGuid(guid), `guid'${guid}'`, guid],
    [odataDate('2026-11-01'), "datetime'2026-11-01T00:00:00'", '2026-11-01'],
    [odataDecimal('-12.50'), '-12.50M', '-12.50'],
  ])('%j is %s in version 2 and %s in version 4', (value, two, four) => {
    expect([literal(value, 2), literal(value, 4)]).toEqual([two, four]);
  });

  it.each<[string, () => unknown]>([
    ['infinite', () => literal(Infinity, 4)],
    ['NaN', () => literal(Number.NaN, 4)],
    ['with a NUL', () => literal('a\0', 4)],
    ['with half a character', () => literal('a\ud800', 4)],
    ['a GUID that is too long', () => odataGuid(`${guid}0`)],
    ['a GUID that is too short', () => odataGuid(guid.slice(1))],
    ['a day with a time', () => odataDate('2026-11-01T00:00')],
    ['a decimal with an exponent', () => odataDecimal('1e3')],
    ['a decimal without a digit', () => odataDecimal('1.')],
  ])('is refused if it is %s', (_, write) => {
    expect(write).toThrow(InvalidInputError);
  });
});

describe('a filter of OData', () => {
  const conditions: Condition[] = [
    ['a', 'ge', odataDate('2026-11-01')],
    ['b', 'in', ['x', 'y']],
    ['c', 'ne', 1],
  ];

  it('joins conditions, in the syntax of the version', () => {
    expect(filterText(conditions, { version: 4, lists: 'in' })).toBe(
      "a ge 2026-11-01 and b in ('x','y') and c ne 1",
    );
    expect(filterText(conditions, { version: 2, lists: 'or' })).toBe(
      "a ge datetime'2026-11-01T00:00:00' and (b eq 'x' or b eq 'y') and c ne 1",
    );
    expect(filterText([], { version: 4, lists: 'in' })).toBeUndefined();
    expect(() => filterText([['b', 'in', []]], { version: 4, lists: 'or' })).toThrow(RangeError);
  });

  it('is encoded together with the other options, without options that have no value', () => {
    expect(optionsText({ $filter: "a eq 'b&c'", $top: 0, $skip: undefined, $orderby: 'a desc' })).toBe(
      "$filter=a%20eq%20'b%26c'&$top=0&$orderby=a%20desc",
    );
  });
});

describe('values for a list', () => {
  const lengthOf = (values: readonly string[]) => values.join(',').length;
  it.each<[string[], number, number, string[][]]>([
    [['a', 'b', 'c'], 5, 9, [['a', 'b', 'c']]],
    [['a', 'b', 'c'], 4, 9, [['a', 'b'], ['c']]],
    [['a', 'b', 'c'], 9, 2, [['a', 'b'], ['c']]],
    [['a', 'b', 'c', 'd', 'e', 'f', 'g'], 5, 9, [['a', 'b', 'c'], ['d', 'e', 'f'], ['g']]],
    [['aaa', 'b', 'c'], 3, 9, [['aaa'], ['b', 'c']]],
    [['aaa'], 3, 9, [['aaa']]],
    [[], 3, 9, []],
  ])(
    '%j are divided by a maximum of %i characters and %i values into %j',
    (values, maxLength, maxValues, parts) => {
      expect(cut(values, { maxLength, maxValues, lengthOf })).toEqual(parts);
    },
  );

  it('are refused if a single value is too long', () => {
    expect(() => cut(['a', 'bbbb'], { maxLength: 3, maxValues: 9, lengthOf })).toThrow(InvalidInputError);
  });
});
