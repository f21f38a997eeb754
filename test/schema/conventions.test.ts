import { readFileSync } from 'node:fs';
import {
  getNamedType,
  getNullableType,
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
  type GraphQLOutputType,
  type GraphQLType,
  type ObjectTypeDefinitionNode,
} from 'graphql';
import { afterAll, describe, expect, it } from 'vitest';
import { sources } from '../../sources/index.js';
import { SCOPES } from '../../src/context/roles.js';
import { commonNamespaces } from '../../src/identity/identifiers.js';
import { readPolicies, type FieldPolicy } from '../../src/stitching/policies.js';
import { readCosts } from '../../src/stitching/costs.js';
import { composeSdl, readSdlFiles } from '../../src/stitching/sdl.js';
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
  it('includes all sources', () => {
    expect(gateway.sources.toSorted()).toEqual(sources.map(({ name }) => name).toSorted());
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
    expect(paths(silent).filter((path) => path !== 'Query' && path !== 'Subscription')).toEqual([]);
  });

  it('has one description of a type or key field that several files declare', () => {
    const coreTypes = readSdlFiles([])
      .flatMap(({ text }) => parse(text).definitions)
      .filter((node): node is ObjectTypeDefinitionNode => node.kind === Kind.OBJECT_TYPE_DEFINITION);
    const described = (types: readonly ObjectTypeDefinitionNode[]) =>
      types.flatMap(({ name, description, fields = [] }) => [
        ...(description === undefined ? [] : [{ path: name.value, text: description.value }]),
        ...fields.flatMap((field) =>
          field.description === undefined
            ? []
            : [{ path: `${name.value}.${field.name.value}`, text: field.description.value }],
        ),
      ]);
    const first = new Map(described(coreTypes).map(({ path, text }) => [path, text]));
    // Each source may be plugged in alone, so each must describe the types that the core schema does not have.
    const problems = files.flatMap(({ name, types }) =>
      described(types).flatMap(({ path, text }) => {
        if (path === 'Query' || path === 'Subscription') return [];
        const earlier = first.get(path);
        first.set(path, earlier ?? text);
        if (coreTypes.some((type) => path === type.name.value || path.startsWith(`${type.name.value}.`)))
          return earlier === undefined ? [] : [`${name}: ${path} is described in the core schema`];
        return earlier === undefined || earlier === text ? [] : [`${name}: ${path} is described differently`];
      }),
    );
    expect(problems).toEqual([]);
  });

  it('names types in PascalCase, fields and arguments in camelCase, enum values in UPPER_CASE', () => {
    expect(types.map(({ name }) => name).filter((name) => !/^[A-Z][A-Za-z0-9]*$/.test(name))).toEqual([]);
    expect(paths([...fields, ...args].filter(({ name }) => !/^[a-z][A-Za-z0-9]*$/.test(name)))).toEqual([]);
    expect(paths(values.filter(({ name }) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(name)))).toEqual([]);
  });

  it('ends the name of every field of type DateTime in At or Since, and of no other field', () => {
    const isMoment = ({ type }: Member) => type !== undefined && getNamedType(type).name === 'DateTime';
    const hasMomentName = ({ name }: Member) => /(At|Since)$/.test(name);
    expect(paths(fields.filter((field) => isMoment(field) !== hasMomentName(field)))).toEqual([
      // Bounds of a moment, and comparisons of such values.
      'MomentComparison.since',
      'MomentComparison.before',
      'TicketComparison.createdAt',
      'AudienceCondition.lastOrderAt',
      'AudienceCondition.becameCustomerAt',
    ]);
  });

  it('names no system in the customer view, except in the identifiers of that system', () => {
    const systems = /hubspot|shopify|zendesk|postgres|webshop/i;
    expect(
      paths(fields.filter(({ path }) => systems.test(path) && !path.startsWith('CustomerKey.'))),
    ).toEqual([]);
    expect(types.filter(({ name }) => systems.test(name))).toEqual([]);
  });

  it('lets every field that a source adds to a shared type be null, so that an outage affects only that field', () => {
    const declaredBy = new Map<string, string[]>();
    for (const { name, types } of files)
      for (const type of types)
        declaredBy.set(type.name.value, [...(declaredBy.get(type.name.value) ?? []), name]);
    const isShared = (type: string) => type === 'Customer' || (declaredBy.get(type) ?? []).length > 1;
    // If only one source returns objects of a type, it resolves them completely. Other sources only add fields.
    const returningFiles = (type: string) =>
      files.filter(({ types }) =>
        types.some(({ fields: some = [] }) =>
          some.some(
            (field) => !field.name.value.startsWith('_') && shape(field.type).replace(/\W/g, '') === type,
          ),
        ),
      );
    const isOnlyReturnedBy = (file: string, type: string) => {
      const [first, ...others] = returningFiles(type);
      return first?.name === file && others.length === 0;
    };
    const strict = files.flatMap(({ name, types }) =>
      types
        .filter((type) => isShared(type.name.value) && !isOnlyReturnedBy(name, type.name.value))
        .flatMap((type) =>
          (type.fields ?? [])
            .filter((field) => field.type.kind === Kind.NON_NULL_TYPE && keyField(type) !== field.name.value)
            // Clients do not see private entry points.
            .filter((field) => !field.name.value.startsWith('_'))
            .map((field) => `${type.name.value}.${field.name.value}`),
        ),
    );
    expect(['Product', 'Company', 'Customer', 'Order'].map(isShared)).toEqual([true, true, true, true]);
    expect(
      files.flatMap(({ name, types }) =>
        types
          .filter((type) => isShared(type.name.value) && isOnlyReturnedBy(name, type.name.value))
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

  it('returns pages as connections with edges, nodes and pageInfo', () => {
    const MERGED_LISTS = ['TimelineConnection', 'TicketConnection', 'DealConnection'];
    const connections = types.filter(({ name }) => name.endsWith('Connection'));
    expect(connections.length).toBeGreaterThan(0);
    for (const type of connections)
      expect(isObjectType(type) && Object.keys(type.getFields()).sort(), type.name).toEqual([
        ...(type.name === 'AudienceMemberConnection' ? ['certainty', 'counts'] : []),
        'edges',
        ...(type.name === 'AudienceMemberConnection' ? ['isWithheld'] : []),
        // These lists merge several sources, and some may be unavailable.
        ...(MERGED_LISTS.includes(type.name) ? ['missing'] : []),
        'nodes',
        'pageInfo',
        ...(type.name === 'AudienceMemberConnection' ? ['unavailable'] : []),
      ]);
  });

  it('declares the maximum length of every list of objects, so that its cost can be computed before execution', () => {
    const names = sources.map(({ name }) => name);
    const costs = readCosts(composeSdl(readSdlFiles(names), commonNamespaces('NL')));
    const members = types.flatMap((type) =>
      isObjectType(type) ? Object.values(type.getFields()).map((field) => ({ type, field })) : [],
    );
    const listSizes = members.map(({ type, field }) => ({
      path: `${type.name}.${field.name}`,
      field,
      listSize: costs.get(`${type.name}.${field.name}`)?.listSize,
    }));
    const isList = (type: GraphQLOutputType): boolean => isListType(getNullableType(type));
    const isConnection = (name: string): boolean => name.endsWith('Connection');
    const lists = listSizes.filter(({ path, field: { type } }) => {
      const [owner = ''] = path.split('.');
      return isList(type) && isObjectType(getNamedType(type)) && !isConnection(owner);
    });
    expect(lists.length).toBeGreaterThan(20);
    expect(paths(lists.filter(({ listSize }) => listSize === undefined))).toEqual([]);
    const connections = listSizes.filter(({ field: { type } }) => isConnection(getNamedType(type).name));
    for (const { path, listSize } of connections)
      expect(listSize, path).toEqual({ slicingArguments: ['first'], sizedFields: ['nodes', 'edges'] });
    const pages = listSizes.filter(
      ({ field: { type, args } }) => isList(type) && args.some(({ name }) => name === 'first'),
    );
    for (const { path, listSize } of pages) expect(listSize?.slicingArguments, path).toEqual(['first']);
  });

  it('uses Float for measurements only, never for amounts, and has no unreachable type', () => {
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
    const unreachable = types.filter(
      (type) =>
        !reached.has(type.name) &&
        type.name !== 'Query' &&
        type.name !== 'Subscription' &&
        !isScalarType(type),
    );
    expect(unreachable.map(({ name }) => name)).toEqual([]);
  });

  it('merges objects through private entry points that take lists and may return null for an item', () => {
    const all = files.flatMap(({ types }) =>
      types.filter(({ name }) => name.value === 'Query').flatMap((type) => type.fields ?? []),
    );
    // A field that needs no customer is queried directly.
    const entries = all.filter(({ name }) => name.value !== 'weather');
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) {
      expect(entry.name.value).toMatch(/^_[a-z]/);
      expect(entry.arguments?.map(({ type }) => shape(type))).toEqual(['[ID!]!']);
      expect(shape(entry.type)).toMatch(/^\[\w+\]!$/);
    }
    const published = Object.keys(gateway.schema.getQueryType()?.getFields() ?? {});
    expect(published).toEqual([
      'me',
      'customer',
      'identify',
      'customers',
      'findCustomers',
      'audience',
      'audiencePlan',
      'company',
      'weather',
    ]);
  });
});

describe('the declarations of personal data in the schema', () => {
  const policies = readPolicies(
    composeSdl(readSdlFiles(sources.map(({ name }) => name)), commonNamespaces('NL')),
    SCOPES,
  );
  const typeOf = new Map(fields.map(({ path, type }) => [path, type]));
  const isText = (path: string) => {
    const type = typeOf.get(path);
    return type !== undefined && ['String', 'ID', 'Date'].includes(getNamedType(type).name);
  };
  const which = (test: (policy: FieldPolicy, path: string) => boolean): string[] =>
    [...policies].filter(([path, policy]) => test(policy, path)).map(([path]) => path);
  const isEntry = (path: string) => /^(Customer|Query)\./.test(path);

  it('covers every published field', () => {
    const objects = types
      .filter(isObjectType)
      .flatMap((type) => Object.keys(type.getFields()).map((name) => `${type.name}.${name}`));
    expect(objects.filter((path) => !policies.has(path))).toEqual([]);
  });

  it('lets every field of the customer, and every query that finds one, be null for callers without permission', () => {
    expect(paths(fields.filter(({ path, type }) => isEntry(path) && isNonNullType(type)))).toEqual([]);
  });

  it('shows no field of a customer, and no query that finds one, to anonymous callers', () => {
    expect(
      which(({ authenticated, scopes }, path) => isEntry(path) && !authenticated && scopes === undefined),
    ).toEqual([]);
    // All other fields need a scope. Every caller must be able to read the consents of a customer.
    const forAll = [
      'Customer.id',
      'Customer.systems',
      'Customer.consents',
      'Customer.weather',
      'Query.weather',
    ];
    expect(which(({ authenticated }, path) => authenticated && !forAll.includes(path))).toEqual([]);
  });

  it('requires only scopes that the roles have', () => {
    const known = new Set([
      'audiences:read',
      'behaviour:read',
      'companies:read',
      'contact:read',
      'customers:find',
      'customers:search',
      'identity:explore',
      'invoices:read',
      'me:read',
      'orders:read',
      'profile:read',
      'relation:read',
      'social:read',
      'tickets:others',
      'tickets:read',
      'timeline:read',
      'events:read',
    ]);
    expect(which(({ scopes = [] }) => scopes.flat().some((scope) => !known.has(scope)))).toEqual([]);
  });

  it('allows SERVICE to see everything, except the tickets of other people', () => {
    expect(which(({ purposes }) => purposes !== undefined && !purposes.includes('SERVICE'))).toEqual([
      'Company.tickets',
      'Customer.copiedTickets',
    ]);
  });

  it('hides conversations and payments for the purposes marketing and personalisation', () => {
    const offers = ['MARKETING', 'PERSONALISATION'] as const;
    expect(
      which(
        ({ category, purposes = offers }, path) =>
          path.startsWith('Customer.') &&
          ['COMMUNICATION', 'FINANCIAL'].includes(category) &&
          offers.some((offer) => purposes.includes(offer)),
      ),
      // The customer entered this value in a marketing form.
    ).toEqual(['Customer.formSubmissions']);
  });

  it('requires consent for the channel when a field can be used to reach somebody', () => {
    expect(
      Object.fromEntries([...policies].flatMap(([path, { channel }]) => (channel ? [[path, channel]] : []))),
    ).toEqual({
      'Customer.primaryEmail': 'EMAIL',
      'Customer.emails': 'EMAIL',
      'Customer.primaryPhone': 'PHONE',
      'Customer.phones': 'PHONE',
    });
  });

  it('has a mask for names, addresses, numbers and texts of a person', () => {
    const pointing =
      /\.(name|\w+Name|tradeNames|value|values|street|houseNumber|postcode|address|text|body|subject|comment|term|searchTerm|username|location|url|\w+Url|websites?|domains?|bornOn|primary\w+|rsin|kvkNumber|vatNumber|visitorId)$/;
    const clear = which(
      ({ category, mask }, path) =>
        category !== 'NONE' && mask === undefined && isText(path) && pointing.test(path),
    );
    expect(clear.sort()).toEqual(
      [
        // Texts of the organisation, which many people see.
        'CampaignMembership.name',
        'Cart.name',
        'ClickEvent.name',
        'ClickedProduct.name',
        'FormSubmission.formName',
        'Referrer.name',
        // Masked for all roles.
        'CandidateHint.name',
      ].sort(),
    );
    expect(which(({ mask }) => mask !== undefined).length).toBeGreaterThan(60);
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

/** The field that identifies objects of a type. Every object has it. */
function keyField(type: ObjectTypeDefinitionNode): string | undefined {
  const argument = type.directives?.find(({ name }) => name.value === 'foundBy')?.arguments?.[0];
  return argument?.name.value === 'field' && argument.value.kind === Kind.STRING
    ? argument.value.value
    : undefined;
}
