import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Forgettable } from '../../src/cache/invalidation.js';
import { commonNamespaces, idNamespace, type Identifier } from '../../src/identity/identifiers.js';
import type { IdentityRules } from '../../src/identity/identity-graph.js';
import { createForgetEvent } from '../../src/privacy/forget-event.js';
import type { Forgotten, ForgottenCustomer } from '../../src/privacy/forget.js';
import type { WebhookDeclaration } from '../../src/webhooks/declaration.js';
import { EventSubjects } from '../../src/webhooks/event-subjects.js';
import type { SourceEvent } from '../../src/webhooks/event.js';

/** Tests which data an event drops, and which customer it is about. */

const EMAIL: Identifier = { namespace: 'email', value: 'eva@example.nl' };
const PHONE: Identifier = { namespace: 'phone', value: '+31201234567' };
const SHOP_ID: Identifier = { namespace: 'shopId', value: '7' };
const DESK_ID: Identifier = { namespace: 'deskId', value: '8' };

const loaderNamed = (name: string) => ({ name, load: () => Promise.resolve([]) });
const rules: IdentityRules = {
  limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 20 },
  namespaces: new Map(
    [
      ...commonNamespaces('NL'),
      idNamespace('shopId', 'An id.', /^\d+$/),
      idNamespace('deskId', 'An id.', /^\d+$/),
    ].map((namespace) => [namespace.name, namespace]),
  ),
  sources: ['shop', 'desk'].map((name) => ({
    name,
    identity: {
      recordKey: `${name}Id`,
      yields: {},
      foundBy: {
        [`${name}Id`]: { uniqueness: 'enforced', loader: loaderNamed('byId') },
        phone: { uniqueness: 'none', loader: loaderNamed('byPhone') },
      },
    },
  })),
};

const customer = (exclusive: readonly Identifier[], records = 1): ForgottenCustomer => ({
  identifiers: exclusive,
  exclusive,
  records: Array.from({ length: records }, (_, i) => ({ source: 'shop', id: String(i) })),
  isSuppressed: false,
});

const event = (...identifiers: readonly Identifier[]): SourceEvent => ({
  id: 'e1',
  source: 'shop',
  type: 'order.paid',
  time: '2026-12-01T09:00:00Z',
  identifiers: Object.fromEntries(identifiers.map(({ namespace, value }) => [namespace, [value]])),
  data: { sku: 'KAN-1' },
});

/** Creates the function with systems that return these results by namespace of the identifier. */
function open(results: Readonly<Record<string, Partial<Forgotten>>> = {}) {
  const dropped: Forgettable[][] = [];
  const forgotten: Identifier[] = [];
  const renewed: string[] = [];
  const declaration: Pick<WebhookDeclaration, 'changes' | 'objects'> = {
    changes: { 'order.paid': [{ name: 'orders' }, { name: 'totals' }], 'ticket.opened': [] },
    objects: ({ data }) => [{ type: 'Product', key: String(data['sku']) }],
  };
  const forgetEvent = createForgetEvent({
    registry: {
      has: (_, name) => name === 'orders' || name === 'totals',
      forget: (what) => {
        dropped.push([...what]);
        return Promise.resolve(() => renewed.push('named'));
      },
    },
    forget: (request) => {
      if (!('identifier' in request)) throw new Error('An event must drop data by identifier.');
      forgotten.push(request.identifier);
      const { namespace } = request.identifier;
      return Promise.resolve({
        isEverywhere: true,
        unavailableSources: [],
        renew: () => renewed.push(namespace),
        ...results[namespace],
      });
    },
    subjects: new EventSubjects(rules),
    webhooks: new Map([
      ['shop', { declaration: declaration as WebhookDeclaration, secrets: [], handshakeToken: undefined }],
    ]),
  });
  return { forgetEvent, dropped, forgotten, renewed };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  // A spy on a timer is restored first, because it holds the imitated one.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('an event that names no customer', () => {
  test.each<[string, Partial<SourceEvent>, Forgettable[]]>([
    [
      'the loaders that its type changes',
      {},
      [
        { source: 'shop', loader: 'orders' },
        { source: 'shop', loader: 'totals' },
      ],
    ],
    ['nothing, if its type changes nothing', { type: 'ticket.opened' }, []],
    ['its source, if the webhook does not declare the type', { type: 'order.placed' }, [{ source: 'shop' }]],
    ['its source, if the source has no webhook', { source: 'desk' }, [{ source: 'desk' }]],
    [
      'the data of its source, if its identifier is invalid',
      { identifiers: { email: ['unknown'] }, type: 'order.placed' },
      [{ source: 'shop' }],
    ],
  ])('drops %s', async (_, parts, expected) => {
    const { forgetEvent, dropped, forgotten } = open();
    expect(await forgetEvent({ ...event(), ...parts })).toEqual([]);
    expect(dropped).toEqual([expected]);
    expect(forgotten).toEqual([]);
  });
});

describe('an event that names a customer', () => {
  test('drops the data of its identifiers and objects at once, then that of the whole customer', async () => {
    const { forgetEvent, dropped, forgotten } = open({ shopId: { customer: customer([SHOP_ID]) } });
    await forgetEvent(event(EMAIL, SHOP_ID));
    expect(dropped).toEqual([[SHOP_ID, EMAIL, { type: 'Product', key: 'KAN-1' }]]);
    expect(forgotten).toEqual([SHOP_ID]);
  });

  test('reloads popular answers after the system has sent its other events about the change', async () => {
    const { forgetEvent, renewed } = open({ email: { customer: customer([EMAIL]) } });
    const timers = vi.spyOn(globalThis, 'setTimeout');
    await forgetEvent(event(EMAIL, SHOP_ID));
    // The wait does not delay the end of the process.
    expect(timers.mock.results.map(({ value }) => (value as NodeJS.Timeout).hasRef())).toEqual([false]);
    await vi.advanceTimersByTimeAsync(249);
    expect(renewed).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(renewed).toEqual(['named', 'shopId', 'email']);
  });

  test('fails if another instance was not notified, so that the event is retried', async () => {
    const { forgetEvent } = open({ email: { isEverywhere: false, customer: customer([EMAIL]) } });
    await expect(forgetEvent(event(EMAIL))).rejects.toThrow('Not every instance has dropped the data');
  });

  const known = { customer: customer([DESK_ID, EMAIL]) };
  const unknown = { customer: customer([], 0) };
  const several = { customer: customer([], 2) };
  test.each<[string, SourceEvent, Record<string, Partial<Forgotten>>, Identifier[], Identifier[]]>([
    [
      'known by its first identifier',
      event(SHOP_ID, EMAIL),
      { shopId: known },
      [SHOP_ID, DESK_ID, EMAIL],
      [SHOP_ID],
    ],
    [
      'known by its second identifier',
      event(SHOP_ID, EMAIL),
      { shopId: unknown, email: known },
      [SHOP_ID, DESK_ID, EMAIL],
      [SHOP_ID, EMAIL],
    ],
    [
      'known by no identifier',
      event(SHOP_ID, EMAIL),
      { shopId: unknown, email: unknown },
      [SHOP_ID, EMAIL],
      [SHOP_ID, EMAIL],
    ],
    ['who may be several people', event(EMAIL), { email: several }, [EMAIL], [EMAIL]],
    [
      'who may be several people by the first identifier',
      event(SHOP_ID, EMAIL),
      { shopId: several },
      [SHOP_ID, EMAIL],
      [SHOP_ID],
    ],
    // Another person with the same phone must not receive the message.
    ['known by a shared phone only', event(PHONE), { phone: known }, [], [PHONE]],
    [
      'known by a shared phone and by an exclusive identifier',
      event(SHOP_ID, PHONE),
      { shopId: unknown, phone: known },
      [SHOP_ID],
      [SHOP_ID, PHONE],
    ],
    [
      'known by its second identifier, after a system has failed for the first',
      event(SHOP_ID, EMAIL),
      { shopId: { ...unknown, unavailableSources: ['shop'] }, email: known },
      [SHOP_ID, EMAIL],
      [SHOP_ID, EMAIL],
    ],
    [
      'known by its third identifier, after a system has failed for the first',
      event(SHOP_ID, DESK_ID, EMAIL),
      { shopId: { ...unknown, unavailableSources: ['shop'] }, deskId: unknown, email: known },
      [SHOP_ID, DESK_ID, EMAIL],
      [SHOP_ID, DESK_ID, EMAIL],
    ],
    [
      'known by an address that its records do not vouch for',
      event(SHOP_ID, EMAIL),
      { shopId: unknown, email: { customer: customer([DESK_ID]) } },
      [SHOP_ID, DESK_ID, EMAIL],
      [SHOP_ID, EMAIL],
    ],
    [
      'known by its first identifier, while another system fails',
      event(SHOP_ID),
      { shopId: { ...known, unavailableSources: ['crm'] } },
      [SHOP_ID, DESK_ID, EMAIL],
      [SHOP_ID],
    ],
    [
      'with several exclusive addresses',
      { ...event(), identifiers: { email: ['a@example.nl', 'eva@example.nl'] } },
      { email: known },
      [DESK_ID, { namespace: 'email', value: 'a@example.nl' }, EMAIL],
      [{ namespace: 'email', value: 'a@example.nl' }],
    ],
  ])('returns the personal identifiers of a customer %s', async (_, received, results, expected, tried) => {
    const { forgetEvent, forgotten } = open(results);
    const found = await forgetEvent(received);
    expect(found).toEqual(expected);
    expect(forgotten).toEqual(tried);
  });

  test('drops only the identifiers of the event if they belong to another customer than the found one', async () => {
    const other: Identifier = { namespace: 'email', value: 'other@example.nl' };
    const { forgetEvent } = open({ shopId: { customer: customer([SHOP_ID]) } });
    expect(await forgetEvent(event(SHOP_ID, other))).toEqual([SHOP_ID]);
  });
});

test.each([
  ['orders', null],
  ['ordres', 'The webhook of shop names the loader "ordres" in changes, but shop has no such loader.'],
])('a webhook whose changes name the unknown loader "%s" prevents the start: %s', (name, message) => {
  const start = () =>
    createForgetEvent({
      registry: { has: (source, loader) => source === 'shop' && loader === 'orders', forget: vi.fn() },
      forget: vi.fn(),
      subjects: new EventSubjects(rules),
      webhooks: new Map([
        [
          'shop',
          {
            declaration: { changes: { 'order.paid': [{ name }] } } as unknown as WebhookDeclaration,
            secrets: [],
            handshakeToken: undefined,
          },
        ],
      ]),
    });
  if (message === null) expect(start).not.toThrow();
  else expect(start).toThrow(message);
});
