import { describe, expect, inject } from 'vitest';
import { z } from 'zod';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { webshop } from '../../sources/webshop/index.js';
import type { SeenRequest } from '../connectors/server.js';
import { listAt } from '../support/read.js';
import { notedOrders, notedOrdersSdl } from './noted-orders.js';
import { describeSource } from './source-contract.js';
import { wishedProducts, wishedProductsSdl } from './wished-products.js';

const world = createWorld({ customers: inject('customers') });
const shoppers = world.people.flatMap((person) =>
  person.webshop === undefined ? [] : [{ ...person, webshop: person.webshop }],
);
const eva = shoppers.find(({ email }) => email === 'everywhere@example.nl');
const [order] = eva?.webshop.orders ?? [];
const [first, second] = world.products;
if (eva === undefined || order === undefined || first === undefined || second === undefined)
  throw new Error('The seed data of the webshop has too few records.');

const by = (key: object, fields = 'name locale') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const ofEva = (fields: string, more: object) => ({
  query: `query($by: CustomerKey!, $texts: [String!]!) { customer(by: $by) { ${fields} } }`,
  variables: { by: { email: eva.email }, ...more },
});
const noted = (texts: string[], fields: string) => ofEva(`noted(numbers: $texts) { ${fields} }`, { texts });
const wishes = (texts: string[], fields: string) => ofEva(`wishes(skus: $texts) { ${fields} }`, { texts });
const known = { customer: { name: `${eva.firstName} ${eva.lastName}`, locale: 'nl' } };
const noCustomer = { customer: null };

/** Creates one field for each value, under an alias, in the order of the values. */
const requestBody = z.object({ variables: z.record(z.string(), z.unknown()) });
const aliasesOf = ({ body }: SeenRequest) =>
  Object.keys(requestBody.parse(JSON.parse(body)).variables).map((name) => name.replace('v', 'c'));
const eachOf = (request: SeenRequest, valueOf: (alias: string, i: number) => unknown) =>
  Object.fromEntries(aliasesOf(request).map((alias, i) => [alias, valueOf(alias, i)]));
const customer = (more: object) => ({ id: 'gid://shopify/Customer/1', firstName: 'Jan', ...more });

describe('the webshop', () => {
  describeSource({
    source: webshop,
    dependencies: {
      sources: [notedOrders, wishedProducts],
      sdl: { ...notedOrdersSdl, ...wishedProductsSdl },
      environment: { NOTED: 'yes', WISHES: 'yes' },
    },
    found: {
      'the id of a customer': { ...by({ shopifyCustomerId: eva.webshop.customerId }), data: known },
      'an e-mail address': { ...by({ email: eva.email }), data: known },
      'a phone number': { ...by({ phone: eva.phone }), data: known },
      'the number of an order': {
        ...noted([order.name], 'onlineNumber channel'),
        data: { customer: { noted: [{ onlineNumber: order.name, channel: 'Online Store' }] } },
      },
      'the SKU of a product': {
        ...wishes([first.sku], 'sku title'),
        data: { customer: { wishes: [{ sku: first.sku, title: first.title }] } },
      },
    },
    unknown: {
      'an id': { ...by({ shopifyCustomerId: '17' }), data: noCustomer },
      'an e-mail address': { ...by({ email: 'nobody@example.nl' }), data: noCustomer },
      'a phone number': { ...by({ phone: '+31687654321' }), data: noCustomer },
      'the number of an order': {
        ...noted(['#none'], 'channel'),
        data: { customer: { noted: [{ channel: null }] } },
      },
      'a SKU': { ...wishes(['NONE-AT-ALL'], 'title'), data: { customer: { wishes: [{ title: null }] } } },
    },
    batches: {
      // One call identifies the customers, and one loads their fields.
      'all customers': {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { onlineOrderCount { value } } }',
        variables: { by: shoppers.map(({ webshop }) => ({ shopifyCustomerId: webshop.customerId })) },
        calls: 2,
        expectData: (data) => {
          expect(listAt(data, 'customers')).toEqual(
            shoppers.map(({ webshop }) => ({ onlineOrderCount: { value: webshop.numberOfOrders } })),
          );
        },
      },
      // The calls are identification and 125 SKUs at once.
      'two products, many times': {
        ...wishes(
          [first, second, first, second, first].map(({ sku }) => sku),
          'title',
        ),
        calls: 2,
        expectData: (data) => {
          expect(listAt(data, 'customer', 'wishes')).toEqual(
            [first, second, first, second, first].map(({ title }) => ({ title })),
          );
        },
      },
    },
    pages: {
      noneBecause: 'keys are split into batches of one page, and a list is one page of the requested length',
    },
    operation: by({ email: eva.email }, 'name'),
    wrongCredentials: { WEBSHOP_ACCESS_TOKEN: 'a-wrong-token' },
    byAnyText: {
      'an id': (text) => ({ ...by({ shopifyCustomerId: text }), nothing: noCustomer }),
      'an e-mail address': (text) => ({ ...by({ email: text }), nothing: noCustomer }),
      'a phone number': (text) => ({ ...by({ phone: text }), nothing: noCustomer }),
      'the number of an order': (text) => ({
        ...noted([text], 'channel'),
        nothing: { customer: { noted: [{ channel: null }] } },
      }),
      'a SKU': (text) => ({
        ...wishes([text], 'title'),
        nothing: { customer: { wishes: [{ title: null }] } },
      }),
    },
    http: {
      urlVariable: 'WEBSHOP_URL',
      basePath: '/admin/api/2025-01/graphql.json',
      // The address contains no data of the request.
      paths: /^$/,
      nothing: (request) => ({ body: { data: eachOf(request, () => null) } }),
      // Shopify reports cost points: 80 are missing, and two are restored each second.
      rateLimit: {
        status: 200,
        body: {
          errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
          extensions: {
            cost: { requestedQueryCost: 100, throttleStatus: { currentlyAvailable: 20, restoreRate: 2 } },
          },
        },
        retryAfter: 40,
      },
      mismatches: [
        {
          answer: (request) => ({ data: eachOf(request, () => customer({ email: 17 })) }),
          place: 'customerByIdentifier.email',
          value: '17',
        },
        {
          answer: (request) => ({ data: eachOf(request, () => customer({ updatedAt: 'jan@example.nl' })) }),
          place: 'customerByIdentifier.updatedAt',
          value: 'jan@example.nl',
        },
        { answer: () => ({ data: 'jan@example.nl' }), place: 'data', value: 'jan@example.nl' },
      ],
      partial: {
        query: 'query($by: [CustomerKey!]!) { customers(by: $by) { name } }',
        variables: { by: ['a', 'b', 'c'].map((name) => ({ email: `${name}@example.nl` })) },
        answer: (request) => ({
          body: {
            data: eachOf(request, (_, i) => (i === 0 ? customer({ email: 'a@example.nl' }) : null)),
            errors: [{ message: 'b@example.nl is odd', path: [aliasesOf(request)[1]] }],
          },
        }),
        data: { customers: [{ name: 'Jan' }, null, null] },
        errors: [{ path: ['customers', 1], code: 'SOURCE_UNAVAILABLE' }],
      },
    },
  });
});
