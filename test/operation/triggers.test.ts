import { buildSchema, parse } from 'graphql';
import { expect, it, vi } from 'vitest';
import type { Purpose } from '../../src/customer/schema.generated.js';
import type { OperationRunner } from '../../src/operation/answer.js';
import { TriggerRunner } from '../../src/operation/triggers.js';
import { createDisclosures } from '../../src/privacy/disclosure.js';
import type { FieldPolicy } from '../../src/stitching/policies.js';
import type { Trigger } from '../../src/webhooks/triggers.js';

it('a trigger receives only fresh and complete answers', async () => {
  const answer = vi.fn<OperationRunner['answer']>().mockResolvedValue({ result: { data: {} } } as never);
  const runner = new TriggerRunner({
    runner: { answer },
    preparer: { prepareTrusted: () => ({}) as never },
    privacy: { disclosures: vi.fn(), maySee: () => true },
    scopes: [],
  });
  const trigger: Trigger = {
    name: 'letter',
    document: parse('subscription { event { recordId } }'),
    interest: { field: 'event', matches: () => true, conditions: [], delayMs: 0 } as never,
    endpoint: 'mailer',
    purpose: 'CUSTOMER_CARE',
    once: undefined,
    quietHours: undefined,
  };
  const event = {
    id: '1',
    source: 'shop',
    type: 'order.placed',
    time: '2026-01-01T00:00:00Z',
    subject: 'R1',
    identifiers: {},
    data: {},
  } as const;
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
