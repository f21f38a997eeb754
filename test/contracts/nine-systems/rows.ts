import type { SmallServer } from '../../../src/testing/small-server.js';
import * as made from '../../connect/suggest/made-up.js';
import type { RightSystem } from '../../connect/suggest/right-answers.js';

/** Records of the systems, made of the samples of the right answers. */

export type Json = Record<string, unknown>;

/** The number of records with different values. Further records repeat them with other keys. */
const SAMPLED = made.RECORDS;

/**
 * Records of a type. Fields that a separate call loads are left out. `keys` returns what is different in each
 * record, by path.
 */
export function recordsOf(
  system: RightSystem,
  type: string,
  count: number,
  keys: (i: number) => Json = () => ({}),
): Json[] {
  return Array.from({ length: count }, (_, i) => recordOf(system, type, i, keys(i)));
}

function recordOf(system: RightSystem, type: string, i: number, keys: Json): Json {
  const fields = system.types[type]?.fields;
  if (fields === undefined) throw new Error(`${system.source} has no type ${type}.`);
  const record: Json = {};
  for (const [path, { type: of, isList, samples, call }] of Object.entries(fields)) {
    if (call !== undefined) continue;
    const value = of in system.types ? recordOf(system, of, i, {}) : samples[i % SAMPLED];
    set(record, path, isList ? [value] : value);
  }
  for (const [path, value] of Object.entries(keys)) set(record, path, value);
  return record;
}

function set(record: Json, path: string, value: unknown): void {
  const [name = '', ...rest] = path.split('.');
  if (rest.length === 0) record[name] = value;
  else {
    const inner = (record[name] ??= {}) as Json;
    set(inner, rest.join('.'), value);
  }
}

/** The numbers of calls that a server received. */
export function readsOf({ seen }: SmallServer): { reads: number; others: number } {
  const reads = seen.filter(({ method }) => method === 'GET').length;
  return { reads, others: seen.length - reads };
}

/** The e-mail address of a record. */
export function emailOf(i: number): string {
  const email = made.emails[i % SAMPLED] ?? '';
  return i < SAMPLED ? email : email.replace('@', `-${i}@`);
}
