import { GatewayError } from '../errors.js';
import type { Client } from '../connectors/connector.js';
import type { RequestLoaders } from '../loaders/registry.js';
import { toError } from '../loaders/in-flight-batch.js';
import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { CustomerRecord, FoundBy } from './declaration.js';
import type { Identifier } from './identifiers.js';
import { readRecord, type IdentifyingSource, type IdentityRules, type KnownRecord } from './matching.js';
import { Lookup } from './walk.js';

export type IdentityLoaders = Pick<RequestLoaders, 'load' | 'loadMany'>;

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

/** The lookups of a request in one source by one namespace. */
interface Column {
  byValue: Map<string, Lookup>;
  /** The lookups whose loading has not started. */
  added: Lookup[];
}

/** The lookups of one request. Each source is queried once per identifier. */
export class Lookups {
  readonly #loaders: IdentityLoaders;
  readonly #reader: RecordReader;
  readonly #columns = new Map<FoundBy<Client>, Column>();

  constructor(rules: IdentityRules, loaders: IdentityLoaders) {
    let reader = readers.get(rules);
    if (reader === undefined) readers.set(rules, (reader = new RecordReader(rules)));
    this.#loaders = loaders;
    this.#reader = reader;
  }

  /** Adds a lookup, or returns the earlier one. Undefined if the source cannot be queried by the identifier. */
  add(source: IdentifyingSource, identifier: Identifier): Lookup | undefined {
    const foundBy = source.identity.foundBy[identifier.namespace];
    if (foundBy === undefined) return undefined;
    let column = this.#columns.get(foundBy);
    if (column === undefined) this.#columns.set(foundBy, (column = { byValue: new Map(), added: [] }));
    let lookup = column.byValue.get(identifier.value);
    if (lookup === undefined) {
      lookup = new Lookup(source, identifier);
      column.byValue.set(identifier.value, lookup);
      column.added.push(lookup);
    }
    return lookup;
  }

  /**
   * Starts all lookups that were added: of each source and namespace together, unless the loader answers one by one.
   */
  load(): void {
    const { load, loadMany } = this.#loaders;
    for (const [{ loader }, column] of this.#columns) {
      const { added } = column;
      if (added.length === 0) continue;
      column.added = [];
      const keys = added.map(({ identifier }) => identifier.value);
      if (loader.loadEach === undefined)
        void loadMany(loader, keys).then(
          (answers) => {
            this.#settle(added, answers);
          },
          (error: unknown) => {
            this.#settle(added, Array<Error>(added.length).fill(toError(error)));
          },
        );
      else
        for (const lookup of added)
          void load(loader, lookup.identifier.value)
            .catch(toError)
            .then((answer) => {
              this.#settle([lookup], [answer]);
            });
    }
  }

  #settle(
    lookups: readonly Lookup[],
    answers: readonly (readonly CustomerRecord[] | Error | undefined)[],
  ): void {
    for (const [i, lookup] of lookups.entries()) {
      const answer = answers[i];
      if (answer instanceof GatewayError) lookup.error = answer;
      else if (answer === undefined || answer instanceof Error)
        lookup.defect =
          answer ?? new Error(`The source "${lookup.source.name}" has an identifier without an answer.`);
      else this.#read(lookup, answer);
    }
    for (const lookup of lookups) lookup.notify();
  }

  #read(lookup: Lookup, records: readonly CustomerRecord[]): void {
    try {
      lookup.answer = records.flatMap((record) => this.#reader.read(lookup.source, record) ?? []);
      lookup.loaded = records;
    } catch (error) {
      lookup.defect = toError(error);
    }
  }
}
