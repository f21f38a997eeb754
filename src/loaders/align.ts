import { SourceContractError } from '../errors.js';

/**
 * Puts records beside the keys that requested them. Systems answer a batch in their own order, leave out what they do not
 * know, and may repeat records. So a record is matched by its own key, never by its position, and counts once for each id.
 */

export interface AlignOptions<Key, Rec> {
  /** The name of the source, for errors. */
  source: string;
  /** The key that a record answers, or all of them when it may answer several. */
  keyOf: (record: Rec) => Key | readonly Key[];
  /**
   * How the system compares keys, which decides what a record means that no key requested.
   * - `exact`: the system did not understand the request, so nothing in its answer is used: SOURCE_CONTRACT.
   * - `collation`: a record is left out when its key differs only in case, accents or blanks around it. Databases compare so.
   * - `loose`: such records are left out, since the system also finds what only resembles the key.
   *
   * Default: `exact`.
   */
  matching?: 'exact' | 'collation' | 'loose';
}

export interface AlignManyOptions<Key, Rec> extends AlignOptions<Key, Rec> {
  /** What makes two records of one key the same record. */
  idOf: (record: Rec) => unknown;
}

/** The first record of each key, null where there is none. Throws SourceContractError: see `matching`. */
export function alignOne<Key extends string | number, Rec>(
  keys: readonly Key[],
  records: readonly Rec[],
  options: AlignOptions<Key, Rec>,
): (Rec | null)[] {
  const byKey = new Map<Key, Rec | null>();
  for (const key of keys) byKey.set(key, null);
  assign(byKey, records, options, (key, record) => {
    if (byKey.get(key) === null) byKey.set(key, record);
  });
  return keys.map((key) => byKey.get(key) ?? null);
}

/**
 * All records of each key, once for each id and in the order of the answer; an empty list where there are none. Throws
 * SourceContractError: see `matching`.
 */
export function alignMany<Key extends string | number, Rec>(
  keys: readonly Key[],
  records: readonly Rec[],
  options: AlignManyOptions<Key, Rec>,
): Rec[][] {
  const byKey = new Map<Key, Map<unknown, Rec>>();
  for (const key of keys) byKey.set(key, new Map());
  assign(byKey, records, options, (key, record) => {
    const own = byKey.get(key);
    const id = options.idOf(record);
    if (own?.has(id) === false) own.set(id, record);
  });
  // A separate list for each: a key may be requested twice.
  return keys.map((key) => [...(byKey.get(key)?.values() ?? [])]);
}

/** The record of a system that takes one key a call, or null. Throws SourceContractError for the record of another key. */
export function alignSingle<Key extends string | number, Rec>(
  key: Key,
  record: Rec | null,
  options: AlignOptions<Key, Rec>,
): Rec | null {
  return alignOne([key], record === null ? [] : [record], options)[0] ?? null;
}

/** Each record once, for lists whose records do not say which key they answer. */
export function uniqueById<Rec>(records: readonly Rec[], idOf: (record: Rec) => unknown): Rec[] {
  const byId = new Map<unknown, Rec>();
  for (const record of records) {
    const id = idOf(record);
    if (!byId.has(id)) byId.set(id, record);
  }
  return [...byId.values()];
}

/** Whether two texts differ at most in case, accents and blanks around them, as the collations of databases compare. */
export function isSameByCollation(one: string, other: string): boolean {
  return one === other || foldText(one) === foldText(other);
}

/** Puts each record under every requested key that it answers. */
function assign<Key extends string | number, Rec>(
  requested: ReadonlyMap<Key, unknown>,
  records: readonly Rec[],
  { source, keyOf, matching = 'exact' }: AlignOptions<Key, Rec>,
  put: (key: Key, record: Rec) => void,
): void {
  for (const record of records) {
    const answered = keyOf(record);
    let isRequested = false;
    for (const key of isList(answered) ? answered : [answered]) {
      if (!requested.has(key)) continue;
      isRequested = true;
      put(key, record);
    }
    if (isRequested || matching === 'loose') continue;
    if (matching === 'exact' || !isNearMiss(requested, answered))
      throw new SourceContractError(source, `${source} answered with a record that was not requested.`, {
        kind: 'wrong-record',
      });
  }
}

function isNearMiss<Key extends string | number>(
  requested: ReadonlyMap<Key, unknown>,
  answered: Key | readonly Key[],
): boolean {
  const folded = new Set([...requested.keys()].map((key) => foldText(String(key))));
  return (isList(answered) ? answered : [answered]).some((key) => folded.has(foldText(String(key))));
}

function isList<Key>(keys: Key | readonly Key[]): keys is readonly Key[] {
  return Array.isArray(keys);
}

function foldText(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').trim().toUpperCase();
}
