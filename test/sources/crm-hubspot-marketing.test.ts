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
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings, faultControl } from '../support/stand-ins.js';

const world = createWorld({ customers: inject('customers') });
const everybody = world.people.filter(({ crm }) => crm !== undefined);
const everywhere = everybody.find(({ email }) => email === 'everywhere@example.nl');
const ordinary = everybody.filter(({ email }) => email.startsWith('customer-')).slice(0, 50);
const { CRM_HUBSPOT_URL, CRM_HUBSPOT_TOKEN } = directSettings();

const evidenceOf = (...parts: (string | undefined)[]) =>
  parts.filter((part) => part !== undefined).join(', ');
const CONSENT = { purpose: 'MARKETING', source: 'CRM_HUBSPOT' };

/** The entries of one contact: all mail, then each kind of mail by name, then the notes. */
const entriesOf = ({ crm }: Person) => {
  const { choices = [], isMarketable, legalBases = [] } = crm?.marketing ?? {};
  const subscriptions = [
    { property: 'hs_email_optout', kindId: undefined, topic: null },
    { property: 'hs_email_optout_482110072', kindId: '482110072', topic: 'Aanbiedingen' },
    { property: 'hs_email_optout_482110079', kindId: '482110079', topic: 'Klantonderzoek' },
    { property: 'hs_email_optout_482110071', kindId: '482110071', topic: 'Nieuwsbrief' },
  ].map(({ property, kindId, topic }) => {
    const last = choices.find((choice) => choice.kindId === kindId)?.changes[0];
    return {
      ...CONSENT,
      channel: 'EMAIL',
      topic,
      status: last?.isOut === true ? 'REVOKED' : 'UNKNOWN',
      updatedAt: last === undefined ? null : new Date(last.at).toISOString(),
      evidence: evidenceOf(property, last?.source),
    };
  });
  const note = (evidence: string) => ({
    ...CONSENT,
    channel: null,
    topic: null,
    status: 'UNKNOWN',
    updatedAt: null,
    evidence,
  });
  return [
    ...subscriptions,
    note(`hs_marketable_status: ${isMarketable}`),
    ...(legalBases.length === 0 ? [] : [note(`hs_legal_basis: ${legalBases.join('; ')}`)]),
  ];
};

describe('the consents that the CRM holds', () => {
  const MARKETING = 'consents { purpose channel topic status source updatedAt evidence }';

  it('shows each kind of mail with its last change, and the legal bases', async () => {
    const people = [everywhere, ...ordinary].flatMap((person) => person ?? []);
    const gateway = createTestGateway({ CRM_HUBSPOT_URL, CRM_HUBSPOT_TOKEN });
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { ${MARKETING} } }`,
      { by: people.map(({ crm }) => ({ hubspotContactId: crm?.contactId })) },
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(people.map((person) => ({ consents: entriesOf(person) })));
    const statuses = people
      .slice(0, 1)
      .flatMap(entriesOf)
      .map(({ status }) => status);
    expect(statuses).toContain('REVOKED');
    expect(statuses).toContain('UNKNOWN');
  });

  it('needs no further call for a field of the contact', async () => {
    const control = await faultControl([], ['crm-hubspot']);
    const gateway = createTestGateway(control.settings);
    const { errors } = await gateway.query(
      `query($by: CustomerKey!) { customer(by: $by) { jobTitle lifecycleStage } }`,
      { by: { hubspotContactId: everywhere?.crm?.contactId } },
    );
    const calls = control.counters()['crm-hubspot']?.calls;
    await gateway.close();
    await control.close();
    expect(errors).toEqual([]);
    expect(calls).toBe(1);
  });

  it('loads the kinds of mail once an hour, and consents of fifty contacts at once', async () => {
    const large = createWorld({ customers: 130 });
    const standIn = await startCrmHubspot(large);
    const control = await faultControl([standIn]);
    const clock = fakeClock();
    const gateway = createTestGateway(
      { ...standIn.settings(control.sources['crm-hubspot']?.url ?? ''), DEADLINE_MS: '10000' },
      { clock },
    );
    const contacts = large.people.filter(({ crm }) => crm !== undefined).slice(0, 100);
    const callsOfQuery = async () => {
      await control.heal();
      const { errors } = await gateway.query(
        'query($by: [CustomerKey!]!) { customers(by: $by) { consents { status } } }',
        { by: contacts.map(({ crm }) => ({ hubspotContactId: crm?.contactId })) },
      );
      expect(errors).toEqual([]);
      return control.counters()['crm-hubspot']?.calls;
    };
    // The calls are the contacts, the kinds of mail, and two batches each of the consents and of the kinds.
    expect(await callsOfQuery()).toBe(1 + 1 + 2 + 2);
    // Consents are cached for five seconds, and kinds of mail for an hour.
    expect(await callsOfQuery()).toBe(2);
    clock.advance(59 * 60_000);
    expect(await callsOfQuery()).toBe(1 + 2 + 2);
    clock.advance(2 * 60_000);
    expect(await callsOfQuery()).toBe(1 + 1 + 2 + 2);
    await gateway.close();
    await control.close();
    await standIn.close();
  });

  it('withholds consent if one of two contacts of a customer opts out', async () => {
    const buyer = world.people.find(({ email }) => email === 'customer-7@example.nl');
    const [first, second] = ordinary;
    if (first?.crm === undefined || second?.crm === undefined || buyer?.orderSystem === undefined)
      throw new Error('The seed data has too few contacts.');
    const run = (isOut: boolean, at: string) => ({
      isMarketable: isOut,
      legalBases: isOut ? ['Not applicable'] : [],
      choices: [{ kindId: '482110071', changes: [{ isOut, at, source: 'FORM' as const }] }],
    });
    const standIn = await startCrmHubspot({
      ...world,
      people: [
        {
          ...first,
          email: 'other-address@example.nl',
          crm: {
            ...first.crm,
            customerNumber: buyer.orderSystem.customerNumber,
            marketing: run(true, '2026-01-01T00:00:00Z'),
          },
        },
        {
          ...second,
          email: buyer.email,
          crm: { ...second.crm, marketing: run(false, '2026-02-01T00:00:00Z') },
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
    const consents = listAt(data, 'customer', 'consents').filter(
      (consent) => at(consent, 'source') === 'CRM_HUBSPOT',
    );
    const entry = { ...CONSENT, channel: 'EMAIL' };
    const note = { ...CONSENT, channel: null, topic: null, status: 'UNKNOWN', updatedAt: null };
    expect(consents.at(0)).toMatchObject({ ...entry, topic: null, status: 'UNKNOWN' });
    expect(consents.slice(-3)).toEqual([
      {
        ...entry,
        topic: 'Nieuwsbrief',
        status: 'REVOKED',
        updatedAt: '2026-01-01T00:00:00.000Z',
        evidence: 'hs_email_optout_482110071, FORM',
      },
      { ...note, evidence: 'hs_marketable_status: true' },
      { ...note, evidence: 'hs_legal_basis: Not applicable' },
    ]);
  });

  describe('with unusual answers of HubSpot', () => {
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

    it('does not report "not opted out" for a property that the account lacks', async () => {
      await answering({ results: [contact('1', { email: 'jan@example.nl' })] });
      expect(await contactsById.load(['1'], client)).toMatchObject([
        [{ isMarketingContact: null, legalBases: [] }],
      ]);
      const types = [
        { id: null, name: null },
        { id: '5', name: 'Newsletter' },
      ];
      expect(await subscriptionsOfContacts.load([{ contactId: '1', types }], client)).toEqual([[]]);
      await expect(subscriptionsOfContacts.load([{ contactId: '2', types }], client)).rejects.toMatchObject({
        code: 'SOURCE_CONTRACT',
      });
    });

    it('uses the last change of a subscription, with the changes in any order', async () => {
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
        { id: '5', name: 'Newsletter' },
        { id: '6', name: 'Offers' },
      ];
      expect(await subscriptionsOfContacts.load([{ contactId: '1', types }], client)).toEqual([
        [
          {
            type: { id: '5', name: 'Newsletter' },
            isOptedOut: true,
            changedBy: 'EMAIL',
            changedAt: '2026-01-01T00:00:00.000Z',
          },
          { type: { id: '6', name: 'Offers' }, isOptedOut: false, changedBy: null, changedAt: null },
        ],
      ]);
    });

    it('recognises kinds of mail only by the names of their properties', async () => {
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

    it('fails only the consents if it may not list its properties, and applies an opt-out', async () => {
      await answering({ results: [contact('1', { jobtitle: 'Bakker', hs_email_optout: 'true' })] }, 403);
      const gateway = createTestGateway({
        ...CALLER_SETTINGS,
        AUDIT_FILE: '/dev/null',
        CRM_HUBSPOT_URL: server.url,
        CRM_HUBSPOT_TOKEN: 't',
      });
      const queryFields = async (fields: string, purpose: 'SERVICE' | 'MARKETING') =>
        gateway.query(
          `{ customer(by: { hubspotContactId: "1" }) { ${fields} } }`,
          {},
          await headersOf('campaign', { purpose }),
        );
      const forService = await queryFields('jobTitle consents { status }', 'SERVICE');
      const forMarketing = await queryFields('jobTitle', 'MARKETING');
      await gateway.close();
      expect(forService.data).toEqual({ customer: { jobTitle: 'Bakker', consents: null } });
      expect(forService.errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
        [['customer', 'consents'], 'SOURCE_FORBIDDEN'],
      ]);
      expect(forMarketing.errors.map(({ extensions }) => extensions.code)).toEqual(['CONSENT_REQUIRED']);
    });

    it('refuses a history with invalid times', async () => {
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
