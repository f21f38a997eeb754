import { buildSchema, parse } from 'graphql';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UnauthenticatedError } from '../../src/errors.js';
import type { Identifier } from '../../src/identity/identifiers.js';
import type { OperationRunner } from '../../src/operation/answer.js';
import { operationError } from '../../src/operation/request-error.js';
import { createSubscribe } from '../../src/operation/subscriptions.js';
import { createEventBus } from '../../src/webhooks/bus.js';
import type { KnownEvent } from '../../src/webhooks/interest.js';

const schema = buildSchema(`
  type Query { a: Int }
  type Subscription { event: CustomerEvent cartAbandoned(delay: String!): CustomerEvent }
  type CustomerEvent { recordId: String }
`);
const DELAYED = { types: [], later: ['cart.changed'], unless: [] } as const;

const identifier = (value: string): Identifier => ({ namespace: 'email', value });
const eventOf = (id: string, about: Identifier[] = [], identifiers = {}): KnownEvent => ({
  event: {
    id,
    source: 'shop',
    type: 'order.placed',
    time: '2026-01-01T00:00:00Z',
    identifiers,
    data: {},
  },
  about,
});

interface Situation {
  query?: string;
  erased?: readonly string[];
  seesErased?: boolean;
  needsConsent?: boolean;
  forbidden?: readonly string[];
  isTooExpensive?: boolean;
  loading?: () => Promise<void>;
  signal?: AbortSignal;
}

function subscribe({
  query = 'subscription { event { recordId } }',
  erased = [],
  seesErased = false,
  needsConsent = false,
  forbidden = [],
  isTooExpensive = false,
  loading = () => Promise.resolve(),
  signal = new AbortController().signal,
}: Situation = {}) {
  const bus = createEventBus({ redisUrl: undefined, secret: '', logger: { warn: vi.fn() } });
  const answer = vi.fn<OperationRunner['answer']>((_, { event }) =>
    Promise.resolve({ result: { data: { id: event?.event.id } }, outcome: 'ok' }),
  );
  const authenticate = vi.fn(() => Promise.resolve({}));
  const document = parse(query);
  const results = createSubscribe({
    schema,
    authentication: { caller: authenticate } as never,
    runner: { answer },
    bus,
    subscriptionRules: { conditions: new Map(), awaited: new Map([['cartAbandoned', DELAYED]]) },
    readKey: () => identifier('jan@example.nl'),
    needsConsent: () => needsConsent,
    erasures: { loading, has: ({ value }) => erased.includes(value), isEmpty: false, version: 1 },
    limits: {
      tooExpensive: () => (isTooExpensive ? operationError('LIMIT_EXCEEDED', 'Too expensive.') : undefined),
    } as never,
    errorLog: { logger: { info: vi.fn(), error: vi.fn() } as never, failures: { report: vi.fn() } },
  })({
    prepared: {
      document,
      name: undefined,
      cost: () => ({}),
      disclosure: { forbidden: () => forbidden },
    } as never,
    principal: {
      caller: { name: 'test' },
      audience: {},
      permissions: { seesErased, maySee: () => true },
    } as never,
    requestId: 'r',
    variables: {},
    headers: new Headers(),
    signal,
  });
  return { bus, answer, authenticate, results };
}

/** A subscription that has begun. */
function begin(situation: Situation = {}) {
  const { results, ...others } = subscribe(situation);
  if ('errors' in results) throw new Error(JSON.stringify(results.errors));
  return { ...others, results: results as AsyncIterableIterator<unknown> };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a subscription is refused', () => {
  it.each<[string, Situation, string]>([
    ['if the caller may not see its field', { forbidden: ['Subscription.event'] }, 'FORBIDDEN'],
    ['if it may cost too much', { isTooExpensive: true }, 'LIMIT_EXCEEDED'],
    [
      'if its events are delayed',
      { query: 'subscription { cartAbandoned(delay: "PT1H") { recordId } }' },
      'BAD_USER_INPUT',
    ],
  ])('%s', (_, situation, code) => {
    const { results, bus } = subscribe(situation);
    expect(results).toMatchObject({ errors: [{ extensions: { code } }] });
    expect(bus.size).toBe(0);
  });

  it('by no field that it does not select', () => {
    const { bus } = begin({ forbidden: ['Subscription.other'] });
    expect(bus.size).toBe(1);
  });
});

describe('an event', () => {
  it.each<[string, KnownEvent, Situation, boolean]>([
    ['of a customer who is not erased', eventOf('1', [identifier('a')]), { erased: ['b'] }, true],
    ['of an erased customer', eventOf('1', [identifier('a'), identifier('b')]), { erased: ['b'] }, false],
    ['of an erased device', eventOf('1', [], { device: ['d', 'e'] }), { erased: ['e'] }, false],
    [
      'whose device is erased, but which names its customer',
      eventOf('1', [identifier('a')], { device: ['e'] }),
      { erased: ['e'] },
      true,
    ],
    [
      'of an erased customer, for the operator',
      eventOf('1', [identifier('b')]),
      { erased: ['b'], seesErased: true },
      true,
    ],
  ])('%s', async (_, known, situation, isSent) => {
    const { bus, results, answer } = begin(situation);
    bus.publish(known);
    bus.end();
    expect((await results.next()).done).toBe(isSent ? false : true);
    expect(answer).toHaveBeenCalledTimes(isSent ? 1 : 0);
  });

  it('waits until the list of erased customers is loaded', async () => {
    const erased: string[] = [];
    const { bus, results } = begin({
      erased,
      loading: async () => {
        await Promise.resolve();
        erased.push('a');
      },
    });
    bus.publish(eventOf('1', [identifier('a')]));
    bus.end();
    expect((await results.next()).done).toBe(true);
  });

  it.each([true, false])(
    'is answered with fresh data, and by consent if the purpose needs it: %s',
    async (needsConsent) => {
      const { bus, results, answer } = begin({ needsConsent });
      bus.publish(eventOf('1'));
      await results.next();
      expect(answer.mock.lastCall?.[1]).toMatchObject({
        wanted: { isFreshOnly: true },
        event: { field: 'event', event: { id: '1' }, only: needsConsent ? 'allowed' : undefined },
      });
      expect(answer.mock.lastCall?.[1].requestId).toMatch(/^r-[\da-f]{8}$/);
    },
  );

  it('that is withheld is not sent', async () => {
    const { bus, results, answer } = begin();
    answer.mockResolvedValueOnce({
      result: { data: null },
      outcome: 'refused',
      withheld: { code: 'CONSENT_REQUIRED', isTemporary: false },
    });
    bus.publish(eventOf('1'));
    bus.publish(eventOf('2'));
    expect(await results.next()).toMatchObject({ value: { data: { id: '2' } } });
  });
});

describe('the caller of a subscription', () => {
  it('is authenticated before each event, and gets an error when that fails', async () => {
    const { bus, results, authenticate, answer } = begin();
    bus.publish(eventOf('1'));
    await results.next();
    authenticate.mockRejectedValueOnce(new UnauthenticatedError('expired'));
    bus.publish(eventOf('2'));
    expect(await results.next()).toMatchObject({
      done: false,
      value: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    });
    expect(answer).toHaveBeenCalledTimes(1);
    bus.publish(eventOf('3'));
    expect(await results.next()).toMatchObject({ done: true });
    expect(bus.size).toBe(0);
  });

  it('is authenticated once a minute while there is no event', async () => {
    vi.useFakeTimers();
    const { results, authenticate } = begin();
    const next = results.next();
    await vi.advanceTimersByTimeAsync(60_000);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(authenticate).toHaveBeenCalledTimes(1);
    authenticate.mockRejectedValueOnce(new UnauthenticatedError('expired'));
    await vi.advanceTimersByTimeAsync(1);
    expect(await next).toMatchObject({ value: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] } });
  });
});

describe('a subscription ends', () => {
  it('with its last events when the gateway stops', async () => {
    const { bus, results } = begin();
    bus.publish(eventOf('1'));
    bus.end();
    expect(await results.next()).toMatchObject({ done: false });
    expect(await results.next()).toMatchObject({ done: true });
  });

  it('after a thousand unread events', async () => {
    const { bus, results } = begin();
    for (let i = 1; i < 1_000; i += 1) bus.publish(eventOf(String(i)));
    expect(bus.size).toBe(1);
    bus.publish(eventOf('1000'));
    expect(bus.size).toBe(0);
    let count = 0;
    while ((await results.next()).done !== true) count += 1;
    expect(count).toBe(1_000);
  });

  it('without further events when its client disconnects, and leaves nothing behind', async () => {
    vi.useFakeTimers();
    const controller = new AbortController();
    const { bus, results } = begin({ signal: controller.signal });
    bus.publish(eventOf('1'));
    controller.abort();
    expect(bus.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(await results.next()).toMatchObject({ done: true });
  });

  it('at once if its client is gone already', () => {
    vi.useFakeTimers();
    const { bus } = begin({ signal: AbortSignal.abort() });
    expect(bus.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('when its client reads no further, and no longer listens to the signal', async () => {
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const { bus, results } = begin({ signal });
    const waiting = results.next();
    await results.return?.();
    expect(await waiting).toMatchObject({ done: true });
    expect(bus.size).toBe(0);
    expect(removed).toHaveBeenCalled();
  });
});
