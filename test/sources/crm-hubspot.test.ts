import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { crmHubspot } from '../../sources/crm-hubspot/index.js';
import {
  companiesOfContacts,
  contactsByEmail,
  contactsById,
  dealsOfContacts,
} from '../../sources/crm-hubspot/loaders.js';
import { startCrmHubspot } from '../../sources/crm-hubspot/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import type { RestClient } from '../../src/connectors/rest.js';
import { open } from '../connectors/contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings, faultControl } from '../support/stand-ins.js';

const world = createWorld({ customers: inject('customers') });
const { CRM_HUBSPOT_URL, CRM_HUBSPOT_TOKEN } = directSettings();
const settings = { CRM_HUBSPOT_URL, CRM_HUBSPOT_TOKEN };

const everybody = world.people.filter(({ crm }) => crm !== undefined);
const everywhere = everybody.find(({ email }) => email === 'everywhere@example.nl');

describe('the CRM', () => {
  it('finds a contact by id and by address, and shows what it holds', async () => {
    const gateway = createTestGateway(settings);
    const fields = `name jobTitle lifecycleStage company { name domain city industry employees kvkNumber }
      deals(first: 100) { id name amount { amount currency } stage closesAt }`;
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
        employees: company?.numberOfEmployees,
        kvkNumber: company?.kvkNumber,
      },
      deals: everywhere?.crm?.deals
        .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
        .map(({ id, name, amountCents, stage, closeDate }) => ({
          id,
          name,
          amount: { amount: (amountCents / 100).toFixed(2), currency: 'EUR' },
          stage,
          closesAt: new Date(closeDate).toISOString(),
        })),
    };
    expect(listAt(data, 'customers')).toEqual([expected, expected]);
  });

  it('keeps the zeros that a KvK number begins with', () => {
    expect(world.companies.some(({ kvkNumber }) => kvkNumber.startsWith('0'))).toBe(true);
  });

  it.each([0, 101, -1])('refuses to give %d deals', async (first) => {
    const gateway = createTestGateway(settings);
    const { errors } = await gateway.query(
      `{ customer(by: { email: "everywhere@example.nl" }) { deals(first: ${first}) { id } } }`,
    );
    await gateway.close();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });

  it('leaves its fields null when it refuses the gateway', async () => {
    const gateway = createTestGateway({ ...directSettings(), CRM_HUBSPOT_TOKEN: 'wrong' });
    const { data, errors } = await gateway.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { customerSince company { name } jobTitle } }',
    );
    await gateway.close();
    expect(data).toMatchObject({
      customer: { company: null, jobTitle: null, customerSince: expect.any(String) as string },
    });
    expect(errors.map(({ path, extensions }) => [path?.[1], extensions.code, extensions.retryable])).toEqual([
      ['company', 'SOURCE_UNAUTHENTICATED', false],
      ['jobTitle', 'SOURCE_UNAUTHENTICATED', false],
    ]);
  });

  describe('asked about more contacts than it takes at once', () => {
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

    it('asks in several calls of 100, takes what it finds and leaves null what it does not', async () => {
      const gateway = createTestGateway(standIn.settings(control.sources['crm-hubspot']?.url ?? ''));
      const people = large.people.filter(({ email }) => email.startsWith('customer-'));
      const { data, errors } = await gateway.query(
        'query($by: [CustomerKey!]!) { customers(by: $by) { jobTitle company { kvkNumber } deals { id } } }',
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
                deals: crm.deals
                  .toSorted((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
                  .map(({ id }) => ({ id })),
              },
        ),
      );
      // 250 addresses in 3 calls; 225 contacts: own record 3, companies and deals 3 each, then 1 and some for those.
      expect(control.counters()['crm-hubspot']?.calls).toBeLessThanOrEqual(3 + 3 + 3 + 3 + 1 + 5);
      await gateway.close();
    });
  });

  describe('as it may also answer', () => {
    let server: SmallServer;
    let client: RestClient;

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

    it('finds a contact by its other addresses, and gives each asker its own', async () => {
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
      expect(found.map((one) => (one instanceof Error ? one : one.map(({ id }) => id)))).toEqual([
        ['1'],
        [],
        ['2'],
        ['1'],
      ]);
    });

    it('takes a property that was emptied for one that is not there', async () => {
      await answering(() => ({
        results: [contact('1', { email: 'jan@example.nl', jobtitle: '', firstname: '' })],
      }));
      expect(await contactsById.load(['1'], client)).toMatchObject([[{ jobTitle: null, name: '' }]]);
    });

    it('puts the primary company first, wherever it stands', async () => {
      const to = (id: number, label: string | null) => ({ toObjectId: id, associationTypes: [{ label }] });
      await answering(() => ({
        results: [{ from: { id: '1' }, to: [to(10, null), to(20, 'Primary'), to(30, 'Former')] }],
      }));
      expect(await companiesOfContacts.load(['2', '1'], client)).toEqual([[], ['20', '10', '30']]);
    });

    it('reads on when a contact has more deals than one answer holds', async () => {
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

    it('does not read on for ever', async () => {
      await answering(() => ({
        results: [{ from: { id: '1' }, to: [], paging: { next: { after: 'again' } } }],
      }));
      await expect(dealsOfContacts.load(['1'], client)).rejects.toMatchObject({ code: 'SOURCE_CONTRACT' });
      expect(server.seen.length).toBeLessThan(10);
    });

    it.each([
      ['something else', { something: 'else' }],
      ['a number where every value is text', { results: [{ id: '1', properties: { email: 1 } }] }],
      ['a moment that is none', { results: [{ id: '1', properties: { createdate: 'jan@example.nl' } }] }],
    ])('refuses an answer of %s, and tells no value of it', async (_, body) => {
      await answering(() => body);
      const outcome = await contactsById.load(['1'], client).catch((error: unknown) => error);
      expect(outcome).toMatchObject({ code: 'SOURCE_CONTRACT' });
      expect((outcome as Error).message).not.toContain('jan@example.nl');
    });

    it('leaves its fields null when it answers another shape', async () => {
      await answering(() => ({ something: 'else' }));
      const gateway = createTestGateway({ ...directSettings(), CRM_HUBSPOT_URL: server.url });
      const { data, errors } = await gateway.query(
        '{ customer(by: { email: "everywhere@example.nl" }) { customerSince company { name } } }',
      );
      await gateway.close();
      expect(at(data, 'customer', 'company')).toBeNull();
      expect(at(data, 'customer', 'customerSince')).toEqual(expect.any(String));
      expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
        [['customer', 'company'], 'SOURCE_CONTRACT'],
      ]);
    });
  });
});
