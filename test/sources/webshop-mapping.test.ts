import { describe, expect, it } from 'vitest';
import { fromGid, toConsents, toCustomer, toGid } from '../../sources/webshop/mapping.js';
import {
  consentingCustomer,
  exhaustedFor,
  shopifyCustomer,
  throttledFor,
} from '../../sources/webshop/wire.js';

const id = 'gid://shopify/Customer/7';

it.each<[unknown, string]>([
  [toGid('9007199254740993'), '9007199254740993'],
  ['gid://shopify/Order/7', ''],
  ['7', ''],
  [7, ''],
  [null, ''],
])('the customer %j is %j', (gid, expected) => {
  expect(fromGid(gid)).toBe(expected);
});

describe('a customer of Shopify', () => {
  it('has each field in its place', () => {
    const fields = {
      ...{ id, firstName: 'Anna', lastName: 'Vries', email: 'a@example.nl', phone: '06', locale: 'nl' },
      ...{ updatedAt: '2026-10-01T12:00:00Z' },
      defaultAddress: { address1: 'A 1', zip: '1234 AB', city: 'Ede', countryCodeV2: 'BE' },
    };
    expect(toCustomer(shopifyCustomer.parse(fields))).toEqual({
      id: '7',
      identifiers: [
        { namespace: 'email', value: 'a@example.nl' },
        { namespace: 'phone', value: '06' },
      ],
      profile: {
        ...{ name: 'Anna Vries', language: 'nl', updatedAt: '2026-10-01T12:00:00Z' },
        address: { street: 'A 1', postcode: '1234 AB', city: 'Ede', country: 'BE' },
      },
    });
  });

  it.each<[object, object]>([
    [{}, { name: null, language: null, address: null, updatedAt: null }],
    [{ firstName: '', lastName: 'Vries' }, { name: 'Vries' }],
    [{ firstName: 'Anna', lastName: null }, { name: 'Anna' }],
    [{ defaultAddress: { countryCodeV2: 'NL' } }, { address: null }],
    [
      { defaultAddress: { zip: '1' } },
      { address: { street: null, postcode: '1', city: null, country: null } },
    ],
    [{ defaultAddress: { city: 'Ede' } }, { address: { city: 'Ede' } }],
    [{ defaultAddress: { address1: 'A' } }, { address: { street: 'A' } }],
  ])('with only %j has the profile %j', (fields, profile) => {
    expect(toCustomer(shopifyCustomer.parse({ id, ...fields })).profile).toMatchObject(profile);
  });
});

describe('a marketing consent of Shopify', () => {
  const consentsOf = (emailMarketingConsent: object | null, smsMarketingConsent: object | null) =>
    toConsents(consentingCustomer.parse({ id, emailMarketingConsent, smsMarketingConsent }));
  const level = { marketingOptInLevel: 'CONFIRMED_OPT_IN', consentUpdatedAt: '2026-10-01T12:00:00+02:00' };

  it.each([
    ['SUBSCRIBED', 'GRANTED', 'CONFIRMED_OPT_IN'],
    ['UNSUBSCRIBED', 'REVOKED', 'CONFIRMED_OPT_IN'],
    ['PENDING', 'REQUESTED', 'CONFIRMED_OPT_IN'],
    ['NOT_SUBSCRIBED', 'UNKNOWN', null],
    ['INVALID', 'UNKNOWN', null],
    ['REDACTED', 'UNKNOWN', null],
  ])('that is %s is %s', (marketingState, status, evidence) => {
    const consent = { purpose: 'MARKETING', status, updatedAt: '2026-10-01T10:00:00.000Z', evidence };
    const sent = { marketingState, ...level };
    expect(consentsOf(sent, null)).toEqual([{ ...consent, channel: 'EMAIL' }]);
    expect(consentsOf(null, sent)).toEqual([{ ...consent, channel: 'SMS' }]);
  });

  it('exists for each channel', () => {
    expect(consentsOf({ marketingState: 'SUBSCRIBED' }, { marketingState: 'UNSUBSCRIBED' })).toEqual([
      { purpose: 'MARKETING', channel: 'EMAIL', status: 'GRANTED', updatedAt: null, evidence: null },
      { purpose: 'MARKETING', channel: 'SMS', status: 'REVOKED', updatedAt: null, evidence: null },
    ]);
    expect(consentsOf(null, null)).toEqual([]);
  });
});

describe('the cost points of Shopify', () => {
  const cost = (requestedQueryCost: number, currentlyAvailable: number, restoreRate: number) => ({
    cost: { requestedQueryCost, throttleStatus: { currentlyAvailable, restoreRate } },
  });
  const throttled = [{}, { extensions: { code: 'THROTTLED' } }];

  it.each<[unknown, number | undefined]>([
    [cost(100, 100, 50), undefined],
    [cost(100, 101, 50), undefined],
    [cost(100, 75, 50), 0.5],
    [cost(300, 100, 50), 4],
    [cost(100, 0, 0), undefined],
    [{}, undefined],
    [undefined, undefined],
  ])('in %j are exhausted for another query during %j s', (extensions, seconds) => {
    expect(exhaustedFor(extensions)).toBe(seconds);
  });

  it.each<[unknown, number]>([
    [cost(100, 75, 50), 1],
    [cost(300, 100, 50), 4],
    [cost(301, 100, 50), 5],
    [cost(100, 100, 50), 1],
    [undefined, 1],
  ])('in %j allow a refused query again after %i s', (extensions, seconds) => {
    expect(throttledFor({ errors: throttled, extensions })).toBe(seconds);
    expect(throttledFor({ errors: [{ extensions: { code: 'OTHER' } }], extensions })).toBeUndefined();
    expect(throttledFor({ errors: [], extensions })).toBeUndefined();
  });
});
