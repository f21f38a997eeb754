import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { orderSystem } from '../../sources/order-system/index.js';
import {
  customersByEmail,
  customersByKvkNumber,
  customersByNumber,
  customersByPhone,
  customersByVatNumber,
  customersByVisitorId,
} from '../../sources/order-system/loaders.js';
import { isSameCustomer, type OrderSystemCustomer } from '../../sources/order-system/mapping.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person } from '../../sources/stand-ins/world.js';
import type { SqlClient } from '../../src/connectors/sql/client.js';
import { open, type Opened } from '../connectors/contract.js';
import { directSettings } from '../support/stand-ins.js';

const world = createWorld({ customers: inject('customers') });
const settings = { ORDER_SYSTEM_URL: directSettings().ORDER_SYSTEM_URL };

function person(email: string): Person {
  const found = world.people.find((person) => person.email === email);
  if (found === undefined) throw new Error(`The seed data has no person with ${email}.`);
  return found;
}

function numberOf(email: string): string | undefined {
  return person(email).orderSystem?.customerNumber;
}

describe('the order system as a source of identities', () => {
  let client: Opened<SqlClient>;
  beforeAll(() => {
    client = open<SqlClient>(orderSystem.connector, settings);
  });
  afterAll(() => client.close());

  async function find(
    loader: typeof customersByEmail,
    keys: readonly string[],
  ): Promise<(readonly OrderSystemCustomer[])[]> {
    return (await loader.load(keys, client)).map((records) => {
      if (records instanceof Error) throw records;
      return records;
    });
  }

  async function numbers(loader: typeof customersByEmail, keys: readonly string[]): Promise<Set<string>[]> {
    return (await find(loader, keys)).map((records) => new Set(records.map(({ id }) => id)));
  }

  /** Returns the two records that an identifier finds. */
  async function two(
    loader: typeof customersByEmail,
    key: string,
  ): Promise<[OrderSystemCustomer, OrderSystemCustomer]> {
    const [[first, second, ...more] = []] = await find(loader, [key]);
    if (first === undefined || second === undefined || more.length > 0)
      throw new Error(`${key} does not find two records.`);
    return [first, second];
  }

  it('returns the identifiers of a customer, and marks the verified ones', async () => {
    const { address, orderSystem, ...eva } = person('everywhere@example.nl');
    const [[record] = []] = await find(customersByEmail, ['everywhere@example.nl']);
    expect(record).toEqual({
      id: orderSystem?.customerNumber,
      identifiers: [
        {
          namespace: 'email',
          value: expect.stringMatching(/^everywhere@example.nl$/i) as string,
          verified: true,
        },
        { namespace: 'phone', value: eva.phone, verified: false },
        { namespace: 'kvkNumber', value: null },
        { namespace: 'vatNumber', value: null },
      ],
      profile: {
        name: 'Eva van der Meer',
        birthDate: '1984-03-09',
        address: {
          street: address.street,
          houseNumber: address.houseNumber,
          postcode: expect.stringMatching(/^\d{4} ?[A-Z]{2}$/) as string,
          city: address.city,
          country: 'NL',
        },
        updatedAt: new Date(orderSystem?.updatedAt ?? 0).toISOString(),
      },
      becameCustomerAt: new Date(eva.createdAt).toISOString(),
      lastName: 'van der Meer',
    });
  });

  it('returns every customer who logged in on a device, and none for devices without customers', async () => {
    const device = (end: string): string => `8f14e45f-ceea-467f-a3bd-00000000${end}`;
    const [a, b] = [numberOf('device-a@example.nl'), numberOf('device-b@example.nl')];
    expect(
      await numbers(customersByVisitorId, [
        device('d0d0'),
        'none',
        device('d0d1'),
        device('d0d2'),
        device('d0d0'),
      ]),
    ).toEqual([
      new Set([a, b]),
      new Set(),
      new Set([a]),
      new Set([numberOf('single-device@example.nl')]),
      new Set([a, b]),
    ]);
    const [[record] = []] = await find(customersByEmail, ['device-a@example.nl']);
    expect(record?.identifiers.filter(({ namespace }) => namespace === 'visitorId')).toEqual([
      { namespace: 'visitorId', value: device('d0d0') },
      { namespace: 'visitorId', value: device('d0d1') },
    ]);
  });

  it('finds a company by its numbers, with leading zeros, and by its name', async () => {
    const orderSystemPart = person('company@example.nl').orderSystem;
    const { kvkNumber = '', vatNumber = '', companyName } = orderSystemPart?.business ?? {};
    expect(await numbers(customersByKvkNumber, [kvkNumber, kvkNumber.replace(/^0/, '')])).toEqual([
      new Set([orderSystemPart?.customerNumber]),
      new Set(),
    ]);
    const [[record] = []] = await find(customersByVatNumber, [vatNumber]);
    expect(record).toMatchObject({ id: orderSystemPart?.customerNumber, profile: { name: companyName } });
    expect(record?.identifiers).toEqual(
      expect.arrayContaining([
        { namespace: 'kvkNumber', value: kvkNumber },
        { namespace: 'vatNumber', value: vatNumber },
      ]),
    );
  });

  it.each([
    ['number', customersByNumber, 'customers_pkey'],
    ['address', customersByEmail, 'customers_email'],
    ['phone', customersByPhone, 'customers_phone'],
    ['device', customersByVisitorId, 'customer_devices_visitor_id'],
    ['KvK number', customersByKvkNumber, 'customers_kvk_no'],
    ['VAT number', customersByVatNumber, 'customers_vat_no'],
  ])('uses an index when it is queried by %s', async (_, loader, index) => {
    let text = '';
    await loader.load(['x'], {
      ...client,
      rows: (__, statement) => {
        text = statement;
        return Promise.resolve([]);
      },
    });
    const reader = new pg.Client({ connectionString: settings.ORDER_SYSTEM_URL });
    await reader.connect();
    // Without this, PostgreSQL reads a small table completely.
    await reader.query('SET enable_seqscan = off');
    const { rows } = await reader.query<object>(`EXPLAIN (FORMAT JSON) ${text}`, [['x']]);
    await reader.end();
    expect(JSON.stringify(rows)).toContain(`"${index}"`);
    expect(JSON.stringify(rows)).not.toContain('Seq Scan');
  });

  it.each([
    ['two records with the same last name and birth date', 'two-accounts@example.nl', true],
    ['two people who share an address', 'shared@example.nl', false],
  ])('decides whether %s are the same customer', async (_, email, isOne) => {
    const [first, second] = await two(customersByEmail, email);
    expect(isSameCustomer(first, second)).toBe(isOne);
    expect(isSameCustomer(second, first)).toBe(isOne);
  });

  it('links two records by a phone only if both have verified it', async () => {
    const [first, second] = await two(customersByPhone, person('household-1@example.nl').phone);
    const verified = ({ identifiers, ...record }: OrderSystemCustomer): OrderSystemCustomer => ({
      ...record,
      identifiers: identifiers.map((held) => ({ ...held, verified: held.namespace === 'phone' })),
    });
    expect(isSameCustomer(first, second)).toBe(false);
    expect(isSameCustomer(verified(first), second)).toBe(false);
    expect(isSameCustomer(verified(first), verified(second))).toBe(true);
    const [[customer] = []] = await find(customersByEmail, ['verified-phone@example.nl']);
    expect(customer?.identifiers).toContainEqual({
      namespace: 'phone',
      value: person('verified-phone-shop@example.nl').phone,
      verified: true,
    });
  });

  it('treats two organisations as two customers, even if the same person buys for both', () => {
    const of = (kvkNumber: string | null): OrderSystemCustomer => ({
      id: `K${kvkNumber ?? ''}`,
      identifiers: [
        { namespace: 'phone', value: '+31612345678', verified: true },
        { namespace: 'kvkNumber', value: kvkNumber },
      ],
      profile: { birthDate: '1980-01-01' },
      becameCustomerAt: '2020-01-01T00:00:00.000Z',
      lastName: 'Jansen',
    });
    expect(isSameCustomer(of('68750110'), of('69599084'))).toBe(false);
    expect(isSameCustomer(of('68750110'), of(null))).toBe(false);
    expect(isSameCustomer(of('68750110'), of('68750110'))).toBe(true);
    expect(isSameCustomer(of(null), of(null))).toBe(true);
  });

  it('does not treat two missing last names or birth dates as equal', () => {
    const record = (lastName: string | null, birthDate: string | null): OrderSystemCustomer => ({
      id: 'K1',
      identifiers: [],
      profile: { birthDate },
      becameCustomerAt: '2020-01-01T00:00:00.000Z',
      lastName,
    });
    for (const [lastName, birthDate] of [
      [null, '1980-01-01'],
      [' ', '1980-01-01'],
      ['Jansen', null],
    ] as const)
      expect(isSameCustomer(record(lastName, birthDate), record(lastName, birthDate))).toBe(false);
    expect(isSameCustomer(record(' JANSEN', '1980-01-01'), record('Jansen', '1980-01-01'))).toBe(true);
  });
});
