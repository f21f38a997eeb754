import { decodeCursor, encodeCursor, invalidCursor, tooMany } from '../../src/index.js';
import type { ListPage } from './loaders.js';

/** The position of an item in one of Meta's lists, newest first. */
export interface Position {
  /** Meta's cursor of the page with the item. Null for the first page. */
  page: string | null;
  /** When the item was written or changed, by which Meta sorts the list. */
  at: string;
  id: string;
}

/** Meta may send an empty page after each full one, so the items may need twice as many pages. */
const MAX_PAGES = 10;

/** Reads the pages of one of Meta's lists. */
interface List<Item> {
  /** The kind of items in the list, for the error. */
  what: string;
  readPage: (cursor: string | null) => Promise<ListPage<Item>>;
  positionOf: (item: Item) => { at: string; id: string };
}

/**
 * Up to `count` items after a position. The search begins at the page that had the item. Newer items may have
 * moved it to a later page. So items are skipped up to the item itself, or up to an older one if Meta no
 * longer has it.
 */
export async function itemsAfter<Item>(
  { what, readPage, positionOf }: List<Item>,
  after: Position | null,
  count: number,
): Promise<{ item: Item; position: Position }[]> {
  const found: { item: Item; position: Position }[] = [];
  let isSkipping = after !== null;
  let page = after?.page ?? null;
  for (let read = 0; read < MAX_PAGES; read += 1) {
    const { items, next } = await readPage(page);
    for (const item of items) {
      const { at, id } = positionOf(item);
      if (isSkipping && after !== null && at >= after.at) {
        isSkipping = at !== after.at || id !== after.id;
        continue;
      }
      isSkipping = false;
      found.push({ item, position: { page, at, id } });
    }
    if (next === null || found.length >= count) return found.slice(0, count);
    if (next === page) break;
    page = next;
  }
  throw tooMany('facebook', what);
}

/** The newest items of a list, until there are enough. `isComplete` is false if there are more. */
export async function newestItems<Item>(
  readPage: List<Item>['readPage'],
  { maxPages, isEnough }: { maxPages: number; isEnough: (items: readonly Item[]) => boolean },
): Promise<{ items: Item[]; isComplete: boolean }> {
  const items: Item[] = [];
  let cursor: string | null = null;
  for (let read = 0; read < maxPages; read += 1) {
    const page: ListPage<Item> = await readPage(cursor);
    items.push(...page.items);
    if (page.next === null) return { items, isComplete: true };
    if (page.next === cursor || isEnough(items)) break;
    cursor = page.next;
  }
  return { items, isComplete: false };
}

export function toCursor(list: string, { page, at, id }: Position): string {
  return encodeCursor(list, [page ?? '', at, id]);
}

/**
 * Throws InvalidInputError for the cursor of another list. Dots as Meta's cursor are refused here, because the address of a
 * request cannot hold them: the whole batch would fail, also for other customers.
 */
export function readCursor(list: string, after: string | null | undefined): Position | null {
  if (after == null) return null;
  const [page = '', at = '', id = ''] = decodeCursor(list, after, 3);
  if (page === '.' || page === '..') throw invalidCursor();
  return { page: page === '' ? null : page, at, id };
}
