import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sourceValue } from '../../src/stitching/generated-sdl.js';
import type { ConditionChange } from '../../sources/stand-ins/fault-control.js';
import { fakeClock, type FakeClock } from '../support/clock.js';
import { createTestGateway, patientSources, type Answer, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';
import { MANY_CUSTOMERS, ONE_CUSTOMER, ordinaryCustomers } from './queries.js';

const control = await faultControl([], FOUR_SYSTEMS);
const opened: TestGateway[] = [];

interface ColdGateway {
  environment?: Record<string, string>;
  clock?: FakeClock;
  /** The source with a short timeout, so that the test is fast. */
  faulty?: string;
}

/** Opens a gateway with an empty cache. */
function coldGateway({ environment = {}, clock, faulty }: ColdGateway = {}): TestGateway {
  const gateway = createTestGateway(
    { ...control.settings, ...environment },
    {
      sources: patientSources(faulty === undefined ? {} : { [faulty]: '1 s' }),
      ...(clock === undefined ? {} : { clock }),
    },
  );
  opened.push(gateway);
  return gateway;
}

const by = { email: 'everywhere@example.nl' };
let whole: Answer;
beforeAll(async () => {
  whole = await coldGateway().query(ONE_CUSTOMER, { by });
  expect(whole.errors).toEqual([]);
});
beforeEach(() => control.heal());
// Calls of a gateway after its response must not be counted in the next test.
afterEach(() => Promise.all(opened.splice(0).map((gateway) => gateway.close())));
afterAll(() => control.close());

type Path = (string | number)[];

/** The fields that only one source can resolve. */
const FIELDS_OF: Record<string, (customer: unknown) => Path[]> = {
  'order-system': () => [['orders']],
  webshop: (customer) => [
    ['cart'],
    ...listAt(customer, 'orders', 'nodes').flatMap((order, i) =>
      listAt(order, 'lines').map((_, j): Path => ['orders', 'nodes', i, 'lines', j, 'product', 'title']),
    ),
  ],
  'contact-centre': () => [['openTicketCount']],
  'crm-hubspot': () => [['company']],
};
const SOURCES = Object.keys(FIELDS_OF);

/** The expected answer while a source fails. With an empty cache, that source cannot identify the customer either. */
function expectedWithout(source: string, customer: unknown, isWarm: boolean) {
  const nulls = FIELDS_OF[source]?.(customer) ?? [];
  if (source === 'order-system' && !isWarm) nulls.unshift(['id']);
  const left: unknown = structuredClone(customer);
  for (const path of nulls) {
    const parent = at(left, ...path.slice(0, -1)) as Record<string | number, unknown>;
    parent[path.at(-1) ?? ''] = null;
  }
  if (!isWarm) {
    const emails = listAt(left, 'emails').filter((email) => at(email, 'source') !== sourceValue(source));
    Object.assign(left as object, { emails });
  }
  return { customer: left, nulls };
}

const inOrder = (paths: (Path | undefined)[]): string[] => paths.map((path) => JSON.stringify(path)).sort();

function expectNothingInternal(answer: Answer): void {
  for (const { message, extensions } of answer.errors) {
    const text = JSON.stringify({ message, extensions });
    expect(text).not.toMatch(/127\.0\.0\.1|localhost|:\/\/|postgres|select |@|node_modules|\.[jt]s:\d/i);
    expect(text).not.toMatch(/\bE[A-Z]{4,}\b/);
    const known = ['code', 'source', 'retryable', 'retryAfter'];
    expect(Object.keys(extensions).filter((name) => !known.includes(name))).toEqual([]);
  }
}

interface Expected {
  change: ConditionChange;
  code: string;
  retryable: boolean;
  retryAfter?: number;
}

const unavailable = { code: 'SOURCE_UNAVAILABLE', retryable: true };
const timeout = { code: 'SOURCE_TIMEOUT', retryable: true };
const contract = { code: 'SOURCE_CONTRACT', retryable: false };
const limited = { code: 'SOURCE_RATE_LIMITED', retryable: true };

/** The error of each fault. */
function faultsOf(source: string): Expected[] {
  const isHttp = source !== 'order-system';
  return [
    { change: { fault: 'down' }, ...unavailable },
    { change: { fault: 'hang' }, ...timeout },
    { change: { fault: 'status', status: 500 }, ...unavailable },
    // Data that is not a PostgreSQL message ends the connection. Data that is not JSON does not.
    { change: { fault: 'garbage' }, ...(isHttp ? contract : unavailable) },
    { change: { fault: 'reset' }, ...unavailable },
    // PostgreSQL does not report when it accepts connections again.
    { change: { fault: 'rate-limit' }, ...limited, ...(isHttp ? { retryAfter: 2 } : {}) },
    { change: { fault: 'drip' }, ...timeout },
  ];
}

const cases = SOURCES.flatMap((source) =>
  faultsOf(source).flatMap((expected) =>
    [false, true].map((isWarm) => ({
      ...expected,
      source,
      isWarm,
      fault: expected.change.fault,
      identity: isWarm ? 'warm' : 'cold',
    })),
  ),
);

describe('an outage of one system makes only the fields of that system null', () => {
  test.each(cases)(
    'if $source has the fault $fault and the identification is $identity',
    async ({ source, change, code, retryable, retryAfter, isWarm }) => {
      const clock = fakeClock();
      const gateway = coldGateway({
        clock,
        ...(code === 'SOURCE_TIMEOUT' ? { faulty: source } : {}),
        // A call that waits for a slot waits until the deadline.
        environment: change.fault === 'rate-limit' ? { DEADLINE_MS: '2000' } : {},
      });
      if (isWarm) await gateway.query(ONE_CUSTOMER, { by });
      await control.set(source, change);

      const answer = await gateway.query(ONE_CUSTOMER, { by });

      const { customer, nulls } = expectedWithout(source, whole.data?.customer, isWarm);
      expect(answer.status).toBe(200);
      expect(answer.data).toEqual({ customer });
      expect(inOrder(answer.errors.map(({ path }) => path))).toEqual(
        inOrder(nulls.map((path) => ['customer', ...path])),
      );
      for (const { extensions } of answer.errors)
        expect(extensions).toMatchObject({
          code,
          source,
          retryable,
          ...(retryAfter === undefined ? {} : { retryAfter }),
        });
      expectNothingInternal(answer);

      await control.heal();
      // A system with Retry-After is not called earlier; without the header, the pause is one second.
      if (change.fault === 'rate-limit') clock.advance((retryAfter ?? 1) * 1_000);
      const repaired = await gateway.query(ONE_CUSTOMER, { by });
      expect(repaired.errors).toEqual([]);
      expect(repaired.data).toEqual(whole.data);
    },
  );
});

describe('in a list', () => {
  test.each(SOURCES)(
    'customers lack only the fields of %s, and each error has the index of its customer',
    async (source) => {
      const list = ordinaryCustomers(10);
      const gateway = coldGateway();
      const healthy = await gateway.query(MANY_CUSTOMERS, { by: list });
      expect(healthy.errors).toEqual([]);
      await control.set(source, { fault: 'reset' });
      const answer = await gateway.query(MANY_CUSTOMERS, { by: list });

      const expected = listAt(healthy.data, 'customers').map((customer) =>
        expectedWithout(source, customer, true),
      );
      // The source does not know this customer. "Not found" is cached and remains valid.
      const isKnown = (i: number) =>
        listAt(healthy.data, 'customers', i, 'emails').some(
          (email) => at(email, 'source') === sourceValue(source),
        );
      const paths = expected.flatMap(({ nulls }, i) =>
        nulls
          .filter(([field]) => field === 'orders' || isKnown(i))
          .map((path): Path => ['customers', i, ...path]),
      );
      expect(paths.length).toBeGreaterThan(8);
      expect(inOrder(answer.errors.map(({ path }) => path))).toEqual(inOrder(paths));
      for (const [i, customer] of listAt(answer.data, 'customers').entries()) {
        expect(customer).toEqual(expected[i]?.customer);
      }
    },
  );
});

describe('the identification of a customer', () => {
  test('does not report "not found" while the only system that could know the customer is unavailable', async () => {
    const gateway = coldGateway();
    await control.set('crm-hubspot', { fault: 'down' });
    const answer = await gateway.query(
      '{ customer(by: {hubspotContactId: "51000000001"}) { name } nobody: customer(by: {email: "nobody@example.nl"}) { name } }',
    );
    expect(answer.data).toEqual({ customer: null, nobody: null });
    const failures = answer.errors.map(({ path, extensions }) => [
      path?.join(),
      extensions.code,
      extensions.source,
    ]);
    expect(failures.sort()).toEqual([
      ['customer', 'SOURCE_UNAVAILABLE', 'crm-hubspot'],
      ['nobody', 'SOURCE_UNAVAILABLE', 'crm-hubspot'],
    ]);
    await control.heal();
    const repaired = await gateway.query('{ customer(by: {email: "nobody@example.nl"}) { name } }');
    expect({ data: repaired.data, errors: repaired.errors }).toEqual({
      data: { customer: null },
      errors: [],
    });
  });

  test('reports an unavailable system without an error', async () => {
    await control.set('contact-centre', { fault: 'down' });
    const answer = await coldGateway().query(
      '{ customer(by: {email: "everywhere@example.nl"}) { name phones { source } systems { source status } } }',
    );
    expect(answer.errors).toEqual([]);
    expect(answer.data).toEqual({
      customer: {
        name: 'Eva van der Meer',
        phones: ['ORDER_SYSTEM', 'WEBSHOP', 'CRM_HUBSPOT'].map((source) => ({ source })),
        systems: [
          { source: 'ORDER_SYSTEM', status: 'KNOWN' },
          { source: 'WEBSHOP', status: 'KNOWN' },
          { source: 'CRM_HUBSPOT', status: 'KNOWN' },
          { source: 'CONTACT_CENTRE', status: 'UNAVAILABLE' },
        ],
      },
    });
  });
});

describe('at the deadline', () => {
  test('the response has the data that is available', async () => {
    const gateway = coldGateway({ environment: { DEADLINE_MS: '1000' } });
    await coldGateway().query(ONE_CUSTOMER, { by });
    await gateway.query(ONE_CUSTOMER, { by });
    await control.set('contact-centre', { latencyMs: 5_000 });
    await control.set('webshop', { latencyMs: 5_000 });
    const answer = await gateway.query(ONE_CUSTOMER, { by });
    expect(answer.status).toBe(200);
    const withoutWebshop = expectedWithout('webshop', whole.data?.customer, true);
    const { customer, nulls } = expectedWithout('contact-centre', withoutWebshop.customer, true);
    expect(answer.data).toEqual({ customer });
    expect(inOrder(answer.errors.map(({ path }) => path))).toEqual(
      inOrder([...withoutWebshop.nulls, ...nulls].map((path) => ['customer', ...path])),
    );
    for (const { path, extensions } of answer.errors) {
      const source = path?.[1] === 'openTicketCount' ? 'contact-centre' : 'webshop';
      expect(extensions).toEqual({ code: 'SOURCE_TIMEOUT', source, retryable: true });
    }
    expectNothingInternal(answer);
  });

  test('a customer that no system found in time is null, with an error', async () => {
    const gateway = coldGateway({ environment: { DEADLINE_MS: '100' } });
    for (const source of SOURCES) await control.set(source, { latencyMs: 5_000 });
    const answer = await gateway.query(ONE_CUSTOMER, { by });
    expect(answer.data).toEqual({ customer: null });
    expect(answer.errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['customer'], 'SOURCE_TIMEOUT'],
    ]);
  });
});

describe('a source that hangs', () => {
  test('does not delay a query that does not use it', async () => {
    const gateway = coldGateway();
    await control.set('contact-centre', { fault: 'hang' });
    await control.set('webshop', { fault: 'hang' });
    const { data, errors } = await gateway.query(
      '{ customer(by: {email: "everywhere@example.nl"}) { orders(first: 1) { nodes { number } } company { name } } }',
    );
    expect(errors).toEqual([]);
    expect(at(data, 'customer', 'company')).toEqual(at(whole.data, 'customer', 'company'));
    expect(control.counters()).toMatchObject({ 'contact-centre': { calls: 0 }, webshop: { calls: 0 } });
  });

  test('delays the response by one timeout, not by one for each of its fields', async () => {
    const gateway = coldGateway({ faulty: 'webshop' });
    await gateway.query(ONE_CUSTOMER, { by });
    await control.set('webshop', { fault: 'hang' });
    const before = control.counters()['webshop']?.calls ?? 0;
    const { errors } = await gateway.query(ONE_CUSTOMER, { by });
    expect(errors.length).toBeGreaterThan(3);
    // These are the cart, and the products of all order lines together.
    expect((control.counters()['webshop']?.calls ?? 0) - before).toBe(2);
  });
});
