import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import { AmbiguousIdentityError, GatewayError, SourceUnavailableError } from '../../src/errors.js';
import type { Identifier } from '../../src/identity/identifiers.js';
import {
  createIdentities,
  type Identity,
  type IdentityRules,
  type Match,
  type Outcome,
} from '../../src/identity/identity-graph.js';
import type { Load } from '../../src/loaders/registry.js';
import type { FoundBy, CustomerRecord } from '../../src/identity/declaration.js';
import { createOracle, type Ref } from './oracle.js';
import {
  identifiersOf,
  isSameCustomer,
  linksOneWay,
  record,
  small,
  recordsOf,
  text,
  describeWorld,
  worlds,
  type World,
} from './worlds.js';
import { loadersOf } from '../support/loaders-of.js';
import { runCount } from '../support/thorough.js';

const client: Client = { ping: () => Promise.resolve() };

const NO_LIMITS: IdentityRules['limits'] = {
  maxHops: 1000,
  maxValuesPerNamespace: 1000,
  maxIdentifiers: 1000,
  patienceMs: 60_000,
};

interface Circumstances {
  limits?: Partial<IdentityRules['limits']>;
  unavailable?: readonly string[];
  /** A seed for the order of answers, the order of records in an answer, and the records that occur twice in it. */
  disorder?: number;
}

/** The gateway's identity for one identifier of a world, and the calls that it sent. */
function gateway(
  world: World,
  start: Identifier,
  { limits, unavailable = [], disorder = 0 }: Circumstances = {},
) {
  const calls: string[] = [];
  const rules: IdentityRules = {
    namespaces: world.namespaces,
    limits: { ...NO_LIMITS, ...limits },
    sources: world.systems.map((system) => ({
      name: system.name,
      identity: {
        recordKey: system.recordKey,
        yields: system.yields,
        ...(system.hasRule ? { sameCustomer: isSameCustomer } : {}),
        foundBy: Object.fromEntries(
          Object.entries({ ...system.foundBy, [system.recordKey]: 'enforced' as const }).map(
            ([namespace, uniqueness]): [string, FoundBy<Client>] => [
              namespace,
              {
                uniqueness,
                loader: {
                  name: namespace,
                  load: async (values) => {
                    const identifiers = values.map((value) => ({ namespace, value }));
                    calls.push(...identifiers.map((identifier) => `${system.name} ${text(identifier)}`));
                    const yieldCount =
                      disorder === 0 ? 0 : chance(disorder, `${system.name} ${values.join()}`, 6);
                    for (let i = 0; i < yieldCount; i++) await new Promise(setImmediate);
                    if (
                      unavailable.includes(system.name) ||
                      unavailable.includes(`${system.name} ${namespace}`)
                    )
                      throw new SourceUnavailableError(system.name, `${system.name} is unavailable.`);
                    return identifiers.map((identifier) =>
                      disordered(recordsOf(world, system, identifier), disorder),
                    );
                  },
                },
              },
            ],
          ),
        ),
      },
    })),
  };
  const load: Load = async (loader, key) => {
    const [value] = await loader.load([key], client as never);
    if (value instanceof Error) throw value;
    if (value === undefined) throw new Error('no answer');
    return value;
  };
  const identities = createIdentities(rules, loadersOf(load));
  return { identity: identities.of(start), identities, calls };
}

/** Returns a number below the bound. It depends only on the seed and the text. */
function chance(seed: number, of: string, bound: number): number {
  let hash = seed;
  for (const letter of of) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0;
  return Math.abs(hash ^ (hash >>> 15)) % bound;
}

function disordered(records: readonly CustomerRecord[], disorder: number): CustomerRecord[] {
  if (disorder === 0) return [...records];
  return records
    .flatMap((record) => (chance(disorder, `twice ${record.id}`, 4) === 0 ? [record, record] : [record]))
    .map((record, i) => ({ record, place: chance(disorder, `${record.id} ${i}`, 1000) }))
    .sort((a, b) => a.place - b.place)
    .map(({ record }) => record);
}

const refsOf = (records: Match['records']): Ref[] =>
  records.map(({ source, record }) => `${source.name} ${record.id}`);

const shown = (match: Match): Ref[] => (match.kind === 'identified' ? refsOf(match.records) : []);

const shownBy = (source: string, outcome: Outcome): Ref[] =>
  outcome.kind === 'found' ? outcome.records.map(({ id }) => `${source} ${id}`) : [];

const within = (some: readonly Ref[], all: readonly Ref[]) => some.every((ref) => all.includes(ref));

/** Fails with a description of the world, so that the defect can be traced by hand. */
function must(holds: boolean, world: World, start: Identifier, what: string, seen?: unknown, rule?: unknown) {
  if (holds) return;
  throw new Error(
    `${what}\nfrom ${text(start)} in\n${describeWorld(world)}\nseen: ${JSON.stringify(seen)}\nrule: ${JSON.stringify(rule)}`,
  );
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** Every identifier of a record by which a system can be queried, and one that no record holds. */
const startsOf = (world: World): Identifier[] => [
  ...identifiersOf(world).filter(({ namespace }) =>
    world.systems.some(
      ({ recordKey, foundBy }) => namespace === recordKey || foundBy[namespace] !== undefined,
    ),
  ),
  { namespace: 'email', value: 'e99@x' },
];

function inEveryWorld(holds: (world: World, starts: readonly Identifier[]) => Promise<void>, numRuns = 400) {
  return fc.assert(
    fc.asyncProperty(worlds, (world) => holds(world, startsOf(world))),
    { numRuns: runCount(numRuns) },
  );
}

describe('in any world, from any identifier', () => {
  test('shows exactly the records that the rules link', async () => {
    await inEveryWorld(async (world, starts) => {
      const oracle = createOracle(world);
      for (const start of starts) {
        const rule = oracle.meaning(start);
        const match = await gateway(world, start).identity.fullMatch();
        must(match.kind === rule.kind, world, start, 'returns another kind of match', match.kind, rule);
        if (rule.kind === 'identified')
          must(same(shown(match), rule.refs), world, start, 'shows others', shown(match), rule.refs);
        if (rule.kind === 'ambiguous') {
          const candidates = refsOf(match.records);
          must(same(candidates, rule.refs), world, start, 'names other candidates', candidates, rule.refs);
          must(match.candidates === rule.candidates, world, start, 'counts wrongly', match.candidates, rule);
        }
        if (rule.kind !== 'unknown') {
          const conflictsOf = [...new Set(match.conflicts.map(({ over }) => text(over)))].sort();
          must(
            within(rule.conflicts, conflictsOf) && within(conflictsOf, rule.allConflicts),
            world,
            start,
            'reports other conflicts',
            match.conflicts,
            rule,
          );
        }
        must(match.limitsReached.size === 0, world, start, 'reached a limit', [...match.limitsReached]);
      }
    });
  });

  test('reports as reasons exactly the links that join the records', async () => {
    await inEveryWorld(async (world, starts) => {
      const oracle = createOracle(world);
      for (const start of starts) {
        const rule = oracle.meaning(start);
        const match = await gateway(world, start).identity.fullMatch();
        const lines = match.links.map(
          (line) =>
            `${line.record.source.name} ${line.record.record.id} ${text(line.identifier)} ${line.rule}`,
        );
        if (rule.kind === 'identified')
          must(
            same(lines.sort(), [...rule.lines].sort()),
            world,
            start,
            'reports other reasons',
            lines,
            rule,
          );
      }
    });
  });

  test('never shows two unlinked records as one customer', async () => {
    await inEveryWorld(async (world, starts) => {
      const parts = createOracle(world).atMost();
      for (const start of starts) {
        const { identity } = gateway(world, start);
        const outcomes = await Promise.all(
          world.systems.map(async ({ name }) => shownBy(name, await identity.findIn(name))),
        );
        for (const refs of [shown(await identity.fullMatch()), outcomes.flat()])
          must(
            refs.length === 0 || parts.some((part) => within(refs, part)),
            world,
            start,
            'shows records of two customers as one',
            refs,
            parts,
          );
      }
    });
  });

  test('finds the same records in a single system as in all systems', async () => {
    await inEveryWorld(async (world, starts) => {
      const oracle = createOracle(world);
      for (const start of starts) {
        const rule = oracle.meaning(start);
        for (const { name } of world.systems) {
          const outcome = await gateway(world, start).identity.findIn(name);
          const expected =
            rule.kind === 'identified' ? rule.refs.filter((ref) => ref.startsWith(`${name} `)) : [];
          const found = shownBy(name, outcome);
          must(same(found, expected), world, start, `finds others in ${name}`, outcome, rule);
          if (rule.kind !== 'identified')
            must(
              outcome.kind === (rule.kind === 'unknown' ? 'unknown' : 'failed'),
              world,
              start,
              `returns a wrong outcome for ${name}`,
              outcome,
              rule,
            );
          // For an unknown customer, the error may be that the system holds several customers under the requested
          // identifier.
          must(
            outcome.kind !== 'failed' || outcome.error instanceof AmbiguousIdentityError,
            world,
            start,
            `fails in ${name}`,
            outcome,
            rule,
          );
        }
      }
    });
  });

  test('returns synchronously only records that a query returns, and all of them after every system has answered', async () => {
    const everyOther = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(worlds, everyOther, fc.nat({ max: 3 }), async (world, isUnavailable, disorder) => {
        const unavailable = world.systems.filter((_, i) => isUnavailable[i] === true).map(({ name }) => name);
        for (const start of startsOf(world)) {
          const { identity } = gateway(world, start, { unavailable, disorder });
          const summaryOf = (name: string, outcome: Outcome) =>
            outcome.kind === 'failed'
              ? outcome.error.message
              : `${outcome.kind} ${shownBy(name, outcome).join()}`;
          const atOnce = () =>
            world.systems.map(({ name }) => {
              const outcome = identity.foundIn(name);
              return outcome === undefined ? undefined : summaryOf(name, outcome);
            });
          must(
            atOnce().every((outcome) => outcome === undefined),
            world,
            start,
            'returns records that no system was queried for',
          );
          const begun = identity.findIn(world.systems[0]?.name ?? '').catch(() => undefined);
          const early = atOnce();
          await begun;
          const later = atOnce();
          const answers = await Promise.all(
            world.systems.map(async ({ name }) => summaryOf(name, await identity.findIn(name))),
          );
          for (const seen of [early, later])
            must(
              seen.every((outcome, i) => outcome === undefined || outcome === answers[i]),
              world,
              start,
              'returns another result synchronously',
              seen,
              answers,
            );
          await identity.fullMatch();
          must(same(atOnce(), answers), world, start, 'does not return the known records', atOnce(), answers);
        }
      }),
      { numRuns: runCount(300) },
    );
  });

  test('finds for each customer of a list the same records as a query about that customer', async () => {
    const everyOther = fc.array(fc.boolean(), { minLength: 8, maxLength: 8 });
    const limits = fc.constantFrom({}, { maxHops: 2, maxValuesPerNamespace: 1 });
    const summaryOf = async (identity: Identity, { systems }: World) => {
      const outcomes: string[] = [];
      for (const { name } of systems) {
        const outcome = await identity.findIn(name);
        outcomes.push(
          outcome.kind === 'failed'
            ? outcome.error.message
            : `${outcome.kind} ${shownBy(name, outcome).join()}`,
        );
      }
      const { kind, candidates, links, conflicts, limitsReached } = await identity.fullMatch();
      const lines = links.map(({ record, identifier, rule }) => `${record.key} ${text(identifier)} ${rule}`);
      return [kind, candidates, outcomes, lines.sort(), conflicts, [...limitsReached]];
    };
    await fc.assert(
      fc.asyncProperty(worlds, everyOther, limits, async (world, isUnavailable, someLimits) => {
        const unavailable = world.systems.filter((_, i) => isUnavailable[i] === true).map(({ name }) => name);
        const circumstances = { unavailable, limits: someLimits };
        const wanted = new Set(world.systems.map(({ name }) => name));
        const starts = startsOf(world);
        const [first] = starts;
        if (first === undefined) return;
        const { identities } = gateway(world, first, circumstances);
        await identities.walkTogether([...starts, ...starts], wanted);
        for (const start of starts) {
          const inList = await summaryOf(identities.of(start), world);
          const alone = await summaryOf(gateway(world, start, circumstances).identity, world);
          must(same(inList, alone), world, start, 'finds other records in a list', inList, alone);
        }
      }),
      { numRuns: runCount(300) },
    );
  });

  test('reports a known customer only if a system knows one', async () => {
    await inEveryWorld(async (world, starts) => {
      const oracle = createOracle(world);
      const wanted = new Set(world.systems.map(({ name }) => name));
      for (const start of starts) {
        const rule = oracle.meaning(start);
        const known = await gateway(world, start)
          .identity.isKnown(wanted)
          .catch((error: unknown) => error);
        const expected: unknown = rule.kind !== 'unknown';
        must(
          known === expected || (rule.kind === 'ambiguous' && known instanceof AmbiguousIdentityError),
          world,
          start,
          'reports wrongly whether the customer is known',
          String(known),
          rule,
        );
      }
    });
  });

  test('never sends the same query to a system twice', async () => {
    await inEveryWorld(async (world, starts) => {
      const wanted = new Set(world.systems.map(({ name }) => name));
      for (const start of starts) {
        const { identity, calls } = gateway(world, start);
        await Promise.allSettled([
          identity.isKnown(wanted),
          ...world.systems.map(({ name }) => identity.findIn(name)),
          identity.fullMatch(),
        ]);
        await identity.fullMatch();
        const twice = calls.filter((call, i) => calls.indexOf(call) !== i);
        must(twice.length === 0, world, start, 'queries twice', twice);
      }
    });
  });
});

describe('in any world, the answer does not depend on', () => {
  const limits = fc.constantFrom<Partial<IdentityRules['limits']>>(
    {},
    {},
    { maxHops: 2 },
    { maxValuesPerNamespace: 1 },
    { maxIdentifiers: 3 },
  );
  const disorders = fc.tuple(fc.integer({ min: 1 }), fc.integer({ min: 1 }));

  test('the order of answers, or the order of records in an answer', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, limits, disorders, async (world, caps, [firstDisorder, secondDisorder]) => {
        for (const start of startsOf(world)) {
          const answers = [0, firstDisorder, secondDisorder].map(async (disorder) => {
            const { identity } = gateway(world, start, { limits: caps, disorder });
            const finds = world.systems.map(async ({ name }) => [
              name,
              shownBy(name, await identity.findIn(name)),
            ]);
            const found = await Promise.all(finds);
            const { kind, candidates, records, conflicts, limitsReached } = await identity.fullMatch();
            const refs = refsOf(records);
            return { kind, candidates, refs, conflicts, limits: [...limitsReached].sort(), found };
          });
          const [first, ...others] = await Promise.all(answers);
          for (const answer of others) must(same(answer, first), world, start, 'changes', answer, first);
        }
      }),
      { numRuns: runCount(300) },
    );
  });

  test('the identifier by which the customer is found', async () => {
    await inEveryWorld(async (world, starts) => {
      if (linksOneWay(world)) return;
      const matches = new Map<string, Ref[]>();
      for (const start of starts) {
        // An identifier that never links does not connect its records, and no record holds a hash.
        if (world.namespaces.get(start.namespace)?.mayLink?.(start.value) === false) continue;
        if (start.namespace === 'hash') continue;
        const refs = shown(await gateway(world, start).identity.fullMatch());
        for (const ref of refs) {
          const before = matches.get(ref) ?? refs;
          must(same(refs, before), world, start, `finds ${ref} with others`, refs, before);
          matches.set(ref, refs);
        }
      }
    }, 150);
  });
});

describe('in any world with unavailable systems', () => {
  test('an unavailable system hides only its own records, and adds no others', async () => {
    await inEveryWorld(async (world, starts) => {
      const up = createOracle(world);
      const parts = up.atMost();
      const reducedOracle = createOracle(world, world.unavailable);
      for (const start of starts) {
        const whole = up.meaning(start);
        const rule = reducedOracle.meaning(start);
        const begins = up.begins(start);
        const { identity } = gateway(world, start, { unavailable: world.unavailable });
        const match = await identity.fullMatch().catch((error: unknown) => {
          if (error instanceof GatewayError) return null;
          throw error;
        });
        const refs = match === null ? [] : shown(match);
        must(
          refs.length === 0 ||
            parts.some((part) => within(refs, part) && begins.some((ref) => part.includes(ref))),
          world,
          start,
          'shows records of two customers as one',
          refs,
          parts,
        );
        // An unavailable system might have shown a conflict, or another customer under the identifier. Without it, more
        // records may be shown. The check above ensures that these are connected when all systems answer, apart from
        // conflicts.
        if (whole.kind === 'unknown' || (whole.kind === 'identified' && whole.conflicts.length === 0))
          must(within(refs, whole.refs), world, start, 'shows more records than before', refs, whole);
        if (rule.kind === 'identified' || rule.kind === 'ambiguous') {
          const expected = rule.kind === 'identified' ? rule.refs : [];
          must(
            same(refs, expected),
            world,
            start,
            'shows other records while systems are unavailable',
            refs,
            rule,
          );
        }
        if (rule.kind === 'failed') {
          const known = await gateway(world, start, { unavailable: world.unavailable })
            .identity.isKnown(new Set(world.systems.map(({ name }) => name)))
            .catch((error: unknown) => error);
          must(
            known instanceof GatewayError,
            world,
            start,
            'reports a customer as known without an answer',
            String(known),
          );
        }
        for (const { name } of world.systems) {
          const outcome = await gateway(world, start, { unavailable: world.unavailable }).identity.findIn(
            name,
          );
          const found = shownBy(name, outcome);
          must(
            outcome.kind !== 'found' ||
              same(
                found,
                refs.filter((ref) => ref.startsWith(`${name} `)),
              ),
            world,
            start,
            `finds other records in ${name} while systems are unavailable`,
            found,
            rule,
          );
        }
      }
    });
  });

  test('a limit may hide records, and is then reported', async () => {
    const limits = fc.record({
      maxHops: fc.integer({ min: 1, max: 4 }),
      maxValuesPerNamespace: fc.integer({ min: 1, max: 4 }),
      maxIdentifiers: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(worlds, limits, async (world, caps) => {
        const oracle = createOracle(world);
        const parts = oracle.atMost();
        for (const start of startsOf(world)) {
          const rule = oracle.meaning(start);
          const match = await gateway(world, start, { limits: caps }).identity.fullMatch();
          const refs = shown(match);
          const begins = oracle.begins(start);
          must(
            refs.length === 0 ||
              parts.some((part) => within(refs, part) && begins.some((ref) => part.includes(ref))),
            world,
            start,
            `shows records of two customers as one with the limits ${JSON.stringify(caps)}`,
            refs,
            parts,
          );
          if (rule.conflicts.length === 0)
            must(
              rule.kind === 'identified' ? within(refs, rule.refs) : refs.length === 0,
              world,
              start,
              `shows more records with the limits ${JSON.stringify(caps)}`,
              refs,
              rule,
            );
          const expected = rule.kind === 'identified' ? rule.refs : [];
          must(
            match.limitsReached.size > 0 || (match.kind === rule.kind && same(refs, expected)),
            world,
            start,
            `does not report missing records with the limits ${JSON.stringify(caps)}`,
            match.kind,
            rule,
          );
        }
      }),
      { numRuns: runCount(300) },
    );
  });
});

describe('in rare and difficult worlds', () => {
  test.each([
    [
      'different ids of another system that the record holds and does not vouch for',
      small(
        [
          { name: 'crm', records: [record('c1', undefined, 'deskId d1 verified', 'shopId s1')] },
          { name: 'desk', records: [record('d1', undefined, 'shopId s2')] },
          { name: 'shop', records: [record('s1', 'Eva'), record('s2', 'Bo')] },
        ],
        ['shopId'],
      ),
    ],
    [
      'records that their own system joins through a third one',
      small(
        [
          {
            name: 'shop',
            hasRule: true,
            foundBy: { email: 'usual' },
            records: [
              record('s1', 'Eva', 'email e00@x', 'phone p0 verified'),
              record('s2', 'Eva', 'email e00@x'),
              record('s3', undefined, 'email e00@x', 'phone p0 verified'),
            ],
          },
        ],
        ['shopId'],
      ),
    ],
    [
      'two values that their own system joins, and two other systems with one value each',
      small([
        {
          name: 'shop',
          hasRule: true,
          foundBy: { email: 'usual' },
          records: [
            record('s1', 'Eva', 'email e00@x', 'kvk k0'),
            record('s2', 'Eva', 'email e00@x', 'kvk k1'),
          ],
        },
        {
          name: 'crm',
          foundBy: { email: 'usual' },
          records: [record('c1', undefined, 'email e00@x', 'kvk k1')],
        },
        {
          name: 'desk',
          foundBy: { email: 'usual' },
          records: [record('d1', undefined, 'email e00@x', 'kvk k0')],
        },
      ]),
    ],
  ])('returns one customer for %s, from any of their identifiers', async (_, world) => {
    const oracle = createOracle(world);
    const customers = identifiersOf(world).map((start) => oracle.meaning(start).refs);
    for (const start of startsOf(world)) {
      const rule = oracle.meaning(start);
      for (const disorder of [0, 1, 2, 3, 4, 5]) {
        const match = await gateway(world, start, { disorder }).identity.fullMatch();
        must(
          match.kind === rule.kind && same(refsOf(match.records), rule.refs),
          world,
          start,
          'shows others',
          refsOf(match.records),
          rule,
        );
      }
    }
    expect(customers.some((refs) => refs.length > 1)).toBe(true);
  });

  test('several records under an identifier that a system declares enforced are ambiguous', async () => {
    const world = small([
      {
        name: 'crm',
        foundBy: { email: 'enforced' },
        records: [record('c1', 'Eva', 'email e00@x'), record('c2', 'Bo', 'email e00@x')],
      },
    ]);
    const shared: Identifier = { namespace: 'email', value: 'e00@x' };
    const { kind, candidates } = await gateway(world, shared).identity.fullMatch();
    expect({ kind, candidates }).toEqual({ kind: 'ambiguous', candidates: 2 });
    const outcome = await gateway(world, shared).identity.findIn('crm');
    expect(outcome.kind === 'failed' && outcome.error).toBeInstanceOf(AmbiguousIdentityError);
    expect(createOracle(world).meaning(shared)).toMatchObject({ kind: 'ambiguous', candidates: 2 });
  });

  test('a verified identifier links to a system that is queried by it, but not in the other direction', async () => {
    const world = small([
      { name: 'crm', records: [record('c1', undefined, 'email e00@x verified')] },
      { name: 'shop', foundBy: { email: 'usual' }, records: [record('s1', 'Eva', 'email e00@x')] },
    ]);
    const from = async (namespace: string, value: string) =>
      shown(await gateway(world, { namespace, value }).identity.fullMatch());
    expect(await from('crmId', 'c1')).toEqual(['crm c1', 'shop s1']);
    expect(await from('shopId', 's1')).toEqual(['shop s1']);
    expect(await from('email', 'e00@x')).toEqual(['shop s1']);
  });
});

test('the random worlds contain every difficult case', () => {
  const counts = new Map<string, number>();
  const countCase = (label: string, isCase: boolean) =>
    counts.set(label, (counts.get(label) ?? 0) + (isCase ? 1 : 0));
  for (const world of fc.sample(worlds, { numRuns: 200, seed: 4 })) {
    const oracle = createOracle(world);
    const reducedOracle = createOracle(world, world.unavailable);
    for (const start of startsOf(world)) {
      const rule = oracle.meaning(start);
      const isIdentified = rule.kind === 'identified';
      const systems = rule.refs.map((ref) => ref.split(' ')[0] ?? '');
      countCase('identified', isIdentified);
      countCase('unknown', rule.kind === 'unknown');
      countCase('ambiguous', rule.kind === 'ambiguous');
      countCase('conflict', rule.conflicts.length > 0);
      countCase('shown beside a conflict', isIdentified && rule.conflicts.length > 0 && rule.refs.length > 1);
      countCase('over two systems', isIdentified && new Set(systems).size === 2);
      countCase('over three systems or more', isIdentified && new Set(systems).size > 2);
      countCase('two records of one system', isIdentified && new Set(systems).size < systems.length);
      countCase('four rounds or more', isIdentified && rule.rounds > 3);
      for (const by of ['UNIQUE', 'SAME_CUSTOMER', 'VERIFIED', 'ALONE'])
        countCase(
          `over two systems by ${by}`,
          isIdentified &&
            new Set(systems).size > 1 &&
            rule.lines.filter((line) => line.endsWith(` ${by}`)).length >
              (by === 'UNIQUE' ? systems.length : 0),
        );
      countCase('two values that a rule of their source joins', isIdentified && rule.isJoinedByRule);
      countCase('identified in a world with a one-way link', isIdentified && linksOneWay(world));
      const less = reducedOracle.meaning(start);
      countCase('failed while systems are unavailable', less.kind === 'failed');
      countCase(
        'fewer records while systems are unavailable',
        less.kind === 'identified' && less.refs.length < rule.refs.length,
      );
    }
  }
  for (const [what, times] of counts) expect(times, what).toBeGreaterThan(25);
});
