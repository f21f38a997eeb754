import { buildSchema, graphql } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/customer/customer.js';
import { customerResolvers, type CustomerOptions } from '../../src/customer/resolvers.js';
import { PROFILE_FIELDS, type Rule } from '../../src/customer/survivorship.js';
import type { ProfileField } from '../../src/customer/schema.generated.js';
import { SourceTimeoutError } from '../../src/errors.js';
import type { CustomerRecord } from '../../src/identity/declaration.js';
import { createCustomerIds } from '../../src/identity/customer-id.js';
import { commonNamespaces, idNamespace, type Identifier } from '../../src/identity/identifiers.js';
import type { Match, Outcome } from '../../src/identity/identity-graph.js';
import type { KnownRecord } from '../../src/identity/matching.js';
import { noteFetchedAt } from '../../src/loaders/fetched-at.js';

/** Tests the fields of Query and Customer with identities that return fixed outcomes. */

const schema = buildSchema(`
  type Query { me: Customer customer(by: Key!): Customer customers(by: [Key!]!): [Customer] identify(by: Key!): Identified }
  input Key { email: String }
  union Identified = IdentifiedCustomer | AmbiguousIdentifier | UnknownIdentifier
  type IdentifiedCustomer { customer: Customer }
  type AmbiguousIdentifier { candidateCount: Int }
  type UnknownIdentifier { queriedSystems: [String] }
  type Customer {
    id: ID name: String primaryEmail: String address: String timeline: String tickets: String deals: String
    organisations: String consents: String company: String orders: String visits: String systems: [System]
    identifiers: [Named] emails: [Named] provenance(fields: [String!]): [Provenance]
  }
  type System { source: String status: String }
  type Named { namespace: String value: String source: String isVerified: Boolean }
  type Provenance { field: String chosen: Chosen unavailable: [String] }
  type Chosen { value: String recordId: String }
`);

const EMAIL = 'eva@example.nl';
const down = new SourceTimeoutError('a', 'a did not answer in time.');
const record = (id: string, value?: string, verified = false): CustomerRecord => ({
  id,
  identifiers: value === undefined ? [] : [{ namespace: 'email', value, verified }],
});
const found = (...records: CustomerRecord[]): Outcome => ({ kind: 'found', records });
const failed: Outcome = { kind: 'failed', error: down };
const unknown: Outcome = { kind: 'unknown' };

const sources = ['a', 'b', 'c'].map((name) => ({
  name,
  identity: { recordKey: `${name}Id`, yields: { email: 'one' as const }, foundBy: {} },
}));
const declared = (...names: string[]) => names.map((name) => ({ name, declared: {} as never }));
const rules: Partial<Record<ProfileField, Rule>> = {
  PRIMARY_EMAIL: { strategy: 'MOST_RECENT', sources: ['a', 'b'] },
};
const ids = createCustomerIds('a secret of the tests');
const options: CustomerOptions = {
  rules: {
    sources,
    namespaces: new Map(
      [
        ...commonNamespaces('NL'),
        ...['a', 'b', 'c'].map((name) => idNamespace(`${name}Id`, 'An id.', /^\w+$/)),
      ]
        .map((namespace) => ({
          ...namespace,
          ...(namespace.name === 'bId' ? { shownBy: 'Customer.b' } : {}),
        }))
        .map((namespace) => [namespace.name, namespace]),
    ),
    limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 20 },
  },
  sourceOf: new Map(),
  companies: [{ name: 'c', companies: { foundBy: {}, holds: [], ofCustomer: () => Promise.resolve(null) } }],
  sourceOfCompanyField: new Map(),
  survivorship: Object.fromEntries(
    PROFILE_FIELDS.map((field) => [
      field,
      rules[field] ?? { strategy: 'SOURCE_PRIORITY', sources: ['b', 'a', 'c'] },
    ]),
  ) as CustomerOptions['survivorship'],
  timelines: [{ name: 'b', timeline: {} as never }],
  lists: { tickets: declared('a'), deals: declared('b'), organisations: declared('c') },
  consents: { sources: ['a', 'c'], ofCustomer: () => Promise.resolve([]), answersFor: () => [] },
  sourceOfField: new Map([
    ['orders', 'b'],
    ['visits', 'click log'],
  ]),
  ids,
  maxCustomers: 2,
};
const resolvers = customerResolvers(options) as Record<string, Record<string, unknown> | undefined>;

interface Request {
  outcomes?: Partial<Record<string, Outcome>>;
  /** Whether the outcomes are known without a promise. */
  isCached?: boolean;
  match?: Partial<Match>;
  refused?: readonly string[];
  ownIdentifier?: Identifier;
  /** Whether `isKnown` returns true; an error is thrown. */
  isKnown?: boolean | Error;
}

async function query(source: string, request: Request = {}) {
  const { outcomes = {}, isCached = false, match, refused = [], ownIdentifier, isKnown = true } = request;
  const wanted: string[][] = [];
  const events: string[] = [];
  const identify = (start: Identifier) => {
    events.push(`identify ${start.value}`);
    return {
      start,
      isAlreadyKnown: (names: ReadonlySet<string>) => {
        wanted.push([...names].sort());
        if (isKnown instanceof Error) throw isKnown;
        return isKnown;
      },
      foundIn: (name: string) => (isCached ? (outcomes[name] ?? unknown) : undefined),
      findIn: (name: string) => Promise.resolve(outcomes[name] ?? unknown),
      fullMatch: () => Promise.resolve({ failed: new Map(), records: [], ...match }),
    };
  };
  const context = {
    identify,
    walkTogether: async (starts: readonly Identifier[]) => {
      await new Promise(setImmediate);
      events.push(`walk ${starts.map(({ value }) => value).join(' ')}`);
    },
    permissions: { findsBy: 'all', maySee: (place: string) => !refused.includes(place), ownIdentifier },
    foundIdentities: new Set(),
  } as unknown as Context;
  const { data, errors = [] } = await graphql({
    schema,
    source,
    contextValue: context,
    fieldResolver: (parent: Record<string, unknown>, args, _, info) => {
      const resolve = resolvers[info.parentType.name]?.[info.fieldName];
      if (typeof resolve === 'function')
        return (resolve as (...all: unknown[]) => unknown)(parent, args, context, info);
      return parent[info.fieldName];
    },
    typeResolver: (value: { __typename: string }) => value.__typename,
  });
  return { data, errors: errors.map(({ originalError }) => originalError), wanted, events, context };
}
const customerWith = async (fields: string, request: Request = {}) => {
  const { data, errors } = await query(`{ customer(by: { email: "${EMAIL}" }) { ${fields} } }`, request);
  return { customer: data?.['customer'] as Record<string, unknown> | null | undefined, errors };
};

describe('the sources in the first search for a customer', () => {
  const ALL = ['a', 'b', 'c'];
  test.each<[string, string[]]>([
    ['__typename', []],
    // The id is that of the first source; a name is usually in the first source of its rule.
    ['id', ['a']],
    ['name', ['b']],
    ['primaryEmail', ['a', 'b']],
    ['timeline', ['b']],
    ['tickets', ['a']],
    ['deals', ['b']],
    ['organisations', ['c']],
    ['consents', ['a', 'c']],
    ['company', ['c']],
    ['orders', ['b']],
    // The click log declares no identity, so its data is found by identifiers in the records of any system.
    ['visits', ALL],
    ['systems { source }', ALL],
  ])('for the field %s are %j', async (field, expected) => {
    const { wanted } = await query(`{ customer(by: { email: "${EMAIL}" }) { ${field} } }`, {
      isKnown: false,
    });
    expect(wanted).toEqual([expected]);
  });
});

describe('Query', () => {
  test.each<[string, Request, unknown]>([
    ['has no customer for a caller without an own customer', {}, null],
    [
      'has the own customer',
      { ownIdentifier: { namespace: 'email', value: EMAIL } },
      { __typename: 'Customer' },
    ],
  ])('me: %s', async (_, request, expected) => {
    const { data, errors } = await query('{ me { __typename } }', request);
    expect(errors).toEqual([]);
    expect(data).toEqual({ me: expected });
  });

  test.each([
    [true, 1],
    [false, 0],
  ])('notes a customer for the audit if a system knows it: %s', async (isKnown, count) => {
    const { data, context } = await query(`{ customer(by: { email: "${EMAIL}" }) { __typename } }`, {
      isKnown,
    });
    expect(data).toEqual({ customer: isKnown ? { __typename: 'Customer' } : null });
    expect(context.foundIdentities.size).toBe(count);
  });

  const keys = (...values: string[]) => values.map((value) => `{ email: "${value}" }`).join(' ');
  test('customers: identifies the valid keys together before it reads each customer', async () => {
    const { data, errors, events } = await query(
      `{ customers(by: [${keys('nobody', EMAIL)}]) { __typename } }`,
    );
    expect(events).toEqual([`walk ${EMAIL}`, `identify ${EMAIL}`]);
    expect(data).toEqual({ customers: [null, { __typename: 'Customer' }] });
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  test('customers: fails separately for each customer', async () => {
    const { data, errors } = await query(`{ customers(by: [${keys(EMAIL)}]) { __typename } }`, {
      isKnown: down,
    });
    expect(data).toEqual({ customers: [null] });
    expect(errors).toEqual([down]);
  });

  test('customers: are limited in number', async () => {
    const { errors, events } = await query(
      `{ customers(by: [${keys('a@b.nl', 'b@b.nl', 'c@b.nl')}]) { __typename } }`,
    );
    expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
    expect(events).toEqual([]);
    const allowed = await query(`{ customers(by: [${keys('a@b.nl', 'b@b.nl')}]) { __typename } }`);
    expect(allowed.errors).toEqual([]);
  });

  const identify = `{ identify(by: { email: "${EMAIL}" }) {
    __typename
    ... on IdentifiedCustomer { customer { __typename } }
    ... on AmbiguousIdentifier { candidateCount }
    ... on UnknownIdentifier { queriedSystems }
  } }`;
  const NOTHING = { links: [], findings: [], conflicts: [], limitsReached: new Set<never>() };
  test.each<[string, Partial<Match>, object | Error, number]>([
    [
      'one customer',
      { kind: 'identified', ...NOTHING },
      { __typename: 'IdentifiedCustomer', customer: { __typename: 'Customer' } },
      1,
    ],
    [
      'two customers',
      { kind: 'ambiguous', candidates: 2 },
      { __typename: 'AmbiguousIdentifier', candidateCount: 2 },
      0,
    ],
    [
      'nobody',
      { kind: 'unknown', queriedSources: new Set(['a']) },
      { __typename: 'UnknownIdentifier', queriedSystems: ['a'] },
      0,
    ],
    [
      'an unknown customer while a system fails',
      { kind: 'unknown', failed: new Map([['a', down]]) },
      down,
      0,
    ],
  ])('identify: finds %s', async (_, match, expected, count) => {
    const { data, errors, context } = await query(identify, { match });
    if (expected instanceof Error) expect(errors).toEqual([expected]);
    else expect(data).toMatchObject({ identify: expected });
    expect(context.foundIdentities.size).toBe(count);
  });
});

describe.each([true, false])('Customer, with cached records: %s,', (isCached) => {
  const idOf = (namespace: string, value: string) => ids.seal({ namespace, value });
  test.each<[string, Request['outcomes'], string | null | Error]>([
    ['that of the first system', { a: found(record('2')), b: found(record('1')) }, idOf('aId', '2')],
    ['that of the lowest record id', { a: found(record('2'), record('1')) }, idOf('aId', '1')],
    [
      'that of the next system if the first does not know the customer',
      { b: found(record('1')) },
      idOf('bId', '1'),
    ],
    ['an error if the first system fails', { a: failed, b: found(record('1')) }, down],
    ['null if no system knows the customer', {}, null],
  ])('id: is %s', async (_, outcomes = {}, expected) => {
    const { customer, errors } = await customerWith('id', { outcomes, isCached });
    if (expected instanceof Error) expect(errors).toEqual([expected]);
    else expect(customer).toEqual({ id: expected });
  });

  test.each<[string, Request['outcomes'], object[] | Error]>([
    [
      'of each system, verified if one record is',
      { a: found(record('1', EMAIL, true), record('2', 'Eva@Example.nl')), b: found(record('1', EMAIL)) },
      [
        { value: EMAIL, source: 'a', isVerified: true },
        { value: EMAIL, source: 'b', isVerified: false },
      ],
    ],
    [
      'of the other systems while one fails',
      { a: failed, b: found(record('1', EMAIL)) },
      [{ value: EMAIL, source: 'b', isVerified: false }],
    ],
    [
      'none while a system fails, if another knows a customer without any',
      { a: failed, b: found(record('1')) },
      [],
    ],
    ['an error if no system knows the customer and one fails', { a: failed }, down],
    [
      'without other identifiers',
      { a: found({ id: '1', identifiers: [{ namespace: 'shopId', value: EMAIL }] }) },
      [],
    ],
  ])('emails: are %s', async (_, outcomes = {}, expected) => {
    const { customer, errors } = await customerWith('emails { value source isVerified }', {
      outcomes,
      isCached,
    });
    if (expected instanceof Error) expect(errors).toEqual([expected]);
    else expect(customer).toEqual({ emails: expected });
  });
});

describe('Customer', () => {
  test('systems: names the status of each system', async () => {
    const { customer } = await customerWith('systems { source status }', {
      outcomes: { a: failed, b: found(record('1')) },
    });
    expect(customer?.['systems']).toEqual([
      { source: 'a', status: 'UNAVAILABLE' },
      { source: 'b', status: 'KNOWN' },
      { source: 'c', status: 'UNKNOWN' },
    ]);
  });

  test('identifiers: leaves out those of fields that the caller may not see', async () => {
    const [a, b] = sources.map((source, rank): KnownRecord => ({
      source,
      rank,
      record: record('1', EMAIL),
      key: `${source.name} 1`,
      recordId: { namespace: `${source.name}Id`, value: '1' },
      heldIdentifiers: [],
    }));
    if (a === undefined || b === undefined) throw new Error('two sources');
    const shown = async (...refused: string[]) =>
      (
        (await customerWith('identifiers { namespace }', { match: { records: [a, b] }, refused })).customer?.[
          'identifiers'
        ] as { namespace: string }[]
      ).map(({ namespace }) => namespace);
    expect(await shown()).toEqual(['aId', 'email', 'bId']);
    expect(await shown('Customer.emails')).toEqual(['aId', 'bId']);
    expect(await shown('Customer.emails', 'Customer.b')).toEqual(['aId']);
  });

  const chosen: CustomerRecord = { ...record('7'), profile: { name: 'Eva' } };
  noteFetchedAt(chosen, 0);
  test.each<[string, Request, object[] | string]>([
    ['of the requested field', {}, [{ field: 'NAME', chosen: { value: 'Eva', recordId: '7' } }]],
    [
      'without the record id that the caller may not see',
      { refused: ['Customer.b'] },
      [{ field: 'NAME', chosen: { value: 'Eva', recordId: '***' } }],
    ],
    ['refused for a value that the caller may not see', { refused: ['Customer.name'] }, 'FORBIDDEN'],
  ])('provenance: is %s', async (_, request, expected) => {
    const { customer, errors } = await customerWith(
      'provenance(fields: ["NAME"]) { field chosen { value recordId } }',
      {
        outcomes: { b: found(chosen) },
        ...request,
      },
    );
    if (typeof expected === 'string') expect(errors).toMatchObject([{ extensions: { code: expected } }]);
    else expect(customer).toEqual({ provenance: expected });
  });

  test('provenance: is refused if one of several values may not be seen, and else has the visible ones', async () => {
    const request = { refused: ['Customer.name', 'Customer.bornOn'] };
    const some = await customerWith('provenance(fields: ["LANGUAGE", "NAME"]) { field }', request);
    expect(some.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    const all = await customerWith('provenance { field }', request);
    expect(all.customer?.['provenance']).toEqual(
      ['PRIMARY_EMAIL', 'PRIMARY_PHONE', 'ADDRESS', 'LANGUAGE'].map((field) => ({ field })),
    );
  });
});
