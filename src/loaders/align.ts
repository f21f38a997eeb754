/**
 * Puts records beside the keys that asked for them. Systems answer a batch in their own order, leave out what they
 * do not know and may repeat themselves, so a record is only ever matched by its key, never by its position.
 */

/** The first record of each key, null where there is none. */
export function alignOne<Key, Rec>(
  keys: readonly Key[],
  records: readonly Rec[],
  keyOf: (record: Rec) => Key,
): (Rec | null)[] {
  const byKey = new Map<Key, Rec>();
  for (const record of records) {
    const key = keyOf(record);
    if (!byKey.has(key)) byKey.set(key, record);
  }
  return keys.map((key) => byKey.get(key) ?? null);
}

/** All records of each key, in the order that the system gave them; an empty list where there are none. */
export function alignMany<Key, Rec>(
  keys: readonly Key[],
  records: readonly Rec[],
  keyOf: (record: Rec) => Key,
): Rec[][] {
  const byKey = new Map<Key, Rec[]>();
  for (const record of records) {
    const key = keyOf(record);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, [record]);
    else known.push(record);
  }
  // A list of its own for each: a key may be asked twice.
  return keys.map((key) => [...(byKey.get(key) ?? [])]);
}
