import fc from 'fast-check';
import { parse, validate } from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import type { Caller, Role } from '../../src/context/caller.js';
import { ROLES } from '../../src/context/roles.js';
import type { Purpose } from '../../src/customer/schema.generated.js';
import type { Identifier } from '../../src/identity/identifiers.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { fakeClock } from '../support/clock.js';
import { decorateOperations, SPECIAL_NAMES } from '../support/decorate-operations.js';
import { createTestGateway, type Answer, type TestGateway } from '../support/gateway.js';
import { generateOperations, type GeneratedOperation } from '../support/operations.js';
import { directSettings } from '../support/stand-ins.js';
import { removePlaceholders, flattenOperation } from '../support/flatten-operation.js';
import { runCount } from '../support/thorough.js';

/**
 * Plans and the interpreter may have the same defect. So each operation is compared with its flattened form: without
 * fragments, with merged fields, and with evaluated directives.
 */

const EMAIL = 'everywhere@example.nl';
const by = { email: EMAIL };

const SETTINGS = {
  ...directSettings(),
  AUDIT_FILE: '/dev/null',
  // The deadline is longer than any answer takes, so that the speed of systems does not affect the response.
  ...{ DEADLINE_MS: '60000', IDENTITY_PATIENCE_MS: '20000', CLICKSTREAM_TIMEOUT_MS: '20000' },
  ...{ MAX_ALIASES: '10000', MAX_DIRECTIVES: '10000', MAX_TOKENS: '100000' },
};

/** Long timeouts, because the machine may be busy. */
const patient = sources.map((source) => ({
  ...source,
  limits: { ...source.limits, timeout: '60 s' as const },
}));

const clock = fakeClock();
const opened = new Map<string, TestGateway>();
afterAll(async () => {
  for (const gateway of opened.values()) await gateway.close();
});

/** Returns a function that sends operations of a role. The headers are used only if the role may send any operation. */
type Send = (operation: GeneratedOperation, headers: Record<string, string>) => Promise<Answer>;

function gatewayFor(execution: string): TestGateway {
  let gateway = opened.get(execution);
  if (gateway === undefined) {
    gateway = createTestGateway(
      { ...SETTINGS, ...CALLER_SETTINGS, EXECUTION: execution },
      { clock, sources: patient },
    );
    opened.set(execution, gateway);
  }
  return gateway;
}

/** Operations of a role that may send only persisted operations are prepared like persisted ones. */
function sendAs(role: Role, gateway: TestGateway): Send {
  if (ROLES[role].operations === 'any')
    return ({ query, variables }, headers) => gateway.query(query, variables, headers);
  const customer: Identifier = { namespace: 'email', value: EMAIL };
  const caller: Caller = {
    ...ROLES[role],
    ...{ name: role, roles: [role], origins: [], operations: 'any' },
    ...{ maxCost: 1_000_000, costPerMinute: 1_000_000_000 },
    ...(role === 'visitor' ? { customer } : {}),
  };
  return async ({ query, variables }) => {
    const { result } = await gateway.prepare(query)(caller, { requestId: 'flattened', variables });
    // The client receives plain JSON, without null prototypes and error objects.
    const { data, errors = [] } = JSON.parse(JSON.stringify(result)) as Pick<Answer, 'data'> &
      Partial<Answer>;
    return { status: 200, data, errors } as Answer;
  };
}

const CALLERS: { role: Role; purpose: Purpose }[] = [
  { role: 'operator', purpose: 'CUSTOMER_CARE' },
  { role: 'operator', purpose: 'SERVICE' },
  { role: 'analyst', purpose: 'ANALYTICS' },
  { role: 'campaign', purpose: 'MARKETING' },
  { role: 'frontend', purpose: 'PERSONALISATION' },
  { role: 'visitor', purpose: 'SERVICE' },
];

const startedAt = Date.now();

function comparable({ status, data, errors }: Answer) {
  const moment = (text: string) => /^\d{4}-\d\d-\d\dT/.test(text) && Date.parse(text) >= startedAt;
  const shown = JSON.stringify(removePlaceholders(data) ?? null, (_name, value: unknown) =>
    typeof value === 'string' && moment(value) ? 'during this test' : value,
  );
  const seen = errors.map(({ path, message, extensions }) => {
    return JSON.stringify({ path, message, extensions: { ...extensions, requestId: '' } });
  });
  return { status, data: JSON.parse(shown) as unknown, errors: [...new Set(seen)].sort() };
}

async function forgetAll({ forget, sources }: TestGateway): Promise<void> {
  for (const source of sources) await forget({ source });
}

/** Sends both forms with an empty and a filled cache. Returns the answer to the original form. */
async function expectSame(
  gateway: TestGateway,
  operation: GeneratedOperation,
  headers: Record<string, string>,
  send = sendAs('operator', gateway),
): Promise<Answer | undefined> {
  // A refused operation has no answer to compare. While shrinking, fast-check may create invalid operations.
  if (validate(gateway.schema, parse(operation.query)).length > 0) return undefined;
  const plain = flattenOperation(gateway.schema, operation);
  if (plain === undefined) return undefined;
  expect(validate(gateway.schema, parse(plain.query))).toEqual([]);
  let answer: Answer | undefined;
  for (const state of ['cold', 'warm']) {
    if (state === 'cold') await forgetAll(gateway);
    answer = await send(operation, headers);
    if (state === 'cold') await forgetAll(gateway);
    const wanted = await send(plain, headers);
    expect(
      comparable(answer),
      `${state}: ${operation.query}\n${JSON.stringify(operation.variables)}\n\n${plain.query}`,
    ).toEqual(comparable(wanted));
    expect(answer.errors.filter(({ extensions: { code } }) => code === 'INTERNAL_SERVER_ERROR')).toEqual([]);
  }
  return answer;
}

const WAYS = ['planned', 'interpreted'] as const;

describe.each(WAYS)('an operation that is %s', (way) => {
  const gateway = gatewayFor(way);
  const care = () => headersOf('operator', { purpose: 'CUSTOMER_CARE' });

  test.each([
    ['a first leaf that is excluded', '{ cart { name @include(if: false) name } }'],
    ['a second leaf that is excluded', '{ cart { name name @include(if: false) } }'],
    ['a first object that is excluded', '{ cart { total @include(if: $no) { amount } total { amount } } }'],
    ['two objects with different fields', '{ cart { total @skip(if: $no) { amount } total { currency } } }'],
    ['a condition on the parent', '{ cart @include(if: $no) { name } cart { checkoutUrl updatedAt } }'],
    ['a condition on a fragment', '{ ...Cart @include(if: $no) ...Cart @skip(if: $no) }'],
    [
      'products of order lines',
      '{ orders(first: 2) { nodes { lines { product { sku @include(if: false) sku title } } } } }',
    ],
    [
      'orders of the webshop',
      '{ orders(first: 9) { nodes { onlineNumber @skip(if: true) onlineNumber channel @include(if: $no) channel } } }',
    ],
    [
      'lines with different arguments',
      '{ cart { a: lines(first: 1) { nodes { title } } b: lines(first: 2) { nodes { title } } } }',
    ],
  ])('has the same response as its flattened form: %s', async (_label, selection) => {
    const fragment = selection.includes('...Cart') ? 'fragment Cart on Customer { cart { name } }' : '';
    const query = `query ($by: CustomerKey!${selection.includes('$no') ? ', $no: Boolean! = false' : ''}) {
      customer(by: $by) ${selection} } ${fragment}`;
    const answer = await expectSame(gateway, { query, variables: { by } }, await care());
    expect(answer?.errors).toEqual([]);
    expect(JSON.stringify(answer?.data)).not.toContain('null');
  });

  test.each(SPECIAL_NAMES)(
    'has the correct response with the response name %s at any place',
    async (name) => {
      const query = `query ($by: CustomerKey!) {
      ${name}: customer(by: $by) {
        ${name}: cart { ${name}: total { ${name}: amount } name lines { nodes { ${name}: product { ${name}: title } } } }
        locale
        orders(first: 1) { ${name}: nodes { ${name}: lines { ${name}: product { ${name}: sku } } number } }
        tickets(first: 1) { nodes { ${name}: subject } }
      }
      customer(by: $by) { ${name}: locale name }
      identify(by: $by) { ... on IdentifiedCustomer { ${name}: customer { ${name}: name } } }
      customers(by: [$by]) { ${name}: name }
    }`;
      const plain = query.replaceAll(`${name}:`, 'alias:');
      const wanted = await gateway.query(plain, { by }, await care());
      const answer = await gateway.query(query, { by }, await care());
      expect(wanted.errors).toEqual([]);
      expect(answer.errors).toEqual([]);
      expect(JSON.stringify(answer.data).replaceAll(`"${name}":`, '"alias":')).toBe(
        JSON.stringify(wanted.data),
      );
    },
  );

  test('has the same response as its flattened form for random operations and each role, cold and warm', async () => {
    const operations = decorateOperations(
      gateway.schema,
      generateOperations(gateway.schema, {
        maxDepth: 6,
        maxFields: 4,
        pages: [1, 2],
        customers: [by, { email: 'customer-5@example.nl' }],
        customer: by,
      }),
      [
        { name: 'on', type: 'Boolean!', values: [true, false] },
        { name: 'perhaps', type: 'Boolean', standard: 'true', values: [true, false, undefined] },
        { name: 'number', type: 'Int', standard: '2', values: [1, 3, undefined] },
      ],
    );
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(operations, fc.constantFrom(...CALLERS), async (operation, { role, purpose }) => {
        // With a frozen clock, a system with a rate limit would refuse further calls.
        clock.advance(60_000);
        const headers = await headersOf(role, { purpose });
        const answer = await expectSame(gateway, operation, headers, sendAs(role, gateway));
        if (answer?.data != null) answered += 1;
      }),
      { numRuns: runCount(60) },
    );
    expect(answered).toBeGreaterThan(runCount(20));
  }, 240_000);
});
