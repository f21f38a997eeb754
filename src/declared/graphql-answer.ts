import type { GraphqlAnswer } from '../connectors/graphql/client.js';
import { tooMany } from '../connectors/paging.js';
import { SourceContractError } from '../errors.js';
import { FailedRow, type CompileContext } from './connector-kind.js';
import { addPath, namesIn, type Selection, type VendorField } from './graphql-field.js';
import type { GraphqlCall } from './graphql-grammar.js';
import { joinPlaces, Mismatch, type Read } from './path.js';
import { readerOf } from './text-value.js';

/** A page of rows, and the cursor of the next page. */
export interface RowsPage {
  rows: readonly unknown[];
  next: string | undefined;
}

/** How the answer of a call is read. */
export interface AnswerReader {
  /** The place of the rows, for errors. */
  rowsPlace: string;
  /** The selection of the call's field, with that of a row in it. */
  selectionOf(row: Selection): Selection;
  /** The page of each field of an operation, or its error. The fields have the aliases `k0`, `k1` and so on. */
  pagesIn(answer: GraphqlAnswer, count: number): (RowsPage | Error)[];
}

/** An error, with its path below the field of the call. */
type ErrorBelow = GraphqlAnswer['errors'][number];

/** Compiles how the answer of a field is read. A call for several keys reads a list. */
export function compileAnswer(
  call: GraphqlCall,
  { names: chain, variables }: VendorField,
  context: CompileContext,
): AnswerReader {
  const { source, place, report } = context;
  const takesKeys = variables.has('keys');
  const { rows = takesKeys ? '.' : undefined, page } = call;
  if (page !== undefined && (rows ?? '.') === '.')
    report(
      [...place, 'page'],
      'A list in pages needs rows.',
      'Write where the list is in the answer: rows: nodes, or rows: edges.node, of a connection.',
    );
  const fieldPlace = chain.join('.');
  const readField = readerOf(chain.slice(1).join('.') || '.', [...place, 'field'], report);
  const list = rows === undefined ? undefined : compileList(rows, page, context);
  const rowsPlace = joinPlaces(fieldPlace, rows ?? '.');

  const readPage = (value: unknown, errors: readonly ErrorBelow[]): RowsPage => {
    const answer = readField(value);
    const [first] = errors;
    if (list === undefined) {
      if (first !== undefined) throw first.error;
      if (answer == null) return { rows: [], next: undefined };
      if (typeof answer !== 'object' || Array.isArray(answer)) throw new Mismatch('.', 'an object');
      return { rows: [answer], next: undefined };
    }
    const found = answer == null ? null : list.itemsIn(answer);
    const errorOf = errorsByRow(errors, [...chain.slice(1), ...list.names], found?.length ?? 0);
    if (found === null) return { rows: [], next: undefined };
    const read = found.flatMap((row, i) => {
      const error = errorOf.get(i);
      if (row == null && error !== undefined) throw error;
      // In a list by keys, null means that there is no record. In any other list, it is not a record.
      if (row == null && takesKeys) return [];
      return [error === undefined ? row : new FailedRow(row, error)];
    });
    return { rows: read, next: list.nextIn(answer) };
  };

  return {
    rowsPlace,
    selectionOf: (row) => list?.selectionOf(row) ?? row,
    pagesIn: ({ data, errors }, count) => {
      const aliases = Array.from({ length: count }, (_, i) => `k${i}`);
      const unknown = errors.find(({ path: [alias] }) => !aliases.includes(String(alias)));
      if (unknown !== undefined) throw unknown.error;
      if (data === null && count > 1)
        throw new SourceContractError(
          source,
          `${source} has no record for one key, and answered nothing for the others. Set maxBatch: 1 for ${fieldPlace}.`,
        );
      return aliases.map((alias) => {
        const below = errors.flatMap(({ path: [first, ...path], error }) =>
          first === alias ? [{ path, error }] : [],
        );
        try {
          if (data !== null && !Object.hasOwn(data, alias)) throw new Mismatch('.', 'a value');
          return readPage(data?.[alias], below);
        } catch (error) {
          if (error instanceof Mismatch) return error.within(fieldPlace);
          if (error instanceof Error) return error;
          throw error;
        }
      });
    },
  };
}

/** The errors by the row that they are in. Throws an error that is in no row. */
function errorsByRow(
  errors: readonly ErrorBelow[],
  listPath: readonly string[],
  count: number,
): Map<number, Error> {
  const byRow = new Map<number, Error>();
  for (const { path, error } of errors) {
    const index = path[listPath.length];
    const isInList = listPath.every((name, i) => path[i] === name);
    if (!isInList || typeof index !== 'number' || index >= count) throw error;
    byRow.set(index, error);
  }
  return byRow;
}

interface ListReader {
  /** The names of the fields that lead to the list. */
  names: readonly string[];
  selectionOf(row: Selection): Selection;
  /** The rows of an answer. Null if there is no list. */
  itemsIn(answer: unknown): readonly unknown[] | null;
  nextIn(answer: unknown): string | undefined;
}

function compileList(rows: string, page: GraphqlCall['page'], context: CompileContext): ListReader {
  const { source, place, report } = context;
  const [, connectionPath = '', member] = /^(.*?)\.?\b(nodes|edges\.node)$/.exec(rows) ?? [];
  const isConnection = member !== undefined && page?.cursor === undefined;
  const listPath = member === 'edges.node' ? rows.slice(0, -'.node'.length) : rows;
  const readList = readerOf(listPath, [...place, 'rows'], report);
  const pageInfo = joinPlaces(connectionPath, 'pageInfo');
  const cursorPath = isConnection ? joinPlaces(pageInfo, 'endCursor') : page?.cursor;
  if (page !== undefined && cursorPath === undefined && rows !== '.')
    report(
      [...place, 'page'],
      'The pages have no cursor.',
      'Write rows: nodes, or rows: edges.node, of a connection; or add cursor: the path of the next cursor.',
    );
  const nodeOf = readerOf('node', place, report);
  const readHasNext = readerOf(joinPlaces(pageInfo, 'hasNextPage'), place, report);
  const readCursor = readerOf(cursorPath ?? '.', [...place, 'page', 'cursor'], report);
  return {
    names: namesIn(listPath),
    selectionOf: (row) => {
      const selection: Selection = new Map();
      const below = addPath(selection, rows, context);
      for (const [name, inner] of row) below.set(name, inner);
      if (isConnection) addPath(selection, joinPlaces(pageInfo, 'hasNextPage'), context);
      if (page !== undefined && cursorPath !== undefined) addPath(selection, cursorPath, context);
      return selection;
    },
    itemsIn: (answer) => {
      const list = readList(answer);
      if (list == null) return null;
      if (!Array.isArray(list)) throw new Mismatch(listPath, 'a list');
      return member === 'edges.node'
        ? list.map((edge: unknown) => inEdge(nodeOf, edge, listPath))
        : (list as readonly unknown[]);
    },
    nextIn: (answer) => {
      if (isConnection) {
        const hasNext = readHasNext(answer);
        if (typeof hasNext !== 'boolean')
          throw new Mismatch(joinPlaces(pageInfo, 'hasNextPage'), 'a boolean');
        if (!hasNext) return undefined;
        if (page === undefined) throw tooMany(source, 'items of one list');
      } else if (page === undefined) return undefined;
      const cursor = readCursor(answer);
      if (typeof cursor === 'string' && cursor !== '') return cursor;
      if (typeof cursor === 'number' && !isConnection) return String(cursor);
      if (isConnection || (cursor != null && cursor !== ''))
        throw new Mismatch(cursorPath ?? '.', 'a cursor');
      return undefined;
    },
  };
}

function inEdge(nodeOf: Read, edge: unknown, listPath: string): unknown {
  try {
    return nodeOf(edge);
  } catch (error) {
    throw error instanceof Mismatch ? error.within(listPath) : error;
  }
}
