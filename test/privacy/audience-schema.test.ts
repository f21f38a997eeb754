import { buildSchema, graphql, isObjectType, printSchema, type GraphQLSchema } from 'graphql';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Context } from '../../src/customer/customer.js';
import type { Consents } from '../../src/customer/consents.js';
import type { Consent, Purpose } from '../../src/customer/schema.generated.js';
import type { Audience } from '../../src/privacy/access.js';
import { createAudienceSchemas } from '../../src/privacy/audience-schema.js';
import { createConsentGuard } from '../../src/privacy/consent-guard.js';
import type { FieldPolicy } from '../../src/stitching/policies.js';

/** Tests a schema as each audience sees and queries it. */

const schema = buildSchema(`
  type Query { customer: Customer weather: Weather }
  type Customer { name: String email: String town: String debts: [Debt] nicknames: [String] }
  type Debt { amount: Int }
  type Weather { text: String }
`);
const fieldOf = (of: GraphQLSchema, type: string, field: string) => {
  const objectType = of.getType(type);
  const fields = isObjectType(objectType) ? objectType.getFields() : {};
  const found = fields[field];
  if (found === undefined) throw new Error(`The schema has no ${type}.${field}.`);
  return found;
};
let readOf: string[] = [];
fieldOf(schema, 'Query', 'customer').resolve = () => ({
  name: 'Anna de Vries',
  email: () => Promise.resolve('anna@example.nl'),
  town: () => {
    readOf.push('town');
    return 'Utrecht';
  },
  debts: [{ amount: 3 }],
  nicknames: ['Ann', null],
});

const POLICIES: Record<string, Omit<FieldPolicy, 'authenticated'>> = {
  'Query.customer': { category: 'NONE' },
  'Customer.name': { category: 'IDENTITY', mask: 'INITIAL' },
  'Customer.email': { category: 'CONTACT', mask: 'EMAIL', channel: 'EMAIL' },
  'Customer.town': { category: 'TRAIT' },
  'Customer.debts': { category: 'FINANCIAL', purposes: ['SERVICE'], scopes: [['debts']] },
  'Customer.nicknames': { category: 'IDENTITY', mask: 'ALL' },
};

let statements: Consent[] = [];
const consents: Consents = {
  sources: ['crm'],
  ofCustomer: () => Promise.resolve(statements),
  answersFor: () => [{ statements }],
};
const schemas = createAudienceSchemas({
  schema,
  policies: new Map(
    Object.entries(POLICIES).map(([path, policy]) => [path, { ...policy, authenticated: false }]),
  ),
  needConsent: new Set<Purpose>(['MARKETING']),
  consentGuard: createConsentGuard(consents),
});

const audience = (parts: Partial<Audience> = {}): Audience => ({
  scopes: new Set(['debts']),
  sees: 'clear',
  purpose: 'SERVICE',
  ...parts,
});

async function queryAs(by: Audience, source: string) {
  // The context is only the key of the cached consent. The tests do not read it.
  const contextValue = {} as Context;
  const { data, errors } = await graphql({ schema: schemas.executed(by), source, contextValue });
  return { data: data?.['customer'], codes: errors?.map(({ extensions }) => extensions['code']) };
}
const ALL = '{ customer { name email town debts { amount } nicknames } }';

beforeEach(() => {
  statements = [];
  readOf = [];
});

describe('an audience gets', () => {
  test('every value unchanged if it may see all fields', async () => {
    expect(await queryAs(audience(), ALL)).toEqual({
      data: {
        name: 'Anna de Vries',
        email: 'anna@example.nl',
        town: 'Utrecht',
        debts: [{ amount: 3 }],
        nicknames: ['Ann', null],
      },
      codes: undefined,
    });
  });

  test('masked values if it sees masked values, also of promises and lists', async () => {
    expect(await queryAs(audience({ sees: 'masked' }), ALL)).toEqual({
      data: {
        name: 'A***',
        email: 'a***@example.nl',
        town: 'Utrecht',
        debts: [{ amount: 3 }],
        nicknames: ['***', null],
      },
      codes: undefined,
    });
  });

  test.each([
    ['a scope', audience({ scopes: new Set() })],
    ['a purpose', audience({ purpose: 'ANALYTICS' })],
  ])('null with an error for a field if it lacks %s', async (_, by) => {
    expect(await queryAs(by, '{ customer { town debts { amount } } }')).toEqual({
      data: { town: 'Utrecht', debts: null },
      codes: ['FORBIDDEN'],
    });
  });

  test('no value of a customer who has not given consent', async () => {
    expect(await queryAs(audience({ purpose: 'MARKETING' }), '{ customer { name email town } }')).toEqual({
      data: { name: null, email: null, town: null },
      codes: ['CONSENT_REQUIRED', 'CONSENT_REQUIRED', 'CONSENT_REQUIRED'],
    });
    expect(readOf).toEqual([]);
  });

  test('fields with consent for their channel, masked if it sees masked values', async () => {
    statements = [
      { purpose: 'MARKETING', source: 'crm', status: 'GRANTED', channel: 'SMS' },
      { purpose: 'MARKETING', source: 'crm', status: 'DENIED', channel: 'EMAIL' },
    ];
    const marketing = audience({ purpose: 'MARKETING' });
    expect(await queryAs(marketing, '{ customer { name email } }')).toEqual({
      data: { name: 'Anna de Vries', email: null },
      codes: ['CONSENT_REQUIRED'],
    });
    expect(await queryAs({ ...marketing, sees: 'masked' }, '{ customer { name email town } }')).toEqual({
      data: { name: 'A***', email: null, town: 'Utrecht' },
      codes: ['CONSENT_REQUIRED'],
    });
    statements = [{ purpose: 'MARKETING', source: 'crm', status: 'GRANTED' }];
    expect(await queryAs({ ...marketing, sees: 'masked' }, '{ customer { email } }')).toEqual({
      data: { email: 'a***@example.nl' },
      codes: undefined,
    });
  });
});

test('a field without a restriction has no extra resolver', () => {
  const executed = schemas.executed(audience({ sees: 'masked' }));
  expect(fieldOf(executed, 'Query', 'customer').resolve).toBe(fieldOf(schema, 'Query', 'customer').resolve);
  for (const [type, field] of [
    ['Customer', 'town'],
    ['Customer', 'debts'],
    ['Weather', 'text'],
  ] as const)
    expect(fieldOf(executed, type, field).resolve).toBeUndefined();
  expect(fieldOf(executed, 'Customer', 'name').resolve).toBeTypeOf('function');
});

test('all callers of an audience share one schema, and two audiences have two schemas', () => {
  const schema = schemas.executed(audience());
  expect(schemas.executed(audience())).toBe(schema);
  expect(schemas.executed(audience({ sees: 'masked' }))).not.toBe(schema);
  const shown = schemas.shown(audience(), ['SERVICE']);
  expect(schemas.shown(audience(), ['SERVICE'])).toBe(shown);
  expect(schemas.shown(audience({ scopes: new Set() }), ['SERVICE'])).not.toBe(shown);
  expect(schemas.shown(audience(), ['ANALYTICS'])).not.toBe(shown);
});

describe('introspection', () => {
  const shown = (by: Audience, purposes: readonly Purpose[] = []) => printSchema(schemas.shown(by, purposes));

  test('shows the whole schema to an audience that may see all of it', () => {
    expect(shown(audience())).toBe(printSchema(schema));
  });

  test('omits fields that the audience may see for no purpose, and types that only these fields have', () => {
    for (const by of [audience({ scopes: new Set() }), audience({ purpose: 'ANALYTICS' })]) {
      const text = shown(by, ['ANALYTICS', 'MARKETING']);
      expect(text).not.toMatch(/debts|Debt/);
      expect(text).toMatch(/town[^]*type Weather/);
    }
  });

  test('shows fields that the audience may see for another of its purposes, or after consent', () => {
    expect(shown(audience({ purpose: undefined, scopes: new Set() }), ['SERVICE'])).not.toContain('debts');
    for (const purpose of ['ANALYTICS', 'MARKETING'] as const)
      expect(shown(audience({ purpose }), ['ANALYTICS', 'SERVICE'])).toBe(printSchema(schema));
    expect(shown(audience({ purpose: 'MARKETING' }), ['MARKETING'])).toContain('nicknames');
  });
});
