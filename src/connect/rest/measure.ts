import type { Page } from '../../declared/rest-grammar.js';
import { InvalidInputError } from '../../errors.js';
import type { CallBudget } from '../call-budget.js';
import type { HttpAnswer } from '../http-system.js';
import { findLimit, nearMiss, otherCase, unknownKey } from '../probe-keys.js';
import { envelopeOf, hintIn, keyIn, nothingText, readAnswer } from './answers.js';
import { declaredRequest, MAX_ITEMS, maxPagesOf, PAGE_SIZE, type ListMeasurer } from './list-measure.js';
import { find, hasCall, type MeasuredCall, type Measuring } from './measuring.js';
import type { Added, RestProbe } from './probe.js';
import { isObject } from './shape.js';
import type { PersonWay } from './way.js';

/** Measures how a REST system finds one person. */

/** The most keys in one call: more save little. */
const MAX_KEYS = 250;
/** Many systems and proxies refuse longer addresses. */
const MAX_URL_LENGTH = 7_500;
export class RestMeasurer {
  readonly #measuring: Measuring;
  readonly #probe: RestProbe;
  readonly #budget: CallBudget;
  readonly #lists: ListMeasurer;
  /** The last measured limit of a list of keys. */
  #limit: number | undefined;

  constructor(measuring: Measuring, lists: ListMeasurer) {
    this.#measuring = measuring;
    this.#probe = measuring.probe;
    this.#budget = measuring.budget;
    this.#lists = lists;
  }

  readonly #hasCall = (): boolean => hasCall(this.#measuring);

  /** Measures a way to find a person. Returns the reason if it cannot be declared. */
  async measureWay(
    way: PersonWay,
    knownKeys: readonly string[],
  ): Promise<MeasuredCall | { refusedBecause: string }> {
    const [known] = knownKeys;
    const label = way.name;
    const unknown = await this.#measureUnknown(way, known);
    if ('refusedBecause' in unknown) return unknown;
    const answers = new Map<string, readonly unknown[]>();
    let envelope: unknown;
    if (known !== undefined && this.#budget.left > 0) {
      const answer = await this.#send(way, [known]);
      const read = readAnswer(answer, way.rows, way.request.method);
      if (read.kind === 'error')
        return { refusedBecause: `${label} answers the key of a record with ${read.reason}` };
      const rows = read.kind === 'rows' ? read.rows : [];
      const matching = rows.filter((row) => sameText(keyIn(row, way.keyPath), known));
      if (matching.length === 0)
        return { refusedBecause: `${label} did not find a record by its key, which is at ${way.keyPath}` };
      if (this.#measuring.records.length === 0) this.#measuring.records.push(...matching);
      this.#completeRecords(way, matching);
      answers.set(known, matching);
      envelope = envelopeOf(answer.json, way.rows);
    } else
      find(
        this.#measuring,
        `${label} was measured without the key of a person. Pass one with --key ${way.kind}=...`,
        true,
      );
    const comparison = await this.#exactness(way, known, unknown.isWithoutKey);
    if (typeof comparison === 'object') return comparison;
    const batch = way.takes === 'keys' ? await this.#batchOf(way, knownKeys, unknown) : undefined;
    const paged = this.#pagedAs(way, batch ?? 1);
    return {
      call: {
        ...declaredRequest(way, paged.constants),
        ...(way.rows === undefined ? {} : { rows: way.rows }),
        key: way.keyPath,
        ...(comparison === undefined ? {} : { matching: comparison }),
        ...notFoundOf(way, unknown.as),
        ...(paged.page === undefined ? {} : { page: paged.page }),
        ...(batch === undefined ? {} : { maxBatch: paged.maxBatch }),
      },
      ...{ answers, envelope },
    };
  }

  /** Sends an unknown key. Throws if the system returns a record for it. */
  async #measureUnknown(
    way: PersonWay,
    known: string | undefined,
  ): Promise<{ refusedBecause: string } | { as: 404 | 'empty' | null; isWithoutKey: boolean }> {
    const label = way.name;
    const key = unknownKey(known, way.kind, 0);
    const answer = await this.#send(way, [key]);
    const read = readAnswer(answer, way.rows, way.request.method);
    if (read.kind === 'error')
      return {
        refusedBecause: `${label} answers an unknown key with ${read.reason}, so a missing record looks like a failure`,
      };
    if (read.kind === 'nothing') {
      find(this.#measuring, `${label}: an unknown key is answered with ${nothingText(read.as)}.`);
      return { as: read.as, isWithoutKey: false };
    }
    const keys = read.rows.map((row) => keyIn(row, way.keyPath));
    if (keys.every((found) => found === undefined) && way.rows === undefined) {
      find(
        this.#measuring,
        `${label}: an unknown key is answered with an object that has no ${way.keyPath}.`,
      );
      return { as: 404, isWithoutKey: true };
    }
    if (way.isSearch && way.rows !== undefined && !keys.includes(key)) {
      find(
        this.#measuring,
        `${label} finds records of other keys too, so the gateway compares the keys.`,
        true,
      );
      return { as: 'empty', isWithoutKey: false };
    }
    throw new InvalidInputError(
      `${label} returned a record for an unknown key. Such a system would show a customer the data of another one, so it is not connected. ` +
        'Choose another call with --by, or have the system answer such a key with an empty list or with status 404.',
    );
  }

  /** Sends the key in the other case, and a part of the key. */
  async #exactness(
    way: PersonWay,
    known: string | undefined,
    isWithoutKey: boolean,
  ): Promise<'lower' | 'loose' | { refusedBecause: string } | undefined> {
    // An object without the key is not a record. Only this comparison detects it.
    const fallback = isWithoutKey || way.isSearch ? ('loose' as const) : undefined;
    if (way.kind === 'id' || known === undefined) return fallback;
    const [cased, near] = [otherCase(known), nearMiss(known)];
    const label = way.name;
    const findsNear = near !== undefined && (await this.#finds(way, near, (key) => key !== near));
    if (findsNear && way.rows === undefined)
      return { refusedBecause: `${label} finds a person by a part of the key` };
    if (findsNear) {
      find(
        this.#measuring,
        `${label} finds records whose key is only similar, so the gateway compares the keys.`,
        true,
      );
      return 'loose';
    }
    const ignoresCase = cased !== undefined && (await this.#finds(way, cased, (key) => sameText(key, known)));
    const inCase = cased === undefined ? '' : ignoresCase ? ', but case-insensitive' : ' and case-sensitive';
    find(this.#measuring, `${label} is exact${inCase}.`);
    return fallback ?? (ignoresCase ? 'lower' : undefined);
  }

  async #finds(way: PersonWay, key: string, test: (found: string | undefined) => boolean): Promise<boolean> {
    if (!this.#hasCall() || !this.#probe.canSend(way.request, key)) return false;
    const read = readAnswer(await this.#send(way, [key]), way.rows, way.request.method);
    return (
      read.kind === 'rows' &&
      read.rows.some((row) => keyIn(row, way.keyPath) !== undefined && test(keyIn(row, way.keyPath)))
    );
  }

  async #batchOf(
    way: PersonWay,
    knownKeys: readonly string[],
    unknown: { as: 404 | 'empty' | null },
  ): Promise<number> {
    const [known] = knownKeys;
    const fits = (count: number) =>
      this.#probe.lengthOf(way.request, fillUp(way, knownKeys, count)) <= MAX_URL_LENGTH;
    let most = MAX_KEYS;
    while (most > 1 && !fits(most)) most -= 1;
    const accepts = async (count: number) => {
      const keys = fillUp(way, knownKeys, count);
      const answer = await this.#send(way, keys);
      const read = readAnswer(answer, way.rows, way.request.method);
      const rows = read.kind === 'rows' ? read.rows : [];
      this.#completeRecords(way, rows);
      const found = new Set(rows.map((row) => keyIn(row, way.keyPath)?.toLowerCase()));
      const sent = known === undefined ? [] : keys.filter((key) => knownKeys.includes(key));
      // A page may end before the last keys, which is not a limit of the keys.
      const isPage = rows.length >= (this.#sizeOf(way) ?? Infinity);
      const isComplete = isPage || sent.every((key) => found.has(key.toLowerCase()));
      const isAccepted =
        read.kind === 'rows'
          ? isComplete
          : read.kind === 'nothing' && read.as === unknown.as && known === undefined;
      return { isAccepted, hint: hintIn(answer, count) };
    };
    // A system mostly has one limit for all of its lists.
    const expected = way.declaredMax ?? this.#limit;
    const { limit, isExact } = await findLimit(most, accepts, this.#hasCall, expected);
    this.#limit = limit;
    const text =
      limit === most ? `at least ${limit} keys in one call; no more were tried` : `${limit} keys in one call`;
    const doubt = isExact ? '' : ' It may be more: there were no calls left to measure it exactly.';
    find(this.#measuring, `${way.name} accepts ${text}.${doubt}`, !isExact);
    return limit;
  }

  /** Replaces sampled records by those of the call. The list of all records may have only some of their members. */
  #completeRecords({ keyPath }: PersonWay, rows: readonly unknown[]): void {
    const { records } = this.#measuring;
    for (const row of rows) {
      const key = keyIn(row, keyPath);
      const at = records.findIndex((record) => key !== undefined && keyIn(record, keyPath) === key);
      if (at >= 0 && hasMore(row, records[at])) records[at] = row;
    }
  }

  /** Sends keys, with the largest page that the system accepted before. */
  #send(way: PersonWay, keys: readonly string[]): Promise<HttpAnswer> {
    const size = this.#sizeOf(way);
    const added: Added =
      way.paging.size !== undefined && size !== undefined ? { [way.paging.size]: size } : {};
    return this.#probe.send(way.request, keys, added);
  }

  /** The size of a page, as measured for the list of all records. */
  #sizeOf(way: PersonWay): number | undefined {
    if (way.rows === undefined) return undefined;
    const { style } = this.#lists.sampled?.paging ?? {};
    if (style !== undefined && 'size' in style) return style.size;
    return way.paging.size === undefined
      ? undefined
      : (this.#lists.sampled?.size ?? Math.min(PAGE_SIZE, way.paging.maxSize ?? PAGE_SIZE));
  }

  /** The pages of a way, as measured for the list of all records with the same parameters. */
  #pagedAs(way: PersonWay, limit: number): { page?: Page; constants: Added; maxBatch: number } {
    const size = this.#sizeOf(way);
    const constants: Added =
      way.paging.size !== undefined && size !== undefined ? { [way.paging.size]: size } : {};
    const sampled = this.#lists.sampled;
    const style = sampled?.paging.style;
    const isSame =
      sampled !== undefined &&
      JSON.stringify(way.paging) === JSON.stringify(sampled.list.paging) &&
      sampled.list.rows === way.rows;
    if (way.rows !== undefined && style !== undefined && isSame) {
      const maxItems = Math.max(MAX_ITEMS, 2 * limit);
      const page = { ...style, maxItems, ...maxPagesOf(style, size, maxItems) } as Page;
      return { page, constants: 'size' in style ? {} : sampled.paging.constants, maxBatch: limit };
    }
    // Without paging, the first page must have all rows of a batch.
    const perKey = way.kind === 'id' ? 1 : 2;
    const onePage = size === undefined ? limit : Math.max(1, Math.floor(size / perKey));
    return { constants, maxBatch: Math.min(limit, onePage) };
  }
}

function hasMore(row: unknown, record: unknown): boolean {
  if (!isObject(row) || !isObject(record)) return false;
  const names = Object.keys(record);
  return Object.keys(row).length > names.length && names.every((name) => name in row);
}

function notFoundOf({ rows }: PersonWay, as: 404 | 'empty' | null): { notFound?: unknown } {
  const usual = rows === undefined ? 404 : 'empty';
  return as === usual ? {} : { notFound: rows === undefined ? as : [as, 'empty'] };
}

/** Unknown keys, and known ones at the end, so that a truncated list does not find them. */
function fillUp(way: PersonWay, knownKeys: readonly string[], count: number): string[] {
  const known = knownKeys.slice(0, Math.min(count, 20));
  const unknown = Array.from({ length: count - known.length }, (_, i) =>
    unknownKey(knownKeys[0], way.kind, i),
  );
  return [...unknown, ...known];
}

function sameText(text: string | undefined, other: string): boolean {
  return text?.toLowerCase() === other.toLowerCase();
}
