import type { Client } from '../connectors/connector.js';
import type { CustomerRecord, IdentityDeclaration, Namespace } from './declaration.js';
import { isSame, normaliseIn, type Identifier } from './identifiers.js';
import type { Lookup, Walk } from './walk.js';

/** A source that identifies customers. */
export interface IdentifyingSource {
  name: string;
  identity: IdentityDeclaration<Client>;
}

export interface IdentityRules {
  /** Sorted by trust, the most trusted source first. */
  sources: readonly IdentifyingSource[];
  namespaces: ReadonlyMap<string, Namespace>;
  limits: IdentityLimits;
  /** Called when a limit has ended a walk. */
  onLimit?: (limit: Limit) => void;
}

/** A limit that can end a walk. */
export type Limit = 'HOPS' | 'VALUES_PER_NAMESPACE' | 'IDENTIFIERS';

/** The limits of a walk for one customer. Without them a shared identifier could lead to very many people. */
export interface IdentityLimits {
  maxHops: number;
  maxValuesPerNamespace: number;
  maxIdentifiers: number;
  /** Milliseconds that a walk waits for a slow system before it continues without it. */
  patienceMs: number;
}

/** A record with its identifiers in canonical form. There is one object per record, even if several lookups find it. */
export interface KnownRecord {
  source: IdentifyingSource;
  /** The rank of its source by trust, from 0: the most trusted. */
  rank: number;
  record: CustomerRecord;
  key: string;
  recordId: Identifier;
  /** The identifiers in the record that rules can use, each once. */
  heldIdentifiers: readonly HeldIdentifier[];
}

export interface HeldIdentifier {
  identifier: Identifier;
  /** Whether the record's system has verified it. */
  verified: boolean;
}

export type VouchRule = 'UNIQUE' | 'SAME_CUSTOMER' | 'VERIFIED' | 'ALONE';

/** A link between a record and an identifier that it vouches for. */
export interface Link {
  record: KnownRecord;
  identifier: Identifier;
  rule: VouchRule;
}

/** A link that was refused, and the different values of a namespace that it would have joined. */
export interface Conflict {
  link: Link;
  namespace: string;
  values: readonly string[];
}

/** The records of a walk, grouped by customer. */
export interface Matching {
  /** The links that were refused. */
  conflicts: readonly Conflict[];
  /** The group of each record: equal numbers mean the same customer. */
  groups: readonly number[];
}

const STRENGTH: Record<VouchRule, number> = { UNIQUE: 0, SAME_CUSTOMER: 0, VERIFIED: 1, ALONE: 2 };

/** The identifier as a unique text. */
export function textOf({ namespace, value }: Identifier): string {
  return `${namespace} ${value}`;
}

/**
 * Reads the identifiers of a record that rules can use. Null if its own id is invalid, because no lookup could find the
 * record again.
 */
export function readRecord(
  source: IdentifyingSource,
  rank: number,
  record: CustomerRecord,
  rules: Pick<IdentityRules, 'namespaces'>,
): KnownRecord | null {
  const recordId = normaliseIn(rules, source.identity.recordKey, record.id);
  if (recordId === null) return null;
  const heldIdentifiers = readIdentifiers(record, rules, (namespace, verified) =>
    isUsedByRules(source, namespace, verified, rules),
  );
  return { source, rank, record, key: `${source.name} ${recordId.value}`, recordId, heldIdentifiers };
}

/** All identifiers in a record, each once, also those that are only shown. */
export function allIdentifiers(
  { record }: KnownRecord,
  rules: Pick<IdentityRules, 'namespaces'>,
): readonly HeldIdentifier[] {
  return readIdentifiers(record, rules, () => true);
}

function readIdentifiers(
  record: CustomerRecord,
  rules: Pick<IdentityRules, 'namespaces'>,
  isRead: (namespace: string, verified: boolean) => boolean,
): readonly HeldIdentifier[] {
  const held = new Map<string, HeldIdentifier>();
  for (const { namespace, value, verified = false } of record.identifiers) {
    if (!isRead(namespace, verified)) continue;
    // The namespace is unknown if the source that declares it is not plugged in.
    const identifier = normaliseIn(rules, namespace, value);
    if (identifier === null) continue;
    const text = textOf(identifier);
    held.set(text, { identifier, verified: verified || held.get(text)?.verified === true });
  }
  return [...held.values()];
}

/** What a record says about an identifier; undefined if it does not hold it. */
export function heldIn({ heldIdentifiers }: KnownRecord, identifier: Identifier): HeldIdentifier | undefined {
  return heldIdentifiers.find((held) => isSame(held.identifier, identifier));
}

/** Whether an identifier in a record can vouch, contradict or make a lookup needless. Others need no canonical form. */
function isUsedByRules(
  { name, identity }: IdentifyingSource,
  namespace: string,
  verified: boolean,
  { namespaces }: Pick<IdentityRules, 'namespaces'>,
): boolean {
  const { yields, foundBy } = identity;
  if (yields[namespace] === undefined)
    throw new Error(
      `A record of the source "${name}" holds an identifier "${namespace}". Declare it in identity.yields.`,
    );
  const uniqueness = foundBy[namespace]?.uniqueness;
  if (uniqueness === 'enforced' || namespaces.get(namespace)?.perCustomer === 'one') return true;
  return yields[namespace] !== 'shown' && (verified || uniqueness === 'usual');
}

/**
 * More records of one source than this are not compared by its rule, which takes time for each pair. Each of
 * them counts as a customer, so none is shown.
 */
const MAX_COMPARED_RECORDS = 1_000;

/** The records of one source by customer, as its own rule `sameCustomer` decides. */
export function groupByCustomer(records: readonly KnownRecord[]): readonly (readonly KnownRecord[])[] {
  const unique = new Map(records.map((record) => [record.key, record]));
  if (unique.size > MAX_COMPARED_RECORDS) return [...unique.values()].map((record) => [record]);
  let groups: KnownRecord[][] = [];
  for (const record of unique.values()) {
    const joined = groupsWith(record, groups);
    if (joined.length > 0) groups = groups.filter((group) => !joined.includes(group));
    groups.push([record, ...joined.flat()]);
  }
  return groups;
}

/** The groups that the rule of their source joins with a record of another key. */
export function groupsWith<Group extends readonly KnownRecord[]>(
  { source: { identity }, record }: KnownRecord,
  groups: readonly Group[],
): readonly Group[] {
  if (identity.sameCustomer === undefined || groups.length > MAX_COMPARED_RECORDS) return NONE;
  return groups.filter((group) =>
    group.some((other) => identity.sameCustomer?.(record, other.record) === true),
  );
}

export function mayLink(
  { namespace, value }: Identifier,
  { namespaces }: Pick<IdentityRules, 'namespaces'>,
): boolean {
  return namespaces.get(namespace)?.mayLink?.(value) !== false;
}

/**
 * The rule by which a record vouches for an identifier that it holds, or null. `unknown` if its source must be queried
 * first. The rules are in src/identity/README.md.
 */
export function vouchRuleOf(
  record: KnownRecord,
  { identifier, verified }: HeldIdentifier,
  lookups: readonly Lookup[],
): VouchRule | 'unknown' | null {
  const { source } = record;
  const { yields, foundBy } = source.identity;
  if (yields[identifier.namespace] === 'shown') return null;
  const uniqueness = foundBy[identifier.namespace]?.uniqueness;
  if (uniqueness === undefined) return verified ? 'VERIFIED' : null;
  if (uniqueness === 'none') return null;
  const lookup = lookups.find((other) => other.source === source && isSame(other.identifier, identifier));
  const isAmbiguous = lookup !== undefined && lookup.customersWith(record) > 1;
  if (uniqueness === 'enforced') return isAmbiguous ? null : 'UNIQUE';
  if (uniqueness === 'verified' && !verified) return null;
  if (lookup?.answer === undefined) return 'unknown';
  if (isAmbiguous) return null;
  if (verified) return 'VERIFIED';
  return lookup.answer.some(({ key }) => key !== record.key) ? 'SAME_CUSTOMER' : 'ALONE';
}

/** Groups the records of a walk by customer. The result does not depend on their order. */
export function match(walk: Walk, rules: IdentityRules): Matching {
  const { records } = walk;
  // One record needs no grouping and cannot have a conflict.
  if (records.length < 2) return ONE_CUSTOMER;
  const links = walk.linksOf(rules);
  const contested = singlesOf(rules).filter((single) => haveSeveralValues(records, single));
  const groups = new Groups(records, contested);
  // Without different values there is no conflict, so the order of the links does not matter.
  const conflicts = (contested.length === 0 ? [links] : byStrength(links)).flatMap((equal) =>
    groups.add(equal),
  );
  return { conflicts, groups: records.map((_, place) => groups.of(place)) };
}

const NONE: readonly never[] = [];
const ONE_CUSTOMER: Matching = { conflicts: NONE, groups: [0] };

export function linksOfRecord(record: KnownRecord, lookups: readonly Lookup[], rules: IdentityRules): Link[] {
  const links: Link[] = [{ record, identifier: record.recordId, rule: 'UNIQUE' }];
  const known = new Set([textOf(record.recordId)]);
  const add = (held: HeldIdentifier): void => {
    const { identifier } = held;
    const text = textOf(identifier);
    if (known.has(text) || !mayLink(identifier, rules)) return;
    const rule = vouchRuleOf(record, held, lookups);
    if (rule === null || rule === 'unknown') return;
    known.add(text);
    links.push({ record, identifier, rule });
  };
  // Lookups may have found the record by identifiers that it does not contain.
  for (const lookup of lookups)
    if (lookup.source === record.source && lookup.has(record))
      add(heldIn(record, lookup.identifier) ?? { identifier: lookup.identifier, verified: false });
  for (const held of record.heldIdentifiers) add(held);
  return links;
}

/** Adds a value to the list of a key. */
export function addTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function byStrength(links: readonly Link[]): Link[][] {
  const strengths = new Map<number, Link[]>();
  for (const link of links) {
    // The link to the record's own id is certain, so it comes before all others.
    const strength =
      link.identifier === link.record.recordId ? -1 : link.record.rank * 10 + STRENGTH[link.rule];
    addTo(strengths, strength, link);
  }
  return [...strengths].sort(([a], [b]) => a - b).map(([, equal]) => equal);
}

/** A namespace in which a customer has one value. `isOwn`: its values are a source's record ids. */
interface Single {
  name: string;
  isOwn: boolean;
}

const singlesByRules = new WeakMap<IdentityRules, readonly Single[]>();

function singlesOf(rules: IdentityRules): readonly Single[] {
  let singles = singlesByRules.get(rules);
  if (singles === undefined) {
    singles = [...rules.namespaces.values()]
      .filter(({ perCustomer }) => perCustomer === 'one')
      .map(({ name }) => ({
        name,
        isOwn: rules.sources.some(({ identity }) => identity.recordKey === name),
      }));
    singlesByRules.set(rules, singles);
  }
  return singles;
}

/** Records and identifiers that accepted links connect: a union-find. Nodes are the records, then the identifiers. */
class Groups {
  readonly #records: readonly KnownRecord[];
  readonly #singles: readonly Single[];
  readonly #nodesOfRecords: ReadonlyMap<KnownRecord, number>;
  readonly #nodesOfIdentifiers = new Map<string, number>();
  /** The parent of each node; itself if it has none. */
  readonly #parents: number[];

  constructor(records: readonly KnownRecord[], singles: readonly Single[]) {
    this.#records = records;
    this.#singles = singles;
    this.#parents = records.map((_, place) => place);
    this.#nodesOfRecords = new Map(records.map((record, place) => [record, place]));
  }

  of(node: number): number {
    return rootIn(this.#parents, node);
  }

  /** Accepts links of equal strength. Returns the conflicts of those that it refuses. */
  add(links: readonly Link[]): readonly Conflict[] {
    if (this.#singles.length === 0) {
      for (const link of links) join(this.#parents, this.#nodeOf(link.record), this.#nodeOfIdentifier(link));
      return NONE;
    }
    const joins = links
      .map((link) => ({ link, from: this.#nodeOf(link.record), to: this.#nodeOfIdentifier(link) }))
      .filter(({ from, to }) => this.of(from) !== this.of(to));
    const joined = this.#parents.slice();
    for (const { from, to } of joins) join(joined, from, to);
    const [joinsOf, recordsOf] = [new Map<number, typeof joins>(), new Map<number, KnownRecord[]>()];
    for (const edge of joins) addTo(joinsOf, rootIn(joined, edge.from), edge);
    for (const [place, record] of this.#records.entries()) addTo(recordsOf, rootIn(joined, place), record);
    const conflicts: Conflict[] = [];
    for (const [root, cluster] of joinsOf) {
      const contradiction = contradictionIn(recordsOf.get(root) ?? [], this.#singles);
      if (contradiction === undefined) for (const { from, to } of cluster) join(this.#parents, from, to);
      else for (const { link } of cluster) conflicts.push({ link, ...contradiction });
    }
    return conflicts;
  }

  #nodeOf(record: KnownRecord): number {
    return this.#nodesOfRecords.get(record) ?? -1;
  }

  #nodeOfIdentifier({ identifier }: Link): number {
    const text = textOf(identifier);
    let node = this.#nodesOfIdentifiers.get(text);
    if (node === undefined) {
      node = this.#parents.length;
      this.#nodesOfIdentifiers.set(text, node);
      this.#parents.push(node);
    }
    return node;
  }
}

function rootIn(parents: number[], node: number): number {
  let root = node;
  for (let next = parents[root]; next !== undefined && next !== root; next = parents[root]) {
    // A node that is visited moves up, so that no path stays long.
    parents[root] = parents[next] ?? next;
    root = next;
  }
  return root;
}

function join(parents: number[], from: number, to: number): void {
  parents[rootIn(parents, from)] = rootIn(parents, to);
}

/** The values of a record in a namespace that count as the customer's. */
function valuesOf({ recordId, heldIdentifiers }: KnownRecord, { name, isOwn }: Single): readonly string[] {
  if (isOwn) return recordId.namespace === name ? [recordId.value] : NONE;
  return heldIdentifiers.flatMap(({ identifier }) =>
    identifier.namespace === name ? [identifier.value] : [],
  );
}

function haveSeveralValues(records: readonly KnownRecord[], single: Single): boolean {
  const [first, ...others] = records.flatMap((record) => valuesOf(record, single));
  return others.some((value) => value !== first);
}

/** The first namespace in which the records contradict each other, with their values. */
function contradictionIn(
  records: readonly KnownRecord[],
  singles: readonly Single[],
): Omit<Conflict, 'link'> | undefined {
  for (const single of singles) {
    if (!haveSeveralValues(records, single)) continue;
    const bySource = new Map<IdentifyingSource, KnownRecord[]>();
    for (const record of records) addTo(bySource, record.source, record);
    const hasValue = (record: KnownRecord) => valuesOf(record, single).length > 0;
    // Values of records that their source's rule joins, also by a record without a value, are not a contradiction.
    const customers = [...bySource.values()]
      .filter((ofSource) => ofSource.some(hasValue))
      .flatMap(groupByCustomer)
      .filter((group) => group.some(hasValue));
    const parents = customers.map((_, place) => place);
    const placesOfValues = new Map<string, number>();
    for (const [place, group] of customers.entries())
      for (const value of group.flatMap((record) => valuesOf(record, single))) {
        join(parents, place, placesOfValues.get(value) ?? place);
        placesOfValues.set(value, place);
      }
    if (new Set(customers.map((_, place) => rootIn(parents, place))).size > 1)
      return { namespace: single.name, values: [...placesOfValues.keys()].sort() };
  }
  return undefined;
}
