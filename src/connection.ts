import { InvalidInputError } from './errors.js';

/** The most items on one page of a connection. */
export const MAX_PAGE_SIZE = 100;

/** Longer texts are not cursors: they would make a system refuse the call of a whole batch. */
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
 * A cursor: opaque to clients. It holds the name of its list, such as `Customer.orders`, and the position of
 * an item in it: the values that the list is ordered by. A cursor is not encrypted, so the values must not be
 * personal data.
 */
export function encodeCursor(list: string, position: readonly string[]): string {
  return Buffer.from(JSON.stringify([list, ...position])).toString('base64url');
}

/**
 * The position in a cursor of this list, with the given number of parts. Throws InvalidInputError for a cursor of another
 * list, and for a text that is not a cursor. A cursor is a client's text, so its parts may have values that the list never
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

/** How an item of a system becomes an edge. The functions may run several times for an item, or not at all. */
export interface EdgeFunctions<Found, Node> {
  nodeOf: (item: Found) => Node;
  cursorOf: (item: Found) => string;
}

/**
 * A page whose members are created when they are read, because most queries select only `nodes`. A copy by spread or JSON
 * loses them: add members with `Object.assign()`, and let loaders return `connectionOfEdges()`.
 */
export class ConnectionPage<Found, Node> implements Connection<Node> {
  readonly #items: readonly Found[];
  readonly #hasNextPage: boolean;
  readonly #functions: EdgeFunctions<Found, Node>;

  constructor(items: readonly Found[], hasNextPage: boolean, functions: EdgeFunctions<Found, Node>) {
    this.#items = items;
    this.#hasNextPage = hasNextPage;
    this.#functions = functions;
  }

  get nodes(): Node[] {
    const { nodeOf } = this.#functions;
    return this.#items.map((item) => nodeOf(item));
  }

  get edges(): Connection<Node>['edges'] {
    const { nodeOf, cursorOf } = this.#functions;
    return this.#items.map((item) => ({ node: nodeOf(item), cursor: cursorOf(item) }));
  }

  get pageInfo(): Connection<Node>['pageInfo'] {
    const { cursorOf } = this.#functions;
    const [first] = this.#items;
    const last = this.#items.at(-1);
    return {
      hasNextPage: this.#hasNextPage,
      hasPreviousPage: false,
      startCursor: first === undefined ? null : cursorOf(first),
      endCursor: last === undefined ? null : cursorOf(last),
    };
  }
}

/** One page of `size` items, for a system that finds the page itself. `found` has one more item if there is a next page. */
export function connection<Found, Node>(
  found: readonly Found[],
  size: number,
  functions: EdgeFunctions<Found, Node>,
): ConnectionPage<Found, Node> {
  return new ConnectionPage(found.slice(0, size), found.length > size, functions);
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
): ConnectionPage<{ node: Node; position: readonly [string, string] }, Node> {
  const size = pageSize(first);
  const sign = list.order === 'ASCENDING' ? 1 : -1;
  const sorted = items
    .map((node) => ({ node, position: list.positionOf(node) }))
    .sort((a, b) => sign * comparePositions(a.position, b.position));
  const start = after == null ? null : decodeCursor(list.name, after, 2);
  const rest =
    start === null ? sorted : sorted.filter(({ position }) => sign * comparePositions(position, start) > 0);
  return connection(rest, size, {
    nodeOf: ({ node }) => node,
    cursorOf: ({ position }) => encodeCursor(list.name, position),
  });
}

/** A page of edges that are complete already. It is a plain object, so a loader can return it, and it can be cached. */
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

function comparePositions(
  [key, id]: readonly [string, string],
  [otherKey = '', otherId = '']: readonly string[],
): number {
  if (key !== otherKey) return key < otherKey ? -1 : 1;
  return id === otherId ? 0 : id < otherId ? -1 : 1;
}
