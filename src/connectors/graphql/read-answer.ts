import { isLeafType, isListType, isNonNullType, type GraphQLOutputType } from 'graphql';
import { connectionOfEdges, connectionOfList, encodeCursor, invalidCursor } from '../../connection.js';
import { SourceContractError } from '../../errors.js';
import type { GraphqlAnswer } from './client.js';
import type { EntryMapping, KeyedField } from './mapping.js';
import {
  freeName,
  ownerIdName,
  type PlannedConnection,
  type PlannedField,
  type PlannedSelection,
} from './plan.js';

interface Reading {
  entry: EntryMapping;
  plan: PlannedSelection;
  keys: readonly string[];
  source: string;
  found: readonly PlannedField[];
  findBelow: readonly string[];
}

export function readAnswer(
  answer: GraphqlAnswer,
  { entry, plan, keys, source, found, findBelow }: Reading,
): unknown[] {
  const reader = createReader(answer, source);
  const byKey = new Map<string, { value: unknown; path: Path }>();
  let lost: Error | null = null;
  const requested = new Set(keys);
  if (found.length > 0) {
    const { value: list, path } = reader.walk(answer.data, null, ['found', ...findBelow]);
    if (!Array.isArray(list))
      lost = list instanceof Error ? list : list === null ? null : reader.mismatch(path);
    else
      for (const [i, value] of list.entries()) {
        if (isRecord(value)) {
          const key = entry.key.from(value[freeName('_key', plan)]);
          if (key !== '' && !byKey.has(key)) byKey.set(key, { value, path: { above: path, part: i } });
          else if (key !== '' && entry.key.unique === true)
            byKey.set(key, { value: severalWithKey(source), path: { above: path, part: i } });
          if (entry.key.exact === true && !requested.has(key)) lost ??= otherObject(source);
        }
        // The key of this object is unknown, so all keys that were not found get the error.
        else lost ??= reader.errorAt({ above: path, part: i }) ?? null;
      }
    if (entry.more !== undefined) {
      const beside = ['found', ...findBelow.slice(0, -1), ...entry.more.split('.')];
      const more = reader.walk(answer.data, null, beside).value;
      // Another object with the same key may be among the results that were not returned.
      if (more !== false && entry.key.unique === true) byKey.clear();
      if (more instanceof Error) lost ??= more;
      else if (more !== false)
        lost ??= new SourceContractError(
          source,
          `${source} returned only a part of what it found, so a missing record may exist.`,
          { kind: 'incomplete' },
        );
    }
  }
  return keys.map((key, i) => {
    const entry = byKey.get(key);
    if (found.length > 0 && entry === undefined && lost === null) return null;
    return makeObject(plan, (field) => {
      if (field.keyed === undefined) {
        if (entry === undefined) return lost;
        return entry.value instanceof Error ? entry.value : reader.field(field, entry.value, entry.path);
      }
      const path = [`${field.name}_${i}`, ...field.below];
      return reader.owned(field, field.keyed.field.owner, key, answer.data, path);
    });
  });
}

function severalWithKey(source: string): SourceContractError {
  return new SourceContractError(source, `${source} has several objects with one key.`);
}

function otherObject(source: string): SourceContractError {
  return new SourceContractError(source, `${source} returned an object that was not requested.`);
}

type Parts = readonly (string | number)[];

/** A place in an answer; null is its top. Paths share their parents, because only errors need all parts. */
type Path = { readonly above: Path; readonly part: string | number } | null;

function partsOf(path: Path): Parts {
  return path === null ? [] : [...partsOf(path.above), path.part];
}

/** Reads values from an answer. A value that is missing because of an error is replaced by the Error. */
function createReader({ errors }: GraphqlAnswer, source: string) {
  const errorAt = (path: Path): Error | undefined =>
    errors.find((error) => partsOf(path).every((part, i) => error.path[i] === part))?.error;

  const walk = (start: unknown, from: Path, steps: Parts): { value: unknown; path: Path } => {
    let value = start;
    let path = from;
    for (const step of steps) {
      path = { above: path, part: step };
      value =
        isRecord(value) || Array.isArray(value)
          ? (value as Record<string | number, unknown>)[step]
          : undefined;
      if (value == null) return { value: errorAt(path) ?? null, path };
    }
    return { value, path };
  };

  /** The value of a query for one key, if the value contains that key as its owner. */
  const owned = (
    planned: PlannedField,
    owner: KeyedField['owner'],
    key: string,
    start: unknown,
    steps: Parts,
  ): unknown => {
    const { value, path } = walk(start, null, steps);
    if (value instanceof Error) return value;
    if (isRecord(value) && planned.children !== undefined) {
      const whose = walk(value, path, [
        freeName('_owner', planned.children),
        ...owner.path.split('.').slice(1),
      ]).value;
      if (whose instanceof Error) return whose;
      if (owner.from(whose) !== key) return mismatch(path);
    }
    return complete(value, planned.type, planned.children, path);
  };

  const field = (planned: PlannedField, parent: unknown, path: Path): unknown => {
    if (planned.connection !== undefined) return page(planned, planned.connection, parent, path);
    const { type, children, computed } = planned;
    const { value, path: valuePath } = walk(parent, path, [planned.name, ...planned.below]);
    if (computed === undefined || value == null || value instanceof Error)
      return complete(value, type, children, valuePath);
    const isExpected = computed.select === undefined ? typeof value !== 'object' : isRecord(value);
    return isExpected ? complete(computed.compute(value), type, children, valuePath) : mismatch(valuePath);
  };

  /** A page of a list, as a connection of our SDL. Only the selected fields of it are built. */
  const page = (
    { name, type, below, children }: PlannedField,
    planned: PlannedConnection,
    parent: unknown,
    parentPath: Path,
  ): unknown => {
    const owner = walk(parent, parentPath, [ownerIdName(name)]).value;
    if (planned.ownerId !== undefined && owner !== planned.ownerId) {
      if (owner instanceof Error) return owner;
      return typeof owner === 'string' ? invalidCursor() : mismatch(parentPath);
    }
    const { value, path } = walk(parent, parentPath, [name, ...below]);
    if (value instanceof Error) return value;
    if (value === null) return isNonNullType(type) ? mismatch(path) : null;
    const found =
      'list' in planned.field ? cutPage(planned, value, path) : readPage(planned, owner, value, path);
    if (found === undefined || children === undefined) return mismatch(path);
    const edges = found.edges.map(({ cursor, item, path: itemPath }) => ({
      cursor,
      node: item instanceof Error ? item : complete(item, planned.itemType, planned.items, itemPath),
    }));
    const connection: Partial<Record<string, unknown>> = {
      ...connectionOfEdges<unknown>(edges, found.hasNextPage),
    };
    return makeObject(children, (selected) => connection[selected.name]);
  };

  const complete = (
    value: unknown,
    type: GraphQLOutputType,
    children: PlannedSelection | undefined,
    path: Path,
  ): unknown => {
    if (value == null) return errorAt(path) ?? (isNonNullType(type) ? mismatch(path) : null);
    if (value instanceof Error) return value;
    if (isNonNullType(type)) return complete(value, type.ofType, children, path) ?? mismatch(path);
    if (isListType(type)) {
      if (!Array.isArray(value)) return mismatch(path);
      return value.map((item, i) => complete(item, type.ofType, children, { above: path, part: i }));
    }
    if (children !== undefined) {
      if (!isRecord(value)) return mismatch(path);
      if (children.needs !== undefined) {
        // A field that the vendor failed to return may have a value: its error affects only the fields that need it.
        const needed = walk(value, path, [freeName('_needs', children)]).value;
        if (needed === null || needed === '') return null;
      }
      return makeObject(children, (planned) => field(planned, value, path));
    }
    // Our own scalars accept any value, so this checks that the value is a scalar.
    if (!isLeafType(type) || typeof value === 'object') return mismatch(path);
    try {
      type.parseValue(value);
      return value;
    } catch {
      return mismatch(path);
    }
  };

  const mismatch = (path: Path) =>
    new SourceContractError(
      source,
      `${source} sent an answer that does not match its schema, at: ${partsOf(path).join('.')}.`,
    );

  return { errorAt, walk, field, owned, mismatch };
}

/** Items of a page, each with its place in the vendor's answer. */
interface FoundPage {
  edges: { cursor: string; item: unknown; path: Path }[];
  hasNextPage: boolean;
}

/** The page in a value of the vendor; undefined if the value is not a page. */
function readPage(
  { list }: PlannedConnection,
  owner: unknown,
  value: unknown,
  path: Path,
): FoundPage | undefined {
  if (!isRecord(value) || !isRecord(value.pageInfo)) return undefined;
  const { edges, nodes, pageInfo } = value;
  const { hasNextPage } = pageInfo;
  if (typeof hasNextPage !== 'boolean') return undefined;
  const listPath: Path = { above: path, part: Array.isArray(nodes) ? 'nodes' : 'edges' };
  if (Array.isArray(nodes))
    return {
      edges: nodes.map((item: unknown, i) => ({ cursor: '', item, path: { above: listPath, part: i } })),
      hasNextPage,
    };
  if (!Array.isArray(edges) || typeof owner !== 'string') return undefined;
  const found: FoundPage['edges'] = [];
  for (const [i, edge] of edges.entries()) {
    if (!isRecord(edge) || typeof edge.cursor !== 'string') return undefined;
    found.push({
      cursor: encodeCursor(list, [owner, edge.cursor]),
      item: edge.node,
      path: { above: { above: listPath, part: i }, part: 'node' },
    });
  }
  return { edges: found, hasNextPage };
}

/** A page cut from the vendor's whole list; undefined if the value is not a list of objects. */
function cutPage(
  { list, page, items }: PlannedConnection,
  value: unknown,
  path: Path,
): FoundPage | undefined {
  if (!Array.isArray(value)) return undefined;
  const found: { item: Record<string, unknown>; position: [string, string]; path: Path }[] = [];
  for (const [i, item] of value.entries()) {
    if (!isRecord(item)) return undefined;
    const [sortKey, id] = [item[freeName('_sort', items)], item[freeName('_id', items)]];
    if (typeof sortKey !== 'string' || typeof id !== 'string') return undefined;
    found.push({ item, position: [sortKey, id], path: { above: path, part: i } });
  }
  const positionOf = ({ position }: (typeof found)[number]) => position;
  const { edges, pageInfo } = connectionOfList(found, page, { name: list, positionOf, order: 'ASCENDING' });
  return {
    edges: edges.map(({ cursor, node }) => ({ cursor, item: node.item, path: node.path })),
    hasNextPage: pageInfo.hasNextPage,
  };
}

function makeObject({ fields }: PlannedSelection, read: (field: PlannedField) => unknown): object {
  const object = Object.create(null) as Record<string, unknown>;
  for (const field of fields) object[field.name] = read(field);
  return object;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
