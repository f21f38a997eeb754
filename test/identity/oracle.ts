/**
 * A second implementation of the rules of src/identity/README.md: simple and slow. It can read a world
 * completely. It shares no code with the engine, so a mistake stays undetected only if both have it.
 */
import type { Identifier } from '../../src/identity/identifiers.js';
import type { CustomerRecord } from '../../src/identity/declaration.js';
import { isSameCustomer, read, recordsOf, text, type MadeSystem, type World } from './worlds.js';

/** A record by its system and id, such as `crm c1`. */
export type Ref = string;

interface Decision {
  kind: 'identified' | 'ambiguous' | 'unknown' | 'failed';
  /** The customer's records, or those of all candidates if ambiguous. Ordered by system, then by id. */
  refs: readonly Ref[];
  candidates: number;
  /** The lines that connect these records, such as `crm c1 email e1@x ALONE`. */
  lines: readonly string[];
  /** The identifiers of refused lines of the customer, or of one of the candidates. */
  conflicts: readonly string[];
  /** The conflicts of all records that the systems returned on the way, also those of other customers. */
  allConflicts: readonly string[];
  /**
   * Whether records hold different values of a single-value identifier, and a source's rule makes them one customer.
   */
  isJoinedByRule: boolean;
  /** The number of rounds of the walk. */
  rounds: number;
}

interface Entry {
  ref: Ref;
  rank: number;
  system: MadeSystem;
  record: CustomerRecord;
  /** The identifiers by text, without the record's own id. Verified if the record holds it verified at least once. */
  holds: ReadonlyMap<string, { identifier: Identifier; verified: boolean }>;
}

type Rule = 'UNIQUE' | 'SAME_CUSTOMER' | 'VERIFIED' | 'ALONE';

interface Line {
  entry: Entry;
  identifier: Identifier;
  rule: Rule;
}

const STEP = { UNIQUE: 0, SAME_CUSTOMER: 0, VERIFIED: 1, ALONE: 2 };

/** A lower number is a stronger line. */
const strengthOf = ({ entry, identifier, rule }: Line): number =>
  identifier.namespace === entry.system.recordKey ? -1 : entry.rank * 3 + STEP[rule];

/** The connected sets of members. Each pair joins two members. */
function sets<T>(members: readonly T[], pairs: readonly (readonly [T, T])[]): T[][] {
  const setOf = new Map<T, Set<T>>(members.map((member) => [member, new Set([member])]));
  for (const [a, b] of pairs) {
    const setOfA = setOf.get(a);
    const setOfB = setOf.get(b);
    if (setOfA === undefined || setOfB === undefined || setOfA === setOfB) continue;
    for (const member of setOfB) {
      setOfA.add(member);
      setOf.set(member, setOfA);
    }
  }
  return [...new Set(setOf.values())].map((set) => [...set]);
}

const pairsOf = <T>(all: readonly T[]): [T, T][] =>
  all.flatMap((a, i) => all.slice(i + 1).map((b): [T, T] => [a, b]));

/** A connected part of the graph: records and the identifiers between them. */
interface Part {
  entries: readonly Entry[];
  /** The identifiers by their text. */
  identifiers: ReadonlySet<string>;
}

function partsOf(found: readonly Entry[], lines: readonly Line[]): Part[] {
  const dots = new Set<Entry | string>(found);
  for (const { identifier } of lines) dots.add(text(identifier));
  return sets<Entry | string>(
    [...dots],
    lines.map(({ entry, identifier }) => [entry, text(identifier)] as const),
  ).map((dotsOfOne) => ({
    entries: dotsOfOne.filter((dot) => typeof dot !== 'string'),
    identifiers: new Set(dotsOfOne.filter((dot) => typeof dot === 'string')),
  }));
}

const isIn = ({ entry }: Line, part: Part): boolean => part.entries.includes(entry);
const touches = (line: Line, part: Part): boolean =>
  isIn(line, part) || part.identifiers.has(text(line.identifier));

export function createOracle(world: World, unavailable: readonly string[] = []) {
  const entries: Entry[] = world.systems.flatMap((system, rank) =>
    system.records.map((record) => {
      const holds = new Map<string, { identifier: Identifier; verified: boolean }>();
      for (const { namespace, value, verified = false } of record.identifiers) {
        const identifier = read(world, namespace, value);
        if (identifier === null) continue;
        const before = holds.get(text(identifier))?.verified ?? false;
        holds.set(text(identifier), { identifier, verified: verified || before });
      }
      return { ref: `${system.name} ${record.id}`, rank, system, record, holds };
    }),
  );

  const mayLink = ({ namespace, value }: Identifier) =>
    world.namespaces.get(namespace)?.mayLink?.(value) ?? true;
  const ownId = ({ system, record }: Entry): Identifier => ({
    namespace: system.recordKey,
    value: record.id,
  });
  const uniquenessIn = (system: MadeSystem, { namespace }: Identifier) =>
    namespace === system.recordKey ? 'enforced' : system.foundBy[namespace];
  const isUnavailable = ({ name }: MadeSystem, { namespace }: Identifier) =>
    unavailable.includes(name) || unavailable.includes(`${name} ${namespace}`);

  /** The records that the system returns for an identifier, or null if it cannot or does not answer. */
  const answers = new Map<string, Entry[] | null>();
  const answer = (system: MadeSystem, identifier: Identifier): Entry[] | null => {
    const key = `${system.name} ${text(identifier)}`;
    let found = answers.get(key);
    if (found === undefined) {
      const records = recordsOf(world, system, identifier);
      found =
        uniquenessIn(system, identifier) !== undefined && !isUnavailable(system, identifier)
          ? entries.filter((entry) => entry.system === system && records.includes(entry.record))
          : null;
      answers.set(key, found);
    }
    return found;
  };

  const areOneCustomer = (a: Entry, b: Entry) =>
    a.system === b.system && a.system.hasRule && isSameCustomer(a.record, b.record);

  /** The records grouped into customers by the systems' own rules alone. */
  const customers = (found: readonly Entry[]): Entry[][] =>
    sets(
      found,
      pairsOf(found).filter(([a, b]) => areOneCustomer(a, b)),
    );

  /** The rule by which the record vouches for an identifier, after the systems were queried by `queried`. */
  const vouches = (
    { system, holds }: Entry,
    identifier: Identifier,
    isGiven: boolean,
    queried: ReadonlyMap<string, Identifier>,
  ): Rule | null => {
    const how = uniquenessIn(system, identifier);
    const needsAnswer = how === 'usual' || how === 'verified';
    const found =
      isGiven || (needsAnswer && queried.has(text(identifier))) ? answer(system, identifier) : null;
    const several = found === null ? 0 : customers(found).length;
    if (several > 1) return null;
    if (how === 'enforced') return 'UNIQUE';
    if (how === 'none') return null;
    if (needsAnswer && found === null) return null;
    if (holds.get(text(identifier))?.verified === true) return 'VERIFIED';
    if (how === 'usual') return found?.length === 1 ? 'ALONE' : 'SAME_CUSTOMER';
    return null;
  };

  /** Whether the record vouches for the identifier, or might after its source has answered. */
  const mightVouch = ({ system }: Entry, identifier: Identifier, verified: boolean) => {
    const how = uniquenessIn(system, identifier);
    return how === 'enforced' || how === 'usual' || (how !== 'none' && verified);
  };

  /** The identifiers that the record holds, and the given ones that it was found by. */
  const heldBy = (entry: Entry, queriedBy: readonly Identifier[]): Identifier[] => {
    const foundBy = queriedBy.filter(
      (identifier) => !entry.holds.has(text(identifier)) && answer(entry.system, identifier)?.includes(entry),
    );
    return [...[...entry.holds.values()].map(({ identifier }) => identifier), ...foundBy].filter(
      (identifier) => text(identifier) !== text(ownId(entry)),
    );
  };

  const linesOf = (
    found: readonly Entry[],
    start: readonly Identifier[],
    queried: ReadonlyMap<string, Identifier>,
  ): Line[] =>
    found.flatMap((entry) => {
      const idLine: Line = { entry, identifier: ownId(entry), rule: 'UNIQUE' };
      const lines = heldBy(entry, start).flatMap((identifier): Line[] => {
        const isStart = start.some((startIdentifier) => text(startIdentifier) === text(identifier));
        const rule = mayLink(identifier) ? vouches(entry, identifier, isStart, queried) : null;
        return rule === null ? [] : [{ entry, identifier, rule }];
      });
      return [idLine, ...lines];
    });

  const recordKeys = new Set(world.systems.map(({ recordKey }) => recordKey));
  const singles = [...world.namespaces.values()].filter(({ perCustomer }) => perCustomer === 'one');
  const valuesOf = (entry: Entry, namespace: string): string[] => {
    if (!recordKeys.has(namespace))
      return [...entry.holds.values()]
        .map(({ identifier }) => identifier)
        .filter((identifier) => identifier.namespace === namespace)
        .map(({ value }) => value);
    return entry.system.recordKey === namespace ? [entry.record.id] : [];
  };

  /**
   * Whether these records, as one customer, would hold two values of a single-value identifier. Two values count as one
   * when a source's rule makes their records one customer.
   */
  const contradicts = (some: readonly Entry[]): boolean => {
    const groups = customers(some);
    return singles.some(({ name }) => {
      const values = [...new Set(some.flatMap((entry) => valuesOf(entry, name)))];
      const sameValues = groups.flatMap((group) => pairsOf(group.flatMap((entry) => valuesOf(entry, name))));
      return sets(values, sameValues).length > 1;
    });
  };

  /** Draws lines, strongest first. Refuses equally strong lines that together would join two different values. */
  const join = (found: readonly Entry[], lines: readonly Line[]) => {
    let drawn: Line[] = [];
    const refused: Line[] = [];
    for (const strength of [...new Set(lines.map(strengthOf))].sort((a, b) => a - b)) {
      const parts = partsOf(found, drawn);
      const ofOneStrength = lines.filter((line) => strengthOf(line) === strength);
      const joining = ofOneStrength.filter(
        (line) => !parts.some((part) => isIn(line, part) && part.identifiers.has(text(line.identifier))),
      );
      const against = partsOf(found, [...drawn, ...joining]).filter((part) => contradicts(part.entries));
      const isRefused = (line: Line) => joining.includes(line) && against.some((part) => isIn(line, part));
      refused.push(...ofOneStrength.filter(isRefused));
      drawn = [...drawn, ...ofOneStrength.filter((line) => !isRefused(line))];
    }
    return { parts: partsOf(found, drawn), drawn, refused };
  };

  const walk = (start: Identifier) => {
    const queried = new Map([[text(start), start]]);
    let rounds = 1;
    for (;;) {
      const found = entries.filter((entry) =>
        [...queried.values()].some(
          (identifier) =>
            (identifier === start || uniquenessIn(entry.system, identifier) !== 'none') &&
            answer(entry.system, identifier)?.includes(entry),
        ),
      );
      const startEntries = found.filter((entry) => answer(entry.system, start)?.includes(entry));
      const lines = linesOf(found, [start], queried);
      // The walk continues from all records that are connected with its start, by drawn and refused lines: this finds
      // conflicts. It does not continue from an unconnected record that a system returns.
      const reachable = partsOf(found, lines).filter((part) =>
        part.entries.some((entry) => startEntries.includes(entry)),
      );
      const unqueried = reachable
        .flatMap((part) => part.entries)
        .flatMap((entry) => [
          ownId(entry),
          ...[...entry.holds.values()]
            .filter(({ identifier, verified }) => mightVouch(entry, identifier, verified))
            .map(({ identifier }) => identifier),
        ])
        .filter((identifier) => !queried.has(text(identifier)) && mayLink(identifier));
      if (unqueried.length === 0) return { found, startEntries, lines, rounds };
      for (const identifier of unqueried) queried.set(text(identifier), identifier);
      rounds++;
    }
  };

  const refsOf = (some: readonly Entry[]): Ref[] =>
    entries
      .filter((entry) => some.includes(entry))
      .sort((a, b) => a.rank - b.rank || (a.record.id < b.record.id ? -1 : 1))
      .map(({ ref }) => ref);

  return {
    /** The result of the rules for an identifier, if the systems return only records that they are queried for. */
    meaning: (start: Identifier): Decision => {
      const { found, startEntries, lines, rounds } = walk(start);
      const { parts, drawn, refused } = join(found, lines);
      const startParts = parts.filter((part) => part.entries.some((entry) => startEntries.includes(entry)));
      const several = Math.max(
        0,
        ...world.systems.map(
          (system) => customers(startEntries.filter((entry) => entry.system === system)).length,
        ),
      );
      const failed = world.systems.some(
        (system) => uniquenessIn(system, start) !== undefined && isUnavailable(system, start),
      );
      const conflictsOf = (some: readonly Line[]) =>
        [...new Set(some.map(({ identifier }) => text(identifier)))].sort();
      return {
        kind:
          startEntries.length === 0
            ? failed
              ? 'failed'
              : 'unknown'
            : several > 1 || startParts.length > 1
              ? 'ambiguous'
              : 'identified',
        refs: refsOf(startParts.flatMap((part) => part.entries)),
        candidates: several > 1 ? several : startParts.length,
        lines: drawn
          .filter((line) => startParts.some((part) => isIn(line, part)))
          .map(({ entry, identifier, rule }) => `${entry.ref} ${text(identifier)} ${rule}`),
        conflicts: conflictsOf(refused.filter((line) => startParts.some((part) => touches(line, part)))),
        allConflicts: conflictsOf(refused),
        isJoinedByRule: startParts.some(({ entries: some }) =>
          singles.some(({ name }) => new Set(some.flatMap((entry) => valuesOf(entry, name))).size > 1),
        ),
        rounds,
      };
    },
    /**
     * The groups of records that lines connect, drawn or refused, if all systems are queried by every identifier. No
     * answer may show records of two groups as one customer.
     */
    atMost: (): Ref[][] => {
      const identifiers = new Map<string, Identifier>();
      const hashes: Identifier[] = [];
      for (const { holds } of entries)
        for (const [key, { identifier }] of holds) {
          identifiers.set(key, identifier);
          if (identifier.namespace === 'email')
            hashes.push({ namespace: 'hash', value: `#${identifier.value}` });
        }
      return partsOf(entries, linesOf(entries, hashes, identifiers)).map((part) => refsOf(part.entries));
    },
    /** The records at which the walk begins. */
    begins: (start: Identifier): Ref[] =>
      refsOf(world.systems.flatMap((system) => answer(system, start) ?? [])),
  };
}
