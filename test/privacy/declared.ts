import { readdirSync, readFileSync } from 'node:fs';
import {
  Kind,
  parse,
  valueFromASTUntyped,
  type ConstDirectiveNode,
  type FieldDefinitionNode,
  type TypeNode,
} from 'graphql';

/**
 * The declarations of a field, read from the SDL files without the engine's code. The matrix test compares answers with
 * them.
 */
export interface DeclaredField {
  type: TypeNode;
  arguments: { name: string; isRequired: boolean }[];
  category: string;
  mask?: string;
  purposes?: string[];
  channel?: string;
  scopes?: string[][];
}

export interface DeclaredSchema {
  /** The fields by type, then by name. */
  types: ReadonlyMap<string, ReadonlyMap<string, DeclaredField>>;
  unions: ReadonlyMap<string, readonly string[]>;
  /** The requirements of enum values, by `Enum.VALUE`. */
  values: ReadonlyMap<string, Pick<DeclaredField, 'scopes' | 'purposes'>>;
}

const FILES = [
  'schema/scalars.graphql',
  'schema/customer.graphql',
  'schema/audiences.graphql',
  ...readdirSync('schema/sources').map((name) => `schema/sources/${name}`),
];

const EVENTS = 'schema/events.graphql';

export function readDeclared(): DeclaredSchema {
  const types = new Map<string, Map<string, DeclaredField>>();
  const unions = new Map<string, readonly string[]>();
  const values = new Map<string, Pick<DeclaredField, 'scopes' | 'purposes'>>();
  for (const file of [...FILES, EVENTS])
    for (const definition of parse(readFileSync(file, 'utf8')).definitions) {
      if (definition.kind === Kind.UNION_TYPE_DEFINITION)
        unions.set(definition.name.value, definition.types?.map(({ name }) => name.value) ?? []);
      if (definition.kind === Kind.ENUM_TYPE_DEFINITION || definition.kind === Kind.ENUM_TYPE_EXTENSION)
        for (const { name, directives } of definition.values ?? []) {
          const scopes = argumentsOf(directives, 'requiresScopes')?.['scopes'] as string[][] | undefined;
          const purposes = argumentsOf(directives, 'purpose')?.['any'] as string[] | undefined;
          values.set(`${definition.name.value}.${name.value}`, {
            ...(scopes === undefined ? {} : { scopes }),
            ...(purposes === undefined ? {} : { purposes }),
          });
        }
      // Subscriptions have separate tests.
      if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION || file === EVENTS) continue;
      const fields = types.get(definition.name.value) ?? new Map<string, DeclaredField>();
      types.set(definition.name.value, fields);
      const ofType = argumentsOf(definition.directives, 'personalData')?.['category'];
      for (const field of definition.fields ?? [])
        if (!field.name.value.startsWith('_')) fields.set(field.name.value, declared(field, ofType));
    }
  return { types, unions, values };
}

function declared(field: FieldDefinitionNode, ofType: unknown): DeclaredField {
  const data = argumentsOf(field.directives, 'personalData');
  const purpose = argumentsOf(field.directives, 'purpose');
  const scopes = argumentsOf(field.directives, 'requiresScopes');
  return {
    type: field.type,
    arguments: (field.arguments ?? []).map(({ name, type, defaultValue }) => ({
      name: name.value,
      isRequired: type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined,
    })),
    category: String(data?.['category'] ?? ofType),
    ...(data?.['mask'] === undefined ? {} : { mask: data['mask'] as string }),
    ...(purpose === undefined ? {} : { purposes: purpose['any'] as string[] }),
    ...(purpose?.['channel'] === undefined ? {} : { channel: purpose['channel'] as string }),
    ...(scopes === undefined ? {} : { scopes: scopes['scopes'] as string[][] }),
  };
}

function argumentsOf(
  directives: readonly ConstDirectiveNode[] | undefined,
  name: string,
): Record<string, unknown> | undefined {
  const found = directives?.find((directive) => directive.name.value === name);
  if (found === undefined) return undefined;
  return Object.fromEntries(
    (found.arguments ?? []).map((constArgumentNode) => [
      constArgumentNode.name.value,
      valueFromASTUntyped(constArgumentNode.value),
    ]),
  );
}

export function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}
