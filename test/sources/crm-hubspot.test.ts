import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { crmHubspot } from '../../sources/crm-hubspot/index.js';
import {
  companiesOfContacts,
  contactsByEmail,
  contactsById,
  deals,
  dealsOfContacts,
  ticketsOfCompanies,
} from '../../sources/crm-hubspot/loaders.js';
import { newestDeals } from '../../sources/crm-hubspot/searches.js';
import { startCrmHubspot } from '../../sources/crm-hubspot/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, SeedCompany, StandIn, World } from '../../sources/stand-ins/world.js';
import type { RestClient } from '../../src/connectors/rest.js';
import { open, type Opened } from '../connectors/contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings, faultControl } from '../support/stand-ins.js';
import { describeSource } from './source-contract.js';

const world = createWorld({ customers: inject('customers') });
const { CRM_HUBSPOT_URL, CRM_HUBSPOT_TOKEN } = directSettings();
const settings = { CRM_HUBSPOT_URL, CRM_HUBSPOT_TOKEN };

const everybody = world.people.filter(({ crm }) => crm !== undefined);
const everywhere = everybody.find(({ email }) => email === 'everywhere@example.nl');

const by = (key: object, fields: string) => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const companyBy = (key: object, fields: string) => ({
  query: `query($by: CompanyKey!) { company(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const withVat = world.companies.find(({ vatNumber }) => vatNumber !== undefined);
const ofEverywhere = everywhere?.crm;
if (ofEverywhere === undefined || withVat === undefined)
  throw new Error('The seed data has too few records.');
const { contactId, jobTitle } = ofEverywhere;
const ordinary = everybody.filter(({ email }) => email.startsWith('customer-')).slice(0, 50);
const aliases = world.companies.map(
  ({ kvkNumber }, i) => `c${i}: company(by: { kvkNumber: "${kvkNumber}" }) { name }`,
);

const ticketsOf = ({ serviceTickets }: SeedCompany) =>
  serviceTickets.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id));

/** Creates a company with this many tickets. The order of the ids differs from the order of their times. */
function withTickets(company: SeedCompany, count: number): SeedCompany {
  const [ticket] = world.companies.flatMap(({ serviceTickets }) => serviceTickets);
  if (ticket === undefined) throw new Error('The seed data has no ticket.');
  const serviceTickets = Array.from({ length: count }, (_, i) => ({
    ...ticket,
    id: String(90_000 + i),
    createdAt: new Date(Date.UTC(2026, 0, 1, 0, (i * 7_919) % count)).toISOString(),
  }));
  return { ...company, serviceTickets };
}
const withManyTickets = withTickets(withVat, 700);

describe('HubSpot', () => {
  describeSource({
    source: crmHubspot,
    found: {
      'the id of a contact': {
        ...by({ hubspotContactId: contactId }, 'jobTitle'),
        data: { customer: { jobTitle } },
      },
      'an e-mail address': {
        ...by({ email: 'everywhere@example.nl' }, 'jobTitle'),
        data: { customer: { jobTitle } },
      },
      'a KvK number': {
        ...companyBy({ kvkNumber: withVat.kvkNumber }, 'name domain vatNumber'),
        data: { company: { name: withVat.name, domain: withVat.domain, vatNumber: withVat.vatNumber } },
      },
      'a VAT number': {
        ...companyBy({ vatNumber: withVat.vatNumber }, 'name employeeCount kvkNumber'),
        data: {
          company: {
            name: withVat.name,
            employeeCount: withVat.numberOfEmployees,
            kvkNumber: withVat.kvkNumber,
          },
        },
      },
    },
    unknown: {
      'an id': { ...by({ hubspotContactId: '17' }, 'jobTitle'), data: { customer: null } },
      'an e-mail address': { ...by({ email: 'nobody@example.nl' }, 'jobTitle'), data: { customer: null } },
      'a KvK number': { ...companyBy({ kvkNumber: '99999998' }, 'name'), data: { company: null } },
    },
    batches: {
      // The lookup by address also returns the requested fields.
      'fifty contacts': {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { jobTitle } }',
        variables: { by: ordinary.map(({ email }) => ({ email })) },
        calls: 1,
        expectData: (data) => {
          expect(listAt(data, 'customers')).toEqual(
            ordinary.map(({ crm }) => ({ jobTitle: crm?.jobTitle || null })),
          );
        },
      },
      // The calls are a lookup by number, the associations to tickets, and the tickets in batches of a hundred.
      'the tickets of forty companies': {
        query: `{ ${world.companies
          .map(
            ({ kvkNumber }, i) =>
              `c${i}: company(by: { kvkNumber: "${kvkNumber}" }) { tickets(first: 100) { nodes { recordId } } }`,
          )
          .join(' ')} }`,
        calls: 2 + Math.ceil(world.companies.flatMap(({ serviceTickets }) => serviceTickets).length / 100),
        expectData: (data) => {
          expect(world.companies.map((_, i) => at(data, `c${i}`))).toEqual(
            world.companies.map((company) => ({
              tickets: { nodes: ticketsOf(company).map(({ id }) => ({ recordId: id })) },
            })),
          );
        },
      },
      'forty companies by their KvK numbers': {
        query: `{ ${aliases.join(' ')} }`,
        calls: 1,
        expectData: (data) => {
          expect(world.companies.map((_, i) => at(data, `c${i}`, 'name'))).toEqual(
            world.companies.map(({ name }) => name),
          );
        },
      },
    },
    pages: {
      startStandIn: () => startCrmHubspot({ ...world, people: [], companies: [withManyTickets] }),
      ...companyBy({ kvkNumber: withVat.kvkNumber }, 'tickets(first: 100) { nodes { recordId } }'),
      data: {
        company: {
          tickets: {
            nodes: ticketsOf(withManyTickets)
              .slice(0, 100)
              .map(({ id }) => ({ recordId: id })),
          },
        },
      },
      // The calls are the company by its number, two pages of associations to tickets, and a search for the newest
      // tickets.
      calls: 4,
    },
    operation: by({ hubspotContactId: contactId }, 'jobTitle'),
    wrongCredentials: { CRM_HUBSPOT_TOKEN: 'a-wrong-token' },
    byAnyText: {
      'an id': (text) => ({ ...by({ hubspotContactId: text }, 'jobTitle'), nothing: { customer: null } }),
      'an e-mail address': (text) => ({ ...by({ email: text }, 'jobTitle'), nothing: { customer: null } }),
      'an address that contains the text': (text) => ({
        ...by({ email: `${text}@example.nl` }, 'jobTitle'),
        nothing: { customer: null },
      }),
      'a VAT number': (text) => ({ ...companyBy({ vatNumber: text }, 'name'), nothing: { company: null } }),
    },
    http: {
      urlVariable: 'CRM_HUBSPOT_URL',
      paths: /^\/crm\/v3\/objects\/(contacts\/batch\/read|companies\/search)$/,
      nothing: () => ({ body: { results: [] } }),
      rateLimit: {
        body: {
          status: 'error',
          message: 'You have reached your limit.',
          policyName: 'TEN_SECONDLY_ROLLING',
        },
        headers: { 'x-hubspot-ratelimit-max': '100', 'x-hubspot-ratelimit-remaining': '0' },
        // HubSpot does not send Retry-After.
        retryAfter: undefined,
      },
      mismatches: [
        { answer: () => ({ secret: true }), place: 'results', value: 'secret' },
        {
          answer: () => ({ results: [{ id: contactId, properties: { jobtitle: 4_242 } }] }),
          place: 'results.0.properties.jobtitle',
          value: '4242',
        },
      ],
      partial: {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { jobTitle } }',
        variables: { by: ['1', '2', '3'].map((id) => ({ hubspotContactId: id })) },
        answer: () => ({
          status: 207,
          body: {
            results: [
              { id: '3', properties: { jobtitle: 'c' } },
              { id: '1', properties: { jobtitle: 'a' } },
            ],
            numErrors: 1,
            errors: [{ status: 'error', category: 'OBJECT_NOT_FOUND', context: { ids: ['2'] } }],
          },
        }),
        data: { customers: [{ jobTitle: 'a' }, null, { jobTitle: 'c' }] },
        errors: [],
      },
    },
  });
});

describe('the CRM', () => {
  it('finds a contact by id and by address, and shows its fields', async () => {
    const gateway = createTestGateway(settings);
    const fields = `name jobTitle lifecycleStage company { name domain city industry employeeCount kvkNumber }
      deals(first: 100) { nodes { recordId name amount { amount currency } stage isClosed isWon closesOn } }`;
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { ${fields} } }`,
      { by: [{ hubspotContactId: everywhere?.crm?.contactId }, { email: 'EVERYWHERE@example.nl' }] },
    );
    await gateway.close();
    expect(errors).toEqual([]);
    const company = world.companies.find(({ id }) => id === everywhere?.crm?.companyId);
    const expected = {
      name: `${everywhere?.firstName ?? ''} ${everywhere?.lastName ?? ''}`,
      jobTitle: everywhere?.crm?.jobTitle,
      lifecycleStage: everywhere?.crm?.lifecycleStage,
      company: {
        name: company?.name,
        domain: company?.domain,
        city: company?.city,
        industry: company?.industry,
        employeeCount: company?.numberOfEmployees,
        kvkNumber: company?.kvkNumber,
      },
      deals: {
        nodes: everywhere?.crm?.deals
          .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
          .map(({ id, name, amountCents, stage, closeDate }) => ({
            recordId: id,
            name,
            amount: { amount: (amountCents / 100).toFixed(2), currency: 'EUR' },
            stage,
            isClosed: stage.startsWith('closed'),
            isWon: stage === 'closedwon',
            closesOn: new Date(closeDate).toISOString().slice(0, 10),
          })),
      },
    };
    expect(listAt(data, 'customers')).toEqual([expected, expected]);
  });

  describe('as a source of identities', () => {
    let client: Opened<RestClient>;
    beforeAll(() => {
      client = open<RestClient>(crmHubspot.connector, settings);
    });
    afterAll(() => client.close());

    it('finds a contact by each of its addresses, and shows all of them', async () => {
      const contact = everybody.find(({ email }) => email === 'two-shops@example.nl');
      const keys = ['two-shops-old@example.nl', 'two-shops@example.nl'];
      const found = await contactsByEmail.load(keys, client);
      for (const records of found)
        expect(records).toMatchObject([
          {
            id: contact?.crm?.contactId,
            identifiers: [
              { namespace: 'email', value: 'two-shops@example.nl' },
              { namespace: 'email', value: 'two-shops-old@example.nl' },
              { namespace: 'phone', value: null },
              { namespace: 'phone', value: contact?.phone },
              { namespace: 'customerNumber', value: null },
              { namespace: 'xUsername', value: 'twee_winkels' },
              { namespace: 'facebookUserId', value: null },
            ],
            profile: {
              name: 'Farid El Amrani',
              language: 'nl',
              address: {
                street: `${contact?.address.street ?? ''} ${contact?.address.houseNumber ?? ''}`,
                postcode: contact?.address.postcode,
                city: contact?.address.city,
                country: 'NL',
              },
              updatedAt: new Date(contact?.crm?.updatedAt ?? 0).toISOString(),
            },
          },
        ]);
      expect(found).toHaveLength(2);
    });

    it('vouches for the customer number of the order system, because a program writes it', async () => {
      const other = world.people.find(({ email }) => email === 'conflict-other@example.nl');
      const [records] = await contactsByEmail.load(['conflict@example.nl'], client);
      expect(records).toMatchObject([
        {
          identifiers: expect.arrayContaining([
            {
              namespace: 'customerNumber',
              value: other?.orderSystem?.customerNumber,
              verified: true,
            },
          ]) as unknown,
        },
      ]);
    });
  });

  it('preserves the leading zeros of a KvK number', async () => {
    const company = world.companies.find(({ kvkNumber }) => kvkNumber.startsWith('0'));
    const gateway = createTestGateway(settings);
    const { query, variables } = companyBy({ kvkNumber: company?.kvkNumber }, 'name kvkNumber');
    const { data } = await gateway.query(query, variables);
    await gateway.close();
    expect(data).toEqual({ company: { name: company?.name, kvkNumber: company?.kvkNumber } });
    expect(company?.kvkNumber).toMatch(/^0\d{7}$/);
  });

  it.each([0, 101, -1])('refuses a page of %d deals', async (first) => {
    const gateway = createTestGateway(settings);
    const { errors } = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) { deals(first: ${first}) { nodes { id } } } }`,
    );
    await gateway.close();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });

  it('has null fields if HubSpot refuses the credentials', async () => {
    const gateway = createTestGateway({ ...directSettings(), CRM_HUBSPOT_TOKEN: 'wrong' });
    const { data, errors } = await gateway.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { becameCustomerAt company { name } jobTitle } }',
    );
    await gateway.close();
    expect(data).toMatchObject({
      customer: { company: null, jobTitle: null, becameCustomerAt: expect.any(String) as string },
    });
    expect(
      errors.map(({ path, extensions }) => [path?.[1], extensions.code, extensions.retryable]).sort(),
    ).toEqual([
      ['company', 'SOURCE_UNAUTHENTICATED', false],
      ['jobTitle', 'SOURCE_UNAUTHENTICATED', false],
    ]);
  });

  it.each([
    ['more digits than an id has', '12345678901234567890'],
    ['more than 64 bits', '9223372036854775808'],
    ['nought', '00'],
    ['leading zeros', '0123'],
  ])('finds no contact by the id %s, and finds the other contacts of the batch', async (_, wrong) => {
    const gateway = createTestGateway(settings);
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { jobTitle } }',
      {
        by: [wrong, everywhere?.crm?.contactId, '9223372036854775807'].map((hubspotContactId) => ({
          hubspotContactId,
        })),
      },
    );
    await gateway.close();
    expect(listAt(data, 'customers')).toEqual([null, { jobTitle: everywhere?.crm?.jobTitle }, null]);
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['customers', 0], 'BAD_USER_INPUT'],
    ]);
  });

  it('shows the questions and complaints of a company, newest first', async () => {
    const company = world.companies.find(({ id }) => id === everywhere?.crm?.companyId);
    if (company === undefined) throw new Error('The seed data has no such company.');
    expect(company.serviceTickets.length).toBeGreaterThan(1);
    const gateway = createTestGateway(settings);
    const { data, errors } =
      await gateway.query(`{ customer(by: { email: "everywhere@example.nl" }) { company {
      tickets(first: 100) { nodes { recordId subject status statusText isOpen priority priorityText createdAt closedAt } }
      newest: tickets(first: 1) { nodes { recordId } }
    } } }`);
    const quiet = world.companies.find(({ serviceTickets }) => serviceTickets.length === 0);
    const none = await gateway.query(
      `{ company(by: { kvkNumber: "${quiet?.kvkNumber ?? ''}" }) { tickets { nodes { id } } } }`,
    );
    await gateway.close();
    expect(errors).toEqual([]);
    const expected = ticketsOf(company).map(({ id, subject, stage, priority, createdAt, closedAt }) => ({
      recordId: id,
      subject,
      status: closedAt === undefined ? null : 'CLOSED',
      statusText: stage,
      isOpen: closedAt === undefined,
      priority: priority === 'MEDIUM' ? 'NORMAL' : priority,
      priorityText: priority,
      createdAt: new Date(createdAt).toISOString(),
      closedAt: closedAt === undefined ? null : new Date(closedAt).toISOString(),
    }));
    expect(at(data, 'customer', 'company')).toEqual({
      tickets: { nodes: expected },
      newest: { nodes: expected.slice(0, 1).map(({ recordId }) => ({ recordId })) },
    });
    expect(none).toMatchObject({ data: { company: { tickets: { nodes: [] } } }, errors: [] });
  });

  it('shows only the newest tickets of a company that has more than one batch', async () => {
    const busy = withManyTickets;
    const standIn = await startCrmHubspot({ ...world, people: [], companies: [busy] });
    const control = await faultControl([standIn]);
    const gateway = createTestGateway(standIn.settings(control.sources['crm-hubspot']?.url ?? ''));
    const { data, errors } = await gateway.query(
      `{ company(by: { kvkNumber: "${busy.kvkNumber}" }) { tickets(first: 3) { nodes { recordId } } } }`,
    );
    const calls = control.counters()['crm-hubspot']?.calls;
    await gateway.close();
    await control.close();
    await standIn.close();
    expect(errors).toEqual([]);
    expect(at(data, 'company', 'tickets', 'nodes')).toEqual(
      ticketsOf(busy)
        .slice(0, 3)
        .map(({ id }) => ({ recordId: id })),
    );
    // The calls are a lookup by number, two pages of tickets, and one search.
    expect(calls).toBe(1 + 2 + 1);
  });

  describe('with a contact that has more deals than one batch', () => {
    /**
     * Creates a person of the seed data with this many deals. The order of the ids differs from the order of their
     * times.
     */
    const withDeals = (person: Person, count: number, firstId: number): Person => {
      const [deal] = everywhere?.crm?.deals ?? [];
      if (person.crm === undefined || deal === undefined)
        throw new Error('The seed data has no deal to copy.');
      const deals = Array.from({ length: count }, (_, i) => ({
        ...deal,
        id: String(firstId + i),
        createdAt: new Date(Date.UTC(2026, 0, 1, 0, (i * 7_919) % count)).toISOString(),
      }));
      return { ...person, crm: { ...person.crm, deals } };
    };
    const newestOf = ({ crm }: Person, first: number) =>
      (crm?.deals ?? [])
        .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))
        .slice(0, first)
        .map(({ id }) => ({ recordId: id }));

    const [here, other, third] = everybody;
    if (here === undefined || other === undefined || third === undefined)
      throw new Error('The seed data has too few contacts.');
    const busy = withDeals(here, 1_200, 50_000);
    const quiet = withDeals(other, 30, 60_000);
    const contactWithManyDeals = withDeals(third, 2_100, 70_000);
    const changedWorld: World = { ...world, people: [busy, quiet, contactWithManyDeals] };
    let standIn: StandIn;
    let control: FaultControl;

    beforeAll(async () => {
      standIn = await startCrmHubspot(changedWorld);
      control = await faultControl([standIn]);
    });
    afterAll(async () => {
      await control.close();
      await standIn.close();
    });

    const dealsOf = async (people: readonly Person[]) => {
      await control.heal();
      const gateway = createTestGateway(standIn.settings(control.sources['crm-hubspot']?.url ?? ''));
      const answer = await gateway.query(
        'query($by: [CustomerKey!]!) { customers(by: $by) { deals(first: 5) { nodes { recordId } missing { source code } } } }',
        { by: people.map(({ crm }) => ({ hubspotContactId: crm?.contactId })) },
      );
      await gateway.close();
      return { ...answer, calls: control.counters()['crm-hubspot']?.calls };
    };

    it('loads only the newest of its deals', async () => {
      const { data, errors, calls } = await dealsOf([busy, quiet]);
      expect(errors).toEqual([]);
      expect(listAt(data, 'customers')).toEqual([
        { deals: { nodes: newestOf(busy, 5), missing: [] } },
        { deals: { nodes: newestOf(quiet, 5), missing: [] } },
      ]);
      // The calls are identification, three pages of associations to deals, one search, and one batch of deals.
      expect(calls).toBe(1 + 3 + 1 + 1);
    });

    it('fails only the contact with more deals than can be read', async () => {
      const { data, errors } = await dealsOf([quiet, contactWithManyDeals]);
      expect(errors).toEqual([]);
      expect(listAt(data, 'customers')).toEqual([
        { deals: { nodes: newestOf(quiet, 5), missing: [] } },
        { deals: { nodes: [], missing: [{ source: 'CRM_HUBSPOT', code: 'SOURCE_CONTRACT' }] } },
      ]);
    });
  });

  it('joins the deals of two contacts that are one customer, and shows the company that one of them has', async () => {
    const buyer = world.people.find(({ email }) => email === 'customer-7@example.nl');
    const [first, second] = everybody.filter(({ crm }) => (crm?.deals.length ?? 0) > 0);
    if (first?.crm === undefined || second?.crm === undefined || buyer?.orderSystem === undefined)
      throw new Error('The seed data has too few contacts with deals.');
    const [company] = world.companies;
    // The first contact is found by address. Its customer number leads to the second contact.
    const withoutCompany = { ...first.crm, customerNumber: buyer.orderSystem.customerNumber };
    delete withoutCompany.companyId;
    const standIn = await startCrmHubspot({
      ...world,
      people: [
        { ...first, email: 'other-address@example.nl', crm: withoutCompany },
        { ...second, email: buyer.email, crm: { ...second.crm, companyId: company?.id ?? '' } },
      ],
    });
    const gateway = createTestGateway({ ...directSettings(), ...standIn.settings(standIn.url) });
    const { data, errors } = await gateway.query(
      `{ customer(by: { email: "other-address@example.nl" }) {
        company { name } deals(first: 100) { nodes { recordId } } newest: deals(first: 1) { nodes { recordId } }
      } }`,
    );
    await gateway.close();
    await standIn.close();
    expect(errors).toEqual([]);
    const deals = [...first.crm.deals, ...second.crm.deals]
      .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
      .map(({ id }) => ({ recordId: id }));
    expect(at(data, 'customer')).toEqual({
      company: { name: company?.name },
      deals: { nodes: deals },
      newest: { nodes: deals.slice(0, 1) },
    });
  });

  describe('with more contacts than fit in one call', () => {
    const large = createWorld({ customers: 250 });
    let standIn: StandIn;
    let control: FaultControl;

    beforeAll(async () => {
      standIn = await startCrmHubspot(large);
      control = await faultControl([standIn]);
    });
    afterAll(async () => {
      await control.close();
      await standIn.close();
    });

    it('makes several calls of 100, and returns null for contacts that are not found', async () => {
      const gateway = createTestGateway(standIn.settings(control.sources['crm-hubspot']?.url ?? ''));
      const people = large.people.filter(({ email }) => email.startsWith('customer-'));
      const { data, errors } = await gateway.query(
        'query($by: [CustomerKey!]!) { customers(by: $by) { jobTitle company { kvkNumber } deals { nodes { recordId } } } }',
        { by: people.map(({ email }) => ({ email })) },
      );
      expect(errors).toEqual([]);
      const companies = new Map(large.companies.map((company) => [company.id, company]));
      expect(listAt(data, 'customers')).toEqual(
        people.map(({ crm }) =>
          crm === undefined
            ? null
            : {
                jobTitle: crm.jobTitle === '' ? null : crm.jobTitle,
                company:
                  crm.companyId === undefined ? null : { kvkNumber: companies.get(crm.companyId)?.kvkNumber },
                deals: {
                  nodes: crm.deals
                    .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
                    .map(({ id }) => ({ recordId: id })),
                },
              },
        ),
      );
      // 250 addresses need 3 calls. For 225 contacts, the companies and deals need 3 calls each, and further calls load
      // them.
      expect(control.counters()['crm-hubspot']?.calls).toBeLessThanOrEqual(3 + 3 + 3 + 3 + 1 + 5);
      await gateway.close();
    });
  });

  describe('with unusual answers of HubSpot', () => {
    let server: SmallServer;
    let client: Opened<RestClient>;

    const answering = async (
      answer: (request: SeenRequest) => unknown,
      status = 200,
    ): Promise<RestClient> => {
      server = await startServer((request, response) => {
        sendJson(response, answer(request), { status });
      });
      client = open<RestClient>(crmHubspot.connector, {
        CRM_HUBSPOT_URL: server.url,
        CRM_HUBSPOT_TOKEN: 't',
      });
      return client;
    };
    afterEach(async () => {
      await client.close();
      await server.close();
    });
    const contact = (id: string, properties: object) => ({ id, properties });

    it('returns a contact under each of its requested addresses', async () => {
      await answering(
        () => ({
          status: 'COMPLETE',
          results: [
            contact('2', { email: 'piet@example.nl' }),
            contact('1', { email: 'jan@example.nl', hs_additional_emails: 'Jan@Werk.example;j@example.nl' }),
          ],
          numErrors: 1,
          errors: [{ status: 'error', context: { ids: ['niemand@example.nl'] } }],
        }),
        207,
      );
      const found = await contactsByEmail.load(
        ['jan@werk.example', 'niemand@example.nl', 'piet@example.nl', 'jan@example.nl'],
        client,
      );
      expect(found.map((item) => (item instanceof Error ? item : item.map(({ id }) => id)))).toEqual([
        ['1'],
        [],
        ['2'],
        ['1'],
      ]);
    });

    it('treats an empty property as missing', async () => {
      await answering(() => ({
        results: [contact('1', { email: 'jan@example.nl', jobtitle: '', firstname: '' })],
      }));
      expect(await contactsById.load(['1'], client)).toMatchObject([
        [{ jobTitle: null, profile: { name: null } }],
      ]);
    });

    it('reports the company with more tickets than can be read', async () => {
      await answering(({ body }) => ({
        results: [
          { from: { id: '1' }, to: [], paging: { next: { after: 'again' } } },
          ...(body.includes('after')
            ? []
            : [{ from: { id: '2' }, to: [{ toObjectId: 7, associationTypes: [] }] }]),
        ],
      }));
      expect(await ticketsOfCompanies.load(['1', '2', '3'], client)).toEqual([
        expect.objectContaining({ code: 'SOURCE_CONTRACT' }),
        ['7'],
        [],
      ]);
    });

    it('ignores a country that is not a code, and an address without lines', async () => {
      await answering(() => ({
        results: [
          contact('1', { city: 'Gent', country: 'België', lastmodifieddate: '1767225600000' }),
          contact('2', { country: 'NL' }),
        ],
      }));
      expect(await contactsById.load(['1', '2'], client)).toMatchObject([
        [
          {
            profile: {
              address: { street: null, postcode: null, city: 'Gent', country: null },
              updatedAt: '2026-01-01T00:00:00.000Z',
            },
          },
        ],
        [{ profile: { address: null, updatedAt: null } }],
      ]);
    });

    it('shows the primary company first, in any order of the answer', async () => {
      const to = (id: number, label: string | null) => ({ toObjectId: id, associationTypes: [{ label }] });
      await answering(() => ({
        results: [{ from: { id: '1' }, to: [to(10, null), to(20, 'Primary'), to(30, 'Former')] }],
      }));
      expect(await companiesOfContacts.load(['2', '1'], client)).toEqual([[], ['20', '10', '30']]);
    });

    it('reads further pages if a contact has more deals than one answer holds', async () => {
      const page = (ids: number[], after?: string) => ({
        from: { id: '1' },
        to: ids.map((id) => ({ toObjectId: id, associationTypes: [{ label: null }] })),
        ...(after === undefined ? {} : { paging: { next: { after } } }),
      });
      await answering(({ body }) => {
        const { inputs } = JSON.parse(body) as { inputs: { id: string; after?: string }[] };
        return {
          results: inputs.flatMap(({ id, after }) =>
            id !== '1' ? [] : after === 'x' ? [page([3])] : [page([1, 2], 'x')],
          ),
        };
      });
      expect(await dealsOfContacts.load(['1', '2'], client)).toEqual([['1', '2', '3'], []]);
      expect(server.seen).toHaveLength(2);
    });

    it('stops reading endless pages, and fails only the contact with these pages', async () => {
      const to = [{ toObjectId: 7, associationTypes: [{ label: null }] }];
      await answering(({ body }) => ({
        results: [
          { from: { id: '1' }, to: [], paging: { next: { after: 'again' } } },
          ...(body.includes('after') ? [] : [{ from: { id: '2' }, to }]),
        ],
      }));
      expect(await dealsOfContacts.load(['1', '2', '3'], client)).toEqual([
        expect.objectContaining({ code: 'SOURCE_CONTRACT' }),
        ['7'],
        [],
      ]);
      expect(server.seen.length).toBeLessThan(10);
    });

    it('fails only the contact whose search fails', async () => {
      server = await startServer(({ body }, response) => {
        if (body.includes('"2"')) sendJson(response, {}, { status: 429 });
        else sendJson(response, { results: [{ id: '7', properties: { dealname: 'D' } }] });
      });
      client = open<RestClient>(crmHubspot.connector, {
        CRM_HUBSPOT_URL: server.url,
        CRM_HUBSPOT_TOKEN: 't',
      });
      const keys = ['1', '2', '3'].map((id) => ({ id, first: 3, before: null }));
      expect(await newestDeals.load(keys, client)).toMatchObject([
        { items: [{ recordId: '7' }] },
        { code: 'SOURCE_RATE_LIMITED' },
        { items: [{ recordId: '7' }] },
      ]);
    });

    it('shows no deals if a search returns those of another contact', async () => {
      const to = Array.from({ length: 101 }, (_, i) => ({
        toObjectId: i + 1,
        associationTypes: [{ label: null }],
      }));
      server = await startServer(({ url }, response) => {
        const properties = { dealname: 'secret', email: 'everywhere@example.nl' };
        if (url.includes('/associations/')) sendJson(response, { results: [{ from: { id: '1' }, to }] });
        else if (url.endsWith('/search')) sendJson(response, { results: [{ id: '999', properties }] });
        else sendJson(response, { results: [{ id: '1', properties }] });
      });
      client = open<RestClient>(crmHubspot.connector, {
        CRM_HUBSPOT_URL: server.url,
        CRM_HUBSPOT_TOKEN: 't',
      });
      const gateway = createTestGateway({ CRM_HUBSPOT_URL: server.url, CRM_HUBSPOT_TOKEN: 't' });
      const { data, errors } = await gateway.query(
        '{ customer(by: { email: "everywhere@example.nl" }) { deals { nodes { name } missing { source code } } } }',
      );
      await gateway.close();
      expect(errors).toEqual([]);
      expect(data).toEqual({
        customer: { deals: { nodes: [], missing: [{ source: 'CRM_HUBSPOT', code: 'SOURCE_CONTRACT' }] } },
      });
    });

    it('finds nobody by the id of a merged contact, and refuses any other contact', async () => {
      const remaining = { id: '9', properties: { email: 'a@example.nl', hs_merged_object_ids: '1;2' } };
      await answering(() => ({ results: [remaining, { id: '3', properties: {} }] }));
      const [merged, third] = await contactsById.load(['1', '3'], client);
      expect([merged, third]).toMatchObject([[], [{ id: '3' }]]);
      await expect(contactsById.load(['4', '3'], client)).rejects.toMatchObject({ code: 'SOURCE_CONTRACT' });
      const both = await contactsById.load(['1', '9', '3'], client);
      expect(both).toMatchObject([[], [{ id: '9' }], [{ id: '3' }]]);
    });

    it.each([
      ['1.2E7', '12000000'],
      ['12345678901234567.89', '12345678901234567.89'],
      ['99.50', '99.50'],
    ])('retains each digit of the amount %s', async (sent, amount) => {
      await answering(() => ({
        results: [{ id: '1', properties: { amount: sent, deal_currency_code: 'EUR' } }],
      }));
      expect(await deals.load([{ id: '1', contactId: '2' }], client)).toMatchObject([
        { amount: { amount, currency: 'EUR' } },
      ]);
    });

    it.each([
      ['something else', { something: 'else' }],
      ['an invalid amount', { results: [{ id: '1', properties: { amount: 'jan@example.nl' } }] }],
      ['a number instead of a text', { results: [{ id: '1', properties: { email: 1 } }] }],
      ['an invalid time', { results: [{ id: '1', properties: { createdate: 'jan@example.nl' } }] }],
      ['no time of change', { results: [{ id: '1', properties: { lastmodifieddate: 'jan@example.nl' } }] }],
    ])('refuses an answer of %s, without a value of that answer', async (_, body) => {
      await answering(() => body);
      const outcome = await contactsById.load(['1'], client).catch((error: unknown) => error);
      expect(outcome).toMatchObject({ code: 'SOURCE_CONTRACT' });
      expect((outcome as Error).message).not.toContain('jan@example.nl');
    });

    it('has null fields if an answer has another shape', async () => {
      await answering(() => ({ something: 'else' }));
      const gateway = createTestGateway({ ...directSettings(), CRM_HUBSPOT_URL: server.url });
      const { data, errors } = await gateway.query(
        '{ customer(by: { email: "everywhere@example.nl" }) { becameCustomerAt company { name } } }',
      );
      await gateway.close();
      expect(at(data, 'customer', 'company')).toBeNull();
      expect(at(data, 'customer', 'becameCustomerAt')).toEqual(expect.any(String));
      expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
        [['customer', 'company'], 'SOURCE_CONTRACT'],
      ]);
    });
  });
});
