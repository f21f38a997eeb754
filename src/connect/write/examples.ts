import { Mismatch } from '../../declared/path.js';
import type { Recording } from '../../recordings/recording.js';
import type { Decisions, Draft } from '../draft.js';
import { dataOf, selectionOf, selectionText, textAt, type RecordedRows } from './example-data.js';
import type { WrittenSource } from './written-source.js';

/** More examples would not find more mistakes. */
const MAX_EXAMPLES = 5;
const MAX_CANDIDATES = 60;

/** A record, and the keys that find only this record. */
interface Candidate {
  keys: Map<string, string>;
  data: Record<string, unknown>;
  features: ReadonlySet<string>;
}

/**
 * Makes queries with the data that a client gets. In the chosen records, each field has a value, and two
 * fields of one object have different values. So the test detects two swapped fields.
 */
export function examplesOf(
  draft: Draft,
  decisions: Decisions,
  { written, recorded }: { written: WrittenSource; recorded: Omit<Recording, 'examples'> },
): Recording['examples'] {
  const rows: RecordedRows = { draftCalls: draft.calls, recorded };
  const selection = selectionOf(written.customer, rows);
  const { name } = decisions;
  const selected = `${name.length === 0 ? '' : 'name '}${written.customerField} { ${selectionText(selection)} }`;
  const query = `query($by: CustomerKey!) { customer(by: $by) { ${selected} } }`;
  const candidates = recordsOf(rows, decisions).flatMap(({ keys, row }): Candidate[] => {
    try {
      const record = dataOf(selection, row, rows);
      const parts = name.flatMap((path) => textAt(path, row)?.trim() || []);
      const data = {
        ...(name.length === 0 ? {} : { name: parts.join(' ') || null }),
        [written.customerField]: record,
      };
      return [{ keys, data, features: new Set(featuresOf(data)) }];
    } catch (error) {
      // A record that does not fit the draft is left out.
      if (error instanceof Mismatch) return [];
      throw error;
    }
  });
  return withKeys(chooseCandidates(candidates), candidates).map(({ namespace, key, data }) => ({
    query,
    variables: { by: { [namespace]: key } },
    // The data in the form in which a client receives it.
    data: JSON.parse(JSON.stringify({ customer: data })) as Recording['examples'][number]['data'],
  }));
}

/** The recorded records with the keys that no other record has. */
function recordsOf(
  { recorded, draftCalls }: RecordedRows,
  { foundBy }: Decisions,
): { row: unknown; keys: Map<string, string> }[] {
  const records = new Map<string, { row: unknown; keys: Map<string, string> }>();
  const holders = new Map<string, Set<string>>();
  const add = (namespace: string, key: string, row: unknown): void => {
    const id = JSON.stringify(row);
    const record = records.get(id) ?? { row, keys: new Map<string, string>() };
    record.keys.set(namespace, key);
    records.set(id, record);
    const holder = `${namespace} ${key.toLowerCase()}`;
    holders.set(holder, (holders.get(holder) ?? new Set()).add(id));
  };
  for (const [namespace, { call: name }] of Object.entries(foundBy)) {
    const { from, by } = draftCalls[name]?.call ?? {};
    for (const [key, rows] of Object.entries(recorded.calls[name]?.answers ?? {}))
      for (const row of rows) add(namespace, key, row);
    if (typeof from !== 'string' || typeof by !== 'string') continue;
    for (const row of recorded.tables?.[from]?.rows ?? []) {
      const key = row[by];
      if (typeof key === 'string' || typeof key === 'number') add(namespace, String(key), row);
    }
  }
  // With a shared key, the record that is shown would be undefined.
  const isAlone = ([namespace, key]: [string, string]) =>
    holders.get(`${namespace} ${key.toLowerCase()}`)?.size === 1;
  return [...records.values()].filter(({ keys }) => [...keys].every(isAlone)).slice(0, MAX_CANDIDATES);
}

/** Fields with a value, and pairs of fields of one object with different values. */
function featuresOf(value: unknown, place = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => featuresOf(item, place));
  if (typeof value !== 'object' || value === null) return value == null ? [] : [place];
  const entries = Object.entries(value);
  const leaves = entries.filter(([, inner]) => typeof inner === 'string' || typeof inner === 'number');
  const pairs = leaves.flatMap(([name, inner], i) =>
    leaves
      .slice(i + 1)
      .flatMap(([other, otherInner]) =>
        typeof inner === typeof otherInner && inner !== otherInner ? [`${place}.${name}≠${other}`] : [],
      ),
  );
  return [...pairs, ...entries.flatMap(([name, inner]) => featuresOf(inner, `${place}.${name}`))];
}

/**
 * A small set of candidates that together have all features. The one with the most new features is chosen
 * first.
 */
function chooseCandidates(candidates: readonly Candidate[]): Candidate[] {
  const chosen: Candidate[] = [];
  const seen = new Set<string>();
  while (chosen.length < MAX_EXAMPLES) {
    const counts = candidates.map(({ features }) => [...features].filter((name) => !seen.has(name)).length);
    const most = Math.max(0, ...counts);
    const best = most === 0 ? undefined : candidates[counts.indexOf(most)];
    if (best === undefined) break;
    chosen.push(best);
    for (const name of best.features) seen.add(name);
  }
  return chosen;
}

/** Chooses a key for each example, so that each kind of key is used. */
function withKeys(
  chosen: readonly Candidate[],
  candidates: readonly Candidate[],
): { namespace: string; key: string; data: Record<string, unknown> }[] {
  const used = new Set<string>();
  const examples = chosen.flatMap(({ keys, data }) => {
    const [namespace, key] = [...keys].find(([name]) => !used.has(name)) ?? [...keys][0] ?? [];
    if (namespace === undefined || key === undefined) return [];
    used.add(namespace);
    return [{ namespace, key, data }];
  });
  for (const { keys, data } of candidates)
    for (const [namespace, key] of keys)
      if (!used.has(namespace)) {
        used.add(namespace);
        examples.push({ namespace, key, data });
      }
  return examples;
}
