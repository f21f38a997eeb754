import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  astFromValue,
  buildClientSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isSpecifiedScalarType,
  isUnionType,
  print,
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type IntrospectionQuery,
} from 'graphql';
import { expect } from 'vitest';
import { asObject } from './openapi.js';

/** Reads the answer to an introspection query, compressed or not. */
export function readIntrospection(file: string): GraphQLSchema {
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const answer = asObject(JSON.parse(text));
  const { data = answer } = answer;
  if (!isIntrospection(data)) throw new Error(`${file} is not an answer to an introspection query`);
  return buildClientSchema(data);
}

function isIntrospection(value: unknown): value is IntrospectionQuery {
  return typeof value === 'object' && value !== null && '__schema' in value;
}

export interface PartOptions {
  /** Whether members that the vendor has deprecated must be deprecated in the part, with the same reason. */
  deprecations?: boolean;
}

/** Expects that a schema is a part of the vendor's. It may omit optional members. All others must be the same. */
export function expectPartOf(vendor: GraphQLSchema, part: GraphQLSchema, options: PartOptions = {}): void {
  expect(differences(vendor, part, options)).toEqual([]);
}

/** Returns the differences as sentences; empty if `part` is a part of `vendor`. */
export function differences(
  vendor: GraphQLSchema,
  part: GraphQLSchema,
  { deprecations = false }: PartOptions = {},
): string[] {
  const found: string[] = [];
  const expectSame = (where: string, what: string, ours: unknown, theirs: unknown): void => {
    if (ours !== theirs) found.push(`${where}: ${what} is ${String(ours)}, at the vendor ${String(theirs)}`);
  };
  const compareDeprecation = (where: string, ours: Deprecable, theirs: Deprecable): void => {
    if (deprecations)
      expectSame(where, 'deprecation', ours.deprecationReason ?? 'none', theirs.deprecationReason ?? 'none');
  };

  function compareInputs(where: string, ours: readonly Input[], theirs: readonly Input[]): void {
    for (const input of ours) {
      const counterpart = theirs.find(({ name }) => name === input.name);
      const place = `${where}.${input.name}`;
      if (!counterpart) {
        found.push(`${place}: the vendor has none`);
        continue;
      }
      expectSame(place, 'type', String(input.type), String(counterpart.type));
      expectSame(place, 'default', defaultOf(input), defaultOf(counterpart));
      compareDeprecation(place, input, counterpart);
    }
    for (const { name } of theirs.filter(isRequired)) {
      if (!ours.some((input) => input.name === name)) found.push(`${where}.${name}: the vendor demands it`);
    }
  }

  function compareType(ours: GraphQLNamedType, theirs: GraphQLNamedType | undefined): void {
    if (!theirs) {
      found.push(`${ours.name}: the vendor has none`);
      return;
    }
    expectSame(ours.name, 'kind', kindOf(ours), kindOf(theirs));
    if (isInputObjectType(ours) && isInputObjectType(theirs)) {
      compareInputs(ours.name, Object.values(ours.getFields()), Object.values(theirs.getFields()));
      return;
    }
    if (isEnumType(ours) && isEnumType(theirs)) {
      for (const value of ours.getValues()) {
        const counterpart = theirs.getValue(value.name);
        if (counterpart) compareDeprecation(`${ours.name}.${value.name}`, value, counterpart);
        else found.push(`${ours.name}.${value.name}: the vendor has none`);
      }
      return;
    }
    if (isUnionType(ours) && isUnionType(theirs)) {
      const members = theirs.getTypes().map(({ name }) => name);
      for (const { name } of ours.getTypes()) {
        if (!members.includes(name)) found.push(`${ours.name}: ${name} is not a member at the vendor`);
      }
      return;
    }
    if (!hasFields(ours) || !hasFields(theirs)) return;
    const interfaces = theirs.getInterfaces().map(({ name }) => name);
    for (const { name } of ours.getInterfaces()) {
      if (!interfaces.includes(name)) found.push(`${ours.name}: does not implement ${name} at the vendor`);
    }
    for (const field of Object.values(ours.getFields())) {
      const place = `${ours.name}.${field.name}`;
      const counterpart = theirs.getFields()[field.name];
      if (!counterpart) {
        found.push(`${place}: the vendor has none`);
        continue;
      }
      expectSame(place, 'type', String(field.type), String(counterpart.type));
      compareDeprecation(place, field, counterpart);
      compareInputs(place, field.args, counterpart.args);
    }
  }

  expectSame('query', 'root type', part.getQueryType()?.name, vendor.getQueryType()?.name);
  for (const type of Object.values(part.getTypeMap())) {
    if (!isIntrospectionType(type) && !isSpecifiedScalarType(type)) {
      compareType(type, vendor.getType(type.name));
    }
  }
  return found;
}

type Input = GraphQLArgument | GraphQLInputField;
type Deprecable = { deprecationReason?: string | null | undefined };

function isRequired(input: Input): boolean {
  return isRequiredArgument(input) || isRequiredInputField(input);
}

function hasFields(type: GraphQLNamedType) {
  return isObjectType(type) || isInterfaceType(type);
}

function kindOf(type: GraphQLNamedType): string {
  return type.constructor.name;
}

function defaultOf({ defaultValue, type }: Input): string | undefined {
  const node = defaultValue === undefined ? undefined : astFromValue(defaultValue, type);
  return node ? print(node) : undefined;
}
