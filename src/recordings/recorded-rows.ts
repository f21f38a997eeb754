import { isDeepStrictEqual } from 'node:util';
import type { Matching } from '../declared/call-loader.js';
import { stepsOf } from '../declared/path.js';
import { isSameByCollation } from '../loaders/align.js';
import type { RecordedCall, RecordedTable, Recording } from './recording.js';

/** The rows of the keys, without duplicates. */
export function recordedRows(
  { matching = 'exact' }: { matching?: Matching },
  { answers }: RecordedCall,
  keys: readonly string[],
): unknown[] {
  const isFound = comparisons[matching];
  const found = Object.entries(answers).filter(([held]) => keys.some((key) => isFound(held, key)));
  const rows: unknown[] = [];
  for (const [, ofKey] of found) {
    const before = rows.length;
    for (const row of ofKey)
      if (!rows.slice(0, before).some((other) => isDeepStrictEqual(row, other))) rows.push(row);
  }
  return rows;
}

/** Reads the recorded rows of a call by one key. */
export function rowReader(
  measured: ReadonlyMap<string, { call: { matching?: Matching }; recorded: RecordedCall }>,
): (name: string, key: string) => readonly unknown[] {
  return (name, key) => {
    const found = measured.get(name);
    return found === undefined ? [] : recordedRows(found.call, found.recorded, [key]);
  };
}

/** Compares keys as systems do. `loose` is a search, which finds keys that contain the text. */
const comparisons: Readonly<Record<Matching, (held: string, key: string) => boolean>> = {
  exact: (held, key) => held === key,
  lower: (held, key) => held.toLowerCase() === key.toLowerCase(),
  collation: isSameByCollation,
  loose: (held, key) => held.toLowerCase().includes(key.toLowerCase()),
};

/** The recorded keys that have rows. */
export function keysWithRows({ answers }: RecordedCall): string[] {
  return Object.entries(answers).flatMap(([key, rows]) => (rows.length === 0 ? [] : [key]));
}

/** The name of the table whose rows a call reads. Undefined in other systems, and for a call with a query. */
export function tableNameOf(recorded: RecordedCall | undefined): string | undefined {
  const from = recorded?.call['from'];
  return typeof from === 'string' ? from : undefined;
}

/** All recorded rows of a call: its answers, and the rows of its table in a database. */
export function allRows({ calls, tables = {} }: Recording, name: string): unknown[] {
  const table = tables[tableNameOf(calls[name]) ?? ''];
  return [...Object.values(calls[name]?.answers ?? {}).flat(), ...(table?.rows ?? [])];
}

/** The recorded keys of a call: those of its answers, and those in the column of the key of its table. */
export function allKeys({ calls, tables = {} }: Recording, name: string): string[] {
  const recorded = calls[name];
  if (recorded === undefined) return [];
  const { from, by } = recorded.call;
  return typeof from === 'string' && typeof by === 'string'
    ? tableCallKeys({ from, by }, recorded, tables)
    : Object.keys(recorded.answers);
}

/**
 * The keys of a call in a database or in files: those in the column of the key, and the recorded ones. A key has no
 * blanks around it, so a text column finds no value with them. In a column of a fixed length, every value has them.
 */
export function tableCallKeys(
  call: { from: string; by: string } | { query: string },
  recorded: RecordedCall,
  tables: Readonly<Record<string, RecordedTable>>,
): string[] {
  const keys = new Set(keysWithRows(recorded));
  if ('from' in call)
    for (const row of tables[call.from]?.rows ?? []) {
      const value = row[call.by];
      if (typeof value === 'string' || typeof value === 'number') keys.add(String(value));
    }
  const trimmed = [...keys].filter((key) => key === key.trim());
  return trimmed.length === 0 ? [...keys] : trimmed;
}

/** A page of an endless list that repeats the rows. */
export function repeated(rows: readonly unknown[], at: number, size: number): unknown[] {
  return Array.from({ length: size }, (_, i) => rows[(at + i) % rows.length]);
}

/** Sets the member at the path. Missing objects on the path are created. */
export function setMember(body: unknown, path: string, value: unknown): void {
  const steps = stepsOf(path) ?? [];
  let target = body;
  for (const step of steps.slice(0, -1)) {
    if (typeof target !== 'object' || target === null) return;
    let inner: unknown = Reflect.get(target, step);
    if (typeof inner !== 'object' || inner === null) Reflect.set(target, step, (inner = {}));
    target = inner;
  }
  const last = steps.at(-1);
  if (typeof target === 'object' && target !== null && last !== undefined) Reflect.set(target, last, value);
}
