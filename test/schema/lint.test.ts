import { readFileSync } from 'node:fs';
import {
  buildSchema,
  getNamedType,
  isInputObjectType,
  isIntrospectionType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLObjectType,
} from 'graphql';
import { describe, expect, it } from 'vitest';

/**
 * Checks the conventions of schema/README.md that client code depends on, in the published schema.
 * test/schema/conventions.test.ts checks composition and privacy.
 */
const schema = buildSchema(readFileSync(new URL('../../schema/gateway.graphql', import.meta.url), 'utf8'));

const objects: GraphQLObjectType[] = Object.values(schema.getTypeMap()).filter(
  (type): type is GraphQLObjectType => isObjectType(type) && !isIntrospectionType(type),
);
const fields = objects.flatMap((type) =>
  Object.values(type.getFields()).map((field) => ({ path: `${type.name}.${field.name}`, field })),
);
const inputs = [
  ...fields.flatMap(({ path, field }) =>
    field.args.map((input) => ({ path: `${path}(${input.name}:)`, input })),
  ),
  ...Object.values(schema.getTypeMap()).flatMap((type) =>
    isInputObjectType(type)
      ? Object.values(type.getFields()).map((input) => ({ path: `${type.name}.${input.name}`, input }))
      : [],
  ),
];
/** Fields, arguments and fields of inputs. */
const members: {
  path: string;
  member: GraphQLField<unknown, unknown> | GraphQLArgument | GraphQLInputField;
}[] = [
  ...fields.map(({ path, field }) => ({ path, member: field })),
  ...inputs.map(({ path, input }) => ({ path, member: input })),
];

const pathsOf = (found: readonly { path: string }[]): string[] => found.map(({ path }) => path).sort();
const typeOf = ({ type }: { type: unknown }): string => String(type);
const argumentOf = (field: GraphQLField<unknown, unknown>, name: string): GraphQLArgument | undefined =>
  field.args.find((argument) => argument.name === name);

describe('a list that can grow', () => {
  it('is a connection if it has a page size', () => {
    const paged = fields.filter(({ field }) => argumentOf(field, 'first') !== undefined);
    expect(paged.length).toBeGreaterThan(3);
    expect(pathsOf(paged.filter(({ field }) => !typeOf(field).endsWith('Connection')))).toEqual([]);
  });

  it('has the arguments first, with a default, and after', () => {
    const connections = fields.filter(({ field }) => getNamedType(field.type).name.endsWith('Connection'));
    expect(
      pathsOf(
        connections.filter(({ field }) => {
          const [first, after] = [argumentOf(field, 'first'), argumentOf(field, 'after')];
          return (
            first === undefined ||
            after === undefined ||
            typeOf(first) !== 'Int!' ||
            typeof first.defaultValue !== 'number' ||
            typeOf(after) !== 'String'
          );
        }),
      ),
    ).toEqual([]);
  });

  it('has edges, nodes and pageInfo, as in the GraphQL Cursor Connections specification', () => {
    for (const type of objects.filter(({ name }) => name.endsWith('Connection'))) {
      const itemName = type.name.slice(0, -'Connection'.length);
      const { edges, nodes, pageInfo } = type.getFields();
      expect({ type: type.name, edges: String(edges?.type), pageInfo: String(pageInfo?.type) }).toEqual({
        type: type.name,
        edges: `[${itemName}Edge!]!`,
        pageInfo: 'PageInfo!',
      });
      const edge = schema.getType(`${itemName}Edge`);
      if (!isObjectType(edge)) throw new Error(`There is no type ${itemName}Edge.`);
      const { cursor, node } = edge.getFields();
      expect(String(cursor?.type)).toBe('String!');
      expect(`[${String(node?.type)}]!`).toBe(String(nodes?.type));
    }
  });

  it('is the only type with edges', () => {
    expect(
      objects.filter((type) => type.getFields()['edges'] !== undefined && !type.name.endsWith('Connection')),
    ).toEqual([]);
  });

  it('has a PageInfo with the four specified fields', () => {
    const pageInfo = schema.getType('PageInfo');
    if (!isObjectType(pageInfo)) throw new Error('There is no type PageInfo.');
    expect(
      Object.fromEntries(Object.values(pageInfo.getFields()).map(({ name, type }) => [name, String(type)])),
    ).toEqual({
      hasNextPage: 'Boolean!',
      hasPreviousPage: 'Boolean!',
      startCursor: 'String',
      endCursor: 'String',
    });
  });

  it('is the only kind of field with an argument named after, and no field is named after', () => {
    const isOfConnection = (path: string) =>
      fields.some(
        (field) =>
          path === `${field.path}(after:)` && getNamedType(field.field.type).name.endsWith('Connection'),
      );
    expect(
      pathsOf(members.filter(({ path, member }) => member.name === 'after' && !isOfConnection(path))),
    ).toEqual([]);
  });
});

describe('an object that a client would cache', () => {
  /** The key field of types whose key is not `id`. */
  const KEYS: Readonly<Record<string, string>> = { Product: 'sku', Branch: 'number', Post: 'recordId' };
  /** Types that have no key in their systems. A client stores these objects below their list. */
  const WITHOUT_KEY: ReadonlySet<string> = new Set(['ProductView', 'Shipment']);

  it.each(['Order', 'OrderLine', 'Invoice', 'Cart', 'CartLine', 'Product'])('%s has a key', (name) => {
    const type = schema.getType(name);
    if (!isObjectType(type)) throw new Error(`There is no type ${name}.`);
    expect(String(type.getFields()[KEYS[name] ?? 'id']?.type)).toBe('ID!');
  });

  it('has an id that is never null', () => {
    const ids = fields.filter(({ field }) => field.name === 'id');
    expect(pathsOf(ids.filter(({ field }) => typeOf(field) !== 'ID!'))).toEqual([
      // Null when the system that names the customer is unavailable: another id would be another customer.
      'Customer.id',
    ]);
  });

  it('has a key if it is an item of a connection', () => {
    const items = objects
      .filter(({ name }) => name.endsWith('Edge'))
      .map((edge) => String(edge.getFields()['node']?.type).replace(/\W/g, ''));
    const withoutKey = items.filter((name) => {
      const type = schema.getType(name);
      return (
        isObjectType(type) &&
        !WITHOUT_KEY.has(name) &&
        String(type.getFields()[KEYS[name] ?? 'id']?.type) !== 'ID!'
      );
    });
    expect(items.length).toBeGreaterThan(3);
    expect(withoutKey).toEqual([]);
  });
});

describe('a name', () => {
  const named = (type: string) => members.filter(({ member }) => getNamedType(member.type).name === type);

  it('ends in At exactly if its type is DateTime', () => {
    const isMomentName = (name: string) => /At$/.test(name);
    expect(pathsOf(named('DateTime').filter(({ member }) => !isMomentName(member.name)))).toEqual([
      // A bound of the list, not a property of an object.
      'Customer.timeline(since:)',
      'MomentComparison.before',
      'MomentComparison.since',
    ]);
    expect(
      pathsOf(
        members.filter(
          ({ member }) =>
            isMomentName(member.name) &&
            !['DateTime', 'MomentComparison'].includes(getNamedType(member.type).name),
        ),
      ),
    ).toEqual([]);
  });

  it('ends in On exactly if its type is Date', () => {
    const isDayName = (name: string) => /[a-z]On$/.test(name);
    expect(pathsOf(named('Date').filter(({ member }) => !isDayName(member.name)))).toEqual([]);
    expect(
      pathsOf(
        members.filter(({ member }) => isDayName(member.name) && getNamedType(member.type).name !== 'Date'),
      ),
    ).toEqual([]);
  });

  it('begins with is, has, can or should exactly if its type is Boolean', () => {
    const isBooleanName = (name: string) => /^(is|has|can|should)[A-Z]/.test(name);
    expect(pathsOf(named('Boolean').filter(({ member }) => !isBooleanName(member.name)))).toEqual([]);
    expect(
      pathsOf(
        members.filter(
          ({ member }) => isBooleanName(member.name) && getNamedType(member.type).name !== 'Boolean',
        ),
      ),
    ).toEqual([]);
  });

  it('ends in Count exactly if it is a number of things', () => {
    const NUMBERS = ['Int', 'BigInt', 'CountTrait'];
    const numbers = fields.filter(({ field }) => NUMBERS.includes(getNamedType(field.type).name));
    expect(pathsOf(numbers.filter(({ field }) => !field.name.endsWith('Count'))).sort()).toEqual([
      'CartLine.quantity',
      // The value of a count trait.
      'CountTrait.value',
      // A position, not a count.
      'OrderLine.lineNumber',
      'OrderLine.quantity',
      // It can be negative, so it is not a count.
      'Product.availableQuantity',
    ]);
    expect(
      pathsOf(fields.filter((field) => field.field.name.endsWith('Count') && !numbers.includes(field))),
    ).toEqual([]);
  });

  it('is id or ends in Id only if its type is ID', () => {
    const isIdName = (name: string) => /^id$|Id$/.test(name);
    expect(
      pathsOf(fields.filter(({ field }) => isIdName(field.name) && getNamedType(field.type).name !== 'ID')),
    ).toEqual([]);
  });

  it('is source or sources only if its type is the enum Source', () => {
    expect(
      pathsOf(
        members.filter(
          ({ member }) => /^sources?$/.test(member.name) && getNamedType(member.type).name !== 'Source',
        ),
      ),
    ).toEqual([]);
  });
});

it('uses Float only for measurements of the weather', () => {
  // Measurements are not exact, and clients do not add them up. Coordinates are not measurements.
  const isMeasurement = (path: string) =>
    /^Weather[A-Za-z]*\./.test(path) && !/(latitude|longitude)$/i.test(path);
  const floats = members.filter(({ member }) => getNamedType(member.type).name === 'Float');
  expect(pathsOf(floats.filter(({ path }) => !isMeasurement(path)))).toEqual([]);
});
