import {
  buildSchema,
  getNamedType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  type GraphQLNamedType,
} from 'graphql';
import { compileField, namesIn } from '../declared/graphql-field.js';
import { graphqlCall } from '../declared/graphql-grammar.js';
import { withoutProtocol } from './odata-rows.js';
import { allRows, tableNameOf } from './recorded-rows.js';
import type { Recording } from './recording.js';

/**
 * What a check reads of the rows of a call, in protocols with a selection: the recorded members. Others were left out on
 * purpose, such as passwords.
 */
export function pathsToRead(recording: Recording, name: string): string[] {
  const { kind, calls, tables = {} } = recording;
  const { call = {} } = calls[name] ?? {};
  const table = tables[tableNameOf(calls[name]) ?? ''];
  if (table !== undefined) return table.columns.map((column) => column.name);
  const rows = allRows(recording, name).map((row) => asRecorded(recording, row));
  if (kind === 'graphql') return graphqlPaths(recording, call, rows);
  if (kind !== 'odata') return [];
  const names = new Set(
    rows.flatMap((row) => (typeof row === 'object' && row !== null ? Object.keys(row) : [])),
  );
  return names.size === 0 ? ['.'] : [...names];
}

/** The selected member of an object whose members were never recorded. */
const TYPE_NAME = '__typename';

/**
 * The paths of the recorded members to the leaves of the schema, because a leaf may be an object, such as JSON. An object
 * that was always null, or in a list that was always empty, has only its type name.
 */
function graphqlPaths(
  { source, system: { description } }: Recording,
  call: Readonly<Record<string, unknown>>,
  rows: readonly unknown[],
): string[] {
  const parsed = graphqlCall.safeParse(call);
  if (!parsed.success || description === undefined || parsed.data.select !== undefined) return [];
  const { field, rows: place = '.' } = parsed.data;
  const { names } = compileField(field, { source, place: [], report: () => undefined });
  const schema = buildSchema(description, { assumeValidSDL: true });
  const rowType = [...names, ...namesIn(place)].reduce(
    (type: GraphQLNamedType | null | undefined, member) => fieldType(type, member),
    schema.getQueryType(),
  );
  const paths = new Set<string>();
  const collect = (type: GraphQLNamedType, objects: readonly object[], path: string): void => {
    const members = new Set(objects.flatMap((object) => Object.keys(object)));
    let isEmpty = true;
    for (const member of members) {
      const inner = fieldType(type, member);
      if (inner === undefined) continue;
      isEmpty = false;
      const at = path === '' ? member : `${path}.${member}`;
      const values = objects.flatMap((object) => [Reflect.get(object, member) as unknown].flat(Infinity));
      if (isLeafType(inner)) paths.add(at);
      else
        collect(
          inner,
          values.filter((value) => typeof value === 'object' && value !== null),
          at,
        );
    }
    if (isEmpty) paths.add(path === '' ? TYPE_NAME : `${path}.${TYPE_NAME}`);
  };
  if (rowType != null)
    collect(
      rowType,
      rows.filter((row) => typeof row === 'object' && row !== null),
      '',
    );
  return [...paths];
}

function fieldType(type: GraphQLNamedType | null | undefined, name: string): GraphQLNamedType | undefined {
  if (!isObjectType(type) && !isInterfaceType(type)) return undefined;
  const field = type.getFields()[name];
  return field === undefined ? undefined : getNamedType(field.type);
}

/** A live row in the form of the recorded ones. */
export function asRecorded({ kind }: Recording, row: unknown): unknown {
  if (kind === 'odata') return withoutProtocol(row);
  return kind === 'graphql' ? withoutUnread(row) : row;
}

/** Replaces an object with only its type name by null, and removes it from a list. */
function withoutUnread(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.filter((item) => !isUnread(item)).map(withoutUnread);
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, isUnread(inner) ? null : withoutUnread(inner)]),
  );
}

function isUnread(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).join() === TYPE_NAME;
}
