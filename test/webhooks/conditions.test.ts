import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { directSettings } from '../support/stand-ins.js';
import { openEventGateway, type EventGateway } from './event-gateway.js';

/** Tests that consent and conditions of a subscription apply regardless of its selection and response names. */

/** The address of a customer who agreed to marketing and ordered more than once. */
const WILLING = 'customer-5@example.nl';
const UNWILLING = 'no-consent@example.nl';
/** The address of a customer of only the webshop. */
const UNCOUNTED = 'two-shops-old@example.nl';
const SYSTEMS = ['order-system', 'webshop'] as const;

let events: EventGateway;
const log: unknown[] = [];

/** Triggers with the same attacks as the subscribers. */
const TRIGGERS = {
  alias: '{ orderPaid { _customer: recordId recordId } }',
  fragment: '{ orderPaid { ...Event } } fragment Event on CustomerEvent { _customer: id recordId }',
  'first-order': '{ orderPaid(isFirstOrder: true) { _customer: recordId recordId } }',
  honest: '{ orderPaid { recordId _customer: customer { name } } }',
};

beforeAll(async () => {
  events = await openEventGateway({
    settings: directSettings([...SYSTEMS]),
    systems: SYSTEMS,
    triggers: Object.fromEntries(
      Object.entries(TRIGGERS).map(([name, selection]) => [
        name,
        `subscription A @deliver(to: "tool", purpose: MARKETING) ${selection}`,
      ]),
    ),
    logger: pino({ level: 'info' }, { write: (line: string) => log.push(JSON.parse(line)) }),
  });
}, 60_000);
afterEach(() => events.hangUpAll());
afterAll(() => events.close());

const asCampaign = (query: string) => events.subscribeAs('campaign', query);

const fragmentOf = (selection: string) => `fragment Event on CustomerEvent { ${selection} }`;

/** The name of the attack, the selection, and the fragment that it uses. */
const ATTACKS: [string, string, string?][] = [
  ['recordId as _customer', '_customer: recordId type recordId happenedAt'],
  ['id as _customer', '_customer: id recordId'],
  ['an alias in a fragment', '...Event', fragmentOf('_customer: recordId recordId')],
  ['an alias in an inline fragment', '... { _customer: recordId } recordId'],
  [
    'a customer with other fields as id and orderCount',
    '_customer: customer { id: __typename orderCount: __typename } recordId',
  ],
  [
    "a customer under the engine's aliases in a fragment",
    '...Event recordId',
    fragmentOf('_customer: customer { id: language orderCount { value: isApproximate } }'),
  ],
  ['no customer', 'recordId'],
  ['an excluded customer', 'recordId customer @include(if: false) { id }'],
];

describe('of a customer who did not agree to marketing', () => {
  test.each(ATTACKS)(
    'no event is sent to a subscriber who selects %s',
    async (what, selection, fragment = '') => {
      const name = `Attack${ATTACKS.findIndex(([attack]) => attack === what)}`;
      const subscriber = await asCampaign(
        `subscription ${name} { customerChanged(by: { email: "${UNWILLING}" }) { ${selection} } } ${fragment}`,
      );
      const all = await asCampaign(
        `subscription ${name}All { event(types: [ORDER_PLACED]) { ${selection} } } ${fragment}`,
      );
      await events.sendFromShop('orders/create', { email: UNWILLING, order: '61' });
      expect(await events.withheldReasons(name)).toEqual(['CONSENT_REQUIRED']);
      expect(await events.withheldReasons(`${name}All`)).toEqual(['CONSENT_REQUIRED']);
      await events.sendFromShop('orders/create', { email: WILLING, order: '62' });
      expect((await all.next())?.data?.['event']).toMatchObject({ recordId: '62' });
      await subscriber.hangUp();
    },
  );

  test('no event is sent under any alias, and for other customers the whole selection is sent', async () => {
    let order = 1_000;
    await fc.assert(
      fc.asyncProperty(fc.array(selections, { minLength: 8, maxLength: 8 }), async (all) => {
        const subscribers = await Promise.all(
          all.map(({ query }) => asCampaign(`subscription { event(types: [ORDER_PLACED]) ${query}`)),
        );
        const name = `Witness${order}`;
        await asCampaign(`subscription ${name} { event(types: [ORDER_PLACED]) { recordId } }`);
        order += 2;
        await events.sendFromShop('orders/create', { email: UNWILLING, order: String(order) });
        expect(await events.withheldReasons(name)).toEqual(['CONSENT_REQUIRED']);
        await events.sendFromShop('orders/create', { email: WILLING, order: String(order + 1) });
        for (const [index, subscriber] of subscribers.entries()) {
          const { data, errors } = (await subscriber.next()) ?? {};
          expect(errors).toBeUndefined();
          const { names = [], recordIds = [] } = all[index] ?? {};
          const event = data?.['event'] ?? {};
          expect(Object.keys(event).sort()).toEqual([...names].sort());
          for (const recordId of recordIds) expect(event[recordId]).toBe(String(order + 1));
          await subscriber.hangUp();
        }
      }),
      { numRuns: 5 },
    );
  }, 120_000);
});

/** Names that collide with each other, with fields, and with the aliases of the engine. */
const NAMES = ['_customer', 'customer', '_probe', '_', 'id', 'orderCount', 'recordId', 'event', 'then'];
const CUSTOMER_FIELDS = ['id', 'name', 'language', 'orderCount { value }', '__typename'];
const EVENT_FIELDS = ['recordId', 'id', 'type', 'source', '__typename', 'customer'];

const customerSelection = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...CUSTOMER_FIELDS)), {
    minLength: 1,
    maxLength: 3,
    selector: ([name]) => name,
  })
  .map((fields) => `{ ${fields.map(([name, field]) => `${name}: ${field}`).join(' ')} }`);

/** A selection of an event. Each field is selected directly, in an inline fragment, or in a named fragment. */
const selections = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom(...NAMES),
      field: fc.constantFrom(...EVENT_FIELDS),
      below: customerSelection,
      where: fc.constantFrom('here', 'inline', 'fragment'),
    }),
    { minLength: 1, maxLength: 5, selector: ({ name }) => name },
  )
  .map((fields) => {
    const parts: string[] = [];
    const fragments: string[] = [];
    for (const { name, field, below, where } of fields) {
      const text = `${name}: ${field}${field === 'customer' ? ` ${below}` : ''}`;
      if (where === 'here') parts.push(text);
      else if (where === 'inline') parts.push(`... on CustomerEvent { ${text} }`);
      else {
        parts.push(`...F${fragments.length}`);
        fragments.push(`fragment F${fragments.length} on CustomerEvent { ${text} }`);
      }
    }
    return {
      query: `{ ${parts.join(' ')} } } ${fragments.join(' ')}`,
      names: fields.map(({ name }) => name),
      recordIds: fields.filter(({ field }) => field === 'recordId').map(({ name }) => name),
    };
  });

describe('of a customer who ordered before', () => {
  test.each([
    ['_customer: recordId recordId'],
    ['_customer: customer { orderCount: __typename } recordId'],
    ['...Event', fragmentOf('_customer: id recordId')],
  ])('no order is a first order to a subscriber who selects %s', async (selection, fragment = '') => {
    const name = `First${selection.length}`;
    await asCampaign(`subscription ${name} { orderPaid(isFirstOrder: true) { ${selection} } } ${fragment}`);
    await events.sendFromShop('orders/paid', { email: WILLING, order: '63' });
    expect(await events.withheldReasons(name)).toEqual(['CONDITION_NOT_MET']);
  });
});

test('a first order is not sent for a customer whose orders no system counts, and the log has the reason', async () => {
  await events.subscribeAs(
    'operator',
    'subscription Uncounted { orderPaid(isFirstOrder: true) { recordId } }',
  );
  await events.sendFromShop('orders/paid', { email: UNCOUNTED, order: '67' });
  expect(await events.withheldReasons('Uncounted')).toEqual(['CONDITION_UNKNOWN']);
  expect(log).toContainEqual(
    expect.objectContaining({
      caller: 'operator',
      reason: 'CONDITION_UNKNOWN',
      condition: 'isFirstOrder',
      msg: 'event not sent: no source has the value that the condition needs for this customer',
    }),
  );
  expect(JSON.stringify(log)).not.toContain(UNCOUNTED);
});

test('a subscriber may use the aliases of the gateway like any other', async () => {
  const subscriber = await asCampaign(
    `subscription { customerChanged(by: { email: "${WILLING}" }) { _customer: customer { name } } }`,
  );
  await events.sendFromShop('orders/create', { email: WILLING, order: '64' });
  const { data, errors } = (await subscriber.next()) ?? {};
  expect(errors).toBeUndefined();
  expect(data).toEqual({ customerChanged: { _customer: { name: expect.any(String) as unknown } } });
});

test.each([
  ['two fields under one name', '_customer: recordId _customer: customer { id }'],
  ['an unknown field', '_customer: recordId shoeSize'],
])('a subscription with %s is refused before anything is sent', async (_, selection) => {
  const subscriber = await asCampaign(`subscription { event { ${selection} } }`);
  expect((await subscriber.next())?.data).toBeUndefined();
});

test('a trigger cannot disable consent or a condition by the aliases in its selection', async () => {
  const states = async (): Promise<Record<string, string[]>> => {
    const records = await events.store.list({ limit: 1_000 });
    return Object.fromEntries(
      Object.keys(TRIGGERS).map((name) => [
        name,
        records.filter(({ trigger }) => trigger === name).map(({ state, reason }) => `${state} ${reason}`),
      ]),
    );
  };
  const before = await states();
  await events.sendFromShop('orders/paid', { email: UNWILLING, order: '65' });
  await events.sendFromShop('orders/paid', { email: WILLING, order: '66' });
  await vi.waitFor(
    async () => {
      const now = await states();
      const since = Object.fromEntries(
        Object.entries(now).map(([name, all]) => [
          name,
          all.slice(0, all.length - (before[name]?.length ?? 0)).sort(),
        ]),
      );
      const allowed = ['delivered status 204', 'skipped CONSENT_REQUIRED'];
      expect(since).toEqual({
        alias: allowed,
        fragment: allowed,
        honest: allowed,
        'first-order': ['skipped CONDITION_NOT_MET', 'skipped CONSENT_REQUIRED'],
      });
    },
    { timeout: 20_000, interval: 50 },
  );
  const honest = events.tool.received
    .map(({ body }) => JSON.parse(body) as { data: { orderPaid: Record<string, unknown> } })
    .filter(({ data }) => typeof data.orderPaid['_customer'] === 'object');
  expect(honest.map(({ data }) => data.orderPaid)).toContainEqual({
    recordId: '66',
    _customer: { name: expect.any(String) as unknown },
  });
}, 60_000);
