import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { orderSystem } from '../../sources/order-system/index.js';
import {
  linesOfOrders,
  orderPages,
  orderTotals,
  type OrderPage,
} from '../../sources/order-system/loaders.js';
import { ordersForTimeline } from '../../sources/order-system/timeline.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, SeedOrder } from '../../sources/stand-ins/world.js';
import { encodeCursor } from '../../src/connection.js';
import type { SqlClient } from '../../src/connectors/sql/client.js';
import { postgresDialect } from '../../src/connectors/sql/postgres.js';
import { open, type Opened } from '../connectors/contract.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings } from '../support/stand-ins.js';

const world = createWorld({ customers: inject('customers') });
const settings = { ORDER_SYSTEM_URL: directSettings().ORDER_SYSTEM_URL };

function person(email: string): Person {
  const found = world.people.find((person) => person.email === email);
  if (found === undefined) throw new Error(`The seed data has no person with ${email}.`);
  return found;
}

function ordersOf(email: string): SeedOrder[] {
  return newestFirst(person(email).orderSystem?.orders ?? []);
}

function newestFirst(orders: readonly SeedOrder[]): SeedOrder[] {
  return orders.toSorted(
    (a, b) => Date.parse(b.placedAt) - Date.parse(a.placedAt) || (a.number < b.number ? 1 : -1),
  );
}

const euros = (cents: number): string => (cents / 100).toFixed(2);

/** The expected number of orders, the time of the last order, and their total amount. */
function totalsOf(orders: readonly SeedOrder[]) {
  const counted = newestFirst(orders).filter(({ status }) => status !== 'CANCELLED');
  const cents = counted
    .flatMap(({ lines }) => lines)
    .reduce((sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents, 0);
  const [last] = counted;
  return [
    counted.length,
    last === undefined ? null : new Date(last.placedAt).toISOString(),
    last === undefined ? [] : [{ amount: euros(cents), currency: 'EUR' }],
  ] as const;
}

describe('the order system', () => {
  let gateway: TestGateway;
  let client: Opened<SqlClient>;

  beforeAll(() => {
    gateway = createTestGateway(settings);
    client = open<SqlClient>(orderSystem.connector, settings);
  });
  afterAll(async () => {
    await gateway.close();
    await client.close();
  });

  it('finds a customer by number, by address and by phone, in any notation', async () => {
    const { phone, orderSystem, firstName, lastName } = person('customer-7@example.nl');
    const keys = [
      { customerNumber: orderSystem?.customerNumber },
      { email: ' Customer-7@EXAMPLE.nl ' },
      { phone },
      { phone: phone.replace('+31', '0') },
    ];
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { id name } }',
      {
        by: keys,
      },
    );
    expect(errors).toEqual([]);
    const ids = listAt(data, 'customers').map((customer) => at(customer, 'id'));
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toEqual(expect.any(String));
    expect(at(data, 'customers', 0, 'name')).toBe(`${firstName} ${lastName}`);
  });

  it('shows all data of an order in the system', async () => {
    const { data, errors } = await gateway.query(`{
      customer(by: { email: "everywhere@example.nl" }) {
        becameCustomerAt address { street houseNumber postcode city }
        orders(first: 100) { nodes {
          number onlineNumber status placedAt total { amount currency }
          lines { lineNumber description quantity unitPrice { amount currency } }
          payments { method amount { amount currency } paidAt }
        } pageInfo { hasNextPage } }
      }
    }`);
    expect(errors).toEqual([]);
    const iso = (moment: string) => new Date(moment).toISOString();
    const money = (cents: number) => ({ amount: euros(cents), currency: 'EUR' });
    const { createdAt } = person('everywhere@example.nl');
    expect(at(data, 'customer', 'becameCustomerAt')).toBe(iso(createdAt));
    expect(at(data, 'customer', 'address', 'city')).toBe(person('everywhere@example.nl').address.city);
    expect(at(data, 'customer', 'orders')).toEqual({
      pageInfo: { hasNextPage: false },
      nodes: ordersOf('everywhere@example.nl').map(
        ({ number, shopName, status, placedAt, lines, payments }) => ({
          number,
          onlineNumber: shopName,
          status,
          placedAt: iso(placedAt),
          total: money(lines.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0)),
          lines: lines.map(({ lineNumber, description, quantity, unitPriceCents }) => ({
            lineNumber,
            description,
            quantity,
            unitPrice: money(unitPriceCents),
          })),
          payments: payments.map(({ method, amountCents, paidAt }) => ({
            method,
            amount: money(amountCents),
            paidAt: iso(paidAt),
          })),
        }),
      ),
    });
  });

  const PAGE = `query($first: Int!, $after: String) {
    customer(by: { email: "many-orders@example.nl" }) {
      orders(first: $first, after: $after) { edges { cursor } nodes { number } pageInfo { hasNextPage endCursor } }
    }
  }`;

  it('returns 500 orders in pages, each once, even if many have the same time', async () => {
    const all = ordersOf('many-orders@example.nl').map(({ number }) => number);
    expect(all).toHaveLength(500);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 9, max: 100 }), { minLength: 1, maxLength: 5 }),
        async (sizes) => {
          const seen: unknown[] = [];
          let after: unknown = null;
          for (let page = 0; ; page += 1) {
            const { data, errors } = await gateway.query(PAGE, { first: sizes[page % sizes.length], after });
            expect(errors).toEqual([]);
            const orders = at(data, 'customer', 'orders');
            seen.push(...listAt(orders, 'nodes').map((node) => at(node, 'number')));
            expect(at(orders, 'pageInfo', 'endCursor')).toBe(at(listAt(orders, 'edges').at(-1), 'cursor'));
            if (at(orders, 'pageInfo', 'hasNextPage') !== true) break;
            after = at(orders, 'pageInfo', 'endCursor');
          }
          expect(seen).toEqual(all);
        },
      ),
      { numRuns: 6, examples: [[[9]], [[100]]] },
    );
  });

  it('continues from the cursor of any order of a page', async () => {
    const all = ordersOf('many-orders@example.nl').map(({ number }) => number);
    const { data } = await gateway.query(PAGE, { first: 20 });
    for (const [i, edge] of listAt(data, 'customer', 'orders', 'edges').entries()) {
      const next = await gateway.query(PAGE, { first: 1, after: at(edge, 'cursor') });
      expect(at(next.data, 'customer', 'orders', 'nodes', 0, 'number')).toBe(all[i + 1]);
    }
  });

  it.each([
    ['nothing', ''],
    ['a word', 'garbage'],
    ['another list', encodeCursor('Customer.invoices', ['2026-01-01 00:00:00+00', 'ORD-1'])],
    ['no moment', encodeCursor('Customer.orders', ['yesterday', 'ORD-1'])],
    ['the end of time', encodeCursor('Customer.orders', ['infinity', 'ORD-1'])],
    ['an invalid day', encodeCursor('Customer.orders', ['2026-02-30 00:00:00+00', 'ORD-1'])],
    ['an invalid hour', encodeCursor('Customer.orders', ['2026-01-01 24:00:00+00', 'ORD-1'])],
    ['an SQL condition', encodeCursor('Customer.orders', ["2026-01-01 00:00:00+00' OR '1'='1", 'ORD-1'])],
    ['an invalid text', encodeCursor('Customer.orders', ['2026-01-01 00:00:00+00', 'a\0b'])],
    ['an object', Buffer.from('{"__proto__":1}').toString('base64url')],
    ['ten thousand characters', 'x'.repeat(10_000)],
  ])('refuses a cursor of %s as an error of the caller', async (_, after) => {
    const { data, errors } = await gateway.query(PAGE, { first: 1, after });
    expect(at(data, 'customer', 'orders')).toBeNull();
    expect(errors.map(({ extensions, path }) => [extensions.code, path])).toEqual([
      ['BAD_USER_INPUT', ['customer', 'orders']],
    ]);
  });

  it('returns no orders after a cursor that is older than all orders', async () => {
    const { data, errors } = await gateway.query(PAGE, {
      first: 1,
      after: encodeCursor('Customer.orders', ['1990-01-01 00:00:00+00', '']),
    });
    expect(errors).toEqual([]);
    expect(at(data, 'customer', 'orders')).toEqual({
      edges: [],
      nodes: [],
      pageInfo: { hasNextPage: false, endCursor: null },
    });
  });

  it.each([0, 101, -1])('refuses a page of %d orders', async (first) => {
    const { errors } = await gateway.query(PAGE, { first });
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });

  describe('with pages of several customers', () => {
    const emails = ['many-orders@example.nl', 'everywhere@example.nl', 'customer-1@example.nl'];
    const pages = emails.flatMap((email): OrderPage[] => {
      const customerNumber = person(email).orderSystem?.customerNumber ?? '';
      const [first] = ordersOf(email);
      const placedAt = new Date(first?.placedAt ?? 0).toISOString().replace('T', ' ').replace('Z', '+00');
      return [
        { customerNumbers: [customerNumber], first: 3, after: null },
        { customerNumbers: [customerNumber], first: 2, after: { placedAt, number: first?.number ?? '' } },
      ];
    });

    it('reads a page for each customer with one statement', async () => {
      const { counting, calls } = countingClient(client);
      const found = await orderPages.load(pages, counting);
      expect(calls()).toBe(1);
      const numbers = found.map((page) => (page instanceof Error ? page : page.map(({ number }) => number)));
      expect(numbers).toEqual(
        emails.flatMap((email) => {
          const all = ordersOf(email).map(({ number }) => number);
          // One order more than requested shows whether there is a next page.
          return [all.slice(0, 4), all.slice(1, 4)];
        }),
      );
    });

    it('reads from the index only the orders of the pages', async () => {
      const nodes = await explained(settings, (recording) => orderPages.load(pages, recording));
      const scans = nodes.filter((node) => node['Relation Name'] === 'orders');
      expect(scans.map((node) => node['Index Name'])).toEqual(['orders_newest_first']);
      const [scan] = scans;
      expect(scan?.['Index Cond']).toMatch(/cust_no.*placed_at/);
      // Before PostgreSQL 18, EXPLAIN rounds the rows of a loop to a whole number.
      const rows = scan?.['Actual Rows'] ?? Infinity;
      const least = (rows - (Number.isInteger(rows) ? 0.5 : 0)) * (scan?.['Actual Loops'] ?? 0);
      expect(Math.floor(least)).toBeLessThanOrEqual(pages.reduce((sum, { first }) => sum + first + 1, 0));
      // The database sorts only the rows that it sends, not all orders of the customers.
      for (const sort of nodes.filter((node) => node['Node Type'].includes('Sort')))
        expect(sort['Actual Rows']).toBeLessThanOrEqual(30);
    });
  });

  /** Two customers, the first with many orders of the same time, and the list of a customer with both numbers. */
  const both = ['many-orders@example.nl', 'everywhere@example.nl'];
  const customerNumbers = both.map((email) => person(email).orderSystem?.customerNumber ?? '');
  const ofBoth = newestFirst(both.flatMap(ordersOf));

  it('joins the orders of several customer numbers into one list with correct pages', async () => {
    const sizes = fc.array(fc.integer({ min: 20, max: 100 }), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), async (of, turned) => {
        const numbers = turned ? customerNumbers.toReversed() : customerNumbers;
        const seen: string[] = [];
        let after: OrderPage['after'] = null;
        for (let page = 0; ; page += 1) {
          const first = of[page % of.length] ?? 20;
          const [found = []] = await orderPages.load([{ customerNumbers: numbers, first, after }], client);
          if (found instanceof Error) throw found;
          const shown = found.slice(0, first);
          seen.push(...shown.map(({ number }) => number));
          if (found.length <= first) break;
          const last = shown.at(-1);
          if (last === undefined) throw new Error('The page is empty.');
          after = { placedAt: last.exactlyPlacedAt, number: last.number };
        }
        expect(seen).toEqual(ofBoth.map(({ number }) => number));
      }),
      { numRuns: 4 },
    );
    const [here, other] = [customerNumbers, customerNumbers.toReversed()].map((numbers) =>
      orderPages.keyText?.({ customerNumbers: numbers, first: 1, after: null }),
    );
    expect(here).toBe(other);
  });

  it('shows the orders of both accounts of a customer, and their total', async () => {
    const { data, errors } = await gateway.query(`{
      customer(by: { email: "two-accounts@example.nl" }) {
        orders(first: 100) { nodes { number } }
        orderCount { value isApproximate }
        becameCustomerAt
        lastOrderAt
        lifetimeValue { amounts { amount currency } isApproximate }
        timeline { nodes { recordId } }
      }
    }`);
    expect(errors).toEqual([]);
    const accounts = world.people.filter(({ email }) => email === 'two-accounts@example.nl');
    expect(accounts).toHaveLength(2);
    expect(new Set(accounts.map(({ createdAt }) => createdAt)).size).toBe(2);
    const orders = newestFirst(accounts.flatMap(({ orderSystem }) => orderSystem?.orders ?? []));
    const [counted, lastPlacedAt, amounts] = totalsOf(orders);
    expect(at(data, 'customer')).toEqual({
      orders: { nodes: orders.map(({ number }) => ({ number })) },
      orderCount: { value: counted, isApproximate: false },
      becameCustomerAt: accounts.map(({ createdAt }) => new Date(createdAt).toISOString()).sort()[0],
      lastOrderAt: lastPlacedAt,
      lifetimeValue: { amounts, isApproximate: false },
      timeline: { nodes: orders.map(({ number }) => ({ recordId: number })) },
    });
  });

  describe('with totals of orders', () => {
    it('computes the totals of many customers with one statement, without cancelled orders', async () => {
      const people = world.people.filter(({ orderSystem }) => orderSystem !== undefined);
      const keys = people.map(({ orderSystem }) => [orderSystem?.customerNumber ?? '']);
      const { counting, calls } = countingClient(client);
      const found = await orderTotals.load([...keys, customerNumbers, ['K-none']], counting);
      expect(calls()).toBe(1);
      const expected = [
        ...people.map(({ orderSystem }) => totalsOf(orderSystem?.orders ?? [])),
        totalsOf(ofBoth),
        totalsOf([]),
      ];
      expect(found).toEqual(
        expected.map(([count, lastPlacedAt, amounts]) => ({ count, lastPlacedAt, amounts })),
      );
      expect(
        people.some(({ orderSystem }) => orderSystem?.orders.some(({ status }) => status === 'CANCELLED')),
      ).toBe(true);
    });

    it('has no totals for a customer that only other systems know', async () => {
      const stranger = world.people.find(
        ({ orderSystem, crm }) => orderSystem === undefined && crm !== undefined,
      );
      const everySource = createTestGateway(directSettings());
      const { data, errors } = await everySource.query(
        `query($by: [CustomerKey!]!) { customers(by: $by) {
          jobTitle orderCount { value } lastOrderAt lifetimeValue { amounts { amount } }
        } }`,
        { by: [{ hubspotContactId: stranger?.crm?.contactId }] },
      );
      await everySource.close();
      expect(errors).toEqual([]);
      expect(listAt(data, 'customers')).toEqual([
        { jobTitle: stranger?.crm?.jobTitle, orderCount: null, lastOrderAt: null, lifetimeValue: null },
      ]);
    });
  });

  describe('as a page of the timeline', () => {
    /** Writes a time as in the timeline. The seed data has milliseconds. */
    const canonical = (moment: string) => new Date(moment).toISOString().replace('Z', '000Z');
    const expectedOf = (orders: readonly SeedOrder[]) =>
      orders.map(({ number, status, placedAt, lines }) => ({
        kind: 'ORDER',
        // The database writes no trailing zeros.
        at: new Date(placedAt).toISOString().replace(/\.?0+Z$/, 'Z'),
        id: number,
        title: `Order ${number}`,
        status,
        amount: {
          amount: euros(lines.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0)),
          currency: 'EUR',
        },
      }));

    it('continues from any place, even between orders of the same time, and stops at the requested time', async () => {
      const since = ofBoth.at(-50)?.placedAt ?? '';
      const places = [null, ofBoth[0], ofBoth[7], ofBoth[250], ofBoth.at(-60), ofBoth.at(-1)];
      const pages = places.flatMap((place) =>
        [null, canonical(since)].map((from) => ({
          customerNumbers,
          first: 30,
          before: place == null ? null : { at: canonical(place.placedAt), id: place.number },
          since: from,
        })),
      );
      const { counting, calls } = countingClient(client);
      const found = await ordersForTimeline.load(pages, counting);
      expect(calls()).toBe(1);
      expect(found).toEqual(
        pages.map(({ before, since: from }) =>
          expectedOf(
            ofBoth
              .slice(before === null ? 0 : ofBoth.findIndex(({ number }) => number === before.id) + 1)
              .filter(({ placedAt }) => from === null || Date.parse(placedAt) >= Date.parse(from))
              .slice(0, 30),
          ),
        ),
      );
    });

    it('returns the time of the database with all its decimals', async () => {
      const row = {
        page: 0,
        order_no: 'O1',
        cust_no: 'K1',
        shop_order_no: null,
        status: 'NEW',
        currency: 'EUR',
        total: '1.00',
      };
      const precise: SqlClient = {
        ...client,
        rows: (schema) =>
          Promise.resolve([schema.parse({ ...row, placed_at: '2026-11-01 12:00:00.123456+00' })]),
      };
      const page = { customerNumbers: ['K1'], first: 1, before: null, since: null };
      expect(await ordersForTimeline.load([page], precise)).toMatchObject([
        [{ at: '2026-11-01T12:00:00.123456Z' }],
      ]);
    });

    it('contains all orders of a time or none, depending on the place in the timeline', async () => {
      const moment = ofBoth.find(
        ({ placedAt }, i) =>
          i > 0 && ofBoth[i + 1]?.placedAt === placedAt && ofBoth[i - 1]?.placedAt !== placedAt,
      )?.placedAt;
      const page = { customerNumbers, first: 100, since: null };
      const at = canonical(moment ?? '');
      const [none, all] = await ordersForTimeline.load(
        [
          { ...page, before: { at, id: '' } },
          { ...page, before: { at: at.replace('000Z', '001Z'), id: '' } },
        ],
        client,
      );
      const from = (later: boolean) =>
        ofBoth
          .filter(({ placedAt }) => placedAt < (moment ?? '') || (later && placedAt === moment))
          .slice(0, 100);
      expect(from(true).length).toBeGreaterThan(0);
      expect([none, all]).toEqual([expectedOf(from(false)), expectedOf(from(true))]);
    });

    it('reads from the index without older orders of the customer', async () => {
      const plan = await explained(settings, (recording) =>
        ordersForTimeline.load(
          [
            {
              customerNumbers,
              first: 10,
              before: { at: canonical(ofBoth[3]?.placedAt ?? ''), id: '' },
              since: null,
            },
          ],
          recording,
        ),
      );
      const scans = plan.filter((node) => node['Relation Name'] === 'orders');
      expect(scans).toHaveLength(2);
      for (const scan of scans) {
        expect(scan).toMatchObject({
          'Index Name': 'orders_newest_first',
          'Index Cond': expect.stringMatching(/cust_no.*placed_at/) as string,
        });
        expect(scan['Actual Rows']).toBeLessThanOrEqual(100);
      }
    });

    it('shows the orders in the timeline of the customer, in pages', async () => {
      const seen: unknown[] = [];
      let after: unknown = null;
      do {
        const { data, errors } = await gateway.query(
          `query($after: String) { customer(by: { email: "many-orders@example.nl" }) {
            timeline(first: 100, after: $after, kinds: [ORDER]) {
              nodes { recordId kind source } pageInfo { hasNextPage endCursor } missing { source }
            } } }`,
          { after },
        );
        expect(errors).toEqual([]);
        const page = at(data, 'customer', 'timeline');
        expect(at(page, 'missing')).toEqual([]);
        seen.push(...listAt(page, 'nodes'));
        after = at(page, 'pageInfo', 'hasNextPage') === true ? at(page, 'pageInfo', 'endCursor') : null;
      } while (after !== null);
      expect(seen).toEqual(
        ordersOf('many-orders@example.nl').map(({ number }) => ({
          recordId: number,
          kind: 'ORDER',
          source: 'ORDER_SYSTEM',
        })),
      );
    });
  });

  it('returns no lines for an unknown order, and returns those of other orders', async () => {
    const [known] = ordersOf('everywhere@example.nl');
    const found = await linesOfOrders.load(
      ['ORD-none', known?.number ?? '', "' OR 1=1 --"].map((number) => ({ number, customerNumber: 'K1' })),
      client,
    );
    expect(found.map((lines) => (lines instanceof Error ? lines : lines.length))).toEqual([
      0,
      known?.lines.length,
      0,
    ]);
  });

  it('shows no customer if two customers share the address, and reports their number', async () => {
    const { data, errors } = await gateway.query('{ customer(by: { email: "shared@example.nl" }) { name } }');
    expect(data).toEqual({ customer: null });
    expect(errors.map(({ extensions }) => extensions)).toMatchObject([
      { code: 'AMBIGUOUS_IDENTITY', source: 'order-system', candidateCount: 2 },
    ]);
  });

  it.each([
    ['that refuses the gateway', (url: URL) => (url.username = 'nobody'), 'SOURCE_UNAUTHENTICATED'],
    ['that is another one', (url: URL) => (url.pathname = '/postgres'), 'SOURCE_CONTRACT'],
  ])('has null fields if it is a database %s', async (_, change, code) => {
    const url = new URL(settings.ORDER_SYSTEM_URL ?? '');
    change(url);
    const broken = createTestGateway({ ...directSettings(), ORDER_SYSTEM_URL: url.href });
    const { data, errors } = await broken.query(
      '{ customer(by: { email: "everywhere@example.nl" }) { jobTitle orders { nodes { number } } becameCustomerAt } }',
    );
    await broken.close();
    expect(data).toEqual({
      customer: { jobTitle: expect.any(String) as string, orders: null, becameCustomerAt: null },
    });
    expect(errors.map(({ path, extensions }) => [path?.[1], extensions.code, extensions.retryable])).toEqual([
      ['orders', code, false],
      ['becameCustomerAt', code, false],
    ]);
  });
});

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: PlanNode[];
}

function countingClient(client: SqlClient): { counting: SqlClient; calls: () => number } {
  let calls = 0;
  return {
    counting: { ...client, rows: (...statement) => ((calls += 1), client.rows(...statement)) },
    calls: () => calls,
  };
}

/** Returns the query plan of the single statement that is executed. */
async function explained(
  { ORDER_SYSTEM_URL }: { ORDER_SYSTEM_URL: string | undefined },
  run: (recording: SqlClient) => Promise<unknown>,
): Promise<PlanNode[]> {
  let statement: { text: string; parameters: readonly unknown[] } | undefined;
  await run({
    ping: () => Promise.resolve(),
    checkPlan: () => Promise.resolve(),
    dialect: postgresDialect,
    rows: (_, text, parameters) => {
      statement = { text, parameters };
      return Promise.resolve([]);
    },
  });
  const reader = new pg.Client({ connectionString: ORDER_SYSTEM_URL });
  await reader.connect();
  const { rows } = await reader.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
    `EXPLAIN (ANALYZE, FORMAT JSON) ${statement?.text ?? ''}`,
    [...(statement?.parameters ?? [])],
  );
  await reader.end();
  return allNodes(rows[0]?.['QUERY PLAN'][0]?.Plan);
}

function allNodes(node: PlanNode | undefined): PlanNode[] {
  return node === undefined ? [] : [node, ...(node.Plans ?? []).flatMap(allNodes)];
}
