import type { z } from 'zod';
import {
  alignOne,
  callEach,
  errorOf,
  pages,
  safeCode,
  SourceContractError,
  tooMany,
  type RestClient,
} from '../../src/index.js';
import { API, compositeOf, countPage, errorCodesIn, errorKindOf, queryPage, type Page } from './wire.js';

/** Salesforce refuses more than 16,384 bytes of address and headers together; a token may have 2,000 bytes. */
const MAX_QUERY_BYTES = 12_000;
/** A composite request takes 25 calls, and at most 5 of them may be queries. It counts as one call. */
const QUERIES_A_CALL = 5;
const MAX_PAGES = 10;
const RECORDS_A_PAGE = 2_000;
/**
 * The maximum length of a text in the searched fields. An e-mail address has at most 80 characters, a phone
 * number 40.
 */
const MAX_TEXT = 80;

/**
 * A text as a SOQL literal. SOQL cannot bind a value in another way, so quotes and backslashes are escaped. Texts that
 * `canBeFound` refuses are never queried.
 */
export function soqlText(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** Whether a searched field of Salesforce can contain the text. */
export function canBeFound(value: string): boolean {
  return value !== '' && value.length <= MAX_TEXT && !/[\p{Cc}\p{Surrogate}]/u.test(value);
}

/** Some of the keys, and the query that finds them. */
export interface Chunk<K> {
  keys: K[];
  soql: string;
}

/**
 * Divides the keys into as few queries as the limit on addresses allows. All values of a key are in one
 * query.
 */
export function chunksOf<K>(
  keys: readonly K[],
  valuesOf: (key: K) => readonly string[],
  query: (list: string) => string,
): Chunk<K>[] {
  // The query may contain the list more than once.
  const frame = bytes(query(''));
  const lists = bytes(query('x')) - frame;
  const chunks: Chunk<K>[] = [];
  let current: { keys: K[]; values: string[]; size: number } | undefined;
  for (const key of keys) {
    const values = valuesOf(key).filter(canBeFound).map(soqlText);
    if (values.length === 0) continue;
    const size = bytes(`${values.join(',')},`) * lists;
    if (current === undefined || frame + current.size + size > MAX_QUERY_BYTES) {
      if (current !== undefined) chunks.push({ keys: current.keys, soql: query(current.values.join(',')) });
      current = { keys: [], values: [], size: 0 };
    }
    current.keys.push(key);
    current.values.push(...values);
    current.size += size;
  }
  if (current !== undefined) chunks.push({ keys: current.keys, soql: query(current.values.join(',')) });
  return chunks;
}

function bytes(text: string): number {
  return encodeURIComponent(text).length;
}

/**
 * Runs the queries of the chunks. Returns for each key the result of `read` for the found records, or
 * `nothing` for a key without a chunk. Each key resolves or rejects as soon as the call with its query is
 * answered.
 */
export function runQueries<K, T, V>(
  salesforce: RestClient,
  record: z.ZodType<T>,
  {
    keys,
    chunks,
    read,
    nothing,
  }: {
    keys: readonly K[];
    chunks: readonly Chunk<K>[];
    read: (keys: readonly K[], records: readonly T[]) => readonly (V | Promise<V>)[];
    nothing: V;
  },
): Promise<V>[] {
  const groups = Array.from({ length: Math.ceil(chunks.length / QUERIES_A_CALL) }, (_, i) =>
    chunks.slice(i * QUERIES_A_CALL, (i + 1) * QUERIES_A_CALL),
  );
  const found = new Map<K, Promise<V>>();
  for (const [i, answer] of callEach(groups, (group) => runQueryGroup(salesforce, record, group)).entries())
    for (const [j, chunk] of (groups[i] ?? []).entries()) {
      const values = answer.then((all) => {
        const records = all[j];
        if (records instanceof Error) throw records;
        return read(chunk.keys, records ?? []);
      });
      for (const [place, key] of chunk.keys.entries())
        found.set(
          key,
          values.then((results) => results[place] ?? nothing),
        );
    }
  return keys.map((key) => found.get(key) ?? Promise.resolve(nothing));
}

/** The records that a query finds. */
export async function runQuery<T>(
  salesforce: RestClient,
  record: z.ZodType<T>,
  soql: string,
): Promise<readonly T[]> {
  return restOf(salesforce, record, await get(salesforce, queryPage(record), soql));
}

/** The result of a query of `COUNT()`. */
export async function runCount(salesforce: RestClient, soql: string): Promise<number> {
  const { totalSize } = await get(salesforce, countPage, soql);
  return totalSize;
}

async function get<T>(salesforce: RestClient, answer: z.ZodType<T>, soql: string): Promise<T> {
  const page = await salesforce.get(answer, `${API}/query`, { q: soql });
  if (page !== null) return page;
  throw new SourceContractError(
    'crm-salesforce',
    'The address of crm-salesforce is not that of a Salesforce API.',
    { kind: 'not-found' },
  );
}

function referenceOf(place: number): string {
  return `q${place}`;
}

/** The records that each query finds, or the error of a query that failed. */
async function runQueryGroup<K, T>(
  salesforce: RestClient,
  record: z.ZodType<T>,
  group: readonly Chunk<K>[],
): Promise<(readonly T[] | Error)[]> {
  const [only] = group;
  if (group.length === 1 && only !== undefined) {
    return [await runQuery(salesforce, record, only.soql)];
  }
  const { compositeResponse } = await salesforce.post(compositeOf(record), `${API}/composite`, {
    allOrNone: false,
    compositeRequest: group.map(({ soql }, i) => ({
      method: 'GET',
      url: `${API}/query?q=${encodeURIComponent(soql)}`,
      referenceId: referenceOf(i),
    })),
  });
  const answers = alignOne(
    group.map((_, i) => referenceOf(i)),
    compositeResponse,
    { source: 'crm-salesforce', keyOf: ({ referenceId }) => referenceId },
  );
  if (answers.includes(null))
    throw new SourceContractError('crm-salesforce', 'crm-salesforce left some queries without an answer.');
  return Promise.all(
    answers.map(async (answer) =>
      answer?.httpStatusCode === 200
        ? restOf(salesforce, record, answer.body as Page<T>).catch(asError)
        : errorOfPart(answer ?? undefined),
    ),
  );
}

/** The records of a page and of those that follow it. */
export async function restOf<T>(
  salesforce: RestClient,
  record: z.ZodType<T>,
  first: Page<T>,
): Promise<readonly T[]> {
  const { items } = await pages({
    source: 'crm-salesforce',
    what: 'records',
    maxPages: MAX_PAGES,
    maxItems: MAX_PAGES * RECORDS_A_PAGE,
    read: (link: string | undefined) =>
      link === undefined ? Promise.resolve(first) : salesforce.follow(queryPage(record), link),
    items: ({ records }) => records,
    next: ({ done, nextRecordsUrl }) => {
      if (!done && nextRecordsUrl == null) throw tooMany('crm-salesforce', 'records');
      return done ? undefined : nextRecordsUrl;
    },
  });
  return items;
}

function errorOfPart(answer: { httpStatusCode: number; body: unknown } | undefined): Error {
  const { httpStatusCode: status = 0, body } = answer ?? {};
  const [vendorCode] = errorCodesIn(body);
  const received = { status, vendorCode: safeCode(vendorCode) };
  const usual = status >= 500 ? 'unavailable' : status === 403 ? 'forbidden' : 'not-understood';
  return errorOf(errorKindOf(status, body) ?? usual, 'crm-salesforce', { received });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
