import { isDeepStrictEqual } from 'node:util';
import {
  sendQuery,
  queryByKey,
  BrokenPromise,
  firstDifference,
  shownErrors,
  shownUnknownRequests,
  shownValue,
  type KeyKind,
  type SourcePromise,
  type TestAnswer,
  type TestedSource,
} from './promise.js';
import type { ServedCall } from './stand-in.js';
import { leavesOf, withValue } from './row-changes.js';

/** Promises about the rows of a batch: the source matches them by the keys in the rows. */

/** The maximum number of keys in one query. */
const MAX_BATCH_KEYS = 150;
/**
 * The minimum number of keys. Fewer keys may be found in different rounds of a query, each with a separate
 * request.
 */
const MIN_FIELD_KEYS = 3;
/** The maximum number of requests for a batch that does not fit in one address. */
const MAX_PARTS = 4;
/** The number of requested keys for a call without a limit. */
const UNBOUNDED_KEYS = 30;

export function promisesOfBatches({ kinds, source }: TestedSource): SourcePromise[] {
  const isHeld = ({ namespace }: KeyKind): boolean => source.identity?.foundBy[namespace] === undefined;
  const customers = kinds.filter(({ root }) => root === 'customer');
  return [
    ...customers.map(batches),
    fieldBatches,
    ...customers.flatMap((kind) => [
      changed(kind, {
        id: 'missing-row',
        text: 'returns null for a customer whose row is missing in a batch, and the other customers in their positions',
        changeRows: (groups, first) => groups.flat().filter((row) => !isIn(first, row)),
        expected: ([, ...others], [first]) => [isHeld(kind) ? first : null, ...others],
      }),
      changed(kind, {
        id: 'repeated-rows',
        text: 'counts rows that the system repeats once',
        changeRows: (groups) => groups.flat().flatMap((row) => [row, row]),
        expected: (normal) => normal,
        ...(isHeld(kind) ? { noneBecause: 'each row of a list counts, unless its call has an id' } : {}),
      }),
      changed(kind, {
        id: 'reordered-rows',
        text: 'matches rows by their keys, not by their positions',
        changeRows: (groups) => groups.toReversed().flat(),
        expected: (normal) => normal,
      }),
    ]),
    ...kinds.map(foreignRow),
    ...customers.map(partialBatch),
  ];
}

function isIn(rows: readonly unknown[], row: unknown): boolean {
  return rows.some((other) => isDeepStrictEqual(other, row));
}

async function queryMany(
  { gateway, queries }: TestedSource,
  { namespace }: KeyKind,
  keys: readonly string[],
): Promise<TestAnswer & { customers: readonly unknown[] }> {
  const answer = await sendQuery(
    gateway,
    { query: queries.customers ?? '' },
    keys.map((key) => ({ [namespace]: key })),
  );
  const customers = answer.data?.['customers'];
  return { ...answer, customers: Array.isArray(customers) ? (customers as unknown[]) : [] };
}

/** The measured call that finds keys of a kind, and its request for the key. */
async function callOf(
  { gateway, standIn }: TestedSource,
  kind: KeyKind,
): Promise<(ServedCall & { takesBatch: boolean; maxBatch: number | undefined }) | undefined> {
  standIn.reset();
  await queryByKey(gateway, kind, kind.keys[0] ?? '');
  const [served] = standIn.served;
  const facts = served === undefined ? undefined : standIn.calls.get(served.call);
  standIn.reset();
  if (served === undefined || facts === undefined) return undefined;
  return { ...served, takesBatch: facts.takesBatch, maxBatch: facts.maxBatch };
}

function batches(kind: KeyKind): SourcePromise {
  const { namespace, keys } = kind;
  return {
    id: `batch-${namespace}`,
    needsRequests: true,
    text: `loads many customers by ${namespace} in as few calls as the measured batch size allows, each key once`,
    check: async (tested) => {
      const { standIn, keyReader } = tested;
      const call = await callOf(tested, kind);
      if (call === undefined) return { noneBecause: `no call finds customers by ${namespace}` };
      const maxBatch = call.takesBatch ? (call.maxBatch ?? Infinity) : 1;
      const wanted =
        maxBatch === Infinity
          ? UNBOUNDED_KEYS
          : call.takesBatch
            ? Math.min(maxBatch, MAX_BATCH_KEYS) + 1
            : keys.length;
      const all = [...keys, ...keyReader.unknown(namespace, keys, Math.max(0, wanted - keys.length))].slice(
        0,
        wanted,
      );
      const answer = await queryMany(tested, kind, [...all, ...all]);
      const served = standIn.served.filter(({ call: name }) => name === call.call);
      checkBatches(answer, {
        kind,
        served,
        all: all.length,
        maxBatch,
        isSplit: standIn.calls.get(call.call)?.isSplit === true,
        unknown: shownUnknownRequests(standIn),
      });
      return undefined;
    },
  };
}

function checkBatches(
  answer: TestAnswer,
  {
    kind: { namespace },
    served,
    all,
    maxBatch,
    isSplit,
    unknown,
  }: {
    kind: KeyKind;
    served: readonly ServedCall[];
    all: number;
    maxBatch: number;
    isSplit: boolean;
    unknown: string;
  },
): void {
  const name = served[0]?.call ?? namespace;
  const tooLarge = served.find(({ isTooLarge }) => isTooLarge);
  if (tooLarge !== undefined)
    throw new BrokenPromise(
      `A request of "${name}" has ${tooLarge.keys.length} keys; the system accepts ${maxBatch}.`,
      `Declare maxBatch: ${maxBatch} of the call "${name}".`,
    );
  if (answer.errors.length > 0)
    throw new BrokenPromise(
      `${all} customers in one query: ${shownErrors(answer)}${unknown}`,
      `Check the call "${name}": its keys, rows and key.`,
    );
  const first = served.filter(({ from }) => from === 0);
  const sent = first.flatMap(({ keys }) => keys);
  if (new Set(sent).size < sent.length)
    throw new BrokenPromise(
      `A key is requested twice by "${name}".`,
      'Load records by a loader, which batches keys.',
    );
  const most = Math.ceil(sent.length / maxBatch) * (isSplit ? MAX_PARTS : 1);
  if (first.length > most)
    throw new BrokenPromise(
      `${sent.length} keys take ${first.length} requests of "${name}", but ${most} are sufficient.`,
      maxBatch === Infinity
        ? `Remove maxBatch of the call "${name}", or measure it again: stekkerdoos check.`
        : `Declare maxBatch: ${maxBatch} of the call "${name}", as it was measured.`,
    );
}

const fieldBatches: SourcePromise = {
  id: 'batch-fields',
  needsRequests: true,
  text: 'loads the fields of many customers together if the system accepts several keys',
  check: async (tested) => {
    const { kinds, standIn } = tested;
    const kind = kinds.find(({ root, keys }) => root === 'customer' && keys.length > 1);
    if (kind === undefined) return { noneBecause: 'the recording has no two customers with one kind of key' };
    const found = await callOf(tested, kind);
    const gateway = tested.open('batching');
    try {
      await queryMany({ ...tested, gateway }, kind, kind.keys);
    } finally {
      await gateway.close();
    }
    let checked = 0;
    for (const [name, { takesBatch, maxBatch = Infinity }] of standIn.calls) {
      const served = standIn.served.filter(({ call, from }) => call === name && from === 0);
      const tooLarge = served.find(({ isTooLarge }) => isTooLarge);
      const keys = served.flatMap((request) => request.keys).length;
      if (!takesBatch || name === found?.call || keys < MIN_FIELD_KEYS) continue;
      checked += 1;
      if (tooLarge !== undefined || (served.length === keys && maxBatch > 1))
        throw new BrokenPromise(
          tooLarge === undefined
            ? `${keys} keys take ${served.length} requests of "${name}".`
            : `A request of "${name}" has ${tooLarge.keys.length} keys; the system accepts ${maxBatch}.`,
          `Send {keys} in the call "${name}", with maxBatch as it was measured.`,
        );
    }
    return checked === 0 ? { noneBecause: 'no call of a field takes several keys of this query' } : undefined;
  },
};

/** A promise about a batch with changed rows. */
function changed(
  kind: KeyKind,
  {
    id,
    text,
    changeRows,
    expected,
    noneBecause,
  }: {
    id: string;
    text: string;
    /** Receives the rows of each key of the request, and those of the first key of the query. */
    changeRows: (
      groups: readonly (readonly unknown[])[],
      ofFirstKey: readonly unknown[],
    ) => readonly unknown[];
    expected: (normal: readonly unknown[], answered: readonly unknown[]) => readonly unknown[];
    noneBecause?: string;
  },
): SourcePromise {
  const { namespace, keys } = kind;
  return {
    id: `${id}-${namespace}`,
    needsRequests: true,
    text: `${text} (by ${namespace})`,
    check: async (tested) => {
      if (noneBecause !== undefined) return { noneBecause };
      const { standIn } = tested;
      const call = await callOf(tested, kind);
      const wanted = keys.slice(0, 5);
      if (call?.takesBatch !== true || wanted.length < 2)
        return { noneBecause: `no two recorded customers are found by ${namespace} in one call` };
      const normal = await queryMany(tested, kind, wanted);
      const first = standIn.rowsOf(call.call, wanted[0] ?? '');
      standIn.behaviour = {
        changeRows: (found) =>
          found.call === call.call
            ? changeRows(
                found.keys.map((key) => standIn.rowsOf(call.call, key)),
                first,
              )
            : found.rows,
      };
      const answer = await queryMany(tested, kind, wanted);
      const remedy = `Declare the path of the key in a row: key of the call "${call.call}". Rows are matched by it.`;
      if (answer.errors.length > normal.errors.length) throw new BrokenPromise(shownErrors(answer), remedy);
      const difference = firstDifference(
        expected(normal.customers, answer.customers),
        answer.customers,
        'customers',
      );
      if (difference !== undefined)
        throw new BrokenPromise(
          `${difference.place}: expected ${shownValue(difference.expected)}, got ${shownValue(difference.actual)}.`,
          remedy,
        );
      return undefined;
    },
  };
}

function foreignRow(kind: KeyKind): SourcePromise {
  const { root, namespace, keys } = kind;
  return {
    id: `foreign-row-${namespace}`,
    needsRequests: true,
    text: `never shows a row of another key (by ${namespace})`,
    check: async (tested) => {
      const { gateway, standIn } = tested;
      const [key, other] = keys;
      const call = await callOf(tested, kind);
      const rows = call === undefined ? [] : standIn.rowsOf(call.call, other ?? '');
      if (call === undefined || key === undefined || other === undefined || rows.length === 0)
        return { noneBecause: `the recording has no two records by ${namespace}` };
      if (isDeepStrictEqual(standIn.rowsOf(call.call, key), rows))
        return { noneBecause: `both recorded keys by ${namespace} have the same record` };
      const foreign = await queryByKey(gateway, kind, other);
      standIn.behaviour = { changeRows: (found) => (found.call === call.call ? rows : found.rows) };
      const answer = await queryByKey(gateway, kind, key);
      if (answer.data?.[root] != null && firstDifference(foreign.data, answer.data) === undefined)
        throw new BrokenPromise(
          `The query for one ${root} shows the record of another.`,
          `Declare the path of the key in a row: key of the call "${call.call}", or the identifier under yields.`,
        );
      return undefined;
    },
  };
}

function partialBatch(kind: KeyKind): SourcePromise {
  const { namespace, keys } = kind;
  return {
    id: `partial-batch-${namespace}`,
    needsRequests: true,
    text: `returns the valid part of a batch (by ${namespace})`,
    check: async (tested) => {
      const { standIn } = tested;
      const call = await callOf(tested, kind);
      const [first, ...others] = keys.slice(0, 5);
      if (call?.takesBatch !== true || first === undefined || others.length === 0)
        return { noneBecause: `no two recorded customers are found by ${namespace} in one call` };
      const normal = await queryMany(tested, kind, [first, ...others]);
      const rowsOfFirst = standIn.rowsOf(call.call, first);
      let failed: TestAnswer | undefined;
      for (const path of leavesOf(rowsOfFirst[0])) {
        standIn.behaviour = {
          changeRows: ({ call: name, rows }) =>
            name === call.call
              ? rows.map((row) => (isIn(rowsOfFirst, row) ? withValue(row, path, { unexpected: true }) : row))
              : rows,
        };
        const answer = await queryMany(tested, kind, [first, ...others]);
        if (answer.errors.length === 0) continue;
        if (firstDifference(normal.customers.slice(1), answer.customers.slice(1)) === undefined)
          return undefined;
        failed ??= answer;
      }
      if (failed === undefined) return { noneBecause: 'no value of these records is checked' };
      throw new BrokenPromise(
        `An invalid row fails other customers too: ${shownErrors(failed)}`,
        'Map each row separately, and return an error for its key only.',
      );
    },
  };
}
