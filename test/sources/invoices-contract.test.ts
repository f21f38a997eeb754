import { describe, expect, inject } from 'vitest';
import { invoices } from '../../sources/invoices/index.js';
import { invoicesAccessToken, startInvoices } from '../../sources/invoices/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { SeedInvoice } from '../../sources/stand-ins/seed-invoices.js';
import type { Person } from '../../sources/stand-ins/world.js';
import type { SeenRequest } from '../connectors/server.js';
import { listAt } from '../support/read.js';
import { describeSource } from './source-contract.js';
import type { SystemAnswer } from './source-subject.js';

const world = createWorld({ customers: inject('customers') });

function person(email: string): Person & { invoices: NonNullable<Person['invoices']> } {
  const found = world.people.find((person) => person.email === email);
  if (found?.invoices === undefined) throw new Error(`The invoice system does not know ${email}.`);
  return { ...found, invoices: found.invoices };
}

const downwards = (a: string, b: string) => (a === b ? 0 : a < b ? 1 : -1);
/** The invoices of a person, newest first. */
const sent = ({ invoices }: Person): SeedInvoice[] =>
  (invoices?.invoices ?? [])
    .filter(({ status }) => !['Draft', 'In Review'].includes(status))
    .sort((a, b) => downwards(a.invoiceDate, b.invoiceDate) || downwards(a.number, b.number));
const numbersOf = (person: Person) => ({ nodes: sent(person).map(({ number }) => ({ number })) });

const company = person('company@example.nl');
const many = person('many-orders@example.nl');
const ordinary = world.people.filter(
  ({ email, invoices }) => email.startsWith('customer-') && invoices !== undefined,
);
const by = (key: object, fields = 'name') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const known = { customer: { name: company.invoices.companyName } };
const noCustomer = { customer: null };
const card = (number: string, more: object = {}) => ({ number, displayName: `name ${number}`, ...more });
const refused = (status: number, code: string): SystemAnswer => ({
  status,
  body: { error: { code, message: 'jan@example.nl' } },
});
const isAboutCards = ({ url }: SeenRequest) => url.startsWith('/api/customers');

describe('the invoice system', () => {
  describeSource({
    source: invoices,
    // The token is configured, because a request for a token is a further call.
    dependencies: { environment: { INVOICES_ACCESS_TOKEN: invoicesAccessToken } },
    found: {
      'the number of an account': {
        ...by({ invoiceCustomerNumber: company.invoices.customerNumber.toLowerCase() }),
        data: known,
      },
      'an e-mail address': { ...by({ email: company.email }), data: known },
      'a VAT number': { ...by({ vatNumber: company.invoices.vatNumber }), data: known },
    },
    unknown: {
      'the number of an account': { ...by({ invoiceCustomerNumber: 'D999999' }), data: noCustomer },
      'an e-mail address': { ...by({ email: 'nobody@example.nl' }), data: noCustomer },
      'a VAT number': { ...by({ vatNumber: 'NL804376438B01' }), data: noCustomer },
    },
    batches: {
      // The calls are identification and the invoices.
      'all customers': {
        query:
          'query($by: [CustomerKey!]!) { customers(by: $by) { invoices(first: 100) { nodes { number } } } }',
        variables: { by: ordinary.map(({ email }) => ({ email })) },
        calls: 2,
        expectData: (data) => {
          expect(listAt(data, 'customers')).toEqual(
            ordinary.map((person) => ({ invoices: numbersOf(person) })),
          );
        },
      },
    },
    pages: {
      startStandIn: () => startInvoices(world, { maxPageSize: 50 }),
      ...by({ email: many.email }, 'invoices(first: 100) { nodes { number } }'),
      data: { customer: { invoices: { nodes: numbersOf(many).nodes.slice(0, 100) } } },
      // The calls are identification, a hundred invoices, the next invoice, and the other invoices of its day in
      // batches of fifty.
      calls: 1 + 3,
    },
    operation: by({ email: company.email }),
    wrongCredentials: { INVOICES_ACCESS_TOKEN: 'a-wrong-token' },
    byAnyText: {
      'the number of an account': (text) => ({ ...by({ invoiceCustomerNumber: text }), nothing: noCustomer }),
      'an e-mail address': (text) => ({ ...by({ email: text }), nothing: noCustomer }),
      'a VAT number': (text) => ({ ...by({ vatNumber: text }), nothing: noCustomer }),
    },
    http: {
      urlVariable: 'INVOICES_URL',
      basePath: '/api',
      paths:
        /^\/customers\?\$schemaversion=2\.1&\$filter=(number|email|taxRegistrationNumber)%20in%20\('[^&?#/]*'\)&\$select=[\w%]+$/,
      nothing: () => ({ body: { value: [] } }),
      // Business Central does not send Retry-After.
      rateLimit: { ...refused(429, 'Application_TooManyRequests'), retryAfter: undefined },
      mismatches: [
        { answer: () => ({ value: 'jan@example.nl' }), place: 'value', value: 'jan@example.nl' },
        { answer: () => ({ value: [card('D1', { email: 17 })] }), place: 'value.0.email', value: '17' },
        {
          answer: () => ({ value: [card('D1', { lastModifiedDateTime: 'jan@example.nl' })] }),
          place: 'value.0.lastModifiedDateTime',
          value: 'jan@example.nl',
        },
      ],
      // The stand-in returns the cards in any order, and an error about the request for the invoices.
      partial: {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { name invoices { nodes { number } } } }',
        variables: { by: ['D1', 'D2', 'D3'].map((invoiceCustomerNumber) => ({ invoiceCustomerNumber })) },
        answer: (request) =>
          isAboutCards(request)
            ? { body: { value: [card('D3'), card('D1')] } }
            : refused(400, 'BadRequest_NotSupported'),
        data: { customers: [{ name: 'name D1', invoices: null }, null, { name: 'name D3', invoices: null }] },
        errors: [0, 2].map((i) => ({ path: ['customers', i, 'invoices'], code: 'SOURCE_CONTRACT' })),
      },
    },
  });
});
