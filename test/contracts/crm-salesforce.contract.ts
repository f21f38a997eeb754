import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startCrmSalesforce, type CrmSalesforce } from '../../sources/crm-salesforce/stand-in/index.js';
import { errorKindOf, queryPage, supportCase } from '../../sources/crm-salesforce/wire.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { contractFile } from './openapi.js';

/**
 * Salesforce publishes no OpenAPI document of its data API, so the stand-in is compared with recorded answers. They come
 * from other objects and versions, so only their shape is compared: the same members, with values of the same kind.
 */
const recorded = (name: string): unknown =>
  JSON.parse(readFileSync(contractFile('salesforce', 'rest-responses', `${name}.json`), 'utf8'));

type Shape = string | { [name: string]: Shape } | [Shape] | [];

function shapeOf(value: unknown): Shape {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]));
  return value === null ? 'null' : typeof value;
}

const API = '/services/data/v62.0';
const world = createWorld({ customers: 40 });
const app = { clientId: '', clientSecret: '' };
let standIn: CrmSalesforce;
let token = '';

beforeAll(async () => {
  standIn = await startCrmSalesforce(world, { rowsAPage: 5 });
  const settings = standIn.settings(standIn.url);
  app.clientId = settings['CRM_SALESFORCE_CLIENT_ID'] ?? '';
  app.clientSecret = settings['CRM_SALESFORCE_CLIENT_SECRET'] ?? '';
  token = String((await requestToken()).body['access_token']);
});
afterAll(() => standIn.close());

async function requestToken(form: Record<string, string> = {}) {
  const response = await fetch(`${standIn.url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: app.clientId,
      client_secret: app.clientSecret,
      ...form,
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

async function get(path: string, authorization = `Bearer ${token}`) {
  const response = await fetch(standIn.url + path, { headers: { authorization } });
  return { status: response.status, body: (await response.json()) as unknown };
}
const query = (soql: string) => get(`${API}/query?q=${encodeURIComponent(soql)}`);

describe('the stand-in answers a token request', () => {
  test.each(['auth_success_response', 'refresh_success_response', 'reauth_success_response'])(
    'with a token, as in %s',
    async (name) => {
      expect(shapeOf((await requestToken()).body)).toMatchObject(shapeOf(recorded(name)) as object);
    },
  );

  test.each(['auth_error_response', 'refresh_error_response'])('with an error, as in %s', async (name) => {
    const { status, body } = await requestToken({ grant_type: 'refresh_token', refresh_token: 'expired' });
    expect(status).toBe(400);
    expect(shapeOf(body)).toEqual(shapeOf(recorded(name)));
    expect(body).toMatchObject({ error: 'invalid_grant' });
  });

  test('and reports an expired token as in the recorded answer', async () => {
    expect(await get(`${API}/query?q=SELECT+Id+FROM+Contact`, 'Bearer expired')).toEqual({
      status: 401,
      body: recorded('expired_session_response'),
    });
  });
});

describe('the stand-in answers a query', () => {
  test('without results, exactly as in the recorded answer', async () => {
    const { body } = await query("SELECT Id FROM Contact WHERE Email = 'nobody@example.nl'");
    expect(body).toEqual(recorded('sobject/query_empty_response'));
  });

  test('with a first and a last page', async () => {
    const first = (await query('SELECT Name FROM Contact')).body as { nextRecordsUrl: string };
    const fields = { Name: 'string' };
    const shape = (name: string) => {
      const { records, ...page } = shapeOf(recorded(name)) as Record<string, Shape>;
      const [record] = records as [Record<string, Shape>];
      return { ...page, records: [{ attributes: record['attributes'], ...fields }] };
    };
    expect(shapeOf(first)).toEqual(shape('sobject/query_paginated_first_page_response'));
    let last: unknown = first;
    for (let next: string | undefined = first.nextRecordsUrl; next !== undefined;) {
      last = (await get(next)).body;
      next = (last as { nextRecordsUrl?: string }).nextRecordsUrl;
    }
    expect(shapeOf(last)).toEqual(shape('sobject/query_paginated_last_page_response'));
  });

  test('with values, a parent record and child records', async () => {
    const { body } = await query(
      "SELECT Name, Birthdate, LastModifiedDate, Account.Name, (SELECT Subject FROM Cases) FROM Contact WHERE Email = 'everywhere@example.nl'",
    );
    const { records } = recorded('sobject/query_success_response') as { records: Record<string, unknown>[] };
    const { attributes, Date_Label, DateTime_Label, ParentWhizbang__r, Whizbangs__r } = records[0] ?? {};
    const answered = (body as { records: Record<string, unknown>[] }).records[0] ?? {};
    expect(shapeOf(answered['attributes'])).toEqual(shapeOf(attributes));
    expect(shapeOf((answered['Account'] as Record<string, unknown>)['attributes'])).toEqual(
      shapeOf((ParentWhizbang__r as Record<string, unknown>)['attributes']),
    );
    const withoutRecords = (page: unknown) => ({ ...(shapeOf(page) as object), records: [] });
    expect(withoutRecords(answered['Cases'])).toEqual(withoutRecords(Whizbangs__r));
    // The notation is compared, not the value.
    const pattern = (value: unknown) => String(value).replace(/\d/g, '0');
    expect(pattern(answered['Birthdate'])).toBe(pattern(Date_Label));
    expect(pattern(answered['LastModifiedDate'])).toBe(pattern(DateTime_Label));
  });

  test('with an error if the query is invalid', async () => {
    const { status, body } = await query('SELECT Nothing__c FROM Contact');
    expect(status).toBe(400);
    expect(shapeOf(body)).toEqual(shapeOf(recorded('sobject/query_error_response')));
    expect(body).toMatchObject([{ errorCode: 'INVALID_FIELD' }]);
  });
});

test('the stand-in returns one record, or reports that there is none', async () => {
  const [id] = world.people.flatMap(({ salesforce }) => salesforce?.contactId ?? []);
  const { body } = await get(`${API}/sobjects/Contact/${id ?? ''}`);
  const { attributes, Id } = recorded('sobject/sobject_find_success_response') as Record<string, unknown>;
  expect(shapeOf(body)).toMatchObject({ attributes: shapeOf(attributes), Id: typeof Id });
  const none = await get(`${API}/sobjects/Contact/23foo`);
  expect(none).toEqual({ status: 404, body: recorded('sobject/sobject_find_error_response') });
});

test('the stand-in lists its versions without authentication', async () => {
  const { body } = await get('/services/data', '');
  expect(shapeOf(body)).toEqual(shapeOf(recorded('services_data_success_response')));
});

describe('the gateway reads', () => {
  test('recorded pages of a query', () => {
    const record = z.object({ Text_Label: z.string() });
    for (const name of ['first', 'last']) {
      const page = recorded(`sobject/query_paginated_${name}_page_response`);
      expect(queryPage(record).parse(page)).toMatchObject({ done: name === 'last' });
    }
  });

  test('moments in the recorded notation', () => {
    const { records } = recorded('sobject/query_success_response') as { records: Record<string, unknown>[] };
    const found = {
      Id: '500000000000000',
      ContactId: '003000000000000AAA',
      IsClosed: false,
      CreatedDate: records[0]?.['DateTime_Label'],
    };
    expect(supportCase.parse(found).CreatedDate).toBe('2011-07-07T00:37:00.000Z');
  });

  test('recorded errors, which include no rate limit', () => {
    for (const name of ['query_error_response', 'sobject_find_error_response', 'write_error_response'])
      expect(errorKindOf(400, recorded(`sobject/${name}`))).toBeUndefined();
  });
});
