import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject } from 'vitest';
import { orderSystem } from '../../sources/order-system/index.js';
import { startOrderSystem, type OrderSystemStandIn } from '../../sources/order-system/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person } from '../../sources/stand-ins/world.js';
import { encodeCursor } from '../../src/connection.js';
import { listAt } from '../support/read.js';
import { describeSource } from './source-contract.js';
import type { SystemState } from './source-subject.js';

const world = createWorld({ customers: inject('customers') });
const { ORDER_SYSTEM_TEST_URL: connectionString } = process.env;

function person(email: string): Person & { orderSystem: NonNullable<Person['orderSystem']> } {
  const found = world.people.find((person) => person.email === email);
  if (found?.orderSystem === undefined) throw new Error(`The order system does not know ${email}.`);
  return { ...found, orderSystem: found.orderSystem };
}

const seven = person('customer-7@example.nl');
const company = person('company@example.nl');
const single = person('single-device@example.nl');
const many = person('many-orders@example.nl');
const known = (person: Person) => ({ customer: { bornOn: person.birthDate } });
const by = (key: object, fields = 'bornOn') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
  variables: { by: key },
});
const noCustomer = { customer: null };
const ordinary = world.people.filter(
  ({ email, orderSystem }) => email.startsWith('customer-') && orderSystem !== undefined,
);
const ordersOf = (person: Person) =>
  (person.orderSystem?.orders ?? []).toSorted(
    (a, b) => Date.parse(b.placedAt) - Date.parse(a.placedAt) || (a.number < b.number ? 1 : -1),
  );
/** Writes a time like PostgreSQL. */
const databaseMoment = (moment: string) =>
  new Date(moment)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.?0*Z$/, '+00');
const [hundredth] = ordersOf(many).slice(99);
if (hundredth === undefined) throw new Error('many-orders@example.nl has too few orders.');

describe('the order system', () => {
  let standIn: OrderSystemStandIn;
  let owner: pg.Client;
  let other: pg.Client;
  beforeAll(async () => {
    standIn = await startOrderSystem(world, connectionString === undefined ? {} : { connectionString });
    [owner, other] = [1, 2].map(() => new pg.Client({ connectionString: standIn.ownerUrl })) as [
      pg.Client,
      pg.Client,
    ];
    await Promise.all([owner.connect(), other.connect()]);
  });
  afterAll(async () => {
    await Promise.all([owner.end(), other.end()]);
    await standIn.close();
  });
  const environment = () => standIn.settings(standIn.url);
  /** The role of the gateway in the database. */
  const reader = () => new URL(environment()['ORDER_SYSTEM_URL'] ?? '').username;
  /** Creates a fault: a state of a separate database that its owner begins and ends. */
  const state = (
    description: string,
    begin: string | (() => string),
    end: string | (() => string),
  ): SystemState => ({
    description,
    enter: async () => {
      await owner.query(typeof begin === 'string' ? begin : begin());
      return {
        environment: environment(),
        end: async () => {
          await owner.query(typeof end === 'string' ? end : end());
        },
      };
    },
  });

  describeSource({
    source: orderSystem,
    found: {
      'the customer number': {
        ...by({ customerNumber: seven.orderSystem.customerNumber }),
        data: known(seven),
      },
      'an e-mail address': { ...by({ email: 'CUSTOMER-7@example.nl' }), data: known(seven) },
      'a phone number': { ...by({ phone: seven.phone }), data: known(seven) },
      'a device': {
        ...by({ visitorId: single.orderSystem.devices[0]?.visitorId }),
        data: known(single),
      },
      'a KvK number': { ...by({ kvkNumber: company.orderSystem.business?.kvkNumber }), data: known(company) },
      'a VAT number': { ...by({ vatNumber: company.orderSystem.business?.vatNumber }), data: known(company) },
    },
    unknown: {
      'a customer number': { ...by({ customerNumber: 'K999999' }), data: noCustomer },
      'an e-mail address': { ...by({ email: 'nobody@example.nl' }), data: noCustomer },
      'a phone number': { ...by({ phone: '+31687654321' }), data: noCustomer },
      'a device': { ...by({ visitorId: '8f14e45f-ceea-467f-a3bd-0000000fffff' }), data: noCustomer },
      'a KvK number': { ...by({ kvkNumber: '99999998' }), data: noCustomer },
      'a VAT number': { ...by({ vatNumber: 'NL804376438B01' }), data: noCustomer },
    },
    batches: {
      // The calls are identification, a search for other customers with the same addresses, the orders, and their
      // lines.
      'all customers by number': {
        query:
          'query($by: [CustomerKey!]!) { customers(by: $by) { orders(first: 100) { nodes { number lines { lineNumber } } } } }',
        variables: {
          by: ordinary.map(({ orderSystem }) => ({ customerNumber: orderSystem?.customerNumber })),
        },
        calls: 4,
        expectData: (data) => {
          expect(listAt(data, 'customers')).toEqual(
            ordinary.map((person) => ({
              orders: {
                nodes: ordersOf(person).map(({ number, lines }) => ({
                  number,
                  lines: lines.map(({ lineNumber }) => ({ lineNumber })),
                })),
              },
            })),
          );
        },
      },
    },
    pages: {
      query: `query($by: CustomerKey!, $after: String) { customer(by: $by) {
        orders(first: 100, after: $after) { nodes { number } } newest: orders(first: 100) { nodes { number } } } }`,
      variables: {
        by: { customerNumber: many.orderSystem.customerNumber },
        after: encodeCursor('Customer.orders', [databaseMoment(hundredth.placedAt), hundredth.number]),
      },
      data: {
        customer: {
          newest: {
            nodes: ordersOf(many)
              .slice(0, 100)
              .map(({ number }) => ({ number })),
          },
          orders: {
            nodes: ordersOf(many)
              .slice(100, 200)
              .map(({ number }) => ({ number })),
          },
        },
      },
      // The calls are identification, a search for other customers with the same address, and both pages in one
      // statement.
      calls: 3,
    },
    operation: by({ customerNumber: seven.orderSystem.customerNumber }, 'bornOn becameCustomerAt'),
    wrongCredentials: state(
      'its login is disabled',
      () => `ALTER ROLE ${reader()} NOLOGIN`,
      () => `ALTER ROLE ${reader()} LOGIN`,
    ),
    byAnyText: Object.fromEntries(
      ['customerNumber', 'email', 'phone', 'visitorId', 'kvkNumber', 'vatNumber'].map((key) => [
        key,
        (text: string) => ({ ...by({ [key]: text }), nothing: noCustomer }),
      ]),
    ),
    nonHttp: {
      protocol: 'over SQL',
      garbage: {
        description: 'bytes that are not a message of the protocol end the connection for any query',
        code: 'SOURCE_UNAVAILABLE',
      },
      rateLimit: state(
        'a database has no headers, and limits the connections of one login',
        () => `ALTER ROLE ${reader()} CONNECTION LIMIT 0`,
        () => `ALTER ROLE ${reader()} CONNECTION LIMIT -1`,
      ),
      mismatches: [
        {
          ...state(
            'a column has the type text',
            `ALTER TABLE customers ALTER email_verified TYPE text USING 'jan@example.nl'`,
            'ALTER TABLE customers ALTER email_verified TYPE boolean USING true',
          ),
          place: 'email_verified',
          value: 'jan@example.nl',
        },
        {
          ...state(
            'a time has no time zone',
            'ALTER TABLE customers ALTER created_at TYPE timestamp',
            `ALTER TABLE customers ALTER created_at TYPE timestamptz USING created_at AT TIME ZONE 'UTC'`,
          ),
          place: 'created_at',
          value: seven.createdAt.slice(0, 10),
        },
      ],
      partial: {
        ...state(
          'a statement succeeds or fails as a whole, so a part is one statement of several',
          'ALTER TABLE payments RENAME TO old_payments',
          'ALTER TABLE old_payments RENAME TO payments',
        ),
        query: `query($by: [CustomerKey!]!) { customers(by: $by) {
          orders(first: 1) { nodes { number payments { method } } } } }`,
        variables: {
          by: [{ customerNumber: seven.orderSystem.customerNumber }, { customerNumber: 'K999999' }],
        },
        data: {
          customers: [{ orders: { nodes: [{ number: ordersOf(seven)[0]?.number, payments: null }] } }, null],
        },
        errors: [{ path: ['customers', 0, 'orders', 'nodes', 0, 'payments'], code: 'SOURCE_CONTRACT' }],
      },
      endless: {
        ...state(
          'another client has locked the table, and the gateway cancels the query at the server',
          'BEGIN; LOCK TABLE customers IN ACCESS EXCLUSIVE MODE',
          'ROLLBACK',
        ),
        isAtWork: async () => {
          const { rowCount } = await other.query(
            `SELECT FROM pg_stat_activity WHERE usename = $1 AND state = 'active'`,
            [reader()],
          );
          return (rowCount ?? 0) > 0;
        },
      },
    },
  });
});
