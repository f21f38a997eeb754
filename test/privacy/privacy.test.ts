import { buildSchema, parse } from 'graphql';
import { expect, test } from 'vitest';
import type { Audience } from '../../src/privacy/access.js';
import { createPrivacy } from '../../src/privacy/privacy.js';
import type { FieldPolicy } from '../../src/stitching/policies.js';

const TYPES = 'type Query { orders: Int cart: Int weather: Int }';
const coreSchema = parse(`
  directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | ENUM_VALUE
  directive @purpose(any: [Purpose!]!) on FIELD_DEFINITION | ENUM_VALUE
  directive @requiresConsent on ENUM_VALUE
  enum Purpose { SERVICE MARKETING @requiresConsent }
  enum Kind { ORDER @requiresScopes(scopes: [["orders"]]) VISIT @purpose(any: [MARKETING]) NOTE }
  ${TYPES}`);
const policies = new Map<string, FieldPolicy>([
  ['Query.orders', { category: 'TRANSACTION', scopes: [['orders']], authenticated: false }],
  ['Query.cart', { category: 'TRANSACTION', purposes: ['SERVICE'], authenticated: false }],
]);
const privacy = createPrivacy(
  buildSchema(TYPES),
  { coreSchema, sources: new Map(), owners: new Map(), keys: new Map(), descriptions: new Map() },
  policies,
  { sources: [], ofCustomer: () => Promise.resolve([]), answersFor: () => [] },
);
const audience = (scopes: string[], purpose: Audience['purpose']): Audience => ({
  scopes: new Set(scopes),
  sees: 'clear',
  purpose,
});

test.each<[string, Audience, string[]]>([
  [
    'all scopes and SERVICE',
    audience(['orders'], 'SERVICE'),
    ['Query.orders', 'Query.cart', 'Kind.ORDER', 'Kind.NOTE'],
  ],
  [
    'all scopes and MARKETING',
    audience(['orders'], 'MARKETING'),
    ['Query.orders', 'Kind.ORDER', 'Kind.VISIT', 'Kind.NOTE'],
  ],
  ['no scope', audience([], 'SERVICE'), ['Query.cart', 'Kind.NOTE']],
])(
  'a caller with %s sees the fields and kinds that its policy allows, and none without a policy',
  (_, by, places) => {
    const all = [
      'Query.orders',
      'Query.cart',
      'Query.weather',
      'Kind.ORDER',
      'Kind.VISIT',
      'Kind.NOTE',
      'Kind.GONE',
    ];
    expect(all.filter((place) => privacy.maySee(by, place))).toEqual(places);
  },
);

test('a purpose needs consent if the schema declares that', () => {
  expect(privacy.needsConsent('MARKETING')).toBe(true);
  expect(privacy.needsConsent('SERVICE')).toBe(false);
  expect(privacy.needsConsent(undefined)).toBe(false);
});
