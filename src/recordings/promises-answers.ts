import {
  queryByKey,
  BrokenPromise,
  firstDifference,
  shownErrors,
  shownValue,
  type SourcePromise,
  type TestAnswer,
  type TestedSource,
} from './promise.js';
import { leavesOf, valueAt, withValue, type Leaf } from './row-changes.js';
import { EXACT_NUMBER, EXACT_NUMBER_MARK, MAX_REQUESTS } from './stand-in.js';
import type { CallUse } from './survey.js';

/** Promises about the values and the pages of an answer. */

/** A text that a system never sends. */
const WRONG_VALUE = 'zq-7731';
/** The digits of EXACT_NUMBER without the last one, which rounding changes. */
const ROUNDED = new RegExp(`${EXACT_NUMBER.slice(0, -1)}(?!${EXACT_NUMBER.slice(-1)})\\d`);

export const promisesOfAnswers: readonly SourcePromise[] = [
  {
    id: 'pages',
    needsRequests: true,
    text: 'reads a list to its end, page by page',
    check: async (tested) => {
      const paged = [...tested.uses].filter(([call]) => tested.standIn.calls.get(call)?.page !== undefined);
      for (const [call, use] of paged) await checkPages(tested, call, use);
      return paged.length === 0 ? { noneBecause: 'no recorded call has pages' } : undefined;
    },
  },
  {
    id: 'bound',
    needsRequests: true,
    text: 'stops reading a list that never ends',
    check: async (tested) => {
      const paged = [...tested.uses].filter(([call]) => tested.standIn.calls.get(call)?.page !== undefined);
      for (const [call, use] of paged) await checkBound(tested, call, use);
      return paged.length === 0 ? { noneBecause: 'no recorded call has pages' } : undefined;
    },
  },
  {
    id: 'wrong-types',
    needsRequests: true,
    text: 'reports each value of another type as invalid, and never shows a wrong value',
    check: async (tested) => {
      for (const [call, use] of tested.uses) await checkTypes(tested, call, use);
      return tested.uses.size === 0 ? { noneBecause: 'no call has rows' } : undefined;
    },
  },
  {
    id: 'exact-numbers',
    needsRequests: true,
    text: 'loses no digit of exact numbers and amounts',
    check: async (tested) => {
      let numbers = 0;
      for (const [call, use] of tested.uses) numbers += await checkNumbers(tested, call, use);
      return numbers === 0 ? { noneBecause: 'the records have no numbers' } : undefined;
    },
  },
];

async function checkPages(
  { gateway, standIn }: TestedSource,
  call: string,
  { kind, key }: CallUse,
): Promise<void> {
  const page = standIn.calls.get(call)?.page;
  if (page === undefined) return;
  const { size = 1, maxItems } = page;
  if (size + 1 > maxItems) return;
  standIn.reset();
  // The list needs a second page. Recorded lists may be shorter than a page.
  standIn.behaviour = {
    changeRows: ({ call: name, rows }) =>
      name !== call || rows.length === 0 || rows.length > size
        ? rows
        : Array.from({ length: size + 1 }, (_, i) => rows[i % rows.length]),
  };
  const answer = await queryByKey(gateway, kind, key);
  const remedy = `Declare page of the call "${call}", as it was measured, and check where the rows and the position of the next page are.`;
  if (answer.errors.length > 0)
    throw new BrokenPromise(`A list of more than one page: ${shownErrors(answer)}`, remedy);
  const served = standIn.served.filter((request) => request.call === call);
  const read = Math.max(0, ...served.map(({ to }) => to));
  const of = Math.max(0, ...served.map((request) => request.of));
  if (read < of) throw new BrokenPromise(`Only ${read} of ${of} rows of "${call}" are read.`, remedy);
}

async function checkBound(tested: TestedSource, call: string, { kind, key }: CallUse): Promise<void> {
  const { gateway, standIn, source } = tested;
  standIn.reset();
  standIn.behaviour = { isEndless: true };
  const answer = await queryByKey(gateway, kind, key);
  const remedy = `Declare a bound: maxItems and maxPages of the page of the call "${call}".`;
  if (standIn.served.length >= MAX_REQUESTS)
    throw new BrokenPromise(`An endless list takes more than ${MAX_REQUESTS} requests of "${call}".`, remedy);
  if (answer.errors.length === 0 && standIn.calls.get(call)?.page?.acceptsPart !== true)
    throw new BrokenPromise(
      'A part of an endless list is shown as a complete list.',
      `${remedy} If a part is enough, declare acceptPart: true.`,
    );
  for (const { extensions } of answer.errors)
    if (extensions.code !== 'SOURCE_CONTRACT' || extensions.source !== source.name)
      throw new BrokenPromise(`An endless list: ${shownErrors(answer)}`, remedy);
}

/** Queries with another value at a place of the first row of a call. */
async function queryWith(
  { gateway, standIn }: TestedSource,
  call: string,
  { kind, key }: CallUse,
  path: Leaf,
  value: unknown,
): Promise<TestAnswer> {
  standIn.reset();
  standIn.behaviour = {
    changeRows: ({ call: name, rows: [first, ...others] }) =>
      first === undefined
        ? []
        : name === call
          ? [withValue(first, path, value), ...others]
          : [first, ...others],
  };
  return queryByKey(gateway, kind, key);
}

/** The first row that the query gets from the call. */
async function firstRow(
  { gateway, standIn }: TestedSource,
  call: string,
  { kind, key }: CallUse,
): Promise<{ row: unknown; normal: TestAnswer }> {
  let row: unknown;
  standIn.reset();
  standIn.behaviour = {
    changeRows: ({ call: name, rows }) => {
      if (name === call) row ??= rows[0];
      return rows;
    },
  };
  const normal = await queryByKey(gateway, kind, key);
  return { row, normal };
}

async function checkTypes(tested: TestedSource, call: string, use: CallUse): Promise<void> {
  const { row, normal } = await firstRow(tested, call, use);
  for (const path of leavesOf(row)) {
    const place = path.join('.');
    const answer = await queryWith(tested, call, use, path, { unexpected: WRONG_VALUE });
    const remedy = `Check the mapping of "${place}" in the rows of "${call}": a value of another type must be an error.`;
    if (JSON.stringify(answer).includes(WRONG_VALUE))
      throw new BrokenPromise(`An invalid value at "${place}" of "${call}" is shown to clients.`, remedy);
    if (answer.errors.length === 0) {
      const difference = firstDifference(normal.data, answer.data);
      if (difference !== undefined)
        throw new BrokenPromise(
          `An object at "${place}" of "${call}" changes ${difference.place} to ${shownValue(difference.actual)}, without an error.`,
          remedy,
        );
    }
    for (const { extensions } of answer.errors)
      if (extensions.code !== 'SOURCE_CONTRACT')
        throw new BrokenPromise(`An object at "${place}" of "${call}": ${shownErrors(answer)}`, remedy);
  }
}

/** Returns the number of checked numbers. */
async function checkNumbers(tested: TestedSource, call: string, use: CallUse): Promise<number> {
  const { row } = await firstRow(tested, call, use);
  let checked = 0;
  for (const path of leavesOf(row)) {
    const value = valueAt(row, path);
    const exact = exactLike(value);
    if (exact === undefined) continue;
    checked += 1;
    const answer = await queryWith(tested, call, use, path, exact);
    const rounded = textsOf(answer.data).find((text) => ROUNDED.test(text.replaceAll('.', '')));
    if (rounded !== undefined)
      throw new BrokenPromise(
        `The number ${EXACT_NUMBER} at "${path.join('.')}" of "${call}" becomes ${rounded}.`,
        'Map exact numbers and amounts as text, and compute without floating-point numbers: use Decimal or Money.',
      );
  }
  return checked;
}

/** A value of the same form with more digits than a floating-point number can hold. */
function exactLike(value: unknown): string | undefined {
  if (typeof value === 'number') return EXACT_NUMBER_MARK;
  if (typeof value !== 'string' || !/^-?\d+\.\d+$/.test(value)) return undefined;
  const decimals = value.length - value.indexOf('.') - 1;
  return decimals > 6 ? undefined : `${EXACT_NUMBER.slice(0, -decimals)}.${EXACT_NUMBER.slice(-decimals)}`;
}

/** The texts in an answer. Floating-point numbers are not exact. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
