import { afterAll, afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { startContactCentre } from '../../sources/contact-centre/stand-in/index.js';
import { startCrmHubspot } from '../../sources/crm-hubspot/stand-in/index.js';
import { sources } from '../../sources/index.js';
import { startOrderSystem } from '../../sources/order-system/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person, World } from '../../sources/stand-ins/world.js';
import { startWebshop } from '../../sources/webshop/stand-in/index.js';
import { SettingsReader } from '../../src/settings.js';
import type { Client, Connector } from '../../src/connectors/connector.js';
import { fakeClock } from '../support/clock.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, LONG_TIMEOUT, type TestGateway } from '../support/gateway.js';
import { at, textAt } from '../support/read.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';

/**
 * Every system exists twice: with the data of the other tests, and with other values for all of it. A gateway calls the
 * first version until the test switches to the second.
 */
const control = await faultControl([], FOUR_SYSTEMS);
const newWorld = changed(createWorld({ customers: inject('customers') }));
const { ORDER_SYSTEM_TEST_URL: connectionString } = process.env;
const after = await Promise.all([
  startOrderSystem(newWorld, connectionString === undefined ? {} : { connectionString }),
  startWebshop(newWorld),
  startContactCentre(newWorld),
  startCrmHubspot(newWorld),
]);
const newSettings = Object.assign({}, ...after.map(({ settings, url }) => settings(url))) as Record<
  string,
  string
>;
let hasChanged = false;

function changed(world: World): World {
  return {
    ...world,
    products: world.products.map((product) => ({ ...product, title: `${product.title}, new` })),
    companies: world.companies.map((company) => ({ ...company, name: `${company.name}, new` })),
    people: world.people.map(({ orderSystem, contactCentre, ...person }) => ({
      ...person,
      lastName: `${person.lastName}-Nieuw`,
      ...(orderSystem === undefined
        ? {}
        : {
            orderSystem: {
              ...orderSystem,
              orders: orderSystem.orders.map((order) => ({ ...order, status: 'CANCELLED' as const })),
            },
          }),
      ...(contactCentre === undefined
        ? {}
        : {
            contactCentre: {
              ...contactCentre,
              tickets: contactCentre.tickets.map((ticket) => ({
                ...ticket,
                subject: `${ticket.subject}, new`,
              })),
            },
          }),
    })),
  };
}

/** A connector that calls one of two versions of a system. */
function twice<C extends Client>(connector: Connector<C>): Connector<C> {
  return {
    ...connector,
    connect: (settings, options) => {
      const before = connector.connect(settings, options);
      const other = connector.connect(new SettingsReader(newSettings), options);
      return {
        ...before,
        client: (scope) => (hasChanged ? other : before).client(scope),
        forget: () => {
          before.forget?.();
          other.forget?.();
        },
        close: async () => {
          await Promise.all([before.close(), other.close()]);
        },
      };
    },
  };
}

const TOKEN = 'a token of the tests';
const opened: TestGateway[] = [];

/** Records are cached for an hour, so changes are visible only after forgetting. */
function openGateway(environment: Record<string, string> = { ADMIN_TOKEN: TOKEN }): TestGateway {
  const gateway = createTestGateway(
    { ...control.settings, ...environment },
    {
      clock: fakeClock(),
      sources: sources.map((source) => ({
        ...source,
        connector: twice(source.connector),
        freshness: { maxAge: '1 hour', notFoundMaxAge: '1 hour', staleIfError: '1 day' },
        limits: { retries: 0, timeout: LONG_TIMEOUT },
      })),
    },
  );
  opened.push(gateway);
  return gateway;
}

beforeEach(async () => {
  hasChanged = false;
  await control.heal();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
});
afterAll(async () => {
  await control.close();
  await Promise.all(after.map((standIn) => standIn.close()));
});

const eva = newWorld.people.find(({ email }) => email === 'everywhere@example.nl') as Person;
const EVA = { email: eva.email };
/** Another customer with all tested records in every system. */
const COLLEAGUE = {
  email:
    newWorld.people.find(
      ({ email, orderSystem, contactCentre, crm }) =>
        /^customer-\d+@/.test(email) &&
        (orderSystem?.orders.length ?? 0) > 0 &&
        (contactCentre?.tickets.length ?? 0) > 0 &&
        crm?.companyId !== undefined,
    )?.email ?? '',
};
const OTHER = { email: 'customer-1@example.nl' };

/** The value in each system that a test changes. */
async function read(gateway: TestGateway, by: object) {
  const { data, errors } = await gateway.query(
    `query($by: CustomerKey!) {
      customer(by: $by) {
        name
        orders(first: 1) { nodes { status lines { product { title } } } }
        tickets(first: 1) { nodes { subject } }
        company { name }
        cart { lines { nodes { title } } }
      }
    }`,
    { by },
  );
  expect(errors).toEqual([]);
  const order = at(data, 'customer', 'orders', 'nodes', 0);
  return {
    name: textAt(data, 'customer', 'name').endsWith('-Nieuw'),
    orders: at(order, 'status') === 'CANCELLED',
    product: textAt(order, 'lines', 0, 'product', 'title').endsWith(', new'),
    tickets: at(data, 'customer', 'tickets', 'nodes', 0, 'subject')?.toString().endsWith(', new'),
    company: at(data, 'customer', 'company', 'name')?.toString().endsWith(', new'),
  };
}

const ALL = { name: true, orders: true, product: false, tickets: true, company: true };
const NONE = { name: false, orders: false, product: false, tickets: false, company: false };

describe('forgetting a customer', () => {
  test.each<[kind: string, value: string | undefined]>([
    ['email', eva.email],
    ['email', 'Everywhere@Example.NL '],
    ['phone', eva.phone],
    ['customerNumber', eva.orderSystem?.customerNumber],
    ['shopifyCustomerId', eva.webshop?.customerId],
    ['zendeskUserId', String(eva.contactCentre?.userId)],
    ['hubspotContactId', eva.crm?.contactId],
  ])('shows the changes in every system at once, for any given identifier (%s)', async (kind, value) => {
    const gateway = openGateway();
    expect(await read(gateway, EVA)).toEqual(NONE);
    hasChanged = true;
    expect(await read(gateway, EVA)).toEqual(NONE);
    expect(await gateway.forget({ identifier: { namespace: kind, value: value ?? '' } })).toMatchObject({
      isEverywhere: true,
      unavailableSources: [],
    });
    // A product is not a record of the customer, so it remains cached.
    expect(await read(gateway, EVA)).toEqual(ALL);
  });

  test('also drops records that were cached under another identifier', async () => {
    const gateway = openGateway();
    const byNumber = { customerNumber: eva.orderSystem?.customerNumber };
    expect(await read(gateway, byNumber)).toEqual(NONE);
    hasChanged = true;
    await gateway.forget({ identifier: { namespace: 'email', value: eva.email } });
    expect(await read(gateway, byNumber)).toEqual(ALL);
  });

  test('retains the cached records of another customer', async () => {
    const gateway = openGateway();
    const before = await read(gateway, COLLEAGUE);
    expect(before).toEqual(NONE);
    hasChanged = true;
    await gateway.forget({ identifier: { namespace: 'email', value: eva.email } });
    await control.heal();
    expect(await read(gateway, COLLEAGUE)).toEqual(before);
    expect(Object.values(control.counters()).map(({ calls }) => calls)).toEqual([0, 0, 0, 0]);
    await gateway.forget({ identifier: { namespace: 'email', value: COLLEAGUE.email } });
    expect((await read(gateway, COLLEAGUE)).name).toBe(true);
  });

  test('causes new calls for an unknown person', async () => {
    const gateway = openGateway();
    const query = '{ customer(by: { email: "nobody@example.nl" }) { name } }';
    expect((await gateway.query(query)).data).toEqual({ customer: null });
    expect(
      await gateway.forget({ identifier: { namespace: 'email', value: 'nobody@example.nl' } }),
    ).toMatchObject({ isEverywhere: true, unavailableSources: [], customer: { records: [], exclusive: [] } });
    await control.heal();
    await gateway.query(query);
    // The system is called again.
    expect(control.counters()['crm-hubspot']?.calls).toBe(1);
  });

  test('drops and reports all answers of a system that cannot identify those of the customer', async () => {
    const gateway = openGateway();
    await read(gateway, EVA);
    await read(gateway, OTHER);
    await control.set('crm-hubspot', { fault: 'down' });
    const forgotten = await gateway.forget({ identifier: { namespace: 'email', value: eva.email } });
    expect(forgotten).toMatchObject({ isEverywhere: true, unavailableSources: ['crm-hubspot'] });
    await control.heal();
    hasChanged = true;
    expect(await read(gateway, EVA)).toEqual(ALL);
    // In the other systems, only values of the CRM are new, because they may depend on any identifier.
    expect(await read(gateway, OTHER)).toMatchObject({ name: false, product: false });
  });

  test('drops all records of systems whose identifiers come from an unavailable system', async () => {
    const gateway = openGateway();
    await read(gateway, EVA);
    await control.set('crm-hubspot', { fault: 'down' });
    const value = eva.crm?.contactId ?? '';
    const { unavailableSources } = await gateway.forget({
      identifier: { namespace: 'hubspotContactId', value },
    });
    expect([...unavailableSources].sort()).toEqual([
      'contact-centre',
      'crm-hubspot',
      'order-system',
      'webshop',
    ]);
    await control.heal();
    hasChanged = true;
    expect(await read(gateway, EVA)).toEqual({ ...ALL, product: true });
  });

  test('refuses a value that is not a valid identifier', async () => {
    const gateway = openGateway();
    for (const identifier of [
      { namespace: 'email', value: 'no address' },
      { namespace: 'shoeSize', value: '42' },
    ])
      await expect(gateway.forget({ identifier })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe('forgetting something else', () => {
  test('of a source drops all answers of that source, and no others', async () => {
    const gateway = openGateway();
    await read(gateway, EVA);
    hasChanged = true;
    await gateway.forget({ source: 'contact-centre' });
    expect(await read(gateway, EVA)).toEqual({ ...NONE, tickets: true });
    await gateway.forget({ source: 'webshop' });
    expect(await read(gateway, EVA)).toEqual({ ...NONE, tickets: true, product: true });
  });

  test('of a loader drops only the answers of that loader', async () => {
    const gateway = openGateway();
    await read(gateway, EVA);
    hasChanged = true;
    await gateway.forget({ source: 'order-system', loader: 'customersByEmail' });
    expect(await read(gateway, EVA)).toEqual({ ...NONE, name: true });
    await gateway.forget({ source: 'order-system', loader: 'orderPages' });
    expect(await read(gateway, EVA)).toEqual({ ...NONE, name: true, orders: true });
  });

  test('of a product drops only the product with that SKU', async () => {
    const gateway = openGateway();
    await read(gateway, EVA);
    const sku = newestOrder(eva)?.lines[0]?.sku ?? '';
    hasChanged = true;
    await gateway.forget({
      type: 'Product',
      key: newWorld.products.find((product) => product.sku !== sku)?.sku ?? '',
    });
    expect(await read(gateway, EVA)).toEqual(NONE);
    await gateway.forget({ type: 'Product', key: sku });
    expect(await read(gateway, EVA)).toEqual({ ...NONE, product: true });
  });
});

function newestOrder({ orderSystem }: Person) {
  return orderSystem?.orders.toSorted(
    (a, b) => b.placedAt.localeCompare(a.placedAt) || b.number.localeCompare(a.number),
  )[0];
}

describe('POST /admin/forget', () => {
  const post = async (
    gateway: TestGateway,
    body: string,
    headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` },
    method = 'POST',
  ) => {
    const response = await gateway.fetch('/admin/forget', {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(method === 'POST' ? { body } : {}),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as unknown };
  };
  const FORGET_EVA = JSON.stringify({ identifier: EVA });

  test.each<[string, object, object]>([
    ['a customer', { identifier: EVA }, ALL],
    ['a source', { source: 'contact-centre' }, { ...NONE, tickets: true }],
    ['a loader', { source: 'order-system', loader: 'orderPages' }, { ...NONE, orders: true }],
    ['an object', { type: 'Product', key: newestOrder(eva)?.lines[0]?.sku }, { ...NONE, product: true }],
  ])('forgets %s for a caller with the token', async (_, body, expected) => {
    const gateway = openGateway();
    await read(gateway, EVA);
    hasChanged = true;
    const answer = await post(gateway, JSON.stringify(body));
    expect(answer).toMatchObject({ status: 200, body: { status: 'forgotten', unavailableSources: [] } });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await read(gateway, EVA)).toEqual(expected);
  });

  test('reports the systems whose answers it dropped completely', async () => {
    const gateway = openGateway();
    await control.set('webshop', { fault: 'reset' });
    expect(await post(gateway, FORGET_EVA)).toMatchObject({
      status: 200,
      body: { status: 'forgotten', unavailableSources: ['webshop'] },
    });
  });

  test.each<[string, Record<string, string>]>([
    ['no token', {}],
    ['a wrong token', { authorization: 'Bearer another token' }],
    ['the beginning of the token', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['a token with an additional character', { authorization: `Bearer ${TOKEN}s` }],
    ['the token without a scheme', { authorization: TOKEN }],
    ['another authentication scheme', { authorization: `Basic ${btoa(`admin:${TOKEN}`)}` }],
  ])('refuses %s, and forgets nothing', async (_, headers) => {
    const gateway = openGateway();
    await read(gateway, EVA);
    hasChanged = true;
    const answer = await post(gateway, FORGET_EVA, headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(JSON.stringify(answer.body)).not.toContain(TOKEN);
    expect(await read(gateway, EVA)).toEqual(NONE);
  });

  test('is not available without a token and without authentication', async () => {
    const answer = await post(openGateway({}), FORGET_EVA);
    expect(answer.status).toBe(401);
  });

  test('accepts only the key of an operator', async () => {
    const gateway = openGateway({ ...CALLER_SETTINGS, AUDIT_FILE: '/dev/null' });
    expect((await post(gateway, FORGET_EVA, await headersOf('operator'))).status).toBe(200);
    for (const role of ['visitor', 'frontend', 'analyst', 'campaign'] as const)
      expect((await post(gateway, FORGET_EVA, await headersOf(role))).status, role).toBe(401);
  });

  test('refuses methods other than POST', async () => {
    const answer = await post(openGateway(), '', undefined, 'GET');
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe('POST');
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '{"identifier":'],
    ['no object', '"everywhere@example.nl"'],
    ['null', 'null'],
    ['an empty object', '{}'],
    ['no identifier', '{"identifier": {}}'],
    ['two identifiers', '{"identifier": {"email": "a@example.nl", "phone": "0612345678"}}'],
    ['an identifier that is not a text', '{"identifier": {"zendeskUserId": 5}}'],
    ['a type without a key', '{"type": "Product"}'],
    ['a loader without its source', '{"loader": "orderPages"}'],
    ['a source that is not plugged in', '{"source": "web-shop"}'],
    ['a loader that the source does not have', '{"source": "order-system", "loader": "orderpages"}'],
    ['a type that is not in the schema', '{"type": "Produkt", "key": "KAN-1"}'],
    ['an unknown member', `{"source": "webshop", "reason": "none"}`],
    ['two things at once', '{"source": "webshop", "type": "Product", "key": "KAN-1"}'],
    ['too much', `{"source": "webshop"}${' '.repeat(20_000)}`],
    ['a kind of identifier that no source declares', '{"identifier": {"shoeSize": "42"}}'],
    ['an invalid identifier', '{"identifier": {"email": "no address"}}'],
    ['a member that is inherited in JavaScript', '{"identifier": {"__proto__": "x"}}'],
  ])('refuses %s, and makes no calls', async (_, body) => {
    const gateway = openGateway();
    const answer = await post(gateway, body);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).not.toContain('no address');
    expect(Object.values(control.counters()).map(({ calls }) => calls)).toEqual([0, 0, 0, 0]);
  });
});
