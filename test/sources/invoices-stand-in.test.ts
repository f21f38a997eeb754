import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { invoicesAccessToken, startInvoices } from '../../sources/invoices/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { at, listAt, textAt } from '../support/read.js';

const world = createWorld({ customers: 30 });
const known = world.people.flatMap(({ email, invoices }) =>
  invoices === undefined ? [] : [{ email, invoices }],
);
const [first, second] = known;

let standIn: StandIn;
let item: StandIn | undefined;
beforeAll(async () => {
  standIn = await startInvoices(world);
});
afterAll(() => standIn.close());
afterEach(async () => {
  await item?.close();
  item = undefined;
});

function company({ settings, url }: StandIn = standIn): string {
  return settings(url)['INVOICES_URL'] ?? '';
}

async function get(
  pathOrUrl: string,
  { of = standIn, headers = {} }: { of?: StandIn; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: unknown; headers: Headers }> {
  const response = await fetch(pathOrUrl.startsWith('http') ? pathOrUrl : `${company(of)}${pathOrUrl}`, {
    headers: { authorization: `Bearer ${invoicesAccessToken}`, ...headers },
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

const where = (filter: string) => `$filter=${encodeURIComponent(filter)}`;
const emailsIn = (body: unknown) => listAt(body, 'value').map((item) => at(item, 'email'));

describe('the stand-in of the invoice system', () => {
  it('returns an access token to its app, and accepts that token', async () => {
    const {
      INVOICES_TOKEN_URL = '',
      INVOICES_CLIENT_ID = '',
      INVOICES_CLIENT_SECRET = '',
    } = standIn.settings(standIn.url);
    const form = {
      grant_type: 'client_credentials',
      client_id: INVOICES_CLIENT_ID,
      client_secret: INVOICES_CLIENT_SECRET,
      scope: 'https://api.businesscentral.dynamics.com/.default',
    };
    const token = async (form: Record<string, string>) => {
      const response = await fetch(INVOICES_TOKEN_URL, { method: 'POST', body: new URLSearchParams(form) });
      return { status: response.status, body: (await response.json()) as unknown };
    };
    const { body } = await token(form);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3_599 });
    const headers = { authorization: `Bearer ${textAt(body, 'access_token')}` };
    expect((await get('/customers?$top=1', { headers })).status).toBe(200);
    expect(await token({ ...form, client_secret: 'wrong' })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect((await token({ ...form, scope: 'x' })).body).toMatchObject({ error: 'invalid_scope' });
    expect((await token({ ...form, grant_type: 'password' })).body).toMatchObject({
      error: 'unsupported_grant_type',
    });
  });

  it.each([
    ['without a token', {}],
    ['with a wrong token', { authorization: 'Bearer wrong' }],
  ])('refuses every call %s', async (_, headers) => {
    const { status, body } = await get('/customers', { headers: { authorization: '', ...headers } });
    expect(status).toBe(401);
    expect(body).toMatchObject({ error: { code: 'Authentication_InvalidCredentials' } });
  });

  it('refuses a token that has expired', async () => {
    let now = 0;
    item = await startInvoices(world, { now: () => now, tokenSeconds: 60 });
    const {
      INVOICES_TOKEN_URL = '',
      INVOICES_CLIENT_ID = '',
      INVOICES_CLIENT_SECRET = '',
    } = item.settings(item.url);
    const response = await fetch(INVOICES_TOKEN_URL, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: INVOICES_CLIENT_ID,
        client_secret: INVOICES_CLIENT_SECRET,
        scope: 'https://api.businesscentral.dynamics.com/.default',
      }),
    });
    const headers = { authorization: `Bearer ${textAt(await response.json(), 'access_token')}` };
    expect((await get('/customers', { of: item, headers })).status).toBe(200);
    now = 60_000;
    expect((await get('/customers', { of: item, headers })).status).toBe(401);
  });

  it('returns only its company', async () => {
    const companies = company().replace(/\(.*/, '');
    const { body } = await get(companies);
    expect(at(body, 'value', 0, 'id')).toBe(/\((.*)\)/.exec(company())?.[1]);
    expect((await get(company())).body).toMatchObject({ name: 'Klantcontact' });
    const other = await get(`${companies}(00000000-0000-0000-0000-000000000000)/customers`);
    expect(other).toMatchObject({ status: 404, body: { error: { code: 'Internal_CompanyNotFound' } } });
    expect(await get('/vendors')).toMatchObject({
      status: 404,
      body: { error: { code: 'BadRequest_NotFound' } },
    });
  });

  it('finds customers by lists of values, from schema version 2.1 on', async () => {
    const list = where(`email in ('${first?.email ?? ''}', '${second?.email ?? ''}', 'nobody@example.nl')`);
    const { body } = await get(`/customers?$schemaversion=2.1&${list}`);
    expect(emailsIn(body).sort()).toEqual([first?.email, second?.email].sort());
    expect((await get(`/customers?${list}`)).status).toBe(400);
  });

  it('finds codes in any case, and text only in the exact case', async () => {
    const number = first?.invoices.customerNumber ?? '';
    expect(emailsIn((await get(`/customers?${where(`number eq '${number.toLowerCase()}'`)}`)).body)).toEqual([
      first?.email,
    ]);
    const email = first?.email.toUpperCase() ?? '';
    expect(emailsIn((await get(`/customers?${where(`email eq '${email}'`)}`)).body)).toEqual([]);
  });

  it.each([
    ['an "or" between fields', "number eq 'D1' or email eq 'x'"],
    ['a computed field', 'remainingAmount gt 0'],
    ['an unknown field', "secret eq 'x'"],
    ['an unterminated text', "number eq 'D1"],
    ['characters after the end', "number eq 'D1')"],
    ['a text without quotes', 'number eq D1'],
    ['very many parts', Array.from({ length: 21 }, (_, i) => `number eq 'D${i}'`).join(' or ')],
  ])('refuses a filter with %s', async (_, filter) => {
    const set = filter.startsWith('remaining') ? 'salesInvoices' : 'customers';
    expect(await get(`/${set}?${where(filter)}`)).toMatchObject({
      status: 400,
      body: { error: { code: 'BadRequest' } },
    });
  });

  it.each(['$expand=customer', '$apply=x', "$filter=contains(email,'x')"])(
    'reports that it does not support %s',
    async (option) => {
      expect((await get(`/customers?${option}`)).status).toBe(501);
    },
  );

  it('returns pages without gaps, each record once, in the requested order', async () => {
    const filter = where("status eq 'Paid' or status eq 'Open'");
    const numbers: unknown[] = [];
    const days: unknown[] = [];
    let next: unknown = `/salesInvoices?${filter}&$orderby=invoiceDate desc&$select=number,invoiceDate`;
    let pages = 0;
    while (typeof next === 'string') {
      const { body } = await get(next, { headers: { prefer: 'odata.maxpagesize=100' } });
      expect(listAt(body, 'value').length).toBeLessThanOrEqual(100);
      numbers.push(...listAt(body, 'value').map((item) => at(item, 'number')));
      days.push(...listAt(body, 'value').map((item) => at(item, 'invoiceDate')));
      next = at(body, '@odata.nextLink');
      pages += 1;
    }
    const all = known
      .flatMap(({ invoices }) => invoices.invoices)
      .filter(({ status }) => /Paid|Open/.test(status));
    expect(numbers.toSorted()).toEqual(all.map(({ number }) => number).sort());
    expect(days).toEqual(days.toSorted().reverse());
    expect(pages).toBe(Math.ceil(all.length / 100));
  });

  it('limits the size of pages, counts all records, and returns one record by its key', async () => {
    item = await startInvoices(world, { maxPageSize: 7 });
    const { body } = await get('/customers?$count=true', { of: item });
    expect(listAt(body, 'value')).toHaveLength(7);
    expect(at(body, '@odata.count')).toBe(known.length);
    const id = first?.invoices.id ?? '';
    expect((await get(`/customers(${id})`, { of: item })).body).toMatchObject({ id, email: first?.email });
    expect((await get('/customers(00000000-0000-0000-0000-000000000000)', { of: item })).status).toBe(404);
    expect((await get('/customers?$top=2&$skip=1', { of: item })).body).toMatchObject({
      value: [at(body, 'value', 1), at(body, 'value', 2)],
    });
    expect((await get('/customers?$top=x', { of: item })).status).toBe(400);
  });

  it('writes decimals as numbers, or as text if the client requests it', async () => {
    const getAs = (accept: string) => get('/salesInvoices?$top=1', { headers: { accept } });
    expect(typeof at((await getAs('application/json')).body, 'value', 0, 'totalAmountIncludingTax')).toBe(
      'number',
    );
    const exact = await getAs('application/json;odata.metadata=minimal;IEEE754Compatible=true');
    expect(at(exact.body, 'value', 0, 'totalAmountIncludingTax')).toMatch(/^\d+(\.\d+)?$/);
  });

  it('answers 429 above its limit, without a time to wait', async () => {
    let now = 0;
    item = await startInvoices(world, { requestsPerFiveMinutes: 1, now: () => now });
    expect((await get('/customers', { of: item })).status).toBe(200);
    const { status, body, headers } = await get('/customers', { of: item });
    expect(status).toBe(429);
    expect(at(body, 'error', 'code')).toBe('Application_TooManyRequests');
    expect(headers.has('retry-after')).toBe(false);
    now = 300_000;
    expect((await get('/customers', { of: item })).status).toBe(200);
  });

  it('refuses every change', async () => {
    const headers = { authorization: `Bearer ${invoicesAccessToken}` };
    expect((await fetch(`${company()}/customers`, { method: 'POST', headers, body: '{}' })).status).toBe(501);
  });

  it('returns the same people if more people are added', () => {
    const of = (customers: number) =>
      createWorld({ customers }).people.find(({ email }) => email === 'customer-7@example.nl')?.invoices;
    expect(of(7)).toEqual(of(100));
    expect(of(7)?.invoices.length).toBeGreaterThan(0);
  });
});
