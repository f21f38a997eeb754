import type { Client } from '../connectors/connector.js';
import type { CustomerRecord, IdentityDeclaration, Namespace } from './declaration.js';
import { normalise, type Identifier } from './identifiers.js';

/** A source that takes part, as the graph sees it. */
export interface IdentifyingSource {
  name: string;
  identity: IdentityDeclaration<Client>;
}

export interface IdentityRules {
  /** In the order in which they are believed. */
  sources: readonly IdentifyingSource[];
  namespaces: ReadonlyMap<string, Namespace>;
  limits: IdentityLimits;
  /** Told when a limit has kept a walk from going on. */
  onLimit?: (limit: Limit) => void;
}

/** A limit that keeps a walk from going on. */
export type Limit = 'HOPS' | 'VALUES_PER_NAMESPACE' | 'IDENTIFIERS';

/** How far the graph is walked for one customer. Beyond it a shared identifier would lead to half the world. */
export interface IdentityLimits {
  maxHops: number;
  maxValuesPerNamespace: number;
  maxIdentifiers: number;
  /** Milliseconds that a slow system is waited for by those who do not ask for what it holds. */
  patienceMs: number;
}

/** A record, with what it holds in its one way of writing. Made once for each record, however often it is found. */
export interface KnownRecord {
  source: IdentifyingSource;
  /** The place of its source in the order in which they are believed. */
  rank: number;
  record: CustomerRecord;
  key: string;
  recordId: Identifier;
  /** By `textOf`, its own id not among them. */
  heldIdentifiers: ReadonlyMap<string, { identifier: Identifier; verified: boolean }>;
}

/** What a source said when asked by an identifier; undefined when it was not asked, or did not answer. */
export type AnswerOf = (source: string, identifier: string) => readonly KnownRecord[] | undefined;

export type VouchRule = 'UNIQUE' | 'SAME_CUSTOMER' | 'VERIFIED' | 'ALONE';

/** A record's line to an identifier that it vouches for. */
export interface Link {
  record: KnownRecord;
  identifier: Identifier;
  rule: VouchRule;
}

/** Why a line was not drawn: the values of a namespace that it would have brought together. */
export interface Conflict {
  link: Link;
  namespace: string;
  values: readonly string[];
}

/** Which of the records are one customer. */
export interface Matching {
  /** Those that were drawn. */
  links: readonly Link[];
  conflicts: readonly Conflict[];
  /** The records of the same customer. */
  customerOf(record: KnownRecord): readonly KnownRecord[];
}

const STRENGTH: Record<VouchRule, number> = { UNIQUE: 0, SAME_CUSTOMER: 0, VERIFIED: 1, ALONE: 2 };

/** The identifier as a text that no other one has. */
export function textOf({ namespace, value }: Identifier): string {
  return `${namespace} ${value}`;
}

/** Reads a record's identifiers. Null when its own id cannot be one, so that nobody could find it again. */
export function readRecord(
  source: IdentifyingSource,
  rank: number,
  record: CustomerRecord,
  namespaces: ReadonlyMap<string, Namespace>,
): KnownRecord | null {
  const { recordKey, yields } = source.identity;
  const recordId = normaliseIn(namespaces, recordKey, record.id);
  if (recordId === null) return null;
  const heldIdentifiers = new Map<string, { identifier: Identifier; verified: boolean }>();
  for (const { namespace, value, verified = false } of record.identifiers) {
    if (yields[namespace] === undefined)
      throw new Error(`The source "${source.name}" yields "${namespace}", which it does not declare.`);
    // The source whose ids these are may not be plugged in.
    const identifier = value == null ? null : normaliseIn(namespaces, namespace, value);
    if (identifier === null) continue;
    const text = textOf(identifier);
    heldIdentifiers.set(text, {
      identifier,
      verified: verified || heldIdentifiers.get(text)?.verified === true,
    });
  }
  return { source, rank, record, key: `${source.name} ${recordId.value}`, recordId, heldIdentifiers };
}

function normaliseIn(
  namespaces: ReadonlyMap<string, Namespace>,
  name: string,
  value: string,
): Identifier | null {
  const namespace = namespaces.get(name);
  return namespace === undefined ? null : normalise(namespace, value);
}

/** How many customers a source tells of, after its own rule. */
export function countCustomers(records: readonly KnownRecord[]): number {
  const [first] = records;
  if (records.every(({ key }) => key === first?.key)) return Math.min(1, records.length);
  const groups: KnownRecord[][] = [];
  for (const record of new Map(records.map((one) => [one.key, one])).values()) {
    const own = groups.filter((group) => group.some((other) => areSame(record, other)));
    for (const group of own) groups.splice(groups.indexOf(group), 1);
    groups.push([record, ...own.flat()]);
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
 * Whether, and by which rule, a record vouches for an identifier that it holds: src/identity/README.md has them. `unknown`
 * when its source has to be asked first.
 */
export function vouchRuleOf(
  record: KnownRecord,
  { identifier, verified }: { identifier: Identifier; verified: boolean },
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

/** Works out which records are one customer. Neither the order of the records nor who was found first matters. */
export function match(
  records: readonly KnownRecord[],
  /** What a source told of the record by, whether the record says so itself or not. */
  foundBy: (record: KnownRecord) => readonly Identifier[],
  answerOf: AnswerOf,
  { sources, namespaces }: IdentityRules,
): Matching {
  const links = records.flatMap((record) => linksOfRecord(record, foundBy(record), answerOf, namespaces));
  // Nothing to be brought together, nor anything that could contradict it.
  if (records.length < 2) return { links, conflicts: [], customerOf: () => records };
  const groups = createGroups(records, singlesOf(sources, namespaces));
  const conflicts = byStrength(links).flatMap((equal) => groups.draw(equal));
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
  for (const [text, own] of record.heldIdentifiers) held.set(text, own);
  for (const one of held.values()) {
    const { identifier } = one;
    if (namespaces.get(identifier.namespace)?.mayLink?.(identifier.value) === false) continue;
    const rule = vouchRuleOf(record, one, answerOf);
    if (rule !== null && rule !== 'unknown') links.push({ record, identifier, rule });
  }
  return links;
}

function byStrength(links: readonly Link[]): Link[][] {
  const strengths = new Map<number, Link[]>();
  for (const link of links) {
    // A record's own id is no evidence that could be weighed.
    const strength =
      link.identifier === link.record.recordId ? -1 : link.record.rank * 10 + STRENGTH[link.rule];
    const equal = strengths.get(strength);
    if (equal === undefined) strengths.set(strength, [link]);
    else equal.push(link);
  }
  return [...strengths].sort(([a], [b]) => a - b).map(([, equal]) => equal);
}

/** What hangs together so far. */
interface Group {
  records: KnownRecord[];
  identifiers: Set<string>;
}

/** A namespace of which a customer has one value; `isOwn` when it is that of a source's own ids. */
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
    /** Draws links of one strength; gives the conflicts of those that are not drawn. */
    draw: (links: readonly Link[]): Conflict[] => {
      const clusters: { groups: Set<Group>; links: Link[] }[] = [];
      for (const link of links) {
        const own = ofRecord.get(link.record.key);
        const other = groupOf(textOf(link.identifier));
        if (own === undefined || own === other) continue;
        const touched = clusters.filter(({ groups }) => groups.has(own) || groups.has(other));
        const cluster = {
          groups: new Set([own, other, ...touched.flatMap(({ groups }) => [...groups])]),
          links: [link, ...touched.flatMap((one) => one.links)],
        };
        for (const one of touched) clusters.splice(clusters.indexOf(one), 1);
        clusters.push(cluster);
      }
      return clusters.flatMap((cluster) => {
        const together = [...cluster.groups].flatMap((group) => group.records);
        for (const single of singles) {
          const values = contradictingValues(single, together);
          if (values !== null) return cluster.links.map((link) => ({ link, namespace: single.name, values }));
        }
        join(cluster.groups);
        return [];
      });
    },
  };
}

/** The values that the records hold of it, when they are not as good as one; null when nothing contradicts. */
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
  // Values of records that their own source makes one are as good as one, whoever else holds them.
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
