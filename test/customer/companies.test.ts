import { expect, it } from 'vitest';
import { createCompanies } from '../../src/customer/companies.js';
import type { Context, Customer } from '../../src/customer/customer.js';
import type { CustomerRecord } from '../../src/identity/declaration.js';
import { commonNamespaces } from '../../src/identity/identifiers.js';

const VAT_NUMBER = 'NL858100009B14';

const account = (id: string, kvkNumber: string): CustomerRecord => ({
  id,
  identifiers: [
    { namespace: 'vatNumber', value: VAT_NUMBER },
    { namespace: 'kvkNumber', value: kvkNumber },
  ],
});

it.each([
  ['one number', ['07322969', '0732 2969'], '07322969'],
  ['different numbers', ['07322969', '69599084'], null],
])('a company that a system knows by accounts with %s', async (_, kvkNumbers, expected) => {
  const records = kvkNumbers.map((kvkNumber, i) => account(String(i), kvkNumber));
  const companies = createCompanies({
    rules: {
      namespaces: new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace])),
      limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 20 },
      sources: [
        {
          name: 'shop',
          identity: {
            recordKey: 'shopId',
            yields: { vatNumber: 'one', kvkNumber: 'one' },
            foundBy: {
              vatNumber: {
                uniqueness: 'usual',
                loader: { name: 'byVatNumber', load: () => Promise.resolve([records]) },
              },
            },
          },
        },
      ],
    },
    companies: [],
    sourceOfCompanyField: new Map(),
  });
  const customer = { identity: { findIn: () => Promise.resolve({ kind: 'found', records }) } };
  const context = { load: () => Promise.resolve(records) };
  const company = await companies.ofCustomer(customer as unknown as Customer, context as unknown as Context);
  expect(await company?.identifier('vatNumber')).toBe(VAT_NUMBER);
  expect(await company?.identifier('kvkNumber')).toBe(expected);
});
