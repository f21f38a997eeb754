import { isDeepStrictEqual } from 'node:util';
import { firstMember, Mismatch } from '../declared/path.js';
import { GatewayError } from '../errors.js';
import { compareColumns } from './columns-drift.js';
import type { KeyReader } from './keys.js';
import type { LiveSystem } from './live-system.js';
import { asRecorded } from './paths-to-read.js';
import type { Recording, RecordedCall } from './recording.js';
import { allKeys, allRows, tableNameOf } from './recorded-rows.js';
import { leavesOf, valueAt, type Leaf } from './row-changes.js';
import { compareShapes, shapeOf, type ShapeChange } from './shape.js';

/** A difference between the live system and its recording. It contains no value of a record. */
export interface Drift {
  severity: 'harmless' | 'breaking';
  /** The call with the difference. Undefined for the whole system. */
  call?: string;
  /** The path in a row. */
  path?: string;
  text: string;
  /** Changes the recording so that the difference is no longer reported. Only for harmless differences. */
  apply?: (recording: Recording) => void;
}

/** The answers of the live system. They contain personal data, so they stay in memory. */
export interface Observed {
  drift: Drift[];
  /** The rows by key, for each call. */
  answers: ReadonlyMap<string, ReadonlyMap<string, readonly unknown[]>>;
}

/** The number of times that a slow call is repeated. */
const REPEATS = 3;
/** The maximum batch size that is tried. */
const MAX_BATCH_KEYS = 200;
/** The minimum increase that is reported. The network alone may cause a smaller one. */
const MIN_SLOWER_MS = 20;

/** Calls each measured call with one key, and compares its answer with the recording. */
export async function observe(
  recording: Recording,
  live: LiveSystem,
  {
    key,
    firstCalls,
    namespaces,
    keyReader,
  }: {
    key: string;
    /** The calls that take the key. */
    firstCalls: readonly string[];
    /** By call that finds customers or companies, the namespace of its keys. The other calls take keys from rows. */
    namespaces: ReadonlyMap<string, string>;
    keyReader: KeyReader;
  },
): Promise<Observed> {
  const drift: Drift[] = compareColumns(recording, live.columns);
  const changedColumns = new Set(drift.map(({ path }) => path));
  const answers = new Map<string, Map<string, readonly unknown[]>>();
  const waiting = new Map(firstCalls.map((call) => [call, key]));
  for (const [name, recorded] of callsInOrder(recording, firstCalls)) {
    const callKey = waiting.get(name) ?? keyFor(name, recording, answers);
    if (callKey === undefined) continue;
    try {
      const { rows, ms } = await live.rows(name, [callKey]);
      answers.set(name, new Map([[callKey, rows]]));
      const table = tableNameOf(recorded);
      drift.push(
        ...compareRows(name, recording, rows).filter(
          ({ path = '' }) => !changedColumns.has(`${table ?? ''}.${firstMember(path) ?? ''}`),
        ),
      );
      drift.push(...(await compareTimes(name, recorded, live, { callKey, ms })));
      const namespace = namespaces.get(name);
      const unknown =
        namespace === undefined
          ? keyReader.similar([callKey], MAX_BATCH_KEYS)
          : keyReader.unknown(namespace, [callKey], MAX_BATCH_KEYS);
      const kind = { isNamed: firstCalls.includes(name), isFromRows: namespace === undefined };
      drift.push(...(await compareUnknown(name, live, { unknown, rows, ...kind })));
      drift.push(...(await compareBatch(name, recorded, live, [callKey, ...unknown])));
    } catch (error) {
      drift.push({ severity: 'breaking', call: name, text: `fails: ${messageOf(error)}` });
    }
  }
  drift.push(...compareRateLimit(recording, live.headers));
  return { drift, answers };
}

/** Messages of the gateway's own errors contain no values of the system. Others may. */
function messageOf(error: unknown): string {
  return error instanceof GatewayError || error instanceof Mismatch
    ? error.message
    : 'an error of another kind';
}

/** The first calls, then those whose keys may be in their rows. */
function callsInOrder({ calls }: Recording, first: readonly string[]): [string, RecordedCall][] {
  const all = Object.entries(calls);
  return [...all.filter(([name]) => first.includes(name)), ...all.filter(([name]) => !first.includes(name))];
}

/**
 * The key of a call, from the live rows of another call. It is at the path at which recorded rows have
 * recorded keys.
 */
function keyFor(
  call: string,
  recording: Recording,
  answers: ReadonlyMap<string, ReadonlyMap<string, readonly unknown[]>>,
): string | undefined {
  const keys = new Set(allKeys(recording, call).map((key) => key.toLowerCase()));
  for (const [name, live] of answers) {
    const path = pathOfKeys(allRows(recording, name), keys);
    if (path === undefined) continue;
    for (const row of [...live.values()].flat()) {
      const text = textOf(valueAt(row, path));
      if (text !== undefined) return text;
    }
  }
  return undefined;
}

/** The path at which most rows have one of the keys. */
function pathOfKeys(rows: readonly unknown[], keys: ReadonlySet<string>): Leaf | undefined {
  const counts = new Map<string, { path: Leaf; values: Set<string> }>();
  for (const row of rows)
    for (const path of leavesOf(row)) {
      const text = textOf(valueAt(row, path))?.toLowerCase();
      if (text === undefined || !keys.has(text)) continue;
      const found = counts.get(path.join('.')) ?? { path, values: new Set<string>() };
      counts.set(path.join('.'), found);
      found.values.add(text);
    }
  return [...counts.values()].toSorted((a, b) => b.values.size - a.values.size)[0]?.path;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function compareRows(call: string, recording: Recording, rows: readonly unknown[]): Drift[] {
  const recorded = allRows(recording, call).map((row) => asRecorded(recording, row));
  if (rows.length === 0 || recorded.length === 0) return [];
  const leftOut = new Set(recording.calls[call]?.leftOut);
  return compareShapes(shapeOf(recorded), shapeOf(rows)).flatMap((change): Drift[] => {
    const { path, text, kind } = change;
    const at = { call, path, text };
    const plain = path.replaceAll('[]', '');
    const isUnknown = leftOut.has(plain) || leftOut.has(plain.replace(/[^.]*$/, '*'));
    if ((kind === 'added' || kind === 'removed') && isUnknown) return [];
    if (kind === 'removed' || kind === 'type') return [{ severity: 'breaking', ...at }];
    const sample = rows.map((row) => valueAt(row, stepsTo(path))).find((value) => value !== undefined);
    const apply = (changed: Recording): void => {
      applyChange(changed, call, change, sample);
    };
    return [{ severity: 'harmless', ...at, apply }];
  });
}

/** The steps of a path such as `lines[].sku`, in the first item of each list. */
function stepsTo(path: string): (string | number)[] {
  return path.split('.').flatMap((part) => {
    const name = part.replace(/(\[\])+$/, '');
    return [...(name === '' ? [] : [name]), ...Array.from(part.matchAll(/\[\]/g), () => 0)];
  });
}

function applyChange(recording: Recording, call: string, { path, kind }: ShapeChange, sample: unknown): void {
  const steps = stepsTo(path);
  for (const row of allRows(recording, call)) {
    const parent = valueAt(row, steps.slice(0, -1));
    const last = steps.at(-1);
    if (typeof parent !== 'object' || parent === null || last === undefined) continue;
    Reflect.set(parent, last, kind === 'null' ? null : madeUpLike(sample));
    // The other rows stay unchanged, so the member may have both types.
    if (kind === 'null') return;
  }
}

/** A made-up value of the same type. */
function madeUpLike(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(madeUpLike);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, madeUpLike(inner)]));
  if (typeof value === 'number') return 0;
  if (typeof value === 'boolean') return false;
  return typeof value === 'string' ? value.replace(/\d/g, '1').replace(/\p{L}/gu, 'a') : null;
}

async function compareTimes(
  call: string,
  { latencyMs }: RecordedCall,
  live: LiveSystem,
  { callKey, ms }: { callKey: string; ms: number },
): Promise<Drift[]> {
  if (latencyMs === undefined) return [];
  const limit = Math.max(2 * latencyMs.p50, latencyMs.p95, latencyMs.p50 + MIN_SLOWER_MS);
  const times = [ms];
  // The system is slow only if every answer is slow.
  while (times.length <= REPEATS && times.every((time) => time >= limit))
    times.push((await live.rows(call, [callKey])).ms);
  if (!times.every((time) => time >= limit)) return [];
  const sorted = times.map(Math.round).toSorted((a, b) => a - b);
  const [p50 = 0, p95 = 0] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  return [
    {
      severity: 'harmless',
      call,
      text: `is at least twice as slow: ${p50} ms; it was ${latencyMs.p50} ms`,
      apply: ({ calls }) => {
        const recorded = calls[call];
        if (recorded !== undefined) recorded.latencyMs = { p50, p95 };
      },
    },
  ];
}

/**
 * A made-up key may exist, such as a small number. So a record is reported only if it is that of the real
 * key, or if it lacks the key that other records of the call have.
 */
async function compareUnknown(
  call: string,
  live: LiveSystem,
  {
    unknown: [key],
    rows,
    isNamed,
    isFromRows,
  }: { unknown: readonly string[]; rows: readonly unknown[]; isNamed: boolean; isFromRows: boolean },
): Promise<Drift[]> {
  if (key === undefined) return [];
  try {
    const answer = await live.rows(call, [key]);
    const names = (row: unknown): boolean =>
      leavesOf(row).some((path) => textOf(valueAt(row, path))?.toLowerCase() === key.toLowerCase());
    const isOfOther = answer.rows.some(
      (row) => rows.some((other) => isDeepStrictEqual(row, other)) || (isNamed && !names(row)),
    );
    return isOfOther
      ? [{ severity: 'breaking', call, text: 'returns a record of another key for an unknown key' }]
      : [];
  } catch (error) {
    // The gateway makes such a call only with keys from rows, so the system may refuse a key that it does not know.
    if (isFromRows) return [];
    return [{ severity: 'breaking', call, text: `fails for an unknown key: ${messageOf(error)}` }];
  }
}

async function compareBatch(
  call: string,
  { call: { maxBatch } }: RecordedCall,
  live: LiveSystem,
  keys: readonly string[],
): Promise<Drift[]> {
  const takesBatch = live.calls.get(call)?.takes !== 'key';
  if (!takesBatch || typeof maxBatch !== 'number' || maxBatch < 2 || keys.length < maxBatch) return [];
  try {
    await live.rows(call, keys.slice(0, maxBatch));
    return [];
  } catch (error) {
    return [
      {
        severity: 'breaking',
        call,
        text: `no longer accepts ${maxBatch} keys in one request: ${messageOf(error)}`,
      },
    ];
  }
}

/** Limits are headers with a constant value, such as `X-RateLimit-Limit: 60`. */
const LIMIT_HEADER = /limit$|^ratelimit-policy$/i;

function compareRateLimit(
  { system: { rateLimit } }: Recording,
  headers: ReadonlyMap<string, string>,
): Drift[] {
  return Object.entries(rateLimit?.headers ?? {}).flatMap(([name, recorded]): Drift[] => {
    const now = headers.get(name.toLowerCase());
    // Only systems over HTTP have headers.
    if (headers.size === 0 || now === recorded || !LIMIT_HEADER.test(name)) return [];
    const isLower = now !== undefined && Number.parseFloat(now) < Number.parseFloat(recorded);
    return [
      {
        severity: isLower ? 'breaking' : 'harmless',
        text: `the header ${name} is ${now ?? 'missing'}; it was ${recorded}`,
        ...(isLower
          ? {}
          : {
              apply: ({ system }: Recording) => {
                const limits = system.rateLimit?.headers;
                if (limits === undefined) return;
                if (now === undefined) Reflect.deleteProperty(limits, name);
                else limits[name] = now;
              },
            }),
      },
    ];
  });
}
