import { parse } from 'graphql';
import { expect, it, vi } from 'vitest';
import type { OperationRunner } from '../../src/operation/answer.js';
import { TriggerRunner } from '../../src/operation/triggers.js';
import type { Trigger } from '../../src/webhooks/triggers.js';

it('a trigger gets only fresh and complete answers', async () => {
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
    identifiers: {},
    data: {},
  } as const;
  expect(await runner.answer(trigger, { event, about: [] })).toEqual({ data: {} });
  expect(answer.mock.lastCall?.[1]).toMatchObject({
    wanted: { isFreshOnly: true },
    event: { only: 'complete' },
  });
});
