import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Kind,
  parse,
  TokenKind,
  type ConstDirectiveNode,
  type FieldDefinitionNode,
  type ObjectTypeDefinitionNode,
} from 'graphql';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { RightField, RightSystem } from '../../connect/suggest/right-answers.js';

/** Reads what `connect` wrote: the links, the calls, and the privacy of each field. */

const Declaration = z.object({
  namespaces: z.record(z.string(), z.unknown()).default({}),
  identity: z.object({
    recordKey: z.string(),
    foundBy: z.record(z.string(), z.object({ call: z.string(), uniqueness: z.string() })),
    yields: z.record(z.string(), z.union([z.string(), z.record(z.string(), z.string())])).default({}),
    profile: z.object({ name: z.union([z.string(), z.array(z.string())]) }).optional(),
  }),
  calls: z.record(
    z.string(),
    z.object({ page: z.record(z.string(), z.unknown()).optional(), maxBatch: z.number().optional() }),
  ),
});

export interface WrittenField {
  category: string;
  categoryOfType: string;
  mask?: string;
  isRecognised: boolean;
}

export interface Written {
  identity: readonly string[];
  name: readonly string[];
  calls: Readonly<Record<string, { page?: object; maxBatch?: number }>>;
  /** By path from the customer, in lower case. */
  fields: ReadonlyMap<string, WrittenField>;
}

export function readWritten(folder: string, source: string): Written {
  const yaml: unknown = parseYaml(readFileSync(join(folder, `sources/${source}.yaml`), 'utf8'));
  const { namespaces, identity, calls } = Declaration.parse(yaml);
  const nameOf = (namespace: string) => (namespaces[namespace] === undefined ? namespace : 'own');
  return {
    identity: [
      ...Object.entries(identity.foundBy).map(
        ([namespace, { uniqueness }]) => `found by ${nameOf(namespace)} (${uniqueness})`,
      ),
      ...Object.entries(identity.yields).map(([namespace, at]) => {
        // A field with the name of its namespace has no path.
        const [kind, path] = typeof at === 'string' ? [at, namespace] : (Object.entries(at)[0] ?? []);
        return `yields ${nameOf(namespace)} at ${path ?? ''} (${kind ?? ''})`;
      }),
    ],
    name: [identity.profile?.name ?? []].flat(),
    calls: Object.fromEntries(
      Object.entries(calls).map(([name, { page, maxBatch }]) => [
        name,
        {
          ...(page === undefined ? {} : { page: withoutLimits(page) }),
          ...(maxBatch === undefined ? {} : { maxBatch }),
        },
      ]),
    ),
    fields: writtenFields(readFileSync(join(folder, `schema/sources/${source}.graphql`), 'utf8')),
  };
}

function withoutLimits(page: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(page).filter(([name]) => !/^max(Items|Pages)$/.test(name)));
}

function writtenFields(sdl: string): Map<string, WrittenField> {
  const types = new Map(
    parse(sdl).definitions.flatMap((definition) =>
      definition.kind === Kind.OBJECT_TYPE_DEFINITION ? [[definition.name.value, definition]] : [],
    ),
  );
  const found = new Map<string, WrittenField>();
  const visit = (type: ObjectTypeDefinitionNode, path: readonly string[], above: readonly string[]): void => {
    for (const field of type.fields ?? []) {
      const [, from = ''] = /In the system: (.*)\.$/.exec(field.description?.value ?? '') ?? [];
      const at = [...path, from.replaceAll(/["[\]]/g, '')];
      const inner = types.get(namedType(field).replace(/Connection$/, ''));
      if (inner === undefined) found.set(at.join('.').toLowerCase(), privacyOf(field, type));
      else if (!above.includes(inner.name.value)) visit(inner, at, [...above, inner.name.value]);
    }
  };
  const [customer] = types.get('Customer')?.fields ?? [];
  const record = customer === undefined ? undefined : types.get(namedType(customer));
  if (record === undefined) throw new Error('The SDL has no field of the customer.');
  visit(record, [], [record.name.value]);
  return found;
}

function namedType({ type }: FieldDefinitionNode): string {
  let inner = type;
  while (inner.kind !== Kind.NAMED_TYPE) inner = inner.type;
  return inner.name.value;
}

function privacyOf(field: FieldDefinitionNode, type: ObjectTypeDefinitionNode): WrittenField {
  const [ofField, ofType] = [field, type].map(({ directives }) =>
    directives?.find(({ name }) => name.value === 'personalData'),
  );
  const valueOf = (directive: ConstDirectiveNode | undefined, name: string) => {
    const value = directive?.arguments?.find((argument) => argument.name.value === name)?.value;
    return value?.kind === Kind.ENUM ? value.value : undefined;
  };
  const categoryOfType = valueOf(ofType, 'category') ?? 'NONE';
  const mask = valueOf(ofField, 'mask');
  return {
    category: valueOf(ofField, 'category') ?? categoryOfType,
    categoryOfType,
    ...(mask === undefined ? {} : { mask }),
    isRecognised: !/^ check: neither/.test(commentBefore(field)),
  };
}

function commentBefore({ loc }: FieldDefinitionNode): string {
  const before = loc?.startToken.prev;
  return before?.kind === TokenKind.COMMENT ? before.value : '';
}

interface RightPlace {
  right: RightField;
  /** The category of the type: that of its plain fields. */
  base: string;
}

/** The right answers by path from the customer, in lower case. */
export function rightPlaces({ types, customer }: RightSystem): Map<string, RightPlace> {
  const found = new Map<string, RightPlace>();
  const visit = (name: string, path: string, above: readonly string[]): void => {
    const type = types[name];
    if (type === undefined || above.includes(name)) return;
    for (const [from, right] of Object.entries(type.fields)) {
      const at = `${path}${from.toLowerCase()}`;
      if (right.type in types) visit(right.type, `${at}.`, [...above, name]);
      else found.set(at, { right, base: type.category });
    }
  };
  visit(customer, '', []);
  return found;
}
