import { afterAll, describe, expect, test } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import { SourceTimeoutError } from '../../src/errors.js';
import { defineLoader, idNamespace, type Customer, type CustomerRecord } from '../../src/index.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { at } from '../support/read.js';
import { localSource } from '../support/local-source.js';

const opened: TestGateway[] = [];
afterAll(() => Promise.all(opened.map((gateway) => gateway.close())));

/** A gateway over local sources. Each returns its record by e-mail address, or fails. */
function gatewayOver(records: Record<string, CustomerRecord | Error | null>): TestGateway {
  const items = Object.entries(records).map(([name, record]) => {
    const loader = defineLoader<Client, string, readonly CustomerRecord[]>({
      name: 'customers',
      load: (values) =>
        Promise.resolve(
          values.map(() => (record instanceof Error ? record : record === null ? [] : [record])),
        ),
    });
    return localSource(name, {
      namespaces: [idNamespace(`${name}Id`, 'An id.', /^\w+$/)],
      identity: {
        recordKey: `${name}Id`,
        foundBy: {
          email: { uniqueness: 'enforced', loader },
          [`${name}Id`]: { uniqueness: 'enforced', loader },
        },
        yields: { email: 'several', phone: 'shown' },
      },
      resolvers: {
        Customer: {
          [`${name}Key`]: (customer: Customer) => customer.identifier(`${name}Id`),
          [`${name}Other`]: (customer: Customer) => customer.identifier('aSystemThatIsNotPluggedIn'),
        },
      },
    });
  });
  const gateway = createTestGateway(
    Object.fromEntries(items.flatMap(({ environment }) => Object.entries(environment))),
    {
      sources: items.map(({ source }) => source),
      sdl: Object.fromEntries(
        Object.keys(records).map((name) => [
          name,
          `type Customer @foundBy(identifier: "${name}Id") @personalData(category: NONE) { ${name}Key: ID ${name}Other: ID }`,
        ]),
      ),
    },
  );
  opened.push(gateway);
  return gateway;
}

const queryCustomer = (gateway: TestGateway, fields: string) =>
  gateway.query(`{ customer(by: {email: "eva@example.nl"}) { ${fields} } }`);

const down = (source: string) => new SourceTimeoutError(source, `${source} did not answer in time.`);

describe('the name', () => {
  test.each<[string, Record<string, CustomerRecord | Error | null>, string | null]>([
    [
      'is the name in the first system that has one',
      {
        a: { id: '1', identifiers: [], profile: { name: 'Eva A' } },
        b: { id: '2', identifiers: [], profile: { name: 'Eva B' } },
      },
      'Eva A',
    ],
    [
      'is the name in another source if it is empty in the first',
      {
        a: { id: '1', identifiers: [], profile: { name: '' } },
        b: { id: '2', identifiers: [], profile: { name: 'Eva B' } },
      },
      'Eva B',
    ],
    [
      'is the name in another source if the first has none',
      { a: { id: '1', identifiers: [] }, b: { id: '2', identifiers: [], profile: { name: 'Eva B' } } },
      'Eva B',
    ],
    [
      'is the name in another source if the first fails',
      { a: down('a'), b: { id: '2', identifiers: [], profile: { name: 'Eva B' } } },
      'Eva B',
    ],
    [
      'is null if no system has one',
      { a: { id: '1', identifiers: [], profile: { name: null } }, b: null },
      null,
    ],
  ])('%s', async (_, records, expected) => {
    const { data, errors } = await queryCustomer(gatewayOver(records), 'name');
    expect(errors).toEqual([]);
    expect(data).toEqual({ customer: { name: expected } });
  });
});

describe('the addresses', () => {
  const email = (value: string | null, verified?: boolean) => ({
    namespace: 'email',
    value,
    ...(verified === undefined ? {} : { verified }),
  });
  const phone = (value: string) => ({ namespace: 'phone', value });

  test('are normalised, listed once for each system, and valid', async () => {
    const gateway = gatewayOver({
      a: {
        id: '1',
        identifiers: [
          email('Eva@Example.NL', true),
          email('eva@example.nl'),
          email(null),
          email('unknown'),
          email('info@example.nl'),
          phone('06-12345678'),
          phone('+31612345678'),
          phone('112'),
        ],
      },
      b: { id: '2', identifiers: [email('eva@example.nl'), phone('0031 6 1234 5678')] },
    });
    const { data, errors } = await queryCustomer(
      gateway,
      'emails { value source isVerified } phones { value source isVerified }',
    );
    expect(errors).toEqual([]);
    expect(data).toEqual({
      customer: {
        emails: [
          { value: 'eva@example.nl', source: 'A', isVerified: true },
          { value: 'info@example.nl', source: 'A', isVerified: false },
          { value: 'eva@example.nl', source: 'B', isVerified: false },
        ],
        phones: [
          { value: '+31612345678', source: 'A', isVerified: false },
          { value: '+31612345678', source: 'B', isVerified: false },
        ],
      },
    });
  });

  test('are an empty list if no system has one', async () => {
    const { data, errors } = await queryCustomer(
      gatewayOver({ a: { id: '1', identifiers: [] } }),
      'emails { value } phones { value }',
    );
    expect({ data, errors }).toEqual({ data: { customer: { emails: [], phones: [] } }, errors: [] });
  });
});

describe('the id', () => {
  const b: CustomerRecord = { id: '2', identifiers: [] };

  test('is based on the record of the first system that knows the customer', async () => {
    const idOf = async (records: Record<string, CustomerRecord | null>) =>
      at((await queryCustomer(gatewayOver(records), 'id')).data, 'customer', 'id');
    const byA = await idOf({ a: { id: '1', identifiers: [] }, b });
    expect(byA).toBe(await idOf({ a: { id: '1', identifiers: [] }, b: null }));
    expect(byA).not.toBe(await idOf({ a: null, b }));
    expect(byA).not.toBe(await idOf({ a: { id: '2', identifiers: [] }, b }));
    // The same number in another system is another customer.
    expect(await idOf({ a: { id: '2', identifiers: [] }, b: null })).not.toBe(await idOf({ a: null, b }));
  });

  test('is null with an error if an earlier system fails, and not based on a later system', async () => {
    const { data, errors } = await queryCustomer(gatewayOver({ a: down('a'), b }), 'id name bKey');
    expect(data).toEqual({ customer: { id: null, name: null, bKey: '2' } });
    expect(errors.map(({ path, extensions }) => [path, extensions.code, extensions.source])).toEqual([
      [['customer', 'id'], 'SOURCE_TIMEOUT', 'a'],
      [['customer', 'name'], 'SOURCE_TIMEOUT', 'a'],
    ]);
  });
});

describe('the identifiers that a source can read of a customer', () => {
  test('its own identifier of the customer, which is null for an unknown customer', async () => {
    const gateway = gatewayOver({ a: null, b: { id: '2', identifiers: [] } });
    const { data, errors } = await queryCustomer(gateway, 'aKey bKey systems { source status }');
    expect(errors).toEqual([]);
    expect(data).toEqual({
      customer: {
        aKey: null,
        bKey: '2',
        systems: [
          { source: 'A', status: 'UNKNOWN' },
          { source: 'B', status: 'KNOWN' },
        ],
      },
    });
  });

  test('an identifier of a system that is not plugged in, which is null', async () => {
    const { data, errors } = await queryCustomer(gatewayOver({ a: { id: '1', identifiers: [] } }), 'aOther');
    expect({ data, errors }).toEqual({ data: { customer: { aOther: null } }, errors: [] });
  });

  test('an identifier of a source that fails, which is the error of that source', async () => {
    const { data, errors } = await queryCustomer(
      gatewayOver({ a: down('a'), b: { id: '2', identifiers: [] } }),
      'aKey bKey',
    );
    expect(data).toEqual({ customer: { aKey: null, bKey: '2' } });
    expect(errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['customer', 'aKey'], 'SOURCE_TIMEOUT'],
    ]);
  });
});
