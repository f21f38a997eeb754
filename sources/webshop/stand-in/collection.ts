import { compareIds } from './gid.js';

/** The shop's entries of one kind, with keys for searches and sorting. */
export interface Collection<T> {
  byId: (id: string) => T | undefined;
  idOf: (entry: T) => string;
  /** The record in the API. It is always the same object for an entry. */
  record: (entry: T) => object;
  field: (name: string) => SearchField<T> | undefined;
  /** The texts that a search term without a field matches. */
  texts: (entry: T) => string[];
  /** All entries, sorted. An unknown key sorts by id. Equal entries are also sorted by id. */
  sorted: (sortKey: string) => readonly T[];
  sort: (entries: readonly T[], sortKey: string) => readonly T[];
}

export interface SearchField<T> {
  /** `text` matches a whole value, `words` one of its words. Both are case-insensitive. */
  kind: 'text' | 'words' | 'id' | 'number' | 'time';
  read: (entry: T) => string | null;
  /** Builds an index for equality, for fields with many distinct values. */
  indexed?: boolean;
  /** The indexes of the fields in `indexed`. */
  lookUp?: (value: string) => readonly T[];
}

export interface CollectionOptions<T> {
  entries: readonly T[];
  idOf: (entry: T) => string;
  record: (entry: T) => object;
  fields: Record<string, SearchField<T>>;
  texts: (entry: T) => string[];
  sortKeys: Record<string, (entry: T) => string | number>;
}

export function createCollection<T>(options: CollectionOptions<T>): Collection<T> {
  const { idOf } = options;
  const byEntryId = new Map(options.entries.map((entry) => [idOf(entry), entry]));
  const records = new Map<T, object>();
  const sortings = new Map<string, readonly T[]>();
  // These are Maps, because a client may send "constructor" as the name of a field or key.
  const sortKeys = new Map(Object.entries(options.sortKeys));
  const fields = new Map(
    Object.entries(options.fields).map(([name, field]) => [name, withIndex(field, options.entries)]),
  );

  function sort(entries: readonly T[], sortKey: string): readonly T[] {
    const valueOf = sortKeys.get(sortKey);
    return [...entries].sort(
      (a, b) => (valueOf && compare(valueOf(a), valueOf(b))) || compareIds(idOf(a), idOf(b)),
    );
  }

  return {
    byId: (id) => byEntryId.get(id),
    idOf,
    record(entry) {
      let record = records.get(entry);
      if (!record) {
        record = options.record(entry);
        records.set(entry, record);
      }
      return record;
    },
    field: (name) => fields.get(name),
    texts: options.texts,
    sorted(sortKey) {
      const key = sortKeys.has(sortKey) ? sortKey : 'ID';
      let entries = sortings.get(key);
      if (!entries) {
        entries = sort(options.entries, key);
        sortings.set(key, entries);
      }
      return entries;
    },
    sort,
  };
}

function withIndex<T>(field: SearchField<T>, entries: readonly T[]): SearchField<T> {
  if (!field.indexed) return field;
  const byValue = new Map<string, T[]>();
  for (const entry of entries) {
    const value = field.read(entry)?.toLowerCase();
    if (value === undefined) continue;
    const same = byValue.get(value);
    if (same) same.push(entry);
    else byValue.set(value, [entry]);
  }
  return { ...field, lookUp: (value) => byValue.get(value.toLowerCase()) ?? [] };
}

function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
