import {
  connection,
  decodeCursor,
  encodeCursor,
  invalidCursor,
  pageSize,
  type Connection,
} from '../connection.js';
import { tooMany } from '../connectors/paging.js';
import { ForbiddenError, GatewayError, InvalidInputError, SourceContractError } from '../errors.js';
import type { Context, Customer } from './customer.js';
import type {
  CustomerTimelineArgs,
  MissingSource,
  RequireFields,
  TimelineEntry,
  TimelineKind as ShownKind,
} from './schema.generated.js';
import type {
  TimelineRequest,
  TimelineDeclaration,
  TimelineItem,
  TimelineKind,
  TimelineList,
} from './timeline-declaration.js';

/** The name of the list in its cursors. */
const TIMELINE = 'Customer.timeline';

/** A source that adds to the timeline. */
export interface TimelineSource {
  name: string;
  timeline: TimelineDeclaration;
}

/** An entry as resolvers get it: its id is made of source and recordId when it is selected. */
export type TimelineNode = Omit<TimelineEntry, 'id'>;

/** A page of the timeline, and the sources whose entries are missing on it. */
export interface TimelinePage extends Connection<TimelineNode> {
  missing: MissingSource[];
}

/** A place in the timeline. Names and ids do not change while sources come and go, so neither does the order. */
interface Place {
  /** Canonical: see `toMoment`. */
  at: string;
  source: string;
  id: string;
}

interface Entry extends Place {
  item: TimelineItem;
}

/**
 * One page of the timeline: what the sources that have a wanted kind give, each asked once, merged by time. A source
 * that cannot answer is named instead.
 */
export async function timelinePage(
  customer: Customer,
  args: RequireFields<CustomerTimelineArgs, 'first'>,
  sources: readonly TimelineSource[],
  context: Context,
): Promise<TimelinePage> {
  const size = pageSize(args.first);
  const after = args.after == null ? null : readCursor(args.after);
  const since = args.since == null ? null : readSince(args.since);

  for (const kind of args.kinds ?? [])
    if (!context.permissions.maySee(`TimelineKind.${kind}`))
      throw new ForbiddenError(`This caller may not see what is of the kind ${kind}.`);

  const wanted: ReadonlySet<TimelineKind> | undefined = args.kinds == null ? undefined : new Set(args.kinds);
  const answers = await Promise.all(
    sources.map(async ({ name, timeline }): Promise<readonly Entry[] | MissingSource> => {
      const kinds = new Set<TimelineKind>(
        timeline.kinds.filter(
          (kind) => wanted?.has(kind) !== false && context.permissions.maySee(`TimelineKind.${kind}`),
        ),
      );
      if (kinds.size === 0) return [];
      // One more than the page holds tells whether there is a next one, also when all of the page is this source's.
      const ask: TimelineRequest = { kinds, first: size + 1, before: beforeIn(name, after), since };
      try {
        const found = await timeline.page(customer, ask, context);
        return 'items' in found ? cutPage(name, found, ask) : entriesOf(name, found, ask);
      } catch (error) {
        // A mistake of the caller is told to the caller, a defect to us; only a source's own failure is skipped.
        if (!(error instanceof GatewayError) || error instanceof InvalidInputError) throw error;
        return { source: name, code: error.code };
      }
    }),
  );

  const found = answers.flatMap((answer) => ('code' in answer ? [] : answer)).sort(newestFirst);
  return {
    ...connection(found, size, (entry) => ({ cursor: cursorOf(entry), node: toNode(entry) })),
    missing: answers.flatMap((answer) => ('code' in answer ? [answer] : [])),
  };
}

/**
 * Where a source goes on after a place, which may be an entry of another source. Of one moment the sources come by name
 * downwards: those after that other one still have all of that moment to give, those before it nothing.
 */
function beforeIn(source: string, after: Place | null): TimelineRequest['before'] {
  if (after === null) return null;
  const { at, id } = after;
  if (source === after.source) return { at, id };
  // No id is so large that all others come before it in every system's order, so the next moment stands for it.
  return { at: source < after.source ? nextMoment(at) : at, id: '' };
}

/** The page of a source that found it itself, in order and without what was not requested. */
function entriesOf(source: string, items: readonly TimelineItem[], ask: TimelineRequest): Entry[] {
  const { first, since } = ask;
  const given = items.map((item) => toEntry(source, item));
  const fitting = fittingOf(source, given, ask);
  // A short list is all that the source has, and can be put right. Of a full one nobody knows what was cut off for what
  // should not be in it; only what is too old takes no place away.
  if (given.length >= first && given.slice(0, first).some((entry, i) => entry !== fitting[i]))
    throw new SourceContractError(
      source,
      `${source} gave something else than the page that it was asked for.`,
      { kind: 'wrong-record' },
    );
  return fitting.filter(({ at }) => since === null || at >= since).slice(0, first);
}

/** The page, cut from what a source has read. Throws SourceContractError when an item that was not read may belong on it. */
function cutPage(source: string, { items, readBackTo }: TimelineList, ask: TimelineRequest): Entry[] {
  const { first, since } = ask;
  const given = items.map((item) => toEntry(source, item));
  const page = fittingOf(source, given, ask)
    .filter(({ at }) => since === null || at >= since)
    .slice(0, first);
  const reached = page.length < first ? (since ?? '') : (page.at(-1)?.at ?? '');
  if (readBackTo.some((moment) => momentOf(source, moment) >= reached))
    throw tooMany(source, 'items of the timeline');
  return page;
}

function toEntry(source: string, item: TimelineItem): Entry {
  return { at: momentOf(source, item.at), source, id: item.id, item };
}

function momentOf(source: string, text: string): string {
  const moment = toMoment(text);
  if (moment !== null) return moment;
  throw new SourceContractError(source, `${source} tells of something at a moment that is none.`);
}

/** Those of the wanted kinds after the page before, each once, in the order of the timeline. */
function fittingOf(source: string, entries: readonly Entry[], { kinds, before }: TimelineRequest): Entry[] {
  const ids = new Set<string>();
  return entries.toSorted(newestFirst).filter((entry) => {
    const fits =
      kinds.has(entry.item.kind) &&
      (before === null || newestFirst(entry, { ...before, source }) > 0) &&
      !ids.has(entry.id);
    ids.add(entry.id);
    return fits;
  });
}

/** The order of the timeline: by time, of one moment by source, of one source by id, all downwards. */
function newestFirst(one: Place, other: Place): number {
  return downwards(one.at, other.at) || downwards(one.source, other.source) || downwards(one.id, other.id);
}

function downwards(one: string, other: string): number {
  return one === other ? 0 : one < other ? 1 : -1;
}

function toNode({ at, source, id, item }: Entry): TimelineNode {
  const { kind, title = null, status = null, amount = null } = item;
  return {
    // Checked at start: the enum has it.
    kind: kind as ShownKind,
    // A DateTime has milliseconds; the cursor keeps the rest.
    happenedAt: `${at.slice(0, 23)}Z`,
    source,
    recordId: id,
    title,
    status,
    amount,
  };
}

function cursorOf({ at, source, id }: Place): string {
  return encodeCursor(TIMELINE, [at, source, id]);
}

function readCursor(cursor: string): Place {
  const [at = '', source = '', id = ''] = decodeCursor(TIMELINE, cursor, 3);
  if (toMoment(at) !== at) throw invalidCursor();
  return { at, source, id };
}

function readSince(since: string): string {
  const at = toMoment(since);
  if (at === null) throw new InvalidInputError('"since" must be a moment such as 2026-11-01T12:00:00.000Z.');
  return at;
}

/**
 * A moment in its one way of writing, in UTC with six decimals, so that moments compare as text; null when it is none.
 * Finer parts of a second are left out.
 */
function toMoment(text: string): string | null {
  const [, day = '', time = '', fraction = '', zone = ''] =
    /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/i.exec(text) ?? [];
  const local = new Date(`${day}T${time}Z`);
  const date = new Date(`${day}T${time}${zone}`);
  // JavaScript takes 30 February for 2 March.
  if (Number.isNaN(date.valueOf()) || !local.toISOString().startsWith(`${day}T${time}`)) return null;
  const utc = date.toISOString();
  // No year of four digits, or one that databases do not have.
  if (utc.length > 24 || utc.startsWith('0000')) return null;
  return `${utc.slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

/** A millionth of a second later. */
function nextMoment(at: string): string {
  const millionths = Number(at.slice(20, 26)) + 1;
  const second = Date.parse(`${at.slice(0, 19)}Z`) + Math.floor(millionths / 1_000_000) * 1_000;
  const fraction = String(millionths % 1_000_000).padStart(6, '0');
  return `${new Date(second).toISOString().slice(0, 19)}.${fraction}Z`;
}
