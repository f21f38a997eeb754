import { parse } from 'graphql';
import { expect, test, vi } from 'vitest';
import type { Identifier } from '../../src/identity/identifiers.js';
import type { SourceEvent } from '../../src/webhooks/event.js';
import { createFollowUp } from '../../src/webhooks/follow-up.js';
import type { Trigger } from '../../src/webhooks/triggers.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const about: Identifier[] = [
  { namespace: 'customerNumber', value: '1' },
  { namespace: 'email', value: 'jan@example.nl' },
];

/** Of a time that is still to come, so that the computer's own does not matter. */
const cartChanged: SourceEvent = {
  id: '1',
  source: 'shop',
  type: 'cart.changed',
  time: '2200-01-01T10:00:00.000Z',
  identifiers: {},
  data: {},
};

function followUp(trigger: Partial<Trigger> = {}) {
  return createFollowUp({
    triggers: [
      {
        name: 'reminder',
        document: parse('subscription { cartAbandoned { id } }'),
        endpoint: 'mailer',
        purpose: 'MARKETING',
        interest: {
          field: 'cartAbandoned',
          conditions: [],
          delayMs: HOUR,
          isDelayed: () => true,
          matches: () => true,
          cancels: () => true,
        },
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
  });
}

test.each([
  ['at once', {}, '2200-01-01T11:00:00.000Z'],
  [
    'after quiet hours',
    { quietHours: { after: (ms: number) => ms + 10 * HOUR } },
    '2200-01-01T21:00:00.000Z',
  ],
])('a message that is sent %s is not sent again within a day of that', async (_, trigger, dueAt) => {
  const { deliveries } = await followUp(trigger).process(cartChanged);
  expect(deliveries).toMatchObject([{ dueAt: Date.parse(dueAt), once: { until: Date.parse(dueAt) + DAY } }]);
});

test('a message that is no longer needed is cancelled, also if it was planned under another identifier of the customer', async () => {
  const { cancel } = await followUp().process(cartChanged);
  expect(cancel).toEqual(['reminder customerNumber 1', 'reminder email jan@example.nl']);
});
