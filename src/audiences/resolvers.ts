import type { GraphQLResolveInfo } from 'graphql';
import { connection, pageSize } from '../connection.js';
import type { ConsentSource, Consents } from '../customer/consents.js';
import { createCustomer, type Context, type Customer, type CustomerDirectory } from '../customer/customer.js';
import type {
  Purpose,
  QueryAudienceArgs,
  QueryAudiencePlanArgs,
  Resolvers,
  RequireFields,
  ResolversTypes,
} from '../customer/schema.generated.js';
import { didYouMean } from '../did-you-mean.js';
import { ForbiddenError, InvalidInputError, LimitExceededError } from '../errors.js';
import type { CustomerIds, SealedTexts } from '../identity/customer-id.js';
import { decideConsent } from '../privacy/consent.js';
import { leavesOf } from './condition.js';
import { openCursor, sealCursor } from './cursor.js';
import type { NamedAudiences } from './named-audiences.js';
import { planAudience, type AudiencePlan, type PlanOptions, type Seed } from './plan.js';
import { readCondition, type Leaf, type ReadCondition, type SourceCondition } from './read-condition.js';
import { BEGINNING, scan, type Counts, type Position } from './scan.js';
import { chooseSeed, requestSystems } from './systems.js';

/** Callers who see masked values get no smaller number of people, and no page with fewer. */
const MIN_GROUP = 10;
const MAX_CALLS = 10_000;

export interface AudienceOptions extends PlanOptions {
  directory: CustomerDirectory;
  /** The conditions of the named audiences. */
  named: NamedAudiences;
  /** By the name of the condition. */
  conditions: ReadonlyMap<string, SourceCondition>;
  consents: Pick<Consents, 'answersFor'>;
  consentSources: readonly ConsentSource[];
  ids: Pick<CustomerIds, 'seal'>;
  /** Encrypts cursors. */
  texts: SealedTexts;
}

type Result = Exclude<ResolversTypes['AudienceMemberConnection'], PromiseLike<unknown>>;

/** Answers `Query.audience` and `Query.audiencePlan`. */
export function audienceResolvers(options: AudienceOptions): Pick<Resolvers, 'Query' | 'AudienceMember'> {
  return {
    Query: {
      audience: (_, args, context, info) => audiencePage(args, context, info, options),
      audiencePlan: (_, args, context) => {
        const { plan } = readAudience(args, context, options);
        return {
          refusals: [...plan.refusals],
          listedBy: plan.seeds.map(({ leaf }) => leaf.name),
          recordCount: plan.recordsAtMost,
          callCount: plan.callsAtMost,
          expectedCallCount: plan.expectedCalls,
          systems: plan.systems.map(({ source, callsAtMost, secondsAtLeast }) => ({
            source,
            callCount: callsAtMost,
            duration: secondsAtLeast === null ? null : `PT${secondsAtLeast}S`,
          })),
        };
      },
    },
    // A customer object needs the field that returned it, because the client's selection is read from it.
    AudienceMember: {
      customer: ({ customer }, _, __, info) =>
        customer == null ? null : createCustomer(customer.identity, info, options.directory),
    },
  };
}

interface Audience extends ReadCondition {
  /** The condition as it is written. */
  input: unknown;
  plan: AudiencePlan;
}

/** Why no caller can evaluate the condition. Throws an InvalidInputError for a wrong one. */
export function refusalsOf(
  where: unknown,
  options: Pick<AudienceOptions, keyof PlanOptions | 'conditions'>,
): readonly string[] {
  const read = readCondition(where, options.conditions, { maySee: () => true });
  return planAudience(read, MAX_CALLS, options).refusals;
}

/** The condition that the arguments give, in full or by its name. */
function conditionOf(
  { where, name }: Pick<QueryAudiencePlanArgs, 'where' | 'name'>,
  named: NamedAudiences,
): unknown {
  if ((where == null) === (name == null))
    throw new InvalidInputError('Give either "where" or "name" of an audience.');
  if (name == null) return where;
  if (named.has(name)) return named.get(name);
  throw new InvalidInputError(`There is no audience with this name.${didYouMean(name, [...named.keys()])}`);
}

/** Reads the condition and plans a page. Throws an InvalidInputError for a condition that cannot be evaluated. */
function readAudience(
  { maxCalls, ...condition }: RequireFields<QueryAudiencePlanArgs, 'maxCalls'>,
  { permissions }: Context,
  options: AudienceOptions,
): Audience {
  if (maxCalls < 1 || maxCalls > MAX_CALLS)
    throw new LimitExceededError(`"maxCalls" must be from 1 to ${MAX_CALLS}, not ${maxCalls}.`);
  const input = conditionOf(condition, options.named);
  const { where, refusals } = readCondition(input, options.conditions, permissions);
  const { consentPurpose } = permissions;
  const read: ReadCondition = {
    refusals,
    where:
      consentPurpose === undefined
        ? where
        : { kind: 'all', of: [{ kind: 'leaf', leaf: consentLeaf(consentPurpose, options) }, where] },
  };
  return { ...read, input, plan: planAudience(read, maxCalls, options) };
}

async function audiencePage(
  args: RequireFields<QueryAudienceArgs, 'first' | 'maxCalls'>,
  context: Context,
  info: GraphQLResolveInfo,
  options: AudienceOptions,
): Promise<Result> {
  const first = pageSize(args.first);
  const { input, where, refusals, plan } = readAudience(args, context, options);
  if (refusals.length > 0) throw new ForbiddenError(refusals.join(' '));
  if (plan.refusals.length > 0) throw new InvalidInputError(plan.refusals.join(' '));
  const leaves = leavesOf(where);
  for (const { name } of leaves) context.searchTerms.add(name);

  const { permissions } = context;
  // The customers of a cursor were judged by the same condition, for the same purpose.
  const condition = { where: input, consentPurpose: permissions.consentPurpose };
  const start = args.after == null ? null : openCursor(condition, args.after, options.texts);
  const { seed, counts: listed } = await startingSeed(plan.seeds, start?.seed, context);
  const systems = requestSystems(plan.seeds, context, info, options.directory);
  const { members, end, hasMore } = await scan(
    {
      where,
      seed: seed.leaf,
      order: readingOrder(leaves, seed.leaf, listed),
      from: start?.from ?? BEGINNING,
      first,
      maxParts: plan.maxParts,
      maxTogether: seed.maxTogether,
    },
    systems,
  );

  const isWithheld = permissions.seesMasked && members.length < MIN_GROUP;
  const shown = isWithheld ? [] : members;
  for (const { member } of shown) context.foundIdentities.add(member.identity);
  const cursorOf = (from: Position): string =>
    sealCursor(condition, { seed: plan.seeds.indexOf(seed), from }, options.texts);
  const { edges, nodes, pageInfo } = connection(shown, first, {
    nodeOf: ({ member }) => ({ id: options.ids.seal(member.identity.start), customer: member }),
    cursorOf: ({ position }) => cursorOf(position),
  });
  return {
    edges,
    nodes,
    // The page may end behind customers who are not members.
    pageInfo: { ...pageInfo, hasNextPage: hasMore, endCursor: cursorOf(end) },
    certainty: end.counts.unknown + end.counts.ambiguous === 0 ? 'EXACT' : 'AT_LEAST',
    counts: shownCounts(end.counts, permissions.seesMasked),
    unavailable: [...systems.unavailable],
    isWithheld,
  };
}

/** The seed of the first page lists all pages. */
async function startingSeed(
  seeds: readonly Seed[],
  index: number | undefined,
  context: Context,
): Promise<{ seed: Seed; counts: ReadonlyMap<Leaf, number> }> {
  const known = index === undefined ? undefined : seeds[index];
  return known === undefined ? chooseSeed(seeds, context) : { seed: known, counts: new Map() };
}

/** The comparisons that leave the fewest customers first, as far as that is known. Nearly all listed customers meet the seed. */
function readingOrder(leaves: readonly Leaf[], seed: Leaf, listed: ReadonlyMap<Leaf, number>): Leaf[] {
  const countOf = (leaf: Leaf): number => listed.get(leaf) ?? Infinity;
  return [...leaves.filter((leaf) => leaf !== seed).sort((a, b) => compare(countOf(a), countOf(b))), seed];
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function shownCounts({ matching, unknown, ambiguous }: Counts, isMasked: boolean) {
  const shown = (count: number): number | null => (isMasked && count < MIN_GROUP ? null : count);
  return {
    matchingCount: shown(matching),
    unknownCount: shown(unknown),
    ambiguousCount: shown(ambiguous),
  };
}

/** The consent of a customer as a comparison: if a system with consent fails, it is not known. */
function consentLeaf(
  purpose: Purpose,
  { consents, consentSources }: Pick<AudienceOptions, 'consents' | 'consentSources'>,
): Leaf {
  const sources = consentSources.filter(({ purposes }) => purposes.includes(purpose));
  return {
    name: 'consent',
    sources: sources.map(({ name }) => name),
    loaders: sources.map(({ name, ofRecord }: ConsentSource) => ({ source: name, loader: ofRecord })),
    read: async (customer: Customer, context: Context) => {
      const decision = decideConsent(await consents.answersFor(purpose, customer, context), purpose);
      if (decision.kind === 'failed') throw decision.error;
      return decision.kind === 'granted' ? 'TRUE' : 'FALSE';
    },
    list: 'no system lists customers by consent.',
  };
}
