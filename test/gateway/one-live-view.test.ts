import { afterAll, describe, expect, test, inject } from 'vitest';
import { sourceValue } from '../../src/stitching/generated-sdl.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt, textAt } from '../support/read.js';
import { directSettings, FOUR_SYSTEMS } from '../support/stand-ins.js';
import { ONE_CUSTOMER } from './queries.js';
import { readContactCentre, readCrm, readOrderSystem, readTitles, readWebshop } from './systems.js';

const world = createWorld({ customers: inject('customers') });
const gateway = createTestGateway(directSettings(FOUR_SYSTEMS));
afterAll(() => gateway.close());

const EVERYWHERE = 'everywhere@example.nl';

function personOf(email: string) {
  const person = world.people.find((person) => person.email === email);
  if (person === undefined) throw new Error(`The test data has no person with the address ${email}.`);
  return person;
}

/** Returns every key by which the systems find a person. */
function keysOf(email: string): Record<string, string>[] {
  const { orderSystem, webshop, contactCentre, crm } = personOf(email);
  const shopId = webshop?.customerId;
  return [
    { email },
    { email: `  ${email.toUpperCase()} ` },
    { customerNumber: orderSystem?.customerNumber },
    { shopifyCustomerId: shopId },
    { shopifyCustomerId: shopId && `gid://shopify/Customer/${shopId}` },
    { zendeskUserId: contactCentre && String(contactCentre.userId) },
    { hubspotContactId: crm?.contactId },
  ].flatMap((key) => Object.entries(key).flatMap(([name, value]) => (value ? [{ [name]: value }] : [])));
}

const WHO = '{ id name emails { value source } systems { source status } }';

describe('one customer over four systems', () => {
  test('has each field with the value of its system', async () => {
    const [orderSystem, contactCentre, crm, webshop] = await Promise.all([
      readOrderSystem(EVERYWHERE, 3),
      readContactCentre(EVERYWHERE, 3),
      readCrm(EVERYWHERE),
      readWebshop(EVERYWHERE),
    ]);
    const skus = orderSystem.orders.flatMap(({ lines }) => lines.map(({ sku }) => String(sku)));
    const titles = await readTitles(skus);
    expect(orderSystem.orders).toHaveLength(3);
    expect(contactCentre?.tickets).toHaveLength(3);

    const { status, data, errors } = await gateway.query(
      `{ customer(by: {email: "everywhere@example.nl"}) { id name emails { value source } orders(first: 3) { nodes { number placedAt total { amount currency } lines { quantity product { sku title } } } } tickets(first: 3) { nodes { subject status } } company { name } cart { total { amount currency } } } }`,
    );
    expect(errors).toEqual([]);
    expect(status).toBe(200);
    expect(data).toEqual({
      customer: {
        id: expect.stringMatching(/^[\w-]{40,}$/) as string,
        name: orderSystem.customers[0]?.name,
        emails: [
          { value: String(orderSystem.customers[0]?.email).toLowerCase(), source: 'ORDER_SYSTEM' },
          { value: webshop?.email, source: 'WEBSHOP' },
          { value: crm?.email, source: 'CRM_HUBSPOT' },
          { value: contactCentre?.email, source: 'CONTACT_CENTRE' },
        ],
        orders: {
          nodes: orderSystem.orders.map(({ lines, ...order }) => ({
            number: at(order, 'number'),
            placedAt: at(order, 'placedAt'),
            total: { amount: at(order, 'amount'), currency: at(order, 'currency') },
            lines: lines.map(({ quantity, sku }) => ({
              quantity,
              product: { sku, title: titles.get(String(sku)) },
            })),
          })),
        },
        tickets: { nodes: contactCentre?.tickets },
        company: { name: crm?.company },
        cart: webshop?.cart,
      },
    });
  });

  test('has the values of the systems for each customer without special data', async () => {
    for (const email of ['customer-1@example.nl', 'customer-4@example.nl', 'customer-23@example.nl']) {
      const [orderSystem, contactCentre, webshop] = await Promise.all([
        readOrderSystem(email, 3),
        readContactCentre(email, 3),
        readWebshop(email),
      ]);
      const { data, errors } = await gateway.query(
        `query($by: CustomerKey!) { customer(by: $by) {
          orders(first: 3) { nodes { number } }
          tickets(first: 3) { nodes { subject status } }
          cart { total { amount currency } }
        } }`,
        { by: { email } },
      );
      expect(errors).toEqual([]);
      expect(listAt(data, 'customer', 'orders', 'nodes').map((order) => at(order, 'number'))).toEqual(
        orderSystem.orders.map((order) => at(order, 'number')),
      );
      expect(at(data, 'customer', 'tickets', 'nodes')).toEqual(contactCentre?.tickets ?? []);
      expect(at(data, 'customer', 'cart')).toEqual(webshop?.cart ?? null);
    }
  });

  test('has all digits of a number, even above 2^53', async () => {
    const webshop = await readWebshop(EVERYWHERE);
    const id = webshop?.id ?? '';
    expect(BigInt(id)).toBeGreaterThan(2n ** 53n);
    const { data, errors } = await gateway.query(
      `query($exact: CustomerKey!, $one: CustomerKey!, $other: CustomerKey!) {
        exact: customer(by: $exact) { amountSpent { amounts { amount currency } } onlineOrderCount { value } }
        one: customer(by: $one) { name }
        other: customer(by: $other) { name }
      }`,
      {
        exact: { shopifyCustomerId: id },
        one: { shopifyCustomerId: String(BigInt(id) - 1n) },
        other: { shopifyCustomerId: String(BigInt(id) + 1n) },
      },
    );
    expect(errors).toEqual([]);
    expect(data).toEqual({
      exact: {
        amountSpent: { amounts: [webshop?.amountSpent] },
        onlineOrderCount: { value: Number(webshop?.numberOfOrders) },
      },
      one: null,
      other: null,
    });
  });
});

describe('a customer of only some systems', () => {
  const SHOWN = `{ name orders { nodes { number } } tickets { nodes { id } } company { name } cart { name } systems { source status } }`;

  test.each([
    ['shop-only@example.nl', ['order-system', 'webshop']],
    ['orders-only@example.nl', ['order-system']],
    ['crm-only@example.nl', ['crm-hubspot']],
  ])('%s has the data of %j, is empty elsewhere, and has no error', async (email, systems) => {
    const person = personOf(email);
    const { data, errors } = await gateway.query(`query($by: CustomerKey!) { customer(by: $by) ${SHOWN} }`, {
      by: { email },
    });
    expect(errors).toEqual([]);
    const { customer } = data ?? {};
    expect(at(customer, 'name')).toBe(`${person.firstName} ${person.lastName}`);
    expect(
      listAt(customer, 'systems')
        .filter((item) => at(item, 'status') === 'KNOWN')
        .map((item) => at(item, 'source')),
    ).toEqual(systems.map(sourceValue));
    expect(listAt(customer, 'orders', 'nodes')).toHaveLength(person.orderSystem?.orders.length ?? 0);
    expect(at(customer, 'tickets')).toEqual({ nodes: [] });
    expect(at(customer, 'company') === null).toBe(person.crm === undefined);
    expect(at(customer, 'cart') === null).toBe(person.webshop === undefined);
  });

  test('an unknown customer is null, without an error', async () => {
    const { status, data, errors } = await gateway.query(ONE_CUSTOMER, {
      by: { email: 'nobody@example.nl' },
    });
    expect({ status, data, errors }).toEqual({ status: 200, data: { customer: null }, errors: [] });
  });

  test('a customer by an address that two people share is null', async () => {
    const { status, data, errors } = await gateway.query(ONE_CUSTOMER, {
      by: { email: 'Shared@example.nl' },
    });
    expect(status).toBe(200);
    expect(data).toEqual({ customer: null });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({
      path: ['customer'],
      extensions: { code: 'AMBIGUOUS_IDENTITY', source: 'order-system', candidateCount: 2 },
    });
    expect(JSON.stringify(errors)).not.toMatch(/Hendrik|Sietske|shared@/i);
  });

  test('a customer by an address that two people share is null even without a field of the system with both', async () => {
    const { data, errors } = await gateway.query(
      '{ customer(by: {email: "shared@example.nl"}) { company { name } } }',
    );
    expect(data).toEqual({ customer: null });
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['AMBIGUOUS_IDENTITY']);
  });
});

describe('the identifiers of a customer', () => {
  test.each([
    'everywhere@example.nl',
    'shop-only@example.nl',
    'crm-only@example.nl',
    'customer-2@example.nl',
  ])('every identifier of %s finds the same customer', async (email) => {
    const keys = keysOf(email);
    const answers = await Promise.all(
      keys.map((by) => gateway.query(`query($by: CustomerKey!) { customer(by: $by) ${WHO} }`, { by })),
    );
    expect(keys.length).toBeGreaterThanOrEqual(3);
    for (const { data, errors } of answers) {
      expect(errors).toEqual([]);
      expect(data).toEqual(answers[0]?.data);
    }
    const id = textAt(answers[0]?.data, 'customer', 'id');
    expect(id).toMatch(/^[\w-]{40,}$/);
    const { data, errors } = await gateway.query(`query($by: CustomerKey!) { customer(by: $by) ${WHO} }`, {
      by: { id },
    });
    expect({ data, errors }).toEqual({ data: answers[0]?.data, errors: [] });
  });

  test.each(['', 'everywhere@example.nl', 'K000123', '45EyAWmy-iZEE3OSnPuwnnFvHW2guwedtTRsXGvRdkoBLZxjH4A'])(
    'an id that the gateway did not issue is refused: %s',
    async (id) => {
      const { data, errors } = await gateway.query(
        'query($by: CustomerKey!) { customer(by: $by) { name } }',
        {
          by: { id },
        },
      );
      expect(data).toEqual({ customer: null });
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
    },
  );

  test('the id differs for each customer and contains no value of a system', async () => {
    const people = world.people.filter(({ email }) => email.startsWith('customer-'));
    const { data } = await gateway.query('query($by: [CustomerKey!]!) { customers(by: $by) { id } }', {
      by: people.map(({ email }) => ({ email })),
    });
    const ids = listAt(data, 'customers').map((customer) => textAt(customer, 'id'));
    expect(new Set(ids).size).toBe(people.length);
    for (const [i, id] of ids.entries()) {
      const decoded = Buffer.from(id, 'base64url').toString('latin1');
      for (const { email, ...value } of keysOf(people[i]?.email ?? '')) {
        for (const text of [email, ...Object.values(value)].filter((value) => value !== undefined))
          expect(`${id} ${decoded}`.includes(text.trim())).toBe(false);
      }
    }
  });

  test('the id is the same in every gateway with the same secret, and differs with another secret', async () => {
    const send = async (secret: string): Promise<unknown> => {
      const other = createTestGateway({ ...directSettings(FOUR_SYSTEMS), ID_SECRET: secret });
      const { data } = await other.query('{ customer(by: {email: "everywhere@example.nl"}) { id } }');
      await other.close();
      return at(data, 'customer', 'id');
    };
    const [item, same, another] = await Promise.all([
      send('one secret of sixteen'),
      send('one secret of sixteen'),
      send('another secret of sixteen'),
    ]);
    expect(item).toBe(same);
    expect(item).not.toBe(another);
  });

  test('a phone number finds its customer in every common notation', async () => {
    const { phone } = personOf(EVERYWHERE);
    const national = `0${phone.slice(3)}`;
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { id name } }',
      {
        by: [{ email: EVERYWHERE }, { phone }, { phone: national }, { phone: `00${phone.slice(1)}` }],
      },
    );
    expect(errors).toEqual([]);
    const [byEmail, ...byPhone] = listAt(data, 'customers');
    expect(byPhone).toEqual([byEmail, byEmail, byEmail]);
  });
});

describe('many customers at once', () => {
  test('are returned in the requested order, with each null and error at its index', async () => {
    const { status, data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { name } }',
      {
        by: [
          { email: 'customer-3@example.nl' },
          { email: 'nobody@example.nl' },
          { email: 'no address' },
          { email: 'shared@example.nl' },
          { customerNumber: 'anonymous' },
          { email: 'customer-1@example.nl' },
          { email: 'customer-3@example.nl' },
          { phone: '12' },
        ],
      },
    );
    const name = (email: string) => ({ name: `${personOf(email).firstName} ${personOf(email).lastName}` });
    expect(status).toBe(200);
    expect(data).toEqual({
      customers: [
        name('customer-3@example.nl'),
        null,
        null,
        null,
        null,
        name('customer-1@example.nl'),
        name('customer-3@example.nl'),
        null,
      ],
    });
    expect(
      errors
        .map(({ path, extensions }) => [...(path ?? []), extensions.code])
        .sort((a, b) => Number(a[1]) - Number(b[1])),
    ).toEqual([
      ['customers', 2, 'BAD_USER_INPUT'],
      ['customers', 3, 'AMBIGUOUS_IDENTITY'],
      ['customers', 4, 'BAD_USER_INPUT'],
      ['customers', 7, 'BAD_USER_INPUT'],
    ]);
    expect(JSON.stringify(errors)).not.toContain('no address');
  });

  test('are an empty list for an empty list of keys', async () => {
    const { data, errors } = await gateway.query('{ customers(by: []) { name } }');
    expect({ data, errors }).toEqual({ data: { customers: [] }, errors: [] });
  });

  test('are refused above MAX_CUSTOMERS, and accepted at that number', async () => {
    const small = createTestGateway({ ...directSettings(FOUR_SYSTEMS), MAX_CUSTOMERS: '3' });
    const send = (count: number) =>
      small.query('query($by: [CustomerKey!]!) { customers(by: $by) { name } }', {
        by: Array.from({ length: count }, () => ({ email: EVERYWHERE })),
      });
    const [enough, tooMany] = await Promise.all([send(3), send(4)]);
    await small.close();
    expect(enough.errors).toEqual([]);
    expect(listAt(enough.data, 'customers')).toHaveLength(3);
    expect(tooMany.errors.map(({ extensions }) => extensions.code)).toEqual(['LIMIT_EXCEEDED']);
    expect(tooMany.data).toEqual({ customers: null });
  });
});

describe('a key that is not exactly one identifier', () => {
  const refusals = new Set(['BAD_USER_INPUT', 'GRAPHQL_VALIDATION_FAILED']);

  async function expectRefused(query: string, variables: Record<string, unknown> = {}): Promise<void> {
    const { data, errors } = await gateway.query(query, variables);
    expect(data?.customer ?? null).toBeNull();
    expect(errors.length).toBeGreaterThan(0);
    for (const { extensions } of errors) expect(refusals).toContain(extensions.code);
  }

  test.each([
    '{}',
    'null',
    '{email: null}',
    '{email: "a@example.nl", customerNumber: "K1"}',
    '{email: "a@example.nl", phone: null}',
    '{fax: "12"}',
  ])('is refused as the literal %s', async (literal) => {
    await expectRefused(`{ customer(by: ${literal}) { name } }`);
  });

  test.each([
    [{}],
    [{ email: null }],
    [{ email: EVERYWHERE, customerNumber: 'K000001' }],
    [{ email: EVERYWHERE, phone: null }],
    [null],
    [{ fax: '12' }],
  ])('is refused as the variable %j', async (by) => {
    await expectRefused('query($by: CustomerKey!) { customer(by: $by) { name } }', { by });
  });

  test('is refused if one of its values is a variable without a value', async () => {
    await expectRefused(
      'query($email: String!, $number: String!) { customer(by: {email: $email, customerNumber: $number}) { name } }',
      { email: EVERYWHERE },
    );
    await expectRefused(
      'query($email: String, $number: String) { customer(by: {email: $email, customerNumber: $number}) { name } }',
      { email: EVERYWHERE },
    );
  });
});
