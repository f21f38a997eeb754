import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { getOperationAST, OperationTypeNode, parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { Role } from '../../src/context/caller.js';
import type { Purpose } from '../../src/customer/schema.generated.js';
import { exampleOperations } from '../../src/http/graphiql/page.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { fakeClock, type FakeClock } from '../support/clock.js';
import { decorateOperations } from '../support/decorate-operations.js';
import { createTestGateway, DEMO_OPERATIONS, type Answer, type TestGateway } from '../support/gateway.js';
import { generateOperations } from '../support/operations.js';
import { directSettings, faultControl } from '../support/stand-ins.js';
import { everyNth, runCount } from '../support/thorough.js';
import { ONE_CUSTOMER } from './queries.js';

/** Tests that planned and interpreted execution return the same response, for any operation and caller. */

interface Both {
  planned: TestGateway;
  interpreted: TestGateway;
  clock: FakeClock;
}

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-execution-'));
const opened: TestGateway[] = [];
const SETTINGS = {
  // The deadline is longer than any answer takes, so that the speed of systems does not affect the response.
  ...{ DEADLINE_MS: '30000', IDENTITY_PATIENCE_MS: '20000', CLICKSTREAM_TIMEOUT_MS: '20000' },
  ...{ MAX_ALIASES: '10000', MAX_DIRECTIVES: '10000', MAX_TOKENS: '100000' },
};

function openBoth(environment: Record<string, string | undefined>): Both {
  const clock = fakeClock();
  const open = (execution: string): TestGateway => {
    const gateway = createTestGateway(
      {
        ...environment,
        ...SETTINGS,
        EXECUTION: execution,
        AUDIT_FILE: join(folder, `${opened.length}.jsonl`),
      },
      { clock, operations: DEMO_OPERATIONS },
    );
    opened.push(gateway);
    return gateway;
  };
  return { planned: open('planned'), interpreted: open('interpreted'), clock };
}

// Before the first gateway, whose budgets take this Date.
vi.useFakeTimers({ toFake: ['Date'] });
const calm = openBoth({ ...directSettings(), ...CALLER_SETTINGS });
let control: FaultControl;
beforeAll(async () => {
  control = await faultControl();
});
afterAll(async () => {
  vi.useRealTimers();
  for (const gateway of opened) await gateway.close();
  await control.close();
  rmSync(folder, { recursive: true });
});

/** Replaces the times of calls, because they differ between two executions. */
function comparable({ status, data, errors, extensions }: Answer) {
  const messages = errors.map((error) =>
    JSON.stringify({ ...error, extensions: { ...error.extensions, requestId: '' } }),
  );
  return { status, data: withoutMoments(data), errors: messages.sort(), extensions };
}

const startedAt = Date.now();

function withoutMoments(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMoments);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutMoments(item)]));
  const isNow =
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) && Date.parse(value) >= startedAt;
  return isNow ? 'during this test' : value;
}

async function expectSame(
  { planned, interpreted }: Both,
  query: string,
  variables: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  // Both executions spend the budget of the same minute, and each operation begins with a full budget.
  vi.setSystemTime(Date.now() + 60_000);
  const [first, second] = await Promise.all([
    planned.query(query, variables, headers),
    interpreted.query(query, variables, headers),
  ]);
  expect(comparable(first)).toEqual(comparable(second));
  return first;
}

const isQuery = (document: string) => getOperationAST(parse(document))?.operation === OperationTypeNode.QUERY;
const examples = exampleOperations().filter(({ query }) => isQuery(query));
const persisted = readPersistedOperations(DEMO_OPERATIONS)
  .map(({ name, document }) => ({ name, query: document }))
  .filter(({ query }) => isQuery(query));

const EMAIL = 'everywhere@example.nl';
function variablesOf(query: string): Record<string, unknown> {
  if (query.includes('$by: [CustomerKey'))
    return { by: [{ email: EMAIL }, { email: 'nobody@example.nl' }, { email: 'customer-3@example.nl' }] };
  return query.includes('$by: CustomerKey') ? { by: { email: EMAIL } } : {};
}

const CALLERS: { role: Role; purpose: Purpose }[] = [
  { role: 'operator', purpose: 'CUSTOMER_CARE' },
  { role: 'analyst', purpose: 'ANALYTICS' },
  { role: 'campaign', purpose: 'MARKETING' },
  { role: 'frontend', purpose: 'PERSONALISATION' },
  { role: 'visitor', purpose: 'SERVICE' },
];

const REFUSED = 'GRAPHQL_VALIDATION_FAILED';

describe('planned and interpreted execution return the same response', () => {
  for (const { name, query } of [...examples, ...persisted])
    test(`${name}, for callers of each role`, async () => {
      // In another minute, no call waits for the rate limit of its system, which the operations before have used.
      calm.clock.advance(60_000);
      for (const { role, purpose } of CALLERS)
        await expectSame(calm, query, variablesOf(query), await headersOf(role, { purpose }));
    });

  test('and each begins with a full budget', async () => {
    const remaining = async () => {
      const { extensions } = await expectSame(
        calm,
        `{ customer(by: { email: "${EMAIL}" }) { id } }`,
        {},
        await headersOf('operator', { purpose: 'CUSTOMER_CARE' }),
      );
      return extensions;
    };
    expect(await remaining()).toEqual(await remaining());
  });

  const systems = [
    'order-system',
    'webshop',
    'contact-centre',
    'crm-hubspot',
    'clickstream',
    'kvk',
    'invoices',
  ];
  const faulty = systems.flatMap((source, i) =>
    everyNth(['down', 'garbage'] as const, 2, i).map((fault) => ({ source, fault })),
  );
  test.each(faulty)('all of them while $source has the fault $fault', async ({ source, fault }) => {
    await control.set(source, { fault });
    const gateways = openBoth(control.settings);
    for (const { query } of everyNth([...examples, ...persisted], 3)) {
      await expectSame(gateways, query, variablesOf(query));
      // With a frozen clock, a rate limit never allows further calls.
      gateways.clock.advance(10_000);
    }
    await control.heal();
  });

  test('random operations from the schema: aliases, fragments, directives, valid and invalid variables', async () => {
    const gateways = openBoth(directSettings());
    const operations = decorateOperations(
      gateways.planned.schema,
      generateOperations(gateways.planned.schema, {
        maxDepth: 6,
        maxFields: 3,
        pages: [1, 2],
        customers: [{ email: EMAIL }, { email: 'customer-5@example.nl' }],
        customer: { email: EMAIL },
      }),
      undefined,
      { DateTime: ['"2024-01-01T00:00:00Z"'], Int: ['2', '-1'], ID: ['"1"'] },
    );
    const seen = { answered: 0, refused: 0, failed: 0 };
    await fc.assert(
      fc.asyncProperty(operations, async ({ query, variables }) => {
        const { data, errors } = await expectSame(gateways, query, variables);
        seen[data == null ? 'refused' : errors.length > 0 ? 'failed' : 'answered'] += 1;
      }),
      { numRuns: runCount(60) },
    );
    expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(0);
  }, 60_000);

  test.each([
    [
      'two identifiers in a variable',
      'BAD_USER_INPUT',
      '($by: CustomerKey!) { customer(by: $by) { id } }',
      { by: { email: EMAIL, id: 'x' } },
    ],
    ['two identifiers', REFUSED, '{ customer(by: { email: "a@example.nl", id: "x" }) { id } }', {}],
    [
      'two identifiers, one in a variable',
      REFUSED,
      '($id: ID!) { customer(by: { email: "a@example.nl", id: $id }) { id } }',
      { id: 'x' },
    ],
    [
      'an identifier that is null',
      'BAD_USER_INPUT',
      '($by: CustomerKey!) { customer(by: $by) { id } }',
      { by: { email: null } },
    ],
    [
      'an omitted identifier',
      'BAD_USER_INPUT',
      '($email: String!) { customer(by: { email: $email }) { id } }',
      {},
    ],
  ])('for an operation that is refused because of %s', async (_label, code, query, variables) => {
    const { data, errors } = await expectSame(
      calm,
      `query ${query}`,
      variables,
      await headersOf('operator', { purpose: 'SERVICE' }),
    );
    expect(data ?? null).toBeNull();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual([code]);
  });

  test('an identifier in a variable within the key', async () => {
    const query = `query ($email: String) { customer(by: { email: $email }) { id name } }`;
    const headers = await headersOf('operator', { purpose: 'SERVICE' });
    const { data } = await expectSame(calm, query, { email: EMAIL }, headers);
    expect(data).toMatchObject({ customer: { name: 'Eva van der Meer' } });
    expect((await expectSame(calm, query, {}, headers)).errors).not.toEqual([]);
  });

  test("the query to a GraphQL system depends on the caller's aliases, arguments and fragments", async () => {
    await expectSame(
      calm,
      `query ($by: CustomerKey!, $first: Int = 2, $on: Boolean!) {
        one: customer(by: $by) { ...Shop cart_total: cart { total { amount } } }
        one_cart: customer(by: $by) { cart { total { currency } } }
        orders: customer(by: $by) { orders(first: $first) { nodes { lines { product { sku title @include(if: $on) } } } } }
      }
      fragment Shop on Customer { cart { lines(first: $first) { nodes { title } } ...Total @skip(if: $on) } }
      fragment Total on Cart { total { currency } }`,
      { by: { email: EMAIL }, on: true },
      await headersOf('operator', { purpose: 'SERVICE' }),
    );
  });

  test('for introspection', async () => {
    const query = '{ __schema { types { name fields { name } } } }';
    await expectSame(calm, query, {}, await headersOf('analyst', { purpose: 'ANALYTICS' }));
  });

  test('with provenance: the same number of calls to the same systems', async () => {
    const gateways = openBoth(directSettings());
    const countCalls = async (gateway: TestGateway) => {
      const { extensions } = await gateway.query(
        ONE_CUSTOMER,
        { by: { email: EMAIL } },
        { 'x-sources': '1' },
      );
      const sources = extensions?.sources as Record<
        string,
        { status: string; calls: number; records: number }
      >;
      return Object.entries(sources).map(([name, { status, calls, records }]) => ({
        name,
        status,
        calls,
        records,
      }));
    };
    expect(await countCalls(gateways.planned)).toEqual(await countCalls(gateways.interpreted));
  });
});
