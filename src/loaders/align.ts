import { SourceContractError } from '../errors.js';

/**
 * Matches records to the keys that requested them. Systems answer a batch in their own order, omit unknown keys
 * and may repeat records. So a record is matched by its own key, not by its position, and counts once for each
 * id.
 */

export interface AlignOptions<Key, Rec> {
  /** The name of the source, for errors. */
  source: string;
  /** The key that a record belongs to, or a list when it belongs to several. */
  keyOf: (record: Rec) => Key | readonly Key[];
  /**
   * How the system compares keys. It decides what happens to a record that no key requested.
   * - `exact`: the system misunderstood the request, so its answer is discarded: SOURCE_CONTRACT.
   * - `collation`: a record is left out if its key differs only in case, accents or surrounding blanks. Databases
   *   compare so. Any other record is an error: SOURCE_CONTRACT.
   * - `loose`: the record is left out, because the system also finds similar keys.
   *
   * Default: `exact`.
   */
  matching?: 'exact' | 'collation' | 'loose';
}

export interface AlignManyOptions<Key, Rec> extends AlignOptions<Key, Rec> {
  /** The id of a record: records of one key with equal ids are the same record. */
  idOf: (record: Rec) => unknown;
}

/** The first record of each key; null if there is none. Throws SourceContractError: see `matching`. */
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
 * All records of each key, once for each id, in the order of the answer. A key without records gets an empty
 * list. Throws SourceContractError: see `matching`.
 */
export function alignMany<Key extends string | number, Rec>(
  keys: readonly Key[],
  records: readonly Rec[],
  options: AlignManyOptions<Key, Rec>,
): Rec[][] {
  const byKey = new Map<Key, Map<unknown, Rec>>();
  for (const key of keys) byKey.set(key, new Map());
  assign(byKey, records, options, (key, record) => {
    const recordsOfKey = byKey.get(key);
    const id = options.idOf(record);
    if (recordsOfKey?.has(id) === false) recordsOfKey.set(id, record);
  });
  // Each key gets its own list, because a key may be requested twice.
  return keys.map((key) => [...(byKey.get(key)?.values() ?? [])]);
}

/**
 * The record of a system that accepts one key for each call, or null. Throws SourceContractError for a record of
 * another key.
 */
export function alignSingle<Key extends string | number, Rec>(
  key: Key,
  record: Rec | null,
  options: AlignOptions<Key, Rec>,
): Rec | null {
  return alignOne([key], record === null ? [] : [record], options)[0] ?? null;
}

/** Removes repeated records, for lists whose records do not contain their key. */
export function uniqueById<Rec>(records: readonly Rec[], idOf: (record: Rec) => unknown): Rec[] {
  const byId = new Map<unknown, Rec>();
  for (const record of records) {
    const id = idOf(record);
    if (!byId.has(id)) byId.set(id, record);
  }
  return [...byId.values()];
}

/**
 * Whether two texts are equal except for case, accents and surrounding blanks, as the collations of databases
 * compare.
 */
export function isSameByCollation(text: string, other: string): boolean {
  return text === other || foldText(text) === foldText(other);
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
      throw new SourceContractError(source, `${source} returned a record that was not requested.`, {
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
