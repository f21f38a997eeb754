import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { InMemoryCache } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import { Client, fetchExchange, type OperationResult } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { buildSchema, introspectionFromSchema, parse, validate } from 'graphql';
import {
  createOperationDescriptor,
  Environment,
  Network,
  RecordSource,
  Store,
  type ConcreteRequest,
} from 'relay-runtime';
import { afterAll, expect, it } from 'vitest';
import { globalId } from '../../src/global-id.js';

/**
 * Clients with a normalised cache accept the published schema: Relay's compiler and store, Apollo Client's cache and
 * urql's graphcache. Each stores an order, an invoice and a product once, even if two lists contain it.
 */
const SCHEMA_FILE = fileURLToPath(new URL('../../schema/gateway.graphql', import.meta.url));
const sdl = readFileSync(SCHEMA_FILE, 'utf8');
const schema = buildSchema(sdl);

const FIELDS = `
  orders(first: 10) {
    edges { cursor node { __typename id number status lines { __typename id quantity product { __typename sku title } } } }
    pageInfo { __typename hasNextPage hasPreviousPage startCursor endCursor }
  }
  invoices(first: 10) {
    edges { cursor node { __typename id number status } }
    pageInfo { __typename hasNextPage hasPreviousPage startCursor endCursor }
  }`;
const QUERY = `query CustomerQuery($by: CustomerKey!) { customer(by: $by) { __typename id ${FIELDS} } }`;
const BY = { by: { email: 'eva@example.nl' } };

const ORDER = globalId('Order', '1001');
const LINE = globalId('OrderLine', '1001', '1');
const INVOICE = globalId('Invoice', 'F-1');
const SKU = 'TEA-1';

const connectionOf = (type: string, node: object) => ({
  __typename: `${type}Connection`,
  edges: [{ __typename: `${type}Edge`, cursor: 'c1', node }],
  pageInfo: {
    __typename: 'PageInfo',
    hasNextPage: false,
    hasPreviousPage: false,
    startCursor: 'c1',
    endCursor: 'c1',
  },
});

/** A response to `QUERY`: a customer with an order, its line and product, and an invoice. */
const answer = (id: string, { status, title }: { status: string; title: string }) => ({
  customer: {
    __typename: 'Customer',
    id,
    orders: connectionOf('Order', {
      __typename: 'Order',
      id: ORDER,
      number: '1001',
      status,
      lines: [
        {
          __typename: 'OrderLine',
          id: LINE,
          quantity: 2,
          product: { __typename: 'Product', sku: SKU, title },
        },
      ],
    }),
    invoices: connectionOf('Invoice', { __typename: 'Invoice', id: INVOICE, number: 'F-1', status: 'OPEN' }),
  },
});
const OLD = answer('customer-1', { status: 'NEW', title: 'Tea' });
const NEW = answer('customer-2', { status: 'SHIPPED', title: 'Green tea' });

const folder = mkdtempSync(join(tmpdir(), 'clients-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

it('accepts the query of the clients', () => {
  expect(validate(schema, parse(QUERY))).toEqual([]);
});

it("is compiled by Relay, with Relay's pagination, and stored by id", async () => {
  const paged = FIELDS.replace('orders(first: 10)', 'orders(first: 10) @connection(key: "Customer_orders")');
  writeFileSync(
    join(folder, 'Customer.js'),
    `graphql\`query CustomerQuery($by: CustomerKey!) { customer(by: $by) { __typename id ${paged} } }\`;`,
  );
  writeFileSync(join(folder, 'schema.graphql'), sdl);
  writeFileSync(
    join(folder, 'relay.config.json'),
    JSON.stringify({ src: '.', schema: './schema.graphql', language: 'javascript', eagerEsModules: false }),
  );
  const require = createRequire(import.meta.url);
  await promisify(execFile)(
    process.execPath,
    [require.resolve('relay-compiler/cli.js'), 'relay.config.json'],
    {
      cwd: folder,
    },
  );
  const request = require(join(folder, '__generated__', 'CustomerQuery.graphql.js')) as ConcreteRequest;

  const source = new RecordSource();
  const environment = new Environment({
    store: new Store(source),
    network: Network.create(() => Promise.reject(new Error('There is no network.'))),
    // Relay's default key is `id` alone. A product is keyed by `sku`.
    getDataID: ({ id, sku }: { id?: string; sku?: string }, type: string) =>
      type === 'Product' && sku !== undefined ? `Product:${sku}` : id,
  });
  environment.commitPayload(createOperationDescriptor(request, BY), OLD);
  environment.commitPayload(createOperationDescriptor(request, { by: { email: 'other@example.nl' } }), NEW);
  expect(source.get(ORDER)).toMatchObject({ __typename: 'Order', number: '1001', status: 'SHIPPED' });
  expect(source.get(LINE)).toMatchObject({ __typename: 'OrderLine', quantity: 2 });
  expect(source.get(INVOICE)).toMatchObject({ __typename: 'Invoice', number: 'F-1' });
  expect(source.get(`Product:${SKU}`)).toMatchObject({ title: 'Green tea' });
});

it("is stored by Apollo Client's cache by id, and a product by sku", () => {
  const cache = new InMemoryCache({
    typePolicies: {
      Customer: { fields: { orders: relayStylePagination(), invoices: relayStylePagination() } },
      Product: { keyFields: ['sku'] },
    },
  });
  const query = parse(QUERY);
  cache.writeQuery({ query, variables: BY, data: OLD });
  cache.writeQuery({ query, variables: { by: { email: 'other@example.nl' } }, data: NEW });
  const stored = cache.extract();
  expect(stored).toMatchObject({
    [`Order:${ORDER}`]: { number: '1001', status: 'SHIPPED' },
    [`OrderLine:${LINE}`]: { quantity: 2 },
    [`Invoice:${INVOICE}`]: { number: 'F-1' },
    [`Product:${JSON.stringify({ sku: SKU })}`]: { title: 'Green tea' },
  });
  expect(cache.readQuery({ query, variables: BY })).toMatchObject({
    customer: { id: 'customer-1', orders: { edges: [{ node: { id: ORDER, status: 'SHIPPED' } }] } },
  });
});

it("is stored by urql's graphcache by id, and a product by sku", async () => {
  const problems: string[] = [];
  const client = new Client({
    url: 'http://gateway/graphql',
    preferGetMethod: false,
    fetch: (_, init) => {
      const { variables } = JSON.parse(typeof init?.body === 'string' ? init.body : '') as {
        variables: typeof BY;
      };
      const data = variables.by.email === BY.by.email ? OLD : NEW;
      return Promise.resolve(
        new Response(JSON.stringify({ data }), { headers: { 'content-type': 'application/json' } }),
      );
    },
    exchanges: [
      cacheExchange({
        schema: introspectionFromSchema(schema),
        keys: { Product: ({ sku }) => (typeof sku === 'string' ? sku : null), PageInfo: () => null },
        logger: (severity, message) => {
          if (severity !== 'debug') problems.push(message);
        },
      }),
      fetchExchange,
    ],
  });
  const queryCustomer = (email: string): Promise<OperationResult> =>
    client.query(QUERY, { by: { email } }).toPromise();
  expect((await queryCustomer(BY.by.email)).error).toBeUndefined();
  expect((await queryCustomer('other@example.nl')).error).toBeUndefined();
  // The first response was not fetched again, and has the second response's values of the same objects.
  const stored = client.readQuery<unknown>(QUERY, BY);
  expect(stored?.data).toMatchObject({
    customer: {
      id: 'customer-1',
      orders: {
        edges: [{ node: { id: ORDER, status: 'SHIPPED', lines: [{ product: { title: 'Green tea' } }] } }],
      },
      invoices: { edges: [{ node: { id: INVOICE, number: 'F-1' } }] },
    },
  });
  expect(problems).toEqual([]);
});
