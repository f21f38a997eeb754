import { readFileSync } from 'node:fs';
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  isUnionType,
  Kind,
  parse,
  type GraphQLNamedType,
  type GraphQLType,
  type ObjectTypeDefinitionNode,
} from 'graphql';
import { afterAll, describe, expect, it } from 'vitest';
import { sources } from '../../sources/index.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

const gateway = createTestGateway(directSettings());
afterAll(() => gateway.close());

const types: GraphQLNamedType[] = Object.values(gateway.schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);

interface Member {
  path: string;
  name: string;
  description: string | null | undefined;
  type: GraphQLType | undefined;
}

/** Fields of objects, interfaces and inputs. */
const fields: Member[] = types.flatMap((type) =>
  isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
    ? Object.values<Omit<Member, 'path'>>(type.getFields()).map(({ name, description, type: ofField }) => ({
        path: `${type.name}.${name}`,
        name,
        description,
        type: ofField,
      }))
    : [],
);
const args: Member[] = types.flatMap((type) =>
  isObjectType(type)
    ? Object.values(type.getFields()).flatMap((field) =>
        field.args.map(({ name, description }) => ({
          path: `${type.name}.${field.name}(${name}:)`,
          name,
          description,
          type: undefined,
        })),
      )
    : [],
);
const values: Member[] = types.flatMap((type) =>
  isEnumType(type)
    ? type.getValues().map(({ name, description }) => ({
        path: `${type.name}.${name}`,
        name,
        description,
        type: undefined,
      }))
    : [],
);

const paths = (some: readonly { path: string }[]): string[] => some.map(({ path }) => path);

/** What each source's own SDL declares. */
const files = sources.map(({ name }) => ({
  name,
  types: parse(
    readFileSync(new URL(`../../schema/sources/${name}.graphql`, import.meta.url), 'utf8'),
  ).definitions.filter((node): node is ObjectTypeDefinitionNode => node.kind === Kind.OBJECT_TYPE_DEFINITION),
}));

describe('the schema', () => {
  it('holds all twelve sources', () => {
    expect(gateway.sources.toSorted()).toEqual([
      'buienradar',
      'clickstream',
      'contact-centre',
      'crm-hubspot',
      'crm-salesforce',
      'facebook',
      'invoices',
      'kvk',
      'order-system',
      'vies',
      'webshop',
      'x',
    ]);
    expect(types.length).toBeGreaterThan(20);
    expect(fields.length).toBeGreaterThan(80);
  });

  it('describes every type, field, argument and enum value in words of its own', () => {
    const all = [
      ...types.map((type) => ({ path: type.name, name: type.name, description: type.description })),
      ...fields,
      ...args,
      ...values,
    ];
    const silent = all.filter(
      ({ name, description, path }) =>
        (description ?? '').trim().length < 3 ||
        description?.trim().toLowerCase() === name.toLowerCase() ||
        /TODO|FIXME/.test(`${path} ${description ?? ''}`),
    );
    expect(paths(silent).filter((path) => path !== 'Query')).toEqual([]);
  });

  it('names types in PascalCase, fields and arguments in camelCase, enum values in UPPER_CASE', () => {
    expect(types.map(({ name }) => name).filter((name) => !/^[A-Z][A-Za-z0-9]*$/.test(name))).toEqual([]);
    expect(paths([...fields, ...args].filter(({ name }) => !/^[a-z][A-Za-z0-9]*$/.test(name)))).toEqual([]);
    expect(paths(values.filter(({ name }) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(name)))).toEqual([]);
  });

  it('ends the name of every moment in At or Since, and gives nothing else such a name', () => {
    const isMoment = ({ type }: Member) => type !== undefined && getNamedType(type).name === 'DateTime';
    const saysMoment = ({ name }: Member) => /(At|Since)$/.test(name);
    expect(paths(fields.filter((field) => isMoment(field) !== saysMoment(field)))).toEqual([]);
  });

  it('names no system in the customer view, but for the identifiers that are its own', () => {
    const systems = /hubspot|shopify|zendesk|postgres|webshop/i;
    expect(
      paths(fields.filter(({ path }) => systems.test(path) && !path.startsWith('CustomerKey.'))),
    ).toEqual([]);
    expect(types.filter(({ name }) => systems.test(name))).toEqual([]);
  });

  it('lets every field that a source adds to a shared type be null, so that its bad day costs that field only', () => {
    const declaredBy = new Map<string, string[]>();
    for (const { name, types: own } of files)
      for (const type of own)
        declaredBy.set(type.name.value, [...(declaredBy.get(type.name.value) ?? []), name]);
    const shared = (type: string) => type === 'Customer' || (declaredBy.get(type) ?? []).length > 1;
    // Objects that one source alone makes are answered by it as a whole; the others only add to them.
    const makers = (type: string) =>
      files.filter(({ types: own }) =>
        own.some(({ fields: some = [] }) =>
          some.some(
            (field) => !field.name.value.startsWith('_') && shape(field.type).replace(/\W/g, '') === type,
          ),
        ),
      );
    const isOnlyMaker = (file: string, type: string) => {
      const [maker, ...others] = makers(type);
      return maker?.name === file && others.length === 0;
    };
    const strict = files.flatMap(({ name, types: own }) =>
      own
        .filter((type) => shared(type.name.value) && !isOnlyMaker(name, type.name.value))
        .flatMap((type) =>
          (type.fields ?? [])
            .filter((field) => field.type.kind === Kind.NON_NULL_TYPE && keyField(type) !== field.name.value)
            // Private entry points are no part of what a client sees.
            .filter((field) => !field.name.value.startsWith('_'))
            .map((field) => `${type.name.value}.${field.name.value}`),
        ),
    );
    expect(['Product', 'Company', 'Customer', 'Order'].map(shared)).toEqual([true, true, true, true]);
    expect(
      files.flatMap(({ name, types: own }) =>
        own
          .filter((type) => shared(type.name.value) && isOnlyMaker(name, type.name.value))
          .map((type) => type.name.value),
      ),
    ).toEqual(['Order']);
    expect(strict).toEqual([]);
  });

  it('lets every field that leads to a shared type be null, since another source may not have it', () => {
    const strict = fields.filter(({ type }) => {
      if (type === undefined || !isNonNullType(type)) return false;
      return !isListType(type.ofType) && ['Product', 'Company', 'Customer'].includes(getNamedType(type).name);
    });
    expect(paths(strict)).toEqual([]);
  });

  it('reads lists of pages by connections with edges, nodes and pageInfo', () => {
    const connections = types.filter(({ name }) => name.endsWith('Connection'));
    expect(connections.length).toBeGreaterThan(0);
    for (const type of connections)
      expect(isObjectType(type) && Object.keys(type.getFields()).sort(), type.name).toEqual([
        'edges',
        // It is made of several sources, of which some may not have answered.
        ...(type.name === 'TimelineConnection' ? ['missing'] : []),
        'nodes',
        'pageInfo',
      ]);
  });

  it('uses Float for what instruments measure only, since it would lose cents, and no type that nothing leads to', () => {
    expect(
      paths(fields.filter(({ type }) => type !== undefined && getNamedType(type).name === 'Float')).filter(
        (path) => !/^Weather(Now|Day|Rain)\./.test(path),
      ),
    ).toEqual([]);
    const reached = new Set(
      types.flatMap((type) =>
        isObjectType(type)
          ? Object.values(type.getFields()).flatMap((field) => [
              getNamedType(field.type).name,
              ...field.args.map((arg) => getNamedType(arg.type).name),
            ])
          : isUnionType(type)
            ? type.getTypes().map(({ name }) => name)
            : isInputObjectType(type)
              ? Object.values(type.getFields()).map((field) => getNamedType(field.type).name)
              : [],
      ),
    );
    const lost = types.filter(
      (type) => !reached.has(type.name) && type.name !== 'Query' && !isScalarType(type),
    );
    expect(lost.map(({ name }) => name)).toEqual([]);
  });

  it('finds objects for composing by private entry points that take lists and may not know one', () => {
    const all = files.flatMap(({ types: own }) =>
      own.filter(({ name }) => name.value === 'Query').flatMap((type) => type.fields ?? []),
    );
    // What no customer is needed for is asked by itself.
    const entries = all.filter(({ name }) => name.value !== 'weather');
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) {
      expect(entry.name.value).toMatch(/^_[a-z]/);
      expect(entry.arguments?.map(({ type }) => shape(type))).toEqual(['[ID!]!']);
      expect(shape(entry.type)).toMatch(/^\[\w+\]!$/);
    }
    const published = Object.keys(gateway.schema.getQueryType()?.getFields() ?? {});
    expect(published).toEqual(['customer', 'identify', 'customers', 'company', 'weather']);
  });
});

type TypeNode = ObjectTypeDefinitionNode['fields'] extends readonly (infer F)[] | undefined
  ? F extends { type: infer T }
    ? T
    : never
  : never;

function shape(type: TypeNode): string {
  if (type.kind === Kind.NON_NULL_TYPE) return `${shape(type.type)}!`;
  if (type.kind === Kind.LIST_TYPE) return `[${shape(type.type)}]`;
  return type.name.value;
}

/** The field that objects are found by is there whenever the object is. */
function keyField(type: ObjectTypeDefinitionNode): string | undefined {
  const argument = type.directives?.find(({ name }) => name.value === 'key')?.arguments?.[0];
  return argument?.name.value === 'field' && argument.value.kind === Kind.STRING
    ? argument.value.value
    : undefined;
}
