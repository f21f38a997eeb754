import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startCrmHubspot } from '../../sources/crm-hubspot/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { CrmPart, Person, StandIn } from '../../sources/stand-ins/world.js';

const world = createWorld({ customers: 150 });
const people = world.people.filter(isContact);

type Contact = Person & { crm: CrmPart };

function isContact(person: Person): person is Contact {
  return person.crm !== undefined;
}

function contactOf(email: string): Contact {
  const person = people.find((contact) => contact.email === email);
  if (person === undefined) throw new Error(`HubSpot has no contact with the address ${email}.`);
  return person;
}

const everywhere = contactOf('everywhere@example.nl');
const contactIds = people.map(({ crm }) => crm.contactId);

let standIn: StandIn;
beforeAll(async () => {
  standIn = await startCrmHubspot(world);
});
afterAll(async () => {
  await standIn.close();
});

describe('the stand-in of HubSpot', () => {
  test('reads a batch of contacts by e-mail address in any case, with the requested properties', async () => {
    const { status, body } = await batchRead('contacts', ['EVERYWHERE@example.nl', 'crm-only@example.nl'], {
      idProperty: 'email',
      properties: ['email', 'firstname', 'phone', 'no_such_property'],
    });
    expect(status).toBe(200);
    const contact = body.results?.find(({ id }) => id === everywhere.crm.contactId);
    expect(contact?.properties).toEqual({
      email: 'everywhere@example.nl',
      firstname: everywhere.firstName,
      phone: null,
      createdate: everywhere.createdAt.replace('Z', '.000Z'),
      lastmodifieddate: everywhere.crm.updatedAt.replace('Z', '.000Z'),
      hs_object_id: everywhere.crm.contactId,
    });
  });

  test('finds a contact by an additional address, but not in a search', async () => {
    const known = contactOf('two-shops@example.nl').crm.contactId;
    const addresses = ['TWO-SHOPS-OLD@example.nl', 'two-shops@example.nl'];
    const { status, body } = await batchRead('contacts', addresses, {
      idProperty: 'email',
      properties: ['email', 'hs_additional_emails', 'customer_number', 'twitterhandle'],
    });
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      {
        id: known,
        properties: {
          email: 'two-shops@example.nl',
          hs_additional_emails: 'two-shops-old@example.nl',
          customer_number: null,
          twitterhandle: 'twee_winkels',
        },
      },
    ]);
    const search = await post('/crm/v3/objects/contacts/search', {
      filterGroups: [
        { filters: [{ propertyName: 'email', operator: 'EQ', value: 'two-shops-old@example.nl' }] },
      ],
    });
    expect(search.body).toMatchObject({ total: 0 });
  });

  test('lists the missing records of a batch in one error, and returns the others', async () => {
    const { status, body } = await batchRead('contacts', [everywhere.crm.contactId, '17', '18']);
    expect(status).toBe(207);
    expect(body.results).toHaveLength(1);
    expect(body.numErrors).toBe(1);
    expect(body.errors?.[0]).toMatchObject({ category: 'OBJECT_NOT_FOUND', context: { ids: ['17', '18'] } });
  });

  test('answers a batch in another order than the request, each record once', async () => {
    const requested = contactIds.slice(0, 5);
    const { body } = await batchRead('contacts', [...requested, ...requested]);
    const received = body.results?.map(({ id }) => id);
    expect(received).not.toEqual(requested);
    expect(received?.sort()).toEqual([...requested].sort());
  });

  test('refuses a batch of more than a hundred', async () => {
    expect((await batchRead('contacts', contactIds.slice(0, 100))).status).toBe(200);
    const { status, body } = await batchRead('contacts', contactIds.slice(0, 101));
    expect(status).toBe(400);
    expect(body.category).toBe('VALIDATION_ERROR');
  });

  test('returns amounts and numbers as text', async () => {
    const [deal] = everywhere.crm.deals;
    const deals = await batchRead('deals', [String(deal?.id)], {
      properties: ['amount', 'deal_currency_code'],
    });
    expect(deals.body.results?.[0]?.properties).toMatchObject({
      amount: (Number(deal?.amountCents) / 100).toFixed(2),
      deal_currency_code: 'EUR',
    });
    const [company] = world.companies;
    const companies = await batchRead('companies', [String(company?.kvkNumber)], {
      idProperty: 'kvk_number',
      properties: ['kvk_number', 'numberofemployees'],
    });
    expect(companies.body.results?.[0]?.properties).toMatchObject({
      kvk_number: company?.kvkNumber,
      numberofemployees: String(company?.numberOfEmployees),
    });
  });

  test('reads one record by id or address, and answers 404 for an unknown one', async () => {
    const byId = await call(`/crm/v3/objects/contacts/${everywhere.crm.contactId}?properties=jobtitle,email`);
    expect(byId.body.properties).toMatchObject({
      jobtitle: everywhere.crm.jobTitle,
      email: everywhere.email,
    });
    const byEmail = await call('/crm/v3/objects/contacts/everywhere%40example.nl?idProperty=email');
    expect(byEmail.body.id).toBe(everywhere.crm.contactId);
    expect((await call('/crm/v3/objects/contacts/17')).status).toBe(404);
  });

  test('lists all contacts in pages', async () => {
    const seen: string[] = [];
    let after: string | undefined = '0';
    while (after !== undefined) {
      const { body } = await call(`/crm/v3/objects/contacts?limit=50&after=${after}`);
      seen.push(...(body.results ?? []).map(({ id }) => id));
      after = body.paging?.next.after;
    }
    expect(seen.sort()).toEqual([...contactIds].sort());
    expect((await call('/crm/v3/objects/contacts?limit=101')).status).toBe(400);
  });

  test('searches contacts behind an id, by their ids as numbers', async () => {
    const search = (after: string) =>
      post('/crm/v3/objects/contacts/search', {
        filterGroups: [{ filters: [{ propertyName: 'hs_object_id', operator: 'GT', value: after }] }],
        sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
        limit: 5,
      });
    const idsOf = ({ body }: Awaited<ReturnType<typeof search>>) =>
      (body.results ?? []).map(({ id }) => Number(id));
    const first = idsOf(await search('0'));
    expect(first).toHaveLength(5);
    expect(first).toEqual(first.toSorted((a, b) => a - b));
    const [next = 0] = idsOf(await search(String(first.at(-1))));
    expect(next).toBeGreaterThan(first.at(-1) ?? Infinity);
    expect((await search('x')).status).toBe(400);
  });

  test('searches contacts by several filters and groups, in pages', async () => {
    const customers = people.filter(({ crm }) => crm.lifecycleStage === 'customer');
    const groups = [
      { filters: [{ propertyName: 'lifecyclestage', operator: 'EQ', value: 'customer' }] },
      {
        filters: [{ propertyName: 'email', operator: 'IN', values: ['crm-only@example.nl', 'x@example.nl'] }],
      },
    ];
    const seen = new Set<string>();
    let after: string | undefined = '0';
    while (after !== undefined) {
      const { body } = await search({ filterGroups: groups, limit: 20, after });
      expect(body.total).toBe(customers.length + 1);
      for (const { id } of body.results ?? []) seen.add(id);
      after = body.paging?.next.after;
    }
    expect(seen.size).toBe(customers.length + 1);
    expect((await search({ filterGroups: groups, limit: 201 })).status).toBe(400);
  });

  test('returns the companies and deals of contacts, and an error for contacts without them', async () => {
    const lonely = people.find(({ crm }) => crm.companyId === undefined);
    const { status, body } = await associations('contacts', 'companies', [
      everywhere.crm.contactId,
      String(lonely?.crm.contactId),
    ]);
    expect(status).toBe(207);
    expect(body.results?.map(({ from, to }) => [from?.id, to?.map(({ toObjectId }) => toObjectId)])).toEqual([
      [everywhere.crm.contactId, [Number(everywhere.crm.companyId)]],
    ]);
    expect(body.errors?.[0]).toMatchObject({
      subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
      context: { fromObjectId: [lonely?.crm.contactId] },
    });

    const deals = await associations('contacts', 'deals', [everywhere.crm.contactId]);
    expect(deals.status).toBe(200);
    expect(deals.body.results?.[0]?.to).toHaveLength(everywhere.crm.deals.length);
  });

  test('returns the tickets of a company and their subjects', async () => {
    const company = world.companies.find(({ serviceTickets }) => serviceTickets.length > 0);
    const found = await associations('companies', 'tickets', [String(company?.id)]);
    const ticketIds = found.body.results?.[0]?.to?.map(({ toObjectId }) => String(toObjectId));
    expect(ticketIds).toEqual(company?.serviceTickets.map(({ id }) => id));
    const [ticket] = company?.serviceTickets ?? [];
    const { body } = await batchRead('tickets', [String(ticket?.id)]);
    expect(body.results?.[0]?.properties).toMatchObject({
      subject: ticket?.subject,
      hs_pipeline_stage: ticket?.stage,
    });
    const { body: searched } = await post('/crm/v3/objects/tickets/search', {
      filterGroups: [
        { filters: [{ propertyName: 'associations.company', operator: 'EQ', value: company?.id }] },
      ],
    });
    expect(searched.total).toBe(company?.serviceTickets.length);
  });

  test('returns the history of a property for at most fifty contacts, or nothing if it was never set', async () => {
    const [choice] = everywhere.crm.marketing.choices;
    const names = ['hs_email_optout', `hs_email_optout_${choice?.kindId ?? ''}`, 'no_such_property'];
    const { body } = await batchRead('contacts', [everywhere.crm.contactId], {
      propertiesWithHistory: names,
    });
    expect(body.results?.[0]).toMatchObject({
      propertiesWithHistory: {
        hs_email_optout: [],
        [`hs_email_optout_${choice?.kindId ?? ''}`]: [
          {
            value: 'true',
            timestamp: choice?.changes[0]?.at.replace('Z', '.000Z'),
            sourceType: choice?.changes[0]?.source,
          },
        ],
      },
    });
    const history = { propertiesWithHistory: ['email'] };
    expect((await batchRead('contacts', contactIds.slice(0, 50), history)).status).toBe(200);
    expect((await batchRead('contacts', contactIds.slice(0, 51), history)).status).toBe(400);
  });

  test('has the kinds of mail in the labels of properties', async () => {
    const { body } = await call('/crm/v3/properties/contacts');
    expect(body.results).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          name: 'hs_email_optout_482110071',
          label: 'Opted out of email: Nieuwsbrief',
        }),
      ]) as unknown,
    );
    expect((await post('/crm/v3/properties/contacts', {})).status).toBe(501);
  });

  test('returns many contacts of a company in pages, and refuses 1,001 ids', async () => {
    const company = String(world.companies[0]?.id);
    const staff = Array.from({ length: 1200 }, (_, index): Person => {
      const crm = { ...everywhere.crm, contactId: String(1_000 + index), companyId: company, deals: [] };
      return { ...everywhere, email: `staff-${index}@example.nl`, crm };
    });
    const large = await startCrmHubspot({ ...world, people: staff });
    const seen = new Set<number>();
    let input: { id: string; after?: string } | undefined = { id: company };
    while (input !== undefined) {
      const { body } = await post(
        '/crm/v4/associations/companies/contacts/batch/read',
        { inputs: [input] },
        large,
      );
      const [result] = body.results ?? [];
      for (const { toObjectId } of result?.to ?? []) seen.add(toObjectId);
      const after = result?.paging?.next.after;
      input = after === undefined ? undefined : { id: company, after };
    }
    expect(seen.size).toBe(1200);
    await large.close();

    const tooMany = Array.from({ length: 1001 }, (_, index) => String(index));
    expect((await associations('companies', 'contacts', tooMany)).status).toBe(400);
  });

  test('refuses a request without the token', async () => {
    const { status, body } = await call('/crm/v3/objects/contacts', { authorization: 'Bearer wrong' });
    expect(status).toBe(401);
    expect(body.category).toBe('INVALID_AUTHENTICATION');
  });

  test('names the exceeded limit, and starts a new count after ten seconds', async () => {
    let now = 0;
    const limited = await startCrmHubspot(world, {
      requestsPerTenSeconds: 1,
      searchesPerSecond: 1,
      now: () => now,
    });
    const first = await call('/crm/v3/objects/contacts', {}, limited);
    expect(first.headers.get('x-hubspot-ratelimit-max')).toBe('1');
    expect(first.headers.get('x-hubspot-ratelimit-remaining')).toBe('0');
    const refused = await call('/crm/v3/objects/contacts', {}, limited);
    expect(refused.status).toBe(429);
    expect(refused.body.policyName).toBe('TEN_SECONDLY_ROLLING');

    expect((await search({ filterGroups: [] }, limited)).status).toBe(200);
    expect((await search({ filterGroups: [] }, limited)).body.policyName).toBe('SECONDLY');
    now += 10_000;
    expect((await call('/crm/v3/objects/contacts', {}, limited)).status).toBe(200);
    await limited.close();
  });

  test('refuses unsupported requests', async () => {
    expect((await call('/crm/v3/objects/contacts/17?associations=deals')).status).toBe(501);
  });
});

const paging = z.object({ next: z.looseObject({ after: z.string() }) }).optional();
const properties = z.record(z.string(), z.string().nullable()).optional();
/** A record, or a list of associations, which has no id. */
const result = z.looseObject({
  id: z.string().default(''),
  properties,
  from: z.object({ id: z.string() }).optional(),
  to: z.array(z.looseObject({ toObjectId: z.number() })).optional(),
  paging,
});
const answerBody = z.looseObject({
  id: z.string().optional(),
  properties,
  results: z.array(result).optional(),
  total: z.number().optional(),
  paging,
  numErrors: z.number().optional(),
  errors: z.array(z.unknown()).optional(),
  category: z.string().optional(),
  policyName: z.string().optional(),
});

interface Answer {
  status: number;
  headers: Headers;
  body: z.infer<typeof answerBody>;
}

function batchRead(type: string, ids: readonly string[], more: object = {}): Promise<Answer> {
  const inputs = ids.map((id) => ({ id }));
  return post(`/crm/v3/objects/${type}/batch/read`, { properties: [], inputs, ...more });
}

function associations(from: string, to: string, ids: readonly string[]): Promise<Answer> {
  return post(`/crm/v4/associations/${from}/${to}/batch/read`, { inputs: ids.map((id) => ({ id })) });
}

function search(request: object, at: StandIn = standIn): Promise<Answer> {
  return post('/crm/v3/objects/contacts/search', request, at);
}

function post(path: string, body: object, at: StandIn = standIn): Promise<Answer> {
  return call(path, {}, at, { method: 'POST', body: JSON.stringify(body) });
}

async function call(
  path: string,
  headers: Record<string, string> = {},
  at: StandIn = standIn,
  init: RequestInit = {},
): Promise<Answer> {
  const { CRM_HUBSPOT_URL: url, CRM_HUBSPOT_TOKEN: token } = at.settings(at.url);
  const answer = await fetch(String(url) + path, {
    ...init,
    headers: { authorization: `Bearer ${String(token)}`, 'content-type': 'application/json', ...headers },
  });
  return { status: answer.status, headers: answer.headers, body: answerBody.parse(await answer.json()) };
}
