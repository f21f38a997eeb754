import type { Page, RestCall } from '../../declared/rest-grammar.js';
import { InvalidInputError } from '../../errors.js';
import type { CallBudget } from '../call-budget.js';
import type { Finding } from '../draft.js';
import type { HttpAnswer } from '../http-system.js';
import { findLimit, nearMiss, otherCase, unknownKey } from '../probe-keys.js';
import { envelopeOf, hintIn, keyIn, readAnswer, rowsPathIn, type ReadAnswer } from './answers.js';
import { measurePaging, type MeasuredPaging } from './paging.js';
import type { Added, RestProbe } from './probe.js';
import type { ListCall, PersonWay, RelatedList } from './way.js';

/** Measures how a REST system finds one person, and how its lists continue. */

/** More keys in one call save little. */
const MAX_KEYS = 250;
/** Longer addresses are refused by many systems and proxies. */
const MAX_URL_LENGTH = 7_500;
const PAGE_SIZE = 50;
/** A list that is longer is an error, so that it does not look complete. */
export const MAX_ITEMS = 200;

/** A call in the words of the declaration. */
export type Declared = Readonly<Record<string, unknown>>;

export interface MeasuredCall {
  call: Declared;
  /** The rows by key. */
  answers: ReadonlyMap<string, readonly unknown[]>;
  envelope: unknown;
}

export class RestMeasurer {
  readonly findings: Finding[] = [];
  /** Records of customers, as the system returns them in a list. */
  readonly records: unknown[] = [];
  readonly #probe: RestProbe;
  readonly #budget: CallBudget;
  /** How the list of all records continues, and its page. */
  #sampled: { list: ListCall; paging: MeasuredPaging; size: number | undefined } | undefined;

  /** The last measured limit of a list of keys. */
  #limit: number | undefined;

  constructor(probe: RestProbe, budget: CallBudget) {
    this.#probe = probe;
    this.#budget = budget;
  }

  find(text: string, isWarning = false): void {
    this.findings.push({ step: 'measure', text, ...(isWarning ? { isWarning } : {}) });
  }

  /** Calls that are left for other ways and for lists while a limit is measured. */
  reserve = 0;

  readonly #hasCall = (): boolean => this.#budget.left > this.reserve;

  /** Reads some records of a list without a key, and measures how it continues. */
  async sample(list: ListCall): Promise<void> {
    const { answer, size } = await this.#firstPage(list, []);
    const read = readAnswer(answer, list.rows, 'GET');
    const rows = read.kind === 'error' && read.status < 300 ? rowsPathIn(answer.json) : list.rows;
    if (read.kind !== 'rows' && (rows === undefined || rows === list.rows)) {
      this.find(`${list.name} returned no records as samples: ${whyNot(read)}.`);
      return;
    }
    const actual = { ...list, rows: rows ?? list.rows };
    const paging = await this.#pagingOf(actual, [], answer, size);
    this.records.push(...paging.rows);
    this.#sampled = { list: actual, paging, size };
    this.find(
      `${list.name} returned ${paging.rows.length} records as samples. ${paging.text}`,
      paging.isUnsupported,
    );
  }

  /** The first page. A size that the system refuses is replaced by the one in its answer, or by a small one. */
  async #firstPage(
    list: ListCall,
    keys: readonly string[],
  ): Promise<{ answer: HttpAnswer; size: number | undefined }> {
    const { size: parameter, maxSize } = list.paging;
    let size = parameter === undefined ? undefined : Math.min(PAGE_SIZE, maxSize ?? PAGE_SIZE);
    const send = () =>
      this.#probe.send(
        list.request,
        keys,
        parameter === undefined || size === undefined ? {} : { [parameter]: size },
      );
    let answer = await send();
    if (size !== undefined && [400, 413, 422].includes(answer.status) && this.#budget.left > 0) {
      size = hintIn(answer, size) ?? 10;
      answer = await send();
    }
    return { answer, size };
  }

  #pagingOf(
    list: ListCall,
    keys: readonly string[],
    answer: HttpAnswer,
    size: number | undefined,
  ): Promise<MeasuredPaging> {
    const request = { template: list.request, keys, rows: list.rows, paging: list.paging, size };
    return measurePaging(this.#probe, request, answer, this.#hasCall);
  }

  /** Measures a way to find a person. Returns the reason if it cannot be declared. */
  async measureWay(
    way: PersonWay,
    knownKeys: readonly string[],
  ): Promise<MeasuredCall | { refusedBecause: string }> {
    const [known] = knownKeys;
    const label = labelOf(way);
    const nobody = await this.#nobody(way, known);
    if ('refusedBecause' in nobody) return nobody;
    const answers = new Map<string, readonly unknown[]>();
    let envelope: unknown;
    if (known !== undefined && this.#budget.left > 0) {
      const answer = await this.#send(way, [known]);
      const read = readAnswer(answer, way.rows, way.request.method);
      if (read.kind === 'error')
        return { refusedBecause: `${label} answers the key of a record with ${read.reason}` };
      const rows = read.kind === 'rows' ? read.rows : [];
      const own = rows.filter((row) => sameText(keyIn(row, way.keyPath), known));
      if (own.length === 0)
        return { refusedBecause: `${label} did not find a record by its key, which is at ${way.keyPath}` };
      if (this.records.length === 0) this.records.push(...own);
      answers.set(known, own);
      envelope = envelopeOf(answer.json, way.rows);
    } else
      this.find(
        `${label} was measured without the key of a person. Pass one with --key ${way.kind}=...`,
        true,
      );
    const matching = await this.#exactness(way, known, nobody.isWithoutKey);
    if (typeof matching === 'object') return matching;
    const batch = way.takes === 'keys' ? await this.#batchOf(way, knownKeys, nobody) : undefined;
    const paged = this.#pagedAs(way, batch ?? 1);
    return {
      call: {
        ...this.#requestOf(way, paged.constants),
        ...(way.rows === undefined ? {} : { rows: way.rows }),
        key: way.keyPath,
        ...(matching === undefined ? {} : { matching }),
        ...notFoundOf(way, nobody.as),
        ...(paged.page === undefined ? {} : { page: paged.page }),
        ...(batch === undefined ? {} : { maxBatch: paged.maxBatch }),
      },
      ...{ answers, envelope },
    };
  }

  /** Sends a key that nobody has. Throws if the system answers it with somebody. */
  async #nobody(
    way: PersonWay,
    known: string | undefined,
  ): Promise<{ refusedBecause: string } | { as: 404 | 'empty' | null; isWithoutKey: boolean }> {
    const label = labelOf(way);
    const key = unknownKey(known, way.kind, 0);
    const answer = await this.#send(way, [key]);
    const read = readAnswer(answer, way.rows, way.request.method);
    if (read.kind === 'error')
      return {
        refusedBecause: `${label} answers a key that nobody has with ${read.reason}, so a missing record looks like a failure`,
      };
    if (read.kind === 'nothing') {
      this.find(`${label}: a key that nobody has is answered with ${nothingText(read.as)}.`);
      return { as: read.as, isWithoutKey: false };
    }
    const keys = read.rows.map((row) => keyIn(row, way.keyPath));
    if (keys.every((found) => found === undefined) && way.rows === undefined) {
      this.find(`${label}: a key that nobody has is answered with an object that has no ${way.keyPath}.`);
      return { as: 404, isWithoutKey: true };
    }
    if (way.isSearch && way.rows !== undefined && !keys.includes(key)) {
      this.find(`${label} finds records of other keys too, so the gateway compares the keys.`, true);
      return { as: 'empty', isWithoutKey: false };
    }
    throw new InvalidInputError(
      `${label} answered a key that nobody has with somebody. Such a system would show a customer the data of another, so it is not connected. ` +
        'Choose another call with --by, or have the system answer such a key with an empty list or with status 404.',
    );
  }

  /** Sends the key in other letters, and almost the key. */
  async #exactness(
    way: PersonWay,
    known: string | undefined,
    isWithoutKey: boolean,
  ): Promise<'lower' | 'loose' | { refusedBecause: string } | undefined> {
    // An object without the key is no record, which only this comparison says.
    const fallback = isWithoutKey || way.isSearch ? ('loose' as const) : undefined;
    if (way.kind === 'id' || known === undefined) return fallback;
    const [cased, near] = [otherCase(known), nearMiss(known)];
    const label = labelOf(way);
    const findsNear = near !== undefined && (await this.#finds(way, near, (key) => key !== near));
    if (findsNear && way.rows === undefined)
      return { refusedBecause: `${label} answers a key that is almost that of a person with that person` };
    if (findsNear) {
      this.find(`${label} finds records whose key is only similar, so the gateway compares the keys.`, true);
      return 'loose';
    }
    const ignoresCase = cased !== undefined && (await this.#finds(way, cased, (key) => sameText(key, known)));
    const inCase =
      cased === undefined
        ? ''
        : ignoresCase
          ? ', except for upper and lower case'
          : ', also in upper and lower case';
    this.find(`${label} is exact${inCase}.`);
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
    nobody: { as: 404 | 'empty' | null },
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
      const found = new Set(rows.map((row) => keyIn(row, way.keyPath)?.toLowerCase()));
      const sent = known === undefined ? [] : keys.filter((key) => knownKeys.includes(key));
      // A page may end before the last keys, which is not a limit of the keys.
      const isPage = rows.length >= (this.#sizeOf(way) ?? Infinity);
      const isComplete = isPage || sent.every((key) => found.has(key.toLowerCase()));
      const isAccepted =
        read.kind === 'rows'
          ? isComplete
          : read.kind === 'nothing' && read.as === nobody.as && known === undefined;
      return { isAccepted, hint: hintIn(answer, count) };
    };
    // A system mostly has one limit for all of its lists.
    const expected = way.declaredMax ?? this.#limit;
    const { limit, isExact } = await findLimit(most, accepts, this.#hasCall, expected);
    this.#limit = limit;
    const text =
      limit === most ? `at least ${limit} keys in one call; no more were tried` : `${limit} keys in one call`;
    const doubt = isExact ? '' : ' It may be more: there were no calls left to measure it exactly.';
    this.find(`${labelOf(way)} accepts ${text}.${doubt}`, !isExact);
    return limit;
  }

  /** Sends keys, with the largest page that the system was seen to accept. */
  #send(way: PersonWay, keys: readonly string[]): Promise<HttpAnswer> {
    const size = this.#sizeOf(way);
    const added: Added =
      way.paging.size !== undefined && size !== undefined ? { [way.paging.size]: size } : {};
    return this.#probe.send(way.request, keys, added);
  }

  /** The size of a page: as it was measured for the list of all records. */
  #sizeOf(way: PersonWay): number | undefined {
    if (way.rows === undefined) return undefined;
    const { style } = this.#sampled?.paging ?? {};
    if (style !== undefined && 'size' in style) return style.size;
    return way.paging.size === undefined
      ? undefined
      : (this.#sampled?.size ?? Math.min(PAGE_SIZE, way.paging.maxSize ?? PAGE_SIZE));
  }

  /** The pages of a way, as they were measured for the list of all records with the same parameters. */
  #pagedAs(way: PersonWay, limit: number): { page?: Page; constants: Added; maxBatch: number } {
    const size = this.#sizeOf(way);
    const constants: Added =
      way.paging.size !== undefined && size !== undefined ? { [way.paging.size]: size } : {};
    const sampled = this.#sampled;
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
    // Without pages, all rows of a batch must be on the first one.
    const perKey = way.kind === 'id' ? 1 : 2;
    const onePage = size === undefined ? limit : Math.max(1, Math.floor(size / perKey));
    return { constants, maxBatch: Math.min(limit, onePage) };
  }

  #requestOf({ request }: PersonWay | ListCall, constants: Added): Pick<RestCall, 'query'> & Declared {
    const query = { ...request.query, ...constants };
    const body = request.body === undefined ? {} : { body: request.body };
    return {
      ...(request.method === 'POST' ? { post: request.path, ...body } : { get: request.path }),
      ...(Object.keys(query).length === 0 ? {} : { query }),
    };
  }

  /** Reads the lists of two customers, and the next page of each style. Undefined if it cannot be declared. */
  async measureList(list: RelatedList, keys: readonly string[]): Promise<MeasuredCall | undefined> {
    const answers = new Map<string, readonly unknown[]>();
    let measured: { paging: MeasuredPaging; envelope: unknown; size: number | undefined } | undefined;
    for (const key of keys.slice(0, 2)) {
      if (this.#budget.left === 0) break;
      const { answer, size } = await this.#firstPage(list, [key]);
      const read = readAnswer(answer, list.rows, 'GET');
      if (read.kind === 'error') {
        this.find(`${list.name} cannot be used: it was answered with ${read.reason}.`, true);
        return undefined;
      }
      const rows = read.kind === 'rows' ? read.rows : [];
      answers.set(key, rows);
      if (rows.length === 0) continue;
      const paging =
        this.#sampled !== undefined && this.#isLike(list)
          ? undefined
          : await this.#pagingOf(list, [key], answer, size);
      measured = {
        paging: paging ?? this.#likeSampled(),
        envelope: envelopeOf(answer.json, list.rows),
        size,
      };
      if (paging !== undefined) answers.set(key, paging.rows);
      break;
    }
    if (measured === undefined) {
      this.find(`${list.name} returned no rows, so it could not be measured and is not used.`, true);
      return undefined;
    }
    const { paging, envelope, size } = measured;
    if (paging.isUnsupported) {
      this.find(`${list.name} is not used, because a long list would look complete. ${paging.text}`, true);
      return undefined;
    }
    this.find(`${list.name} has rows. ${paging.text}`);
    const sized: Added =
      list.paging.size !== undefined && size !== undefined ? { [list.paging.size]: size } : {};
    const constants = paging.style === undefined ? sized : paging.constants;
    return {
      call: {
        ...this.#requestOf(list, constants),
        rows: list.rows,
        ...(paging.style === undefined
          ? {}
          : { page: { ...paging.style, maxItems: MAX_ITEMS, ...maxPagesOf(paging.style, size, MAX_ITEMS) } }),
      },
      ...{ answers, envelope },
    };
  }

  #isLike({ paging }: ListCall): boolean {
    return (
      this.#sampled?.paging.isVerified === true &&
      JSON.stringify(paging) === JSON.stringify(this.#sampled.list.paging)
    );
  }

  #likeSampled(): MeasuredPaging {
    const { list, paging } = this.#sampled ?? {};
    if (list === undefined || paging === undefined) throw new Error('No list was sampled.');
    return {
      ...paging,
      rows: [],
      text: `It has the parameters of ${list.name}, so it continues in the same way.`,
    };
  }
}

function maxPagesOf(style: object, size: number | undefined, maxItems: number): { maxPages?: number } {
  // A style with a size has this bound by itself.
  return 'size' in style ? {} : { maxPages: Math.min(100, Math.ceil(maxItems / (size ?? 10)) + 1) };
}

function notFoundOf({ rows }: PersonWay, as: 404 | 'empty' | null): { notFound?: unknown } {
  const usual = rows === undefined ? 404 : 'empty';
  return as === usual ? {} : { notFound: rows === undefined ? as : [as, 'empty'] };
}

/** Unknown keys, and known ones at the end, so that a list that is cut off lacks them. */
function fillUp(way: PersonWay, knownKeys: readonly string[], count: number): string[] {
  const known = knownKeys.slice(0, Math.min(count, 20));
  const unknown = Array.from({ length: count - known.length }, (_, i) =>
    unknownKey(knownKeys[0], way.kind, i),
  );
  return [...unknown, ...known];
}

export function labelOf({ name }: { name: string }): string {
  return name;
}

function nothingText(as: 404 | 'empty' | null): string {
  return as === 404 ? 'status 404' : as === null ? 'null' : 'no rows';
}

function whyNot(read: ReadAnswer): string {
  return read.kind === 'error'
    ? `it was answered with ${read.reason}`
    : read.kind === 'nothing'
      ? nothingText(read.as)
      : 'it has rows elsewhere';
}

function sameText(text: string | undefined, other: string): boolean {
  return text?.toLowerCase() === other.toLowerCase();
}
