import { badRequest } from './vendor-errors.js';

/** Makes pages of a list in the form of the vendor's connections. */

export interface PageArguments {
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
  reverse?: boolean | null;
}

export interface Connection {
  edges(): Edge[];
  nodes(): object[];
  pageInfo(): PageInfo;
}

interface Edge {
  cursor: string;
  node: object;
}

interface PageInfo {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
}

export const largestPage = 250;

export function connection<T>(
  list: readonly T[],
  page: PageArguments,
  { idOf, record }: { idOf: (entry: T) => string; record: (entry: T) => object },
): Connection {
  checkPageSize(page);
  const { reverse } = page;
  const length = list.length;

  const indexAt = (position: number): number => (reverse ? length - 1 - position : position);
  const positionOf = (cursor: string): number => {
    const { id, position } = readCursor(cursor);
    const entry = list[indexAt(position)];
    if (entry !== undefined && idOf(entry) === id) return position;
    const index = list.findIndex((other) => idOf(other) === id);
    if (index === -1) throw badRequest('Invalid cursor for current pagination sort.');
    return indexAt(index);
  };

  let start = typeof page.after === 'string' ? positionOf(page.after) + 1 : 0;
  let end = typeof page.before === 'string' ? positionOf(page.before) : length;
  if (typeof page.first === 'number') end = Math.min(end, start + page.first);
  if (typeof page.last === 'number') start = Math.max(start, end - page.last);
  end = Math.max(start, end);

  const shown = reverse ? list.slice(length - end, length - start).reverse() : list.slice(start, end);
  const cursorAt = (offset: number): string | null => {
    const entry = shown[offset];
    return entry === undefined ? null : cursorFor(idOf(entry), start + offset);
  };

  return {
    edges: () =>
      shown.map((entry, offset) => ({ cursor: cursorFor(idOf(entry), start + offset), node: record(entry) })),
    nodes: () => shown.map(record),
    pageInfo: () => ({
      hasNextPage: end < length,
      hasPreviousPage: start > 0,
      startCursor: cursorAt(0),
      endCursor: cursorAt(shown.length - 1),
    }),
  };
}

function checkPageSize({ first, last }: PageArguments): void {
  if (typeof first === 'number' && typeof last === 'number') {
    throw badRequest('providing both first and last is not supported');
  }
  const [name, size] = typeof first === 'number' ? ['first', first] : ['last', last];
  if (typeof size !== 'number') throw badRequest('you must provide one of first or last');
  if (size < 0) throw badRequest(`${name} cannot be negative`);
  if (size > largestPage) {
    throw badRequest(
      `${name} cannot exceed ${largestPage}. To query larger amounts of data with fewer limits, ` +
        'bulk operations should be used instead.\n' +
        'See https://shopify.dev/api/usage/bulk-operations/queries for usage details.\n',
    );
  }
}

/**
 * Base64 of JSON, like the vendor's cursors. The id in it is a number of up to 64 bits. The position is that
 * of the entry when the cursor was made. It is a hint, which avoids a scan of a long list.
 */
export function cursorFor(id: string, position = 0): string {
  return Buffer.from(`{"last_id":${id},"last_value":"${id}","position":${position}}`).toString('base64');
}

function readCursor(cursor: string): { id: string; position: number } {
  const text = Buffer.from(cursor, 'base64').toString('utf8');
  const [, id, position] = /^\{"last_id":(\d+),"last_value":"\d+","position":(\d+)\}$/.exec(text) ?? [];
  if (id === undefined) throw badRequest('Invalid cursor for current pagination sort.');
  return { id, position: Number(position) };
}
