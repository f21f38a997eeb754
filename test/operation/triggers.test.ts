import { buildSchema, GraphQLError, parse } from 'graphql';
import { expect, it, vi } from 'vitest';
import type { Purpose } from '../../src/customer/schema.generated.js';
import type { OperationRunner } from '../../src/operation/answer.js';
import { requestIdOfEvent, TriggerRunner } from '../../src/operation/triggers.js';
import { createDisclosures } from '../../src/privacy/disclosure.js';
import type { FieldPolicy } from '../../src/stitching/policies.js';
import type { Trigger } from '../../src/webhooks/triggers.js';

const TRIGGER: Trigger = {
  name: 'letter',
  document: parse('subscription { event { recordId } }'),
  interest: { field: 'event', matches: () => true, conditions: [], delayMs: 0 } as never,
  endpoint: 'mailer',
  purpose: 'CUSTOMER_CARE',
  once: undefined,
  quietHours: undefined,
};
const EVENT = {
  id: '1',
  source: 'shop',
  type: 'order.placed',
  time: '2026-01-01T00:00:00Z',
  subject: 'R1',
  identifiers: {},
  data: {},
} as const;

function createRunner(answered: object = { result: { data: {} } }) {
  const answer = vi.fn<OperationRunner['answer']>().mockResolvedValue(answered as never);
  const prepareTrusted = vi.fn((document: object) => ({ document }) as never);
  const maySee = vi.fn(() => true);
  const runner = new TriggerRunner({
    runner: { answer },
    preparer: { prepareTrusted },
    privacy: { disclosures: vi.fn(), maySee },
    scopes: ['orders:read', 'admin:forget', 'me:read'],
  });
  return { runner, answer, prepareTrusted, maySee };
}

it('a trigger receives only fresh and complete answers', async () => {
  const { runner, answer } = createRunner();
  const [trigger, event] = [TRIGGER, EVENT];
  expect(await runner.answer(trigger, { event, about: [] })).toEqual({ data: {} });
  expect(answer.mock.lastCall?.[1]).toMatchObject({
    wanted: { isFreshOnly: true },
    event: {
      only: 'complete',
      event: {
        id: '1',
        source: 'shop',
        type: 'ORDER_PLACED',
        happenedAt: '2026-01-01T00:00:00.000Z',
        recordId: 'R1',
        about: [],
      },
    },
  });
});

it('names the fields that a trigger may not select, including fields in fragments', () => {
  const policies: Record<string, Partial<FieldPolicy>> = {
    'Customer.debts': { purposes: ['SERVICE'] },
    'Customer.orders': { scopes: [['orders:read']] },
    'Customer.forget': { scopes: [['admin:forget']] },
    'Customer.me': { scopes: [['me:read']] },
  };
  const disclosures = createDisclosures({
    schema: buildSchema(`
        type Query { customer: Customer }
        type Customer { debts: String orders: String forget: String me: String }
      `),
    policies: new Map(
      Object.entries(policies).map(([path, policy]) => [
        path,
        { category: 'FINANCIAL', authenticated: false, ...policy },
      ]),
    ),
    needConsent: new Set<Purpose>(),
  });
  const runner = new TriggerRunner({
    runner: { answer: vi.fn() },
    preparer: { prepareTrusted: vi.fn() },
    privacy: { disclosures, maySee: () => true },
    scopes: ['orders:read', 'admin:forget', 'me:read'],
  });
  const document = parse('{ customer { ...All } } fragment All on Customer { debts orders forget me }');
  expect(runner.forbidden(document, 'MARKETING')).toEqual([
    'Customer.debts',
    'Customer.forget',
    'Customer.me',
  ]);
  expect(runner.forbidden(document, 'SERVICE')).toEqual(['Customer.forget', 'Customer.me']);
});

it.each<[string, object, object]>([
  ['data', { result: { data: { event: 1 } } }, { data: { event: 1 } }],
  [
    'a final reason',
    { result: {}, withheld: { code: 'CONSENT_REQUIRED', isTemporary: false } },
    { withheld: 'CONSENT_REQUIRED', isTemporary: false },
  ],
  [
    'a temporary reason',
    { result: {}, withheld: { code: 'SOURCE_TIMEOUT', isTemporary: true } },
    { withheld: 'SOURCE_TIMEOUT', isTemporary: true },
  ],
  [
    'an error of the whole request, which may be gone later',
    { result: { errors: [new GraphQLError('No.', { extensions: { code: 'LIMIT_EXCEEDED' } })] } },
    { withheld: 'LIMIT_EXCEEDED', isTemporary: true },
  ],
])('a trigger gets %s', async (_, answered, expected) => {
  const { runner } = createRunner(answered);
  expect(await runner.answer(TRIGGER, { event: EVENT, about: [] })).toEqual(expected);
});

it('each trigger is prepared once, and acts as the operator without permissions for erased customers or visitors', async () => {
  const { runner, answer, prepareTrusted, maySee } = createRunner();
  const other: Trigger = { ...TRIGGER, name: 'call', purpose: 'MARKETING', document: parse('{ a }') };
  for (const trigger of [TRIGGER, other, TRIGGER]) await runner.answer(trigger, { event: EVENT, about: [] });
  expect(prepareTrusted).toHaveBeenCalledTimes(2);
  const principals = answer.mock.calls.map(([, { principal }]) => principal);
  expect(principals[2]).toBe(principals[0]);
  expect(principals.map(({ caller }) => [caller.name, caller.defaultPurpose])).toEqual([
    ['trigger:letter', 'CUSTOMER_CARE'],
    ['trigger:call', 'MARKETING'],
    ['trigger:letter', 'CUSTOMER_CARE'],
  ]);
  expect(answer.mock.calls.map(([prepared]) => prepared.document)).toEqual([
    TRIGGER.document,
    other.document,
    TRIGGER.document,
  ]);
  expect(principals[1]).toMatchObject({
    caller: { priority: 'automation', purposes: ['MARKETING'], operations: 'any', origins: [], roles: [] },
    audience: { purpose: 'MARKETING', sees: 'clear', scopes: new Set(['orders:read']) },
    permissions: { findsBy: 'all', seesErased: false },
  });
  principals[1]?.permissions.maySee('EventType.ORDER_PLACED');
  expect(maySee).toHaveBeenCalledWith(principals[1]?.audience, 'EventType.ORDER_PLACED');
});

it.each([
  ['A-1_b.c', 'shop-A-1_b.c'],
  ['a b/ü', 'shop-a_b__'],
  ['7'.repeat(100), `shop-${'7'.repeat(59)}`],
])('the request id for the event %s has only plain characters, and at most 64', (id, expected) => {
  expect(requestIdOfEvent({ source: 'shop', id })).toBe(expected);
});
