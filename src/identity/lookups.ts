import { GatewayError } from '../errors.js';
import type { Load } from '../loaders/registry.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { CustomerRecord } from './declaration.js';
import type { Identifier } from './identifiers.js';
import {
  readRecord,
  textOf,
  type IdentifyingSource,
  type IdentityRules,
  type KnownRecord,
} from './matching.js';
import type { Lookup } from './walk.js';

/** Reads the identifiers of records, once per cached record. */
class RecordReader {
  readonly #rules: IdentityRules;
  readonly #ranks: ReadonlyMap<IdentifyingSource, number>;
  readonly #read = fieldWeakMap<CustomerRecord, { known: KnownRecord | null }>();

  constructor(rules: IdentityRules) {
    this.#rules = rules;
    this.#ranks = new Map(rules.sources.map((source, rank) => [source, rank]));
  }

  read(source: IdentifyingSource, record: CustomerRecord): KnownRecord | null {
    let entry = this.#read.get(record);
    if (entry === undefined) {
      entry = { known: readRecord(source, this.#ranks.get(source) ?? 0, record, this.#rules) };
      this.#read.set(record, entry);
    }
    return entry.known;
  }
}

const readers = new WeakMap<IdentityRules, RecordReader>();

/** The lookups of one request. Each source is queried once per identifier. */
export class Lookups {
  readonly #load: Load;
  readonly #reader: RecordReader;
  readonly #lookups = new Map<string, Lookup>();

  constructor(rules: IdentityRules, load: Load) {
    let reader = readers.get(rules);
    if (reader === undefined) readers.set(rules, (reader = new RecordReader(rules)));
    this.#load = load;
    this.#reader = reader;
  }

  /** Starts a lookup, or returns the earlier one. Undefined if the source cannot be queried by the identifier. */
  lookUp(source: IdentifyingSource, identifier: Identifier): Lookup | undefined {
    const foundBy = source.identity.foundBy[identifier.namespace];
    if (foundBy === undefined) return undefined;
    const key = `${source.name} ${textOf(identifier)}`;
    const earlier = this.#lookups.get(key);
    if (earlier !== undefined) return earlier;
    const lookup: Lookup = { source, identifier, done: Promise.resolve() };
    lookup.done = this.#load(foundBy.loader, identifier.value).then(
      (records) => {
        lookup.loaded = records;
        lookup.answer = records.flatMap((record) => this.#reader.read(source, record) ?? []);
      },
      (error: unknown) => {
        if (!(error instanceof GatewayError)) throw error;
        lookup.error = error;
      },
    );
    // Not every walk waits for the lookup, and an unhandled rejection would end the process.
    lookup.done.catch(() => undefined);
    this.#lookups.set(key, lookup);
    return lookup;
  }

  has(source: IdentifyingSource, identifier: Identifier): boolean {
    return this.#lookups.has(`${source.name} ${textOf(identifier)}`);
  }

  /** The records that a source has returned for an identifier, as an `AnswerOf`. */
  readonly answerOf = (source: string, identifier: string): readonly KnownRecord[] | undefined =>
    this.#lookups.get(`${source} ${identifier}`)?.answer;
}
