import { z } from 'zod';
import type { ErrorKind, ReadErrorKind, ReadRateLimits } from '../connectors/http.js';
import { pages } from '../connectors/paging.js';
import { rest, type RestClient } from '../connectors/rest.js';
import { SourceContractError } from '../errors.js';
import type { RowsRequest, CompileContext, ConnectorKind } from './connector-kind.js';
import { httpOptions } from './http-auth.js';
import { Mismatch, type Read } from './path.js';
import { RequestParts } from './rest-request.js';
import {
  restCall,
  restConnect,
  type ErrorRule,
  type Page,
  type RestCall,
  type RestConnect,
} from './rest-grammar.js';
import { readerOf, toText } from './text-value.js';

/** Sources over HTTP with JSON. */
export const restKind: ConnectorKind<RestConnect, RestCall, RestClient> = {
  connect: restConnect,
  call: restCall,
  compileConnector: (
    { rest: url, auth, headers, ping, pingHolds, accept, ca, errors = [], rateLimitHeaders },
    context,
    exactNumbers,
  ) =>
    rest({
      ...httpOptions(url, { auth, headers, ca }),
      pingPath: ping,
      ...(pingHolds === undefined ? {} : { pingHolds }),
      ...(accept === undefined ? {} : { accept }),
      ...(errors.length === 0 ? {} : { readErrorKind: errorKindReader(errors, context) }),
      ...(rateLimitHeaders === undefined ? {} : { readRateLimits: rateLimitReader(rateLimitHeaders) }),
      exactNumbers,
      ...context.inCode,
    }),
  compileCall,
};

function errorKindReader(rules: readonly ErrorRule[], { place, report }: CompileContext): ReadErrorKind {
  const compiled = rules.map(({ status, at, is = [], kind }, i) => {
    const rulePlace = [...place, 'errors', i];
    if (status === undefined && at === undefined)
      report(
        rulePlace,
        'The rule matches every error.',
        'Add status, or at and is: { at: error.code, is: LIMIT }.',
      );
    const values = new Set([is].flat().map(String));
    return {
      status,
      read: at === undefined ? undefined : readerOf(at, [...rulePlace, 'at'], report),
      values,
      kind,
    };
  });
  return (status, body): ErrorKind | undefined =>
    compiled.find(
      (rule) =>
        (rule.status === undefined || rule.status === status) &&
        (rule.read === undefined || rule.values.has(String(readOrUndefined(rule.read, body)))),
    )?.kind;
}

function readOrUndefined(read: Read, body: unknown): unknown {
  try {
    return read(body);
  } catch {
    // An error body of another shape matches no rule.
    return undefined;
  }
}

function rateLimitReader({ remaining, reset }: { remaining: string; reset: string }): ReadRateLimits {
  const [remainingName, resetName] = [remaining.toLowerCase(), reset.toLowerCase()];
  return (headers) => {
    const [left, seconds] = [headers[remainingName], headers[resetName]].map((value) =>
      typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : undefined,
    );
    if (left === undefined) return undefined;
    // Some systems send a Unix timestamp. No window lasts thirty years.
    const untilReset =
      seconds === undefined || seconds < 1_000_000_000 ? seconds : Math.max(0, seconds - Date.now() / 1000);
    return { remaining: left, ...(untilReset === undefined ? {} : { resetMs: untilReset * 1000 }) };
  };
}

/** Distinguishes an answer of JSON null from none. */
const anyBody = z.unknown().transform((body) => ({ body }));
type Body = z.infer<typeof anyBody>;

function compileCall(call: RestCall, context: CompileContext): RowsRequest<RestClient> {
  const { source, place, report } = context;
  const parts = new RequestParts(report);
  const isPost = 'post' in call;
  const template = isPost ? call.post : call.get;
  const addressOf = parts.address(
    template,
    call.query ?? {},
    [...place, isPost ? 'post' : 'get'],
    [...place, 'query'],
  );
  const bodyOf = isPost ? parts.body(call.body, [...place, 'body']) : undefined;
  const takes = parts.takes;
  if (takes === undefined)
    report(
      place,
      'The call must send {key}, or the keys of a batch.',
      'Write one of them: {key} for one call for each key; {keys|csv} or {keys|repeat} in the query, or "{keys}" in the body, for a batch.',
    );
  const notFound = new Set<unknown>(
    [call.notFound === undefined ? defaultNotFound(call) : call.notFound].flat(),
  );
  if (takes === 'keys' && call.rows === undefined)
    report(
      place,
      'A call for several keys needs rows.',
      'Write where the list is in the answer, such as rows: data, or rows: .',
    );
  const read = call.rows === undefined ? undefined : readerOf(call.rows, [...place, 'rows'], report);
  const rowsPlace = call.rows ?? '.';
  const rowsIn = (answer: Body | null): readonly unknown[] => {
    if (answer === null) {
      if (notFound.has(404)) return [];
      throw new SourceContractError(
        source,
        `${source} has no such address (status 404). Check the address of the source.`,
        {
          kind: 'not-found',
        },
      );
    }
    const { body } = answer;
    if (body === null && notFound.has(null)) return [];
    if (read === undefined) {
      // Some systems write an empty object as an empty list.
      if (Array.isArray(body) && body.length === 0 && notFound.has('empty')) return [];
      if (typeof body !== 'object' || body === null || Array.isArray(body))
        throw new Mismatch('.', 'an object');
      return notFound.has('empty') && Object.keys(body).length === 0 ? [] : [body];
    }
    const rows = read(body);
    if (rows == null && notFound.has('empty')) return [];
    if (!Array.isArray(rows)) throw new Mismatch(rowsPlace, 'a list');
    return rows as readonly unknown[];
  };
  const send = (
    client: RestClient,
    address: string,
    keys: readonly string[],
    added?: [name: string, value: string | number],
  ) => {
    const path = added === undefined ? address : withParameter(address, ...added);
    if (bodyOf === undefined) return client.get(anyBody, path);
    return client.post(anyBody, path, bodyOf(keys));
  };
  const { page } = call;
  const pager =
    page === undefined ? undefined : compilePager(page, { ...context, place: [...place, 'page'] });
  return {
    takes: takes ?? 'key',
    rowsPlace,
    acceptsPart: page?.acceptPart ?? false,
    canSend: (key) => parts.canSend(key),
    rows: async (keys, client) => {
      const address = addressOf(keys);
      if (pager === undefined) return rowsIn(await send(client, address, keys));
      return pager({
        client,
        address,
        send: (path, added) => send(client, path, keys, added),
        rowsIn,
      });
    },
  };
}

/** A system reports an unknown key by 404 for one record, and by an empty list otherwise. */
function defaultNotFound({ rows }: RestCall): 404 | 'empty' {
  return rows === undefined ? 404 : 'empty';
}

interface PagedCall {
  client: RestClient;
  address: string;
  send: (address: string, added?: [name: string, value: string | number]) => Promise<Body | null>;
  rowsIn: (answer: Body | null) => readonly unknown[];
}

/** A page of rows, and the position of the next page. */
interface RowsPage {
  rows: readonly unknown[];
  next: string | number | undefined;
}

function compilePager(
  page: Page,
  { source, place, report }: CompileContext,
): (call: PagedCall) => Promise<unknown[]> {
  const { maxItems, maxPages, acceptPart = false } = page;
  const readPage = pageReader(page, place, report);
  const bound = maxPages ?? ('size' in page ? Math.ceil(maxItems / page.size) + 1 : undefined);
  return async (call) => {
    const { items } = await pages({
      source,
      what: 'items of one list',
      maxItems,
      maxPages: bound,
      acceptPart,
      read: (at: string | number | undefined) => readPage(call, at),
      items: ({ rows }: RowsPage) => rows,
      next: ({ next }) => next,
    });
    return acceptPart ? items.slice(0, maxItems) : items;
  };
}

type ReadPage = (call: PagedCall, at: string | number | undefined) => Promise<RowsPage>;

function pageReader(page: Page, place: CompileContext['place'], report: CompileContext['report']): ReadPage {
  if ('cursor' in page) {
    const read = readerOf(page.cursor, [...place, 'cursor'], report);
    return async ({ send, rowsIn, address }, at) => {
      const answer = await send(address, at === undefined ? undefined : [page.as, at]);
      return { rows: rowsIn(answer), next: positionIn(read, answer, page.cursor) };
    };
  }
  if ('next' in page) {
    const read = readerOf(page.next, [...place, 'next'], report);
    return async ({ client, send, rowsIn, address }, at) => {
      const answer = at === undefined ? await send(address) : await client.follow(anyBody, String(at));
      return { rows: rowsIn(answer), next: positionIn(read, answer, page.next) };
    };
  }
  if ('link' in page)
    return async ({ client, rowsIn, address }, at) => {
      const answer = await client.getLinked(
        anyBody,
        at === undefined ? { path: address } : { link: String(at) },
      );
      return { rows: rowsIn(answer?.answer ?? null), next: answer?.next };
    };
  if ('header' in page)
    return async ({ client, rowsIn, address }, at) => {
      const path = at === undefined ? address : withParameter(address, page.as, at);
      const found = await client.getWithHeader(anyBody, path, page.header);
      return { rows: rowsIn(found?.answer ?? null), next: found?.value === '' ? undefined : found?.value };
    };
  if ('lastId' in page) return lastIdReader(page, place, report);
  const { size, limit } = page;
  const sized = (address: string) => (limit === undefined ? address : withParameter(address, limit, size));
  const [parameter, first, step] =
    'offset' in page ? [page.offset, 0, size] : [page.number, page.first ?? 1, 1];
  return async ({ send, rowsIn, address }, at = first) => {
    const rows = rowsIn(await send(sized(address), [parameter, at]));
    return { rows, next: rows.length < size ? undefined : Number(at) + step };
  };
}

/**
 * The next page begins after the row with this id. A flag in the answer shows whether it exists. Without a
 * flag, the last page is the one that is not full.
 */
function lastIdReader(
  page: Extract<Page, { lastId: string }>,
  place: CompileContext['place'],
  report: CompileContext['report'],
): ReadPage {
  const readId = readerOf(page.lastId, [...place, 'lastId'], report);
  const readMore = 'more' in page ? readerOf(page.more, [...place, 'more'], report) : undefined;
  const limit = 'size' in page ? page.limit : undefined;
  return async ({ send, rowsIn, address }, at) => {
    const sized =
      limit === undefined || !('size' in page) ? address : withParameter(address, limit, page.size);
    const answer = await send(sized, at === undefined ? undefined : [page.as, at]);
    const rows = rowsIn(answer);
    const hasMore = 'size' in page ? rows.length >= page.size : answer !== null && readMore?.(answer.body);
    if (hasMore === false || hasMore == null || rows.length === 0) return { rows, next: undefined };
    if (hasMore !== true) throw new Mismatch('more' in page ? page.more : '.', 'true or false');
    const id = toText(readId(rows.at(-1)), page.lastId);
    if (id === null) throw new Mismatch(page.lastId, 'the id of a row');
    return { rows, next: id };
  };
}

function positionIn(read: Read, answer: Body | null, place: string): string | undefined {
  const value = answer === null ? undefined : read(answer.body);
  if (value == null || value === '') return undefined;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new Mismatch(place, 'a text');
}

function withParameter(address: string, name: string, value: string | number): string {
  return `${address}${address.includes('?') ? '&' : '?'}${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
}
