import { describe, expect, it } from 'vitest';
import { crmCompanies } from '../../sources/crm-hubspot/companies.js';
import { consents } from '../../sources/crm-hubspot/consents.js';
import { deals as dealsOfCustomer } from '../../sources/crm-hubspot/deals.js';
import {
  companies,
  companiesByKvkNumber,
  companiesByVatNumber,
  contactsById,
  deals,
  dealsOfContacts,
  readHistory,
  subscriptionsOfContacts,
  ticketsOfCompanies,
} from '../../sources/crm-hubspot/loaders.js';
import { newestDealsOf, newestTicketsOf } from '../../sources/crm-hubspot/newest.js';
import { newestDeals, newestTickets } from '../../sources/crm-hubspot/searches.js';
import type { Context, Customer } from '../../src/customer/customer.js';
import type { RestClient } from '../../src/index.js';
import type { z } from 'zod';

interface Sent {
  path: string;
  body: Record<string, unknown>;
}

/** A HubSpot that answers each call in turn. */
function hubspotWith(...answers: unknown[]): { hubspot: RestClient; sent: Sent[] } {
  const sent: Sent[] = [];
  const post = (schema: z.ZodType, path: string, body: Record<string, unknown>) => {
    sent.push({ path, body });
    return Promise.resolve(schema.parse(answers[sent.length - 1] ?? answers.at(-1)));
  };
  return { hubspot: { post } as unknown as RestClient, sent };
}

const moment = (second: number) => new Date(Date.UTC(2026, 10, 1, 0, 0, second)).toISOString();
const deal = (id: number, second: number) => ({ id: String(id), properties: { createdate: moment(second) } });
const found = (results: unknown[], after?: string) => ({
  results,
  ...(after === undefined ? {} : { paging: { next: { after } } }),
});

describe('the newest deals of a contact in HubSpot', () => {
  const search = async (request: { first: number; before?: [number, string] }, ...answers: unknown[]) => {
    const { hubspot, sent } = hubspotWith(...answers);
    const [at, id = ''] = request.before ?? [];
    const before = at === undefined ? null : { at: moment(at), id };
    const [part] = await Promise.all(
      newestDeals.loadEach?.([{ id: '5', first: request.first, before }], hubspot) ?? [],
    );
    return { ids: part?.items.map(({ recordId }) => recordId), readBackTo: part?.readBackTo, sent };
  };

  it('are requested newest first, with two results beyond the page', async () => {
    const { sent } = await search({ first: 3, before: [9, '7'] }, found([]));
    expect(sent).toMatchObject([
      {
        path: '/crm/v3/objects/deals/search',
        body: {
          filterGroups: [
            {
              filters: [
                { propertyName: 'associations.contact', operator: 'EQ', value: '5' },
                {
                  propertyName: 'createdate',
                  operator: 'LTE',
                  value: String(Date.UTC(2026, 10, 1, 0, 0, 9)),
                },
              ],
            },
          ],
          sorts: [{ propertyName: 'createdate', direction: 'DESCENDING' }],
          limit: 5,
          after: '0',
        },
      },
    ]);
  });

  it.each([
    ['of one page', { first: 2 }, [found([deal(1, 9), deal(2, 8)])], ['1', '2'], [], 1],
    [
      'with an older one after the page',
      { first: 1 },
      [found([deal(1, 9), deal(2, 8)], 'a')],
      ['1', '2'],
      [8],
      1,
    ],
    [
      'with another one of the same moment',
      { first: 1 },
      [found([deal(1, 9), deal(2, 9)], 'a'), found([deal(3, 8)], 'b')],
      ['1', '2', '3'],
      [8],
      2,
    ],
    [
      'before a position of the same moment',
      { first: 1, before: [9, '5'] },
      [found([deal(6, 9), deal(5, 9)], 'a'), found([deal(4, 9), deal(3, 8)], 'b')],
      ['6', '5', '4', '3'],
      [8],
      2,
    ],
    [
      'that move to the next page during the search',
      { first: 3 },
      [found([deal(1, 9), deal(2, 8)], 'a'), found([deal(2, 8), deal(3, 7)])],
      ['1', '2', '3'],
      [],
      2,
    ],
    [
      'without a moment',
      { first: 1 },
      [found([deal(1, 9), { id: '2', properties: {} }], 'a')],
      ['1', '2'],
      [],
      1,
    ],
  ])('are read as far as needed: %s', async (what, request, answers, ids, readBackTo, calls) => {
    const read = await search(request as { first: number; before?: [number, string] }, ...answers);
    expect(read.ids).toEqual(ids);
    expect(read.sent).toHaveLength(calls);
    expect(read.readBackTo).toEqual(
      what === 'without a moment' ? ['1970-01-01T00:00:00.000Z'] : readBackTo.map(moment),
    );
  });

  it('are cached for each part', () => {
    const key = { id: '5', first: 2, before: { at: moment(1), id: '7' } };
    const texts = [
      key,
      { ...key, id: '6' },
      { ...key, first: 3 },
      { ...key, before: null },
      { ...key, before: { ...key.before, at: moment(2) } },
      { ...key, before: { ...key.before, id: '8' } },
    ].map((other) => newestDeals.keyText?.(other));
    expect(new Set(texts).size).toBe(6);
    expect(newestDeals.about?.(key, { items: [], readBackTo: [] })).toEqual([
      { namespace: 'hubspotContactId', value: '5' },
    ]);
  });
});

describe('all deals or tickets of HubSpot, or the newest of them', () => {
  const record = (recordId: string) => ({ recordId, createdAt: null });
  const read = (count: number, searched: readonly string[] = []) => {
    const loaded: string[] = [];
    const load = (loader: { name: string }) => {
      loaded.push(loader.name);
      if (/Of/.test(loader.name)) return Promise.resolve(Array.from({ length: count }, (_, i) => String(i)));
      if (/^newest/.test(loader.name))
        return Promise.resolve({ items: searched.map(record), readBackTo: ['a moment'] });
      return Promise.resolve(loaded.length === 2 ? null : record('1'));
    };
    const context = { load } as unknown as Context;
    const request = { first: 1, before: null };
    return { loaded, context, request };
  };

  it.each([
    [100, 99, []],
    [101, 1, ['a moment']],
  ])('are read if there are %d', async (count, items, readBackTo) => {
    const ofDeals = read(count, ['7']);
    const part = await newestDealsOf('5', ofDeals.request, ofDeals.context);
    expect([part.items.length, part.readBackTo]).toEqual([items, readBackTo]);
    expect(new Set(ofDeals.loaded)).toEqual(
      new Set([dealsOfContacts.name, count === 100 ? deals.name : newestDeals.name]),
    );
    const ofTickets = read(count, ['7']);
    await newestTicketsOf('5', ofTickets.request, ofTickets.context);
    expect(new Set(ofTickets.loaded)).toEqual(
      new Set([ticketsOfCompanies.name, count === 100 ? 'tickets' : newestTickets.name]),
    );
  });

  it('are an error if one of them is not associated', async () => {
    const { context, request } = read(101, ['7', '500']);
    await expect(newestDealsOf('5', request, context)).rejects.toMatchObject({ kind: 'wrong-record' });
  });

  it('are those of all contacts of the customer, as far as each was read', async () => {
    const { context, request } = read(101, ['7']);
    const customer = { identifiers: () => Promise.resolve(['5', '6']) } as unknown as Customer;
    const part = await dealsOfCustomer.page(customer, request, context);
    expect(part).toMatchObject({ readBackTo: ['a moment', 'a moment'] });
  });
});

describe('records of HubSpot', () => {
  const contact = (id: string, more: object = {}) => ({ id, properties: { email: `${id}@a.nl`, ...more } });
  const merged = { hs_merged_object_ids: '3; 4' };

  it('are not found by the id of a merged one, and still by their own', async () => {
    const idsOf = async (ids: string[], ...contacts: unknown[]) =>
      (await contactsById.load(ids, hubspotWith({ results: contacts }).hubspot)).map((records) =>
        Array.isArray(records) ? records.map(({ id }: { id: string }) => id) : records,
      );
    expect(await idsOf(['4'], contact('9', merged))).toEqual([[]]);
    expect(await idsOf(['4', '9'], contact('9', merged))).toEqual([[], ['9']]);
    const { hubspot } = hubspotWith({ results: [contact('9', merged)] });
    expect(await readHistory(hubspot, ['3'], ['hs_email_optout'])).toEqual([null]);
  });

  it('have the history of the requested properties only', async () => {
    const { hubspot, sent } = hubspotWith({ results: [] });
    await readHistory(hubspot, ['3', '3'], ['a']);
    expect(sent[0]?.body).toEqual({
      inputs: [{ id: '3' }],
      properties: ['a', 'hs_merged_object_ids'],
      propertiesWithHistory: ['a'],
    });
  });

  it.each([
    [companiesByKvkNumber, 'kvk_number', '12345678', ' 12345678 '],
    [companiesByVatNumber, 'vat_number', 'NL001234567B01', ' nl001234567b01'],
  ])('are companies by %s that changed last', async (loader, property, number, written) => {
    const of = (id: string) => ({ id, properties: { [property]: written } });
    const { hubspot, sent } = hubspotWith(found([of('2')], 'a'), found([of('1')]));
    const [company] = await loader.load([number, 'NL9'], hubspot);
    expect(company).toMatchObject({ id: '2' });
    expect(sent[0]?.body).toMatchObject({
      filterGroups: [
        { filters: [{ propertyName: property, operator: 'IN', values: [number.toLowerCase(), 'nl9'] }] },
      ],
      sorts: [{ propertyName: 'hs_lastmodifieddate', direction: 'DESCENDING' }],
    });
    expect(sent.map(({ body }) => body['after'])).toEqual(['0', 'a']);
  });

  it('are not unknown companies if not all pages were read', async () => {
    const { hubspot, sent } = hubspotWith(
      found([], 'a'),
      found([], 'b'),
      found([], 'c'),
      found([], 'd'),
      found([], 'e'),
    );
    const [company] = await companiesByKvkNumber.load(['12345678'], hubspot);
    expect(company).toMatchObject({ kind: 'incomplete' });
    expect(sent).toHaveLength(5);
  });

  it('are about their contacts, and companies also about their numbers', () => {
    const ofContact = { namespace: 'hubspotContactId', value: '5' };
    const company = { id: '1', kvkNumber: '12345678', vatNumber: ' nl001 ' } as never;
    const ofCompany = [
      { type: 'Company', key: '1' },
      { namespace: 'kvkNumber', value: '12345678' },
      { namespace: 'vatNumber', value: 'NL001' },
    ];
    expect(companies.about?.({ id: '1', contactId: '5' }, company)).toEqual([ofContact, ...ofCompany]);
    expect(companies.about?.({ id: '1', contactId: '5' }, null)).toEqual([ofContact]);
    expect(companiesByVatNumber.about?.('NL9', company)).toEqual([
      { namespace: 'vatNumber', value: 'NL9' },
      ...ofCompany,
    ]);
    expect(companiesByKvkNumber.about?.('9', null)).toEqual([{ namespace: 'kvkNumber', value: '9' }]);
    expect(dealsOfContacts.about?.('5', [])).toEqual([ofContact]);
    expect('about' in ticketsOfCompanies).toBe(false);
    expect(companies.keyText?.({ id: '1', contactId: '5' })).not.toBe(
      companies.keyText?.({ id: '1', contactId: '6' }),
    );
  });
});

describe('a customer of two contacts in HubSpot', () => {
  const all = { id: null, name: null };
  const [offers, tips] = [
    { id: '5', name: 'Offers' },
    { id: '9', name: 'Tips' },
  ];
  const of = (type: object, isOptedOut: boolean, changedAt: string | null) => ({
    ...{ type, isOptedOut, changedAt, changedBy: null },
  });
  const notes = async (
    ofContacts: Readonly<Record<string, unknown[]>>,
    records: unknown[] = [],
  ): Promise<unknown[]> => {
    const customer = {
      identifiers: () => Promise.resolve(Object.keys(ofContacts)),
      records: () => Promise.resolve(records),
    } as unknown as Customer;
    const load = ({ name }: { name: string }, key: { contactId: string }) =>
      Promise.resolve(
        name === subscriptionsOfContacts.name ? ofContacts[key.contactId] : [all, offers, tips],
      );
    const found = (await consents.notesOf?.(customer, { load } as unknown as Context)) ?? [];
    return found.map(({ topic, status, updatedAt, evidence }) =>
      [topic, status, updatedAt, evidence].filter((part) => part != null).join(' '),
    );
  };

  it.each([
    [
      'the opt-out of one of them, though it is older',
      { 1: [of(offers, true, '2025')], 2: [of(offers, false, '2026')] },
      ['Offers REVOKED 2025 hs_email_optout_5'],
    ],
    [
      'the last change of two equal ones',
      { 1: [of(tips, false, '2025')], 2: [of(tips, false, '2026')] },
      ['Tips UNKNOWN 2026 hs_email_optout_9'],
    ],
    [
      'each kind of mail in the order of the kinds',
      { 1: [of(tips, false, null)], 2: [of(offers, false, null), of(all, false, null)] },
      ['UNKNOWN hs_email_optout', 'Offers UNKNOWN hs_email_optout_5', 'Tips UNKNOWN hs_email_optout_9'],
    ],
    [
      'no note about all mail if that consent is withdrawn',
      { 1: [of(all, true, null), of(offers, false, null)] },
      ['Offers UNKNOWN hs_email_optout_5'],
    ],
    [
      'a note about all mail if only a kind of mail is withdrawn',
      { 1: [of(all, false, null), of(offers, true, null)] },
      ['UNKNOWN hs_email_optout', 'Offers REVOKED hs_email_optout_5'],
    ],
  ])('has %s', async (_, ofContacts, expected) => {
    expect(await notes(ofContacts)).toEqual(expected);
  });

  it.each([
    [[{ isMarketingContact: false, legalBases: [] }], ['UNKNOWN hs_marketable_status: false']],
    [
      [
        { isMarketingContact: false, legalBases: ['a', 'b'] },
        { isMarketingContact: true, legalBases: ['b'] },
      ],
      ['UNKNOWN hs_marketable_status: true', 'UNKNOWN hs_legal_basis: a; b'],
    ],
    [[{ isMarketingContact: null, legalBases: [] }], []],
  ])('has the settings of %o', async (records, expected) => {
    expect(await notes({}, records)).toEqual(expected);
  });

  it.each([
    [
      { 1: [], 2: ['8', '9'] },
      { id: '8', contactId: '2' },
    ],
    [
      { 1: ['7'], 2: ['8'] },
      { id: '7', contactId: '1' },
    ],
    [{ 1: [], 2: [] }, null],
  ])('belongs to the first company of %o', async (ofContacts: Record<string, string[]>, expected) => {
    const customer = {
      identifiers: () => Promise.resolve(Object.keys(ofContacts)),
    } as unknown as Customer;
    const load = ({ name }: { name: string }, key: string) =>
      Promise.resolve(name === companies.name ? key : ofContacts[key]);
    expect(await crmCompanies.ofCustomer?.(customer, { load } as unknown as Context)).toEqual(expected);
  });
});
