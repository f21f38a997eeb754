import { buildSchema, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { Purpose } from '../../src/customer/schema.generated.js';
import type { Audience } from '../../src/privacy/access.js';
import { createDisclosures } from '../../src/privacy/disclosure.js';
import type { ConsentOutcomes } from '../../src/privacy/consent-guard.js';
import { operationIn } from '../../src/selections.js';
import type { FieldPolicy } from '../../src/stitching/policies.js';

/** Tests the audited categories of an operation by audience, policy and decision. */

const schema = buildSchema(`
  type Query { customer: Customer anything: Anything weather: String }
  type Customer { name: String email: String address: String phone: String town: String debts: [Debt] weather: String consents: String }
  type Debt { amount: Int holder: String }
  type Other { name: String }
  union Anything = Customer | Other
`);
const POLICIES: Record<string, Omit<FieldPolicy, 'authenticated'>> = {
  'Query.customer': { category: 'NONE' },
  'Query.anything': { category: 'NONE' },
  'Query.weather': { category: 'NONE' },
  'Customer.name': { category: 'IDENTITY', mask: 'INITIAL' },
  'Customer.email': { category: 'CONTACT', mask: 'EMAIL', channel: 'EMAIL' },
  'Customer.address': { category: 'CONTACT', channel: 'EMAIL' },
  'Customer.phone': { category: 'CONTACT', channel: 'PHONE' },
  'Customer.town': { category: 'TRAIT' },
  'Customer.debts': { category: 'FINANCIAL', purposes: ['SERVICE'], scopes: [['debts']] },
  'Customer.weather': { category: 'NONE' },
  'Customer.consents': { category: 'CONSENT' },
  'Debt.amount': { category: 'FINANCIAL' },
  'Debt.holder': { category: 'IDENTITY', mask: 'ALL' },
  'Other.name': { category: 'SOCIAL' },
};
const disclosures = createDisclosures({
  schema,
  policies: new Map(
    Object.entries(POLICIES).map(([path, policy]) => [path, { ...policy, authenticated: false }]),
  ),
  needConsent: new Set<Purpose>(['MARKETING']),
});

const audience = (parts: Partial<Audience> = {}): Audience => ({
  scopes: new Set(['debts']),
  sees: 'clear',
  purpose: 'SERVICE',
  ...parts,
});
const decided = (channels: Record<string, 'granted' | 'withheld' | 'both'>): ConsentOutcomes =>
  new Map(
    Object.entries(channels).map(([channel, decisions]) => [
      channel,
      { granted: decisions !== 'withheld', withheld: decisions !== 'granted' },
    ]),
  );
const NOTHING = decided({});

interface DisclosedCategories {
  granted?: string[];
  masked?: string[];
  withheld?: string[];
}

function disclosureOf(query: string, operationName?: string) {
  const parts = operationIn(parse(query), operationName);
  if (parts === undefined) throw new Error('The operation does not exist.');
  return disclosures(parts);
}
const of = (query: string, by: Audience, decisions = NOTHING, operationName?: string) =>
  disclosureOf(query, operationName).of(by, decisions);
const disclosed = (parts: DisclosedCategories) => ({ granted: [], masked: [], withheld: [], ...parts });

const masked = audience({ sees: 'masked' });
const marketing = audience({ purpose: 'MARKETING' });
const maskedMarketing = audience({ purpose: 'MARKETING', sees: 'masked' });

describe('the categories of an audit line', () => {
  test.each<[string, string, Audience, DisclosedCategories | undefined]>([
    [
      'are granted if the fields are shown',
      '{ customer { name town } }',
      audience(),
      { granted: ['IDENTITY', 'TRAIT'] },
    ],
    ['are sorted', '{ customer { town name } }', audience(), { granted: ['IDENTITY', 'TRAIT'] }],
    ['are masked if the fields have a mask', '{ customer { name } }', masked, { masked: ['IDENTITY'] }],
    ['are granted if the fields have no mask', '{ customer { town } }', masked, { granted: ['TRAIT'] }],
    [
      'are granted and masked if some fields have a mask',
      '{ customer { email phone } }',
      masked,
      { granted: ['CONTACT'], masked: ['CONTACT'] },
    ],
    [
      'are withheld without the scope',
      '{ customer { debts { __typename } } }',
      audience({ scopes: new Set() }),
      { withheld: ['FINANCIAL'] },
    ],
    [
      'are withheld for another purpose',
      '{ customer { debts { __typename } } }',
      audience({ purpose: 'ANALYTICS' }),
      { withheld: ['FINANCIAL'] },
    ],
    [
      'include those of nested fields',
      '{ customer { debts { holder } } }',
      masked,
      { granted: ['FINANCIAL'], masked: ['IDENTITY'] },
    ],
    ['are absent if no field is about a person', '{ weather customer { weather } }', audience(), undefined],
    ['are absent for an introspection', '{ __typename }', audience(), undefined],
  ])('%s: %s', (_, query, by, categories) => {
    expect(of(query, by)).toEqual(categories === undefined ? undefined : disclosed(categories));
  });

  test.each<[string, Audience, ConsentOutcomes, DisclosedCategories | undefined]>([
    ['granted', marketing, decided({ '': 'granted' }), { granted: ['IDENTITY'] }],
    ['granted, and masked', maskedMarketing, decided({ '': 'granted' }), { masked: ['IDENTITY'] }],
    ['withheld', marketing, decided({ '': 'withheld' }), { withheld: ['IDENTITY'] }],
    [
      'withheld from an audience that sees masked values',
      maskedMarketing,
      decided({ '': 'withheld' }),
      { withheld: ['IDENTITY'] },
    ],
    [
      'granted by one customer and not by another',
      marketing,
      decided({ '': 'both' }),
      { granted: ['IDENTITY'], withheld: ['IDENTITY'] },
    ],
    ['decided for no customer', marketing, NOTHING, undefined],
    ['decided for another channel', marketing, decided({ EMAIL: 'granted' }), undefined],
  ])('depend on consent that is %s', (_, by, decisions, categories) => {
    expect(of('{ customer { name } }', by, decisions)).toEqual(
      categories === undefined ? undefined : disclosed(categories),
    );
  });

  test('depend on consent for the channel of each field', () => {
    const query = '{ customer { email phone } }';
    const decisions = decided({ EMAIL: 'granted', PHONE: 'withheld' });
    expect(of(query, marketing, decisions)).toEqual(
      disclosed({ granted: ['CONTACT'], withheld: ['CONTACT'] }),
    );
    expect(of(query, maskedMarketing, decisions)).toEqual(
      disclosed({ masked: ['CONTACT'], withheld: ['CONTACT'] }),
    );
  });

  test('include masked and clear fields of one category and channel', () => {
    expect(of('{ customer { email address } }', maskedMarketing, decided({ EMAIL: 'granted' }))).toEqual(
      disclosed({ granted: ['CONTACT'], masked: ['CONTACT'] }),
    );
  });

  test('that are withheld are sorted', () => {
    const decisions = decided({ '': 'withheld', PHONE: 'withheld' });
    expect(of('{ customer { name phone } }', marketing, decisions)).toEqual(
      disclosed({ withheld: ['CONTACT', 'IDENTITY'] }),
    );
  });

  test('include the list of consents, which needs no consent', () => {
    expect(of('{ customer { consents } }', marketing, decided({ '': 'withheld' }))).toEqual(
      disclosed({ granted: ['CONSENT'] }),
    );
  });

  test('include fields in fragments, each category once', () => {
    const query = `query { customer { ...A } } fragment A on Customer { town ...B } fragment B on Customer { name ...A }`;
    expect(of(query, audience())).toEqual(disclosed({ granted: ['IDENTITY', 'TRAIT'] }));
    const union = '{ anything { ... on Other { name } ... on Customer { town } } }';
    expect(of(union, audience())).toEqual(disclosed({ granted: ['SOCIAL', 'TRAIT'] }));
  });

  test('include only fields of the requested operation', () => {
    const query = 'query One { customer { name } } query Two { customer { town } }';
    const ofName = (operationName: string) => of(query, audience(), NOTHING, operationName);
    expect(ofName('One')).toEqual(disclosed({ granted: ['IDENTITY'] }));
    expect(ofName('Two')).toEqual(disclosed({ granted: ['TRAIT'] }));
  });
});

test('the categories of an audience and a decision are not reused for others', () => {
  const disclosure = disclosureOf('{ customer { name } }');
  const disclosureTo = (by: Audience, decisions: ConsentOutcomes) => disclosure.of(by, decisions);
  for (let times = 0; times < 2; times += 1) {
    expect(disclosureTo(audience(), NOTHING)).toEqual(disclosed({ granted: ['IDENTITY'] }));
    expect(disclosureTo(masked, NOTHING)).toEqual(disclosed({ masked: ['IDENTITY'] }));
    expect(disclosureTo(marketing, NOTHING)).toBeUndefined();
    expect(disclosureTo(marketing, decided({ '': 'granted' }))).toEqual(disclosed({ granted: ['IDENTITY'] }));
    expect(disclosureTo(marketing, decided({ '': 'withheld' }))).toEqual(
      disclosed({ withheld: ['IDENTITY'] }),
    );
    expect(disclosureTo(marketing, decided({ '': 'both' }))).toEqual(
      disclosed({ granted: ['IDENTITY'], withheld: ['IDENTITY'] }),
    );
  }
  const ofEmail = disclosureOf('{ customer { email } }');
  expect(ofEmail.of(marketing, decided({ PHONE: 'granted' }))).toBeUndefined();
  expect(ofEmail.of(marketing, decided({ EMAIL: 'granted' }))).toEqual(disclosed({ granted: ['CONTACT'] }));
  // The audit caches the text of each object, so the same object must be returned.
  expect(disclosureTo(audience(), NOTHING)).toBe(disclosureTo(audience(), NOTHING));
});

test('the audit names the fields that an audience may not see', () => {
  const disclosure = disclosureOf('{ customer { name debts { amount } consents } }');
  const forbiddenTo = (by: Audience) => disclosure.forbidden(by);
  expect(forbiddenTo(audience())).toEqual([]);
  expect(forbiddenTo(audience({ scopes: new Set() }))).toEqual(['Customer.debts']);
  expect(forbiddenTo(marketing)).toEqual(['Customer.debts']);
});
