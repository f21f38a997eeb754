import { describe, expect, test } from 'vitest';
import { SCOPES } from '../../src/context/roles.js';
import { ConfigError } from '../../src/errors.js';
import { commonNamespaces } from '../../src/identity/identifiers.js';
import {
  purposesThatNeedConsent,
  readPolicies,
  type FieldPolicy,
  type Policies,
} from '../../src/stitching/policies.js';
import { composeSdl, readSdlFiles, type Sdl } from '../../src/stitching/sdl.js';
import { localSource } from '../support/local-source.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';
import { sources } from '../../sources/index.js';

/** Reads the core schema with the order system and a source of the test. */
function withLoyalty(text: string): Sdl {
  return composeSdl(
    [...readSdlFiles(['order-system']), { name: 'schema/sources/loyalty.graphql', text, source: 'loyalty' }],
    commonNamespaces('NL'),
  );
}

const policiesOf = (text: string): Policies =>
  readPolicies(withLoyalty(text), [...SCOPES, 'cards:read', 'cards:all']);

function policyOf(path: string, text: string): FieldPolicy | undefined {
  return policiesOf(text).get(path);
}

function problemsOf(text: string): readonly string[] {
  try {
    policiesOf(text);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const onCustomer = (fields: string) => `type Customer @foundBy(identifier: "customerNumber") {\n${fields}\n}`;

describe('the access rules of a field in the SDL', () => {
  test('are its category, mask, purposes, channel and scopes', () => {
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

  test('can allow every caller, or every authenticated caller', () => {
    const points = onCustomer(
      'tier: Int @personalData(category: NONE) points: Int @personalData(category: NONE) @authenticated',
    );
    expect(policyOf('Customer.tier', points)).toEqual({ category: 'NONE', authenticated: false });
    expect(policyOf('Customer.points', points)).toEqual({ category: 'NONE', authenticated: true });
  });

  test('have the category of the field, or else of its type', () => {
    const card = `${onCustomer('card: Card @personalData(category: RELATION) @authenticated')}
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

  test('also apply to lists of texts', () => {
    const cards = onCustomer(
      'cards: [ID!] @personalData(category: IDENTITY, mask: LAST_FOUR) @authenticated',
    );
    expect(policyOf('Customer.cards', cards)?.mask).toBe('LAST_FOUR');
  });

  test('are read from the core schema and every source, but not from private entry points', () => {
    const policies = policiesOf(
      'type Query { _cards(ids: [ID!]!): [Card]! } type Card @personalData(category: NONE) { id: ID! }',
    );
    expect(policies.get('Customer.bornOn')).toMatchObject({ category: 'TRAIT', mask: 'YEAR' });
    expect(policies.get('Order.total')).toEqual({ category: 'TRANSACTION', authenticated: false });
    expect([...policies.keys()].filter((path) => path.includes('_'))).toEqual([]);
  });

  test('include the purposes that need the consent of the customer', () => {
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
      'of a mask on a field that is not a text',
      'points: Int @personalData(category: RELATION, mask: ALL) @authenticated',
      /"Customer\.points" has a mask. Only String, ID, Date/,
    ],
    [
      'of a scope on a field that cannot be null',
      'card: Int! @personalData(category: RELATION) @requiresScopes(scopes: [["cards:read"]])',
      /"Customer\.card" must be nullable/,
    ],
    [
      'of a purpose on a field that cannot be null',
      'card: Int! @personalData(category: RELATION) @authenticated @purpose(any: [SERVICE])',
      /"Customer\.card" must be nullable/,
    ],
    [
      'of a scope that no caller can have',
      'card: Int @personalData(category: RELATION) @requiresScopes(scopes: [["profile:read", "profile:raed"]])',
      /"Customer\.card" needs the scope "profile:raed", which no caller can have\. Did you mean "profile:read"\?/,
    ],
    [
      'of an empty list of scopes, which every caller has',
      'card: Int @personalData(category: RELATION) @requiresScopes(scopes: [["profile:read"], []])',
      /"Customer\.card" has an empty list in @requiresScopes/,
    ],
    [
      'of personal data without an access rule',
      'card: Int @personalData(category: RELATION) @purpose(any: [SERVICE])',
      /"Customer\.card" has no access rule: add @requiresScopes, or @authenticated/,
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
  ])('because a non-null field of another type has %s: %i problem', (directive, count) => {
    const card = `type Card @personalData(category: NONE) { tier: Int! ${directive} }`;
    expect(problemsOf(card)).toHaveLength(count);
  });

  test('because a type has a mask, which would not apply to most of its fields', () => {
    expect(
      problemsOf('type Card @personalData(category: IDENTITY, mask: ALL) { holder: String tier: Int }'),
    ).toEqual([expect.stringContaining('line 1: "Card" has a mask')]);
  });

  test('because two files declare a field differently', () => {
    const product = (category: string) =>
      `type Product @foundBy(field: "sku") @personalData(category: ${category}) {\n  sku: ID!\n}`;
    expect(problemsOf(product('NONE'))).toEqual([]);
    expect(problemsOf(product('TRANSACTION'))).toEqual([
      expect.stringMatching(/^schema\/sources\/loyalty\.graphql line 2: "Product\.sku".*differ/),
    ]);
  });

  test('with all problems at once', () => {
    const problems = problemsOf(
      onCustomer('  points: Int\n  tier: Int @personalData(category: NONE, mask: ALL)\n  card: Int'),
    );
    expect(problems).toHaveLength(3);
  });

  test.each([
    ['an unknown directive', 'personaldata(category: NONE)', '"@personaldata"'],
    ['an unknown argument', 'personalData(category: NONE, masc: ALL)', '"masc"'],
    ['no category', 'personalData', '"category"'],
    ['an unknown category', 'personalData(category: SECRET)', '"SECRET"'],
    ['a directive twice', 'personalData(category: NONE) @personalData(category: CONTACT)', '"@personalData"'],
    [
      'a directive that is not allowed on fields',
      'personalData(category: NONE) @requiresConsent',
      'FIELD_DEFINITION',
    ],
  ])('because it has %s, which would have no effect', (_, directive, named) => {
    const compose = () => withLoyalty(onCustomer(`  points: Int @${directive}`));
    expect(compose).toThrow(ConfigError);
    expect(compose).toThrow(/schema\/sources\/loyalty\.graphql line 2: /);
    expect(compose).toThrow(named);
  });
});

describe('personal data outside of a customer', () => {
  const member = `type Member @personalData(category: IDENTITY) { name: String town: String @personalData(category: CONTACT) }`;
  const query = (field: string) => `type Query { ${field} }`;
  const members = (directives = '') =>
    query(
      `members: [Member!] @personalData(category: IDENTITY) @requiresScopes(scopes: [["profile:read"]]) ${directives}`,
    );
  const card = (category: string, more = '') =>
    onCustomer(`card: Card @personalData(category: ${category}) @authenticated ${more}`);
  const holder = `type Card @personalData(category: NONE) {
    holder: String @personalData(category: IDENTITY)
    again: Card
  }`;

  test.each([
    ['a list of people', `${members()} ${member}`, ['Query.members', 'Member.name', 'Member.town']],
    [
      'a list of people for a purpose without consent, because the audit would name no customer',
      `${members('@purpose(any: [SERVICE])')} ${member}`,
      ['Query.members', 'Member.name', 'Member.town'],
    ],
    [
      'a list of objects without personal data that contain people',
      `${query('clubs: [Club!] @personalData(category: NONE)')}
       type Club @personalData(category: NONE) { of: Place } union Place = Hall | Member
       type Hall @personalData(category: NONE) { seats: Int } ${member}`,
      ['Member.name', 'Member.town'],
    ],
    [
      'people within a company',
      `type Company @foundBy(field: "kvkNumber") { kvkNumber: String @personalData(category: COMPANY, mask: LAST_FOUR)
         staff: [Member!] @personalData(category: IDENTITY) @requiresScopes(scopes: [["profile:read"]]) } ${member}`,
      ['Company.staff', 'Member.name', 'Member.town'],
    ],
    [
      'a person within a field of the customer with the category NONE',
      `${card('NONE')} ${holder}`,
      ['Card.holder'],
    ],
    ['a person within the consent of the customer', `${card('CONSENT')} ${holder}`, ['Card.holder']],
    [
      'a company within a field of the customer with the category NONE',
      `${card('NONE')} type Card @personalData(category: COMPANY) { employer: String }`,
      ['Card.employer'],
    ],
  ])('prevents the start: %s', (_, sdl, paths) => {
    const problems = problemsOf(sdl);
    expect(problems.map((problem) => /"(\w+\.\w+)"/.exec(problem)?.[1])).toEqual(paths);
    for (const problem of problems) expect(problem).toMatch(/consent/);
  });

  test('is reported with the remedy', () => {
    expect(problemsOf(`${members()} ${member}`)[1]).toMatch(
      /line 1: "Member\.name", reached by "Query\.members", shows personal data \(IDENTITY\) without its customer, .* Declare it on "Customer"/,
    );
    expect(problemsOf(`${card('NONE')} ${holder}`)).toEqual([
      expect.stringContaining('Give "Customer.card" the category of what it shows.'),
    ]);
  });

  test.each([
    ['with a category on the field of the customer', `${card('IDENTITY')} ${holder}`],
    ['for no purpose that needs consent', `${card('NONE', '@purpose(any: [SERVICE])')} ${holder}`],
    [
      'if it is a customer, whose fields have their own rules',
      `${card('NONE')} type Card @personalData(category: NONE) { owner: Customer }`,
    ],
    [
      'if it has the category NONE',
      `${query('halls: [Hall!] @personalData(category: NONE)')} type Hall @personalData(category: NONE) { seats: Int }`,
    ],
    [
      'if it has the category COMPANY',
      `${query('shops: [Shop!] @personalData(category: COMPANY) @authenticated')} type Shop @personalData(category: COMPANY) { name: String }`,
    ],
  ])('may be shown %s', (_, sdl) => {
    expect(problemsOf(sdl)).toEqual([]);
  });
});

describe('a gateway', () => {
  const nothing = () => null;
  const { source, environment } = localSource('loyalty', {
    resolvers: { Customer: { card: nothing, tier: nothing, colour: nothing, bare: nothing } },
  });
  const start = (text: string) =>
    createTestGateway(
      { ...directSettings(), ...environment },
      { sources: [...sources, source], sdl: { loyalty: text } },
    );

  test('fails to start with a source whose fields are not classified', () => {
    expect(() => start(onCustomer('  "Points." points: Int'))).toThrow(
      /cannot start:[^]*schema\/sources\/loyalty\.graphql line 2: "Customer\.points" is not classified/,
    );
  });

  test('documents personal data and purposes in the description of a field', async () => {
    const gateway = start(
      onCustomer(`
        "Card." card: String @personalData(category: IDENTITY, mask: ALL) @purpose(any: [SERVICE, ANALYTICS]) @authenticated
        "Tier." tier: Int @personalData(category: RELATION) @authenticated
        "Colour." colour: Int @personalData(category: NONE)
        bare: Int @personalData(category: RELATION) @authenticated`),
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
