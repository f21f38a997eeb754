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
  const from = positionOf(page, part.position, size);
  const at = isEndless && rows.length > 0 ? from % rows.length : from;
  const sent = isEndless ? repeated(rows, at, size) : rows.slice(from, from + size);
  const to = from + sent.length;
  const next = isEndless || to < rows.length ? String(to) : null;
  const body = placed(call, recorded.envelope, sent);
  if ('cursor' in page) setMember(body, page.cursor, next);
  const link = next === null ? null : linkOf(request, next);
  if ('next' in page) setMember(body, page.next, link);
  return {
    status: 200,
    body,
    ...('link' in page && link !== null ? { headers: { link: `<${link}>; rel="next"` } } : {}),
    ...{ from, to },
  };
}

/** Only the sizes of numbered pages are measured. Other lists of several rows are served in two pages. */
function pageSize(page: Page, rows: number, limit: number | undefined): number {
  if (!('size' in page)) return Math.max(1, Math.ceil(rows / 2));
  return limit !== undefined && limit > 0 ? Math.min(limit, page.size) : page.size;
}

function positionOf(page: Page, position: string | undefined, size: number): number {
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
