import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCrmHubspot } from '../../sources/crm-hubspot/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import {
  asObject,
  contractFile,
  nullable,
  readContract,
  type Contract,
  type Exception,
  type Json,
} from './openapi.js';

const errorsHaveLess: Exception[] = [
  {
    at: ['components', 'schemas', 'StandardError', 'required'],
    because: 'the errors of a partial answer never had links and errors in real responses',
    becomes: () => ['category', 'context', 'message', 'status'],
  },
  {
    at: ['components', 'schemas', 'StandardError', 'properties', 'subCategory', 'type'],
    because:
      'published as an object without members, but text in real responses: crm.associations.NO_ASSOCIATIONS_FOUND',
    becomes: () => 'string',
  },
  {
    at: ['components', 'schemas', 'Error', 'required'],
    because: 'the documented body of a 429 has errorType and policyName instead of a category',
    becomes: () => ['correlationId', 'message'],
  },
];

const valuesMayBeNull = ['SimplePublicObject', 'SimplePublicObjectWithAssociations'].map((schema) =>
  nullable(
    ['components', 'schemas', schema, 'properties', 'properties', 'additionalProperties'],
    'a known property without a value is sent as null',
  ),
);

const associatedDiffer: Exception[] = [
  {
    at: ['components', 'schemas', 'MultiAssociatedObjectWithLabel', 'properties', 'toObjectId', 'type'],
    because: 'published as text, but a number in real responses',
    becomes: () => 'integer',
  },
  nullable(
    ['components', 'schemas', 'AssociationSpecWithLabel', 'properties', 'label'],
    'an association without a label has the label null in real responses',
  ),
];

function hubspot(name: string, exceptions: readonly Exception[]): Contract {
  return readContract(contractFile('hubspot', `${name}.openapi.json`), [...errorsHaveLess, ...exceptions]);
}

const contracts = {
  contacts: hubspot('contacts.v3', valuesMayBeNull),
  companies: hubspot('companies.v3', valuesMayBeNull),
  '0-3': hubspot('deals.v3', valuesMayBeNull),
  objects: hubspot('objects.v3', valuesMayBeNull),
  tickets: hubspot('tickets.v3', valuesMayBeNull),
  properties: hubspot('properties.v3', []),
  associations: hubspot('associations.v4', associatedDiffer),
};

const world = createWorld({ customers: 40 });
const crm = world.people.flatMap((person) => (person.crm === undefined ? [] : [{ ...person.crm, person }]));
const ids = {
  contacts: crm.map(({ contactId }) => contactId),
  companies: world.companies.map(({ id }) => id),
  deals: crm.flatMap(({ deals }) => deals.map(({ id }) => id)),
  tickets: world.companies.flatMap(({ serviceTickets }) => serviceTickets.map(({ id }) => id)),
};

/** The name in the path, the contract that describes it, and ids that exist. */
const types = [
  {
    type: 'contacts',
    contract: contracts.contacts,
    known: ids.contacts,
    properties: ['email', 'phone', 'jobtitle'],
  },
  {
    type: 'companies',
    contract: contracts.companies,
    known: ids.companies,
    properties: ['name', 'kvk_number'],
  },
  { type: '0-3', contract: contracts['0-3'], known: ids.deals, properties: ['dealname', 'amount'] },
  {
    type: 'tickets',
    contract: contracts.tickets,
    known: ids.tickets,
    properties: ['subject', 'closed_date'],
  },
  { type: 'deals', contract: contracts.objects, known: ids.deals, properties: ['dealname', 'closedate'] },
] as const;

let standIn: StandIn;
beforeAll(async () => {
  standIn = await startCrmHubspot(world);
});
afterAll(async () => {
  await standIn.close();
});

describe.each(types)('HubSpot $type', ({ type, contract, known, properties }) => {
  const path = `/crm/v3/objects/${type}`;
  const batch = (ids: readonly string[], more: Json = {}): Json => ({
    properties,
    propertiesWithHistory: [],
    inputs: ids.map((id) => ({ id })),
    ...more,
  });
  const search = (more: Json = {}): Json => ({
    filterGroups: [
      { filters: [{ propertyName: 'hs_object_id', operator: 'IN', values: known.slice(0, 5) }] },
    ],
    properties,
    sorts: [],
    limit: 3,
    after: '0',
    ...more,
  });

  test('reads a batch completely, and a batch with unknown ids partly', async () => {
    await expectAnswer(contract, 200, `${path}/batch/read`, batch(known.slice(0, 10)));
    await expectAnswer(contract, 207, `${path}/batch/read`, batch([...known.slice(0, 3), '17', '18']));
    await expectAnswer(contract, 207, `${path}/batch/read?archived=false`, batch(['17'], { properties: [] }));
  });

  test('refuses a batch that is too big or uses a property that is not unique', async () => {
    const tooMany = Array.from({ length: 101 }, (_, index) => String(index));
    const { body } = await expectAnswer(contract, 400, `${path}/batch/read`, batch(tooMany));
    expect(body['category']).toBe('VALIDATION_ERROR');
    await expectAnswer(contract, 400, `${path}/batch/read`, batch(['a'], { idProperty: 'city' }));
  });

  test('reads one record, or reports that there is none', async () => {
    await expectAnswer(contract, 200, `${path}/${String(known[0])}?properties=${properties.join()}`);
    await expectAnswer(contract, 200, `${path}/${String(known[0])}`);
    await expectAnswer(contract, 404, `${path}/17?properties=${properties.join()}`);
    await expectAnswer(contract, 400, `${path}/17?idProperty=city`);
  });

  test('lists records by pages', async () => {
    const { body } = await expectAnswer(contract, 200, `${path}?limit=5&properties=${properties.join()}`);
    const after = String(asObject(asObject(body['paging'])['next'])['after']);
    await expectAnswer(contract, 200, `${path}?limit=100&after=${after}`);
    await expectAnswer(contract, 400, `${path}?limit=101`);
    await expectAnswer(contract, 400, `${path}?after=x`);
  });

  test('searches by pages', async () => {
    const { body } = await expectAnswer(contract, 200, `${path}/search`, search());
    const after = String(asObject(asObject(body['paging'])['next'])['after']);
    await expectAnswer(contract, 200, `${path}/search`, search({ after }));
    await expectAnswer(contract, 400, `${path}/search`, search({ limit: 201 }));
  });

  test('refuses every call without a token', async () => {
    const authorization = 'Bearer wrong';
    for (const { target, body } of [
      { target: `${path}/batch/read`, body: batch(['1']) },
      { target: `${path}/search`, body: search() },
      { target: `${path}/17` },
      { target: path },
    ]) {
      const answer = await expectAnswer(contract, 401, target, body, { authorization });
      expect(answer.body['category']).toBe('INVALID_AUTHENTICATION');
    }
  });

  test('refuses every call above a limit', async () => {
    const limited = await startCrmHubspot(world, { requestsPerTenSeconds: 0, searchesPerSecond: 0 });
    try {
      for (const { target, body } of [
        { target: `${path}/batch/read`, body: batch(['1']) },
        { target: `${path}/search`, body: search() },
        { target: `${path}/17` },
        { target: path },
      ]) {
        const answer = await expectAnswer(contract, 429, target, body, { at: limited });
        expect(answer.body['policyName']).toBe(
          target.endsWith('/search') ? 'SECONDLY' : 'TEN_SECONDLY_ROLLING',
        );
      }
    } finally {
      await limited.close();
    }
  });
});

test('HubSpot contacts are read by e-mail address', async () => {
  const contract = contracts.contacts;
  const emails = crm.slice(0, 3).map(({ person }) => ({ id: person.email }));
  const request = { properties: ['email'], propertiesWithHistory: [], idProperty: 'email', inputs: emails };
  await expectAnswer(contract, 200, '/crm/v3/objects/contacts/batch/read', request);
  await expectAnswer(contract, 200, `/crm/v3/objects/contacts/${String(emails[0]?.id)}?idProperty=email`);
});

test('HubSpot contacts are read with the history of their properties, at most fifty in one call', async () => {
  const contract = contracts.contacts;
  const request = (count: number) => ({
    properties: ['hs_email_optout', 'hs_email_optout_482110072'],
    propertiesWithHistory: ['hs_email_optout', 'hs_email_optout_482110072', 'jobtitle'],
    inputs: ids.contacts.slice(0, count).map((id) => ({ id })),
  });
  const more = await startCrmHubspot(createWorld({ customers: 60 }));
  const { body } = await expectAnswer(contract, 200, '/crm/v3/objects/contacts/batch/read', request(30));
  expect(JSON.stringify(body)).toContain('"sourceType":"EMAIL"');
  const tooMany = { ...request(0), inputs: Array.from({ length: 51 }, (_, i) => ({ id: String(i) })) };
  await expectAnswer(contract, 400, '/crm/v3/objects/contacts/batch/read', tooMany, { at: more });
  await more.close();
});

test('HubSpot contacts are changed, and their history has the former values', async () => {
  const crmHubspot = await startCrmHubspot(world);
  const contract = contracts.contacts;
  const path = `/crm/v3/objects/contacts/${String(ids.contacts[0])}`;
  const optOut = { properties: { hs_email_optout: 'true' } };
  const change = { at: crmHubspot, method: 'PATCH' } as const;
  const { body } = await expectAnswer(contract, 200, path, optOut, change);
  expect(asObject(body['properties'])['hs_email_optout']).toBe('true');
  await expectAnswer(contract, 404, '/crm/v3/objects/contacts/17', optOut, change);
  await expectAnswer(contract, 400, path, { properties: { shoe_size: '43' } }, change);
  await crmHubspot.close();
});

test('HubSpot lists the properties of a type to permitted callers', async () => {
  const contract = contracts.properties;
  for (const type of ['contacts', 'companies', 'deals', 'tickets'])
    await expectAnswer(contract, 200, `/crm/v3/properties/${type}`);
  await expectAnswer(contract, 400, '/crm/v3/properties/parcels');
  await expectAnswer(contract, 401, '/crm/v3/properties/contacts', undefined, { authorization: '' });
  const limited = await startCrmHubspot(world, { requestsPerTenSeconds: 0 });
  await expectAnswer(contract, 429, '/crm/v3/properties/contacts', undefined, { at: limited });
  await limited.close();
});

describe.each([
  {
    from: 'contacts',
    to: 'companies',
    known: crm.filter(({ companyId }) => companyId !== undefined)[0]?.contactId,
  },
  { from: 'contacts', to: 'deals', known: crm.filter(({ deals }) => deals.length > 0)[0]?.contactId },
  {
    from: 'companies',
    to: 'contacts',
    known: crm.find(({ companyId }) => companyId !== undefined)?.companyId,
  },
  { from: 'deals', to: 'contacts', known: ids.deals[0] },
  {
    from: 'companies',
    to: 'tickets',
    known: world.companies.find(({ serviceTickets }) => serviceTickets.length > 0)?.id,
  },
  { from: 'tickets', to: 'companies', known: ids.tickets[0] },
])('HubSpot associations of $from with $to', ({ from, to, known }) => {
  const path = `/crm/v4/associations/${from}/${to}/batch/read`;
  const contract = contracts.associations;

  test('are read completely, or partly for unknown ids', async () => {
    await expectAnswer(contract, 200, path, { inputs: [{ id: known }] });
    await expectAnswer(contract, 207, path, { inputs: [{ id: known }, { id: '17' }] });
    await expectAnswer(contract, 207, path, { inputs: [{ id: '17' }] });
  });

  test('are refused for too many records, without a token, and above the limit of a day', async () => {
    const tooMany = Array.from({ length: 1001 }, (_, index) => ({ id: String(index) }));
    await expectAnswer(contract, 400, path, { inputs: tooMany });
    await expectAnswer(contract, 401, path, { inputs: [] }, { authorization: '' });
    const limited = await startCrmHubspot(world, { requestsPerDay: 0 });
    const { body } = await expectAnswer(contract, 429, path, { inputs: [] }, { at: limited });
    expect(body['policyName']).toBe('DAILY');
    await limited.close();
  });
});

async function expectAnswer(
  contract: Contract,
  status: number,
  target: string,
  requestBody?: Json,
  {
    authorization,
    at = standIn,
    method = requestBody === undefined ? 'GET' : 'POST',
  }: { authorization?: string; at?: StandIn; method?: 'GET' | 'POST' | 'PATCH' } = {},
): Promise<{ body: Json }> {
  const answer = await fetch(at.url + target, {
    method,
    headers: {
      authorization: authorization ?? `Bearer ${String(at.settings(at.url)['CRM_HUBSPOT_TOKEN'])}`,
      'content-type': 'application/json',
    },
    ...(requestBody !== undefined && { body: JSON.stringify(requestBody) }),
  });
  const body = asObject(await answer.json());
  expect(answer.status, JSON.stringify(body).slice(0, 300)).toBe(status);
  expect(contract.problems({ method, target, requestBody, status, body })).toEqual([]);
  return { body };
}
