import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  startCrmSalesforce,
  type CrmSalesforce,
  type CrmSalesforceOptions,
} from '../../sources/crm-salesforce/stand-in/index.js';
import { salesforceId } from '../../sources/stand-ins/seed-salesforce.js';
import { createWorld } from '../../sources/stand-ins/seed.js';

const world = createWorld({ customers: 100 });
const people = world.people.flatMap((person) =>
  person.salesforce === undefined ? [] : [{ ...person, salesforce: person.salesforce }],
);
const [eva, other] = people;
if (eva === undefined || other === undefined) throw new Error('The seed data has changed.');

const API = '/services/data/v62.0';

let standIn: CrmSalesforce;
let token: string;
beforeAll(async () => {
  standIn = await startCrmSalesforce(world);
  token = await logIn(standIn);
});
afterAll(() => standIn.close());

async function requestToken(at: CrmSalesforce, form: Record<string, string> = {}) {
  const { CRM_SALESFORCE_CLIENT_ID = '', CRM_SALESFORCE_CLIENT_SECRET = '' } = at.settings(at.url);
  const response = await fetch(`${at.url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: CRM_SALESFORCE_CLIENT_ID,
      client_secret: CRM_SALESFORCE_CLIENT_SECRET,
      ...form,
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

async function logIn(at: CrmSalesforce): Promise<string> {
  return (await requestToken(at)).body['access_token'] ?? '';
}

async function call(path: string, body?: unknown, at = standIn, withToken = token) {
  const response = await fetch(`${at.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${withToken}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as unknown };
}

const query = (soql: string, at?: CrmSalesforce, withToken?: string) =>
  call(`${API}/query?q=${encodeURIComponent(soql)}`, undefined, at, withToken);

async function withOwn<T>(
  options: CrmSalesforceOptions,
  use: (salesforce: CrmSalesforce) => Promise<T>,
): Promise<T> {
  const crmSalesforce = await startCrmSalesforce(world, options);
  try {
    return await use(crmSalesforce);
  } finally {
    await crmSalesforce.close();
  }
}

describe('the login of the stand-in of Salesforce', () => {
  test('accepts a token, which it issues for the secret of an app', async () => {
    const { status, body } = await requestToken(standIn);
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'Bearer', instance_url: standIn.url });
    expect((await query('SELECT Id FROM Contact LIMIT 1')).status).toBe(200);
  });

  test.each([
    [{ grant_type: 'password' }, 'unsupported_grant_type'],
    [{ client_id: 'x' }, 'invalid_client_id'],
    [{ client_secret: 'x' }, 'invalid_client'],
    [{ grant_type: 'refresh_token', refresh_token: 'x' }, 'invalid_grant'],
  ])('refuses %o', async (form, error) => {
    const { status, body } = await requestToken(standIn, form);
    expect([status, body['error']]).toEqual([400, error]);
  });

  test('refuses a missing or expired token', async () => {
    const refused = { status: 401, body: [{ errorCode: 'INVALID_SESSION_ID' }] };
    expect(await query('SELECT Id FROM Contact', standIn, 'wrong')).toMatchObject(refused);
    let now = 0;
    await withOwn({ sessionMs: 1_000, now: () => now }, async (salesforce) => {
      const its = await logIn(salesforce);
      const queryOnce = () => query('SELECT Id FROM Contact LIMIT 1', salesforce, its);
      now += 900;
      expect((await queryOnce()).status).toBe(200);
      // Each call extends the session.
      now += 900;
      expect((await queryOnce()).status).toBe(200);
      now += 1_000;
      expect(await queryOnce()).toMatchObject(refused);
      const next = await logIn(salesforce);
      salesforce.expireSessions();
      expect(await query('SELECT Id FROM Contact LIMIT 1', salesforce, next)).toMatchObject(refused);
    });
  });
});

describe('a query of the stand-in of Salesforce', () => {
  test('returns the requested fields, with nested parents, and with children as a nested answer', async () => {
    const { body } = await query(
      `SELECT Id, Account.Name, (SELECT Subject, CreatedDate FROM Cases ORDER BY CreatedDate DESC LIMIT 1), (SELECT Id, Opportunity.Name FROM OpportunityContactRoles) FROM Contact WHERE Email = '${eva.email}'`,
    );
    const newest = eva.salesforce.cases.toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))[0];
    const company = world.companies.find(({ id }) => id === eva.salesforce.companyId);
    expect(body).toMatchObject({
      totalSize: 1,
      done: true,
      records: [
        {
          attributes: { type: 'Contact', url: `${API}/sobjects/Contact/${eva.salesforce.contactId}` },
          Id: eva.salesforce.contactId,
          Account: { attributes: { type: 'Account' }, Name: company?.name },
          Cases: {
            totalSize: 1,
            done: true,
            records: [{ Subject: newest?.subject, CreatedDate: newest?.createdAt.replace('Z', '.000+0000') }],
          },
          OpportunityContactRoles: { totalSize: 3 },
        },
      ],
    });
  });

  test('returns null for missing parents and children', async () => {
    const loner = people.find(
      ({ salesforce: part }) => part.companyId === undefined && part.cases.length === 0,
    );
    const { body } = await query(
      `SELECT Account.Name, (SELECT Id FROM Cases) FROM Contact WHERE Id = '${loner?.salesforce.contactId ?? ''}'`,
    );
    expect(body).toMatchObject({ records: [{ Account: null, Cases: null }] });
  });

  test('finds text in any case, ids of 15 or 18 characters, and records by several conditions', async () => {
    const sizes = async (where: string) =>
      ((await query(`SELECT Id FROM Contact WHERE ${where}`)).body as { totalSize?: number }).totalSize;
    expect(await sizes(`Email IN ('${eva.email.toUpperCase()}', '${other.email}')`)).toBe(2);
    expect(await sizes(`Id = '${eva.salesforce.contactId.slice(0, 15)}'`)).toBe(1);
    expect(await sizes(`Email = '${eva.email}' AND DoNotCall = false`)).toBe(0);
    expect(await sizes(`(Email = '${eva.email}' OR LastName = 'x') AND DoNotCall = true`)).toBe(1);
    expect(
      await sizes(`LastName NOT IN ('x') AND AccountId != null AND Id = '${eva.salesforce.contactId}'`),
    ).toBe(1);
    expect(await sizes(String.raw`LastName = 'x\' OR Id != \'' OR LastName = 'y'`)).toBe(0);
  });

  test('finds and counts the contacts with a case of a time, behind an id', async () => {
    const moment = '2026-06-01T00:00:00.000Z';
    const where = `Id IN (SELECT ContactId FROM Case WHERE IsClosed = false AND CreatedDate >= ${moment})`;
    const expected = people
      .filter(({ salesforce: { cases } }) =>
        cases.some(
          ({ closedAt, createdAt }) => closedAt === null && Date.parse(createdAt) >= Date.parse(moment),
        ),
      )
      .map(({ salesforce }) => salesforce.contactId)
      .sort();
    const [first = '', ...others] = expected;
    expect(others.length).toBeGreaterThan(0);
    const { body } = await query(
      `SELECT Id FROM Contact WHERE ${where} AND Id > '${first}' ORDER BY Id LIMIT 2000`,
    );
    expect(body).toMatchObject({ records: others.map((Id) => ({ Id })) });
    expect((await query(`SELECT COUNT() FROM Contact WHERE ${where}`)).body).toEqual({
      totalSize: expected.length,
      done: true,
      records: [],
    });
  });

  test('returns records in pages, including the children of one record', async () => {
    await withOwn({ rowsAPage: 10, childrenAPage: 1 }, async (salesforce) => {
      const its = await logIn(salesforce);
      interface Page {
        done: boolean;
        nextRecordsUrl?: string;
        records: { Id: string; Cases: Page | null }[];
      }
      const ids: string[] = [];
      let page = (await query('SELECT Id, (SELECT Id FROM Cases) FROM Contact', salesforce, its))
        .body as Page;
      const cases = page.records[0]?.Cases;
      for (;;) {
        ids.push(...page.records.map(({ Id }) => Id));
        expect(page.done).toBe(page.nextRecordsUrl === undefined);
        if (page.nextRecordsUrl === undefined) break;
        expect(page.nextRecordsUrl).toMatch(/^\/services\/data\/v62\.0\/query\/01g/);
        page = (await call(page.nextRecordsUrl, undefined, salesforce, its)).body as Page;
      }
      expect(ids.toSorted()).toEqual(people.map(({ salesforce: part }) => part.contactId).toSorted());
      expect(cases).toMatchObject({ totalSize: 4, done: false, records: [{}] });
      expect((await call(cases?.nextRecordsUrl ?? '', undefined, salesforce, its)).body).toMatchObject({
        totalSize: 4,
      });
    });
  });

  test.each([
    ['SELECT Id FROM Contact WHERE', 'MALFORMED_QUERY'],
    ["SELECT Id FROM Contact WHERE LastName = 'x", 'MALFORMED_QUERY'],
    [String.raw`SELECT Id FROM Contact WHERE LastName = '\x'`, 'MALFORMED_QUERY'],
    ["SELECT Id FROM Contact WHERE LastName = 'a' AND LastName = 'b' OR LastName = 'c'", 'MALFORMED_QUERY'],
    ['SELECT Id FROM Contact; DELETE', 'MALFORMED_QUERY'],
    ['SELECT Id FROM Contact WHERE Id IN (SELECT Subject FROM Case)', 'MALFORMED_QUERY'],
    ["SELECT Id FROM Contact WHERE Id > 'x'", 'INVALID_QUERY_FILTER_OPERATOR'],
    ['SELECT Id FROM Contact LIMIT x', 'MALFORMED_QUERY'],
    ['SELECT Nothing__c FROM Contact', 'INVALID_FIELD'],
    ["SELECT Id FROM Contact WHERE Nothing__c = 'x'", 'INVALID_FIELD'],
    ["SELECT Nothing__c FROM Contact WHERE Id = '003000000000000'", 'INVALID_FIELD'],
    ['SELECT Owner.Name FROM Contact', 'INVALID_FIELD'],
    ['SELECT (SELECT Id FROM Tasks) FROM Contact', 'INVALID_FIELD'],
    ['SELECT Id FROM Nothing', 'INVALID_TYPE'],
    ["SELECT Id FROM Contact WHERE Id = 'x'", 'INVALID_QUERY_FILTER_OPERATOR'],
  ])('is refused for %s', async (soql, errorCode) => {
    expect(await query(soql)).toMatchObject({ status: 400, body: [{ errorCode }] });
  });
});

describe('a collection of the stand-in of Salesforce', () => {
  const ids = [eva.salesforce.contactId, salesforceId('contact', 9_999_999), other.salesforce.contactId];
  const fields = ['Email', 'DoNotCall'];

  test('has the order of the request, with null for missing records, by POST or by GET', async () => {
    const expected = [
      { Id: ids[0], Email: eva.email, DoNotCall: true, attributes: { type: 'Contact' } },
      null,
      { Id: ids[2], Email: other.email },
    ];
    const path = `${API}/composite/sobjects/Contact`;
    expect((await call(path, { ids, fields })).body).toMatchObject(expected);
    expect((await call(`${path}?ids=${ids.join()}&fields=${fields.join()}`)).body).toMatchObject(expected);
  });

  test.each([
    [{ ids: ['x'], fields }, 'MALFORMED_ID'],
    [{ ids, fields: ['Nothing__c'] }, 'INVALID_FIELD'],
    [{ ids: [], fields }, 'MISSING_ARGUMENT'],
    [{ ids }, 'MISSING_ARGUMENT'],
    [{ ids: Array(2_001).fill(ids[0]), fields }, 'EXCEEDED_MAX_SIZE_REQUEST'],
  ])('is refused completely if one part is invalid', async (body, errorCode) => {
    expect(await call(`${API}/composite/sobjects/Contact`, body)).toMatchObject({
      status: 400,
      body: [{ errorCode }],
    });
  });
});

describe('a composite request to the stand-in of Salesforce', () => {
  const sub = (soql: string, referenceId = 'a') => ({
    method: 'GET',
    url: `${API}/query?q=${encodeURIComponent(soql)}`,
    referenceId,
  });

  test('has a separate answer for each of its calls', async () => {
    const { status, body } = await call(`${API}/composite`, {
      compositeRequest: [sub('SELECT Id FROM Contact LIMIT 1', 'good'), sub('SELECT', 'bad')],
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      compositeResponse: [
        { httpStatusCode: 200, referenceId: 'good', body: { totalSize: 1 } },
        { httpStatusCode: 400, referenceId: 'bad', body: [{ errorCode: 'MALFORMED_QUERY' }] },
      ],
    });
  });

  test('may have at most 25 calls, and at most 5 queries', async () => {
    const read = { method: 'GET', url: `${API}/sobjects/Contact/x`, referenceId: 'a' };
    for (const compositeRequest of [Array(26).fill(read), Array(6).fill(sub('SELECT Id FROM Contact'))])
      expect(await call(`${API}/composite`, { compositeRequest })).toMatchObject({
        status: 400,
        body: [{ errorCode: 'LIMIT_EXCEEDED' }],
      });
  });
});

describe('the stand-in of Salesforce', () => {
  test('counts the calls of a day, reports them in each answer, and refuses calls above the limit', async () => {
    await withOwn({ requestsPerDay: 2 }, async (salesforce) => {
      const its = await logIn(salesforce);
      const queryOnce = () => query('SELECT Id FROM Contact LIMIT 1', salesforce, its);
      expect((await queryOnce()).headers.get('sforce-limit-info')).toBe('api-usage=1/2');
      expect((await queryOnce()).headers.get('sforce-limit-info')).toBe('api-usage=2/2');
      expect(await queryOnce()).toMatchObject({
        status: 403,
        body: [{ errorCode: 'REQUEST_LIMIT_EXCEEDED' }],
      });
    });
  });

  test('returns one record by its address, and refuses other addresses', async () => {
    const path = `${API}/sobjects/Contact`;
    expect((await call(`${path}/${eva.salesforce.contactId}?fields=Email`)).body).toEqual({
      attributes: { type: 'Contact', url: `${path}/${eva.salesforce.contactId}` },
      Id: eva.salesforce.contactId,
      Email: eva.email,
    });
    for (const wrong of [`${path}/x`, '/services/data/v62.0/nothing', '/', `${API}/query/01gNothing-2000/x`])
      expect(await call(wrong)).toMatchObject({ status: 404, body: [{ errorCode: 'NOT_FOUND' }] });
  });

  test('returns unique ids, whose last characters encode the case of the letters', () => {
    const ids = people.flatMap(({ salesforce: part }) => [
      part.contactId,
      ...[...part.cases, ...part.opportunities, ...part.campaigns].map(({ id }) => id),
    ]);
    expect(new Set(ids.map((id) => id.slice(0, 15))).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]{15}[A-Z0-5]{3}$/);
  });
});
