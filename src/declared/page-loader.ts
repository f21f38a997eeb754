import {
  connection,
  decodeCursor,
  encodeCursor,
  invalidCursor,
  pageSize,
  type ConnectionPage,
  type PageArguments,
} from '../connection.js';
import type { Client } from '../connectors/connector.js';
import type { Context } from '../customer/customer.js';
import { InvalidInputError } from '../errors.js';
import type { FreshnessOptions } from '../cache/freshness.js';
import { defineLoader, type Loader } from '../loaders/loader.js';
import { contractError, type CallRequest, type ListMember, type PageReader } from './connector-kind.js';
import type { MapRecord } from './mapping.js';
import { Mismatch } from './path.js';
import { readerOf, toText } from './text-value.js';

/** A page of a list that the system finds itself. A customer with several keys has the rows of all of them. */
export interface ListPageKey {
  keys: readonly string[];
  first: number;
  /** The page begins after the row with these values; null: at the beginning. */
  after: readonly [string, string] | null;
}

/** A row of a list, with its values of the order as the system has them. */
interface ListedRow {
  node: Readonly<Record<string, unknown>>;
  position: readonly [string, string];
}

/** Reads a page for the resolver of a connection. */
export type ReadPage = (
  keys: readonly string[],
  args: PageArguments,
  load: Context['load'],
) => Promise<ConnectionPage<ListedRow, unknown>>;

interface List {
  /** The field, such as `Customer.lessons`. */
  name: string;
  members: readonly [ListMember, ListMember];
}

/** Makes the loader of the pages of a list. A page has one row more if there is a next page. */
export function pageLoader<C extends Client>({
  source,
  name,
  request,
  pages,
  members,
  map,
  maxBatch,
  freshness,
  about,
}: {
  source: string;
  name: string;
  request: CallRequest<C>;
  pages: PageReader<C>;
  members: readonly [ListMember, ListMember];
  map: MapRecord;
  maxBatch: number | undefined;
  freshness: FreshnessOptions | undefined;
  /** The namespace of the keys, if each identifies a customer. */
  about: string | undefined;
}): Loader<C, ListPageKey, readonly ListedRow[]> {
  const readers = members.map(({ path }) => ({ path, read: readerOf(path, [], () => undefined) }));
  const toListed = (row: unknown): ListedRow => {
    const position = readers.map(({ path, read }) => {
      const value = toText(read(row), path);
      if (value === null) throw new Mismatch(path, 'a value');
      return value;
    }) as [string, string];
    return { node: map(row), position };
  };
  return defineLoader<C, ListPageKey, readonly ListedRow[]>({
    name,
    ...(maxBatch === undefined ? {} : { maxBatch }),
    ...(freshness === undefined ? {} : { freshness }),
    keyText: ({ keys, first, after }) => JSON.stringify([keys.toSorted(), first, after]),
    ...(about === undefined
      ? {}
      : { about: ({ keys }: ListPageKey) => keys.map((value) => ({ namespace: about, value })) }),
    // A cursor is a client's text: if the system refuses it, the pages of others stay unaffected.
    batchOf: ({ after }) => ({ id: JSON.stringify(after), maxKeys: Infinity }),
    load: async (requested, client) => {
      const parts = requested.flatMap(({ keys, first }, page) =>
        keys.filter((key) => request.canSend(key)).map((key) => ({ page, key, size: first + 1 })),
      );
      const rows = parts.length === 0 ? [] : await pages.read(parts, requested[0]?.after ?? null, client);
      const found = requested.map((): unknown[] => []);
      for (const [page, row] of rows) found[page]?.push(row);
      return requested.map(({ keys, first }, page) => {
        if (!keys.every((key) => request.canSend(key)))
          return new InvalidInputError(
            `The source ${source} cannot be queried by this identifier. Use one with other characters.`,
          );
        try {
          return (found[page] ?? []).slice(0, first + 1).map(toListed);
        } catch (error) {
          if (error instanceof Mismatch) return contractError(source, error);
          throw error;
        }
      });
    },
  });
}

/** Reads one page of the list of these keys. */
export async function readPage<C extends Client>(
  loader: Loader<C, ListPageKey, readonly ListedRow[]>,
  { name, members }: List,
  keys: readonly string[],
  { first, after }: PageArguments,
  load: Context['load'],
): Promise<ConnectionPage<ListedRow, unknown>> {
  const size = pageSize(first);
  const position = after == null ? null : decodeCursor(name, after, 2);
  if (position?.every((value, i) => isValueOf(members[i]?.type, value)) === false) throw invalidCursor();
  const page = { keys, first: size, after: position as [string, string] | null };
  const rows =
    keys.length === 0
      ? []
      : await load(loader as unknown as Loader<Client, ListPageKey, readonly ListedRow[]>, page);
  return connection(rows, size, {
    nodeOf: ({ node }) => node,
    cursorOf: (row) => encodeCursor(name, row.position),
  });
}

/** Whether a text of a cursor can be a value of the field. */
function isValueOf(type: string | undefined, value: string): boolean {
  if (type !== 'Date' && type !== 'DateTime') return true;
  const [, day, time = '00:00:00'] =
    /^((?!0000)\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d)(?:\.\d{1,6})?(?:\+00)?)?$/.exec(value) ?? [];
  // JavaScript reads 30 February as 2 March. For an invalid time the date is NaN.
  return new Date(`${day ?? ''}T${time}Z`).getUTCDate() === Number(day?.slice(8));
}
