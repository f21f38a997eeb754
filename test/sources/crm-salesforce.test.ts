import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import type { SalesforceClient } from '../../sources/crm-salesforce/client.js';
import { normaliseContactId } from '../../sources/crm-salesforce/contact-id.js';
import { crmSalesforce } from '../../sources/crm-salesforce/index.js';
import {
  casesOfContacts,
  contactsByEmail,
  contactsById,
  contactsByPhone,
  opportunitiesOfContacts,
} from '../../sources/crm-salesforce/loaders.js';
import {
  startCrmSalesforce,
  type CrmSalesforce,
  type CrmSalesforceOptions,
} from '../../sources/crm-salesforce/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { salesforceId, seedCampaigns } from '../../sources/stand-ins/seed-salesforce.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, World } from '../../sources/stand-ins/world.js';
import { hostileKeys, open, type Opened } from '../connectors/contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings, faultControl } from '../support/stand-ins.js';
import { describeSource } from './source-contract.js';

const world = createWorld({ customers: inject('customers') });
const settings = Object.fromEntries(
  Object.entries(directSettings()).filter(([name]) => name.startsWith('CRM_SALESFORCE_')),
);
const people = world.people.flatMap((person) =>
  person.salesforce === undefined ? [] : [{ ...person, salesforce: person.salesforce }],
);
const [everywhere, another] = people;
if (everywhere?.email !== 'everywhere@example.nl' || another === undefined)
  throw new Error('The seed data has changed.');
const iso = (moment: string) => new Date(moment).toISOString();
const newestFirst = (a: { createdAt: string }, b: { createdAt: string }) =>
  Date.parse(b.createdAt) - Date.parse(a.createdAt);

type SalesforcePerson = (typeof people)[number];

const STATUSES: Readonly<Record<string, string>> = {
  New: 'NEW',
  Working: 'OPEN',
  Escalated: 'OPEN',
  Closed: 'CLOSED',
};

/** The expected view of a person. */
function shown(person: SalesforcePerson) {
  const { salesforce: part } = person;
  const company = world.companies.find(({ id }) => id === part.companyId);
  return {
    name: `${person.firstName} ${person.lastName}`,
    organisations:
      company === undefined
        ? []
        : [
            {
              source: 'CRM_SALESFORCE',
              name: company.name,
              city: company.city,
              employeeCount: company.numberOfEmployees,
            },
          ],
    deals: {
      nodes: part.opportunities.toSorted(newestFirst).map((opportunity) => ({
        source: 'CRM_SALESFORCE',
        recordId: opportunity.id,
        amount:
          opportunity.amountCents === null
            ? null
            : { amount: (opportunity.amountCents / 100).toFixed(2), currency: 'EUR' },
        stage: opportunity.stage,
        isClosed: opportunity.stage.startsWith('Closed'),
        isWon: opportunity.stage === 'Closed Won',
        role: opportunity.role,
        closesOn: opportunity.closeDate,
        createdAt: iso(opportunity.createdAt),
      })),
    },
    tickets: {
      nodes: part.cases.toSorted(newestFirst).map((item) => ({
        source: 'CRM_SALESFORCE',
        number: item.caseNumber,
        subject: item.subject,
        status: STATUSES[item.status] ?? null,
        statusText: item.status,
        isOpen: item.status !== 'Closed',
        priority: item.priority === 'Medium' ? 'NORMAL' : item.priority.toUpperCase(),
        priorityText: item.priority,
        channel: item.origin,
        createdAt: iso(item.createdAt),
        closedAt: item.closedAt === null ? null : iso(item.closedAt),
        satisfaction: null,
        comments: null,
      })),
    },
    campaigns: {
      nodes: part.campaigns.toSorted(newestFirst).map((member) => ({
        name: seedCampaigns.find(({ id }) => id === member.campaignId)?.name,
        status: member.status,
        hasResponded: member.status === 'Responded',
        respondedOn: member.respondedOn,
        joinedAt: iso(member.createdAt),
      })),
    },
    consents: [
      ...(part.hasOptedOutOfEmail ? [{ channel: 'EMAIL', status: 'REVOKED' }] : []),
      ...(part.doNotCall ? [{ channel: 'PHONE', status: 'REVOKED' }] : []),
    ],
  };
}

const FIELDS = `name organisations { source name city employeeCount }
  deals(first: 100) { nodes {
    source recordId amount { amount currency } stage isClosed isWon role closesOn createdAt
  } }
  tickets(first: 100) { nodes {
    source number subject status statusText isOpen priority priorityText channel createdAt closedAt
    satisfaction { score } comments { nodes { body } }
  } }
  campaigns(first: 100) { nodes { name status hasResponded respondedOn joinedAt } }
  consents { channel status }`;
const QUERY = `query($by: [CustomerKey!]!) { customers(by: $by) { ${FIELDS} } }`;

const by = (key: object, fields: string) => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const listOf = (keys: readonly object[], fields: string) => ({
  query: `query($by: [CustomerKey!]!) { customers(by: $by) { ${fields} } }`,
  variables: { by: keys },
});
const API = '/services/data/v62.0';
const { contactId } = everywhere.salesforce;
const contact = (Id: string, Email: string) => ({
  attributes: { type: 'Contact', url: `${API}/sobjects/Contact/${Id}` },
  Id,
  Name: Email.split('@')[0],
  LastName: 'Jansen',
  Email,
  HasOptedOutOfEmail: false,
  DoNotCall: false,
  LastModifiedDate: '2026-01-01T00:00:00.000+0000',
});
const found = (records: readonly object[]) => ({ totalSize: records.length, done: true, records });

const withPart = (person: SalesforcePerson, part: Partial<SalesforcePerson['salesforce']>): Person => ({
  ...person,
  salesforce: { ...person.salesforce, ...part },
});
const manyCases = (count: number): SalesforcePerson['salesforce']['cases'] =>
  Array.from({ length: count }, (_, i) => ({
    id: salesforceId('case', 500_000 + i),
    caseNumber: String(i),
    subject: `Case ${i}`,
    status: 'New',
    priority: 'Low',
    origin: 'Web',
    createdAt: new Date(Date.UTC(2026, 0, 1, 0, i)).toISOString(),
    closedAt: null,
    updatedAt: '2026-09-01T00:00:00Z',
  }));

describe('Salesforce', () => {
  describeSource({
    source: crmSalesforce,
    found: {
      'the id of a contact': {
        ...by({ salesforceContactId: contactId }, 'consents { channel }'),
        data: { customer: { consents: [{ channel: 'PHONE' }] } },
      },
      'an e-mail address': {
        ...by({ email: everywhere.email }, 'bornOn'),
        data: { customer: { bornOn: everywhere.birthDate } },
      },
      'a phone number': {
        ...by({ phone: everywhere.phone }, 'bornOn'),
        data: { customer: { bornOn: everywhere.birthDate } },
      },
    },
    unknown: {
      'an id': { ...by({ salesforceContactId: '003000000000000' }, 'name'), data: { customer: null } },
      'an e-mail address': { ...by({ email: 'nobody@example.nl' }, 'name'), data: { customer: null } },
      'a phone number': { ...by({ phone: '+31687654321' }, 'name'), data: { customer: null } },
    },
    batches: {
      // The calls are a token, the contacts, and their cases.
      'contacts by e-mail address': {
        ...listOf(
          people.map(({ email }) => ({ email })),
          'name tickets { nodes { id } }',
        ),
        calls: 3,
      },
      'contacts by id': {
        ...listOf(
          people.map(({ salesforce: part }) => ({ salesforceContactId: part.contactId })),
          'name',
        ),
        // The calls are a token, identification, and a search for other contacts with the same addresses.
        calls: 3,
      },
    },
    pages: {
      // The contact has 90 cases. A page has 25 cases or two contacts.
      startStandIn: () =>
        startCrmSalesforce(
          { ...world, people: [withPart(everywhere, { cases: manyCases(90) }), ...people.slice(1)] },
          { rowsAPage: 2, childrenAPage: 25 },
        ),
      ...by({ email: everywhere.email }, 'tickets(first: 100) { nodes { number } }'),
      data: {
        customer: { tickets: { nodes: Array.from({ length: 90 }, (_, i) => ({ number: String(89 - i) })) } },
      },
      // The calls are a token, identification, a search for other contacts with the same address, and four pages of
      // cases.
      calls: 6,
    },
    operation: by({ email: everywhere.email }, 'name'),
    wrongCredentials: { CRM_SALESFORCE_CLIENT_SECRET: 'a-wrong-secret' },
    byAnyText: {
      email: (text) => ({ ...by({ email: text }, 'name'), nothing: { customer: null } }),
      phone: (text) => ({ ...by({ phone: text }, 'name'), nothing: { customer: null } }),
      salesforceContactId: (text) => ({
        ...by({ salesforceContactId: text }, 'name'),
        nothing: { customer: null },
      }),
    },
    http: {
      urlVariable: 'CRM_SALESFORCE_URL',
      login: { path: '/services/oauth2/token', answer: { access_token: 'token' } },
      paths:
        /^\/services\/data\/v62\.0\/(query\?q=[^&?/#]+|composite|composite\/sobjects\/(Contact|Account))$/,
      nothing: ({ method }) => ({ body: method === 'GET' ? found([]) : [null] }),
      rateLimit: {
        status: 403,
        body: [{ message: 'TotalRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' }],
        retryAfter: undefined,
      },
      mismatches: [
        {
          answer: () => found([{ ...contact(contactId, 'jan@example.nl'), Email: 17 }]),
          place: 'records.0.Email',
          value: '17',
        },
        {
          answer: () =>
            found([{ ...contact(contactId, everywhere.email), LastModifiedDate: 'jan@example.nl' }]),
          place: 'records.0.LastModifiedDate',
          value: 'jan@example.nl',
        },
        {
          answer: () => ({ records: [], nextRecordsUrl: 'jan@example.nl' }),
          place: 'done',
          value: 'jan@example.nl',
        },
      ],
      // In a collection, an unknown record is null. In a call with several queries, each query has a separate answer.
      partial: {
        ...listOf(
          [contactId, another.salesforce.contactId].map((id) => ({ salesforceContactId: id })),
          'name tickets { nodes { id } }',
        ),
        answer: ({ method }) => ({
          body:
            method === 'GET'
              ? found([{ Id: contactId, Cases: null }])
              : [contact(contactId, 'eva@example.nl'), null],
        }),
        data: { customers: [{ name: 'eva', tickets: { nodes: [] } }, null] },
        errors: [],
      },
    },
  });

  it('finds a contact by id, short or long, by address and by phone, and shows its fields', async () => {
    const gateway = createTestGateway(settings);
    const { contactId } = everywhere.salesforce;
    const { data, errors } = await gateway.query(QUERY, {
      by: [
        { salesforceContactId: contactId },
        { salesforceContactId: contactId.slice(0, 15) },
        { email: 'EVERYWHERE@example.nl' },
        { phone: everywhere.phone },
      ],
    });
    await gateway.close();
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(Array(4).fill(shown(everywhere)));
  });

  it('shows exactly the customers that it knows', async () => {
    const gateway = createTestGateway(settings);
    const { data, errors } = await gateway.query(QUERY, {
      by: [...people.map(({ email }) => ({ email })), { email: 'nobody@example.nl' }],
    });
    await gateway.close();
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual([...people.map(shown), null]);
  });

  it('shows its cases on the timeline, and cases by phone as calls', async () => {
    const gateway = createTestGateway(settings);
    const { data, errors } = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) {
        timeline(first: 100) { nodes { kind recordId title status } }
        newest: timeline(first: 2) { nodes { recordId } pageInfo { hasNextPage } }
      } }`,
    );
    await gateway.close();
    expect(errors).toEqual([]);
    const cases = everywhere.salesforce.cases.toSorted(newestFirst);
    expect(at(data, 'customer')).toEqual({
      timeline: {
        nodes: cases.map((item) => ({
          kind: item.origin === 'Phone' ? 'CALL' : 'TICKET',
          recordId: item.id,
          title: item.subject,
          status: item.status,
        })),
      },
      newest: {
        nodes: cases.slice(0, 2).map(({ id }) => ({ recordId: id })),
        pageInfo: { hasNextPage: true },
      },
    });
  });

  it.each(['deals', 'tickets', 'campaigns'])('refuses a page of 0 or 101 %s', async (field) => {
    const gateway = createTestGateway(settings);
    for (const first of [0, 101]) {
      const { errors } = await gateway.query(
        `{ customer(by: { email: "everywhere@example.nl" }) { ${field}(first: ${first}) { nodes { id } } } }`,
      );
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    }
    await gateway.close();
  });

  it('has null fields if Salesforce refuses the credentials, without repeated attempts', async () => {
    const control = await faultControl();
    const gateway = createTestGateway({ ...control.settings, CRM_SALESFORCE_CLIENT_SECRET: 'wrong' });
    const queryCampaigns = () =>
      gateway.query(
        '{ customer(by: { email: "everywhere@example.nl" }) { becameCustomerAt campaigns { nodes { name } } } }',
      );
    for (let i = 0; i < 3; i += 1) {
      const { data, errors } = await queryCampaigns();
      expect(data).toMatchObject({
        customer: { campaigns: null, becameCustomerAt: expect.any(String) as string },
      });
      expect(errors.map(({ path, extensions }) => [path?.[1], extensions])).toEqual([
        ['campaigns', { code: 'SOURCE_UNAUTHENTICATED', source: 'crm-salesforce', retryable: false }],
      ]);
    }
    expect(control.counters()['crm-salesforce']?.calls).toBe(1);
    await gateway.close();
    await control.close();
  });

  it('leaves amounts null if their currency is unknown', async () => {
    const gateway = createTestGateway({ ...settings, CRM_SALESFORCE_CURRENCY: '' });
    const { data, errors } = await gateway.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { deals { nodes { amount { amount } } } } }',
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(listAt(data, 'customer', 'deals', 'nodes')).toEqual(Array(3).fill({ amount: null }));
  });
});

describe('the id of a contact in Salesforce', () => {
  it.each([
    ['0035g0000TaLqf0AQC', '0035g0000TaLqf0AQC'],
    ['0035g0000TaLqf0', '0035g0000TaLqf0AQC'],
    ['003000000000000', '003000000000000AAA'],
    ['003AAAAAAAAAAAA', '003AAAAAAAAAAAAY55'],
    ['0035g0000TaLqf0AQD', null],
    ['0035G0000TaLqf0AQC', null],
    ['0035g0000TaLqf0aqc', null],
    ['0015g0000TaLqf0', null],
    ['0035g0000TaLqf', null],
    ["0035g0000TaLqf'", null],
    ['', null],
  ])('%s is written as %s', (value, expected) => {
    expect(normaliseContactId(value)).toBe(expected);
  });
});

describe('Salesforce with chosen people', () => {
  let standIn: CrmSalesforce | undefined;
  let control: FaultControl | undefined;
  let gateway: TestGateway | undefined;

  const start = async (
    some: readonly Person[],
    options: CrmSalesforceOptions = {},
    more: Record<string, string> = {},
  ): Promise<TestGateway> => {
    const changedWorld: World = { ...world, people: [...some] };
    standIn = await startCrmSalesforce(changedWorld, options);
    control = await faultControl([standIn]);
    gateway = createTestGateway({
      ...standIn.settings(control.sources['crm-salesforce']?.url ?? ''),
      ...more,
    });
    return gateway;
  };
  afterEach(async () => {
    await gateway?.close();
    await control?.close();
    await standIn?.close();
  });
  const calls = () => control?.counters()['crm-salesforce']?.calls ?? Number.NaN;
  const query = (text: string, variables: Record<string, unknown> = {}) => {
    if (gateway === undefined) throw new Error('The gateway was not started.');
    return gateway.query(text, variables);
  };

  it('loads 1 and 100 customers in the same few calls', async () => {
    const large = createWorld({ customers: 400 }).people.filter(({ salesforce }) => salesforce !== undefined);
    await start(large);
    // The first customer has data of every kind.
    for (const count of [1, 100]) {
      await gateway?.close();
      gateway = createTestGateway(standIn?.settings(control?.sources['crm-salesforce']?.url ?? '') ?? {});
      await control?.heal();
      const some = large.slice(0, count).map(({ email }) => ({ email }));
      const { data, errors } = await gateway.query(QUERY, { by: some });
      expect(errors).toEqual([]);
      expect(listAt(data, 'customers').filter((customer) => customer !== null)).toHaveLength(count);
      // The calls are a token, the contacts, opportunities, cases, campaigns, accounts and consents.
      expect(calls(), `for ${count}`).toBe(1 + 1 + 5);
    }
  });

  it('loads more keys than fit in one address with one call of several queries', async () => {
    const large = createWorld({ customers: 500 }).people.filter(({ email }) => email.startsWith('customer-'));
    await start(large, {}, { DEADLINE_MS: '20000' });
    const { data, errors } = await query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { name tickets { nodes { recordId } } } }',
      { by: large.slice(0, 500).map(({ email }) => ({ email })) },
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(
      large.slice(0, 500).map(({ salesforce: part }) =>
        part === undefined
          ? null
          : {
              name: expect.any(String) as string,
              tickets: { nodes: part.cases.toSorted(newestFirst).map(({ id }) => ({ recordId: id })) },
            },
      ),
    );
    // The calls are a token, identification, and one query with the cases of 125 contacts.
    expect(calls()).toBe(3);
  });

  it('reads further pages if an answer has fewer records than were found, even for one contact', async () => {
    const busy = withPart(everywhere, { cases: manyCases(90) });
    await start([busy, ...people.slice(1)], { rowsAPage: 2, childrenAPage: 25 });
    const keys = people.slice(0, 5).map(({ email }) => ({ email }));
    const { data, errors } = await query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { tickets(first: 100) { nodes { number } } } }',
      { by: keys },
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers', 0, 'tickets', 'nodes')).toEqual(
      Array.from({ length: 90 }, (_, i) => ({ number: String(89 - i) })),
    );
    expect(listAt(data, 'customers').slice(1)).toEqual(
      people.slice(1, 5).map(({ salesforce: { cases } }) => ({
        tickets: {
          nodes: cases.toSorted(newestFirst).map(({ caseNumber }) => ({ number: caseNumber })),
        },
      })),
    );
  });

  it('is reported as missing in the timeline and the tickets after its thousandth case', async () => {
    await start([withPart(everywhere, { cases: manyCases(1_005) })], {}, { DEADLINE_MS: '20000' });
    for (const field of ['timeline', 'tickets']) {
      const read: number[] = [];
      let after: unknown = null;
      let missing: unknown[] = [];
      while (read.length < 2_000) {
        const { data, errors } = await query(
          `query($after: String) { customer(by: { email: "everywhere@example.nl" }) {
            list: ${field}(first: 100, after: $after) {
              nodes { id } pageInfo { endCursor hasNextPage } missing { source code }
            }
          } }`,
          { after },
        );
        expect(errors).toEqual([]);
        missing = listAt(data, 'customer', 'list', 'missing');
        if (missing.length > 0) break;
        read.push(listAt(data, 'customer', 'list', 'nodes').length);
        after = at(data, 'customer', 'list', 'pageInfo', 'endCursor');
      }
      // The tenth page has the thousandth case, without knowing whether another case follows.
      expect(read, field).toEqual(Array<number>(9).fill(100));
      expect(missing).toEqual([{ source: 'CRM_SALESFORCE', code: 'SOURCE_CONTRACT' }]);
    }
  });

  it('shows no customer for an address that two people have', async () => {
    const other = { ...another, email: everywhere.email };
    await start([everywhere, other]);
    const { data, errors } = await query('{ customer(by: { email: "everywhere@example.nl" }) { name } }');
    expect(data).toEqual({ customer: null });
    expect(errors.map(({ extensions }) => [extensions.code, extensions['candidateCount']])).toEqual([
      ['AMBIGUOUS_IDENTITY', 2],
    ]);
  });

  it('treats two contacts with the same name and birth date as one customer, and joins their data', async () => {
    const twin = {
      ...everywhere,
      lastName: 'Van Der Meer ',
      salesforce: { ...another.salesforce, doNotCall: false, hasOptedOutOfEmail: true },
    };
    await start([everywhere, twin]);
    const { data, errors } = await query(
      '{ customer(by: { email: "everywhere@example.nl" }) { consents { channel } tickets(first: 100) { nodes { recordId } } } }',
    );
    expect(errors).toEqual([]);
    expect(at(data, 'customer')).toEqual({
      consents: expect.arrayContaining([{ channel: 'PHONE' }, { channel: 'EMAIL' }]) as unknown,
      tickets: {
        nodes: [...everywhere.salesforce.cases, ...twin.salesforce.cases]
          .toSorted(newestFirst)
          .map(({ id }) => ({ recordId: id })),
      },
    });
  });

  it('requests a new session once for all calls whose session has expired', async () => {
    await start(people);
    await query(QUERY, { by: [{ email: 'everywhere@example.nl' }] });
    standIn?.expireSessions();
    await control?.heal();
    const { data, errors } = await query(QUERY, {
      by: [{ email: 'everywhere@example.nl' }, { email: another.email }],
    });
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual([shown(everywhere), shown(another)]);
    // The first call is repeated with a new session. Further calls use that session.
    expect(calls()).toBe(1 + 1 + 1 + 5);
  });

  it('is not called if other systems have used most of its daily calls', async () => {
    await start(people, { requestsPerDay: 100 });
    const queryByEmail = (email: string) =>
      query('query($by: CustomerKey!) { customer(by: $by) { campaigns { nodes { name } } } }', {
        by: { email },
      });
    let spent = 0;
    let refused: unknown;
    for (let i = 0; i < 60 && refused === undefined; i += 1) {
      const { errors } = await queryByEmail(`nobody-${i}@example.nl`);
      refused = errors[0]?.extensions;
      if (refused === undefined) spent = calls();
      for (let j = 0; j < 3; j += 1) await fetchDirectly();
    }
    expect(refused).toMatchObject({ code: 'SOURCE_RATE_LIMITED', retryable: true });
    expect(spent).toBeGreaterThan(15);
    expect(calls()).toBe(spent);
  });
  /** Sends a call of another system. */
  const fetchDirectly = async () => {
    const { CRM_SALESFORCE_CLIENT_ID, CRM_SALESFORCE_CLIENT_SECRET } = settings;
    const url = standIn?.url ?? '';
    const token = (await (
      await fetch(`${url}/services/oauth2/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: CRM_SALESFORCE_CLIENT_ID ?? '',
          client_secret: CRM_SALESFORCE_CLIENT_SECRET ?? '',
        }),
      })
    ).json()) as { access_token: string };
    await fetch(`${url}/services/data/v62.0/query?q=SELECT+Id+FROM+Campaign`, {
      headers: { authorization: `Bearer ${token.access_token}` },
    });
  };

  it('is reported as rate limited if its code means that, although the status means forbidden', async () => {
    await start(people, { requestsPerDay: 0 });
    const { errors } = await query(
      '{ customer(by: { email: "everywhere@example.nl" }) { campaigns { nodes { name } } } }',
    );
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['SOURCE_RATE_LIMITED']);
  });

  it('finds a customer by an address with a quote, and no other customer', async () => {
    await start([{ ...everywhere, email: "O'Brien@example.nl" }, another]);
    const { data, errors } = await query('query($by: [CustomerKey!]!) { customers(by: $by) { bornOn } }', {
      by: ["o'brien@example.nl", "o''brien@example.nl"].map((email) => ({ email })),
    });
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual([{ bornOn: everywhere.birthDate }, null]);
  });

  it('vouches for the customer number of the order system, if the organisation has a field for it', async () => {
    const settingsOf = (salesforce: CrmSalesforce, field: string) => ({
      ...salesforce.settings(salesforce.url),
      CRM_SALESFORCE_CUSTOMER_NUMBER_FIELD: field,
    });
    await start([withPart(everywhere, { customerNumber: 'K000123' })]);
    if (standIn === undefined) throw new Error('The stand-in was not started.');
    for (const [field, value] of [
      ['Customer_Number__c', 'K000123'],
      ['', null],
    ] as const) {
      const client = open<SalesforceClient>(crmSalesforce.connector, settingsOf(standIn, field));
      const [records] = await contactsByEmail.load([everywhere.email], client);
      const [byId] = await contactsById.load([contactId], client);
      await client.close();
      expect(byId).toEqual(records);
      expect(records).toMatchObject([
        {
          identifiers: expect.arrayContaining([
            { namespace: 'customerNumber', value, verified: true },
          ]) as unknown,
        },
      ]);
    }
  });

  describe('with unknown identifiers', () => {
    let client: Opened<SalesforceClient>;
    let shared: CrmSalesforce;
    beforeAll(async () => {
      shared = await startCrmSalesforce({ ...world, people: [everywhere] });
      client = open<SalesforceClient>(crmSalesforce.connector, shared.settings(shared.url));
    });
    afterAll(async () => {
      await client.close();
      await shared.close();
    });

    it.each(Object.entries(hostileKeys))(
      'finds nobody by %s, and finds the other customers of the batch',
      async (_, key) => {
        const byEmail = await contactsByEmail.load([key, everywhere.email], client);
        expect(byEmail).toMatchObject([[], [{ id: everywhere.salesforce.contactId }]]);
        const byPhone = await contactsByPhone.load([key, everywhere.phone], client);
        expect(byPhone).toMatchObject([[], [{ id: everywhere.salesforce.contactId }]]);
        const byId = await contactsById.load([key, everywhere.salesforce.contactId], client);
        expect(byId).toMatchObject([[], [{ id: everywhere.salesforce.contactId }]]);
        expect(await opportunitiesOfContacts.load([key], client)).toEqual([[]]);
        expect(await casesOfContacts.load([key], client)).toEqual([[]]);
      },
    );
  });
});

describe('Salesforce with unusual answers', () => {
  let server: SmallServer;
  let client: Opened<SalesforceClient>;
  const answering = async (
    answer: (request: SeenRequest) => { body: unknown; status?: number },
    more: Record<string, string> = {},
  ) => {
    server = await startServer((request, response) => {
      if (request.url.endsWith('/token')) {
        sendJson(response, { access_token: 'token', instance_url: 'https://elsewhere.example.nl' });
        return;
      }
      const { body, status = 200 } = answer(request);
      // The answers are JSON text, because it may contain numbers that JavaScript cannot represent.
      if (typeof body === 'string')
        response.writeHead(status, { 'content-type': 'application/json' }).end(body);
      else sendJson(response, body, { status });
    });
    client = open<SalesforceClient>(crmSalesforce.connector, {
      ...settings,
      CRM_SALESFORCE_URL: server.url,
      ...more,
    });
  };
  afterEach(async () => {
    await client.close();
    await server.close();
  });
  const dataCalls = () => server.seen.filter(({ url }) => !url.endsWith('/token'));

  it('fails only the customers whose query fails, if several queries are one call', async () => {
    await answering(({ body }) => {
      const { compositeRequest } = JSON.parse(body) as { compositeRequest: { referenceId: string }[] };
      const answers = compositeRequest.map(({ referenceId }, i) =>
        i === 0
          ? { referenceId, httpStatusCode: 200, body: found([contact(contactId, 'customer-0@example.nl')]) }
          : { referenceId, httpStatusCode: i === 1 ? 400 : 503, body: [{ errorCode: 'jan@example.nl' }] },
      );
      // Each part names its query. The parts may have any order.
      return { body: { compositeResponse: answers.toReversed() } };
    });
    const keys = Array.from({ length: 1_000 }, (_, i) => `customer-${i}@example.nl`);
    const answers = await contactsByEmail.load(keys, client);
    expect(dataCalls()).toHaveLength(1);
    expect(answers[0]).toMatchObject([{ id: contactId }]);
    expect(answers[1]).toEqual([]);
    const codes = answers.map((answer) =>
      answer instanceof Error ? (answer as Error & { code: string }).code : 'none',
    );
    expect([...new Set(codes)]).toEqual(['none', 'SOURCE_CONTRACT', 'SOURCE_UNAVAILABLE']);
    expect(answers.map(String).join()).not.toContain('jan@example.nl');
  });

  it('limits the length of every URL to that of Salesforce, even with long keys', async () => {
    await answering(({ method, body }) =>
      method === 'GET'
        ? { body: found([]) }
        : {
            body: {
              compositeResponse: (
                JSON.parse(body) as { compositeRequest: { referenceId: string }[] }
              ).compositeRequest.map(({ referenceId }) => ({
                referenceId,
                httpStatusCode: 200,
                body: found([]),
              })),
            },
          },
    );
    const keys = Array.from({ length: 1_000 }, (_, i) => `${'é'.repeat(60)}${i}@example.nl`);
    expect(await contactsByEmail.load(keys, client)).toEqual(keys.map(() => []));
    await contactsByPhone.load(
      Array.from({ length: 1_000 }, (_, i) => `+31${612_000_000 + i}`),
      client,
    );
    const urls = dataCalls().flatMap(({ method, url, body }) =>
      method === 'GET'
        ? [url]
        : (JSON.parse(body) as { compositeRequest: { url: string }[] }).compositeRequest.map(
            (sub) => sub.url,
          ),
    );
    for (const url of urls) expect(url.length).toBeLessThan(12_200);
    const all = urls.map(decodeURIComponent).join();
    for (const key of keys) expect(all).toContain(`'${key}'`);
    for (const { body } of dataCalls())
      if (body !== '') expect(body.split('"url"').length - 1).toBeLessThanOrEqual(5);
  });

  it('does not follow a link to another address, and limits the number of pages', async () => {
    let next = 'https://elsewhere.example.nl/services/data/v62.0/query/01g';
    await answering(() => ({ body: { done: false, nextRecordsUrl: next, records: [] } }));
    const loadContacts = () => contactsByEmail.load(['a@example.nl'], client);
    expect(await loadContacts()).toMatchObject([{ code: 'SOURCE_CONTRACT' }]);
    expect(dataCalls()).toHaveLength(1);
    next = '/services/data/v62.0/query/01g';
    expect(await loadContacts()).toMatchObject([{ code: 'SOURCE_CONTRACT' }]);
    expect(dataCalls().length).toBeLessThan(15);
  });

  it('does not treat a page as the last one if more records were found, even without a link to the next page', async () => {
    await answering(() => ({ body: { done: false, records: [] } }));
    expect(await contactsByEmail.load(['a@example.nl'], client)).toMatchObject([{ code: 'SOURCE_CONTRACT' }]);
  });

  it('shows the currency of each amount if an organisation has several', async () => {
    const opportunity = {
      Id: '006000000000000',
      Amount: 1_000.5,
      CurrencyIsoCode: 'SEK',
      IsClosed: false,
      IsWon: false,
      CreatedDate: '2026-01-01T00:00:00.000+0100',
    };
    const roles = found([
      { Id: '00K000000000001', ContactId: contactId, Role: null, Opportunity: opportunity },
      { Id: '00K000000000002', ContactId: contactId, Role: null, Opportunity: null },
    ]);
    await answering(() => ({ body: found([{ Id: contactId, OpportunityContactRoles: roles }]) }), {
      CRM_SALESFORCE_CURRENCY: 'MULTIPLE',
    });
    expect(await opportunitiesOfContacts.load([contactId], client)).toMatchObject([
      [{ amount: { amount: '1000.50', currency: 'SEK' }, createdAt: '2025-12-31T23:00:00.000Z' }],
    ]);
    expect(dataCalls()[0]?.url).toContain('CurrencyIsoCode');
  });

  it.each([
    ['12345678901234567.89', '12345678901234567.89'],
    ['1e21', '1000000000000000000000.00'],
    ['9999999999999999.99', '9999999999999999.99'],
    ['1000.5', '1000.50'],
    ['-0.1', '-0.10'],
    ['7', '7.00'],
  ])('retains each digit of the amount %s', async (sent, amount) => {
    const role = `{ "Id": "00K000000000001", "ContactId": "${contactId}", "Role": null, "Opportunity": {
      "Id": "006000000000000", "Name": null, "Amount": ${sent}, "StageName": null, "CloseDate": null, "IsClosed": false,
      "IsWon": false, "CreatedDate": "2026-01-01T00:00:00.000+0100" } }`;
    const page = (record: string) => `{ "done": true, "records": [${record}] }`;
    await answering(() => ({
      body: page(`{ "Id": "${contactId}", "OpportunityContactRoles": ${page(role)} }`),
    }));
    expect(await opportunitiesOfContacts.load([contactId], client)).toMatchObject([
      [{ amount: { amount, currency: 'EUR' } }],
    ]);
  });

  it('refuses an answer about a contact that was not requested', async () => {
    await answering(({ method }) => ({
      body: method === 'GET' ? found([contact(contactId, 'other@example.nl')]) : [contact(contactId, 'x')],
    }));
    for (const outcome of [
      contactsByEmail.load(['a@example.nl'], client),
      contactsByPhone.load(['+31612345678'], client),
      casesOfContacts.load(['003000000000000AAA'], client),
    ])
      expect(await outcome).toMatchObject([{ code: 'SOURCE_CONTRACT' }]);
    await expect(contactsById.load(['003000000000000AAA'], client)).rejects.toMatchObject({
      code: 'SOURCE_CONTRACT',
    });
  });
});
