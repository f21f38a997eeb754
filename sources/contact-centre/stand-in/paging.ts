import { createHash } from 'node:crypto';
import type { HttpAnswer, HttpCall } from '../../stand-ins/http.js';
import { invalidAttribute, invalidPaginationParameter } from './answers.js';

/** A page of a list, with the JSON members about paging. */
export interface Page<T> {
  rows: readonly T[];
  members: string;
}

const cursorLifeMs = 60 * 60_000;

interface CursorOptions {
  maxSize: number;
  /** The list or search that the cursor belongs to; a cursor of another list is invalid. */
  list: string;
  /** Search exports cannot be paged backwards. */
  forwardOnly: boolean;
  now: () => number;
}

/** Whether the caller chose cursors: without `page[size]` Zendesk falls back to page numbers. */
export function hasCursorPaging(query: URLSearchParams): boolean {
  return query.has('page[size]') || query.has('page[after]') || query.has('page[before]');
}

export function cursorPage<T>(
  call: HttpCall,
  all: readonly T[],
  { maxSize, list, forwardOnly, now }: CursorOptions,
): Page<T> | HttpAnswer {
  const { query } = call;
  const size = positiveInteger(query.get('page[size]') ?? '100');
  if (size === undefined || size > maxSize) return invalidPaginationParameter('page[size]');

  const afterCursor = query.get('page[after]');
  const beforeCursor = forwardOnly ? null : query.get('page[before]');
  const position = readCursor(afterCursor ?? beforeCursor, list, now());
  if (position === undefined) {
    return invalidPaginationParameter(afterCursor === null ? 'page[before]' : 'page[after]');
  }

  const backwards = afterCursor === null && beforeCursor !== null;
  const start = backwards ? Math.max(0, position - size) : position;
  const end = Math.min(all.length, backwards ? position : start + size);
  const rows = all.slice(start, end);

  // As recorded: a page with rows has its cursors and links even when nothing comes after it, so `has_more` alone
  // shows the end; only a page without rows has none.
  const cursorAt = (offset: number): string | null =>
    rows.length === 0 ? null : writeCursor(offset, list, now());
  const after = cursorAt(end);
  const before = forwardOnly ? null : cursorAt(start);
  const meta = {
    has_more: backwards ? start > 0 : end < all.length,
    after_cursor: after,
    before_cursor: before,
  };
  const links = {
    prev: before === null ? null : link(call, { 'page[before]': before }),
    next: after === null ? null : link(call, { 'page[after]': after }),
  };
  return { rows, members: `"meta":${JSON.stringify(meta)},"links":${JSON.stringify(links)}` };
}

/** Offset paging: `page` and `per_page`, at most 100 a page (more is taken as 100) and 10,000 rows deep. */
export function offsetPage<T>(call: HttpCall, all: readonly T[], action: string): Page<T> | HttpAnswer {
  const { query } = call;
  if (hasCursorPaging(query)) return invalidAttribute('page', 'an integer', action);
  const page = positiveInteger(query.get('page') ?? '1');
  if (page === undefined) return invalidAttribute('page', 'an integer', action);
  const requestedSize = positiveInteger(query.get('per_page') ?? '100');
  if (requestedSize === undefined) return invalidAttribute('per_page', 'an integer', action);
  const size = Math.min(requestedSize, 100);
  if (page * size > 10_000) return invalidAttribute('page', 'within 10000 records', action);

  const rows = all.slice((page - 1) * size, page * size);
  const members = {
    next_page: page * size < all.length ? link(call, { page: String(page + 1) }) : null,
    previous_page: page > 1 ? link(call, { page: String(page - 1) }) : null,
    count: all.length,
  };
  return { rows, members: JSON.stringify(members).slice(1, -1) };
}

export function isPage<T>(outcome: Page<T> | HttpAnswer): outcome is Page<T> {
  return 'rows' in outcome;
}

function link(call: HttpCall, changes: Record<string, string>): string {
  const query = new URLSearchParams(call.query);
  query.delete('page[after]');
  query.delete('page[before]');
  for (const [name, value] of Object.entries(changes)) query.set(name, value);
  const path = call.path.endsWith('.json') ? call.path : `${call.path}.json`;
  return `${call.origin}${path}?${query.toString()}`;
}

function writeCursor(offset: number, list: string, issuedAt: number): string {
  return Buffer.from(`${offset}.${issuedAt}.${fingerprint(list)}`).toString('base64');
}

/** The offset in a cursor; undefined if the cursor is malformed, of another list, or older than an hour. */
function readCursor(cursor: string | null, list: string, now: number): number | undefined {
  if (cursor === null) return 0;
  const written = /^(\d{1,9})\.(\d+)\.(.+)$/.exec(Buffer.from(cursor, 'base64').toString('utf8'));
  const [, offset, issuedAt, ofList] = written ?? [];
  if (ofList !== fingerprint(list) || now - Number(issuedAt) > cursorLifeMs) return undefined;
  return Number(offset);
}

function fingerprint(list: string): string {
  return createHash('sha1').update(list).digest('base64url').slice(0, 12);
}

function positiveInteger(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}
