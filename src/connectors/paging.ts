import { SourceContractError } from '../errors.js';

/** The position of a page in the system's terms: a link, a cursor or an offset. */
type Position = string | number;

/** The part of a system's list that was read. */
export interface PagedList<Item> {
  items: Item[];
  /** False if the list has more items than were read. */
  isComplete: boolean;
}

/** How to page through a system's list, and how much of it to read. */
interface Paging<Page, Item, At extends Position> {
  /** The name of the source and of the items, for the error. */
  source: string;
  what: string;
  items: (page: Page) => readonly Item[];
  /**
   * The position of the next page; undefined or null after the last one. `read` are all items read, this page's
   * included.
   */
  next: (page: Page, read: readonly Item[]) => At | null | undefined;
  /** Default 10. */
  maxPages?: number | undefined;
  /** Reading stops when there are this many items. Default 10,000. */
  maxItems?: number;
  /** Whether a list that exceeds a bound is returned in part. Default false: it is an error. */
  acceptPart?: boolean;
  /** Whether no further page is needed. Default: the list is read to its end. */
  isEnough?: ((read: readonly Item[]) => boolean) | undefined;
}

const MAX_PAGES = 10;
const MAX_ITEMS = 10_000;

/**
 * Reads a system's list page by page. The first page has no position; if it is null, the list is empty. Throws
 * SourceContractError if the list exceeds the bounds, or leads to a page that was read before. The calls of a
 * cancelled request are refused, so reading ends with the request.
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
 * Reads several lists together, for a system that returns a page of each in one call. A list that fails or does not
 * end becomes an error; the others are returned. A key without a first page has an empty list.
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
    /** Returns a page for each list, in their order: an error if it failed, null if there is none. */
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
      // The previous page announced another one.
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

/** The error of a list that has no end or exceeds the bounds. */
export function tooMany(source: string, what: string): SourceContractError {
  return new SourceContractError(source, `${source} holds more ${what} than can be read at once.`, {
    kind: 'incomplete',
  });
}
