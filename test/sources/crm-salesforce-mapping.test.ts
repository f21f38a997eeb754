import { describe, expect, it } from 'vitest';
import {
  isSameCustomer,
  phoneSpellings,
  toCampaignMembership,
  toCase,
  toConsents,
  toContact,
  toOpportunity,
  toOrganisation,
  type ContactRecord,
} from '../../sources/crm-salesforce/mapping.js';
import {
  account,
  campaignMember,
  contactWith,
  errorKindOf,
  opportunityRole,
  supportCase,
} from '../../sources/crm-salesforce/wire.js';

const Id = '003000000000001AAA';
const other = '001000000000002AAA';
const moment = '2026-10-01T12:00:00.000+0200';
const contact = { Id, HasOptedOutOfEmail: false, DoNotCall: false, LastModifiedDate: moment };

const read = (fields: object) => toContact(contactWith('Number__c').parse({ ...contact, ...fields }));

describe('a contact of Salesforce', () => {
  it('has each field in its place', () => {
    expect(
      read({
        ...{ AccountId: other, Name: 'Anna de Vries', LastName: 'de Vries', Email: 'anna@example.nl' },
        ...{ Phone: '1', MobilePhone: '2', HomePhone: '3', Birthdate: '1980-02-29', Number__c: 'K-9' },
        ...{ MailingStreet: 'A 1', MailingPostalCode: '1234 AB', MailingCity: 'Ede', MailingCountry: 'BE' },
      }),
    ).toEqual({
      id: Id,
      identifiers: [
        { namespace: 'email', value: 'anna@example.nl' },
        { namespace: 'phone', value: '2' },
        { namespace: 'phone', value: '1' },
        { namespace: 'phone', value: '3' },
        { namespace: 'customerNumber', value: 'K-9', verified: true },
      ],
      profile: {
        name: 'Anna de Vries',
        birthDate: '1980-02-29',
        address: { street: 'A 1', postcode: '1234 AB', city: 'Ede', country: 'BE' },
        updatedAt: '2026-10-01T10:00:00.000Z',
      },
      lastName: 'de Vries',
      accountId: other,
    });
  });

  it('has null for each empty field', () => {
    expect(read({ Name: '', LastName: '', Email: '', Phone: '', MobilePhone: '', MailingCity: '' })).toEqual({
      id: Id,
      identifiers: [
        { namespace: 'email', value: null },
        { namespace: 'customerNumber', value: null, verified: true },
      ],
      profile: { name: null, birthDate: null, address: null, updatedAt: '2026-10-01T10:00:00.000Z' },
      lastName: null,
      accountId: null,
    });
  });

  it.each<[object, unknown]>([
    [{ MailingCountry: 'NL' }, null],
    [{ MailingStreet: 'A 1' }, { street: 'A 1', postcode: null, city: null, country: null }],
    [{ MailingPostalCode: '12' }, { street: null, postcode: '12', city: null, country: null }],
    [
      { MailingCity: 'Ede', MailingCountry: 'Nederland' },
      { street: null, postcode: null, city: 'Ede', country: null },
    ],
  ])('with %j has the address %j', (fields, address) => {
    expect(read(fields).profile?.address).toEqual(address);
  });

  it.each([
    [false, false, []],
    [true, false, [['EMAIL', 'HasOptedOutOfEmail']]],
    [false, true, [['PHONE', 'DoNotCall']]],
    [
      true,
      true,
      [
        ['EMAIL', 'HasOptedOutOfEmail'],
        ['PHONE', 'DoNotCall'],
      ],
    ],
  ])('with the flags %j and %j withdraws %j', (HasOptedOutOfEmail, DoNotCall, expected) => {
    expect(toConsents({ Id, HasOptedOutOfEmail, DoNotCall })).toEqual(
      expected.map(([channel, evidence]) => ({ purpose: 'MARKETING', channel, status: 'REVOKED', evidence })),
    );
  });
});

describe('two contacts of Salesforce', () => {
  const record = (lastName: string | null, birthDate: string | null): ContactRecord => ({
    ...{ id: Id, identifiers: [], profile: { birthDate }, lastName, accountId: null },
  });
  it.each([
    [record('Vries', '1980-01-01'), record(' vries ', '1980-01-01'), true],
    [record('Vries', '1980-01-01'), record('Vries', '1980-01-02'), false],
    [record('Vries', '1980-01-01'), record('Jansen', '1980-01-01'), false],
    [record('Vries', null), record('Vries', null), false],
    [record(null, '1980-01-01'), record(null, '1980-01-01'), false],
    [record(' ', '1980-01-01'), record(' ', '1980-01-01'), false],
    [record('Vries', '1980-01-01'), record('Vries', null), false],
  ])('are compared by name and birth date: %#', (record, another, expected) => {
    expect(isSameCustomer(record, another)).toBe(expected);
    expect(isSameCustomer(another, record)).toBe(expected);
  });
});

describe('a phone number in Salesforce', () => {
  it.each<[string, string[]]>([
    ['+4930123', ['+4930123', '004930123']],
    [
      '+31612345678',
      [
        ...['+31612345678', '0031612345678', '0612345678', '+31 612345678'],
        ...['06-12345678', '06 12345678', '+31 6 12345678'],
      ],
    ],
    [
      '+31201234567',
      [
        ...['+31201234567', '0031201234567', '0201234567', '+31 201234567'],
        ...['020-1234567', '020 1234567', '+31 20 1234567'],
        ...['0201-234567', '0201 234567', '+31 201 234567'],
      ],
    ],
    [
      '+31222123456',
      [
        ...['+31222123456', '0031222123456', '0222123456', '+31 222123456'],
        ...['022-2123456', '022 2123456', '+31 22 2123456'],
        ...['0222-123456', '0222 123456', '+31 222 123456'],
      ],
    ],
  ])('of %s is found in each of these notations', (phone, spellings) => {
    expect(phoneSpellings(phone)).toEqual(spellings);
  });
});

it('an account of Salesforce has each field in its place', () => {
  const fields = {
    ...{ Id: other, Name: 'Bakker', Type: 'Customer', Industry: 'Food', Website: 'bakker.example' },
    ...{ BillingCity: 'Ede', NumberOfEmployees: 0 },
  };
  expect(toOrganisation(account.parse(fields))).toEqual({
    ...{
      source: 'crm-salesforce',
      recordId: other,
      name: 'Bakker',
      domains: null,
      website: 'bakker.example',
    },
    ...{ kind: 'Customer', industry: 'Food', city: 'Ede', employeeCount: 0 },
  });
  expect(toOrganisation(account.parse({ Id: other }))).toEqual({
    ...{ source: 'crm-salesforce', recordId: other, name: null, domains: null, website: null },
    ...{ kind: null, industry: null, city: null, employeeCount: null },
  });
});

describe('an opportunity of Salesforce', () => {
  const opportunity = {
    ...{ Id: other, Name: 'Mugs', Amount: 10, StageName: 'Won', CloseDate: '2026-11-30' },
    ...{ IsClosed: true, IsWon: false, CreatedDate: moment },
  };
  const opportunityOf = (fields: object | null, currency?: string) =>
    toOpportunity(
      opportunityRole.parse({
        ...{ Id, ContactId: Id, Role: 'Buyer' },
        Opportunity: fields === null ? null : { ...opportunity, ...fields },
      }),
      currency,
    );

  it('has each field in its place', () => {
    expect(opportunityOf({}, 'EUR')).toEqual({
      ...{ source: 'crm-salesforce', recordId: other, name: 'Mugs', stage: 'Won', role: 'Buyer' },
      ...{ amount: { amount: '10.00', currency: 'EUR' }, isClosed: true, isWon: false },
      ...{ closesOn: '2026-11-30', createdAt: '2026-10-01T10:00:00.000Z' },
    });
    expect(opportunityOf(null, 'EUR')).toBeNull();
  });

  it.each<[object, string | undefined, unknown]>([
    [{ Amount: 0 }, 'EUR', { amount: '0.00', currency: 'EUR' }],
    [{ Amount: '7.5' }, 'EUR', { amount: '7.50', currency: 'EUR' }],
    [{ Amount: '7.125' }, 'EUR', { amount: '7.125', currency: 'EUR' }],
    [{ CurrencyIsoCode: 'USD' }, 'EUR', { amount: '10.00', currency: 'USD' }],
    [{ CurrencyIsoCode: 'USD' }, undefined, { amount: '10.00', currency: 'USD' }],
    [{}, undefined, null],
    [{ Amount: null }, 'EUR', null],
  ])('of %j and the currency %j has the amount %j', (fields, currency, amount) => {
    expect(opportunityOf(fields, currency)?.amount).toEqual(amount);
  });
});

describe('a case of Salesforce', () => {
  const fields = { Id: other, ContactId: Id, IsClosed: false, CreatedDate: moment };

  it('has each field in its place', () => {
    expect(
      toCase(
        supportCase.parse({
          ...{ ...fields, CaseNumber: '001', Subject: 'Broken', Status: 'On Hold', Priority: 'Medium' },
          ...{
            Origin: 'Phone',
            ClosedDate: '2026-10-03T12:00:00Z',
            LastModifiedDate: '2026-10-02T12:00:00Z',
          },
        }),
      ),
    ).toEqual({
      ...{ source: 'crm-salesforce', recordId: other, number: '001', subject: 'Broken', status: 'HOLD' },
      ...{
        statusText: 'On Hold',
        isOpen: true,
        priority: 'NORMAL',
        priorityText: 'Medium',
        channel: 'Phone',
      },
      createdAt: '2026-10-01T10:00:00.000Z',
      updatedAt: '2026-10-02T12:00:00.000Z',
      closedAt: '2026-10-03T12:00:00.000Z',
    });
    expect(toCase(supportCase.parse(fields))).toMatchObject({
      ...{ number: null, subject: null, status: null, statusText: null, priority: null, priorityText: null },
      ...{ channel: null, updatedAt: null, closedAt: null },
    });
  });

  it.each([
    [{ Status: 'New' }, { status: 'NEW', isOpen: true }],
    [{ Status: 'working' }, { status: 'OPEN', isOpen: true }],
    [{ Status: 'Escalated' }, { status: 'OPEN', isOpen: true }],
    [{ Status: 'Own' }, { status: null, isOpen: true }],
    [
      { Status: 'New', IsClosed: true },
      { status: 'CLOSED', isOpen: false },
    ],
    [{ Priority: 'LOW' }, { priority: 'LOW' }],
    [{ Priority: 'High' }, { priority: 'HIGH' }],
    [{ Priority: 'Own' }, { priority: null, priorityText: 'Own' }],
  ])('with %j is %j', (more, expected) => {
    expect(toCase(supportCase.parse({ ...fields, ...more }))).toMatchObject(expected);
  });
});

it('a campaign membership of Salesforce has each field in its place', () => {
  const member = { Id: other, ContactId: Id, HasResponded: true, CreatedDate: moment };
  const campaign = { Campaign: { Name: 'Spring', Type: 'Email' } };
  expect(
    toCampaignMembership(
      campaignMember.parse({ ...member, ...campaign, Status: 'Sent', FirstRespondedDate: '2026-10-05' }),
    ),
  ).toEqual({
    ...{ recordId: other, name: 'Spring', kind: 'Email', status: 'Sent', hasResponded: true },
    ...{ respondedOn: '2026-10-05', joinedAt: '2026-10-01T10:00:00.000Z' },
  });
  expect(toCampaignMembership(campaignMember.parse({ ...member, HasResponded: false }))).toMatchObject({
    ...{ name: null, kind: null, status: null, hasResponded: false, respondedOn: null },
  });
});

describe('an error of Salesforce', () => {
  it.each<[number, string[], string | undefined]>([
    [403, ['REQUEST_LIMIT_EXCEEDED'], 'rate-limited'],
    [403, ['OTHER', 'REQUEST_LIMIT_EXCEEDED'], 'rate-limited'],
    [503, ['REQUEST_LIMIT_EXCEEDED'], 'rate-limited'],
    [400, ['QUERY_TIMEOUT'], 'unavailable'],
    [499, ['OTHER', 'SERVER_UNAVAILABLE'], 'unavailable'],
    [500, ['SERVER_UNAVAILABLE'], undefined],
    [400, ['MALFORMED_QUERY'], undefined],
    [400, [], undefined],
  ])('%i with the codes %j is %j', (status, codes, kind) => {
    expect(
      errorKindOf(
        status,
        codes.map((errorCode) => ({ errorCode })),
      ),
    ).toBe(kind);
  });
});
