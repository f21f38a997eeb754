import type { Page } from '../../declared/rest-grammar.js';
import type { HttpAnswer } from '../http-system.js';
import { wordsOf } from '../words.js';
import { readAnswer } from './answers.js';
import type { Added, RestProbe } from './probe.js';
import { isObject, pathName } from './shape.js';
import type { PagingParameters, RequestTemplate } from './way.js';

/**
 * Measures how a list continues. Tries each paging style that the answer suggests, until a next page has
 * other rows.
 */

/** The style without the limits of the list. */
type PageStyle = Page extends infer Kind
  ? Kind extends Page
    ? Omit<Kind, 'maxItems' | 'maxPages' | 'acceptPart'>
    : never
  : never;

export interface MeasuredPaging {
  /**
   * The paging in the syntax of a declaration. Undefined if the list has one page, or continues in a way that
   * cannot be declared.
   */
  style?: PageStyle;
  /** Constant parameters of each page, such as its size. */
  constants: Readonly<Record<string, number>>;
  text: string;
  /** Whether the list continues in a way that cannot be declared. */
  isUnsupported: boolean;
  /** Whether the next page was read and has other rows. */
  isVerified: boolean;
  /** Whether the next page repeats the last row of a page, so that rows need an id. */
  repeatsRow: boolean;
  /** The rows of the pages that were read. */
  rows: readonly unknown[];
}

export interface PagedRequest {
  template: RequestTemplate;
  keys: readonly string[];
  rows: string;
  paging: PagingParameters;
  /** The requested size, if there is a parameter for it. */
  size: number | undefined;
}

interface Candidate {
  style: PageStyle;
  text: string;
  next: () => Promise<HttpAnswer> | undefined;
  /** The size of the page, as parameters. */
  sized?: Added;
}

export async function measurePaging(
  probe: RestProbe,
  request: PagedRequest,
  first: HttpAnswer,
  hasCall: () => boolean,
): Promise<MeasuredPaging> {
  const started = { answer: first, size: request.size };
  let { answer, size } = started;
  let rows = rowsOf(answer, request);
  const isFull = size !== undefined && rows.length >= size;
  // With a smaller page, a short list has a next page.
  if (
    !isFull &&
    !showsNext(answer, request) &&
    request.paging.size !== undefined &&
    rows.length >= 2 &&
    hasCall()
  ) {
    size = Math.ceil(rows.length / 2);
    const smaller = await probe.send(request.template, request.keys, { [request.paging.size]: size });
    const fewer = rowsOf(smaller, request);
    if (fewer.length === size) [answer, rows] = [smaller, fewer];
    else size = started.size;
  }
  // The larger of the two pages has a size that the system accepts.
  const accepted = Math.max(rows.length, rowsOf(first, request).length);
  const context = { probe, request, answer, rows, size };
  const tried: string[] = [];
  for (const candidate of candidatesOf(context)) {
    if (!hasCall()) break;
    const sent = candidate.next();
    if (sent === undefined) {
      tried.push(`${candidate.text}, which is outside of the address of the system`);
      continue;
    }
    let next = rowsOf(await sent, request);
    let style = candidate.style;
    let found = compare(rows, next);
    if ('number' in style) {
      // Page 1 is the first one, or the second one if pages count from 0.
      if (found === 'other') style = { ...style, first: 0 };
      else if (found === 'same' && hasCall()) {
        next = rowsOf(
          await probe.send(request.template, request.keys, { ...candidate.sized, [style.number]: 2 }),
          request,
        );
        found = compare(rows, next);
      }
    }
    const text = 'number' in style ? `${candidate.text} from ${style.first ?? 1}` : candidate.text;
    if (found === 'other') return resultOf(sizedStyle(style, accepted), context, text, [...rows, ...next]);
    if (found === 'shifted' && 'offset' in style)
      return {
        ...resultOf(sizedStyle(style, accepted), context, `${text}, which counts from 1`, [...rows, ...next]),
        repeatsRow: true,
      };
    tried.push(candidate.text);
  }
  return endOf(context, tried);
}

interface Context {
  probe: RestProbe;
  request: PagedRequest;
  answer: HttpAnswer;
  rows: readonly unknown[];
  size: number | undefined;
}

function rowsOf(answer: HttpAnswer, { rows, template }: PagedRequest): readonly unknown[] {
  const read = readAnswer(answer, rows, template.method);
  return read.kind === 'rows' ? read.rows : [];
}

function compare(page: readonly unknown[], next: readonly unknown[]): 'same' | 'other' | 'shifted' | 'none' {
  if (next.length === 0) return 'none';
  const seen = page.map((row) => JSON.stringify(row));
  const texts = next.map((row) => JSON.stringify(row));
  const repeated = texts.filter((text) => seen.includes(text)).length;
  if (repeated === 0) return 'other';
  return repeated === 1 && texts[0] === seen.at(-1) ? 'shifted' : 'same';
}

function resultOf(
  style: PageStyle,
  { request, size }: Context,
  text: string,
  rows: readonly unknown[],
): MeasuredPaging {
  const isSized = 'size' in style && style.limit !== undefined;
  const constants: Added =
    !isSized && request.paging.size !== undefined && size !== undefined
      ? { [request.paging.size]: request.size ?? size }
      : {};
  return {
    ...{
      style,
      constants: constants as Record<string, number>,
      rows,
      text: `It continues by ${text}: the next page has other rows.`,
    },
    ...{ isUnsupported: false, isVerified: true, repeatsRow: false },
  };
}

/** The style with the size of a full page that was returned. */
function sizedStyle(style: PageStyle, size: number): PageStyle {
  return 'size' in style ? { ...style, size } : style;
}

/** Paging styles that the answer suggests, the safest first. */
function candidatesOf(context: Context): Candidate[] {
  const { probe, request, answer, rows, size } = context;
  const { template, keys, paging } = request;
  const sized: Added = paging.size !== undefined && size !== undefined ? { [paging.size]: size } : {};
  const send = (added: Added) => probe.send(template, keys, { ...sized, ...added });
  const found: Candidate[] = [];
  const link = linkIn(answer.headers['link']);
  if (link !== undefined)
    found.push({ style: { link: 'header' }, text: 'the header Link', next: () => probe.follow(link) });
  for (const { path, value } of valuesIn(answer.json, request.rows)) {
    if (typeof value === 'string' && isNextLink(path, value))
      found.push({ style: { next: path }, text: `the address at ${path}`, next: () => probe.follow(value) });
    else if (isCursor(path, value))
      for (const as of cursorNames(paging, path))
        found.push({
          style: { cursor: path, as },
          text: `the cursor at ${path}, as ${as}`,
          next: () => send({ [as]: String(value) }),
        });
  }
  const limit = paging.size === undefined || size === undefined ? {} : { limit: paging.size };
  const step = rows.length;
  if (step === 0) return found;
  found.push(...byHeader(context, send), ...byLastId(context, limit, send));
  const numbers = valuesIn(answer.json, request.rows).filter(({ value }) => typeof value === 'number');
  const nameIn = (pattern: RegExp) =>
    numbers.map(({ path }) => lastName(path)).find((name) => pattern.test(name));
  const offset = paging.offset ?? nameIn(/^(offset|skip|start|startIndex|start_index|startAt)$/);
  const page = paging.page ?? nameIn(/^(page|pageNumber|page_number|currentPage|current_page)$/);
  if (page !== undefined) {
    const name = paging.page ?? (page.toLowerCase().startsWith('current') ? 'page' : page);
    found.push({
      style: { number: name, size: step, ...limit },
      text: `the number of the page, as ${name}`,
      next: () => send({ [name]: 1 }),
      sized,
    });
  }
  if (offset !== undefined)
    found.push({
      style: { offset, size: step, ...limit },
      text: `the number of rows before it, as ${offset}`,
      next: () => send({ [offset]: step }),
    });
  return found;
}

type Send = (added: Added) => Promise<HttpAnswer>;

/** The token of the next page is in a header. */
function byHeader({ answer, request }: Context, send: Send): Candidate[] {
  const header = headerCursor(answer);
  if (header === undefined) return [];
  return cursorNames(request.paging, header.replace(/^x-/i, '')).map((as) => ({
    style: { header, as },
    text: `the header ${header}, as ${as}`,
    next: () => send({ [as]: answer.headers[header] ?? '' }),
  }));
}

/** The next page begins after the id of the last row. */
function byLastId({ answer, request, rows }: Context, limit: { limit?: string }, send: Send): Candidate[] {
  const last = idOfRow(rows.at(-1));
  const more = valuesIn(answer.json, request.rows).find(
    ({ path: at, value }) => typeof value === 'boolean' && /more|next/i.test(at),
  );
  // An answer that reports more rows may have no cursor, and a curl command does not show the parameter.
  const names =
    request.paging.lastId === undefined
      ? more?.value === true
        ? ['starting_after', 'after']
        : []
      : [request.paging.lastId];
  if (last === undefined) return [];
  const { path, id } = last;
  const ends = more === undefined ? { size: rows.length, ...limit } : { more: more.path };
  return names.map((as) => ({
    style: { lastId: path, as, ...ends },
    text: `the id of the last row, as ${as}`,
    next: () => send({ [as]: id }),
  }));
}

/** The id of a row, and its path. */
export function idOfRow(row: unknown): { path: string; id: string | number } | undefined {
  if (!isObject(row)) return undefined;
  const names = Object.keys(row);
  const name =
    names.find((other) => /^(id|uuid|guid)$/i.test(other)) ??
    names.find((other) => /^(id|number|code)$/.test(wordsOf(other).at(-1) ?? ''));
  const id = name === undefined ? undefined : row[name];
  if (name === undefined || (typeof id !== 'string' && typeof id !== 'number')) return undefined;
  return { path: pathName(name), id };
}

function linkIn(header: string | undefined): string | undefined {
  for (const [, target, parameters = ''] of (header ?? '').matchAll(/<([^<>]*)>([^<]*)/g))
    if (/;\s*rel="?(?:[^"]*\s)?next(?:\s[^"]*)?"?\s*(?:[;,]|$)/i.test(parameters)) return target;
  return undefined;
}

const MAX_DEPTH = 4;

/** Scalars beside the rows, with their paths. */
function valuesIn(json: unknown, rows: string, path = '', depth = 0): { path: string; value: unknown }[] {
  if (!isObject(json) || depth >= MAX_DEPTH) return [];
  return Object.entries(json).flatMap(([name, value]) => {
    const at = path === '' ? pathName(name) : `${path}.${pathName(name)}`;
    if (at === rows) return [];
    return isObject(value) ? valuesIn(value, rows, at, depth + 1) : [{ path: at, value }];
  });
}

const lastName = (path: string) => path.split('.').at(-1)?.replaceAll('"', '') ?? '';

function isNextLink(path: string, value: string): boolean {
  return /next/i.test(path) && /^(https?:\/\/|\/)/.test(value) && !/^\/+$/.test(value);
}

/** A name such as `next_cursor` or `meta.after`, but not one of the previous or the last page. */
function isCursor(path: string, value: unknown): boolean {
  const words = new Set(path.split('.').flatMap((part) => wordsOf(part)));
  const isNamed = ['next', 'cursor', 'after', 'continuation', 'bookmark', 'token', 'marker', 'scroll'].some(
    (word) => words.has(word),
  );
  const isOther = ['prev', 'previous', 'before', 'start', 'first', 'count', 'total', 'has', 'self'].some(
    (word) => words.has(word),
  );
  const isScalar =
    (typeof value === 'string' && value !== '' && !/^https?:|^\//.test(value)) || typeof value === 'number';
  return isNamed && !isOther && isScalar;
}

/** The parameters that may take a cursor: the one in the description, and those that the path suggests. */
function cursorNames(paging: PagingParameters, path: string): string[] {
  if (paging.cursor !== undefined) return [paging.cursor];
  const name = lastName(path);
  const plain = name.replace(/^_?next_?/i, '').replace(/^./, (letter) => letter.toLowerCase());
  const guessed = [plain, name, 'cursor', 'after'].filter(
    (text) => text !== '' && text !== 'next' && /^[\w.-]+$/.test(text),
  );
  return [...new Set(guessed)].slice(0, 3);
}

/** Whether an answer indicates another page. */
function showsNext(answer: HttpAnswer, { rows }: PagedRequest): boolean {
  if (linkIn(answer.headers['link']) !== undefined || headerCursor(answer) !== undefined) return true;
  return valuesIn(answer.json, rows).some(
    ({ path, value }) =>
      (typeof value === 'string' && isNextLink(path, value)) ||
      isCursor(path, value) ||
      (value === true && /more|next/i.test(path)),
  );
}

function headerCursor({ headers }: HttpAnswer): string | undefined {
  return Object.keys(headers).find(
    (name) =>
      /(next|continuation).*(cursor|token|page|key)|(cursor|continuation)$/i.test(name) &&
      headers[name] !== '',
  );
}

/** The result if no way of reading another page worked. */
function endOf({ request, answer, rows, size }: Context, tried: readonly string[]): MeasuredPaging {
  const base = { constants: {}, isVerified: false, repeatsRow: false, rows };
  const total = valuesIn(answer.json, request.rows).find(
    ({ path, value }) =>
      typeof value === 'number' &&
      /^(total|count|total_?count|totalItems|total_?items|total_?results)$/i.test(lastName(path)) &&
      value > rows.length,
  );
  const isFull = size !== undefined && rows.length >= size;
  if (showsNext(answer, request) || total !== undefined || isFull) {
    const failed = tried.length === 0 ? '' : ` Tried: ${tried.join(', ')}.`;
    return { ...base, isUnsupported: true, text: `How it continues was not found.${failed}` };
  }
  return {
    ...base,
    isUnsupported: false,
    text: 'It has one page, so how it continues could not be measured.',
  };
}
