import { isEnumType, isObjectType, type GraphQLSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { SCOPES } from '../../src/context/roles.js';
import { readPolicies } from '../../src/stitching/policies.js';
import { composeSdl, readSdlFiles } from '../../src/stitching/sdl.js';
import { stitch } from '../../src/stitching/stitch.js';

const TEXT = `
  type Customer @foundBy(identifier: "email") { card: Card @personalData(category: NONE) }
  type Card @personalData(category: NONE) { points: Int level: Level }
  enum Level { GOLD SILVER }
  type Product @foundBy(field: "sku") { sku: ID! @personalData(category: NONE) weight: Int @personalData(category: NONE) }`;
const files = [...readSdlFiles([]), { name: 'cards.graphql', text: TEXT, source: 'cards' }];

/** Creates the schema with the resolvers of a source. */
function stitched(resolvers: object): GraphQLSchema {
  const sdl = composeSdl(files, []);
  return stitch({
    sdl,
    resolvers: new Map([['cards', resolvers]]),
    stitched: [],
    policies: readPolicies(sdl, SCOPES),
  });
}
function resolverOf(schema: GraphQLSchema): unknown {
  const card = schema.getType('Card');
  return isObjectType(card) ? card.getFields()['points']?.resolve : card;
}
function goldOf(schema: GraphQLSchema): unknown {
  const level = schema.getType('Level');
  return isEnumType(level) ? level.getValue('GOLD')?.value : level;
}

describe('resolvers of a source', () => {
  test.each([
    [
      { Card: { pionts: () => 1 } },
      'cards has a resolver for "Card.pionts", which no SDL declares. Did you mean "points"?',
    ],
    [
      { Crad: { points: () => 1 } },
      'cards has resolvers for the type "Crad", which no SDL declares. Did you mean "Card"?',
    ],
    [
      { Level: { GOLDEN: 1 } },
      'cards has a resolver for "Level.GOLDEN", which no SDL declares. Did you mean "GOLD"?',
    ],
  ])('are refused if the SDL does not declare the field: %o', (resolvers, message) => {
    expect(() => stitched(resolvers)).toThrow(message);
  });

  test('are allowed for objects of a source that is not plugged in', () => {
    expect(stitched({ Product: { weight: () => 1 } }).getType('Product')).toBeUndefined();
  });

  test('belong to one gateway, even if another gateway of the process has the same SDL', () => {
    const [readFirst, readSecond] = [() => 1, () => 2];
    const first = stitched({ Card: { points: readFirst } });
    const second = stitched({ Card: { points: readSecond } });
    expect([resolverOf(first), resolverOf(second), resolverOf(stitched({}))]).toEqual([
      readFirst,
      readSecond,
      undefined,
    ]);
  });

  test('can define the values of an enum for one gateway', () => {
    const first = stitched({ Level: { GOLD: 7 } });
    expect([goldOf(first), goldOf(stitched({}))]).toEqual([7, 'GOLD']);
  });
});

test('stitching does not change the directives of the SDL', () => {
  const sdl = composeSdl(
    [
      ...files,
      {
        name: 'letters.graphql',
        text: 'type Customer @foundBy(identifier: "email") @personalData(category: CONTACT) { letter: String @authenticated }',
        source: 'letters',
      },
      {
        name: 'people.graphql',
        text: 'type Customer @foundBy(identifier: "email") @personalData(category: NONE) { isPerson: Boolean }',
        source: 'people',
      },
    ],
    [],
  );
  const policies = readPolicies(sdl, SCOPES);
  stitch({ sdl, resolvers: new Map(), stitched: [], policies });
  expect(readPolicies(sdl, SCOPES)).toEqual(policies);
});
