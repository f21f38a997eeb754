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

/** Reads what each record says, once for as long as the record is cached. */
class RecordReader {
  readonly #namespaces: IdentityRules['namespaces'];
  readonly #ranks: ReadonlyMap<IdentifyingSource, number>;
  readonly #read = fieldWeakMap<CustomerRecord, { known: KnownRecord | null }>();

  constructor({ sources, namespaces }: IdentityRules) {
    this.#namespaces = namespaces;
    this.#ranks = new Map(sources.map((source, rank) => [source, rank]));
  }

  read(source: IdentifyingSource, record: CustomerRecord): KnownRecord | null {
    let entry = this.#read.get(record);
    if (entry === undefined) {
      entry = { known: readRecord(source, this.#ranks.get(source) ?? 0, record, this.#namespaces) };
      this.#read.set(record, entry);
    }
    return entry.known;
  }
}

const readers = new WeakMap<IdentityRules, RecordReader>();

/** What one request asks the sources about identifiers, each question once. */
export class Lookups {
  readonly #load: Load;
  readonly #reader: RecordReader;
  readonly #asks = new Map<string, Lookup>();

  constructor(rules: IdentityRules, load: Load) {
    let reader = readers.get(rules);
    if (reader === undefined) readers.set(rules, (reader = new RecordReader(rules)));
    this.#load = load;
    this.#reader = reader;
  }

  /** Undefined when the source cannot be asked by the identifier. */
  lookUp(source: IdentifyingSource, identifier: Identifier): Lookup | undefined {
    const foundBy = source.identity.foundBy[identifier.namespace];
    if (foundBy === undefined) return undefined;
    const key = `${source.name} ${textOf(identifier)}`;
    const known = this.#asks.get(key);
    if (known !== undefined) return known;
    const ask: Lookup = { source, identifier, done: Promise.resolve() };
    ask.done = this.#load(foundBy.loader, identifier.value).then(
      (records) => {
        ask.loaded = records;
        ask.answer = records.flatMap((record) => this.#reader.read(source, record) ?? []);
      },
      (error: unknown) => {
        if (!(error instanceof GatewayError)) throw error;
        ask.error = error;
      },
    );
    // Not every walk waits for it, and a rejection that nothing handles would end the process.
    ask.done.catch(() => undefined);
    this.#asks.set(key, ask);
    return ask;
  }

  has(source: IdentifyingSource, identifier: Identifier): boolean {
    return this.#asks.has(`${source.name} ${textOf(identifier)}`);
  }

  /** What a source said when asked by an identifier, as an `AnswerOf`. */
  readonly answerOf = (source: string, identifier: string): readonly KnownRecord[] | undefined =>
    this.#asks.get(`${source} ${identifier}`)?.answer;
}
