import type { GraphQLResolveInfo } from 'graphql';
import { createCustomer, type Context, type Customer, type CustomerDirectory } from '../customer/customer.js';
import type { ListPart } from '../customer/condition-declaration.js';
import { AmbiguousIdentityError, ErasedError, GatewayError, SourceError } from '../errors.js';
import { normaliseIn } from '../identity/identifiers.js';
import { mayLeadTo, relevantSources } from '../identity/relevant-sources.js';
import type { Truth } from './condition.js';
import type { Seed } from './plan.js';
import type { Leaf } from './read-condition.js';
import type { Identified, Systems } from './scan.js';

/** Records that are listed at once at most, although they are examined in smaller parts. */
const MAX_LISTED = 1_000;

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
  const seedOf = (leaf: Leaf): Seed => {
    const seed = seeds.find((candidate) => candidate.leaf === leaf);
    if (seed === undefined) throw new Error('Customers are listed by a comparison that no system can list.');
    return seed;
  };
  /** Listed records that are not examined yet, behind the record `after`. */
  let waiting: (ListPart & { after: string | null }) | undefined;
  const startOf = (source: string, id: string) => {
    const identifying = rules.sources.find(({ name }) => name === source);
    return identifying === undefined ? null : normaliseIn(rules, identifying.identity.recordKey, id);
  };

  const identify = async (sources: readonly string[], listed: string): Promise<Identified<Customer>> => {
    const { place, id } = readListed(listed);
    const start = startOf(sources[place] ?? '', id);
    if (start === null) return { kind: 'none' };
    const identity = context.identify(start);
    try {
      const outcomes = await Promise.all(sources.map((source) => identity.findIn(source)));
      const outcome = outcomes[place];
      if (outcome === undefined || outcome.kind === 'unknown') return { kind: 'none' };
      if (outcome.kind === 'failed') throw outcome.error;
      const recordIds = outcomes.flatMap((found, i) =>
        found.kind === 'found' ? found.records.map((record) => writeListed(i, record.id)) : [],
      );
      return { kind: 'customer', member: createCustomer(identity, info, directory), recordIds };
    } catch (error) {
      return { kind: kindOf(error) };
    }
  };

  /** Lists the records behind `after`. The lists of several systems follow each other. */
  const loadPart = async (leaf: Leaf, after: string | null): Promise<ListPart> => {
    const { lists, maxTogether } = seedOf(leaf);
    const start = after === null ? { place: 0, id: null } : readListed(after);
    for (const [place, { declared, comparison }] of lists.entries()) {
      if (place < start.place) continue;
      const part = await context.load(declared.loader, {
        comparison,
        after: place === start.place ? start.id : null,
        first: Math.max(maxTogether, Math.min(declared.maxPerCall, MAX_LISTED)),
      });
      const hasMore = part.hasMore || place < lists.length - 1;
      if (part.recordIds.length > 0 || !hasMore)
        return { recordIds: part.recordIds.map((id) => writeListed(place, id)), hasMore };
    }
    return { recordIds: [], hasMore: false };
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
      const part = waiting?.after === after ? waiting : await loadPart(leaf, after);
      const recordIds = part.recordIds.slice(0, first);
      const rest = part.recordIds.slice(first);
      const { hasMore } = part;
      waiting =
        rest.length === 0 ? undefined : { recordIds: rest, hasMore, after: recordIds.at(-1) ?? after };
      return { recordIds, hasMore: hasMore || rest.length > 0 };
    },
    identify: async (leaf, recordIds) => {
      const sources = seedOf(leaf).lists.map(({ source }) => source);
      await walk(
        recordIds.flatMap((listed) => {
          const { place, id } = readListed(listed);
          return startOf(sources[place] ?? '', id) ?? [];
        }),
        sources,
        context,
      );
      return Promise.all(recordIds.map((id) => identify(sources, id)));
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

/** A listed record: the place of its system among those that list, and its id there. */
function writeListed(place: number, id: string): string {
  return `${place} ${id}`;
}

function readListed(listed: string): { place: number; id: string } {
  const [place = ''] = listed.split(' ', 1);
  return { place: Number(place), id: listed.slice(place.length + 1) };
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
      const parts = await Promise.all(
        seed.lists.map(({ declared, comparison }) => load(declared.count, comparison)),
      );
      const count = parts.reduce((sum, part) => sum + part, 0);
      counts.set(seed.leaf, count);
      return { seed, count };
    }),
  );
  const known = counted.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const [fewest] = known.toSorted((a, b) => a.count - b.count);
  return { seed: fewest?.seed ?? first, counts };
}
