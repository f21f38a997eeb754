import { compilePath } from '../declared/path.js';
import type { Page, RestCall } from '../declared/rest-grammar.js';
import type { HttpAnswer, ReceivedRequest } from './http-stand-in.js';
import { LINK_PARAMETER, type RequestedPart } from './measured-request.js';
import { repeated, setMember } from './recorded-rows.js';
import type { RecordedCall } from './recording.js';

/** The answers that report an unknown key, in the order of the measured call. */
export function notFoundAnswers(call: RestCall): readonly (404 | 'empty' | null)[] {
  const measured = call.notFound === undefined ? (call.rows === undefined ? 404 : 'empty') : call.notFound;
  return [measured].flat();
}

/** The answer to an unknown key. */
export function answerNotFound(call: RestCall, recorded: RecordedCall, index: number): HttpAnswer {
  const answers = notFoundAnswers(call);
  const answer = answers[index % answers.length];
  if (answer === 404) return { status: 404, body: { error: 'Not found.' } };
  if (answer === null) return { status: 200, body: null };
  return { status: 200, body: call.rows === undefined ? {} : placed(call, recorded.envelope, []) };
}

/** A page of the rows. `from` and `to` are the sent rows. */
export function answerRows(
  call: RestCall,
  recorded: RecordedCall,
  {
    rows,
    part,
    request,
    isEndless,
  }: {
    rows: readonly unknown[];
    part: RequestedPart;
    request: ReceivedRequest;
    isEndless: boolean;
  },
): HttpAnswer & { from: number; to: number } {
  const { page } = call;
  if (call.rows === undefined) return { status: 200, body: rows[0], from: 0, to: 1 };
  if (page === undefined)
    return { status: 200, body: placed(call, recorded.envelope, rows), from: 0, to: rows.length };
  const size = pageSize(page, rows.length, part.limit);
  const from = positionOf(page, part.position, size, { rows, isEndless });
  const at = isEndless && rows.length > 0 ? from % rows.length : from;
  const sent = isEndless ? repeated(rows, at, size) : rows.slice(from, from + size);
  const to = from + sent.length;
  // Repeated rows have the same ids, so the last one gets its position as id.
  if (isEndless && 'lastId' in page) sent.push(withId(sent.pop(), page.lastId, to));
  const next = isEndless || to < rows.length ? String(to) : null;
  const body = placed(call, recorded.envelope, sent);
  if ('cursor' in page) setMember(body, page.cursor, next);
  const link = next === null ? null : linkOf(request, next);
  if ('next' in page) setMember(body, page.next, link);
  if ('more' in page) setMember(body, page.more, next !== null);
  return { status: 200, body, headers: pageHeaders(page, next, link), ...{ from, to } };
}

/** Only the sizes of numbered pages are measured. Other lists of several rows are served in two pages. */
function pageSize(page: Page, rows: number, limit: number | undefined): number {
  if (!('size' in page)) return Math.max(1, Math.ceil(rows / 2));
  return limit !== undefined && limit > 0 ? Math.min(limit, page.size) : page.size;
}

function pageHeaders(page: Page, next: string | null, link: string | null): Record<string, string> {
  if ('link' in page && link !== null) return { link: `<${link}>; rel="next"` };
  return 'header' in page && next !== null ? { [page.header]: next } : {};
}

function withId(row: unknown, path: string, to: number): unknown {
  const changed = structuredClone(row);
  setMember(changed, path, typeof readId(row, path) === 'number' ? to : String(to));
  return changed;
}

function readId(row: unknown, path: string): unknown {
  return compilePath(path)?.(row);
}

function positionOf(
  page: Page,
  position: string | undefined,
  size: number,
  { rows, isEndless }: { rows: readonly unknown[]; isEndless: boolean },
): number {
  if (position !== undefined && 'lastId' in page && !isEndless)
    return rows.findIndex((row) => String(readId(row, page.lastId)) === position) + 1;
  if (position === undefined || !/^\d{1,9}$/.test(position)) return 0;
  if ('number' in page) return Math.max(0, Number(position) - (page.first ?? 1)) * size;
  return Number(position);
}

export function linkOf({ origin, path, query }: ReceivedRequest, next: string): string {
  const search = new URLSearchParams(query);
  search.set(LINK_PARAMETER, next);
  return `${origin}${path}?${search.toString()}`;
}

/** The envelope with the rows in it. */
function placed({ rows }: RestCall, envelope: unknown, value: readonly unknown[]): unknown {
  if (rows === undefined || rows === '.') return value;
  const body = structuredClone(envelope ?? {});
  setMember(body, rows, value);
  return body;
}
