import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { startKvk } from '../../sources/kvk/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn, World } from '../../sources/stand-ins/world.js';
import { startWebshop } from '../../sources/webshop/stand-in/index.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';
import { isThorough } from '../support/thorough.js';

/** The number of items in each list. Even a fraction of them fills several pages. */
const COUNT = isThorough ? 500 : 200;
const PAGE_SIZE = 90;

const world = createWorld({ customers: inject('customers') });

/** Adds leading zeros to a number, so that texts and numbers have the same order. */
const padded = (i: number, length: number) => String(i).padStart(length, '0');

/** A webshop with one customer, who has a large cart and an order with many shipments. */
function ownShop(): { own: World; lineTitles: string[]; sentAt: string[] } {
  const owner = world.people.find(({ email }) => email === 'everywhere@example.nl');
  const shop = owner?.webshop;
  const cart = shop?.draftOrders[0];
  const order = shop?.orders[0];
  if (owner === undefined || shop === undefined || cart === undefined || order === undefined)
    throw new Error('The seed data has no person with a cart and an order.');
  const lines = Array.from({ length: COUNT }, (_, i) => ({
    id: `90071992547${padded(i, 6)}`,
    sku: `NOT-SOLD-${padded(i, 3)}`,
    quantity: 1,
    unitPriceCents: 100 + i,
  }));
  const shipments = Array.from({ length: COUNT }, (_, i) => ({
    id: `90071992548${padded(i, 6)}`,
    sentAt: new Date(Date.parse('2026-01-01T00:00:00Z') + Math.floor(i / 2) * 60_000).toISOString(),
    deliveredAt: null,
    quantity: 1,
    carrier: 'PostNL',
    trackingNumber: `3S${padded(i, 9)}`,
  }));
  const draftOrders = [{ ...cart, status: 'OPEN' as const, lines }];
  const orders = shop.orders.map((seedOnlineOrder) => ({
    ...seedOnlineOrder,
    shipments: seedOnlineOrder === order ? shipments : [],
  }));
  return {
    own: { ...world, people: [{ ...owner, webshop: { ...shop, draftOrders, orders } }] },
    lineTitles: lines.map(({ sku }) => sku),
    sentAt: shipments.map((shipment) => shipment.sentAt),
  };
}

/** A trade register with one company that has many unordered branches. */
function ownRegister() {
  const [company] = world.register;
  const [branch] = company?.branches ?? [];
  if (company === undefined || branch === undefined)
    throw new Error('The register of the seed data is empty.');
  const branches = Array.from({ length: COUNT }, (_, i) => ({
    ...branch,
    number: `0000${padded((i * 7) % COUNT, 8)}`,
  }));
  return { kvkNumber: company.kvkNumber, branches, register: [{ ...company, branches }] };
}

const { own: entry, lineTitles, sentAt } = ownShop();
const { kvkNumber, branches, register } = ownRegister();
const [mainBranch = '', ...otherBranches] = branches.map(({ number }) => number);
const many = world.people.find(({ email }) => email === 'many-orders@example.nl');
const downwards = (a: string, b: string) => (a === b ? 0 : a < b ? 1 : -1);
const orders = (many?.orderSystem?.orders ?? [])
  .toSorted((a, b) => Date.parse(b.placedAt) - Date.parse(a.placedAt) || downwards(a.number, b.number))
  .map(({ number }) => number);
const invoices = (many?.invoices?.invoices ?? [])
  .filter(({ status }) => status !== 'Draft' && status !== 'In Review')
  .toSorted((a, b) => downwards(a.invoiceDate, b.invoiceDate) || downwards(a.number, b.number))
  .map(({ number }) => number);

const CUSTOMER = 'customer(by: { email: "everywhere@example.nl" })';
const MANY = 'customer(by: { email: "many-orders@example.nl" })';

interface List {
  /** The selection that leads to the list. `PAGE` is replaced with arguments and fields of the list. */
  field: string;
  path: readonly (string | number)[];
  /** The selection of an item, and the expected values of all items in order. */
  value: string;
  all: readonly string[];
  hasIds: boolean;
  source: StandIn['name'];
}

const LISTS: Readonly<Record<string, List>> = {
  'the lines of a cart': {
    ...{ field: `${CUSTOMER} { cart { list: lines PAGE } }`, path: ['customer', 'cart'] },
    ...{ value: 'title', all: lineTitles, hasIds: true, source: 'webshop' },
  },
  'the shipments of an order': {
    field: `${CUSTOMER} { orders(first: 100) { nodes { list: shipments PAGE } } }`,
    path: ['customer', 'orders', 'nodes'],
    ...{ value: 'sentAt', all: sentAt, hasIds: false, source: 'webshop' },
  },
  'the branches of a company': {
    ...{ field: `company(by: { kvkNumber: "${kvkNumber}" }) { list: branches PAGE }`, path: ['company'] },
    ...{ value: 'number', all: [mainBranch, ...otherBranches.toSorted()], hasIds: false, source: 'kvk' },
  },
  'the orders of a customer': {
    ...{ field: `${MANY} { list: orders PAGE }`, path: ['customer'] },
    ...{ value: 'number', all: orders, hasIds: true, source: 'order-system' },
  },
  'the invoices of a customer': {
    ...{ field: `${MANY} { list: invoices PAGE }`, path: ['customer'] },
    ...{ value: 'number', all: invoices, hasIds: true, source: 'invoices' },
  },
};

let control: FaultControl;
const standIns: StandIn[] = [];
beforeAll(async () => {
  standIns.push(await startWebshop(entry), await startKvk({ register }));
  control = await faultControl(standIns);
});
afterEach(() => control.heal());
afterAll(async () => {
  await control.close();
  for (const standIn of standIns) await standIn.close();
});

/** Opens a gateway with long timeouts, because the machine may be busy. */
const openGateway = (): TestGateway =>
  createTestGateway({
    ...control.settings,
    DEADLINE_MS: '20000',
    ...Object.fromEntries(
      ['WEBSHOP', 'KVK', 'ORDER_SYSTEM', 'INVOICES'].map((name) => [`${name}_LIMITS`, '{"timeout":"20 s"}']),
    ),
  });

interface Page {
  values: unknown[];
  ids: unknown[];
  hasNextPage: unknown;
  endCursor: unknown;
}

async function readPage(gateway: TestGateway, list: List, after: unknown): Promise<Page> {
  const { data, errors } = await gateway.query(queryOf(list), { first: PAGE_SIZE, after });
  expect(errors).toEqual([]);
  const found = listOf(data, list);
  const nodes = listAt(found, 'nodes');
  const edges = listAt(found, 'edges');
  expect(edges.map((edge) => at(edge, 'node'))).toEqual(nodes);
  const { hasNextPage, endCursor, ...start } = at(found, 'pageInfo') as Record<string, unknown>;
  expect(start).toEqual({ hasPreviousPage: false, startCursor: at(edges[0], 'cursor') });
  expect(endCursor).toBe(at(edges.at(-1), 'cursor'));
  const ids = nodes.map((node) => at(node, 'id'));
  return { values: nodes.map((node) => at(node, list.value)), ids, hasNextPage, endCursor };
}

function queryOf({ field, value, hasIds }: List): string {
  const item = hasIds ? `id ${value}` : value;
  const page = `(first: $first, after: $after) { edges { cursor node { ${item} } } nodes { ${item} }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`;
  return `query($first: Int!, $after: String) { ${field.replace('PAGE', page)} }`;
}

/** Returns the list. For shipments, it is the list of the order that has shipments. */
function listOf(data: unknown, { path }: List): unknown {
  const parent = at(data, ...path);
  if (!Array.isArray(parent)) return at(parent, 'list');
  const lists = parent.map((item: unknown) => at(item, 'list'));
  return lists.find((list) => list !== null && listAt(list, 'nodes').length > 0) ?? lists[0];
}

async function readAll(list: List, gatewayOf: () => TestGateway, close: boolean): Promise<Page> {
  const all: Page = { values: [], ids: [], hasNextPage: true, endCursor: null };
  for (let pages = 0; all.hasNextPage === true && pages <= list.all.length / PAGE_SIZE; pages += 1) {
    const gateway = gatewayOf();
    const page = await readPage(gateway, list, all.endCursor);
    if (close) await gateway.close();
    all.values.push(...page.values);
    all.ids.push(...page.ids);
    all.hasNextPage = page.hasNextPage;
    all.endCursor = page.endCursor;
  }
  return all;
}

describe.each(Object.entries(LISTS))('many items of %s', (_, list) => {
  const expectAll = ({ values, ids, hasNextPage }: Page) => {
    expect(values).toEqual(list.all);
    expect(hasNextPage).toBe(false);
    if (list.hasIds) expect(new Set(ids).size).toBe(list.all.length);
  };

  it('are returned in pages to the last, each once', async () => {
    expect(list.all.length).toBeGreaterThanOrEqual(COUNT - 20);
    const gateway = openGateway();
    expectAll(await readAll(list, () => gateway, false));
    await gateway.close();
  });

  it('are returned by gateways with an empty cache', async () => {
    expectAll(await readAll(list, openGateway, true));
  });

  it('are returned while another system is unavailable', async () => {
    const other = list.source === 'webshop' ? 'invoices' : 'webshop';
    await control.set(other, { fault: 'down' });
    const gateway = openGateway();
    expectAll(await readAll(list, () => gateway, false));
    await gateway.close();
  });

  it('continue at the same place after their system was unavailable', async () => {
    const first = openGateway();
    const { endCursor } = await readPage(first, list, null);
    await first.close();
    await control.set(list.source, { fault: 'down' });
    const during = openGateway();
    const { errors } = await during.query(queryOf(list), { first: PAGE_SIZE, after: endCursor });
    await during.close();
    expect(errors.map(({ extensions }) => extensions.source)).toContain(list.source);
    await control.set(list.source, { fault: null });
    const afterwards = openGateway();
    const { values } = await readPage(afterwards, list, endCursor);
    await afterwards.close();
    expect(values).toEqual(list.all.slice(PAGE_SIZE, 2 * PAGE_SIZE));
  });

  it.each(['garbage', '', Buffer.from('["Customer.tickets","2026-01-01","1"]').toString('base64url')])(
    'refuse the cursor "%s", which belongs to another list',
    async (after) => {
      const gateway = openGateway();
      const { errors } = await gateway.query(queryOf(list), { first: 1, after });
      await gateway.close();
      expect(new Set(errors.map(({ extensions }) => extensions.code))).toEqual(new Set(['BAD_USER_INPUT']));
    },
  );
});

describe('the ids of the webshop', () => {
  it('do not depend on the identifiers and fields that find an object', async () => {
    const gateway = openGateway();
    const [number] = entry.people.map(({ orderSystem }) => orderSystem?.customerNumber);
    const fields = 'orders(first: 100) { nodes { id number onlineNumber lines { id lineNumber } } }';
    const { data, errors } = await gateway.query(
      `query($number: String!) { a: ${CUSTOMER} { ${fields} } b: customer(by: { customerNumber: $number }) { ${fields} }
        c: ${CUSTOMER} { orders(first: 100) { nodes { id onlineStatus } } } }`,
      { number },
    );
    await gateway.close();
    expect(errors).toEqual([]);
    const ofOrders = listAt(data, 'a', 'orders', 'nodes');
    expect(listAt(data, 'b', 'orders', 'nodes')).toEqual(ofOrders);
    const ids = ofOrders.map((ofOrder) => at(ofOrder, 'id'));
    expect(listAt(data, 'c', 'orders', 'nodes').map((node) => at(node, 'id'))).toEqual(ids);
    const ofLines = ofOrders.flatMap((ofOrder) => listAt(ofOrder, 'lines').map((line) => at(line, 'id')));
    expect(new Set([...ids, ...ofLines]).size).toBe(ids.length + ofLines.length);
  });

  it('differ between two carts, and the second cart refuses a cursor of the first', async () => {
    const gateway = openGateway();
    const query = `query($after: String) { ${CUSTOMER} { cart { id lines(first: 2, after: $after) { nodes { id } pageInfo { endCursor } } } } }`;
    const { data } = await gateway.query(query, {});
    await gateway.close();
    const [owner] = entry.people;
    const shop = owner?.webshop;
    const [cart] = shop?.draftOrders ?? [];
    if (owner === undefined || shop === undefined || cart === undefined) throw new Error('no cart');
    const draftOrders = [cart, { ...cart, id: '9007199254899999', updatedAt: '2026-12-31T00:00:00Z' }];
    const other = await startWebshop({ ...entry, people: [{ ...owner, webshop: { ...shop, draftOrders } }] });
    const later = createTestGateway({ ...control.settings, ...other.settings(other.url) });
    const after = at(data, 'customer', 'cart', 'lines', 'pageInfo', 'endCursor');
    const answer = await later.query(query, { after });
    await later.close();
    await other.close();
    expect(answer.errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['customer', 'cart', 'lines'], 'BAD_USER_INPUT'],
    ]);
    expect(at(answer.data, 'customer', 'cart', 'id')).not.toBe(at(data, 'customer', 'cart', 'id'));
  });
});
