import { InvalidInputError } from './errors.js';

/** The most items on one page of a connection. */
export const MAX_PAGE_SIZE = 100;

/** Longer texts are no cursors: they would make a system refuse the call of a whole batch. */
const MAX_CURSOR_LENGTH = 4_000;

const INVALID_CURSOR =
  '"after" must be the endCursor, or the cursor of an edge, of an earlier page of this list.';

/** The `first` of a field, if it is from 1 to 100. Throws InvalidInputError otherwise. */
export function pageSize(first: number): number {
  if (Number.isInteger(first) && first >= 1 && first <= MAX_PAGE_SIZE) return first;
  throw new InvalidInputError(`"first" must be from 1 to ${MAX_PAGE_SIZE}, not ${first}.`);
}

/** The paging arguments of a field. */
export interface PageArguments {
  first: number;
  after?: string | null | undefined;
}

/** One page of a list, after the GraphQL Cursor Connections specification. Lists are read forwards only. */
export interface Connection<Node> {
  edges: { cursor: string; node: Node }[];
  nodes: Node[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: false;
    startCursor: string | null;
    endCursor: string | null;
  };
}

/**
 * A cursor: opaque to clients. It holds the name of its list, such as `Customer.orders`, and the position of an item in it: the
 * values that the list is ordered by. The values can be decoded by anybody, so they must not be personal data.
 */
export function encodeCursor(list: string, position: readonly string[]): string {
  return Buffer.from(JSON.stringify([list, ...position])).toString('base64url');
}

/**
 * The position in a cursor of this list, with the given number of parts. Throws InvalidInputError for a cursor of another
 * list, and for a text that is no cursor. A cursor is a client's text, so its parts may have values that the list never
 * had, but no characters that databases refuse: they would fail the other requests in the same batch too.
 */
export function decodeCursor(list: string, cursor: string, partCount: number): string[] {
  if (cursor.length > MAX_CURSOR_LENGTH) throw invalidCursor();
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw invalidCursor();
  }
  if (!Array.isArray(decoded) || !decoded.every(isStorableText)) throw invalidCursor();
  const [listOfCursor, ...position] = decoded;
  if (listOfCursor !== list || position.length !== partCount) throw invalidCursor();
  return position;
}

/** Whether a value is a text that a system may hold: without NUL and unpaired surrogates. */
function isStorableText(value: unknown): value is string {
  return typeof value === 'string' && !/[\0\p{Surrogate}]/u.test(value);
}

/** For a cursor whose position cannot be one of this list, such as a moment that does not exist. */
export function invalidCursor(): InvalidInputError {
  return new InvalidInputError(INVALID_CURSOR);
}

/** One page of `size` items, for a system that finds the page itself. `found` has one more item if there is a next page. */
export function connection<Found, Node>(
  found: readonly Found[],
  size: number,
  toEdge: (item: Found) => { node: Node; cursor: string },
): Connection<Node> {
  return connectionOfEdges(found.slice(0, size).map(toEdge), found.length > size);
}

/**
 * One page of a list that was read as a whole. Items are sorted by their sort key, then by their id, both compared as
 * text. Cursors stay right while items are added and removed.
 */
export function connectionOfList<Node>(
  items: readonly Node[],
  { first, after }: PageArguments,
  list: {
    /** The field, such as `Customer.orders`. */
    name: string;
    /** What the list is ordered by, and a part that is unique in it, such as an id. */
    positionOf: (item: Node) => readonly [sortKey: string, id: string];
    /** Default DESCENDING: newest first. */
    order?: 'ASCENDING' | 'DESCENDING';
  },
): Connection<Node> {
  const size = pageSize(first);
  const sign = list.order === 'ASCENDING' ? 1 : -1;
  const sorted = items
    .map((node) => ({ node, position: list.positionOf(node) }))
    .sort((a, b) => sign * comparePositions(a.position, b.position));
  const start = after == null ? null : decodeCursor(list.name, after, 2);
  const rest =
    start === null ? sorted : sorted.filter(({ position }) => sign * comparePositions(position, start) > 0);
  return connection(rest, size, ({ node, position }) => ({
    node,
    cursor: encodeCursor(list.name, position),
  }));
}

/** A page of edges that are complete already. */
export function connectionOfEdges<Node>(
  edges: { cursor: string; node: Node }[],
  hasNextPage: boolean,
): Connection<Node> {
  return {
    edges,
    nodes: edges.map(({ node }) => node),
    pageInfo: {
      hasNextPage,
      hasPreviousPage: false,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

function comparePositions(a: readonly string[], b: readonly string[]): number {
  for (const [i, part] of a.entries()) {
    const other = b[i] ?? '';
    if (part !== other) return part < other ? -1 : 1;
  }
  return 0;
}
