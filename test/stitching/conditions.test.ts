import { describe, expect, test } from 'vitest';
import { SCOPES } from '../../src/context/roles.js';
import { readConditions } from '../../src/stitching/conditions.js';
import { readPolicies } from '../../src/stitching/policies.js';
import { composeSdl, readSdlFiles } from '../../src/stitching/sdl.js';
import { stitch } from '../../src/stitching/stitch.js';

/** Returns the conditions that a source declares with these fields of Customer. */
function conditionsOf(fields: string, rest = '') {
  const text = `
    type Customer @foundBy(identifier: "cardNumber") { ${fields} }
    type Card @personalData(category: NONE) { points: Int level(of: Int!): Level levels: [Level!] }
    type Level @personalData(category: NONE) { number: Int isGold: Boolean name: String }
    ${rest}`;
  const sdl = composeSdl([...readSdlFiles([]), { name: 'cards.graphql', text, source: 'cards' }], []);
  const schema = stitch({
    sdl,
    resolvers: new Map(),
    stitched: [],
    policies: readPolicies(sdl, [...SCOPES, 'cards:read']),
  });
  return readConditions(sdl, schema);
}

const GUARD = '@personalData(category: NONE) @requiresScopes(scopes: [["cards:read"]])';
const CARD = `card: Card ${GUARD}`;
const isMet = (fields: string, customer: object) => conditionsOf(fields).get('good')?.isMet(customer);

describe('a condition', () => {
  const points = `${CARD} @condition(name: "good", path: "points", atLeast: 10, atMost: 20)`;

  test('selects the value that it evaluates', () => {
    expect(conditionsOf(points).get('good')?.selection).toBe('card { points }');
  });

  test.each<[unknown, boolean | undefined]>([
    [9, false],
    [10, true],
    [20, true],
    [21, false],
    [null, undefined],
  ])('with bounds evaluates the Int %j to %j', (value, expected) => {
    expect(isMet(points, { card: { points: value } })).toBe(expected);
  });

  test('can have only one bound', () => {
    expect(isMet(`score: Int ${GUARD} @condition(name: "good", atLeast: 10)`, { score: 1e9 })).toBe(true);
    expect(isMet(`score: Int ${GUARD} @condition(name: "good", atMost: 10)`, { score: -1e9 })).toBe(true);
  });

  test.each<[unknown, boolean | undefined]>([
    [true, true],
    [false, false],
    [null, undefined],
  ])('without bounds evaluates the Boolean %j to %j', (value, expected) => {
    expect(isMet(`isMember: Boolean ${GUARD} @condition(name: "good")`, { isMember: value })).toBe(expected);
  });

  test('cannot be evaluated for a customer without the object that has the value', () => {
    expect(isMet(points, { card: null })).toBeUndefined();
  });

  test.each([
    [
      'with the path of an unknown field',
      `${CARD} @condition(name: "good", path: "rank", atMost: 1)`,
      '"rank"',
    ],
    [
      'with a path below a value that is not an object',
      `score: Int ${GUARD} @condition(name: "good", path: "x", atMost: 1)`,
      '"x"',
    ],
    [
      'with a path into a list',
      `${CARD} @condition(name: "good", path: "levels.number", atMost: 1)`,
      '"number"',
    ],
    ['through arguments', `${CARD} @condition(name: "good", path: "level.number", atMost: 1)`, 'arguments'],
    ['with the path of an object', `${CARD} @condition(name: "good")`, 'a Boolean'],
    ['with an Int without bounds', `score: Int ${GUARD} @condition(name: "good")`, 'a Boolean, or an Int'],
    ['with a Boolean with bounds', `isOld: Boolean ${GUARD} @condition(name: "good", atMost: 1)`, 'an Int'],
    [
      'with a name that another field declares too',
      `${CARD} @condition(name: "good", path: "points", atMost: 1)\n score: Int ${GUARD} @condition(name: "good", atMost: 1)`,
      'declared twice',
    ],
  ])('is refused %s, and the error has its place', (_, fields, message) => {
    expect(() => conditionsOf(fields)).toThrow(/cards\.graphql line \d+: /);
    expect(() => conditionsOf(fields)).toThrow(message);
  });

  test('is refused on a field of another type', () => {
    const extra = `extra: Extra ${GUARD}`;
    const type =
      'type Extra @personalData(category: NONE) { score: Int @condition(name: "good", atMost: 1) }';
    expect(() => conditionsOf(extra, type)).toThrow('"Extra.score" is not on a field of "Customer"');
  });
});
