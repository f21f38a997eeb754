import type { Client } from '../connectors/connector.js';
import type { CustomerRecord, IdentityDeclaration, Namespace } from './declaration.js';
import { normaliseIn, type Identifier } from './identifiers.js';

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
  /** The identifiers in the record that rules can use, by `textOf`, without the record's own id. */
  heldIdentifiers: ReadonlyMap<string, HeldIdentifier>;
}

export interface HeldIdentifier {
  identifier: Identifier;
  /** Whether the record's system has verified it. */
  verified: boolean;
}

/** Returns the records of a source for an identifier; undefined if it was not queried, or has not answered. */
export type AnswerOf = (source: string, identifier: string) => readonly KnownRecord[] | undefined;

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
  /** The links that were accepted. */
  links: readonly Link[];
  conflicts: readonly Conflict[];
  /** All records of the same customer as a record. */
  customerOf(record: KnownRecord): readonly KnownRecord[];
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

/** All identifiers in a record by `textOf`, also those that are only shown. */
export function allIdentifiers(
  { record }: KnownRecord,
  rules: Pick<IdentityRules, 'namespaces'>,
): ReadonlyMap<string, HeldIdentifier> {
  return readIdentifiers(record, rules, () => true);
}

function readIdentifiers(
  record: CustomerRecord,
  rules: Pick<IdentityRules, 'namespaces'>,
  isRead: (namespace: string, verified: boolean) => boolean,
): ReadonlyMap<string, HeldIdentifier> {
  const held = new Map<string, HeldIdentifier>();
  for (const { namespace, value, verified = false } of record.identifiers) {
    if (!isRead(namespace, verified)) continue;
    // The namespace is unknown if the source that declares it is not plugged in.
    const identifier = normaliseIn(rules, namespace, value);
    if (identifier === null) continue;
    const text = textOf(identifier);
    held.set(text, { identifier, verified: verified || held.get(text)?.verified === true });
  }
  return held;
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

/** How many customers the records of one source are, by its own rule `sameCustomer`. */
export function countCustomers(records: readonly KnownRecord[]): number {
  const [first] = records;
  if (records.every(({ key }) => key === first?.key)) return Math.min(1, records.length);
  const groups: KnownRecord[][] = [];
  for (const record of new Map(records.map((one) => [one.key, one])).values()) {
    const sameGroups = groups.filter((group) => group.some((other) => areSame(record, other)));
    for (const group of sameGroups) groups.splice(groups.indexOf(group), 1);
    groups.push([record, ...sameGroups.flat()]);
  }
  return groups.length;
}

function areSame(one: KnownRecord, other: KnownRecord): boolean {
  return (
    one.key === other.key ||
    (one.source === other.source && one.source.identity.sameCustomer?.(one.record, other.record) === true)
  );
}

/**
 * The rule by which a record vouches for an identifier that it holds, or null. `unknown` if its source must be queried
 * first. The rules are in src/identity/README.md.
 */
export function vouchRuleOf(
  record: KnownRecord,
  { identifier, verified }: HeldIdentifier,
  answerOf: AnswerOf,
): VouchRule | 'unknown' | null {
  const { identity, name } = record.source;
  if (identity.yields[identifier.namespace] === 'shown') return null;
  const uniqueness = identity.foundBy[identifier.namespace]?.uniqueness;
  if (uniqueness === undefined) return verified ? 'VERIFIED' : null;
  if (uniqueness === 'none') return null;
  const answer = answerOf(name, textOf(identifier));
  if (uniqueness === 'enforced')
    return answer !== undefined && countCustomers([record, ...answer]) > 1 ? null : 'UNIQUE';
  if (uniqueness === 'verified' && !verified) return null;
  if (answer === undefined) return 'unknown';
  if (countCustomers([record, ...answer]) > 1) return null;
  if (verified) return 'VERIFIED';
  return answer.some(({ key }) => key !== record.key) ? 'SAME_CUSTOMER' : 'ALONE';
}

/** Groups records by customer. The result does not depend on the order of the records. */
export function match(
  records: readonly KnownRecord[],
  /** The identifiers by which lookups found a record, even if the record does not contain them. */
  foundBy: (record: KnownRecord) => readonly Identifier[],
  answerOf: AnswerOf,
  { sources, namespaces }: IdentityRules,
): Matching {
  const links = records.flatMap((record) => linksOfRecord(record, foundBy(record), answerOf, namespaces));
  // One record needs no grouping and cannot have a conflict.
  if (records.length < 2) return { links, conflicts: [], customerOf: () => records };
  const groups = createGroups(records, singlesOf(sources, namespaces));
  const conflicts = byStrength(links).flatMap((equal) => groups.add(equal));
  const refused = new Set(conflicts.map(({ link }) => link));
  return {
    links: links.filter((link) => !refused.has(link)),
    conflicts,
    customerOf: (record) => groups.of(record.key),
  };
}

export function linksOfRecord(
  record: KnownRecord,
  foundBy: readonly Identifier[],
  answerOf: AnswerOf,
  namespaces: ReadonlyMap<string, Namespace>,
): Link[] {
  const links: Link[] = [{ record, identifier: record.recordId, rule: 'UNIQUE' }];
  const held = new Map(foundBy.map((identifier) => [textOf(identifier), { identifier, verified: false }]));
  held.delete(textOf(record.recordId));
  for (const [text, entry] of record.heldIdentifiers) held.set(text, entry);
  for (const entry of held.values()) {
    const { identifier } = entry;
    if (namespaces.get(identifier.namespace)?.mayLink?.(identifier.value) === false) continue;
    const rule = vouchRuleOf(record, entry, answerOf);
    if (rule !== null && rule !== 'unknown') links.push({ record, identifier, rule });
  }
  return links;
}

function byStrength(links: readonly Link[]): Link[][] {
  const strengths = new Map<number, Link[]>();
  for (const link of links) {
    // The link to the record's own id is certain, so it comes before all others.
    const strength =
      link.identifier === link.record.recordId ? -1 : link.record.rank * 10 + STRENGTH[link.rule];
    const equal = strengths.get(strength);
    if (equal === undefined) strengths.set(strength, [link]);
    else equal.push(link);
  }
  return [...strengths].sort(([a], [b]) => a - b).map(([, equal]) => equal);
}

/** Records and identifiers that accepted links connect. */
interface Group {
  records: KnownRecord[];
  identifiers: Set<string>;
}

/** A namespace in which a customer has one value. `isOwn`: its values are a source's record ids. */
interface Single {
  name: string;
  isOwn: boolean;
}

function singlesOf(
  sources: readonly IdentifyingSource[],
  namespaces: ReadonlyMap<string, Namespace>,
): readonly Single[] {
  return [...namespaces.values()]
    .filter(({ perCustomer }) => perCustomer === 'one')
    .map(({ name }) => ({ name, isOwn: sources.some(({ identity }) => identity.recordKey === name) }));
}

function createGroups(records: readonly KnownRecord[], singles: readonly Single[]) {
  const ofRecord = new Map(
    records.map((record): [string, Group] => [record.key, { records: [record], identifiers: new Set() }]),
  );
  const ofIdentifier = new Map<string, Group>();

  const groupOf = (identifier: string): Group => {
    let group = ofIdentifier.get(identifier);
    if (group === undefined) {
      group = { records: [], identifiers: new Set([identifier]) };
      ofIdentifier.set(identifier, group);
    }
    return group;
  };
  const join = (groups: ReadonlySet<Group>): void => {
    const joined: Group = { records: [], identifiers: new Set() };
    for (const group of groups) {
      joined.records.push(...group.records);
      for (const one of group.identifiers) joined.identifiers.add(one);
    }
    for (const { key } of joined.records) ofRecord.set(key, joined);
    for (const one of joined.identifiers) ofIdentifier.set(one, joined);
  };

  return {
    of: (key: string): readonly KnownRecord[] => ofRecord.get(key)?.records ?? [],
    /** Accepts links of equal strength. Returns the conflicts of those that it refuses. */
    add: (links: readonly Link[]): Conflict[] => {
      const clusters: { groups: Set<Group>; links: Link[] }[] = [];
      for (const link of links) {
        const recordGroup = ofRecord.get(link.record.key);
        const other = groupOf(textOf(link.identifier));
        if (recordGroup === undefined || recordGroup === other) continue;
        const touched = clusters.filter(({ groups }) => groups.has(recordGroup) || groups.has(other));
        const cluster = {
          groups: new Set([recordGroup, other, ...touched.flatMap(({ groups }) => [...groups])]),
          links: [link, ...touched.flatMap((one) => one.links)],
        };
        for (const one of touched) clusters.splice(clusters.indexOf(one), 1);
        clusters.push(cluster);
      }
      return clusters.flatMap((cluster) => {
        const joined = [...cluster.groups].flatMap((group) => group.records);
        for (const single of singles) {
          const values = contradictingValues(single, joined);
          if (values !== null) return cluster.links.map((link) => ({ link, namespace: single.name, values }));
        }
        join(cluster.groups);
        return [];
      });
    },
  };
}

/** The different values that the records hold in a namespace; null if there is no contradiction. */
function contradictingValues({ name, isOwn }: Single, records: readonly KnownRecord[]): string[] | null {
  const holders = isOwn
    ? records
        .filter(({ recordId }) => recordId.namespace === name)
        .map((record) => ({ record, value: record.recordId.value }))
    : records.flatMap((record) =>
        [...record.heldIdentifiers.values()]
          .filter(({ identifier }) => identifier.namespace === name)
          .map(({ identifier }) => ({ record, value: identifier.value })),
      );
  // Different values in records that their source declares one customer are no contradiction.
  const alike: (typeof holders)[] = [];
  for (const holder of holders) {
    const same = alike.filter((group) =>
      group.some(({ record, value }) => value === holder.value || areSame(record, holder.record)),
    );
    for (const group of same) alike.splice(alike.indexOf(group), 1);
    alike.push([holder, ...same.flat()]);
  }
  return alike.length > 1 ? [...new Set(holders.map(({ value }) => value))].sort() : null;
}
