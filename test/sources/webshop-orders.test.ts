import { afterAll, afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { toOrder } from '../../sources/order-system/mapping.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, World } from '../../sources/stand-ins/world.js';
import { webshop } from '../../sources/webshop/index.js';
import { startWebshop, type WebshopStandIn } from '../../sources/webshop/stand-in/index.js';
import { hostileKeys } from '../connectors/contract.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';
import { notedOrders, notedOrdersSdl } from './noted-orders.js';

const world = createWorld({ customers: inject('customers') });

function person(email: string): Person {
  const found = world.people.find((person) => person.email === email);
  if (found === undefined) throw new Error(`The seed data has no person with ${email}.`);
  return found;
}

const EVERYWHERE = 'everywhere@example.nl';
const online = person(EVERYWHERE).webshop?.orders ?? [];

/** The expected fields of the webshop for an order of the seed data. */
const shown = ({ shipments }: (typeof online)[number]) => ({
  onlineStatus: shipments.length > 0 ? 'FULFILLED' : 'UNFULFILLED',
  channel: 'Online Store',
  statusPageUrl: expect.stringMatching(/^https:\/\/webshop\.example\.nl\/.*\/authenticate\?key=/) as string,
  shipments: {
    nodes: shipments.map(({ sentAt, deliveredAt, carrier, trackingNumber }) => ({
      sentAt,
      estimatedDeliveryAt: null,
      deliveredAt,
      tracking: [
        { carrier, number: trackingNumber, url: expect.stringContaining(`/${trackingNumber}`) as string },
      ],
    })),
  },
});

const OF_THE_SHOP = `onlineStatus channel statusPageUrl
  shipments { nodes { sentAt estimatedDeliveryAt deliveredAt tracking { carrier number url } } }`;

describe('an order that the order system and the webshop both know', async () => {
  const control = await faultControl([], FOUR_SYSTEMS);
  const opened: TestGateway[] = [];
  const open = () => {
    const gateway = createTestGateway(control.settings);
    opened.push(gateway);
    return gateway;
  };
  beforeEach(() => control.heal());
  afterAll(async () => {
    await Promise.all(opened.map((gateway) => gateway.close()));
    await control.close();
  });
  const ofBoth = `orders(first: 100) { nodes { number onlineNumber status ${OF_THE_SHOP} lines { lineNumber } } }`;

  it('is one order, with both numbers and the data of both', async () => {
    const { data, errors } = await open().query(`{ customer(by: { email: "${EVERYWHERE}" }) { ${ofBoth} } }`);
    expect(errors).toEqual([]);
    const orders = person(EVERYWHERE).orderSystem?.orders ?? [];
    expect(orders.length).toBeGreaterThan(1);
    const found = listAt(data, 'customer', 'orders', 'nodes');
    expect(found).toHaveLength(orders.length);
    for (const [i, { number, status, shopName, lines }] of orders.entries()) {
      const itsOwn = online[i];
      if (itsOwn === undefined) throw new Error('The webshop has all orders.');
      expect(shopName).toBe(itsOwn.name);
      expect(found.find((item) => at(item, 'number') === number)).toEqual({
        number,
        onlineNumber: itsOwn.name,
        status,
        ...shown(itsOwn),
        lines: lines.map(({ lineNumber }) => ({ lineNumber })),
      });
    }
  });

  it('is in the same list as orders of only the order system, which have no online number', async () => {
    const { data, errors } = await open().query(
      `{ customer(by: { email: "two-accounts@example.nl" }) { ${ofBoth} } }`,
    );
    expect(errors).toEqual([]);
    const both = world.people.filter(({ email }) => email === 'two-accounts@example.nl');
    const orders = both.flatMap(({ orderSystem }) => orderSystem?.orders ?? []);
    const found = listAt(data, 'customer', 'orders', 'nodes');
    expect(found.map((item) => at(item, 'onlineNumber')).sort()).toEqual(
      orders.map(({ shopName }) => shopName).sort(),
    );
    const alone = found.filter((item) => at(item, 'onlineNumber') === null);
    expect(alone).toHaveLength(2);
    for (const item of alone)
      expect(item).toMatchObject({ onlineStatus: null, channel: null, statusPageUrl: null, shipments: null });
  });

  it('is found even if the order system has an empty text as a missing number', () => {
    const row = {
      page: 0,
      order_no: 'ORD-1',
      cust_no: 'K1',
      status: 'NEW',
      placed_at: '2026-11-01 12:00:00+00',
      currency: 'EUR',
      total: '1.00',
    } as const;
    expect(toOrder({ ...row, shop_order_no: '' }).onlineNumber).toBeNull();
    expect(toOrder({ ...row, shop_order_no: '#1' }).onlineNumber).toBe('#1');
  });

  it.each([1, 10])('causes one call to each system and round, for %d customers', async (count) => {
    const people = world.people
      .filter(({ email, webshop }) => /^customer-/.test(email) && webshop)
      .slice(0, count);
    const gateway = open();
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) {
        orders(first: 5) { nodes { number onlineNumber onlineStatus } }
      } }`,
      { by: people.map(({ email }) => ({ email })) },
    );
    expect(errors).toEqual([]);
    const nodes = listAt(data, 'customers').flatMap((customer) => listAt(customer, 'orders', 'nodes'));
    expect(nodes.length).toBeGreaterThanOrEqual(count);
    for (const node of nodes) expect(at(node, 'onlineStatus')).toMatch(/FULFILLED$/);
    const calls = Object.fromEntries(
      Object.entries(control.counters()).map(([name, counter]) => [name, counter.calls]),
    );
    // The calls are identification, the orders, the same orders in the webshop, and further addresses from the CRM.
    expect(calls).toEqual({ 'order-system': 2, webshop: 1, 'crm-hubspot': 1, 'contact-centre': 0 });
  });

  it('is not requested from the webshop if the query selects no field of the webshop', async () => {
    const { errors } = await open().query(
      `{ customer(by: { email: "${EVERYWHERE}" }) { orders { nodes { number onlineNumber } } } }`,
    );
    expect(errors).toEqual([]);
    expect(control.counters().webshop?.calls).toBe(0);
  });

  it('has both numbers and all fields of the order system if the webshop is unavailable', async () => {
    await control.set('webshop', { fault: 'down' });
    const { data, errors } = await open().query(
      `{ customer(by: { email: "${EVERYWHERE}" }) { orders(first: 1) { nodes { number onlineNumber status onlineStatus lines { quantity } } } } }`,
    );
    expect(listAt(data, 'customer', 'orders', 'nodes')).toEqual([
      {
        number: expect.stringMatching(/^ORD-/) as string,
        onlineNumber: expect.stringMatching(/^#\d+$/) as string,
        status: expect.any(String) as string,
        onlineStatus: null,
        lines: expect.arrayContaining([{ quantity: expect.any(Number) as number }]) as unknown[],
      },
    ]);
    expect(errors.map(({ path, extensions }) => [path, extensions.code, extensions.source])).toEqual([
      [['customer', 'orders', 'nodes', 0, 'onlineStatus'], 'SOURCE_UNAVAILABLE', 'webshop'],
    ]);
  });
});

describe('a webshop that is queried for orders by number', () => {
  let shop: WebshopStandIn;
  let gateway: TestGateway;

  const open = async (world: World): Promise<void> => {
    shop = await startWebshop(world);
    gateway = createTestGateway(
      { ...shop.settings(shop.url), NOTED: 'yes' },
      { sources: [webshop, notedOrders], sdl: notedOrdersSdl },
    );
  };
  afterEach(async () => {
    await gateway.close();
    await shop.close();
  });
  const find = (numbers: (string | null)[], fields = 'onlineNumber onlineStatus') =>
    gateway.query(
      `query($numbers: [String]!) { customer(by: { email: "${EVERYWHERE}" }) { noted(numbers: $numbers) { ${fields} } } }`,
      { numbers },
    );
  /** Creates seed data in which the customer has only these orders. */
  const withOrders = (names: readonly string[]): World => {
    const owner = person(EVERYWHERE);
    const [template] = online;
    if (owner.webshop === undefined || template === undefined)
      throw new Error('The seed data has too few records.');
    const orders = names.map((name, i) => ({ ...template, id: String(7_000 + i), name }));
    return { ...world, people: [{ ...owner, webshop: { ...owner.webshop, orders } }] };
  };

  it('returns the fields of each order, and null for an unknown order', async () => {
    await open(world);
    const [first, second] = online;
    const { data, errors } = await find(
      [second?.name ?? '', '#0', null, first?.name ?? ''],
      `onlineNumber ${OF_THE_SHOP}`,
    );
    expect(errors).toEqual([]);
    const nothing = { onlineStatus: null, channel: null, statusPageUrl: null, shipments: null };
    expect(listAt(data, 'customer', 'noted')).toEqual([
      { onlineNumber: second?.name, ...(second && shown(second)) },
      { onlineNumber: '#0', ...nothing },
      { onlineNumber: null, ...nothing },
      { onlineNumber: first?.name, ...(first && shown(first)) },
    ]);
  });

  const odd = ['A"B', 'A\\B', 'A B', 'A OR name:*', 'name:*', '*', "' OR 1=1 --", '(A', 'é-1', '1001-A'];

  it('finds numbers with quotes, backslashes and words of its search language', async () => {
    await open(withOrders(odd));
    const { data, errors } = await find([...odd, 'A', '1001']);
    expect(errors).toEqual([]);
    const isSent = (online[0]?.shipments.length ?? 0) > 0;
    expect(listAt(data, 'customer', 'noted')).toEqual([
      ...odd.map((onlineNumber) => ({
        onlineNumber,
        onlineStatus: isSent ? 'FULFILLED' : 'UNFULFILLED',
      })),
      { onlineNumber: 'A', onlineStatus: null },
      { onlineNumber: '1001', onlineStatus: null },
    ]);
  });

  it('finds no order by a hostile number', async () => {
    await open(world);
    const numbers = Object.values(hostileKeys).filter((key) => key.length < 1_000);
    const { data, errors } = await find(numbers);
    expect(errors).toEqual([]);
    expect(listAt(data, 'customer', 'noted').map((item) => at(item, 'onlineStatus'))).toEqual(
      numbers.map(() => null),
    );
  });

  it('splits orders by the size of a page, and by the cost of a query', async () => {
    const names = Array.from({ length: 130 }, (_, i) => `#${i}`);
    await open(withOrders(names));
    const { data, errors } = await find(names);
    expect(errors).toEqual([]);
    expect(listAt(data, 'customer', 'noted').every((item) => at(item, 'onlineStatus') !== null)).toBe(true);
    const pages = () =>
      shop.requests().flatMap(({ variables }) => ('count' in variables ? [variables.count] : []));
    expect(pages().sort()).toEqual([10, 250]);
    shop.forgetRequests();
    // Each number costs 12 points: two orders, each with its app and two lists of shipments with tracking.
    const fields =
      'channel a: shipments(first: 1) { nodes { tracking { number } } } b: shipments(first: 2) { nodes { tracking { number } } }';
    expect((await find(names, fields)).errors).toEqual([]);
    expect(pages().sort()).toEqual([164, 96]);
  });

  it.each([
    [
      'shows neither of two orders with the same number, because one may belong to another customer',
      ['A', 'A', 'B'],
      [0],
    ],
    [
      'shows no order if there are further orders that may have these numbers',
      ['A', 'A', 'A', 'A', 'B'],
      [0, 1],
    ],
    [
      'shows no order with a unique number if there are further orders that may have that number',
      ['B', 'A', 'A', 'A', 'B'],
      [0, 1],
    ],
  ])('%s', async (_, names, failed) => {
    await open(withOrders(names));
    const { data, errors } = await find(['A', 'B']);
    expect(
      listAt(data, 'customer', 'noted').flatMap((item, i) => (at(item, 'onlineStatus') === null ? [i] : [])),
    ).toEqual(failed);
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual(
      failed.map((i) => [['customer', 'noted', i, 'onlineStatus'], 'SOURCE_CONTRACT']),
    );
  });

  it('reports the error of one field of one order', async () => {
    await open(world);
    const [first, second] = online;
    shop.failFields([{ type: 'Order', field: 'app', id: second?.id ?? '', message: 'no such app' }]);
    const { data, errors } = await find([first?.name ?? '', second?.name ?? ''], 'channel onlineStatus');
    expect(listAt(data, 'customer', 'noted').map((found) => at(found, 'channel'))).toEqual([
      'Online Store',
      null,
    ]);
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['customer', 'noted', 1, 'channel'], 'SOURCE_UNAVAILABLE'],
    ]);
  });

  it('refuses a page of 0 shipments', async () => {
    await open(world);
    const { errors } = await find([online[0]?.name ?? ''], 'shipments(first: 101) { nodes { sentAt } }');
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });
});
