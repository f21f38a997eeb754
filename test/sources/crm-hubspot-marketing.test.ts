import { afterEach, describe, expect, inject, it } from 'vitest';
import { crmHubspot } from '../../sources/crm-hubspot/index.js';
import {
  contactsById,
  subscriptionsOfContacts,
  subscriptionTypes,
} from '../../sources/crm-hubspot/loaders.js';
import { startCrmHubspot } from '../../sources/crm-hubspot/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person } from '../../sources/stand-ins/world.js';
import type { RestClient } from '../../src/connectors/rest.js';
import { open, type Opened } from '../connectors/contract.js';
import { sendJson, startServer, type SmallServer } from '../connectors/server.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings, faultControl } from '../support/stand-ins.js';

const world = createWorld({ customers: inject('customers') });
const everybody = world.people.filter(({ crm }) => crm !== undefined);
const everywhere = everybody.find(({ email }) => email === 'everywhere@example.nl');
const ordinary = everybody.filter(({ email }) => email.startsWith('customer-')).slice(0, 50);
const { CRM_HUBSPOT_URL, CRM_HUBSPOT_TOKEN } = directSettings();

/** As the CRM holds them: all mail first, then each kind by its name. */
const subscriptionsOf = ({ crm }: Person) =>
  [
    { id: null, name: null },
    { id: '482110072', name: 'Aanbiedingen' },
    { id: '482110079', name: 'Klantonderzoek' },
    { id: '482110071', name: 'Nieuwsbrief' },
  ].map(({ id, name }) => {
    const last = crm?.marketing.choices.find(({ kindId }) => (kindId ?? null) === id)?.changes[0];
    return {
      id,
      purpose: name,
      channel: 'EMAIL',
      status: last?.isOut === true ? 'OPTED_OUT' : 'NOT_OPTED_OUT',
      source: last?.source ?? null,
      updatedAt: last === undefined ? null : new Date(last.at).toISOString(),
    };
  });

describe('the CRM, asked what somebody said to marketing', () => {
  const MARKETING = `marketingOptOut isMarketingContact legalBases
    marketingSubscriptions { id purpose channel status source updatedAt }`;

  it('shows it for each kind of mail, with its source and moment', async () => {
    const people = [everywhere, ...ordinary].flatMap((person) => person ?? []);
    const gateway = createTestGateway({ CRM_HUBSPOT_URL, CRM_HUBSPOT_TOKEN });
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { ${MARKETING} } }`,
      { by: people.map(({ crm }) => ({ hubspotContactId: crm?.contactId })) },
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(
      people.map((person) => ({
        marketingOptOut: subscriptionsOf(person)[0]?.status === 'OPTED_OUT',
        isMarketingContact: person.crm?.marketing.isMarketable,
        legalBases: person.crm?.marketing.legalBases,
        marketingSubscriptions: subscriptionsOf(person),
      })),
    );
    const statuses = (person: Person | undefined) =>
      person === undefined ? [] : subscriptionsOf(person).map(({ status }) => status);
    expect(statuses(everywhere)).toContain('OPTED_OUT');
    expect(statuses(everywhere)).toContain('NOT_OPTED_OUT');
  });

  it('asks for no more than it needs for what a contact itself tells', async () => {
    const control = await faultControl([], ['crm-hubspot']);
    const gateway = createTestGateway(control.settings);
    const { errors } = await gateway.query(
      `query($by: CustomerKey!) { customer(by: $by) { jobTitle marketingOptOut isMarketingContact legalBases } }`,
      { by: { hubspotContactId: everywhere?.crm?.contactId } },
    );
    const calls = control.counters()['crm-hubspot']?.calls;
    await gateway.close();
    await control.close();
    expect(errors).toEqual([]);
    expect(calls).toBe(1);
  });

  it('asks which kinds of mail there are once an hour, and for fifty contacts at once', async () => {
    const large = createWorld({ customers: 130 });
    const standIn = await startCrmHubspot(large);
    const control = await faultControl([standIn]);
    const clock = fakeClock();
    const gateway = createTestGateway(
      { ...standIn.settings(control.sources['crm-hubspot']?.url ?? ''), DEADLINE_MS: '10000' },
      { clock },
    );
    const contacts = large.people.filter(({ crm }) => crm !== undefined).slice(0, 100);
    const ask = async () => {
      await control.heal();
      const { errors } = await gateway.query(
        'query($by: [CustomerKey!]!) { customers(by: $by) { marketingSubscriptions { status } } }',
        { by: contacts.map(({ crm }) => ({ hubspotContactId: crm?.contactId })) },
      );
      expect(errors).toEqual([]);
      return control.counters()['crm-hubspot']?.calls;
    };
    // Who they are; which kinds there are; two batches.
    expect(await ask()).toBe(1 + 1 + 2);
    expect(await ask()).toBe(2);
    clock.advance(59 * 60_000);
    expect(await ask()).toBe(1 + 2);
    clock.advance(2 * 60_000);
    expect(await ask()).toBe(1 + 1 + 2);
    await gateway.close();
    await control.close();
    await standIn.close();
  });

  it('believes the contact that opts out when two are one customer', async () => {
    const buyer = world.people.find(({ email }) => email === 'customer-7@example.nl');
    const [one, other] = ordinary;
    if (one?.crm === undefined || other?.crm === undefined || buyer?.orderSystem === undefined)
      throw new Error('the seed has too few contacts');
    const said = (isOut: boolean, at: string) => ({
      isMarketable: isOut,
      legalBases: isOut ? ['Not applicable'] : [],
      choices: [{ kindId: '482110071', changes: [{ isOut, at, source: 'FORM' as const }] }],
    });
    const standIn = await startCrmHubspot({
      ...world,
      people: [
        {
          ...one,
          email: 'other-address@example.nl',
          crm: {
            ...one.crm,
            customerNumber: buyer.orderSystem.customerNumber,
            marketing: said(true, '2026-01-01T00:00:00Z'),
          },
        },
        {
          ...other,
          email: buyer.email,
          crm: { ...other.crm, marketing: said(false, '2026-02-01T00:00:00Z') },
        },
      ],
    });
    const gateway = createTestGateway({ ...directSettings(), ...standIn.settings(standIn.url) });
    const { data, errors } = await gateway.query(
      `{ customer(by: { email: "other-address@example.nl" }) { ${MARKETING} } }`,
    );
    await gateway.close();
    await standIn.close();
    expect(errors).toEqual([]);
    expect(at(data, 'customer')).toMatchObject({
      marketingOptOut: false,
      isMarketingContact: true,
      legalBases: ['Not applicable'],
    });
    expect(listAt(data, 'customer', 'marketingSubscriptions').at(-1)).toEqual({
      id: '482110071',
      purpose: 'Nieuwsbrief',
      channel: 'EMAIL',
      status: 'OPTED_OUT',
      source: 'FORM',
      updatedAt: '2026-01-01T00:00:00.000Z',
    });
  });

  describe('as it may also answer', () => {
    let server: SmallServer;
    let client: Opened<RestClient>;

    const answering = async (body: unknown, propertiesStatus = 200): Promise<void> => {
      server = await startServer(({ url }, response) => {
        const status = url.startsWith('/crm/v3/properties/') ? propertiesStatus : 200;
        sendJson(response, body, { status });
      });
      client = open<RestClient>(crmHubspot.connector, {
        CRM_HUBSPOT_URL: server.url,
        CRM_HUBSPOT_TOKEN: 't',
      });
    };
    afterEach(async () => {
      await client.close();
      await server.close();
    });
    const contact = (id: string, properties: object) => ({ id, properties });

    it('does not take for "not opted out" what the account keeps no property of', async () => {
      await answering({ results: [contact('1', { email: 'jan@example.nl' })] });
      expect(await contactsById.load(['1'], client)).toMatchObject([
        [{ marketingOptOut: null, isMarketingContact: null, legalBases: [] }],
      ]);
      const types = [
        { id: null, name: null },
        { id: '5', name: 'News' },
      ];
      expect(await subscriptionsOfContacts.load([{ contactId: '1', types }], client)).toEqual([[]]);
      await expect(subscriptionsOfContacts.load([{ contactId: '2', types }], client)).rejects.toMatchObject({
        code: 'SOURCE_CONTRACT',
      });
    });

    it('takes the last change of a subscription, in whatever order they come', async () => {
      const change = (value: string, timestamp: string, sourceType: string) => ({
        value,
        timestamp,
        sourceType,
      });
      await answering({
        results: [
          {
            ...contact('1', { hs_email_optout_5: 'true', hs_email_optout_6: null }),
            propertiesWithHistory: {
              hs_email_optout_5: [
                change('false', '2025-01-01T00:00:00Z', 'FORM'),
                change('true', '2026-01-01T00:00:00Z', 'EMAIL'),
                change('true', '2024-01-01T00:00:00Z', 'IMPORT'),
              ],
            },
          },
        ],
      });
      const types = [
        { id: '5', name: 'News' },
        { id: '6', name: 'Offers' },
      ];
      expect(await subscriptionsOfContacts.load([{ contactId: '1', types }], client)).toEqual([
        [
          {
            id: '5',
            purpose: 'News',
            channel: 'EMAIL',
            status: 'OPTED_OUT',
            source: 'EMAIL',
            updatedAt: '2026-01-01T00:00:00.000Z',
          },
          {
            id: '6',
            purpose: 'Offers',
            channel: 'EMAIL',
            status: 'NOT_OPTED_OUT',
            source: null,
            updatedAt: null,
          },
        ],
      ]);
    });

    it('knows the kinds of mail by the names of the properties alone', async () => {
      await answering({
        results: [
          { name: 'hs_email_optout', label: 'Unsubscribed from all email' },
          { name: 'hs_email_optout_9', label: 'Afgemeld voor: Nieuws' },
          { name: 'hs_email_optout_12', label: 'Opted out of email: Marketing Information' },
          { name: 'hs_email_optout_survey_reason', label: 'Reason' },
          { name: 'my_hs_email_optout_3', label: 'Mine' },
        ],
      });
      expect(await subscriptionTypes.load(['contacts'], client)).toEqual([
        [
          { id: null, name: null },
          { id: '9', name: 'Afgemeld voor: Nieuws' },
          { id: '12', name: 'Marketing Information' },
        ],
      ]);
    });

    it('leaves null nothing but the subscriptions when it may not list its properties', async () => {
      await answering({ results: [contact('1', { jobtitle: 'Bakker', hs_email_optout: 'true' })] }, 403);
      const gateway = createTestGateway({ CRM_HUBSPOT_URL: server.url, CRM_HUBSPOT_TOKEN: 't' });
      const { data, errors } = await gateway.query(
        '{ customer(by: { hubspotContactId: "1" }) { jobTitle marketingOptOut marketingSubscriptions { status } } }',
      );
      await gateway.close();
      expect(data).toEqual({
        customer: { jobTitle: 'Bakker', marketingOptOut: true, marketingSubscriptions: null },
      });
      expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
        [['customer', 'marketingSubscriptions'], 'SOURCE_FORBIDDEN'],
      ]);
    });

    it('refuses a history whose moments are none', async () => {
      const propertiesWithHistory = {
        hs_email_optout: [{ timestamp: 'jan@example.nl', sourceType: 'FORM' }],
      };
      await answering({
        results: [{ ...contact('1', { hs_email_optout: 'true' }), propertiesWithHistory }],
      });
      const types = [{ id: null, name: null }];
      const outcome = await subscriptionsOfContacts
        .load([{ contactId: '1', types }], client)
        .catch((error: unknown) => error);
      expect(outcome).toMatchObject({ code: 'SOURCE_CONTRACT' });
      expect((outcome as Error).message).not.toContain('jan@example.nl');
    });
  });
});
