import { afterAll, beforeAll, expect, test } from 'vitest';
import { invoicesAccessToken, startInvoices } from '../../sources/invoices/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { customerCard, salesInvoice } from '../../sources/invoices/wire.js';
import { asList, asObject, contractFile, readContract, type Exception, type Json } from './openapi.js';

const v2 =
  'The published file describes API v1.0. For v2.0, there is a reference: https://learn.microsoft.com/dynamics365/business-central/dev-itpro/api-reference/v2.0/';

/** Matches the path of a company in the contract. */
const companyPath = /^\/companies\(\{company_id\}\)\/(\w+)(\(\{\w+\}\))?$/;

const option = (name: string, type = 'string') => ({ name, in: 'query', schema: { type } });

const exceptions: Exception[] = [
  {
    at: ['paths'],
    because: 'the reader of contracts does not support paths with a value in parentheses',
    becomes: (published) =>
      Object.fromEntries(
        Object.entries(asObject(published)).map(([path, item]) => {
          const [, set = '', key] = companyPath.exec(path) ?? [];
          return [
            set === '' ? path : key === undefined ? `/{company}/${set}` : `/{company}/${set}/{id}`,
            item,
          ];
        }),
      ),
  },
  ...['customers', 'salesInvoices'].map((set): Exception => ({
    at: ['paths', `/{company}/${set}`, 'get', 'parameters'],
    because: `${v2}; and what every OData system knows is not in the file`,
    becomes: (published) => [
      ...asList(published),
      ...['$orderby', '$count', '$schemaversion', '$skiptoken', 'aid'].map((name) => option(name)),
    ],
  })),
  ...['invoiceDate', 'dueDate'].map((field): Exception => ({
    at: ['components', 'schemas', 'salesInvoice', 'properties', field],
    because: `${v2}: days there, moments in the file`,
    becomes: () => ({ type: 'string', format: 'date' }),
  })),
];

const world = createWorld({ customers: 40 });
const contract = () => readContract(contractFile('business-central', 'openapi.yaml'), exceptions);
let standIn: StandIn;
let checked: ReturnType<typeof contract>;

beforeAll(async () => {
  checked = contract();
  standIn = await startInvoices(world, { maxPageSize: 50 });
});
afterAll(() => standIn.close());

/** The answer of the stand-in to a GET below its company. Fails the test if it does not match the contract. */
async function answerTo(path: string): Promise<Json> {
  const { INVOICES_URL = '' } = standIn.settings(standIn.url);
  const response = await fetch(path.startsWith('http') ? path : `${INVOICES_URL}${path}`, {
    headers: { authorization: `Bearer ${invoicesAccessToken}`, accept: 'application/json' },
  });
  const body = asObject(await response.json());
  expect(response.status, JSON.stringify(body).slice(0, 300)).toBe(200);
  const [, target = ''] = /\/companies\([^)]*\)(\/.*)$/.exec(response.url) ?? [];
  const inContract = `/{company}${target.replace(/\(([^)]*)\)(?=$|\?)/, '/$1')}`.replace(
    '{company}',
    'company',
  );
  expect(checked.problems({ method: 'GET', target: inContract, status: 200, body })).toEqual([]);
  return body;
}

test.each([
  ['customers', Object.keys(customerCard.shape)],
  ['salesInvoices', Object.keys(salesInvoice.shape)],
])(
  'Business Central returns %s according to its contract, completely, in part, and page by page',
  async (set, fields) => {
    let read = 0;
    for (let next: unknown = `/${set}`; typeof next === 'string' && read < 3; read += 1) {
      const body = await answerTo(next);
      expect(asList(body['value']).length).toBeGreaterThan(0);
      next = body['@odata.nextLink'];
    }
    const [item] = asList((await answerTo(`/${set}?$top=1&$select=id,${fields.join(',')}`))['value']);
    const { id } = asObject(item);
    await answerTo(`/${set}(${String(id)})`);
    await answerTo(`/${set}?$skip=3&$top=2&$count=true`);
  },
);

test('The gateway sends the requests that Business Central documents', async () => {
  const numbers = world.people.flatMap(({ invoices }) => invoices?.customerNumber ?? []).slice(0, 20);
  const list = `(${numbers.map((number) => `'${number}'`).join(',')})`;
  const filters = [
    `/customers?$schemaversion=2.1&$filter=number in ${list}`,
    `/salesInvoices?$schemaversion=2.1&$orderby=invoiceDate desc&$filter=billToCustomerNumber in ${list} and status in ('Open','Paid') and invoiceDate le 2026-10-01`,
    `/salesInvoices?$schemaversion=2.1&$orderby=billToCustomerNumber&$filter=billToCustomerNumber in ${list} and status eq 'Open'`,
  ];
  for (const filter of filters) expect(asList((await answerTo(filter))['value']).length).toBeGreaterThan(0);
});

test('the contract has all fields that the gateway reads, except those that are new in v2.0', async () => {
  const body = await answerTo('/customers?$top=1');
  const flat = ['addressLine1', 'city', 'country', 'postalCode'];
  const fields = Object.keys(customerCard.shape).filter((field) => !flat.includes(field));
  for (const field of fields) expect(asObject(asList(body['value'])[0])).toHaveProperty(field);
});
