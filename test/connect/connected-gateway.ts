import type { Decisions, Draft, DraftField, DraftType } from '../../src/connect/draft.js';
import { declaredSource } from '../../src/index.js';
import type { Environment } from '../../src/settings.js';
import { createTestGateway, LONG_TIMEOUT, type TestGateway } from '../support/gateway.js';

/** Declares a draft with the least privacy rules, so that a test can query the real system through a gateway. */

const CATEGORY = '@personalData(category: TRANSACTION)';
const RULES =
  '@personalData(category: TRANSACTION) @purpose(any: [SERVICE, CUSTOMER_CARE, ANALYTICS]) @requiresScopes(scopes: [["orders:read"]])';

export type TestIdentity = Pick<Decisions, 'recordKey' | 'foundBy'> & {
  yields: Readonly<Record<string, string>>;
};

export function openConnected(draft: Draft, identity: TestIdentity, values: Environment): TestGateway {
  const { yaml, sdl } = declarationOf(draft, identity);
  const compiled = declaredSource({
    file: `${draft.source}.yaml`,
    yaml,
    sdl,
    sdlFile: `${draft.source}.graphql`,
  });
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems, null, 2));
  const { source, sdl: completed } = compiled;
  return createTestGateway(values, {
    sources: [{ ...source, limits: { ...source.limits, timeout: LONG_TIMEOUT } }],
    sdl: { [draft.source]: completed },
  });
}

function declarationOf(
  draft: Draft,
  { recordKey, foundBy, yields }: TestIdentity,
): { yaml: string; sdl: string } {
  const { source, connect, calls, customer, types } = draft;
  const enums = new Map<string, readonly string[]>();
  const fields: Record<string, unknown> = {};
  const idCall = foundBy[recordKey]?.call ?? '';
  const mapOf = (type: string, field: DraftField): unknown => {
    const { call } = field;
    if (call === undefined) return { from: field.from, ...field.conversion, ...enumOf(type, field, enums) };
    const key = type === 'Customer' ? {} : { key: call.key };
    return { call: call.name, ...key, ...(call.order === undefined ? {} : { order: call.order }) };
  };
  const member = (type: string) => (field: DraftField) => {
    fields[`${type}.${field.name}`] = mapOf(type, field);
    return sdlOf(type, field);
  };
  const lists = customer.fields.filter(({ call }) => call !== undefined);
  const columns = customer.fields.filter(({ call }) => call === undefined);
  fields['Customer.person'] = { call: idCall };
  const blocks = [
    `type Customer {\n"The person." person: ${customer.name} ${RULES}\n${lists.map(member('Customer')).join('\n')}\n}`,
    ...[{ ...customer, fields: columns }, ...Object.values(types)].map(
      (type: DraftType) =>
        `"A row." type ${type.name} ${CATEGORY} {\n${type.fields.map(member(type.name)).join('\n')}\n}`,
    ),
  ];
  const enumBlocks = [...enums].map(
    ([name, names]) => `"Values." enum ${name} { ${names.map((value) => `"A value." ${value}`).join(' ')} }`,
  );
  const used = new Set([
    ...Object.values(foundBy).map(({ call }) => call),
    ...Object.values({ ...types, customer }).flatMap((type) =>
      type.fields.flatMap(({ call }) => call?.name ?? []),
    ),
  ]);
  const declaration = {
    ...{ source, connect },
    namespaces: { [recordKey]: { pattern: '^.{1,40}$', description: 'The id.' } },
    identity: {
      ...{ recordKey, id: customer.id, foundBy },
      yields: Object.fromEntries(Object.entries(yields).map(([name, path]) => [name, { one: path }])),
    },
    calls: Object.fromEntries(
      Object.entries(calls).flatMap(([name, { call }]) => (used.has(name) ? [[name, call]] : [])),
    ),
    fields,
  };
  // JSON is YAML.
  return { yaml: JSON.stringify(declaration, null, 1), sdl: [...blocks, ...enumBlocks].join('\n\n') };
}

function enumOf(
  type: string,
  { name, type: of, values }: DraftField,
  enums: Map<string, readonly string[]>,
): object {
  if (of !== 'Enum' || values === undefined) return {};
  const named = values.map((value) => [value, value.toUpperCase().replace(/\W+/g, '_')] as const);
  enums.set(
    `${type}${name}Value`,
    named.map(([, enumName]) => enumName),
  );
  return { enum: Object.fromEntries(named) };
}

function sdlOf(type: string, { name, type: of, isList, isNullable, call }: DraftField): string {
  const typeName = of === 'Enum' ? `${type}${name}Value` : of;
  if (call?.order !== undefined)
    return `"A list." ${name}("How many." first: Int! = 10 "Where it begins." after: String): ${of}Connection ${type === 'Customer' ? RULES : ''}`;
  const rules = type === 'Customer' ? RULES : '';
  return `"A field." ${name}: ${isList ? `[${typeName}!]` : typeName}${isNullable ? '' : '!'} ${rules}`;
}
