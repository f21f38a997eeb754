/** Generates small, difficult worlds of systems and records for the rules of src/identity/README.md. */
import fc from 'fast-check';
import type { Client } from '../../src/connectors/connector.js';
import { normalise, type Identifier } from '../../src/identity/identifiers.js';
import type {
  CustomerRecord,
  IdentityDeclaration,
  Namespace,
  Uniqueness,
} from '../../src/identity/declaration.js';

type Yields = Record<string, IdentityDeclaration<Client>['yields'][string]>;

export interface MadeSystem {
  name: string;
  recordKey: string;
  /** In addition to its record key, which is `enforced`. */
  foundBy: Record<string, Uniqueness>;
  yields: Yields;
  /** Whether the system has a rule by which two records are one customer. */
  hasRule: boolean;
  records: readonly CustomerRecord[];
}

export interface World {
  /** Ordered by trust, the most trusted first. */
  systems: readonly MadeSystem[];
  namespaces: ReadonlyMap<string, Namespace>;
  /** Unavailable systems, such as `crm`, or single queries, such as `crm email`. */
  unavailable: readonly string[];
}

export const text = ({ namespace, value }: Identifier): string => `${namespace} ${value}`;

/** Returns the normalised identifier, or null if it is a placeholder. */
export function read(world: World, namespace: string, value: string | null | undefined): Identifier | null {
  const declared = world.namespaces.get(namespace);
  if (declared === undefined) throw new Error(`No system declares ${namespace}.`);
  return value === null || value === undefined ? null : normalise(declared, value);
}

/** The records of each system by identifier, computed once. */
const answers = new WeakMap<MadeSystem, Map<string, readonly CustomerRecord[]>>();

/** The records that hold the identifier. A hash also finds the records with its e-mail address. */
export function recordsOf(world: World, system: MadeSystem, wanted: Identifier): readonly CustomerRecord[] {
  const known = answers.get(system) ?? new Map<string, readonly CustomerRecord[]>();
  answers.set(system, known);
  const before = known.get(text(wanted));
  if (before !== undefined) return before;
  const records = system.records.filter(
    (record) =>
      (wanted.namespace === system.recordKey && record.id === wanted.value) ||
      record.identifiers.some(({ namespace, value }) => {
        const held = read(world, namespace, value);
        return (
          held !== null &&
          (text(held) === text(wanted) ||
            (held.namespace === 'email' && wanted.namespace === 'hash' && `#${held.value}` === wanted.value))
        );
      }),
  );
  known.set(text(wanted), records);
  return records;
}

/**
 * The rule of systems with `hasRule`. It is not transitive: A may match B, and B may match C, although A does not match
 * C.
 */
export function isSameCustomer(a: CustomerRecord, b: CustomerRecord): boolean {
  const verifiedPhones = (record: CustomerRecord) =>
    record.identifiers
      .filter(({ namespace, verified }) => namespace === 'phone' && verified === true)
      .map(({ value }) => value?.trim().toLowerCase());
  const phones = new Set(verifiedPhones(b));
  return (
    (a.profile?.name !== undefined && a.profile.name === b.profile?.name) ||
    verifiedPhones(a).some((phone) => phones.has(phone))
  );
}

/** All identifiers of all records without duplicates, including record ids and the hashes of e-mail addresses. */
export function identifiersOf(world: World): Identifier[] {
  const all = new Map<string, Identifier>();
  for (const system of world.systems)
    for (const record of system.records)
      for (const { namespace, value } of [
        { namespace: system.recordKey, value: record.id },
        ...record.identifiers,
        ...record.identifiers
          .filter((identifier) => identifier.namespace === 'email')
          .map((identifier) => ({ namespace: 'hash', value: `#${identifier.value ?? ''}` })),
      ]) {
        const identifier = read(world, namespace, value);
        if (identifier !== null) all.set(text(identifier), identifier);
      }
  return [...all.values()];
}

/** Whether a record vouches for an identifier that cannot find that record. */
export const linksOneWay = ({ systems }: World): boolean =>
  systems.some(({ records, foundBy }) =>
    records.some(({ identifiers }) =>
      identifiers.some(({ namespace, verified }) => verified === true && foundBy[namespace] === undefined),
    ),
  );

const NAMES = ['ant', 'bee', 'cow', 'dog', 'elk', 'fox', 'gnu', 'hen'];

function simple(name: string, pattern: RegExp, perCustomer: 'one' | 'several' = 'several'): Namespace {
  return {
    name,
    description: 'Made up.',
    perCustomer,
    normalise: (value) => {
      const plain = value.trim().toLowerCase();
      return pattern.test(plain) ? plain : null;
    },
  };
}

const SHARED: readonly Namespace[] = [
  { ...simple('email', /^[a-z0-9]+@x$/), mayLink: (value) => value !== 'info@x' },
  simple('hash', /^#[a-z0-9]+@x$/),
  simple('phone', /^p\d$/),
  simple('kvk', /^k\d$/, 'one'),
];

/** An identifier of a record: mostly the person's, sometimes another person's, a shared one, or a placeholder. */
const held = fc.record({
  kind: fc.constantFrom('email', 'email', 'email', 'phone', 'phone', 'kvk', 'id', 'id'),
  whose: fc.oneof({ weight: 5, arbitrary: fc.constant('own') }, fc.constantFrom('other', 'shared', 'nobody')),
  nth: fc.nat(1),
  verified: fc.boolean(),
  isSloppy: fc.boolean(),
});

const drawn = fc.record({
  person: fc.nat(2),
  system: fc.nat(7),
  name: fc.constantFrom(undefined, 'own', 'own', 'alias', 'shared'),
  holds: fc.array(held, { minLength: 1, maxLength: 4, size: 'max' }),
});

const uniqueness = fc.constantFrom<Uniqueness>('enforced', 'usual', 'usual', 'verified', 'none');

const drawnSystem = fc.record({
  finders: fc.record({
    email: fc.option(uniqueness, { freq: 4 }),
    phone: fc.option(uniqueness, { freq: 2 }),
    kvk: fc.option(uniqueness, { freq: 1 }),
    hash: fc.option(uniqueness, { freq: 1 }),
  }),
  /** The other systems by whose ids the system can be queried. */
  foundByIds: fc.array(fc.tuple(fc.nat(7), uniqueness), { maxLength: 3 }),
  hasRule: fc.constantFrom(true, true, false),
  isIdOne: fc.boolean(),
  declaresAll: fc.boolean(),
  declaresShown: fc.boolean(),
});

export const worlds: fc.Arbitrary<World> = fc
  .record({
    systems: fc.oneof(
      { weight: 2, arbitrary: fc.array(drawnSystem, { minLength: 1, maxLength: 3, size: 'max' }) },
      fc.array(drawnSystem, { minLength: 1, maxLength: 8, size: 'max' }),
    ),
    people: fc.constantFrom(1, 2, 2, 3),
    records: fc.array(drawn, { minLength: 2, maxLength: 9, size: 'max' }),
    /** Whether every link works in both directions. */
    isTidy: fc.boolean(),
    unavailable: fc.array(fc.tuple(fc.nat(7), fc.constantFrom('', '', ' email', ' phone', ' Id')), {
      minLength: 1,
      maxLength: 3,
    }),
  })
  .map(({ systems: declared, people, records, isTidy, unavailable }) => {
    const at = (index: number) => index % declared.length;
    const nameAt = (index: number) => NAMES[at(index)] ?? '';
    const idOf = (index: number) => `${nameAt(records[index]?.system ?? 0)}${index}`;
    const namespaces = new Map(
      [
        ...SHARED,
        ...declared.map(({ isIdOne }, i) =>
          simple(`${nameAt(i)}Id`, /^[a-z]+\d+$/, isIdOne ? 'one' : 'several'),
        ),
      ].map((namespace) => [namespace.name, namespace]),
    );
    const drawnRecords = records.map(({ person: drawnPerson, system, name, holds }, index) => {
      const person = drawnPerson % people;
      const identifiers = holds.map(({ kind, whose, nth, verified, isSloppy }) => {
        const owner = whose === 'other' ? (person + 1) % 3 : person;
        let namespace: string = kind;
        let value = {
          email: whose === 'shared' ? 'info@x' : `e${owner}${nth}@x`,
          phone: whose === 'shared' ? 'p9' : `p${owner}`,
          kvk: `k${owner}`,
          id: 'anonymous',
        }[kind];
        if (kind === 'id') {
          // The id of another record, most often of the same person.
          const others = records.map((_, i) => i).filter((i) => at(records[i]?.system ?? 0) !== at(system));
          const theirs = others.filter((i) => (records[i]?.person ?? 0) % people === owner);
          const target = theirs[nth % Math.max(theirs.length, 1)] ?? others[0];
          namespace = `${nameAt(target === undefined ? 0 : (records[target]?.system ?? 0))}Id`;
          if (target !== undefined) value = idOf(target);
        }
        if (whose === 'nobody') value = 'anonymous';
        return { namespace, value: isSloppy ? ` ${value.toUpperCase()}` : value, verified };
      });
      return {
        system: at(system),
        id: idOf(index),
        identifiers,
        profile: name === undefined ? {} : { name: name === 'shared' ? name : `${name}${person}` },
      };
    });
    const systems = declared.map(
      ({ finders, foundByIds, hasRule, declaresAll, declaresShown }, i): MadeSystem => {
        const recordKey = `${nameAt(i)}Id`;
        const foundBy: Record<string, Uniqueness> = {};
        for (const [namespace, how] of Object.entries(finders)) if (how !== null) foundBy[namespace] = how;
        for (const [other, how] of foundByIds) if (at(other) !== i) foundBy[`${nameAt(other)}Id`] ??= how;
        const takenBy = new Map<string, string>();
        const recordsOfSystem: CustomerRecord[] = drawnRecords
          .filter(({ system }) => system === i)
          .map((record): CustomerRecord => {
            const have = new Set<string>();
            const identifiers = record.identifiers.flatMap(({ namespace, value, verified }) => {
              if (namespace === recordKey) return [];
              // A record holds one value of a single-value identifier.
              if (namespaces.get(namespace)?.perCustomer === 'one' && have.has(namespace)) return [];
              // A system enforces its declared uniqueness, so it cannot hold two hashes of one address.
              const isEnforced =
                foundBy[namespace] === 'enforced' ||
                (namespace === 'email' && foundBy['hash'] === 'enforced');
              const key = `${namespace} ${value.trim().toLowerCase()}`;
              const first = takenBy.get(key) ?? record.id;
              if (isEnforced && first !== record.id) return [];
              takenBy.set(key, first);
              have.add(namespace);
              return [
                { namespace, value, verified: verified && (!isTidy || foundBy[namespace] !== undefined) },
              ];
            });
            return { id: record.id, profile: record.profile, identifiers };
          });
        const yields: Yields = {};
        for (const record of recordsOfSystem)
          for (const { namespace } of record.identifiers) {
            const count = record.identifiers.filter(
              (identifier) => identifier.namespace === namespace,
            ).length;
            if (count > 1 || yields[namespace] === undefined)
              yields[namespace] = count > 1 ? 'several' : 'one';
          }
        if (declaresAll)
          for (const namespace of namespaces.keys())
            if (namespace !== recordKey && namespace !== 'hash') yields[namespace] = 'several';
        if (declaresShown)
          for (const namespace of Object.keys(yields)) {
            const how = foundBy[namespace];
            const isVerified = recordsOfSystem.some(({ identifiers }) =>
              identifiers.some(
                (identifier) => identifier.namespace === namespace && identifier.verified === true,
              ),
            );
            if (how === 'none' || ((how === undefined || how === 'verified') && !isVerified))
              yields[namespace] = 'shown';
          }
        return { name: nameAt(i), recordKey, foundBy, yields, hasRule, records: recordsOfSystem };
      },
    );
    return {
      systems,
      namespaces,
      unavailable: unavailable.map(([system, by]) =>
        by === ' Id' ? `${nameAt(system)} ${nameAt(system)}Id` : `${nameAt(system)}${by}`,
      ),
    };
  });

/** Creates a record from a short notation: `record('c1', 'Eva', 'email e00@x', 'phone p0 verified')`. */
export const record = (
  id: string,
  name: string | undefined,
  ...holds: readonly string[]
): CustomerRecord => ({
  id,
  profile: name === undefined ? {} : { name },
  identifiers: holds.map((text) => {
    const [namespace = '', value, verified] = text.split(' ');
    return { namespace, value, verified: verified !== undefined };
  }),
});

/** Creates a world from systems. A customer has one value of `kvk` and of each namespace in `singles`. */
export function small(
  systems: readonly (Pick<MadeSystem, 'name' | 'records'> & Partial<MadeSystem>)[],
  singles: readonly string[] = [],
): World {
  return {
    unavailable: [],
    namespaces: new Map(
      [
        ...SHARED,
        ...systems.map(({ name }) =>
          simple(`${name}Id`, /^[a-z]+\d+$/, singles.includes(`${name}Id`) ? 'one' : 'several'),
        ),
      ].map((namespace) => [namespace.name, namespace]),
    ),
    systems: systems.map((system) => ({
      recordKey: `${system.name}Id`,
      foundBy: {},
      hasRule: false,
      yields: Object.fromEntries(
        system.records.flatMap(({ identifiers }) =>
          identifiers.map((identifier) => [identifier.namespace, 'several']),
        ),
      ),
      ...system,
    })),
  };
}

/** Describes a world for the message of a failed property. */
export function describeWorld(world: World): string {
  return [
    ...world.systems.flatMap((system) => [
      `${system.name} queried by ${JSON.stringify(system.foundBy)} yields ${JSON.stringify(system.yields)}` +
        (system.hasRule ? ', has a rule' : '') +
        (world.namespaces.get(system.recordKey)?.perCustomer === 'one' ? ', its ids are one' : ''),
      ...system.records.map(
        ({ id, identifiers, profile }) =>
          `  ${id} ${profile?.name ?? '-'}: ` +
          identifiers
            .map(({ namespace, value, verified }) => `${namespace}=${value ?? ''}${verified ? ' (v)' : ''}`)
            .join(', '),
      ),
    ]),
    `unavailable: ${world.unavailable.join(', ')}`,
  ].join('\n');
}
