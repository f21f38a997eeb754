import type { GraphQLResolveInfo } from 'graphql';
import { createCustomer, type Context, type Customer, type CustomerDirectory } from '../customer/customer.js';
import { AmbiguousIdentityError, ErasedError, GatewayError, SourceError } from '../errors.js';
import { normaliseIn } from '../identity/identifiers.js';
import { mayLeadTo, relevantSources } from '../identity/relevant-sources.js';
import type { Truth } from './condition.js';
import type { Seed } from './plan.js';
import type { Leaf } from './read-condition.js';
import type { Identified, Systems } from './scan.js';

export interface RequestSystems extends Systems<Leaf, Customer> {
  /** The systems that failed. */
  unavailable: ReadonlySet<string>;
}

/** The systems of one request. */
export function requestSystems(
  seeds: readonly Seed[],
  context: Context,
  info: GraphQLResolveInfo,
  directory: CustomerDirectory,
): RequestSystems {
  const { rules } = directory;
  const unavailable = new Set<string>();
  const listOf = (leaf: Leaf): Seed['list'] => {
    const seed = seeds.find((candidate) => candidate.leaf === leaf);
    if (seed === undefined) throw new Error('Customers are listed by a comparison that no system can list.');
    return seed.list;
  };
  const startOf = (source: string, id: string) => {
    const identifying = rules.sources.find(({ name }) => name === source);
    return identifying === undefined ? null : normaliseIn(rules, identifying.identity.recordKey, id);
  };

  const identify = async (source: string, id: string): Promise<Identified<Customer>> => {
    const start = startOf(source, id);
    if (start === null) return { kind: 'none' };
    const identity = context.identify(start);
    try {
      const outcome = await identity.findIn(source);
      if (outcome.kind === 'failed') throw outcome.error;
      if (outcome.kind === 'unknown') return { kind: 'none' };
      const recordIds = outcome.records.map((record) => record.id);
      return { kind: 'customer', member: createCustomer(identity, info, directory), recordIds };
    } catch (error) {
      return { kind: kindOf(error) };
    }
  };

  /** Whether all systems answered that may hold or link data of the comparison. If not, a value may be incomplete. */
  const isComplete = async (leaf: Leaf, { identity }: Customer): Promise<boolean> => {
    let complete = true;
    for (const { name } of relevantSources(rules, new Set(leaf.sources), identity.start.namespace)) {
      const outcome = await identity.findIn(name);
      // That several people are known by an identifier is an answer.
      if (outcome.kind !== 'failed' || outcome.error instanceof AmbiguousIdentityError) continue;
      if (!leaf.sources.some((source) => source === name || mayLeadTo(rules.sources, name, source))) continue;
      unavailable.add(name);
      complete = false;
    }
    return complete;
  };

  const truthOf = async (leaf: Leaf, member: Customer): Promise<Truth> => {
    try {
      return (await isComplete(leaf, member)) ? await leaf.read(member, context) : 'UNKNOWN';
    } catch (error) {
      if (error instanceof SourceError) unavailable.add(error.source);
      if (error instanceof GatewayError) return 'UNKNOWN';
      throw error;
    }
  };

  return {
    unavailable,
    list: async (leaf, after, first) => {
      const { declared, comparison } = listOf(leaf);
      return context.load(declared.loader, { comparison, after, first });
    },
    identify: async (leaf, recordIds) => {
      const { source } = listOf(leaf);
      await walk(
        recordIds.flatMap((id) => startOf(source, id) ?? []),
        [source],
        context,
      );
      return Promise.all(recordIds.map((id) => identify(source, id)));
    },
    read: async (leaf, members) => {
      await walk(
        members.map(({ identity }) => identity.start),
        leaf.sources,
        context,
      );
      return Promise.all(members.map((member) => truthOf(leaf, member)));
    },
  };
}

/** Identifies the customers in common rounds, as far as these sources need it. */
async function walk(
  starts: Parameters<Context['walkTogether']>[0],
  sources: readonly string[],
  { walkTogether }: Context,
): Promise<void> {
  if (starts.length > 0) await walkTogether(starts, new Set(sources));
}

function kindOf(error: unknown): 'ambiguous' | 'unknown' | 'none' {
  if (error instanceof AmbiguousIdentityError) return 'ambiguous';
  if (error instanceof ErasedError) return 'none';
  if (error instanceof GatewayError) return 'unknown';
  throw error;
}

/** The seed with the fewest records, as its system counts them. A system that cannot count now is not used. */
export async function chooseSeed(
  seeds: readonly Seed[],
  { load }: Context,
): Promise<{ seed: Seed; counts: ReadonlyMap<Leaf, number> }> {
  const [first, ...others] = seeds;
  if (first === undefined) throw new Error('An audience without a seed is refused before.');
  const counts = new Map<Leaf, number>();
  if (others.length === 0) return { seed: first, counts };
  const counted = await Promise.allSettled(
    seeds.map(async (seed) => {
      const count = await load(seed.list.declared.count, seed.list.comparison);
      counts.set(seed.leaf, count);
      return { seed, count };
    }),
  );
  const known = counted.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const [fewest] = known.toSorted((a, b) => a.count - b.count);
  return { seed: fewest?.seed ?? first, counts };
}
