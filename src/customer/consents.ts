import type { FreshnessOptions } from '../cache/freshness.js';
import type { Client } from '../connectors/connector.js';
import { ConfigError } from '../errors.js';
import type { Loader } from '../loaders/loader.js';
import type { LoadedSource, LoaderRegistry } from '../loaders/registry.js';
import type { ConsentDeclaration, ConsentStatement } from './consent-declaration.js';
import type { Context, Customer } from './customer.js';
import type { Consent, Purpose } from './schema.generated.js';

/** A source that holds consent. */
export interface ConsentSource {
  name: string;
  /** The purposes that its statements may concern. */
  purposes: readonly Purpose[];
  ofRecord: Loader<Client, string, readonly Consent[]>;
  /** What it notes beside consent: see `ConsentDeclaration`. */
  notesOf(customer: Customer, context: Context): Promise<readonly Consent[]>;
}

/** One system's consent statements about a customer. */
export interface ConsentAnswer {
  statements: readonly Consent[];
  /** The error, if the system failed. It may have a statement then. */
  error?: unknown;
}

/** Customers' consent over all systems that hold it. */
export interface Consents {
  /** The names of these sources. */
  sources: readonly string[];
  /** All statements, with notes if the caller may read them. Throws a failed source's error, because its statements may include a withdrawal. */
  ofCustomer(customer: Customer, context: Context): Promise<Consent[]>;
  /**
   * The statements of the sources that declare the purpose. Returns them at once if all are cached; else loads them in
   * parallel. Never rejects.
   */
  answersFor(
    purpose: Purpose,
    customer: Customer,
    context: Context,
  ): readonly ConsentAnswer[] | Promise<readonly ConsentAnswer[]>;
}

/**
 * Every member is set, because a missing one would have the value of the source. A grant that is used after the system has
 * failed may have been withdrawn.
 */
const FRESHNESS = {
  maxAge: '5 s',
  staleWhileRevalidate: '0 s',
  staleIfError: '0 s',
  notFoundMaxAge: '5 s',
} as const satisfies FreshnessOptions;

/** Registers the loader of a source's consent. Throws a ConfigError if the source declares no identity. */
export function addConsentLoader(
  source: LoadedSource<Client>,
  declaration: ConsentDeclaration,
  recordKey: string | undefined,
  registry: LoaderRegistry,
): ConsentSource {
  const { purposes, ofRecord: declared } = declaration;
  if (recordKey === undefined)
    throw new ConfigError([
      `${source.name} declares consents, so it must identify its customers: declare its identity.`,
    ]);
  const { name } = source;
  const { name: loader, maxBatch } = declared;
  const loaderOfRecord: ConsentSource['ofRecord'] = {
    name: loader,
    ...(maxBatch === undefined ? {} : { maxBatch }),
    freshness: FRESHNESS,
    load: async (ids, client) =>
      (await declared.load(ids, client)).map((consents) =>
        consents instanceof Error ? consents : consents.map((consent) => consentOf(consent, name)),
      ),
    about: (value) => [{ namespace: recordKey, value }],
  };
  registry.add(source, loaderOfRecord, undefined, declared);
  // The declared loader is the key: the registry runs the registered loader for it.
  return {
    name,
    purposes,
    ofRecord: declared as ConsentSource['ofRecord'],
    notesOf: async (customer, context) =>
      ((await declaration.notesOf?.(customer, context)) ?? []).map((statement) => consentOf(statement, name)),
  };
}

/** Made once per cached answer. All objects have the same shape, because every request reads them. */
function consentOf(
  { purpose, channel = null, topic = null, status, updatedAt = null, evidence = null }: ConsentStatement,
  source: string,
): Consent {
  return { purpose, channel, topic, status, source, updatedAt, evidence };
}

export function createConsents(sources: readonly ConsentSource[]): Consents {
  const able = new Map<Purpose, ConsentSource[]>();
  for (const source of sources)
    for (const purpose of source.purposes) able.set(purpose, [...(able.get(purpose) ?? []), source]);

  return {
    sources: sources.map(({ name }) => name),
    ofCustomer: async (customer, context) => {
      // Notes are for callers who may read about the relation with the customer, as the SDL declares at this field.
      const seesNotes = context.permissions.maySee('Consent.topic');
      const [answers, notes] = await Promise.all([
        loadAnswers(sources, customer, context),
        Promise.all(seesNotes ? sources.map((source) => source.notesOf(customer, context)) : []),
      ]);
      const failed = answers.find(({ error }) => error !== undefined);
      if (failed !== undefined) throw failed.error;
      return sources.flatMap((_, i) => [...(answers[i]?.statements ?? []), ...(notes[i] ?? [])]);
    },
    answersFor: (purpose, customer, context) => loadAnswers(able.get(purpose) ?? [], customer, context),
  };
}

function loadAnswers(
  sources: readonly ConsentSource[],
  customer: Customer,
  context: Context,
): readonly ConsentAnswer[] | Promise<readonly ConsentAnswer[]> {
  const cached = sources.map((source) => cachedAnswer(source, customer, context));
  if (cached.every((answer) => answer !== undefined)) return cached;
  return Promise.all(
    sources.map((source, i) => Promise.resolve(cached[i] ?? answerOf(source, customer, context))),
  );
}

/**
 * The cached answer for a customer with one record, the usual case; undefined if it is not cached. It avoids a promise,
 * because every field with consent waits for the answer.
 */
function cachedAnswer(
  { name, ofRecord }: ConsentSource,
  { identity }: Customer,
  context: Context,
): ConsentAnswer | undefined {
  try {
    const outcome = identity.foundIn(name);
    if (outcome?.kind === 'unknown') return { statements: NOTHING };
    if (outcome?.kind !== 'found' || outcome.records.length > 1) return undefined;
    const [record] = outcome.records;
    const statements = record === undefined ? undefined : context.cached(ofRecord, record.id);
    return statements === undefined ? undefined : { statements };
  } catch (error) {
    return { statements: NOTHING, error };
  }
}

/** Loads the answer. The statements of all the customer's records in the source count. */
async function answerOf(
  { name, ofRecord }: ConsentSource,
  { identity }: Customer,
  { load }: Context,
): Promise<ConsentAnswer> {
  try {
    const outcome = await identity.findIn(name);
    if (outcome.kind === 'failed') return { statements: NOTHING, error: outcome.error };
    if (outcome.kind === 'unknown') return { statements: NOTHING };
    const statements = outcome.records.map(({ id }) => load(ofRecord, id));
    const [first, ...others] = statements;
    if (first !== undefined && others.length === 0) return { statements: await first };
    return { statements: (await Promise.all(statements)).flat() };
  } catch (error) {
    return { statements: NOTHING, error };
  }
}

const NOTHING: readonly Consent[] = [];
