import { SourceContractError } from '../errors.js';

/** Where a page of a system's list begins, as the system says it: a link, a cursor or an offset. */
type Position = string | number;

/** What was read of a system's list. */
export interface PagedList<Item> {
  items: Item[];
  /** False when there is more than was read. */
  isComplete: boolean;
}

/** How a system's list goes on, and how much of it is read. */
interface Paging<Page, Item, At extends Position> {
  /** The name of the source and what the list holds, for the error. */
  source: string;
  what: string;
  items: (page: Page) => readonly Item[];
  /** The position of the next page, undefined or null after the last page. `read` are the items so far, this page's included. */
  next: (page: Page, read: readonly Item[]) => At | null | undefined;
  /** Default 10. */
  maxPages?: number | undefined;
  /** No further page is read once there are this many. Default 10,000. */
  maxItems?: number;
  /** Of a list that goes on at a bound, take what was read. Default false: it is an error. */
  acceptPart?: boolean;
  /** Whether no further page is needed. Default: the list is read to its end. */
  isEnough?: ((read: readonly Item[]) => boolean) | undefined;
}

const MAX_PAGES = 10;
const MAX_ITEMS = 10_000;

/**
 * Reads a system's list page by page. The first page has no position; a first page that is null is an empty list. Throws
 * SourceContractError for a list that is longer than the bounds, and for one that leads to a page which was read already.
 * The calls of a cancelled request are refused, so reading ends with the request.
 */
export async function pages<Page, Item, At extends Position>({
  read,
  ...paging
}: Paging<Page, Item, At> & { read: (at: At | undefined) => Promise<Page | null> }): Promise<
  PagedList<Item>
> {
  const [list] = await pagesOfEach([undefined], {
    ...paging,
    read: async (open: readonly { at: At | undefined }[]) => Promise.all(open.map(({ at }) => read(at))),
  });
  if (list === undefined || list instanceof Error) throw list ?? tooMany(paging.source, paging.what);
  return list;
}

/**
 * Reads several lists at once, for a system that returns a page of each in one call. A list that fails or does not end is an
 * error beside the others. A key without a first page has an empty list.
 */
export async function pagesOfEach<Key, Page, Item, At extends Position>(
  keys: readonly Key[],
  {
    read,
    source,
    what,
    items,
    next,
    maxPages = MAX_PAGES,
    maxItems = MAX_ITEMS,
    acceptPart = false,
    isEnough = () => false,
  }: Paging<Page, Item, At> & {
    /** A page for each of these, in their order; an error where it failed, null where there is none. */
    read: (
      open: readonly { key: Key; at: At | undefined }[],
    ) => Promise<readonly (Page | Error | null | undefined)[]>;
  },
): Promise<(PagedList<Item> | Error)[]> {
  const lists = keys.map((key) => ({
    key,
    at: undefined as At | undefined,
    seen: new Set<At>(),
    items: [] as Item[],
    isComplete: true,
    error: undefined as Error | undefined,
  }));
  let open = lists;
  for (let count = 1; open.length > 0; count += 1) {
    const found = await read(open);
    open = open.filter((list, i) => {
      const page = found[i];
      if (page instanceof Error) list.error = page;
      // The page before this one said that there is more.
      else if (page == null && list.at !== undefined && !acceptPart) list.error = tooMany(source, what);
      if (page == null || page instanceof Error) return false;
      list.items.push(...items(page));
      const at = next(page, list.items) ?? undefined;
      list.isComplete = at === undefined;
      if (at === undefined || isEnough(list.items)) return false;
      const isAtBound = count >= maxPages || list.items.length >= maxItems;
      if (list.seen.has(at) || (isAtBound && !acceptPart)) list.error = tooMany(source, what);
      list.seen.add(at);
      list.at = at;
      return list.error === undefined && !isAtBound;
    });
  }
  return lists.map(({ items: read, isComplete, error }) => error ?? { items: read, isComplete });
}

/** A list that has no end, or that is longer than may be read. */
export function tooMany(source: string, what: string): SourceContractError {
  return new SourceContractError(source, `${source} holds more ${what} than can be read at once.`, {
    kind: 'incomplete',
  });
}
