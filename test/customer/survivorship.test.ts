import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { SurvivorshipStrategy } from '../../src/customer/schema.generated.js';
import { inOrder, survivorshipRules, type Candidate } from '../../src/customer/survivorship.js';
import { ConfigError } from '../../src/errors.js';

const STRATEGIES = ['SOURCE_PRIORITY', 'MOST_RECENT'] as const;
const SOURCES = ['orders', 'shop', 'crm'];
const DIRECTIVES = readFileSync('schema/directives.graphql', 'utf8');

/** A candidate. Default: record 1 of `orders`. */
const candidate = (value: Candidate['value'], more: Partial<Candidate> = {}): Candidate => ({
  value,
  source: 'orders',
  recordId: '1',
  verified: null,
  updatedAtMs: null,
  place: 0,
  ...more,
});

const order = (strategy: SurvivorshipStrategy, candidates: readonly Candidate[]) =>
  inOrder(candidates, { strategy, sources: SOURCES }).map(({ value }) => value);

describe('the system with the highest priority', () => {
  test('provides the value, and the others follow in order of priority', () => {
    expect(
      order('SOURCE_PRIORITY', [
        candidate('Of crm', { source: 'crm', updatedAtMs: 9 }),
        candidate('Of shop', { source: 'shop' }),
        candidate('Of orders'),
      ]),
    ).toEqual(['Of orders', 'Of shop', 'Of crm']);
  });

  test('provides the value even if a system of lower priority has verified its value', () => {
    expect(
      order('SOURCE_PRIORITY', [
        candidate('b@example.nl', { source: 'shop', verified: true }),
        candidate('a@example.nl', { verified: false }),
      ]),
    ).toEqual(['a@example.nl', 'b@example.nl']);
  });

  test('provides its verified values before the others', () => {
    expect(
      order('SOURCE_PRIORITY', [
        candidate('first@example.nl', { verified: false }),
        candidate('second@example.nl', { verified: false, place: 1 }),
        candidate('verified@example.nl', { verified: true, recordId: '2' }),
      ]),
    ).toEqual(['verified@example.nl', 'first@example.nl', 'second@example.nl']);
  });

  test('provides the value of its most recently changed record, then of its first record', () => {
    expect(
      order('SOURCE_PRIORITY', [
        candidate('Of 2', { recordId: '2' }),
        candidate('Of 1'),
        candidate('Of 3, old', { recordId: '3', updatedAtMs: 1 }),
        candidate('Of 4, new', { recordId: '4', updatedAtMs: 2 }),
      ]),
    ).toEqual(['Of 4, new', 'Of 3, old', 'Of 1', 'Of 2']);
  });
});

describe('the value of the record that was changed last', () => {
  test('comes first, and values without a time of change come last', () => {
    expect(
      order('MOST_RECENT', [
        candidate('never'),
        candidate('old', { source: 'shop', updatedAtMs: -5 }),
        candidate('never either', { source: 'shop', recordId: '2' }),
        candidate('new', { source: 'crm', updatedAtMs: 5 }),
      ]),
    ).toEqual(['new', 'old', 'never', 'never either']);
  });

  test('is that of the highest priority, then of the first record, if several changed at the same time', () => {
    expect(
      order('MOST_RECENT', [
        candidate('Of crm', { source: 'crm', updatedAtMs: 5 }),
        candidate('Of shop 2', { source: 'shop', recordId: '2', updatedAtMs: 5 }),
        candidate('Of shop 1', { source: 'shop', updatedAtMs: 5 }),
      ]),
    ).toEqual(['Of shop 1', 'Of shop 2', 'Of crm']);
  });
});

describe('a value that a record holds twice', () => {
  test('is listed once, regardless of case, spaces and encoding of accents', () => {
    expect(
      order('SOURCE_PRIORITY', [
        candidate('Zoë Vos'),
        candidate(' ZOE\u0308 VOS ', { place: 1 }),
        candidate('zoë vos', { source: 'shop' }),
      ]),
    ).toEqual(['Zoë Vos', 'zoë vos']);
  });

  test('is listed for each record of one system that holds it', () => {
    expect(order('SOURCE_PRIORITY', [candidate('Eva'), candidate('Eva', { recordId: '2' })])).toEqual([
      'Eva',
      'Eva',
    ]);
  });

  test('is listed twice if one part of an address differs', () => {
    const home = { street: 'Kade', houseNumber: '1', city: 'Delft' };
    const other = { ...home, houseNumber: '2' };
    const again = { ...home, city: 'DELFT', postcode: ' ' };
    expect(
      order('SOURCE_PRIORITY', [
        candidate(home),
        candidate(other, { place: 1 }),
        candidate(again, { place: 2 }),
      ]),
    ).toEqual([home, other]);
  });
});

describe('any rule', () => {
  test.each(STRATEGIES)('never chooses an empty value (%s)', (strategy) => {
    expect(
      order(strategy, [
        candidate('', { updatedAtMs: 9 }),
        candidate(' \t', { source: 'shop', updatedAtMs: 9 }),
        candidate({ street: ' ', city: '', country: null }, { source: 'shop', updatedAtMs: 9 }),
        candidate({}, { source: 'shop', recordId: '2', updatedAtMs: 9 }),
        candidate('Eva', { source: 'crm' }),
      ]),
    ).toEqual(['Eva']);
  });

  test.each(STRATEGIES)('gives the same order, for any order of answers (%s)', (strategy) => {
    const candidate = fc.record({
      value: fc.constantFrom('Eva', 'EVA', ' eva', 'Eva Vos', 'Ewa', ''),
      source: fc.constantFrom(...SOURCES),
      recordId: fc.constantFrom('1', '2', '10'),
      verified: fc.constantFrom(true, false, null),
      updatedAtMs: fc.constantFrom(1, 2, null),
      place: fc.nat(2),
    });
    const candidates = fc.uniqueArray(candidate, {
      selector: ({ source, recordId, place }) => `${source} ${recordId} ${place}`,
      maxLength: 12,
    });
    fc.assert(
      fc.property(
        candidates.chain((candidate) =>
          fc.tuple(
            fc.constant(candidate),
            fc.shuffledSubarray(candidate, { minLength: candidate.length, maxLength: candidate.length }),
          ),
        ),
        ([inputs, shuffled]) => {
          const rule = { strategy, sources: SOURCES };
          expect(inOrder(shuffled, rule)).toEqual(inOrder(inputs, rule));
        },
      ),
    );
  });
});

const PLUGGED_IN: Parameters<typeof survivorshipRules>[1] = SOURCES.map((name) => ({
  name,
  identity: { yields: { email: 'one', phone: 'one' } },
}));
const NAME_LAST = `
  primaryEmail: String @survivorship(strategy: SOURCE_PRIORITY, sources: ["shop"])
  primaryPhone: String @survivorship(strategy: SOURCE_PRIORITY, sources: null)
  address: Address @survivorship(strategy: MOST_RECENT)
  language: String @survivorship(strategy: MOST_RECENT)
  bornOn: Date @survivorship(strategy: SOURCE_PRIORITY)`;
const read = (fields: string, plugged = PLUGGED_IN, rest = '', preferred: readonly string[] = []) =>
  survivorshipRules(parse(`${DIRECTIVES} type Customer { id: ID ${fields} } ${rest}`), plugged, preferred);
const problemsOf = (fields: string, rest = '', preferred: readonly string[] = []): readonly string[] => {
  try {
    read(fields, PLUGGED_IN, rest, preferred);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

describe('the rules in the SDL', () => {
  test('are read as schema/customer.graphql states them', () => {
    const coreSchema = parse(`${DIRECTIVES} ${readFileSync('schema/customer.graphql', 'utf8')}`);
    expect(Object.keys(survivorshipRules(coreSchema, PLUGGED_IN)).sort()).toEqual([
      'ADDRESS',
      'BORN_ON',
      'LANGUAGE',
      'NAME',
      'PRIMARY_EMAIL',
      'PRIMARY_PHONE',
    ]);
  });

  test('prefer the systems that they name, then the others in the default order', () => {
    const rules = read(
      `name: String @survivorship(strategy: MOST_RECENT, sources: ["crm", "fax", "shop"])${NAME_LAST}`,
    );
    expect(rules.NAME).toEqual({ strategy: 'MOST_RECENT', sources: ['crm', 'shop', 'orders'] });
    expect(rules.PRIMARY_EMAIL.sources).toEqual(['shop', 'orders', 'crm']);
    expect(rules.PRIMARY_PHONE.sources).toEqual(SOURCES);
  });

  test('prefer the systems of SOURCE_ORDER to those that they name', () => {
    const name = `name: String @survivorship(strategy: SOURCE_PRIORITY, sources: ["shop"])${NAME_LAST}`;
    expect(read(name, PLUGGED_IN, '', ['crm', 'orders']).NAME.sources).toEqual(['crm', 'orders', 'shop']);
    expect(problemsOf(name, '', ['crn', 'orders'])).toEqual([
      'SOURCE_ORDER names "crn", which is not plugged in. Did you mean "crm"? The plugged-in sources are orders, shop, crm.',
    ]);
  });

  test('leave out systems without e-mail addresses only for the e-mail address', () => {
    const rules = read(`name: String @survivorship(strategy: MOST_RECENT)${NAME_LAST}`, [
      { name: 'shop', identity: { yields: { phone: 'one', email: 'several' } } },
      { name: 'calls', identity: { yields: { phone: 'one' } } },
    ]);
    expect(rules.PRIMARY_EMAIL.sources).toEqual(['shop']);
    expect(rules.PRIMARY_PHONE.sources).toEqual(['shop', 'calls']);
    expect(rules.NAME.sources).toEqual(['shop', 'calls']);
  });

  test('determine the chosen value', () => {
    const held = [
      candidate('Eva', { updatedAtMs: 2 }),
      candidate('Eva Maria Vos', { source: 'shop', updatedAtMs: 1 }),
      candidate('E. Vos', { source: 'crm', updatedAtMs: 3 }),
      candidate('e. vos', { source: 'crm', recordId: '2' }),
    ];
    const chosen = (rule: string) =>
      inOrder(held, read(`name: String @survivorship(${rule})${NAME_LAST}`).NAME)[0]?.value;
    expect(chosen('strategy: SOURCE_PRIORITY')).toBe('Eva');
    expect(chosen('strategy: SOURCE_PRIORITY, sources: ["shop"]')).toBe('Eva Maria Vos');
    expect(chosen('strategy: MOST_RECENT')).toBe('E. Vos');
  });

  test('are refused with a list of all problems', () => {
    expect(
      problemsOf(
        `primaryEmail: String @survivorship(strategy: SOURCE_PRIORITY, sources: ["shop", "crm", "shop", "shop"])
         primaryPhone: String @survivorship(strategy: NEWEST)
         address: Address @survivorship
         language: String
         bornOn: Date @survivorship(strategy: MOST_RECENT, source: ["shop"])
         emails: [String] @survivorship(strategy: MOST_RECENT)`,
        'type Company { name: String @survivorship(strategy: MOST_RECENT) }',
      ),
    ).toEqual([
      '@survivorship of "Customer.primaryEmail" names "shop" more than once.',
      expect.stringMatching(/^@survivorship of "Customer\.primaryPhone": .*NEWEST/),
      expect.stringMatching(/^@survivorship of "Customer\.address": .*strategy/),
      '@survivorship of "Customer.bornOn" has no argument "source".',
      expect.stringMatching(/^"Customer\.emails" has @survivorship, which is allowed only on these fields/),
      expect.stringMatching(/^"Company\.name" has @survivorship, which is allowed only on these fields/),
      '"Customer.name" needs @survivorship, which states how its value is chosen.',
      '"Customer.language" needs @survivorship, which states how its value is chosen.',
    ]);
    expect(() => survivorshipRules(parse('type Customer { name: String }'), [])).toThrow(ConfigError);
  });
});
