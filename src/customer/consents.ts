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
  /** What it may say something about. */
  purposes: readonly Purpose[];
  ofRecord: Loader<Client, string, readonly Consent[]>;
  /** What it notes beside consent: see `ConsentDeclaration`. */
  notesOf(customer: Customer, context: Context): Promise<readonly Consent[]>;
}

/** What one system says of a customer. */
export interface ConsentAnswer {
  statements: readonly Consent[];
  /** Why it could not be asked, though it may have something to say. */
  error?: unknown;
}

/** What customers allow and forbid, over all systems that hold it. */
export interface Consents {
  /** The names of these systems. */
  sources: readonly string[];
  /** All that they say. Throws the error of one that cannot be asked: without it a withdrawal might be missing. */
  ofCustomer(customer: Customer, context: Context): Promise<Consent[]>;
  /**
   * What those say that may say something about the purpose: at once when all of it is kept, else asked in parallel. Does
   * not fail.
   */
  answersFor(
    purpose: Purpose,
    customer: Customer,
    context: Context,
  ): readonly ConsentAnswer[] | Promise<readonly ConsentAnswer[]>;
}

/**
 * Each part is said, since what a loader leaves out is its source's: a grant that outlives the system's silence could be
 * one that was withdrawn.
 */
const FRESHNESS = {
  maxAge: '5 s',
  staleWhileRevalidate: '0 s',
  staleIfError: '0 s',
  notFoundMaxAge: '5 s',
} as const satisfies FreshnessOptions;

/** Registers the loader that a source's consent is asked by. Throws a ConfigError when the source keeps no customers. */
export function addConsentLoader(
  source: LoadedSource<Client>,
  declaration: ConsentDeclaration,
  recordKey: string | undefined,
  registry: LoaderRegistry,
): ConsentSource {
  const { purposes, ofRecord: declared } = declaration;
  if (recordKey === undefined)
    throw new ConfigError([
      `${source.name} tells of consent, so it must say who its customers are: declare its identity.`,
    ]);
  const { name } = source;
  const { name: loader, maxBatch } = declared;
  const told: ConsentSource['ofRecord'] = {
    name: loader,
    ...(maxBatch === undefined ? {} : { maxBatch }),
    freshness: FRESHNESS,
    load: async (ids, client) =>
      (await declared.load(ids, client)).map((said) =>
        said instanceof Error ? said : said.map((one) => consentOf(one, name)),
      ),
    about: (value) => [{ namespace: recordKey, value }],
  };
  registry.add(source, told, undefined, declared);
  // Whoever asks by the loader as it was declared is given what was made of it.
  return {
    name,
    purposes,
    ofRecord: declared as ConsentSource['ofRecord'],
    notesOf: async (customer, context) =>
      ((await declaration.notesOf?.(customer, context)) ?? []).map((statement) => consentOf(statement, name)),
  };
}

/** Made once for each answer that is kept; and what is of one shape is read quickest, as it is for every request. */
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
      const [answers, notes] = await Promise.all([
        askAll(sources, customer, context),
        Promise.all(sources.map((source) => source.notesOf(customer, context))),
      ]);
      const failed = answers.find(({ error }) => error !== undefined);
      if (failed !== undefined) throw failed.error;
      return sources.flatMap((_, i) => [...(answers[i]?.statements ?? []), ...(notes[i] ?? [])]);
    },
    answersFor: (purpose, customer, context) => askAll(able.get(purpose) ?? [], customer, context),
  };
}

function askAll(
  sources: readonly ConsentSource[],
  customer: Customer,
  context: Context,
): readonly ConsentAnswer[] | Promise<readonly ConsentAnswer[]> {
  const kept = sources.map((source) => keptAnswer(source, customer, context));
  if (kept.every((one) => one !== undefined)) return kept;
  return Promise.all(
    sources.map((source, i) => Promise.resolve(kept[i] ?? answerOf(source, customer, context))),
  );
}

/**
 * What there is already of a customer with one record, as nearly all have. Nothing is asked for in turn, so it need not wait
 * for what is asked together, while every field that hangs on consent waits for it.
 */
function keptAnswer(
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

/** All the customer's records in the system count. */
async function answerOf(
  { name, ofRecord }: ConsentSource,
  { identity }: Customer,
  { load }: Context,
): Promise<ConsentAnswer> {
  try {
    const outcome = await identity.findIn(name);
    if (outcome.kind === 'failed') return { statements: NOTHING, error: outcome.error };
    if (outcome.kind === 'unknown') return { statements: NOTHING };
    const asked = outcome.records.map(({ id }) => load(ofRecord, id));
    const [first, ...others] = asked;
    if (first !== undefined && others.length === 0) return { statements: await first };
    return { statements: (await Promise.all(asked)).flat() };
  } catch (error) {
    return { statements: NOTHING, error };
  }
}

const NOTHING: readonly Consent[] = [];
