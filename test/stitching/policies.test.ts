import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.js';
import { commonNamespaces } from '../../src/identity/identifiers.js';
import { purposesThatNeedConsent, readPolicies, type FieldPolicy } from '../../src/stitching/policies.js';
import { composeSdl, readSdlFiles, type Sdl } from '../../src/stitching/sdl.js';
import { localSource } from '../support/local-source.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';
import { sources } from '../../sources/index.js';

/** The spine with the order system and a source of the test's own. */
function withLoyalty(text: string): Sdl {
  return composeSdl(
    [...readSdlFiles(['order-system']), { name: 'schema/sources/loyalty.graphql', text, source: 'loyalty' }],
    commonNamespaces('NL'),
  );
}

function policyOf(path: string, text: string): FieldPolicy | undefined {
  return readPolicies(withLoyalty(text)).get(path);
}

function problemsOf(text: string): readonly string[] {
  try {
    readPolicies(withLoyalty(text));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const onCustomer = (fields: string) => `type Customer @key(identifier: "customerNumber") {\n${fields}\n}`;

describe('what the SDL says of a field', () => {
  test('is its category, mask, purposes, channel and scopes', () => {
    const card = onCustomer(`card: String
      @personalData(category: IDENTITY, mask: LAST_FOUR)
      @purpose(any: [SERVICE, MARKETING], channel: EMAIL)
      @requiresScopes(scopes: [["cards:read", "profile:read"], ["cards:all"]])`);
    expect(policyOf('Customer.card', card)).toEqual({
      category: 'IDENTITY',
      mask: 'LAST_FOUR',
      purposes: ['SERVICE', 'MARKETING'],
      channel: 'EMAIL',
      scopes: [['cards:read', 'profile:read'], ['cards:all']],
      authenticated: false,
    });
  });

  test('may be that anybody may ask for it, or anybody who says who they are', () => {
    const points = onCustomer(
      'tier: Int @personalData(category: RELATION) points: Int @personalData(category: NONE) @authenticated',
    );
    expect(policyOf('Customer.tier', points)).toEqual({ category: 'RELATION', authenticated: false });
    expect(policyOf('Customer.points', points)).toEqual({ category: 'NONE', authenticated: true });
  });

  test('is the category of its type when it has none of its own, and its own before that', () => {
    const card = `${onCustomer('card: Card @personalData(category: RELATION)')}
      type Card @personalData(category: RELATION) {
        tier: String
        holder: String @personalData(category: IDENTITY, mask: INITIAL)
      }`;
    expect(policyOf('Card.tier', card)).toEqual({ category: 'RELATION', authenticated: false });
    expect(policyOf('Card.holder', card)).toEqual({
      category: 'IDENTITY',
      mask: 'INITIAL',
      authenticated: false,
    });
  });

  test('stands for lists of texts, too', () => {
    const cards = onCustomer('cards: [ID!] @personalData(category: IDENTITY, mask: LAST_FOUR)');
    expect(policyOf('Customer.cards', cards)?.mask).toBe('LAST_FOUR');
  });

  test('is read of the spine and of every source, but not of entry points that nobody can ask', () => {
    const policies = readPolicies(
      withLoyalty(
        'type Query { _cards(ids: [ID!]!): [Card]! } type Card @personalData(category: NONE) { id: ID! }',
      ),
    );
    expect(policies.get('Customer.birthDate')).toMatchObject({ category: 'TRAIT', mask: 'YEAR' });
    expect(policies.get('Order.total')).toEqual({ category: 'TRANSACTION', authenticated: false });
    expect([...policies.keys()].filter((path) => path.includes('_'))).toEqual([]);
  });

  test('tells which purposes need the consent of the customer', () => {
    expect([...purposesThatNeedConsent(withLoyalty('enum Tier { GOLD }'))]).toEqual([
      'PERSONALISATION',
      'MARKETING',
    ]);
  });
});

describe('SDL is refused, by file and line', () => {
  test.each([
    ['of a field that is not classified', 'points: Int', /"Customer\.points" is not classified/],
    [
      'of a mask on what is no text',
      'points: Int @personalData(category: RELATION, mask: ALL)',
      /"Customer\.points" has a mask, which only String, ID, Date/,
    ],
    [
      'of a scope on a field that cannot be null',
      'card: Int! @personalData(category: RELATION) @requiresScopes(scopes: [["cards:read"]])',
      /"Customer\.card" must be nullable/,
    ],
    [
      'of a purpose on a field that cannot be null',
      'card: Int! @personalData(category: RELATION) @purpose(any: [SERVICE])',
      /"Customer\.card" must be nullable/,
    ],
    [
      'of a field of the customer that cannot be null',
      'card: Int! @personalData(category: NONE)',
      /"Customer\.card" must be nullable/,
    ],
  ])('because %s', (_, field, problem) => {
    const problems = problemsOf(onCustomer(`  ok: Int @personalData(category: NONE)\n  ${field}`));
    expect(problems).toMatchObject([expect.stringMatching(/^schema\/sources\/loyalty\.graphql line 3: /)]);
    expect(problems[0]).toMatch(problem);
  });

  test.each([
    ['@requiresScopes(scopes: [["cards:read"]])', 1],
    ['@purpose(any: [SERVICE])', 1],
    ['@authenticated', 1],
    ['', 0],
  ])('when a field of a type of its own has %s and cannot be null: %i problem', (directive, count) => {
    const card = `type Card @personalData(category: NONE) { tier: Int! ${directive} }`;
    expect(problemsOf(card)).toHaveLength(count);
  });

  test('because a mask stands on a type, where it would say nothing of most fields', () => {
    expect(
      problemsOf('type Card @personalData(category: IDENTITY, mask: ALL) { holder: String tier: Int }'),
    ).toEqual([expect.stringContaining('line 1: "Card" has a mask')]);
  });

  test('because two files say different things of one field', () => {
    const product = (said: string) =>
      `type Product @key(field: "sku") @personalData(category: ${said}) {\n  sku: ID!\n}`;
    expect(problemsOf(product('NONE'))).toEqual([]);
    expect(problemsOf(product('TRANSACTION'))).toEqual([
      expect.stringMatching(/^schema\/sources\/loyalty\.graphql line 2: "Product\.sku".*differ/),
    ]);
  });

  test('with all problems told at once', () => {
    const problems = problemsOf(
      onCustomer('  points: Int\n  tier: Int @personalData(category: NONE, mask: ALL)\n  card: Int'),
    );
    expect(problems).toHaveLength(3);
  });

  test.each([
    ['a directive that is not there', 'personaldata(category: NONE)', '"@personaldata"'],
    ['an argument that is not there', 'personalData(category: NONE, masc: ALL)', '"masc"'],
    ['no category', 'personalData', '"category"'],
    ['a category that is not there', 'personalData(category: SECRET)', '"SECRET"'],
    ['a directive twice', 'personalData(category: NONE) @personalData(category: CONTACT)', '"@personalData"'],
    [
      'a directive that fields do not have',
      'personalData(category: NONE) @requiresConsent',
      'FIELD_DEFINITION',
    ],
  ])('because it has %s, which would guard nothing', (_, directive, named) => {
    const compose = () => withLoyalty(onCustomer(`  points: Int @${directive}`));
    expect(compose).toThrow(ConfigError);
    expect(compose).toThrow(/schema\/sources\/loyalty\.graphql line 2: /);
    expect(compose).toThrow(named);
  });
});

describe('a gateway', () => {
  const { source, environment } = localSource('loyalty');
  const start = (text: string) =>
    createTestGateway(
      { ...directSettings(), ...environment },
      { sources: [...sources, source], sdl: { loyalty: text } },
    );

  test('does not start with a source that has not said what its fields tell of a person', () => {
    expect(() => start(onCustomer('  "Points." points: Int'))).toThrow(
      /cannot start:[^]*SDL of loyalty line 2: "Customer\.points" is not classified/,
    );
  });

  test('tells in the description of a field what of a person it shows, and what for', async () => {
    const gateway = start(
      onCustomer(`
        "Card." card: String @personalData(category: IDENTITY, mask: ALL) @purpose(any: [SERVICE, ANALYTICS])
        "Tier." tier: Int @personalData(category: RELATION)
        "Colour." colour: Int @personalData(category: NONE)
        bare: Int @personalData(category: RELATION)`),
    );
    const { data } = await gateway.query('{ __type(name: "Customer") { fields { name description } } }');
    await gateway.close();
    const { fields } = data?.['__type'] as { fields: { name: string; description: string | null }[] };
    const descriptions = new Map(fields.map(({ name, description }) => [name, description]));
    expect(descriptions.get('card')).toBe(
      'Card.\nPersonal data: IDENTITY. For SERVICE, ANALYTICS. Masked for some callers.',
    );
    expect(descriptions.get('tier')).toBe('Tier.\nPersonal data: RELATION.');
    expect(descriptions.get('colour')).toBe('Colour.');
    expect(descriptions.get('bare')).toBeNull();
  });
});
