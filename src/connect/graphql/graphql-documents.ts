import type { PersonWay } from './graphql-people.js';
import type { PlannedList, PlannedType } from './graphql-types.js';

/** Writes the operations that measure a call, as a declared source sends them. */

/** The selection of a type without braces: the fields of its plan, without lists that have their own call. */
export function selectionOf(type: PlannedType): string {
  const root: Tree = new Map();
  addType(root, type);
  return print(root);
}

type Tree = Map<string, Tree>;

function addType(tree: Tree, type: PlannedType): void {
  for (const field of type.fields) {
    if (field.list !== undefined) {
      add(tree, field.list.keyPath);
      continue;
    }
    const below = add(tree, field.from);
    if (field.object !== undefined) addType(below, field.object);
    if (field.money !== undefined) add(tree, field.money.currency);
  }
  if (type.id !== undefined) add(tree, type.id);
}

function add(tree: Tree, path: string): Tree {
  return path.split('.').reduce((at, name) => {
    const below = at.get(name) ?? (new Map() as Tree);
    at.set(name, below);
    return below;
  }, tree);
}

function print(tree: Tree): string {
  return [...tree].map(([name, below]) => (below.size === 0 ? name : `${name}{${print(below)}}`)).join(' ');
}

/** A selection below the path of rows, such as `edges.node`. */
export function inRows(rows: string | undefined, selection: string, hasPages: boolean): string {
  if (rows === undefined || rows === '.') return selection;
  const wrapped = rows.split('.').reduceRight((inner, name) => `${name}{${inner}}`, selection);
  return hasPages ? `${wrapped} pageInfo{hasNextPage endCursor}` : wrapped;
}

/** The call of a field with an alias. */
export interface AliasCall {
  call:
    | Pick<PersonWay, 'field' | 'keyType' | 'hasPages' | 'rows'>
    | Pick<PlannedList, 'field' | 'keyType' | 'hasPages' | 'rows'>;
  selection: string;
  /** One key, or the keys of a list. */
  keys: readonly string[];
  after?: string;
}

export interface Operation {
  document: string;
  variables: Readonly<Record<string, unknown>>;
}

/** An operation with the aliases `k0`, `k1` and so on. */
export function operationOf(aliases: readonly AliasCall[]): Operation {
  const variables: Record<string, unknown> = {};
  const declared: string[] = [];
  const fields = aliases.map(({ call, selection, keys, after }, i) => {
    const { field, keyType, hasPages } = call;
    const valueOf = (key: string) => (keyType === 'Int' ? Number(key) : key);
    if (/\$keys\b/.test(field)) {
      declared.push(`$keys${i}:[${keyType}!]!`);
      variables[`keys${i}`] = keys.map(valueOf);
    } else if (/\$key\b/.test(field)) {
      declared.push(`$key${i}:${keyType}!`);
      variables[`key${i}`] = valueOf(keys[0] ?? '');
    }
    if (hasPages) {
      declared.push(`$after${i}:String`);
      if (after !== undefined) variables[`after${i}`] = after;
    }
    const chain = chainOf(field.replace(/\$(?:keys?|after)\b/g, `$&${i}`));
    return `k${i}:${[...chain, inRows(call.rows, selection, hasPages)].join('{')}${'}'.repeat(chain.length)}`;
  });
  const header = declared.length === 0 ? 'query' : `query(${declared.join(',')})`;
  return { document: `${header}{${fields.join(' ')}}`, variables };
}

/** The fields of a chain, split at the dots outside of arguments. */
export function chainOf(field: string): string[] {
  return field.split(/\.(?![^(]*\))/);
}

/** The value of a field in an answer: below its alias, through the rest of its chain. */
export function valueOf(
  data: Readonly<Record<string, unknown>> | null,
  alias: string,
  field: string,
): unknown {
  return at(
    data?.[alias],
    chainOf(field)
      .slice(1)
      .map((part) => /^\w+/.exec(part)?.[0] ?? ''),
  );
}

function at(value: unknown, names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (found, name) =>
      typeof found === 'object' && found !== null
        ? (found as Readonly<Record<string, unknown>>)[name]
        : undefined,
    value,
  );
}

/** The rows of a field. Null if there is no value. */
export function rowsOf(
  value: unknown,
  rows: string | undefined,
  takesKeys: boolean,
): readonly unknown[] | null {
  if (value == null) return null;
  if (rows === undefined && !takesKeys) return [value];
  const names = rows === undefined || rows === '.' ? [] : rows.split('.').filter((name) => name !== 'node');
  const list = at(value, names);
  if (!Array.isArray(list)) return null;
  return rows?.endsWith('edges.node') === true
    ? list.map((edge: unknown) => at(edge, ['node']))
    : (list as readonly unknown[]);
}

/** Whether a list has a next page, and its cursor. */
export function nextOf(value: unknown): string | undefined {
  const hasNext = at(value, ['pageInfo', 'hasNextPage']) === true;
  const cursor = at(value, ['pageInfo', 'endCursor']);
  return hasNext && typeof cursor === 'string' ? cursor : undefined;
}
