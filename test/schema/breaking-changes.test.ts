import { expect, it } from 'vitest';
import { breakingChanges } from './breaking-changes.js';

const schemaOf = (customer: string, rest = ''): string =>
  `type Query { customer: Customer } type Customer { name: String ${customer} } ${rest}`;

it.each([
  ['the same schema', schemaOf('city: String'), schemaOf('city: String')],
  ['a new field', schemaOf(''), schemaOf('city: String')],
  [
    'a new enum value',
    schemaOf('kind: Kind', 'enum Kind { A }'),
    schemaOf('kind: Kind', 'enum Kind { A B }'),
  ],
  [
    'a new argument with a default',
    schemaOf('city: String'),
    schemaOf('city(isLong: Boolean! = true): String'),
  ],
  ['the deprecation of a field', schemaOf('city: String'), schemaOf('city: String @deprecated(reason: "x")')],
  ['the removal of a deprecated field', schemaOf('city: String @deprecated(reason: "x")'), schemaOf('')],
  [
    'the removal of a deprecated enum value',
    schemaOf('kind: Kind', 'enum Kind { A B @deprecated(reason: "x") }'),
    schemaOf('kind: Kind', 'enum Kind { A }'),
  ],
  [
    'the removal of a deprecated argument',
    schemaOf('city(size: Int @deprecated(reason: "x")): String'),
    schemaOf('city: String'),
  ],
  [
    'the removal of a deprecated field with its type',
    schemaOf('place: Place @deprecated(reason: "x")', 'type Place { city: String }'),
    schemaOf(''),
  ],
])('%s breaks no client', async (_, before, after) => {
  expect(await breakingChanges(before, after)).toEqual([]);
});

it.each([
  ['the removal of a field', schemaOf('city: String'), schemaOf(''), 'city'],
  ['another type of a field', schemaOf('city: String'), schemaOf('city: Int'), 'city'],
  [
    'another type of a deprecated field',
    schemaOf('a: String @deprecated(reason: "x")'),
    schemaOf('a: Int'),
    'a',
  ],
  ['a field that can now be null', schemaOf('city: String!'), schemaOf('city: String'), 'city'],
  ['a new argument that is required', schemaOf('city: String'), schemaOf('city(size: Int!): String'), 'size'],
  [
    'the removal of an enum value',
    schemaOf('kind: Kind', 'enum Kind { A B }'),
    schemaOf('kind: Kind', 'enum Kind { A }'),
    'B',
  ],
  [
    'the removal of a type that a field without deprecation leads to',
    schemaOf('place: Place', 'type Place { city: String }'),
    schemaOf(''),
    'Place',
  ],
])('%s without a deprecation breaks clients', async (_, before, after, name) => {
  const changes = await breakingChanges(before, after);
  expect(changes.length).toBeGreaterThan(0);
  expect(changes.join(' ')).toContain(name);
});
