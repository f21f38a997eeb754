import type { Client } from '../connectors/connector.js';
import { milliseconds } from '../duration.js';
import type { IdentityRules } from '../identity/identity-graph.js';
import type { IdentifyingSource } from '../identity/matching.js';
import { relevantSources } from '../identity/relevant-sources.js';
import type { Loader } from '../loaders/loader.js';
import type { LoadedSource } from '../loaders/registry.js';
import { impliedLeaves, leavesOf } from './condition.js';
import type { Leaf, LeafList, ReadCondition } from './read-condition.js';

/** Parts of the list that one page examines at most. */
const MAX_PARTS = 5;
/** Listed records that are examined together at most, so that batches are full. */
const MAX_TOGETHER = 200;

/** A comparison by which the customers can be listed. */
export interface Seed {
  leaf: Leaf;
  lists: readonly LeafList[];
  maxTogether: number;
}

/** What one page of an audience needs, before a system is called. */
export interface AudiencePlan {
  /** The comparisons that can list the customers. The one with the fewest is used. */
  seeds: readonly Seed[];
  maxParts: number;
  /** Listed records that are examined for one page at most. */
  recordsAtMost: number;
  systems: readonly { source: string; callsAtMost: number; secondsAtLeast: number | null }[];
  callsAtMost: number;
  /** Calls when each customer has one record in each system, and each part of the list is full. */
  expectedCalls: number;
  /** Why the audience cannot be answered. Empty if it can. */
  refusals: readonly string[];
}

export interface PlanOptions {
  rules: IdentityRules;
  loaded: ReadonlyMap<string, Pick<LoadedSource<Client>, 'maxBatch' | 'loaderSettings' | 'protection'>>;
}

type Calls = ReadonlyMap<string, number>;

/** Plans a page without calling a system. */
export function planAudience(
  { where, refusals }: ReadCondition,
  maxCalls: number,
  options: PlanOptions,
): AudiencePlan {
  const leaves = leavesOf(where);
  const implied = impliedLeaves(where);
  const seeds = implied.flatMap((leaf): Seed[] => {
    const { list: lists } = leaf;
    if (typeof lists === 'string') return [];
    const maxTogether = Math.min(MAX_TOGETHER, ...lists.map(({ declared }) => declared.maxPerCall));
    return [{ leaf, lists, maxTogether }];
  });
  const callsOf = (maxParts: number): Calls =>
    seeds.map((seed) => callsFrom(seed, { seeds, leaves, maxParts }, options)).reduce(larger, new Map());
  let maxParts = MAX_PARTS;
  while (maxParts > 1 && total(callsOf(maxParts)) > maxCalls) maxParts -= 1;
  const calls = callsOf(maxParts);
  const callsAtMost = total(calls);
  return {
    seeds,
    maxParts,
    recordsAtMost: maxParts * Math.max(0, ...seeds.map(({ maxTogether }) => maxTogether)),
    systems: [...calls].map(([source, callsAtMost]) => ({
      source,
      callsAtMost,
      secondsAtLeast: secondsFor(callsAtMost, options.loaded.get(source)),
    })),
    callsAtMost,
    // The list is chosen when the records are counted, so the one that needs most calls is planned.
    expectedCalls: Math.max(
      0,
      ...seeds.map((seed) => expectedFrom(seed, { seeds, leaves, maxParts }, options)),
    ),
    refusals: [
      ...refusals,
      ...(seeds.length === 0 ? [whyNotListed(leaves, implied)] : []),
      ...(seeds.length > 0 && callsAtMost > maxCalls
        ? [`A page may need ${callsAtMost} calls, and maxCalls is ${maxCalls}. Raise maxCalls.`]
        : []),
    ],
  };
}

/** The calls of a page that is listed by this seed, by source. */
function callsFrom(
  seed: Seed,
  { seeds, leaves, maxParts }: { seeds: readonly Seed[]; leaves: readonly Leaf[]; maxParts: number },
  options: PlanOptions,
): Calls {
  const { rules } = options;
  const calls = new Map<string, number>();
  const add = (source: string, count: number): void => {
    calls.set(source, (calls.get(source) ?? 0) + count);
  };
  if (seeds.length > 1)
    for (const { source, declared } of seeds.flatMap(({ lists }) => lists))
      add(source, declared.count.callsPerBatch ?? 1);
  for (const { source, declared } of seed.lists) add(source, maxParts * (declared.loader.callsPerBatch ?? 1));

  const listing = seed.lists.map(({ source }) => source);
  const recordKeys = new Set(
    rules.sources.flatMap(({ name, identity }) => (listing.includes(name) ? identity.recordKey : [])),
  );
  const wanted = new Set([...listing, ...leaves.flatMap(({ sources }) => sources)]);
  const { maxHops, maxValuesPerNamespace } = rules.limits;
  const valuesAtMost = seed.maxTogether * maxValuesPerNamespace;
  // Each comparison may need further systems, and then the search for the customer continues.
  const rounds = maxHops * new Set(leaves.map(({ sources }) => sources.join(' '))).size;
  const relevant = [
    ...new Set([...recordKeys].flatMap((recordKey) => [...relevantSources(rules, wanted, recordKey)])),
  ];
  for (const { name, identity } of relevant)
    for (const [namespace, { uniqueness, loader }] of Object.entries(identity.foundBy)) {
      const isFollowed = uniqueness !== 'none' && relevant.some((other) => holds(other, namespace));
      if (!recordKeys.has(namespace) && !isFollowed) continue;
      // Each value is looked up once. The lookups of each round are one list of keys.
      const batches = rounds + Math.floor(valuesAtMost / maxBatchOf(name, loader, options));
      add(name, maxParts * batches * (loader.callsPerBatch ?? 1));
    }
  for (const { loaders } of leaves)
    for (const { source: of, loader } of loaders)
      add(
        of,
        maxParts * Math.ceil(valuesAtMost / maxBatchOf(of, loader, options)) * (loader.callsPerBatch ?? 1),
      );
  return calls;
}

/** The calls of a page for customers with one record in each system: one lookup of each customer in each relevant system. */
function expectedFrom(
  { lists, maxTogether }: Seed,
  { seeds, leaves, maxParts }: { seeds: readonly Seed[]; leaves: readonly Leaf[]; maxParts: number },
  options: PlanOptions,
): number {
  const { rules } = options;
  const listing = new Set(lists.map(({ source }) => source));
  const wanted = new Set([...listing, ...leaves.flatMap(({ sources }) => sources)]);
  const batches = (
    source: string,
    loader: Pick<Loader<Client, never, unknown>, 'name' | 'maxBatch' | 'callsPerBatch'>,
  ) => Math.ceil(maxTogether / maxBatchOf(source, loader, options)) * (loader.callsPerBatch ?? 1);
  const sum = (counts: readonly number[]): number => counts.reduce((all, number) => all + number, 0);
  const relevant = new Set(
    rules.sources
      .filter(({ name }) => listing.has(name))
      .flatMap(({ identity }) => relevantSources(rules, wanted, identity.recordKey)),
  );
  // Each customer is looked up once in each system: by the identifier that fits the fewest keys in a call, at worst.
  const lookups = [...relevant].map(({ name, identity }) =>
    Math.max(0, ...Object.values(identity.foundBy).map(({ loader }) => batches(name, loader))),
  );
  const reads = leaves.flatMap((leaf) => leaf.loaders.map(({ source, loader }) => batches(source, loader)));
  const ofLists = lists.map(({ declared }) => declared.loader.callsPerBatch ?? 1);
  const counts =
    seeds.length > 1
      ? seeds.flatMap((seed) => seed.lists.map(({ declared }) => declared.count.callsPerBatch ?? 1))
      : [];
  return sum(counts) + maxParts * (sum(ofLists) + sum(lookups) + sum(reads));
}

/** Whether records of the source may vouch for identifiers in the namespace. */
function holds({ identity: { recordKey, yields } }: IdentifyingSource, namespace: string): boolean {
  return recordKey === namespace || ['one', 'several'].includes(yields[namespace] ?? '');
}

function maxBatchOf(
  source: string,
  { name, maxBatch = Infinity }: Pick<Loader<Client, never, unknown>, 'name' | 'maxBatch'>,
  { loaded }: PlanOptions,
): number {
  const of = loaded.get(source);
  return Math.min(of?.loaderSettings?.[name]?.maxBatch ?? maxBatch, of?.maxBatch ?? Infinity);
}

function larger(a: Calls, b: Calls): Calls {
  return new Map(
    [...new Set([...a.keys(), ...b.keys()])].map((source) => [
      source,
      Math.max(a.get(source) ?? 0, b.get(source) ?? 0),
    ]),
  );
}

function total(calls: Calls): number {
  return [...calls.values()].reduce((sum, count) => sum + count, 0);
}

/** The time for these calls under the rate limit of the system. Null without one. */
function secondsFor(
  calls: number,
  source: Pick<LoadedSource<Client>, 'protection'> | undefined,
): number | null {
  const rate = source?.protection.bounds.rate;
  return rate === undefined ? null : Math.ceil((calls * milliseconds(rate.per)) / rate.calls / 1_000);
}

function whyNotListed(leaves: readonly Leaf[], implied: readonly Leaf[]): string {
  const reasons = implied.flatMap(({ name, list }) => (typeof list === 'string' ? [`${name}: ${list}`] : []));
  const others = leaves.filter((leaf) => typeof leaf.list !== 'string').map(({ name }) => name);
  return [
    'No system can list these customers.',
    ...reasons,
    ...(implied.length === 0
      ? ['Each customer must meet one comparison that is neither in "not" nor one of several in "any".']
      : []),
    others.length > 0
      ? `Put one of these into "all": ${[...new Set(others)].join(', ')}.`
      : 'Add a comparison by which a system can list customers, such as a moment or a minimum.',
  ].join(' ');
}
