import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseValue, provenanceOf } from '../../src/customer/profile.js';
import type { Identity, Outcome } from '../../src/identity/identity-graph.js';
import type { ProfileField, SurvivorshipStrategy } from '../../src/customer/schema.generated.js';
import { SourceTimeoutError } from '../../src/errors.js';
import { commonNamespaces } from '../../src/identity/identifiers.js';
import type { CustomerRecord, Profile, YieldedIdentifier } from '../../src/identity/declaration.js';

const STRATEGIES = ['SOURCE_PRIORITY', 'MOST_RECENT'] as const;
const NAMESPACES = new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace]));

const record = (
  profile: Profile,
  identifiers: readonly YieldedIdentifier[] = [],
  id = '1',
): CustomerRecord => ({
  id,
  identifiers,
  profile,
});
const found = (...records: CustomerRecord[]): Outcome => ({ kind: 'found', records });
const unknown: Outcome = { kind: 'unknown' };
const down = (source: string): Outcome => ({
  kind: 'failed',
  error: new SourceTimeoutError(source, `${source} did not answer in time.`),
});

/** Outcomes that are known only after a call. */
const later = (findIn: Identity['findIn']) => ({ foundIn: () => undefined, findIn });

/** Systems in order of priority. Returns the called systems, and functions that choose a value. */
function systems(outcomes: Record<string, Outcome>) {
  const calledSources: string[] = [];
  const load = later((source) => {
    calledSources.push(source);
    return Promise.resolve(outcomes[source] ?? unknown);
  });
  const rule = (strategy: SurvivorshipStrategy) => ({ strategy, sources: Object.keys(outcomes) });
  return {
    calledSources,
    choose: <F extends ProfileField>(field: F, strategy: SurvivorshipStrategy) =>
      chooseValue(field, rule(strategy), NAMESPACES, load),
    provenance: (
      field: ProfileField,
      strategy: SurvivorshipStrategy,
      canShow: (source: string) => boolean = () => true,
    ) => provenanceOf(field, rule(strategy), NAMESPACES, load, ({ id }) => `fetched ${id}`, canShow),
  };
}

describe('only systems whose value can be chosen are called', () => {
  test('by SOURCE_PRIORITY, systems after the first one with a value are not called', async () => {
    const { calledSources, choose } = systems({
      a: unknown,
      b: found(record({ name: ' ' })),
      c: unknown,
      d: down('d'),
      e: found(record({ name: 'Eva' })),
      f: found(record({ name: 'Not Eva' })),
    });
    expect(await choose('NAME', 'SOURCE_PRIORITY')).toBe('Eva');
    expect(calledSources).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('a system of lower priority is called only after those of higher priority have answered', async () => {
    const calledSources: string[] = [];
    let answer: (outcome: Outcome) => void = () => undefined;
    const load = later((source) => {
      calledSources.push(source);
      return source === 'a'
        ? new Promise((resolve) => (answer = resolve))
        : Promise.resolve(found(record({ name: 'B' })));
    });
    const rule = { strategy: 'SOURCE_PRIORITY', sources: ['a', 'b'] } as const;
    const name = chooseValue('NAME', rule, NAMESPACES, load);
    await Promise.resolve();
    expect(calledSources).toEqual(['a']);
    answer(unknown);
    expect(await name).toBe('B');
  });

  test('the choice is synchronous if all required results are known', () => {
    const outcomes: Record<string, Outcome> = { a: unknown, b: found(record({ name: 'Eva' })), c: down('c') };
    const known = {
      foundIn: (source: string) => outcomes[source],
      findIn: () => Promise.reject(new Error('The result is known.')),
    };
    const choose = (sources: string[]) =>
      chooseValue('NAME', { strategy: 'SOURCE_PRIORITY', sources }, NAMESPACES, known);
    expect(choose(['a', 'b', 'd'])).toBe('Eva');
    // A failed system of higher priority does not hide the value of another one.
    expect(choose(['c', 'b'])).toBe('Eva');
    expect(choose(['a'])).toBeNull();
    expect(() => choose(['a', 'c'])).toThrow(SourceTimeoutError);
  });

  test('by MOST_RECENT, all systems are called, concurrently and once each', async () => {
    const calledSources: string[] = [];
    const answers: ((outcome: Outcome) => void)[] = [];
    const load = later((source) => {
      calledSources.push(source);
      return new Promise((resolve) => answers.push(resolve));
    });
    const name = chooseValue('NAME', { strategy: 'MOST_RECENT', sources: ['a', 'b', 'c'] }, NAMESPACES, load);
    expect(calledSources).toEqual(['a', 'b', 'c']);
    for (const answer of answers) answer(found(record({ name: 'Eva' })));
    expect(await name).toBe('Eva');
    expect(calledSources).toHaveLength(3);
  });
});

describe('an unavailable system', () => {
  test.each(STRATEGIES)('causes no error if another system has a value (%s)', async (strategy) => {
    expect(await systems({ a: down('a'), b: found(record({ name: 'Eva' })) }).choose('NAME', strategy)).toBe(
      'Eva',
    );
  });

  test.each(STRATEGIES)(
    'causes an error if no other system has a value, the error of the highest priority first (%s)',
    async (strategy) => {
      const outcomes = { a: found(record({})), b: down('b'), c: unknown, d: down('d') };
      await expect(systems(outcomes).choose('NAME', strategy)).rejects.toThrow('b did not answer in time.');
    },
  );

  test.each(STRATEGIES)(
    'causes an error, while null means that no system has a value (%s)',
    async (strategy) => {
      const outcomes = {
        a: found(record({ name: null }), { id: '2', identifiers: [] }),
        b: unknown,
        c: unknown,
      };
      for (const field of [
        'NAME',
        'PRIMARY_EMAIL',
        'PRIMARY_PHONE',
        'ADDRESS',
        'LANGUAGE',
        'BORN_ON',
      ] as const)
        expect(await systems(outcomes).choose(field, strategy)).toBeNull();
    },
  );
});

describe('values', () => {
  test('are read from the profile, without surrounding spaces', async () => {
    const outcomes = { a: found(record({ name: ' Eva ', language: 'nl', birthDate: '1990-02-28' })) };
    expect(await systems(outcomes).choose('NAME', 'MOST_RECENT')).toBe('Eva');
    expect(await systems(outcomes).choose('LANGUAGE', 'MOST_RECENT')).toBe('nl');
    expect(await systems(outcomes).choose('BORN_ON', 'SOURCE_PRIORITY')).toBe('1990-02-28');
  });

  test('of e-mail and phone are normalised, and invalid ones are skipped', async () => {
    const outcomes = {
      a: found(
        record({}, [
          { namespace: 'email', value: 'no e-mail' },
          { namespace: 'email', value: null },
          { namespace: 'phone', value: '0000' },
        ]),
      ),
      b: found(
        record({}, [
          { namespace: 'email', value: ' Eva@Example.NL ' },
          { namespace: 'phone', value: '06-12345678' },
        ]),
      ),
    };
    expect(await systems(outcomes).choose('PRIMARY_EMAIL', 'SOURCE_PRIORITY')).toBe('eva@example.nl');
    expect(await systems(outcomes).choose('PRIMARY_PHONE', 'SOURCE_PRIORITY')).toBe('+31612345678');
  });

  test('of one system are in its order, with the verified one first', async () => {
    const email = (value: string, verified?: boolean) => ({
      namespace: 'email',
      value,
      ...(verified === undefined ? {} : { verified }),
    });
    const first = record({}, [email('one@example.nl'), email('another@example.nl')]);
    expect(await systems({ a: found(first) }).choose('PRIMARY_EMAIL', 'SOURCE_PRIORITY')).toBe(
      'one@example.nl',
    );
    const second = record({}, [email('verified@example.nl', true)], '2');
    expect(await systems({ a: found(first, second) }).choose('PRIMARY_EMAIL', 'SOURCE_PRIORITY')).toBe(
      'verified@example.nl',
    );
  });

  test('are compared by moment, independent of the time zone; a value without a moment is never the most recent', async () => {
    const outcomes = {
      a: found(record({ language: 'de', updatedAt: 'yesterday' })),
      b: found(record({ language: 'en', updatedAt: '2026-11-01T12:30:00+02:00' })),
      c: found(record({ language: 'nl', updatedAt: '2026-11-01T11:00:00Z' })),
    };
    expect(await systems(outcomes).choose('LANGUAGE', 'MOST_RECENT')).toBe('nl');
  });
});

describe('an address', () => {
  const part = fc.option(fc.constantFrom('Kade', '1', 'Delft', ' ', ''), { nil: null });
  const address = fc.option(
    fc.record({ street: part, houseNumber: part, postcode: part, city: part, country: part }),
    { nil: null },
  );
  const records = fc.array(
    fc.record({ address, updatedAt: fc.constantFrom(null, '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z') }),
    { minLength: 1, maxLength: 3 },
  );
  const notBlank = (value: string | null) => (value?.trim() ? value : null);

  test.each(STRATEGIES)('is taken completely from one record, and is never empty (%s)', async (strategy) => {
    await fc.assert(
      fc.asyncProperty(fc.array(records, { maxLength: 4 }), async (bySource) => {
        const outcomes = Object.fromEntries(
          bySource.map((profiles, i) => [
            `source${i}`,
            found(...profiles.map((profile, id) => record(profile, [], `${id}`))),
          ]),
        );
        const whole = bySource
          .flat()
          .flatMap(({ address }) => (address === null ? [] : [address]))
          .map(({ street, houseNumber, postcode, city, country }) => ({
            street: notBlank(street),
            houseNumber: notBlank(houseNumber),
            postcode: notBlank(postcode),
            city: notBlank(city),
            country: notBlank(country),
          }))
          .filter((address) => Object.values(address).some((value) => value !== null));
        const chosen = await systems(outcomes).choose('ADDRESS', strategy);
        if (whole.length === 0) expect(chosen).toBeNull();
        else expect(whole).toContainEqual(chosen);
      }),
    );
  });
});

describe('provenance', () => {
  test('lists all values in order of choice, and the unavailable systems', async () => {
    const home = { street: 'Kade', houseNumber: '1a', postcode: '2611 AB', city: 'Delft', country: 'NL' };
    const { calledSources, provenance } = systems({
      a: found(
        record({ address: { city: 'Breda', street: ' ' } }),
        record({ address: { city: '' } }, [], '2'),
      ),
      b: down('b'),
      c: found(record({ address: home, updatedAt: '2026-11-01T13:00:00+01:00' }, [], '7')),
      d: unknown,
    });
    expect(await provenance('ADDRESS', 'MOST_RECENT')).toEqual({
      field: 'ADDRESS',
      strategy: 'MOST_RECENT',
      chosen: {
        value: 'Kade 1a, 2611 AB Delft, NL',
        source: 'c',
        recordId: '7',
        isVerified: null,
        updatedAt: '2026-11-01T12:00:00.000Z',
        fetchedAt: 'fetched 7',
      },
      alternatives: [
        {
          value: 'Breda',
          source: 'a',
          recordId: '1',
          isVerified: null,
          updatedAt: null,
          fetchedAt: 'fetched 1',
        },
      ],
      unavailable: ['b'],
    });
    expect(calledSources).toEqual(['a', 'b', 'c', 'd']);
  });

  test('lists the values of systems that were not needed, and whether they are verified', async () => {
    const outcomes = {
      a: found(record({}, [{ namespace: 'email', value: 'A@example.nl' }])),
      b: found(record({}, [{ namespace: 'email', value: 'b@example.nl', verified: true }])),
    };
    expect(await systems(outcomes).provenance('PRIMARY_EMAIL', 'SOURCE_PRIORITY')).toMatchObject({
      chosen: { value: 'a@example.nl', isVerified: false },
      alternatives: [{ value: 'b@example.nl', isVerified: true }],
    });
  });

  test('hides the records of systems whose records the caller may not see', async () => {
    const outcomes = {
      a: found(record({ name: 'Eva' })),
      b: found(record({ name: 'Ev' })),
      c: found(record({ name: 'E' })),
    };
    const allBut = (hidden: string) =>
      systems(outcomes).provenance('NAME', 'SOURCE_PRIORITY', (source) => source !== hidden);
    expect(await allBut('a')).toMatchObject({
      chosen: { value: 'Eva', source: 'a', recordId: '***' },
      alternatives: [{ value: 'Ev' }, { value: 'E' }],
    });
    expect(await allBut('b')).toMatchObject({ chosen: { recordId: '1' }, alternatives: [{ value: 'E' }] });
  });

  test('has no chosen value and no error if all systems are unavailable', async () => {
    expect(await systems({ a: down('a') }).provenance('NAME', 'MOST_RECENT')).toEqual({
      field: 'NAME',
      strategy: 'MOST_RECENT',
      chosen: null,
      alternatives: [],
      unavailable: ['a'],
    });
  });

  test('has the shown value as the chosen one', async () => {
    const outcome = fc.oneof(
      fc.constantFrom(unknown, unknown, down('x')),
      fc
        .array(fc.record({ name: fc.constantFrom('Eva', 'EVA', 'Eva Vos', ' ', null) }), { maxLength: 3 })
        .map((profiles) => found(...profiles.map((profile, id) => record(profile, [], `${id}`)))),
    );
    const world = fc.array(outcome, { maxLength: 4 }).map((all) => Object.fromEntries(all.entries()));
    await fc.assert(
      fc.asyncProperty(world, fc.constantFrom(...STRATEGIES), async (outcomes, strategy) => {
        const { chosen, unavailable } = await systems(outcomes).provenance('NAME', strategy);
        const shown = systems(outcomes).choose('NAME', strategy);
        if (chosen == null && unavailable.length > 0) await expect(shown).rejects.toThrow('did not answer');
        else expect(await shown).toBe(chosen?.value ?? null);
      }),
    );
  });
});
