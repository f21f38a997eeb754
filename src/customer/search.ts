import type { GraphQLResolveInfo } from 'graphql';
import type { Client } from '../connectors/connector.js';
import { AmbiguousIdentityError, ErasedError, GatewayError, InvalidInputError } from '../errors.js';
import { MAX_SEARCH_RECORDS, type CustomerRecord, type CustomerSearch } from '../identity/declaration.js';
import { normaliseIn, type Identifier } from '../identity/identifiers.js';
import type { Identity } from '../identity/identity-graph.js';
import type { IdentifyingSource } from '../identity/matching.js';
import type { Loader } from '../loaders/loader.js';
import { createCustomer, type Context, type CustomerDirectory } from './customer.js';
import type { CustomerSearchTerm, ResolversTypes } from './schema.generated.js';
import { matchesSearch, readSearch } from './search-terms.js';

/** The maximum number of customers that a search returns. */
const MAX_HITS = 20;
/** Matching records whose customers are identified at most. Each customer may have several of them. */
const MAX_RECORDS = 60;

type Input = Parameters<typeof readSearch>[0];
type Result = Exclude<ResolversTypes['CustomerSearchResult'], PromiseLike<unknown>>;

/** A record that matches a search. */
interface FoundRecord {
  source: IdentifyingSource;
  id: string;
  recordId: Identifier;
}

/**
 * Answers `Query.findCustomers`. All systems that can search by the terms are called at the same time. Records that identity joins
 * to one customer are one hit. A system that fails is listed, unless all of them fail: then the search fails with the first error.
 */
export async function findCustomers(
  input: Input,
  context: Context,
  info: GraphQLResolveInfo,
  directory: CustomerDirectory,
): Promise<Result> {
  const { rules } = directory;
  const { search, terms } = readSearch(input, rules, context.permissions);
  for (const term of terms) context.searchTerms.add(term);
  const calls = rules.sources.map((source) => ({ source, call: callFor(source, search, directory) }));
  const searchable = calls.filter(({ call }) => call !== undefined);
  if (searchable.length === 0)
    throw new InvalidInputError(
      `No plugged-in system can search by ${terms.join(' and ')}${terms.length > 1 ? ' together' : ''}. Give other terms.`,
    );
  const unavailable = new Map<string, GatewayError>();
  const loaded = await Promise.all(
    searchable.map(async ({ source, call }) => {
      const records = await unlessFailed(
        () => call?.(context) ?? Promise.resolve([]),
        source.name,
        unavailable,
      );
      return { source, records: records ?? [] };
    }),
  );
  const [error] = unavailable.values();
  if (error !== undefined && unavailable.size === searchable.length) throw error;
  const matching = loaded.flatMap(({ source, records }) =>
    records
      .filter((record) => matchesSearch(record, search, rules))
      .flatMap(({ id }): FoundRecord[] => {
        const recordId = normaliseIn(rules, source.identity.recordKey, id);
        return recordId === null ? [] : [{ source, id, recordId }];
      }),
  );
  // A system may have more records than a search returns.
  const mayHaveMore = loaded.some(({ records }) => records.length >= MAX_SEARCH_RECORDS);
  const { customers, ambiguousCount } = await groupByCustomer(
    matching.slice(0, MAX_RECORDS),
    context,
    unavailable,
  );
  const shown = customers.slice(0, MAX_HITS);
  for (const { identity } of shown) context.foundIdentities.add(identity);
  return {
    hits: shown.map(({ identity, sources }) => ({
      customer: createCustomer(identity, info, directory),
      matches: sources.map((source) => ({ source, terms: [...terms] as CustomerSearchTerm[] })),
    })),
    hasMore: mayHaveMore || customers.length > MAX_HITS || matching.length > MAX_RECORDS,
    ambiguousCount,
    searchedSystems: namesOf(searchable).filter((name) => !unavailable.has(name)),
    notSearchedSystems: namesOf(calls.filter(({ call }) => call === undefined)),
    unavailable: [...unavailable.keys()],
  };
}

const namesOf = (calls: readonly { source: IdentifyingSource }[]): string[] =>
  calls.map(({ source: { name } }) => name);

type Call = (context: Context) => Promise<readonly CustomerRecord[]>;

/** Returns how a source is searched. Undefined if it cannot combine the terms. */
function callFor(
  { identity: { searches = [], foundBy } }: IdentifyingSource,
  search: CustomerSearch,
  { rules }: CustomerDirectory,
): Call | undefined {
  const terms = Object.keys(search);
  const declared = searches.find(({ by }) => terms.every((term) => by.some((possible) => possible === term)));
  if (declared !== undefined) return ({ load }) => load(declared.loader, search);
  // A complete identifier finds records without a search.
  const [term = '', ...others] = terms;
  const { email, phone } = search;
  const loader: Loader<Client, string, readonly CustomerRecord[]> | undefined = foundBy[term]?.loader;
  const identifier = normaliseIn(rules, term, term === 'email' ? email : term === 'phone' ? phone : null);
  if (others.length > 0 || loader === undefined || identifier === null) return undefined;
  return ({ load }) => load(loader, identifier.value);
}

interface FoundCustomer {
  identity: Identity;
  /** The sources that have a matching record of the customer. */
  sources: string[];
}

/** Combines the records of each customer, in the order of their first records. */
async function groupByCustomer(
  records: readonly FoundRecord[],
  context: Context,
  unavailable: Map<string, GatewayError>,
): Promise<{ customers: FoundCustomer[]; ambiguousCount: number }> {
  const names = new Set(records.map(({ source: { name } }) => name));
  await context.walkTogether(
    records.map(({ recordId }) => recordId),
    names,
  );
  const customers: FoundCustomer[] = [];
  /** The records of the customers that were found, by source and id. */
  const grouped = new Set<string>();
  let ambiguousCount = 0;
  for (const { source, id, recordId } of records) {
    if (grouped.has(keyOf(source.name, id))) continue;
    const identity = context.identify(recordId);
    try {
      if (!(await identity.isKnown(names))) continue;
    } catch (error) {
      if (error instanceof AmbiguousIdentityError) ambiguousCount += 1;
      else if (error instanceof GatewayError && !(error instanceof ErasedError))
        unavailable.set(source.name, error);
      else if (!(error instanceof ErasedError)) throw error;
      continue;
    }
    const sources: string[] = [];
    for (const name of names) {
      const outcome = await identity.findIn(name);
      if (outcome.kind === 'failed') unavailable.set(name, outcome.error);
      if (outcome.kind !== 'found') continue;
      const ids = new Set(outcome.records.map(({ id }) => id));
      for (const id of ids) grouped.add(keyOf(name, id));
      if (records.some((record) => record.source.name === name && ids.has(record.id))) sources.push(name);
    }
    customers.push({ identity, sources });
  }
  return { customers, ambiguousCount };
}

const keyOf = (source: string, id: string): string => `${source} ${id}`;

async function unlessFailed<T>(
  load: () => Promise<T>,
  source: string,
  failures: Map<string, GatewayError>,
): Promise<T | undefined> {
  try {
    return await load();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    failures.set(source, error);
    return undefined;
  }
}
