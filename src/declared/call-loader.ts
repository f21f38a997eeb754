import type { Client } from '../connectors/connector.js';
import { InvalidInputError } from '../errors.js';
import { alignMany } from '../loaders/align.js';
import { callEach, defineLoader, type Loader } from '../loaders/loader.js';
import type { FreshnessOptions } from '../cache/freshness.js';
import { contractError, FailedRow, type CallRequest } from './connector-kind.js';
import type { Subject } from '../cache/invalidation.js';
import { Mismatch } from './path.js';

/** How a row names the key that requested it. */
export type Matching = 'exact' | 'lower' | 'collation' | 'loose';

export interface CallLoaderOptions<C extends Client, Value> {
  source: string;
  name: string;
  request: CallRequest<C>;
  /** The key in a row. Undefined only if a call takes one key, and all its rows belong to that key. */
  keyOf: ((row: unknown) => string | null) | undefined;
  /** The place of the key in a row, for errors. */
  keyPlace: string;
  matching: Matching;
  /** The id of a row: rows of one key with equal ids are one. Default: each row counts. */
  idOf: ((row: unknown) => unknown) | undefined;
  /** Maps the rows of one key. Throws a Mismatch. */
  toValue: (rows: readonly unknown[]) => Value;
  maxBatch?: number | undefined;
  freshness?: FreshnessOptions | undefined;
  /** The namespace of the keys, if each identifies a customer. Null if the values are about no customer. */
  about?: string | null | undefined;
}

/** Makes the loader of a declared call. An invalid row fails its own key only. */
export function callLoader<C extends Client, Value>(
  options: CallLoaderOptions<C, Value>,
): Loader<C, string, Value> {
  const { name, request, maxBatch, freshness, about } = options;
  const base = {
    name,
    ...(maxBatch === undefined ? {} : { maxBatch }),
    ...(freshness === undefined ? {} : { freshness }),
    ...(about === undefined ? {} : { about: (value: string) => subjectsOf(about, value) }),
  };
  const loadBatch = batchReader(options);
  if (request.takes !== 'key') return defineLoader<C, string, Value>({ ...base, load: loadBatch });
  return defineLoader<C, string, Value>({
    ...base,
    loadEach: (keys, client) =>
      callEach(keys, async (key) => {
        const [value] = await loadBatch([key], client);
        if (value instanceof Error) throw value;
        return value as Value;
      }),
  });
}

/** Data of a company with a number of the trade register is data about that company too. */
function subjectsOf(namespace: string | null, value: string): readonly Subject[] {
  if (namespace === null) return [];
  const subject = { namespace, value };
  return namespace === 'kvkNumber' ? [{ type: 'Company', key: value }, subject] : [subject];
}

function batchReader<C extends Client, Value>({
  source,
  request,
  keyOf,
  keyPlace,
  matching,
  idOf,
  toValue,
}: CallLoaderOptions<C, Value>) {
  const fold = matching === 'lower' ? (key: string) => key.toLowerCase() : (key: string) => key;
  const rowKeys = (row: unknown): string | readonly string[] => {
    if (row instanceof FailedRow) return failedKey(row);
    const key = keyOf?.(row) ?? null;
    if (key !== null) return fold(key);
    // A search also finds records that have no such key.
    if (matching === 'loose') return [];
    throw new Mismatch(keyPlace, 'a key');
  };
  /** A row that names no key may belong to any of the batch. */
  const failedKey = ({ row, error }: FailedRow): string => {
    let key: string | null = null;
    try {
      key = keyOf?.(row) ?? null;
    } catch (mismatch) {
      if (!(mismatch instanceof Mismatch)) throw mismatch;
    }
    if (key === null) throw error;
    return fold(key);
  };
  const alignOptions = {
    source,
    keyOf: rowKeys,
    // Each failure counts, so it has an id of its own.
    idOf: (row: unknown) => (idOf === undefined || row instanceof FailedRow ? row : idOf(row)),
    matching: matching === 'lower' ? (request.matching ?? ('exact' as const)) : matching,
  };
  const distinct = (rows: readonly unknown[]) =>
    idOf === undefined
      ? rows
      : [...new Map(rows.toReversed().map((row) => [idOf(row), row])).values()].toReversed();
  const inAnswer = (error: unknown): unknown =>
    error instanceof Mismatch ? contractError(source, error) : error;
  const inRow = (error: unknown): unknown =>
    error instanceof Mismatch ? contractError(source, error.within(request.rowsPlace)) : error;
  const isFound = (row: unknown): boolean => request.isFound?.(row) ?? true;
  const align = (keys: readonly string[], rows: readonly unknown[]): readonly (readonly unknown[])[] => {
    const relevant = rows.filter((row) => isFound(row) || (keyOf?.(row) ?? null) !== null);
    return keyOf === undefined ? [distinct(relevant)] : alignMany(keys.map(fold), relevant, alignOptions);
  };

  /** The rows of each key, or its error. */
  const readGroups = async (
    keys: readonly string[],
    client: C,
  ): Promise<readonly (readonly unknown[] | Error)[]> => {
    if (request.takes !== 'each') {
      const rows = await request.rows(keys, client).catch((error: unknown) => {
        throw inAnswer(error);
      });
      try {
        return align(keys, rows);
      } catch (error) {
        throw inRow(error);
      }
    }
    const lists = await request.rowsOfEach(keys, client);
    return keys.map((key, i) => {
      const rows = lists[i] ?? [];
      if (rows instanceof Error) return inAnswer(rows) as Error;
      try {
        return align([key], rows)[0] ?? [];
      } catch (error) {
        return errorIn(error);
      }
    });
  };
  const errorIn = (error: unknown): Error => {
    const failure = inRow(error);
    if (failure instanceof Error) return failure;
    throw failure;
  };

  return async (keys: readonly string[], client: C): Promise<(Value | Error)[]> => {
    const sent = keys.filter((key) => request.canSend(key));
    const groups = sent.length === 0 ? [] : await readGroups(sent, client);
    let next = 0;
    return keys.map((key) => {
      if (!request.canSend(key))
        return new InvalidInputError(
          `The source ${source} cannot be queried by this identifier. Use one with other characters.`,
        );
      const rows = groups[next++] ?? [];
      if (rows instanceof Error) return rows;
      const failed = rows.find((row) => row instanceof FailedRow);
      if (failed !== undefined) return failed.error;
      try {
        return toValue(rows.filter(isFound));
      } catch (error) {
        return errorIn(error);
      }
    });
  };
}
