import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInputObjectType } from 'graphql';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../../src/errors.js';
import type { GatewayOptions } from '../../src/gateway.js';
import { createDigests } from '../../src/privacy/suppression.js';
import { fakeClock } from '../support/clock.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, type Answer, type TestGateway } from '../support/gateway.js';
import { listAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';

const SECRET = 'a secret of the tests';
const EMAIL = 'everywhere@example.nl';
const CUSTOMER_QUERY =
  'query ($by: CustomerKey!) { customer(by: $by) { name orders(first: 1) { nodes { number } } } }';

const control = await faultControl();
let folder: string;
let file: string;
const opened: TestGateway[] = [];

function openGateway(options: Partial<GatewayOptions> = {}, environment = {}): TestGateway {
  const gateway = createTestGateway(
    {
      ...control.settings,
      SUPPRESSION_FILE: file,
      DEADLINE_MS: '30000',
      CLICKSTREAM_TIMEOUT_MS: '20000',
      ...environment,
    },
    options,
  );
  opened.push(gateway);
  return gateway;
}

async function queryCustomer(gateway: TestGateway, query: string, by: object, headers = {}): Promise<Answer> {
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables: { by } }),
  });
  return (await response.json()) as Answer;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-suppression-'));
  file = join(folder, 'suppressed');
  writeFileSync(file, '');
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
  await control.heal();
  rmSync(folder, { recursive: true });
});
afterAll(() => control.close());

/** Returns every key that finds the customer. */
async function keysOf(gateway: TestGateway, email: string): Promise<Record<string, string>[]> {
  // On a busy machine, the first answer may be late.
  const data = await vi.waitFor(
    async () => {
      const answer = await queryCustomer(
        gateway,
        'query ($by: CustomerKey!) { customer(by: $by) { id identifiers { namespace value } } }',
        { email },
      );
      expect(answer.errors).toBeUndefined();
      return answer.data;
    },
    { timeout: 15_000 },
  );
  const key = gateway.schema.getType('CustomerKey');
  if (!isInputObjectType(key)) throw new Error('The schema has no CustomerKey.');
  const lookupNames = new Set(Object.keys(key.getFields()));
  const { id } = (data as { customer: { id: string } }).customer;
  const identifiers = listAt(data, 'customer', 'identifiers') as { namespace: string; value: string }[];
  return [
    { id },
    ...identifiers
      .filter(({ namespace }) => lookupNames.has(namespace))
      .map(({ namespace, value }) => ({ [namespace]: value })),
  ];
}

const callsOf = () => Object.values(control.counters()).reduce((sum, { calls }) => sum + calls, 0);

describe('a suppressed customer', () => {
  test('is hidden under all identifiers of all systems, with the error ERASED', async () => {
    const gateway = openGateway();
    const keys = await keysOf(gateway, EMAIL);
    expect(keys.length).toBeGreaterThan(8);
    const shown: unknown[] = [];
    for (const by of keys) shown.push((await queryCustomer(gateway, CUSTOMER_QUERY, by)).data?.customer);
    await gateway.forget({ identifier: { namespace: 'email', value: EMAIL }, suppress: true });
    for (const [i, by] of keys.entries()) {
      const { data, errors } = await queryCustomer(gateway, CUSTOMER_QUERY, by);
      // An identifier that was ambiguous or unknown before may remain so. No customer is shown.
      expect(data, JSON.stringify(by)).toEqual({ customer: null });
      if (shown[i] != null) expect(errors.map(({ extensions }) => extensions.code)).toEqual(['ERASED']);
    }
    expect(shown.filter((item) => item != null).length).toBeGreaterThan(8);
  });

  test('is answered without a call to a system if the requested identifier is on the list', async () => {
    const gateway = openGateway();
    await gateway.forget({ identifier: { namespace: 'email', value: EMAIL }, suppress: true });
    const before = callsOf();
    const { errors } = await queryCustomer(gateway, CUSTOMER_QUERY, { email: EMAIL });
    expect(errors[0]?.extensions.code).toBe('ERASED');
    expect(callsOf()).toBe(before);
  });

  test('is recognised by one identifier on the list, even if another one is requested', async () => {
    const clock = fakeClock();
    const gateway = openGateway({ clock });
    const keys = await keysOf(gateway, EMAIL);
    const number = keys.find((by) => 'customerNumber' in by)?.['customerNumber'] ?? '';
    const { mark, of } = createDigests(SECRET);
    appendFileSync(file, `${mark}\n${of({ namespace: 'customerNumber', value: number })}\n`);
    clock.advance(1_000);
    for (const by of [{ email: EMAIL }, ...keys.filter((key) => 'shopifyCustomerId' in key)]) {
      const { data, errors } = await queryCustomer(gateway, CUSTOMER_QUERY, by);
      expect(data).toEqual({ customer: null });
      expect(errors.map(({ extensions }) => extensions.code)).toContain('ERASED');
    }
  });

  test('is null in a list of customers, and the other customers are shown', async () => {
    const gateway = openGateway();
    await gateway.forget({ identifier: { namespace: 'email', value: EMAIL }, suppress: true });
    const response = await gateway.query('query ($by: [CustomerKey!]!) { customers(by: $by) { name } }', {
      by: [{ email: 'customer-7@example.nl' }, { email: EMAIL }, { email: 'shop-only@example.nl' }],
    });
    expect(response.data).toEqual({
      customers: [{ name: expect.any(String) as string }, null, { name: expect.any(String) as string }],
    });
    expect(response.errors).toMatchObject([{ path: ['customers', 1], extensions: { code: 'ERASED' } }]);
  });

  test('is hidden from identify, including the ids of the records', async () => {
    const gateway = openGateway();
    await gateway.forget({ identifier: { namespace: 'email', value: EMAIL }, suppress: true });
    const { data, errors } = await queryCustomer(
      gateway,
      'query ($by: CustomerKey!) { identify(by: $by) { ... on IdentifiedCustomer { identifiers { value } } ... on AmbiguousIdentifier { hints { name } } } }',
      { email: EMAIL },
    );
    expect(data).toEqual({ identify: null });
    expect(errors[0]?.extensions.code).toBe('ERASED');
  });

  test('is shown to an operator as before, but to no other role', async () => {
    const gateway = openGateway({}, CALLER_SETTINGS);
    await gateway.forget({ identifier: { namespace: 'email', value: EMAIL }, suppress: true });
    const shown = await queryCustomer(gateway, CUSTOMER_QUERY, { email: EMAIL }, await headersOf('operator'));
    expect(shown.errors).toBeUndefined();
    expect(shown.data?.customer).toMatchObject({ name: expect.any(String) as string });
    for (const role of ['analyst', 'campaign'] as const) {
      const { data, errors } = await queryCustomer(
        gateway,
        CUSTOMER_QUERY,
        { email: EMAIL },
        await headersOf(role),
      );
      expect(data).toEqual({ customer: null });
      expect(errors[0]?.extensions.code).toBe('ERASED');
    }
  });

  test('stays suppressed after a restart, and while systems are unavailable', async () => {
    const first = openGateway();
    await first.forget({ identifier: { namespace: 'email', value: EMAIL }, suppress: true });
    await control.set('order-system', { fault: 'down' });
    const second = openGateway();
    const { data, errors } = await queryCustomer(second, CUSTOMER_QUERY, { email: EMAIL });
    expect(data).toEqual({ customer: null });
    expect(errors[0]?.extensions.code).toBe('ERASED');
  });

  test('causes no further call for other customers', async () => {
    const gateway = openGateway();
    await gateway.forget({ identifier: { namespace: 'email', value: EMAIL }, suppress: true });
    for (let i = 1; i <= 20; i += 1) {
      const { errors } = await queryCustomer(gateway, CUSTOMER_QUERY, { email: `customer-${i}@example.nl` });
      expect(JSON.stringify([errors])).not.toContain('ERASED');
    }
  });

  test('cannot be one of several customers of an ambiguous identifier', async () => {
    const gateway = openGateway();
    await expect(
      gateway.forget({ identifier: { namespace: 'email', value: 'shared@example.nl' }, suppress: true }),
    ).rejects.toMatchObject({ code: 'AMBIGUOUS_IDENTITY' });
    expect(readFileSync(file, 'utf8')).toBe('');
  });
});

describe('the suppression list in a file', () => {
  test('contains no readable data of a person', async () => {
    const gateway = openGateway();
    const { customer } = await gateway.forget({
      identifier: { namespace: 'email', value: EMAIL },
      suppress: true,
    });
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^key:[\w-]{43}\n([\w-]{43}\n){5,}$/);
    expect(customer?.identifiers.length).toBeGreaterThan(5);
    for (const { value } of customer?.identifiers ?? []) expect(text).not.toContain(value);
  });

  test('takes effect one second after another process has written to it, without a restart', async () => {
    const clock = fakeClock();
    const gateway = openGateway({ clock });
    expect((await queryCustomer(gateway, CUSTOMER_QUERY, { email: EMAIL })).data?.customer).not.toBeNull();
    const { mark, of } = createDigests(SECRET);
    appendFileSync(file, `${mark}\n${of({ namespace: 'email', value: EMAIL })}\n`);
    clock.advance(1_000);
    expect((await queryCustomer(gateway, CUSTOMER_QUERY, { email: EMAIL })).errors[0]?.extensions.code).toBe(
      'ERASED',
    );
    // A customer who was added by mistake is shown again.
    writeFileSync(file, `${mark}\n`);
    clock.advance(1_000);
    expect((await queryCustomer(gateway, CUSTOMER_QUERY, { email: EMAIL })).data?.customer).not.toBeNull();
  });

  test('remains in effect if the file disappears, is emptied, or is replaced by one with another secret', async () => {
    const clock = fakeClock();
    const gateway = openGateway({ clock });
    await gateway.forget({ identifier: { namespace: 'email', value: EMAIL }, suppress: true });
    for (const damage of [
      () => {
        writeFileSync(file, '');
      },
      () => {
        writeFileSync(file, `${createDigests('another secret of the tests').mark}\n`);
      },
      () => {
        rmSync(file);
      },
    ]) {
      damage();
      clock.advance(1_000);
      expect(
        (await queryCustomer(gateway, CUSTOMER_QUERY, { email: EMAIL })).errors[0]?.extensions.code,
      ).toBe('ERASED');
    }
  });

  test('prevents the start of the gateway if it is missing, or was written with another secret', () => {
    const { mark, of } = createDigests('another secret of the tests');
    writeFileSync(file, `${mark}\n${of({ namespace: 'email', value: EMAIL })}\n`);
    expect(() => openGateway()).toThrow(ConfigError);
    rmSync(file);
    expect(() => openGateway()).toThrow(/SUPPRESSION_FILE cannot be read \(ENOENT\)/);
  });

  test('begins a new line after a partial line of an interrupted write', async () => {
    const { mark, of } = createDigests(SECRET);
    writeFileSync(file, `${mark}\n${of({ namespace: 'email', value: 'x@example.nl' }).slice(0, 20)}`);
    const gateway = openGateway();
    const { customer } = await gateway.forget({
      identifier: { namespace: 'email', value: EMAIL },
      suppress: true,
    });
    const lines = readFileSync(file, 'utf8').split('\n');
    // Without the line break, the first digest would be appended to the partial line.
    expect(customer?.exclusive.length).toBeGreaterThan(5);
    for (const identifier of customer?.exclusive ?? []) expect(lines).toContain(of(identifier));
  });
});

test('no customer can be suppressed without a list, and the error names the settings', async () => {
  const gateway = openGateway({}, { SUPPRESSION_FILE: '' });
  await expect(
    gateway.forget({ identifier: { namespace: 'email', value: EMAIL }, suppress: true }),
  ).rejects.toThrow('set SUPPRESSION_FILE or REDIS_URL');
});
