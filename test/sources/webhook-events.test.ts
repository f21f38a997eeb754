import { describe, expect, it } from 'vitest';
import { contactCentre } from '../../sources/contact-centre/index.js';
import { crmHubspot } from '../../sources/crm-hubspot/index.js';
import { crmSalesforce } from '../../sources/crm-salesforce/index.js';
import { facebook } from '../../sources/facebook/index.js';
import { invoices } from '../../sources/invoices/index.js';
import { x } from '../../sources/x/index.js';
import type { SourceDefinition } from '../../src/source.js';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const now = new Date(NOW).toISOString();

/** The events of a message, which is a text or is sent as JSON. */
function eventsOf({ webhook, name }: Pick<SourceDefinition, 'name' | 'webhook'>, message: unknown, url = '') {
  if (webhook === undefined) throw new Error(`${name} has no webhook.`);
  const body = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
  return webhook.events({ method: 'POST', url, headers: new Headers(), body }, NOW);
}

/** The loaders whose records an event without a customer changes. */
function changesOf({ webhook }: Pick<SourceDefinition, 'name' | 'webhook'>): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(webhook?.changes ?? {}).map(([type, loaders = []]) => [
      type,
      loaders.map(({ name }) => name),
    ]),
  );
}

describe('an event of HubSpot', () => {
  const change = { eventId: 1, subscriptionId: 2, objectId: 3, occurredAt: NOW };
  const id = '1-2-3';
  const consent = { purpose: 'MARKETING', channel: 'EMAIL' };
  const optOut = { subscriptionType: 'contact.propertyChange', propertyName: 'hs_email_optout' };
  const stage = { subscriptionType: 'ticket.propertyChange', propertyName: 'hs_pipeline_stage' };
  const ofContact = { hubspotContactId: ['3'] };

  it.each([
    [{ subscriptionType: 'contact.creation' }, 'contact.changed', ofContact, {}],
    [{ subscriptionType: 'contact.restore' }, 'contact.changed', ofContact, {}],
    [{ subscriptionType: 'contact.privacyDeletion' }, 'contact.deleted', ofContact, {}],
    [{ ...optOut, propertyValue: true }, 'consent.withdrawn', ofContact, consent],
    [{ ...optOut, propertyValue: '' }, 'consent.given', ofContact, consent],
    [
      { ...optOut, propertyName: 'hs_email_optout_5', propertyValue: 'true' },
      'contact.changed',
      ofContact,
      {},
    ],
    [{ subscriptionType: 'object.creation', objectTypeId: '0-5' }, 'ticket.opened', {}, {}],
    [{ ...stage, propertyValue: '4' }, 'ticket.solved', {}, {}],
    [{ ...stage, propertyValue: '3' }, 'ticket.changed', {}, {}],
    [{ ...stage, propertyName: 'hs_pipeline', propertyValue: '4' }, 'ticket.changed', {}, {}],
  ])('is by %o a %s', (more, type, identifiers, data) => {
    const property = 'propertyName' in more ? { property: more.propertyName } : {};
    expect(eventsOf(crmHubspot, [{ ...change, ...more }])).toEqual([
      { id, type, time: now, subject: '3', identifiers, data: { ...property, ...data } },
    ]);
  });

  it.each([
    { ...change, subscriptionType: 'contact.merge' },
    { ...change, subscriptionType: 'ticket.deletion' },
    { ...change, subscriptionType: 'company.creation' },
    { ...change, subscriptionType: 'object.creation', objectTypeId: '0-2' },
    { ...change, subscriptionType: 'object.creation' },
    { ...change, subscriptionType: 'contact.creation', objectId: undefined },
  ])('is none by %o', (message) => {
    expect(eventsOf(crmHubspot, [message])).toEqual([]);
  });

  it('about a ticket changes all tickets of companies', () => {
    const tickets = ['ticketsOfCompanies', 'tickets', 'newestTickets'];
    expect(changesOf(crmHubspot)).toEqual({
      'ticket.opened': tickets,
      'ticket.changed': tickets,
      'ticket.solved': tickets,
    });
  });
});

describe('an event of Salesforce', () => {
  const notification = (object: string, fields: Record<string, string>) => `<Notification>
    <Id>04l</Id><sObject xsi:type="sf:${object}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">
    ${Object.entries(fields)
      .map(([name, value]) => `<sf:${name}>${value}</sf:${name}>`)
      .join('')}</sObject></Notification>`;
  const message = (
    notifications: string,
    outbound = 'http://soap.sforce.com/2005/09/outbound',
  ) => `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><notifications xmlns="${outbound}">
    <OrganizationId>00D24000000abcdEAA</OrganizationId>${notifications}</notifications></soapenv:Body></soapenv:Envelope>`;
  const contact = { Id: '003A', Email: 'jan@example.nl', LastModifiedDate: '2026-11-20T12:30:00.000+0100' };
  const ofContact = { salesforceContactId: ['003A'], email: ['jan@example.nl'] };
  const supportCase = {
    ...{ Id: '500A', ContactId: '003B', CaseNumber: '00001026', Status: 'Working', Priority: 'High' },
    ...{ SuppliedEmail: 'an@example.nl', Email: 'an@example.nl', CreatedDate: '2026-11-19T08:00:00.000Z' },
  };
  const time = '2026-11-20T11:30:00.000Z';
  const ofCase = { number: '00001026', status: 'Working', priority: 'High' };
  const consent = { purpose: 'MARKETING', channel: 'EMAIL' };

  it.each([
    ['Contact', contact, 'contact.changed', time, ofContact, {}],
    ['Contact', { ...contact, IsDeleted: 'true' }, 'contact.deleted', time, ofContact, {}],
    ['Contact', { ...contact, IsDeleted: 'false' }, 'contact.changed', time, ofContact, {}],
    ['Contact', { ...contact, HasOptedOutOfEmail: 'true' }, 'consent.withdrawn', time, ofContact, consent],
    ['Contact', { ...contact, HasOptedOutOfEmail: 'false' }, 'consent.given', time, ofContact, consent],
    ['Case', supportCase, 'ticket.changed', now, { salesforceContactId: ['003B'] }, ofCase],
    [
      'Case',
      { ...supportCase, IsClosed: 'true' },
      'ticket.solved',
      now,
      { salesforceContactId: ['003B'] },
      ofCase,
    ],
    [
      'Case',
      { Id: '500A', CreatedDate: time, LastModifiedDate: time },
      'ticket.opened',
      time,
      {},
      { number: null, status: null, priority: null },
    ],
    [
      'Case',
      { Id: '500A', CreatedDate: '2026-11-19T08:00:00.000Z', LastModifiedDate: time },
      'ticket.changed',
      time,
      {},
      { number: null, status: null, priority: null },
    ],
    ['Lead', { Id: '00QA', Email: 'an@example.nl' }, 'lead.created', now, { email: ['an@example.nl'] }, {}],
    ['Lead', { Id: '00QA', Email: '' }, 'lead.created', now, {}, {}],
  ])('is by a %s with %o a %s', (object, fields, type, at, identifiers, data) => {
    expect(eventsOf(crmSalesforce, message(notification(object, fields)))).toEqual([
      { id: '04l', type, time: at, subject: fields.Id, identifiers, data },
    ]);
  });

  it('is one of several in a message, and has texts of each form', () => {
    const name = '<![CDATA[00Q<&>]]>';
    const several = [notification('Lead', { Id: '00QA' }), notification('Lead', { Id: name })].join('');
    expect(eventsOf(crmSalesforce, message(several)).map(({ subject }) => subject)).toEqual([
      '00QA',
      '00Q<&>',
    ]);
  });

  it.each([
    ['of another namespace', message(notification('Lead', { Id: '00QA' }), 'urn:other')],
    ['without a notification', message('')],
    ['with a notification without an id', message(notification('Lead', { Id: '00QA' }).replace('04l', ' '))],
    [
      'with one of two notifications without an id',
      message(
        notification('Lead', { Id: '00QA' }) + notification('Lead', { Id: '00QB' }).replace('04l', ' '),
      ),
    ],
    ['that is not XML', 'Geheim'],
  ])('is refused in a message %s', (_, body) => {
    expect(() => eventsOf(crmSalesforce, body)).toThrow('The body is not an outbound message of Salesforce.');
  });

  it('is none about an object without an id, or of another kind', () => {
    expect(eventsOf(crmSalesforce, message(notification('Lead', { Id: '' })))).toEqual([]);
    expect(eventsOf(crmSalesforce, message(notification('Account', { Id: '001A' })))).toEqual([]);
  });
});

describe('an event of Zendesk', () => {
  const message = (type: string, detail: object, more: object = {}) => ({
    ...{ id: 'e1', time: '2026-11-20T12:00:00+01:00', type: `zen:event-type:${type}` },
    ...{ detail: { id: 5, ...detail }, ...more },
  });
  const ticket = { requester_id: 7, status: 'open', priority: 'high', email: 'an@example.nl' };
  const ofTicket = { status: 'OPEN', priority: 'HIGH' };
  const ofUser = { zendeskUserId: ['7'] };
  const user = { zendeskUserId: ['5'], email: ['an@example.nl'] };
  const mail = { email: 'an@example.nl' };

  it.each([
    [message('ticket.created', ticket), 'ticket.opened', ofUser, ofTicket],
    [message('ticket.created', {}), 'ticket.opened', {}, { status: null, priority: null }],
    [message('ticket.priority_changed', ticket), 'ticket.changed', ofUser, ofTicket],
    [
      message('ticket.status_changed', ticket, { event: { current: 'solved' } }),
      'ticket.solved',
      ofUser,
      ofTicket,
    ],
    [
      message('ticket.status_changed', ticket, { event: { current: 'CLOSED' } }),
      'ticket.changed',
      ofUser,
      ofTicket,
    ],
    [
      message('ticket.priority_changed', ticket, { event: { current: 'SOLVED' } }),
      'ticket.changed',
      ofUser,
      ofTicket,
    ],
    [message('user.created', mail), 'contact.changed', user, {}],
    [message('user.merged', mail), 'contact.changed', user, {}],
    [message('user.identity_created', mail), 'contact.changed', user, {}],
    [message('user.identity_deleted', mail), 'contact.changed', user, {}],
    [message('user.email_changed', {}), 'contact.changed', { zendeskUserId: ['5'] }, {}],
    [message('user.deleted', { ...mail, requester_id: 7 }), 'contact.deleted', user, {}],
  ])('by %o is a %s', (sent, type, identifiers, data) => {
    const what = sent.type.split('.')[1];
    expect(eventsOf(contactCentre, sent)).toEqual([
      {
        ...{ id: 'e1', type, time: '2026-11-20T11:00:00.000Z', subject: '5', identifiers },
        data: { ...data, what },
      },
    ]);
  });

  it.each(['ticket.viewed', 'ticket.changed', 'user.viewed', 'organization.created', 'user'])(
    'is none by %s',
    (type) => {
      expect(eventsOf(contactCentre, message(type, ticket))).toEqual([]);
    },
  );
});

describe('an event of Meta', () => {
  const page = (entry: object) => ({ object: 'page', entry: [{ id: '9', ...entry }] });
  const lead = { leadgen_id: 4, form_id: 5, ad_id: 6, created_time: 1_763_640_000 };
  const ofLead = {
    ...{ id: 'leadgen-4', type: 'lead.created', time: '2025-11-20T12:00:00.000Z', subject: '4' },
    ...{ identifiers: {}, data: { form: '5', ad: '6' } },
  };

  it.each([
    [[{ field: 'leadgen', value: lead }], [ofLead]],
    [
      [{ field: 'leadgen', value: { leadgen_id: 4, created_time: 1_763_640_000 } }],
      [{ ...ofLead, data: { form: null, ad: null } }],
    ],
    [[{ field: 'feed', value: lead }], []],
    [[{ field: 'leadgen', value: { leadgen_id: 4 } }], []],
    [
      [
        { field: 'leadgen', value: lead },
        { field: 'leadgen', value: { ...lead, leadgen_id: 8 } },
      ],
      [ofLead, { ...ofLead, id: 'leadgen-8', subject: '8' }],
    ],
  ])('is by the changes %o %o', (changes, events) => {
    expect(eventsOf(facebook, page({ changes }))).toEqual(events);
  });

  const message = { mid: 'm1' };
  const ofMessage = {
    ...{ id: 'message-m1', type: 'message.received', time: '2026-11-20T11:59:59.000Z', subject: 'm1' },
    ...{ identifiers: { facebookUserId: ['3'] }, data: {} },
  };
  it.each([
    [{ sender: { id: '3' }, timestamp: NOW - 1_000, message }, [ofMessage]],
    [{ sender: { id: '3' }, message: { ...message, is_echo: false } }, [{ ...ofMessage, time: now }]],
    [{ sender: { id: '3' }, timestamp: NOW, message: { ...message, is_echo: true } }, []],
    [{ timestamp: NOW, message }, []],
    [{ sender: { id: '3' }, timestamp: NOW }, []],
  ])('is by the message %o %o', (messaging, events) => {
    expect(eventsOf(facebook, page({ messaging: [messaging] }))).toEqual(events);
  });

  it('is none of another object than a page', () => {
    const sent = { ...page({ changes: [{ field: 'leadgen', value: lead }] }), object: 'instagram' };
    expect(eventsOf(facebook, sent)).toEqual([]);
  });

  it('about a lead changes the submitted forms', () => {
    expect(changesOf(facebook)).toEqual({ 'lead.created': ['formSubmissions'] });
  });

  const subscribe = { 'hub.mode': 'subscribe', 'hub.challenge': '77', 'hub.verify_token': 'ours' };
  it.each([
    ['GET', subscribe, 'ours', 200],
    ['GET', { ...subscribe, 'hub.mode': 'unsubscribe' }, 'ours', 403],
    ['GET', { ...subscribe, 'hub.verify_token': 'our' }, 'ours', 403],
    ['GET', { ...subscribe, 'hub.challenge': '' }, 'ours', 403],
    ['GET', { ...subscribe, 'hub.verify_token': '' }, undefined, 403],
    ['POST', subscribe, 'ours', undefined],
  ])(
    'is verified at the start by %s with %o if the token is %s: status %s',
    (method, query, token, status) => {
      const url = `https://gateway.example.nl/webhooks/facebook?${new URLSearchParams(query).toString()}`;
      const answer = facebook.webhook?.handshake?.({ method, url, headers: new Headers() }, [], token);
      expect(answer?.status).toBe(status);
    },
  );
});

describe('an event of Business Central', () => {
  const id = '26814998-936a-401c-81c1-0e848a64971d';
  const at = '2026-11-20T11:58:00.000Z';
  const company = 'https://api.example.nl/v2.0/companies(b18aed47-c385-49d2-b954-dbdf8ad71780)';
  const sent = (resource: string, changeType: string, more: object = { lastModifiedDateTime: at }) => ({
    value: [
      { subscriptionId: 's', clientState: 'c', resource: `${company}/${resource}`, changeType, ...more },
    ],
  });
  const record = `salesInvoices(${id})`;

  it.each([
    [sent(record, 'created'), 'invoice.changed', `created salesInvoices ${id} ${at}`, at, id],
    [sent(record, 'deleted', {}), 'invoice.changed', `deleted salesInvoices ${id} deleted`, now, id],
    [
      sent('salesInvoices?$filter=a', 'collection'),
      'invoice.changed',
      `collection salesInvoices several ${at}`,
      at,
      undefined,
    ],
    [sent(`customers(${id})`, 'updated'), 'contact.changed', `updated customers ${id} ${at}`, at, id],
    [sent(`customers(${id})`, 'deleted', {}), 'contact.deleted', `deleted customers ${id} deleted`, now, id],
  ])('is by %o a %s', (message, type, eventId, time, subject) => {
    const change = message.value[0]?.changeType;
    expect(eventsOf(invoices, message)).toEqual([
      {
        ...{ id: eventId, type, time, identifiers: {}, data: { change } },
        ...(subject === undefined ? {} : { subject }),
      },
    ]);
  });

  it('is none by records of another kind', () => {
    for (const resource of [`items(${id})`, `salesInvoices(${id})/lines`, 'salesInvoiceLines'])
      expect(eventsOf(invoices, sent(resource, 'updated'))).toEqual([]);
  });

  it('about an invoice changes the invoices and the totals', () => {
    expect(changesOf(invoices)).toEqual({ 'invoice.changed': ['invoicePages', 'openTotals'] });
  });
});

describe('an event of X', () => {
  const message = { type: 'message_create', id: '8', message_create: { sender_id: '3' } };
  const activity = (more: object) => ({ for_user_id: '2', users: { 3: { screen_name: 'Jan' } }, ...more });

  it.each([
    [activity({ direct_message_events: [message] }), [['message-8', now, { xUsername: ['Jan'] }, false]]],
    [
      activity({
        direct_message_events: [{ ...message, created_timestamp: String(NOW - 1_000) }],
        users: {},
      }),
      [['message-8', '2026-11-20T11:59:59.000Z', {}, false]],
    ],
    [activity({ direct_message_events: [{ ...message, type: 'message_read' }] }), []],
    [activity({ direct_message_events: [{ ...message, message_create: null }] }), []],
    [activity({ direct_message_events: [{ ...message, message_create: { sender_id: '2' } }] }), []],
    [
      activity({ tweet_create_events: [{ id_str: '5', user: { id_str: '3', screen_name: 'Jan' } }] }),
      [['post-5', now, { xUsername: ['Jan'] }, true]],
    ],
    [activity({ tweet_create_events: [{ id_str: '5', user: { id_str: '2', screen_name: 'wij' } }] }), []],
  ])('is by %o %o', (sent, events) => {
    expect(
      eventsOf(x, sent).map(({ id, time, identifiers, data }) => [id, time, identifiers, data['isPublic']]),
    ).toEqual(events);
  });
});
