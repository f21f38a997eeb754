import { sendJson, startServer, type SmallServer } from '../../../src/testing/small-server.js';
import * as made from '../../connect/suggest/made-up.js';
import { xero } from '../../connect/suggest/systems/finance.js';
import { contractFile } from '../openapi.js';
import type { NineSystem } from './nine-system.js';
import { emailOf, readsOf, recordsOf, type Json } from './rows.js';

/** The accounting API of Xero for contacts and invoices. */

const BASE = '/api.xro/2.0';
const TOKEN = 'xero-access-token-9f8e7d';
const TENANT = '7a1b6c5d-0000-4000-8000-0123456789ab';
/** More ids in an address are refused. */
const MAX_IDS = 40;
const PAGE_SIZE = 100;

const uuid = (start: string, i: number) => `${start}-0c1d-4e2f-a3b4-${String(100_000_000_000 + i * 7919)}`;
const time = (text: unknown) => `/Date(${Date.parse(String(text))}+0000)/`;

const contacts = recordsOf(xero, 'XeroContact', 130, (i) => ({
  ...{ ContactID: uuid('3f2a1b0c', i), EmailAddress: emailOf(i), ContactNumber: `CRM-${70_113 + i * 7}` },
  ...{ AccountNumber: `D${String(2_040 + i * 3).padStart(6, '0')}` },
  UpdatedDateUTC: time(made.createdAt[i % made.RECORDS]),
  ...(i < made.RECORDS ? {} : { TaxNumber: '' }),
}));
/** The first contact has more invoices than a page. */
const invoices = recordsOf(xero, 'XeroInvoice', 130, (i) => ({
  ...{ InvoiceID: uuid('9b8c7d6e', i), InvoiceNumber: `INV-${String(310 + i).padStart(5, '0')}` },
  Date: time(made.days[i % made.RECORDS]),
  DueDate: time(made.days[(i + 3) % made.RECORDS]),
  FullyPaidOnDate: time(made.days[(i + 5) % made.RECORDS]),
  Contact: { ContactID: uuid('3f2a1b0c', i < 110 ? 0 : 1 + (i % 5)), Name: made.fullNames[0] },
}));

function startXero(): Promise<SmallServer> {
  return startServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://api');
    const path = pathname.slice(BASE.length);
    const refuse = (status: number, Message: string) => {
      sendJson(response, { ErrorNumber: status, Type: 'ValidationException', Message }, { status });
    };
    const [, id] = /^\/Contacts\/([\w-]+)$/.exec(path) ?? [];
    const ids = searchParams.get('IDs')?.split(',');
    const owners = searchParams.get('ContactIDs')?.split(',');
    const [, email] = /^EmailAddress=="(.*)"$/.exec(searchParams.get('where') ?? '') ?? [];
    const page = searchParams.get('page');
    const send = (name: string, rows: readonly Json[]) => {
      // Without the number of a page, a list has all records.
      const from = page === null ? 0 : (Number(page) - 1) * PAGE_SIZE;
      const to = page === null ? rows.length : from + PAGE_SIZE;
      sendJson(response, {
        Status: 'OK',
        DateTimeUTC: '/Date(1764000000000)/',
        [name]: rows.slice(from, to),
      });
    };
    if (request.headers.authorization !== `Bearer ${TOKEN}` || request.headers['xero-tenant-id'] !== TENANT)
      refuse(401, 'AuthenticationUnsuccessful');
    else if (page !== null && !/^[1-9]\d*$/.test(page)) refuse(400, 'The page is not a number.');
    else if ((ids?.length ?? 0) > MAX_IDS) refuse(400, 'The query has too many ids.');
    else if (id !== undefined) {
      const found = contacts.filter(({ ContactID }) => ContactID === id);
      if (found.length === 0) refuse(404, 'The resource you are looking for cannot be found');
      else send('Contacts', found);
    } else if (path === '/Contacts')
      send(
        'Contacts',
        contacts.filter(
          ({ ContactID, EmailAddress }) =>
            (ids === undefined || ids.includes(String(ContactID))) &&
            (email === undefined || EmailAddress === email),
        ),
      );
    else if (path === '/Invoices')
      send(
        'Invoices',
        invoices.filter(({ Contact }) => owners?.includes(String((Contact as Json)['ContactID'])) ?? true),
      );
    else refuse(404, 'The resource you are looking for cannot be found');
  });
}

/**
 * A contact is found by id, in batches, and by e-mail with a condition. Without the number of a page, a list has all records, so
 * it has no paging.
 */
export const xeroSystem: NineSystem = {
  right: xero,
  identity: [
    'found by own (enforced)',
    'found by email (usual)',
    'yields email at EmailAddress (one)',
    'yields vatNumber at TaxNumber (one)',
    'yields own at ContactNumber (shown)',
    'yields own at AccountNumber (shown)',
  ],
  calls: {
    byId: { maxBatch: MAX_IDS },
    byEmail: {},
    invoices: {},
  },
  query: {
    text: '{ customer(by: { email: "sanne.11@voorbeeldpost.nl" }) { xero { name addresses { city } } } }',
    data: { customer: { xero: { name: 'Sanne Jansen', addresses: [{ city: 'Utrecht' }] } } },
  },
  start: async () => {
    const server = await startXero();
    const settings = { XERO_URL: `${server.url}${BASE}`, XERO_TOKEN: TOKEN, XERO_TENANT_ID: TENANT };
    return {
      what: contractFile('xero', 'accounting.openapi.yaml'),
      ...{ environment: settings, settings },
      counts: () => readsOf(server),
      close: () => server.close(),
    };
  },
};
