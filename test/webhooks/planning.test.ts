import { parse } from 'graphql';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Identifier } from '../../src/identity/identifiers.js';
import type { SourceEvent } from '../../src/webhooks/event.js';
import { createFollowUp, type FollowUpOptions } from '../../src/webhooks/follow-up.js';
import type { Interest } from '../../src/webhooks/interest.js';
import type { LeasedDelivery } from '../../src/webhooks/store.js';
import type { Trigger } from '../../src/webhooks/triggers.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const about: Identifier[] = [
  { namespace: 'customerNumber', value: '1' },
  { namespace: 'email', value: 'jan@example.nl' },
];

/** A time in the future, so that the time of the machine does not affect the tests. */
const cartChanged: SourceEvent = {
  id: '1',
  source: 'shop',
  type: 'cart.changed',
  time: '2200-01-01T10:00:00.000Z',
  identifiers: {},
  data: {},
};

function followUp(trigger: Partial<Trigger> = {}, options: Partial<FollowUpOptions> = {}) {
  return createFollowUp({
    triggers: [
      {
        name: 'reminder',
        document: parse('subscription { cartAbandoned { id } }'),
        endpoint: 'mailer',
        purpose: 'MARKETING',
        interest: interest(),
        once: { per: 'CUSTOMER', withinMs: DAY },
        quietHours: undefined,
        ...trigger,
      },
    ],
    bus: { publish: vi.fn() },
    forget: () => Promise.resolve(about),
    aboutOf: () => about,
    execute: () => Promise.resolve({ data: null }),
    logger: { info: vi.fn() },
    ...options,
  });
}

function interest(parts: Partial<Interest> = {}): Interest {
  return {
    field: 'cartAbandoned',
    conditions: [],
    delayMs: HOUR,
    isDelayed: () => true,
    matches: () => true,
    cancels: () => true,
    ...parts,
  };
}

test.each([
  ['at once', {}, '2200-01-01T11:00:00.000Z'],
  [
    'after quiet hours',
    { quietHours: { after: (ms: number) => ms + 10 * HOUR } },
    '2200-01-01T21:00:00.000Z',
  ],
])('a message that is sent %s is not sent again within a day', async (_, trigger, dueAt) => {
  const { deliveries } = await followUp(trigger).process(cartChanged);
  expect(deliveries).toMatchObject([{ dueAt: Date.parse(dueAt), once: { until: Date.parse(dueAt) + DAY } }]);
});

test('a message that is no longer needed is cancelled, even if it was planned with another identifier', async () => {
  const { cancel } = await followUp().process(cartChanged);
  expect(cancel).toEqual(['reminder customerNumber 1', 'reminder email jan@example.nl']);
});

test('a message is neither planned nor cancelled by an event that its trigger does not subscribe to', async () => {
  const notWaiting = interest({ matches: () => false, cancels: () => false });
  expect(await followUp({ interest: notWaiting }).process(cartChanged)).toEqual({
    deliveries: [],
    cancel: [],
  });
});

test('a message that cannot be evaluated is logged with its trigger', async () => {
  const info = vi.fn();
  const unjudged = interest({
    matches: (_, onUnjudged) => {
      onUnjudged?.('no total');
      return false;
    },
  });
  await followUp({ interest: unjudged }, { logger: { info } }).process(cartChanged);
  expect(info.mock.calls).toEqual([
    [{ trigger: 'reminder', source: 'shop', type: 'cart.changed', reason: 'no total' }, 'event not sent'],
  ]);
});

test('subscribers receive the event after its records are dropped, with all identifiers of its customer', async () => {
  const done: unknown[] = [];
  const forget = () => {
    done.push('forgotten');
    return Promise.resolve(about);
  };
  await followUp({}, { forget, bus: { publish: (known) => done.push(known) } }).process(cartChanged);
  expect(done).toEqual(['forgotten', { event: cartChanged, about }]);
});

test.each<[string, Partial<Trigger>, SourceEvent, readonly Identifier[], object]>([
  [
    'once for each customer',
    {},
    cartChanged,
    about,
    { orderKey: 'customerNumber 1', once: { key: 'reminder customerNumber 1' } },
  ],
  [
    'once for each record',
    { once: { per: 'RECORD', withinMs: DAY } },
    { ...cartChanged, subject: '7' },
    about,
    { orderKey: 'customerNumber 1', once: { key: 'reminder shop 7' } },
  ],
  [
    'once for each event without a record',
    { once: { per: 'RECORD', withinMs: DAY } },
    cartChanged,
    about,
    { orderKey: 'customerNumber 1', once: { key: 'reminder shop 1' } },
  ],
  [
    'for each event without a customer',
    {},
    cartChanged,
    [],
    { orderKey: 'shop 1', once: { key: 'reminder shop 1' } },
  ],
])('a message is sent %s', async (_, trigger, event, identifiers, expected) => {
  const { deliveries } = await followUp(trigger, { forget: () => Promise.resolve(identifiers) }).process(
    event,
  );
  expect(deliveries).toMatchObject([{ trigger: 'reminder', endpoint: 'mailer', ...expected }]);
});

describe('at a known time', () => {
  const NOW = Date.parse('2026-11-20T10:00:00Z');
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW, toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const eventAt = (ms: number): SourceEvent => ({ ...cartChanged, time: new Date(ms).toISOString() });

  test.each<[string, Partial<Interest>, number, number, boolean]>([
    ['is due now if it is not delayed', { isDelayed: () => false }, NOW - HOUR, NOW, false],
    ['is due after the delay since the event', {}, NOW - 1_000, NOW + HOUR - 1_000, true],
    ['is due now if its delay has ended', {}, NOW - 2 * HOUR, NOW, true],
  ])('a message %s', async (_, parts, eventMs, dueAt, canBeCancelled) => {
    const { deliveries } = await followUp({ interest: interest(parts), once: undefined }).process(
      eventAt(eventMs),
    );
    expect(deliveries).toEqual([
      {
        trigger: 'reminder',
        endpoint: 'mailer',
        orderKey: 'customerNumber 1',
        dueAt,
        ...(canBeCancelled ? { cancelKey: 'reminder customerNumber 1' } : {}),
      },
    ]);
  });

  const delivery: LeasedDelivery = {
    id: 'd1',
    trigger: 'reminder',
    endpoint: 'mailer',
    event: cartChanged,
    attempts: 0,
    dueAt: NOW,
    leasedUntil: NOW + HOUR,
    holder: 'h1',
  };
  const unavailable = () => Promise.resolve({ withheld: 'SOURCE_UNAVAILABLE', isTemporary: true });

  test.each<[string, Partial<Trigger>, Partial<FollowUpOptions>, Partial<LeasedDelivery>, unknown]>([
    [
      'with the time of the event and current data',
      {},
      { execute: () => Promise.resolve({ data: { a: 1 } }) },
      {},
      { body: { type: 'cart.changed', timestamp: cartChanged.time, data: { a: 1 } } },
    ],
    ['after quiet hours', { quietHours: { after: () => NOW + 1 } }, {}, {}, { retryAt: NOW + 1 }],
    [
      'at once outside quiet hours',
      { quietHours: { after: () => NOW } },
      {},
      {},
      { body: { type: 'cart.changed', timestamp: cartChanged.time, data: null } },
    ],
    [
      'never if its trigger was removed',
      {},
      {},
      { trigger: 'old' },
      { skip: 'the trigger no longer exists' },
    ],
    [
      'never if the data is withheld',
      {},
      { execute: () => Promise.resolve({ withheld: 'CONSENT_REQUIRED', isTemporary: false }) },
      {},
      { skip: 'CONSENT_REQUIRED' },
    ],
    [
      'a minute later if a system is unavailable',
      {},
      { execute: unavailable },
      {},
      { retryAt: NOW + 60_000 },
    ],
    [
      'a minute later until it was due for a day',
      {},
      { execute: unavailable },
      { dueAt: NOW - DAY + 1 },
      { retryAt: NOW + 60_000 },
    ],
    [
      'no more if a system is unavailable for a day',
      {},
      { execute: unavailable },
      { dueAt: NOW - DAY },
      { skip: 'SOURCE_UNAVAILABLE' },
    ],
  ])('a delivery is sent %s', async (_, trigger, options, parts, expected) => {
    expect(await followUp(trigger, options).render({ ...delivery, ...parts })).toEqual(expected);
  });

  test('a delivery is rendered for the customer of its event', async () => {
    const execute = vi.fn(unavailable);
    await followUp({}, { execute }).render(delivery);
    expect(execute.mock.calls).toMatchObject([[{ name: 'reminder' }, { event: cartChanged, about }]]);
  });
});
