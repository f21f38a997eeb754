import fc from 'fast-check';
import { parse, validate } from 'graphql';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Role } from '../../src/context/caller.js';
import { ROLES } from '../../src/context/roles.js';
import { createCostPlanner } from '../../src/operation/cost.js';
import { operationIn } from '../../src/selections.js';
import { exampleOperations } from '../../src/http/graphiql/page.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { readCosts } from '../../src/stitching/costs.js';
import { readSdl } from '../../src/stitching/sdl.js';
import { CALLER_SETTINGS, headersOf, KEY_ROLES, visitorToken } from '../support/callers.js';
import { createTestGateway, DEMO_OPERATIONS, type TestGateway } from '../support/gateway.js';
import { generateOperations } from '../support/operations.js';
import { at } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';
import { runCount } from '../support/thorough.js';

const control = await faultControl();
const settings = {
  ...control.settings,
  ...CALLER_SETTINGS,
  DEADLINE_MS: '30000',
  CLICKSTREAM_TIMEOUT_MS: '20000',
  IDENTITY_PATIENCE_MS: '20000',
  AUDIT_FILE: '/dev/null',
};
const opened: TestGateway[] = [];
function open(more: Record<string, string> = {}): TestGateway {
  const testGateway = createTestGateway({ ...settings, ...more }, { operations: DEMO_OPERATIONS });
  opened.push(testGateway);
  return testGateway;
}
const gateway = open();
afterAll(async () => {
  await Promise.all(opened.map((gateway) => gateway.close()));
  await control.close();
});
beforeEach(() => control.heal());

const calls = () => Object.values(control.counters()).reduce((total, counter) => total + counter.calls, 0);

interface CostResponse {
  status: number;
  headers: Headers;
  data: Record<string, unknown> | null | undefined;
  errors: { message: string; extensions: Record<string, unknown> }[];
  cost: { requested: number; actual: number; limit: number; remaining: number } | undefined;
}

async function send(headers: Record<string, string>, body: object, target = gateway): Promise<CostResponse> {
  const response = await target.fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...headers,
    },
    body: JSON.stringify(body),
  });
  const result = (await response.json()) as {
    data?: CostResponse['data'];
    errors?: CostResponse['errors'];
    extensions?: { cost?: CostResponse['cost'] };
  };
  return {
    status: response.status,
    headers: response.headers,
    data: result.data,
    errors: result.errors ?? [],
    cost: result.extensions?.cost,
  };
}

const emails = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ email: `customer-${i + 1}@example.nl` }));

describe('an operation that costs more than its caller may spend', () => {
  const planner = createCostPlanner(gateway.schema, readCosts(readSdl(gateway.sources, {}, [])));
  const candidates = fc
    .sample(
      generateOperations(gateway.schema, {
        maxDepth: 9,
        maxFields: 4,
        pages: [1, 100, 100],
        customers: emails(1_000),
        customer: { email: 'everywhere@example.nl' },
      }),
      { numRuns: runCount(1_500), seed: 6 },
    )
    .filter(({ query }) => query.length < 60_000)
    .map((madeUp) => ({ ...madeUp, document: parse(madeUp.query) }))
    .filter(({ document }) => validate(gateway.schema, document).length === 0)
    .flatMap((item) => {
      const parts = operationIn(item.document);
      if (parts === undefined) return [];
      return [{ ...item, cost: planner(parts, Object.keys(item.variables))(item.variables).requested }];
    })
    .toSorted((a, b) => b.cost - a.cost)
    .slice(0, runCount(50));

  test('is refused before any call with its cost in the error, for expensive generated operations', async () => {
    // The operations are valid, so only their cost is refused.
    const wide = open({ MAX_ALIASES: '10000', MAX_TOKENS: '100000', MAX_BODY_KB: '1000' });
    const shapes = candidates.map(({ query }) => query).join(' ');
    for (const part of ['customers(', 'first: 100', 'fragment F', '... on ']) expect(shapes).toContain(part);
    const refusals = new Map<string, number>();
    for (const { query, variables, cost } of candidates) {
      for (const role of ['analyst', 'campaign', 'operator'] as const) {
        const { maxCost, costPerMinute } = ROLES[role];
        const most = Math.min(maxCost, costPerMinute);
        expect(cost, 'the generator must find expensive operations').toBeGreaterThan(most);
        const { status, data, errors } = await send(await headersOf(role), { query, variables }, wide);
        expect(status).toBe(400);
        expect(data ?? null).toBeNull();
        expect(errors).toHaveLength(1);
        expect(errors[0]?.extensions.code).toBe('LIMIT_EXCEEDED');
        expect(errors[0]?.message).toContain(
          `The operation may cost ${cost} points; ${most} are allowed, so it is ${cost - most} too many.`,
        );
        expect(errors[0]?.message).not.toContain('example.nl');
        refusals.set(role, (refusals.get(role) ?? 0) + 1);
      }
    }
    const all = runCount(50);
    expect(Object.fromEntries(refusals)).toEqual({ analyst: all, campaign: all, operator: all });
    expect(calls()).toBe(0);
  });

  test('is refused if a visitor increases the cost of a persisted operation by its variables', async () => {
    const orders = readPersistedOperations(DEMO_OPERATIONS).find(({ name }) => name === 'MyOrders');
    const { status, errors } = await send(await headersOf('visitor'), {
      documentId: orders?.documentId,
      variables: { first: 100 },
    });
    expect(status).toBe(400);
    expect(errors[0]?.message).toMatch(/may cost \d+ points; 2000 are allowed, so it is \d+ too many/);
    expect(errors[0]?.message).toContain('orders');
    expect(calls()).toBe(0);
  });
});

/** Whether the operation is a subscription. test/webhooks/subscriptions.test.ts tests their cost. */
function isSubscription(document: string): boolean {
  return /^subscription\b/m.test(document);
}

const persisted = readPersistedOperations(DEMO_OPERATIONS).filter(
  ({ document }) => !isSubscription(document),
);

describe('the persisted operations and example queries stay within the cost limits', () => {
  for (const { name, query } of exampleOperations().filter((operation) => !isSubscription(operation.query)))
    for (const role of ['analyst', 'operator'] as const)
      test(`${name} for the ${role}`, async () => {
        const { errors, cost } = await send(await headersOf(role), { query });
        expect(errors.filter(({ extensions }) => extensions.code === 'LIMIT_EXCEEDED')).toEqual([]);
        expect(cost?.limit).toBe(ROLES[role].maxCost);
        expect(cost?.actual).toBeLessThanOrEqual(cost?.requested ?? 0);
      });

  const everybody = ['visitor', ...KEY_ROLES] as const;
  const meantFor: Record<string, { roles: readonly Role[]; variables?: object }> = {
    CustomerCard: {
      roles: ['operator', 'analyst', 'frontend'],
      variables: { by: { email: 'everywhere@example.nl' } },
    },
    PageView: {
      roles: ['frontend', 'operator', 'analyst'],
      variables: { by: { email: 'everywhere@example.nl' } },
    },
    Profiles: { roles: ['campaign', 'operator'], variables: { by: emails(1_000) } },
    MyAccount: { roles: ['visitor'] },
    MyCart: { roles: ['visitor'] },
    MyInvoices: { roles: ['visitor'] },
    MyOrders: { roles: ['visitor'] },
    MyTickets: { roles: ['visitor'] },
  };

  test('every persisted operation has a role in this test', () => {
    expect(persisted.map(({ name }) => name).toSorted()).toEqual(Object.keys(meantFor).toSorted());
    expect(
      everybody.filter((role) => Object.values(meantFor).some(({ roles }) => roles.includes(role))),
    ).toEqual(everybody);
  });

  for (const { name, documentId } of persisted)
    for (const role of meantFor[name]?.roles ?? [])
      test(`${name} for the ${role}`, async () => {
        const { variables = {} } = meantFor[name] ?? {};
        const { status, data, errors } = await send(await headersOf(role), { documentId, variables });
        expect(errors.filter(({ extensions }) => extensions.code === 'LIMIT_EXCEEDED')).toEqual([]);
        expect(status).toBe(200);
        expect(at(data, Object.keys(data ?? {})[0] ?? '')).not.toBeNull();
      });
});

describe('the actual cost of an operation', () => {
  const operations = generateOperations(gateway.schema, {
    maxDepth: 5,
    maxFields: 3,
    pages: [1, 3, 10],
    customers: emails(3),
    customer: { email: 'everywhere@example.nl' },
  });

  test('is reported in the response, and never exceeds the estimate, for any operation', async () => {
    const headers = await headersOf('operator');
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(operations, async (madeUp) => {
        fc.pre(validate(gateway.schema, parse(madeUp.query)).length === 0);
        const { data, cost, errors } = await send(headers, madeUp);
        if (data == null) {
          expect(errors).not.toEqual([]);
          return;
        }
        answered++;
        expect(cost).toMatchObject({ limit: ROLES.operator.maxCost });
        expect(cost?.actual).toBeGreaterThan(0);
        expect(cost?.actual).toBeLessThanOrEqual(cost?.requested ?? 0);
      }),
      { numRuns: runCount(60) },
    );
    expect(answered).toBeGreaterThan(runCount(20));
  }, 60_000);

  test('is lower for a customer with fewer records, and lowest for an unknown customer', async () => {
    const query =
      'query ($e: String!) { customer(by: {email: $e}) { orders(first: 50) { nodes { number } } } }';
    const headers = await headersOf('operator');
    const [much, nothing] = await Promise.all(
      ['everywhere@example.nl', 'nobody-at-all@example.nl'].map((e) =>
        send(headers, { query, variables: { e } }),
      ),
    );
    expect(much?.cost?.requested).toBe(nothing?.cost?.requested);
    expect(nothing?.cost?.actual).toBeLessThan(much?.cost?.actual ?? 0);
  });

  test('is reported to callers who may send any operation, and without authentication if the request includes the header', async () => {
    const by = { email: 'everywhere@example.nl' };
    const card = readPersistedOperations(DEMO_OPERATIONS).find(
      ({ name }) => name === 'CustomerCard',
    )?.documentId;
    const persisted = { documentId: card, variables: { by } };
    expect((await send(await headersOf('frontend'), persisted)).cost).toBeUndefined();
    expect((await send(await headersOf('operator'), persisted)).cost).toBeDefined();
    const nobodys = createTestGateway(control.settings, { operations: DEMO_OPERATIONS });
    opened.push(nobodys);
    const query = '{ customer(by: {email: "everywhere@example.nl"}) { id } }';
    expect((await send({}, { query }, nobodys)).cost).toBeUndefined();
    expect((await send({ 'x-sources': '1' }, { query }, nobodys)).cost).toMatchObject({ actual: 5 });
  });
});

// Each test spends the budget of a whole minute with single requests.
describe('the cost budget of a caller for a minute', { timeout: 60_000 }, () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-05-04T10:00:12.300Z') });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const ids = new Map(
    readPersistedOperations(DEMO_OPERATIONS).map(({ name, documentId }) => [name, documentId]),
  );
  const orders = { documentId: ids.get('MyOrders'), variables: { first: 20 } };

  /** Sends a request until it is refused. Returns the number of successful responses and the refusal. */
  async function spend(
    headers: Record<string, string>,
    body: object,
    target: TestGateway,
  ): Promise<{ answered: number; refusal: CostResponse }> {
    for (let answered = 0; answered < 2_000; answered++) {
      const result = await send(headers, body, target);
      if (result.status !== 200) return { answered, refusal: result };
    }
    throw new Error('No request was refused.');
  }

  test('refuses further requests with status 429 and the seconds until the next minute, which has a new budget', async () => {
    const counted = open();
    const headers = { authorization: `Bearer ${await visitorToken('customer-3@example.nl')}` };
    const { answered, refusal } = await spend(headers, orders, counted);
    expect(answered).toBeGreaterThan(3);
    expect(refusal.status).toBe(429);
    expect(refusal.headers.get('retry-after')).toBe('48');
    expect(refusal.errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED', retryAfter: 48 } }]);
    const [, points, spent, most, over] =
      /may cost (\d+) points. The caller has spent (\d+) of its (\d+) points a minute, so it is (\d+) too many/.exec(
        refusal.errors[0]?.message ?? '',
      ) ?? [];
    expect(Number(most)).toBe(ROLES.visitor.costPerMinute);
    expect(Number(points) + Number(spent) - Number(most)).toBe(Number(over));
    expect(Number(over)).toBeGreaterThan(0);

    await control.heal();
    vi.setSystemTime(new Date('2026-05-04T10:00:59.999Z'));
    expect((await send(headers, orders, counted)).headers.get('retry-after')).toBe('1');
    expect(calls()).toBe(0);
    vi.setSystemTime(new Date('2026-05-04T10:01:00.000Z'));
    expect((await send(headers, orders, counted)).status).toBe(200);
  });

  test('is shared by all tokens of a visitor', async () => {
    const counted = open();
    const headers = async (email: string, jti: string) => ({
      authorization: `Bearer ${await visitorToken(email, { jti })}`,
    });
    await spend(await headers('customer-3@example.nl', 'first'), orders, counted);
    expect((await send(await headers('customer-3@example.nl', 'second'), orders, counted)).status).toBe(429);
    expect((await send(await headers('Customer-3@EXAMPLE.nl', 'third'), orders, counted)).status).toBe(429);
    expect((await send(await headers('customer-4@example.nl', 'other'), orders, counted)).status).toBe(200);
    expect((await send(await headersOf('operator'), { query: '{ __typename }' }, counted)).status).toBe(200);
  });

  test('counts the actual cost of an operation, not its estimate', async () => {
    const counted = open();
    const query =
      '{ customer(by: {email: "nobody-at-all@example.nl"}) { orders(first: 100) { nodes { number } } } }';
    const headers = await headersOf('analyst');
    const left = ROLES.analyst.costPerMinute;
    const first = await send(headers, { query }, counted);
    expect(first.cost?.remaining).toBe(left - (first.cost?.actual ?? 0));
    const second = await send(headers, { query }, counted);
    expect(second.cost?.remaining).toBe(left - 2 * (first.cost?.actual ?? 0));
  });

  test('is not reduced by refused operations', async () => {
    const counted = open();
    const headers = await headersOf('analyst');
    const tooMuch = {
      query:
        'query ($by: [CustomerKey!]!) { customers(by: $by) { orders(first: 100) { nodes { number } } } }',
      variables: { by: emails(1_000) },
    };
    for (let i = 0; i < 5; i++) expect((await send(headers, tooMuch, counted)).status).toBe(400);
    const mixed = { query: '{ __schema { types { name } } customer(by: {email: "a@example.nl"}) { name } }' };
    for (let i = 0; i < 5; i++) expect((await send(headers, mixed, counted)).status).toBe(400);
    const last = await send(
      headers,
      { query: '{ customer(by: {email: "nobody-at-all@example.nl"}) { name } }' },
      counted,
    );
    expect(last.cost?.remaining).toBe(ROLES.analyst.costPerMinute - (last.cost?.actual ?? 0));
  });
});

describe('an operation that exceeds a limit has an error with its size', () => {
  const repeated = (times: number, text: (i: number) => string): string =>
    Array.from({ length: times }, (_, i) => text(i)).join(' ');
  const cases: [string, string, string][] = [
    [
      'in depth',
      `${'{ a '.repeat(23)}${'}'.repeat(23)}`,
      'Fields may be nested at most 20 levels deep; these are 23, which is 3 too many.',
    ],
    [
      'in brackets',
      `{ a(b: ${'['.repeat(90)}${']'.repeat(90)}) }`,
      'Brackets may be nested at most 80 deep; these are 92, which is 12 too many.',
    ],
    [
      'in aliases, which are counted for each use of a fragment',
      `{ ...F ...F ...F } fragment F on Query { ${repeated(40, (i) => `a${i}: __typename`)} }`,
      'An operation may have at most 100 aliases, including those in fragments; this one has 120, which is 20 too many.',
    ],
    [
      'in directives',
      `{ __typename ${'@x '.repeat(1_100)} }`,
      'A document may have at most 100 directives; this one has 1100, which is 1000 too many.',
    ],
    [
      'in tokens',
      `{ ${'a '.repeat(9_998)}}`,
      'A document may have at most 5000 tokens; this one has more by character 10001 of 19999.',
    ],
  ];
  test.each(cases)('%s', async (_, query, message) => {
    const { status, errors } = await send(await headersOf('operator'), { query });
    expect(status).toBe(400);
    expect(errors).toMatchObject([{ message, extensions: { code: 'LIMIT_EXCEEDED' } }]);
    expect(calls()).toBe(0);
  });
});
