import { describe, expect, it } from 'vitest';
import {
  ALL_MARKETING,
  emailsOf,
  toCompany,
  toConsent,
  toConsents,
  toContact,
  toDeal,
  toIds,
  toSubscriptions,
  toSubscriptionTypes,
  toTicket,
} from '../../sources/crm-hubspot/mapping.js';
import { associationsRead, batchRead, historyRead, type CrmObject } from '../../sources/crm-hubspot/wire.js';

/** Reads an object in the format of HubSpot. */
function object(properties: Record<string, string | null>): CrmObject {
  const [read] = batchRead.parse({ results: [{ id: '7', properties }] }).results;
  if (read === undefined) throw new Error('No object was read.');
  return read;
}

function objectWithHistory(
  properties: Record<string, string | null>,
  propertiesWithHistory?: Record<string, { timestamp: string | null; sourceType?: string }[]>,
) {
  const [read] = historyRead.parse({ results: [{ id: '7', properties, propertiesWithHistory }] }).results;
  if (read === undefined) throw new Error('No object was read.');
  return read;
}

describe('a contact of HubSpot', () => {
  it('has each property in its place', () => {
    expect(
      toContact(
        object({
          email: 'One@Example.nl',
          hs_additional_emails: 'two@example.nl; Three@example.nl;',
          firstname: 'Anna',
          lastname: 'de Vries',
          phone: '0101',
          mobilephone: '0602',
          jobtitle: 'Buyer',
          lifecyclestage: 'lead',
          address: 'Kerkstraat 3',
          zip: '1234 AB',
          city: 'Ede',
          country: 'BE',
          hs_language: 'nl-be',
          lastmodifieddate: '2026-10-01T12:00:00+02:00',
          twitterhandle: 'anna_x',
          customer_number: 'K-9',
          facebook_user_id: '42',
          hs_marketable_status: 'false',
          hs_legal_basis: 'Consent;;Contract',
        }),
      ),
    ).toEqual({
      id: '7',
      identifiers: [
        { namespace: 'email', value: 'one@example.nl' },
        { namespace: 'email', value: 'two@example.nl' },
        { namespace: 'email', value: 'three@example.nl' },
        { namespace: 'phone', value: '0101' },
        { namespace: 'phone', value: '0602' },
        { namespace: 'customerNumber', value: 'K-9', verified: true },
        { namespace: 'xUsername', value: 'anna_x' },
        { namespace: 'facebookUserId', value: '42', verified: true },
      ],
      profile: {
        name: 'Anna de Vries',
        language: 'nl-be',
        address: { street: 'Kerkstraat 3', postcode: '1234 AB', city: 'Ede', country: 'BE' },
        updatedAt: '2026-10-01T10:00:00.000Z',
      },
      jobTitle: 'Buyer',
      lifecycleStage: 'lead',
      isMarketingContact: false,
      legalBases: ['Consent', 'Contract'],
    });
  });

  it.each([
    ['null', null],
    ['empty', ''],
  ])('has null and empty lists if properties are %s', (_, none) => {
    const names = ['email', 'hs_additional_emails', 'firstname', 'lastname', 'jobtitle', 'lifecyclestage'];
    const more = ['address', 'zip', 'city', 'country', 'hs_language', 'lastmodifieddate'];
    const rest = ['hs_marketable_status', 'hs_legal_basis'];
    const read = toContact(
      object(Object.fromEntries([...names, ...more, ...rest].map((name) => [name, none]))),
    );
    expect(read).toMatchObject({
      profile: { name: null, language: null, address: null, updatedAt: null },
      jobTitle: null,
      lifecycleStage: null,
      isMarketingContact: null,
      legalBases: [],
    });
    expect(read.identifiers.filter(({ value }) => value != null)).toEqual([]);
  });

  it.each([
    [{ firstname: 'Anna', lastname: null }, 'Anna'],
    [{ firstname: null, lastname: 'Vries' }, 'Vries'],
  ])('has a name made of the known parts of %j', (properties, name) => {
    expect(toContact(object(properties)).profile?.name).toBe(name);
  });

  it.each<[Record<string, string>, unknown]>([
    [{ country: 'NL' }, null],
    [{ address: 'A 1' }, { street: 'A 1', postcode: null, city: null, country: null }],
    [{ zip: '1234 AB' }, { street: null, postcode: '1234 AB', city: null, country: null }],
    [{ city: 'Ede' }, { street: null, postcode: null, city: 'Ede', country: null }],
    [
      { city: 'Ede', country: 'NLD' },
      { street: null, postcode: null, city: 'Ede', country: null },
    ],
    [
      { city: 'Ede', country: 'nl' },
      { street: null, postcode: null, city: 'Ede', country: null },
    ],
    [
      { city: 'Ede', country: 'N' },
      { street: null, postcode: null, city: 'Ede', country: null },
    ],
  ])('with %j has the address %j', (properties, address) => {
    expect(toContact(object(properties)).profile?.address).toEqual(address);
  });

  it.each([
    ['true', true],
    ['false', false],
    [null, null],
    [undefined, null],
  ])('with the marketing status %j is a marketing contact: %j', (status, expected) => {
    const properties = status === undefined ? {} : { hs_marketable_status: status };
    expect(toContact(object(properties)).isMarketingContact).toBe(expected);
  });

  it('has only additional addresses if it has no primary address', () => {
    expect(emailsOf(object({ hs_additional_emails: ' B@example.nl ;a@example.nl' }).properties)).toEqual([
      'b@example.nl',
      'a@example.nl',
    ]);
  });
});

describe('a company of HubSpot', () => {
  const numbers: [string | null, number | null][] = [
    ['0', 0],
    ['250', 250],
    ['2147483647', 2_147_483_647],
    ['2147483648', null],
    ['12.5', null],
    ['many', null],
    ['', null],
    [null, null],
  ];

  it('has each property in its place', () => {
    const properties = {
      ...{ name: 'Bakker B.V.', domain: 'bakker.example', city: 'Ede', industry: 'FOOD' },
      ...{ numberofemployees: '12', kvk_number: '12345678', vat_number: 'NL1' },
    };
    expect(toCompany(object(properties))).toEqual({
      ...{ id: '7', name: 'Bakker B.V.', domain: 'bakker.example', city: 'Ede', industry: 'FOOD' },
      ...{ employeeCount: 12, kvkNumber: '12345678', vatNumber: 'NL1' },
    });
    expect(toCompany(object({}))).toEqual({
      ...{ id: '7', name: null, domain: null, city: null, industry: null },
      ...{ employeeCount: null, kvkNumber: null, vatNumber: null },
    });
  });

  it.each(numbers)('with %j employees has %j', (numberofemployees, employeeCount) => {
    expect(toCompany(object({ numberofemployees })).employeeCount).toBe(employeeCount);
  });
});

describe('a deal of HubSpot', () => {
  it('has each property in its place', () => {
    const properties = {
      ...{ dealname: 'Mugs', amount: '1e3', deal_currency_code: 'USD', dealstage: 'contract' },
      ...{ closedate: '2026-12-01T23:30:00-02:00', createdate: '1767225600000' },
      ...{ hs_is_closed: 'true', hs_is_closed_won: 'false' },
    };
    expect(toDeal(object(properties))).toEqual({
      ...{ source: 'crm-hubspot', recordId: '7', name: 'Mugs', amount: { amount: '1000', currency: 'USD' } },
      ...{ stage: 'contract', isClosed: true, isWon: false, role: null },
      ...{ closesOn: '2026-12-02', createdAt: '2026-01-01T00:00:00.000Z' },
    });
    expect(toDeal(object({}))).toEqual({
      ...{ source: 'crm-hubspot', recordId: '7', name: null, amount: null, stage: null, isClosed: null },
      ...{ isWon: null, role: null, closesOn: null, createdAt: null },
    });
  });

  it.each([[{ amount: '5' }], [{ deal_currency_code: 'EUR' }], [{ amount: '', deal_currency_code: 'EUR' }]])(
    'has no amount with only %j',
    (properties) => {
      expect(toDeal(object(properties)).amount).toBeNull();
    },
  );

  it('may have the amount 0', () => {
    expect(toDeal(object({ amount: '0', deal_currency_code: 'EUR' })).amount).toEqual({
      amount: '0',
      currency: 'EUR',
    });
  });
});

describe('a ticket of HubSpot', () => {
  it('has each property in its place', () => {
    const properties = {
      ...{ subject: 'Broken', hs_pipeline_stage: '4', hs_ticket_priority: 'MEDIUM' },
      ...{ createdate: '2026-10-01T00:00:00Z', closed_date: '2026-10-03T00:00:00Z' },
      ...{ hs_lastmodifieddate: '2026-10-02T00:00:00Z' },
    };
    expect(toTicket(object(properties))).toEqual({
      ...{ source: 'crm-hubspot', recordId: '7', number: null, subject: 'Broken', status: 'CLOSED' },
      ...{ statusText: '4', isOpen: false, priority: 'NORMAL', priorityText: 'MEDIUM', channel: null },
      createdAt: '2026-10-01T00:00:00.000Z',
      updatedAt: '2026-10-02T00:00:00.000Z',
      closedAt: '2026-10-03T00:00:00.000Z',
    });
    expect(toTicket(object({}))).toEqual({
      ...{ source: 'crm-hubspot', recordId: '7', number: null, subject: null, status: null },
      ...{ statusText: null, isOpen: true, priority: null, priorityText: null, channel: null },
      ...{ createdAt: null, updatedAt: null, closedAt: null },
    });
  });

  it.each([
    ['LOW', 'LOW'],
    ['HIGH', 'HIGH'],
    ['URGENT', 'URGENT'],
    ['Own', null],
  ])('of the priority %s has %j', (text, priority) => {
    expect(toTicket(object({ hs_ticket_priority: text }))).toMatchObject({ priority, priorityText: text });
  });
});

describe('a subscription of HubSpot', () => {
  const offers = { id: '5', name: 'Offers' };

  it('exists for all marketing mail, and then for each type with an opt-out property, by name', () => {
    const properties = [
      { name: 'hs_email_optout', label: 'Unsubscribed from all' },
      { name: 'hs_email_optout_9', label: 'Opted out of email: Tips' },
      { name: 'hs_email_optout_5', label: 'Opted out of email: Offers' },
      { name: 'hs_email_optout_9', label: 'Opted out of email: Tips' },
      { name: 'hs_email_optout_x', label: 'Opted out of email: Own' },
      { name: 'my_hs_email_optout_8', label: 'Opted out of email: Mine' },
    ];
    expect(toSubscriptionTypes(properties)).toEqual([ALL_MARKETING, offers, { id: '9', name: 'Tips' }]);
  });

  it('has the time and cause of its last change', () => {
    const contact = objectWithHistory(
      { hs_email_optout: 'true', hs_email_optout_5: '' },
      {
        hs_email_optout: [
          { timestamp: '2026-10-01T00:00:00Z', sourceType: 'FORM' },
          { timestamp: '2026-10-03T00:00:00Z', sourceType: 'EMAIL' },
          { timestamp: null, sourceType: 'CRM_UI' },
          { timestamp: '2026-10-02T00:00:00Z' },
        ],
      },
    );
    expect(toSubscriptions(contact, [ALL_MARKETING, offers, { id: '6', name: 'Gone' }])).toEqual([
      { type: ALL_MARKETING, isOptedOut: true, changedBy: 'EMAIL', changedAt: '2026-10-03T00:00:00.000Z' },
      { type: offers, isOptedOut: false, changedBy: null, changedAt: null },
    ]);
  });

  it('is a withdrawal or unknown', () => {
    const changedAt = '2026-10-03T00:00:00.000Z';
    expect(toConsent({ type: offers, isOptedOut: true, changedBy: 'EMAIL', changedAt })).toEqual({
      ...{ purpose: 'MARKETING', channel: 'EMAIL', topic: 'Offers', status: 'REVOKED' },
      ...{ updatedAt: changedAt, evidence: 'hs_email_optout_5, EMAIL' },
    });
    expect(toConsent({ type: ALL_MARKETING, isOptedOut: false, changedBy: null, changedAt: null })).toEqual({
      ...{ purpose: 'MARKETING', channel: 'EMAIL', topic: null, status: 'UNKNOWN' },
      ...{ updatedAt: null, evidence: 'hs_email_optout' },
    });
  });

  it.each([
    [{ hs_email_optout: 'true', hs_email_optout_5: 'false' }, 1],
    [{ hs_email_optout: 'false', hs_email_optout_5: 'true' }, 0],
    [{ hs_email_optout: null }, 0],
    [{}, 0],
  ])('with %j withdraws %i times', (properties, count) => {
    expect(toConsents(objectWithHistory(properties))).toHaveLength(count);
  });
});

it('associated ids are unique, with the primary id first', () => {
  const to = (toObjectId: number | string, ...labels: (string | null)[]) => ({
    toObjectId,
    associationTypes: labels.map((label) => ({ label })),
  });
  const { results } = associationsRead.parse({
    results: [
      { from: { id: '1' }, to: [to(3, null), to('2', null, 'Primary'), to(1), to(3, 'Buyer'), to(2, null)] },
    ],
  });
  expect(toIds(results[0]?.to ?? [])).toEqual(['2', '3', '1']);
});
