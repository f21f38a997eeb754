import { connection, decodeCursor, encodeCursor, invalidCursor, pageSize } from '../connection.js';
import type { Connection, ConnectionPage, PageArguments } from '../connection.js';
import { tooMany } from '../connectors/paging.js';
import { GatewayError, InvalidInputError, SourceContractError } from '../errors.js';
import type { MissingSource } from './schema.generated.js';

/** The part of its items that a source must return, newest first. */
export interface PartRequest {
  /** How many items at most. */
  first: number;
  /**
   * Only items after this position: newest first, of one moment by id downwards, both compared as text. So
   * `at < before.at`, or `at = before.at` and `id < before.id`.
   */
  before: { at: string; id: string } | null;
}

/** Items of a source whose system cannot find the page. The merged list selects, sorts and cuts them. */
export interface UnsortedItems<Item> {
  /** In any order, whether they are requested or not. */
  items: readonly Item[];
  /** Of each list of the system that was not read to its end: the moment of its oldest item that was read. */
  readBackTo: readonly string[];
}

/** A source's answer: exactly the requested items, in order; or all items that it has read. */
export type PartOfList<Item> = readonly Item[] | UnsortedItems<Item>;

/** One source of a merged list. */
export interface MergedSource<Item> {
  name: string;
  read(request: PartRequest): Promise<PartOfList<Item>>;
  /** Whether an item is requested. Default: each item is. */
  isRequested?(item: Item): boolean;
}

/** A list of one customer that several sources fill. */
export interface MergedList<Item> {
  /** The field, such as `Customer.timeline`. It is part of each cursor. */
  name: string;
  /** A noun for the items of the list, for errors. */
  what: string;
  sources: readonly MergedSource<Item>[];
  /** The position of an item: its moment (ISO 8601 with an offset, to six decimals) and its id in the source. */
  positionOf(item: Item): { at: string; id: string };
  /** Only items of this moment or later. */
  since?: string | null;
}

/** The position of a record by its creation. A record without that moment is the oldest. */
export function positionOfRecord(record: { createdAt: string | null; recordId: string }) {
  return { at: record.createdAt ?? '1970-01-01T00:00:00Z', id: record.recordId };
}

/** One page of a merged list, and the sources whose items are missing on it. */
export interface MergedPage<Node> extends Connection<Node> {
  missing: MissingSource[];
}

/** A position in the list. Names and ids do not change while sources come and go, so the order does not change either. */
export interface Position {
  /** Canonical: see `toMoment`. */
  at: string;
  source: string;
  id: string;
}

interface Entry<Item> extends Position {
  item: Item;
}

/**
 * One page of all sources' items, newest first. Each source is called once. A source that fails is named in `missing`
 * instead.
 */
export async function mergedPage<Item, Node>(
  list: MergedList<Item>,
  args: PageArguments,
  toNode: (item: Item, position: Position) => Node,
): Promise<MergedPage<Node>> {
  const size = pageSize(args.first);
  const after = args.after == null ? null : readCursor(list.name, args.after);
  const answers = await Promise.all(
    list.sources.map(async (source): Promise<readonly Entry<Item>[] | MissingSource> => {
      try {
        return await readPart(list, source, size, after);
      } catch (error) {
        // Only the failure of a source is skipped. A mistake of the caller and a defect are errors of the field.
        if (!(error instanceof GatewayError) || error instanceof InvalidInputError) throw error;
        return { source: source.name, code: error.code };
      }
    }),
  );
  const found = answers.flatMap((answer) => ('code' in answer ? [] : answer)).sort(newestFirst);
  const missing = answers.flatMap((answer) => ('code' in answer ? [answer] : []));
  return Object.assign(toConnection(list, found, size, toNode), { missing });
}

/** One page of a list that a single source fills, newest first. Its failure is the error of the field, so `missing` is empty. */
export async function pageOfSource<Item>(
  { source, ...list }: Omit<MergedList<Item>, 'sources'> & { source: MergedSource<Item> },
  args: PageArguments,
): Promise<MergedPage<Item>> {
  const size = pageSize(args.first);
  const after = args.after == null ? null : readCursor(list.name, args.after);
  const found = await readPart({ ...list, sources: [source] }, source, size, after);
  return Object.assign(
    toConnection(list, found, size, (item) => item),
    { missing: [] },
  );
}

function toConnection<Item, Node>(
  list: Pick<MergedList<Item>, 'name'>,
  found: readonly Entry<Item>[],
  size: number,
  toNode: (item: Item, position: Position) => Node,
): ConnectionPage<Entry<Item>, Node> {
  return connection(found, size, {
    nodeOf: (entry) => toNode(entry.item, entry),
    cursorOf: ({ at, source, id }) => encodeCursor(list.name, [at, source, id]),
  });
}

/** The items of one source that may belong on the page, newest first. */
async function readPart<Item>(
  list: MergedList<Item>,
  source: MergedSource<Item>,
  size: number,
  after: Position | null,
): Promise<Entry<Item>[]> {
  // One more than the page holds shows whether there is a next page, also when the whole page is from this source.
  const request: PartRequest = { first: size + 1, before: beforeIn(source.name, after) };
  const part = await source.read(request);
  return 'items' in part ? cutPart(list, source, part, request) : checkPart(list, source, part, request);
}

/**
 * The position at which a source continues after an item, which may be one of another source. Items of one moment are ordered by
 * source name downwards. So sources after that other source still have all items of the moment, and those before it none.
 */
function beforeIn(source: string, after: Position | null): PartRequest['before'] {
  if (after === null) return null;
  const { at, id } = after;
  if (source === after.source) return { at, id };
  // No id is so large that all others come before it in every system's order, so the next moment is used instead.
  return { at: source < after.source ? nextMoment(at) : at, id: '' };
}

/** The part of a source that found it itself, in order and without items that were not requested. */
function checkPart<Item>(
  list: MergedList<Item>,
  source: MergedSource<Item>,
  items: readonly Item[],
  request: PartRequest,
): Entry<Item>[] {
  const { first } = request;
  const returned = items.map((item) => toEntry(list, source.name, item));
  const requested = requestedOf(source, returned, request);
  // A short list is all that the source has, and can be sorted here. In a full one, an item that was not requested may
  // have displaced another. Only an item that is too old displaces nothing.
  if (returned.length >= first && returned.slice(0, first).some((entry, i) => entry !== requested[i]))
    throw new SourceContractError(
      source.name,
      `${source.name} returned another page than the requested one.`,
      { kind: 'wrong-record' },
    );
  return since(list, requested).slice(0, first);
}

/** The part, cut from what a source has read. Throws SourceContractError when an item that was not read may belong in it. */
function cutPart<Item>(
  list: MergedList<Item>,
  source: MergedSource<Item>,
  { items, readBackTo }: UnsortedItems<Item>,
  request: PartRequest,
): Entry<Item>[] {
  const { first } = request;
  const returned = items.map((item) => toEntry(list, source.name, item));
  const part = since(list, requestedOf(source, returned, request)).slice(0, first);
  const reached = part.length < first ? (list.since ?? '') : (part.at(-1)?.at ?? '');
  if (readBackTo.some((moment) => momentOf(source.name, moment) >= reached))
    throw tooMany(source.name, list.what);
  return part;
}

function since<Item>(list: MergedList<Item>, entries: Entry<Item>[]): Entry<Item>[] {
  const { since: earliest = null } = list;
  return earliest === null ? entries : entries.filter(({ at }) => at >= earliest);
}

function toEntry<Item>(list: MergedList<Item>, source: string, item: Item): Entry<Item> {
  const { at, id } = list.positionOf(item);
  return { at: momentOf(source, at), source, id, item };
}

function momentOf(source: string, text: string): string {
  const moment = toMoment(text);
  if (moment !== null) return moment;
  throw new SourceContractError(source, `${source} returned an item whose moment does not exist.`);
}

/** The requested items after the page before, each once, in the order of the list. */
function requestedOf<Item>(
  source: MergedSource<Item>,
  entries: readonly Entry<Item>[],
  { before }: PartRequest,
): Entry<Item>[] {
  const ids = new Set<string>();
  return entries.toSorted(newestFirst).filter((entry) => {
    const isRequested =
      source.isRequested?.(entry.item) !== false &&
      (before === null || newestFirst(entry, { ...before, source: source.name }) > 0) &&
      !ids.has(entry.id);
    ids.add(entry.id);
    return isRequested;
  });
}

/** The order of the list: by time, of one moment by source, of one source by id, all downwards. */
function newestFirst(a: Position, b: Position): number {
  return downwards(a.at, b.at) || downwards(a.source, b.source) || downwards(a.id, b.id);
}

function downwards(a: string, b: string): number {
  return a === b ? 0 : a < b ? 1 : -1;
}

function readCursor(list: string, cursor: string): Position {
  const [at = '', source = '', id = ''] = decodeCursor(list, cursor, 3);
  if (toMoment(at) !== at) throw invalidCursor();
  return { at, source, id };
}

/** A moment in UTC on one of the first 28 days of a month, with at most six decimals: it exists. */
const USUAL_MOMENT =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?Z$/;

/**
 * A moment in one notation, in UTC with six decimals, so that moments compare as text; null when it does not exist. Finer
 * parts of a second are left out.
 */
export function toMoment(text: string): string | null {
  // Most moments are such, and the general way takes several times as long.
  if (USUAL_MOMENT.test(text)) return `${text.slice(0, 19)}.${text.slice(20, -1).padEnd(6, '0')}Z`;
  const [, day = '', time = '', fraction = '', zone = ''] =
    /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/i.exec(text) ?? [];
  const local = new Date(`${day}T${time}Z`);
  const date = new Date(`${day}T${time}${zone}`);
  // JavaScript takes 30 February for 2 March.
  if (Number.isNaN(date.valueOf()) || !local.toISOString().startsWith(`${day}T${time}`)) return null;
  const utc = date.toISOString();
  // A year without four digits, or one that databases do not have.
  if (utc.length > 24 || utc.startsWith('0000')) return null;
  return `${utc.slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

/** The last moment that four digits of a year can express, as in a cursor. */
const LAST_MOMENT = '9999-12-31T23:59:59.999999Z';

/** A microsecond later; the last moment itself, after which there is none. */
function nextMoment(at: string): string {
  if (at === LAST_MOMENT) return at;
  const microseconds = Number(at.slice(20, 26)) + 1;
  const second = Date.parse(`${at.slice(0, 19)}Z`) + Math.floor(microseconds / 1_000_000) * 1_000;
  const fraction = String(microseconds % 1_000_000).padStart(6, '0');
  return `${new Date(second).toISOString().slice(0, 19)}.${fraction}Z`;
}
