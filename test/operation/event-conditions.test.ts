import { buildSchema, GraphQLError, parse, type ExecutionResult } from 'graphql';
import { describe, expect, it, vi } from 'vitest';
import { EventConditions, type EventDelivery, type Withheld } from '../../src/operation/event-conditions.js';
import type { CustomerCondition } from '../../src/webhooks/condition.js';

/** A condition with its decision. Undefined if no source has its value. */
const condition = (name: string, isMet: boolean | undefined): CustomerCondition => ({
  name,
  selection: name,
  isMet: () => isMet,
});
const failing = (...codes: (string | undefined)[]): ExecutionResult => ({
  data: { customer: { id: '1' } },
  errors: codes.map(
    (code) => new GraphQLError('It failed.', { extensions: code === undefined ? {} : { code } }),
  ),
});
const KNOWN: ExecutionResult = { data: { customer: { id: '1' } } };
const UNKNOWN: ExecutionResult = { data: { customer: null } };
const SENT = undefined;

function withhold(
  { only, conditions = [] }: Partial<Pick<EventDelivery, 'only' | 'conditions'>>,
  probed: ExecutionResult,
  answer: ExecutionResult = KNOWN,
) {
  const info = vi.fn();
  const event = {
    id: '1',
    type: 'ORDER_PAID' as const,
    source: 'shop',
    happenedAt: '',
    recordId: null,
    about: [],
  };
  const withheld = new EventConditions({ prepareTrusted: vi.fn() }, { info }).withhold(
    { field: 'orderPaid', event, conditions, only },
    probed,
    answer,
    { requestId: 'r1', caller: { name: 'campaign' } },
  );
  return { withheld, logged: info.mock.calls.map(([fields]) => fields as unknown) };
}

describe('an event', () => {
  const final = (code: string): Withheld => ({ code, isTemporary: false });
  const temporary = (code: string): Withheld => ({ code, isTemporary: true });

  it.each<[string, ExecutionResult, Withheld | undefined]>([
    ['of a known customer', KNOWN, SENT],
    ['of an unknown customer', UNKNOWN, final('NO_CUSTOMER')],
    ['without a probe', {}, final('NO_CUSTOMER')],
    ['without consent', failing('CONSENT_REQUIRED'), final('CONSENT_REQUIRED')],
    ['of an erased customer', failing('ERASED'), final('ERASED')],
    ['of an ambiguous customer', failing('AMBIGUOUS_IDENTITY'), final('AMBIGUOUS_IDENTITY')],
    ['that the caller may not see', failing('FORBIDDEN'), final('FORBIDDEN')],
    ['whose system is unavailable', failing('SOURCE_UNAVAILABLE'), temporary('SOURCE_UNAVAILABLE')],
    [
      'without consent, even if a system is unavailable too',
      failing('SOURCE_UNAVAILABLE', 'CONSENT_REQUIRED'),
      final('CONSENT_REQUIRED'),
    ],
  ])('%s is sent, or withheld with its reason', (_, probed, expected) => {
    expect(withhold({ only: 'allowed' }, probed).withheld).toEqual(expected);
  });

  it('with a missing part is withheld only if the trigger needs complete answers', () => {
    const answer = failing('SOURCE_TIMEOUT');
    expect(withhold({ only: 'complete' }, KNOWN, answer).withheld).toEqual(temporary('SOURCE_TIMEOUT'));
    expect(withhold({ only: 'allowed' }, KNOWN, answer).withheld).toBeUndefined();
  });

  it.each<[string, (boolean | undefined)[], Withheld | undefined]>([
    ['all are met', [true, true], SENT],
    ['one of two is not met', [true, false], final('CONDITION_NOT_MET')],
    ['one of two is unknown', [true, undefined], { ...final('CONDITION_UNKNOWN'), condition: 'c1' }],
    ['one is unknown and one is not met', [undefined, false], final('CONDITION_NOT_MET')],
  ])('with conditions: %s', (_, decisions, expected) => {
    const conditions = decisions.map((isMet, i) => condition(`c${i}`, isMet));
    expect(withhold({ conditions }, KNOWN).withheld).toEqual(expected);
  });

  it('is logged with its caller only if a condition is unknown', () => {
    expect(withhold({ conditions: [condition('isFirst', undefined)] }, KNOWN).logged).toEqual([
      { requestId: 'r1', caller: 'campaign', reason: 'CONDITION_UNKNOWN', condition: 'isFirst' },
    ]);
    expect(withhold({ conditions: [condition('isFirst', false)] }, KNOWN).logged).toEqual([]);
  });
});

describe('the probe of an event', () => {
  const schema = buildSchema(`
    type Query { a: Int }
    type CustomerEvent { customer: Customer }
    type Customer { id: ID total: Int }
  `);
  const delivery = (only: EventDelivery['only'], conditions: readonly CustomerCondition[] = []) =>
    ({ field: 'orderPaid', event: {}, conditions, only }) as unknown as EventDelivery;
  const total = { ...condition('isLarge', true), selection: 'total' };

  it.each<[EventDelivery['only'], CustomerCondition[], string | undefined]>([
    [undefined, [], undefined],
    [undefined, [total], '{ customer { total } }'],
    ['allowed', [], '{ customer { id } }'],
    ['complete', [total], '{ customer { total id } }'],
  ])('of deliveries that are sent %s, with conditions %j, is %s', (only, conditions, expected) => {
    const prepareTrusted = vi.fn<(document: object) => never>(() => {
      throw new Error('prepared');
    });
    const events = new EventConditions({ prepareTrusted }, { info: vi.fn() });
    const probe = () => events.probe(delivery(only, conditions), { schema } as never);
    if (expected === undefined) expect(probe()).toBeUndefined();
    else {
      expect(probe).toThrow('prepared');
      expect(prepareTrusted).toHaveBeenCalledWith(parse(expected));
    }
  });
});
