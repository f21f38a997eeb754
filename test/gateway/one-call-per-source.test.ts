import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person } from '../../sources/stand-ins/world.js';
import { fakeClock, type FakeClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { listAt } from '../support/read.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';
import { MANY_CUSTOMERS, ONE_CUSTOMER, ordinaryCustomers } from './queries.js';

const control = await faultControl([], FOUR_SYSTEMS);
const opened: TestGateway[] = [];

/** Time limits that are longer than any answer takes, so that the calls do not depend on timing. */
const PATIENT = { DEADLINE_MS: '30000', IDENTITY_PATIENCE_MS: '20000' };

/** Opens a gateway with an empty cache. */
function coldGateway(clock = fakeClock()): TestGateway {
  const gateway = createTestGateway({ ...control.settings, ...PATIENT }, { clock });
  opened.push(gateway);
  return gateway;
}

/** Returns the calls to each source since the previous call of this function. */
async function callsSince(): Promise<Record<string, number>> {
  const calls = Object.fromEntries(
    Object.entries(control.counters()).map(([name, counter]) => [name, counter.calls]),
  );
  await control.heal();
  return calls;
}

beforeEach(() => control.heal());
afterAll(async () => {
  await Promise.all(opened.map((gateway) => gateway.close()));
  await control.close();
});

/** The calls to each source for one customer over all systems, by round. */
const ROUNDS = {
  'order-system': ['identification', 'their orders', 'the lines of the orders'],
  webshop: ['identification', 'their carts', 'the products of the lines'],
  'crm-hubspot': ['identification', 'which companies are theirs', 'the companies'],
  'contact-centre': ['identification', 'their tickets'],
};

/** The calls while the identities are cached, which is for a minute. */
const WARM_ROUNDS = Object.fromEntries(
  Object.entries(ROUNDS).map(([source, rounds]) => [
    source,
    rounds.filter((round) => round !== 'identification'),
  ]),
);

const ROUNDS_OF_DEALS = {
  'crm-hubspot': ['identification', 'which deals are theirs', 'the deals'],
  // The CRM may hold several customers under one address, so it is called for each requested address.
  'order-system': ['identification'],
};

const NO_CALLS = { 'order-system': 0, webshop: 0, 'contact-centre': 0, 'crm-hubspot': 0 };

/** Whether the CRM knows the customer. One in ten is unknown to it (sources/stand-ins/README.md). */
const isInCrm = ({ email }: { email: string }): boolean => !/9@/.test(email);

const countOf = (rounds: Record<string, string[]>): Record<string, number> =>
  Object.fromEntries(Object.entries(rounds).map(([source, all]) => [source, all.length]));

describe('each source gets one call in each round', () => {
  test('for one customer', async () => {
    const { errors } = await coldGateway().query(ONE_CUSTOMER, { by: { email: 'everywhere@example.nl' } });
    expect(errors).toEqual([]);
    expect(await callsSince()).toEqual(countOf(ROUNDS));
  });

  test('for fifty customers', async () => {
    const { data, errors } = await coldGateway().query(MANY_CUSTOMERS, { by: ordinaryCustomers(50) });
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers').filter((customer) => customer !== null)).toHaveLength(50);
    expect(await callsSince()).toEqual(countOf(ROUNDS));
  });

  test('for fifty customers who are known to only some systems, or to no system', async () => {
    const by = ['shop-only', 'orders-only', 'crm-only', 'nobody', 'shared'].map((name) => ({
      email: `${name}@example.nl`,
    }));
    const { data } = await coldGateway().query(MANY_CUSTOMERS, { by: [...by, ...ordinaryCustomers(45)] });
    expect(listAt(data, 'customers').filter((customer) => customer === null)).toHaveLength(2);
    expect(await callsSince()).toEqual(countOf(ROUNDS));
  });

  test.each([1, 50])('for the deals of %i customers', async (count) => {
    const { errors } = await coldGateway().query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { deals { nodes { name amount { amount } } } } }',
      { by: ordinaryCustomers(60).filter(isInCrm).slice(0, count) },
    );
    expect(errors).toEqual([]);
    expect(await callsSince()).toEqual({ ...NO_CALLS, ...countOf(ROUNDS_OF_DEALS) });
  });

  test('for the deals of customers, some of them unknown to the CRM by the given address', async () => {
    const { errors } = await coldGateway().query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { deals { nodes { name } } } }',
      { by: ordinaryCustomers(50) },
    );
    expect(errors).toEqual([]);
    // The webshop and the contact centre have no further addresses of these customers.
    expect(await callsSince()).toEqual({ ...NO_CALLS, ...countOf(ROUNDS_OF_DEALS) });
  });

  test('for any number of aliases of one field', async () => {
    const alias = (name: string, email: string) => `${name}: customer(by: {email: "${email}@example.nl"})`;
    const fields = '{ orders { nodes { number } } cart { name } tickets { nodes { id } } }';
    const { errors } = await coldGateway().query(
      `{ ${alias('a', 'customer-1')} ${fields} ${alias('b', 'customer-2')} ${fields} ${alias('c', 'customer-1')} ${fields} }`,
    );
    expect(errors).toEqual([]);
    expect(await callsSince()).toEqual({
      'order-system': 2,
      webshop: 2,
      'contact-centre': 2,
      'crm-hubspot': 1,
    });
  });
});

/** The calls to the CRM. It may know further addresses of a customer, which find further records in other systems. */
const CRM = { 'crm-hubspot': 1 };

describe('a source that a query does not need', () => {
  test.each([
    ['cart { name }', { 'order-system': 1, webshop: 2 }],
    ['tickets { nodes { id } }', { 'order-system': 1, 'contact-centre': 2 }],
    ['jobTitle', { 'order-system': 1, 'crm-hubspot': 1 }],
    ['orders { nodes { number } }', { 'order-system': 2 }],
    ['id', { 'order-system': 1 }],
  ])('is not called for %s', async (field, expected) => {
    const { errors } = await coldGateway().query(
      `{ customer(by: {email: "everywhere@example.nl"}) { ${field} } }`,
    );
    expect(errors).toEqual([]);
    expect(await callsSince()).toEqual({ ...NO_CALLS, ...CRM, ...expected });
  });

  test('is not called for skipped fields', async () => {
    const { data, errors } = await coldGateway().query(
      `query($no: Boolean!) { customer(by: {email: "everywhere@example.nl"}) {
        orders { nodes { number } }
        cart @include(if: $no) { name }
        ... @include(if: $no) { tickets { nodes { id } } }
        company @skip(if: true) { name }
      } }`,
      { no: false },
    );
    expect(errors).toEqual([]);
    expect(Object.keys(data?.customer as object)).toEqual(['orders']);
    expect(await callsSince()).toEqual({ ...NO_CALLS, ...CRM, 'order-system': 2 });
  });

  test('is not called for an identifier that only another source has', async () => {
    const customerNumber = createWorld({ customers: 0 }).people[0]?.orderSystem?.customerNumber;
    const { data, errors } = await coldGateway().query(
      'query($by: CustomerKey!) { customer(by: $by) { becameCustomerAt } }',
      { by: { customerNumber } },
    );
    expect(errors).toEqual([]);
    expect(data?.customer).not.toBeNull();
    // The first call is by the number. The second is by the address, to check that only this customer has it.
    expect(await callsSince()).toEqual({ ...NO_CALLS, ...CRM, 'order-system': 2 });
  });
});

describe('the identification of a customer', () => {
  /** Creates a query for customers that all systems know, or only some systems. */
  const createQuery = (clock: FakeClock, isKnown: (person: Person) => boolean) => {
    const gateway = coldGateway(clock);
    const by = createWorld({ customers: 60 })
      .people.filter(({ email }) => email.startsWith('customer-'))
      .filter(isKnown)
      .slice(0, 40)
      .map(({ email }) => ({ email }));
    return async () => {
      const { errors } = await gateway.query(MANY_CUSTOMERS, { by });
      expect(errors).toEqual([]);
      return callsSince();
    };
  };

  test('is repeated only after a minute', async () => {
    const clock = fakeClock();
    const send = createQuery(clock, ({ orderSystem, webshop, contactCentre, crm }) =>
      [orderSystem, webshop, contactCentre, crm].every((item) => item !== undefined),
    );
    expect(await send()).toEqual(countOf(ROUNDS));
    expect(await send()).toEqual(countOf(WARM_ROUNDS));
    clock.advance(59_000);
    expect(await send()).toEqual(countOf(WARM_ROUNDS));
    clock.advance(2_000);
    expect(await send()).toEqual(countOf(ROUNDS));
  });

  test('is repeated after ten seconds if it found no customer', async () => {
    const clock = fakeClock();
    const send = createQuery(clock, ({ webshop }) => webshop === undefined);
    const { webshop } = await send();
    clock.advance(9_000);
    const warm = await send();
    clock.advance(2_000);
    const later = await send();
    expect(webshop).toBeGreaterThan(warm.webshop ?? NaN);
    expect(later.webshop).toBe((warm.webshop ?? NaN) + 1);
    expect(later['order-system']).toBe(warm['order-system']);
  });

  test('makes one call for a thousand identical concurrent requests', async () => {
    const gateway = coldGateway();
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, () =>
        gateway.query('{ customer(by: {email: "customer-1@example.nl"}) { emails { value } } }'),
      ),
    );
    expect(new Set(answers.map(({ data, errors }) => JSON.stringify({ data, errors }))).size).toBe(1);
    expect(answers[0]?.errors).toEqual([]);
    expect(await callsSince()).toEqual({
      'order-system': 1,
      webshop: 1,
      'contact-centre': 1,
      'crm-hubspot': 1,
    });
  });

  test('calls only for customers of a list that are not cached', async () => {
    const gateway = coldGateway();
    const send = (count: number) =>
      gateway.query('query($by: [CustomerKey!]!) { customers(by: $by) { id } }', {
        by: ordinaryCustomers(count),
      });
    await send(20);
    await control.heal();
    await send(20);
    expect((await callsSince())['order-system']).toBe(0);
    await send(40);
    expect((await callsSince())['order-system']).toBe(1);
  });
});
