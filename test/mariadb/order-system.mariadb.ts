import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { orderSystem } from '../../sources/order-system/index.js';
import {
  customersByEmail,
  customersByKvkNumber,
  customersByNumber,
  customersByPhone,
  customersByVatNumber,
  customersByVisitorId,
  linesOfOrders,
  orderPages,
  orderTotals,
  paymentsOfOrders,
} from '../../sources/order-system/loaders.js';
import { search } from '../../sources/order-system/search.js';
import { startOrderSystem } from '../../sources/order-system/stand-in/index.js';
import { ordersForTimeline } from '../../sources/order-system/timeline.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import type { SqlClient } from '../../src/connectors/sql/client.js';
import { positional } from '../../src/connectors/sql/mysql-dialect.js';
import { hostileKeys, open, type Opened } from '../connectors/contract.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { createOrderDatabase, type OrderDatabase } from './order-database.js';

const world = createWorld({ customers: 60 });
const people = world.people.flatMap(({ orderSystem, ...item }) =>
  orderSystem === undefined ? [] : [{ ...item, own: orderSystem }],
);
const orders = people.flatMap(({ own: orderSystemPart }) => orderSystemPart.orders);

describe('the order system in PostgreSQL and in MariaDB', () => {
  let postgres: StandIn;
  let mariadb: OrderDatabase;
  let clients: Opened<SqlClient>[];
  let gateways: TestGateway[];

  beforeAll(async () => {
    const connectionString = process.env.ORDER_SYSTEM_TEST_URL;
    [postgres, mariadb] = await Promise.all([
      startOrderSystem(world, connectionString === undefined ? {} : { connectionString }),
      createOrderDatabase(world),
    ]);
    const settings = [postgres.settings(postgres.url), { ORDER_SYSTEM_URL: mariadb.url }];
    clients = settings.map((setting) => open(orderSystem.connector, setting));
    gateways = settings.map((setting) => createTestGateway(setting));
  });
  afterAll(async () => {
    await Promise.all([...clients, ...gateways].map((item) => item.close()));
    await Promise.all([postgres.close(), mariadb.close()]);
  });

  /** Runs a query on both databases, and returns both answers. */
  async function both<T>(query: (client: SqlClient) => Promise<T>): Promise<T> {
    const [first, second] = await Promise.all(clients.map((client) => query(client)));
    expect(second).toEqual(first);
    return first as T;
  }

  /** Known keys, keys in another notation, and hostile keys. */
  const someOf = (known: readonly string[]) => {
    const from = fc.constantFrom(...known);
    const hostile = Object.values(hostileKeys).filter((key) => !/\0|\p{Surrogate}/u.test(key));
    const key = fc.oneof(
      { weight: 4, arbitrary: from },
      from.map((text) => text.toUpperCase()),
      from.map((text) => text.toLowerCase()),
      from.map((text) => `${text} `),
      fc.constantFrom(...hostile),
      fc.string({ unit: 'grapheme-composite', maxLength: 20 }),
    );
    return fc.array(key, { maxLength: 12 });
  };
  const values = (of: (person: (typeof people)[number]) => readonly (string | undefined)[]) => [
    ...new Set(people.flatMap(of).filter((value) => value !== undefined)),
  ];
  const customerNumbers = values(({ own: orderSystemPart }) => [orderSystemPart.customerNumber]);

  it.each([
    ['number', customersByNumber, customerNumbers],
    ['address', customersByEmail, values(({ email }) => [email, email.toUpperCase()])],
    ['phone', customersByPhone, values(({ phone }) => [phone])],
    [
      'device',
      customersByVisitorId,
      values(({ own: orderSystemPart }) => orderSystemPart.devices.map(({ visitorId }) => visitorId)),
    ],
    [
      'KvK number',
      customersByKvkNumber,
      values(({ own: orderSystemPart }) => [orderSystemPart.business?.kvkNumber]),
    ],
    [
      'VAT number',
      customersByVatNumber,
      values(({ own: orderSystemPart }) => [orderSystemPart.business?.vatNumber]),
    ],
  ])('finds the same customers by %s, for any query', async (_, loader, known) => {
    await fc.assert(
      fc.asyncProperty(someOf(known), async (keys) => {
        await both((client) => loader.load(keys, client));
      }),
      { numRuns: 60, examples: [[[]]] },
    );
    const [found = []] = await both((client) => loader.load(known.slice(0, 1), client));
    expect(found).not.toEqual([]);
  });

  it('finds the same customers by any search', async () => {
    const part = (of: (person: (typeof people)[number]) => string) =>
      fc.constantFrom(...people.slice(0, 50).map(of)).map((text) => text.slice(0, 6));
    const text = fc.oneof(
      fc.constantFrom(...Object.values(hostileKeys).filter((key) => !/\0|\p{Surrogate}/u.test(key))),
      fc.constantFrom('%', '_', '!', 'e!%', "o'", '\\'),
    );
    // MariaDB also finds names with other accents, because its collation ignores them.
    const names = people.flatMap(({ firstName, lastName, own: { business } }) => [
      firstName,
      lastName,
      business?.companyName ?? '',
    ]);
    const withoutAccents = (text: string) => text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
    const hasSameAccents = (word: string) =>
      names.every(
        (name) =>
          withoutAccents(name).includes(withoutAccents(word)) ===
          name.toLowerCase().includes(word.toLowerCase()),
      );
    const searches = fc.record(
      {
        name: fc.oneof(
          part(({ firstName }) => firstName),
          text,
        ),
        email: fc.oneof(
          part(({ email }) => email),
          text,
        ),
        orderNumber: text,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(
        searches.filter(
          (terms) => Object.keys(terms).length > 0 && (terms.name ?? '').split(' ').every(hasSameAccents),
        ),
        async (terms) => {
          await both((client) => search.loader.load([terms], client));
        },
      ),
      { numRuns: 60, examples: [[{ email: 'everywhere@' }]] },
    );
    const [found = []] = await both((client) => search.loader.load([{ email: 'everywhere@' }], client));
    expect(found).not.toEqual([]);
  });

  /** Several customer numbers of one identity, some of them unknown. */
  const identity = fc.uniqueArray(fc.constantFrom(...customerNumbers, 'K-none', "' OR 1=1 --"), {
    maxLength: 4,
  });
  const many = people.find(({ email }) => email === 'many-orders@example.nl')?.own;
  const places = [...(many?.orders ?? []), ...orders];
  const place = fc.option(fc.constantFrom(...places));
  const size = fc.integer({ min: 1, max: 40 });

  it('has the same orders on every page, after any order', async () => {
    const page = fc
      .record({ customerNumbers: identity, first: size, place })
      .map(({ place: last, ...requested }) => ({
        ...requested,
        after: last && {
          placedAt: new Date(last.placedAt).toISOString().replace('T', ' ').replace('Z', '+00'),
          number: last.number,
        },
      }));
    await fc.assert(
      fc.asyncProperty(fc.array(page, { maxLength: 8 }), async (pages) => {
        await both((client) => orderPages.load(pages, client));
      }),
      { numRuns: 80 },
    );
  });

  it('has the same orders in the timeline, before and after any time', async () => {
    const moment = fc.option(
      fc.constantFrom(...places).map(({ placedAt }) => new Date(placedAt).toISOString()),
    );
    const page = fc
      .record({ customerNumbers: identity, first: size, place, since: moment })
      .map(({ place: last, ...requested }) => ({
        ...requested,
        before: last && { at: new Date(last.placedAt).toISOString().replace('Z', '000Z'), id: last.number },
      }));
    await fc.assert(
      fc.asyncProperty(fc.array(page, { maxLength: 8 }), async (pages) => {
        await both((client) => ordersForTimeline.load(pages, client));
      }),
      { numRuns: 80 },
    );
  });

  it('has the same counts and sums', async () => {
    const everybody = await both((client) =>
      orderTotals.load(
        customerNumbers.map((customerNumber) => [customerNumber]),
        client,
      ),
    );
    expect(everybody).toHaveLength(customerNumbers.length);
    await fc.assert(
      fc.asyncProperty(fc.array(identity, { maxLength: 10 }), async (requested) => {
        await both((client) => orderTotals.load(requested, client));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['lines', linesOfOrders],
    ['payments', paymentsOfOrders],
  ])('has the same %s of an order', async (_, loader) => {
    const numbers = orders.map(({ number }) => number);
    const ofOrders = (some: readonly string[]) => (client: SqlClient) =>
      loader.load(
        some.map((number) => ({ number, customerNumber: '' })),
        client,
      ) as Promise<unknown[]>;
    expect(await both(ofOrders(numbers))).toHaveLength(numbers.length);
    await fc.assert(
      fc.asyncProperty(someOf(numbers), async (some) => {
        await both(ofOrders(some));
      }),
      { numRuns: 40 },
    );
  });

  it('returns the same answers to all queries of a client', async () => {
    const key = fc
      .constantFrom(...people)
      .chain(({ email, phone, own: orderSystemPart }) =>
        fc.constantFrom<Record<string, string>>(
          { email },
          { email: email.toUpperCase() },
          { phone },
          { customerNumber: orderSystemPart.customerNumber },
          { customerNumber: orderSystemPart.customerNumber.toLowerCase() },
          { kvkNumber: orderSystemPart.business?.kvkNumber ?? '00000000' },
          { email: "nobody'--@example.nl" },
        ),
      );
    const fields = fc.subarray(
      [
        'name bornOn emails { value isVerified } phones { value isVerified }',
        'address { street houseNumber postcode city country }',
        'becameCustomerAt',
        'orderCount { value } lifetimeValue { amounts { amount currency } }',
        `page: orders(first: $first, after: $after) { edges { cursor } pageInfo { hasNextPage endCursor } nodes {
           number onlineNumber status placedAt total { amount currency }
           lines { lineNumber description quantity unitPrice { amount currency } product { sku } }
           payments { method amount { amount currency } paidAt } } }`,
        `history: timeline(first: $first) { pageInfo { hasNextPage endCursor } nodes {
           recordId kind happenedAt title status amount { amount currency } } }`,
      ],
      { minLength: 1 },
    );
    const query = async (by: unknown, requested: readonly string[], variables: Record<string, unknown>) => {
      const text = `query($by: [CustomerKey!]!, $first: Int = 5, $after: String) {
        customers(by: $by) { id timeline(first: $first) { nodes { id } } orders(after: $after) { nodes { number } }
          requestedName: name ${requested.join('\n')} }
      }`;
      const [first, second] = await Promise.all(
        gateways.map(async (gateway) => {
          const { data, errors } = await gateway.query(text, { by, ...variables });
          return {
            data,
            errors: errors.map(({ message, path, extensions }) => ({ message, path, extensions })),
          };
        }),
      );
      expect(second).toEqual(first);
      expect(first?.errors.filter(({ path }) => path === undefined)).toEqual([]);
      return first?.data;
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(key, { minLength: 1, maxLength: 10 }),
        fields,
        size,
        async (by, requested, first) => {
          const data = await query(by, requested, { first });
          const cursors = listAt(data, 'customers').map((customer) =>
            customer === null || !requested.some((field) => field.startsWith('page:'))
              ? null
              : at(customer, 'page', 'pageInfo', 'endCursor'),
          );
          const after = cursors.find((cursor) => typeof cursor === 'string');
          if (after !== undefined) await query(by, requested, { first, after });
        },
      ),
      { numRuns: 60 },
    );
  });

  describe('in MariaDB', () => {
    /** Returns the tables that a single statement reads, with their indexes. */
    async function explained(query: (client: SqlClient) => Promise<unknown>) {
      const [, client] = clients;
      if (client === undefined) throw new Error('The client is missing.');
      const requested: { sql: string; values: readonly unknown[] }[] = [];
      await query({
        ...client,
        rows: (_, text, parameters) => {
          requested.push(positional(text, parameters));
          return Promise.resolve([]);
        },
      });
      const [statement, ...more] = requested;
      expect(more).toEqual([]);
      // The session has the settings of the gateway.
      await mariadb.root.query("SET sql_mode = 'ANSI'");
      const [rows] = await mariadb.root.query(`EXPLAIN ${statement?.sql ?? ''}`, [
        ...(statement?.values ?? []),
      ]);
      return (rows as { table: string | null; type: string; key: string | null; rows: number }[]).filter(
        ({ table }) => table !== null && !table.startsWith('<'),
      );
    }

    it.each([
      ['number', customersByNumber, 'PRIMARY'],
      ['address', customersByEmail, 'customers_email'],
      ['phone', customersByPhone, 'customers_phone'],
      ['device', customersByVisitorId, 'customer_devices_visitor_id'],
      ['KvK number', customersByKvkNumber, 'customers_kvk_no'],
      ['VAT number', customersByVatNumber, 'customers_vat_no'],
    ])('uses an index for a query by %s', async (_, loader, index) => {
      const plan = await explained((client) => loader.load(['x', 'y', 'z'], client));
      expect(plan.map(({ key }) => key)).toContain(index);
      expect(plan.filter(({ type }) => type === 'ALL')).toEqual([]);
    });

    const queries = ['K000001', many?.customerNumber ?? ''].map((value) => ({
      customerNumbers: [value],
      first: 5,
    }));
    const last = many?.orders[0];
    const moment = new Date(last?.placedAt ?? 0).toISOString();

    it.each([
      [
        'a page',
        (client: SqlClient) =>
          orderPages.load(
            queries.map((query) => ({ ...query, after: { placedAt: moment, number: last?.number ?? '' } })),
            client,
          ),
      ],
      [
        'the timeline',
        (client: SqlClient) =>
          ordersForTimeline.load(
            queries.map((query) => ({ ...query, before: { at: moment, id: '' }, since: null })),
            client,
          ),
      ],
    ])('reads %s of each customer from the index of its orders', async (_, query) => {
      const plan = await explained(query);
      const read = plan.filter(({ table }) => table === 'orders');
      expect(read.map(({ key }) => key)).toEqual(['orders_newest_first', 'orders_newest_first']);
      expect(plan.filter(({ type }) => type === 'ALL')).toEqual([]);
    });
  });
});
