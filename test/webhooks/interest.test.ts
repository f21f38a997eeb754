import fc from 'fast-check';
import { Kind, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { CustomerCondition } from '../../src/webhooks/condition.js';
import { typeNamed, typeOf, type SourceEvent } from '../../src/webhooks/event.js';
import { durationMs, readInterest } from '../../src/webhooks/interest.js';
import { eventTypes, publishedSchema, publishedSdl, subscriptionRules } from '../support/published-schema.js';

const DAY = 24 * 3_600_000;

describe('a duration', () => {
  test('is the sum of its days, hours, minutes and seconds', () => {
    const part = (max: number) => fc.option(fc.nat(max), { nil: undefined });
    const input = fc
      .tuple(part(9), part(99), part(999), part(9_999))
      .filter((parts) => parts.some((part) => part !== undefined));
    fc.assert(
      fc.property(input, ([days, hours, minutes, seconds]) => {
        const written = (count: number | undefined, unit: string) =>
          count === undefined ? '' : `${count}${unit}`;
        const time = written(hours, 'H') + written(minutes, 'M') + written(seconds, 'S');
        const ms =
          (days ?? 0) * DAY + (hours ?? 0) * 3_600_000 + (minutes ?? 0) * 60_000 + (seconds ?? 0) * 1_000;
        expect(durationMs(`P${written(days, 'D')}${time === '' ? '' : `T${time}`}`)).toBe(ms);
      }),
    );
  });

  test('is thirty days at most', () => {
    expect(durationMs('P30D')).toBe(30 * DAY);
    expect(() => durationMs('P30DT1S')).toThrow('30 days at most');
  });

  test.each([
    '',
    'P',
    'PT',
    'P1DT',
    'P1M',
    'P1Y',
    'P1W',
    'PT1.5H',
    'PT-1H',
    '-PT1H',
    'PT1M1H',
    '1H',
    'pt1h',
    'PT1H ',
  ])('is refused in the form "%s"', (text) => {
    expect(() => durationMs(text)).toThrow('ISO 8601');
  });
});

describe('the type of an event', () => {
  test.each([
    ['order.paid', 'ORDER_PAID'],
    ['parcel.out_for_delivery', 'PARCEL_OUT_FOR_DELIVERY'],
  ])('%s is %s in the schema', (type, name) => {
    expect(typeNamed(type)).toBe(name);
    expect(typeOf(name)).toBe(type);
  });

  test('exists for each value of the schema', () => {
    expect([...eventTypes]).toContain('order.paid');
    expect([...eventTypes].map(typeNamed)).toEqual(
      publishedSdl.coreSchema.definitions.flatMap((definition) =>
        definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'EventType'
          ? (definition.values ?? []).map(({ name }) => name.value).toSorted()
          : [],
      ),
    );
  });
});

const firstOrder: CustomerCondition = { name: 'isFirstOrder', selection: 'orders', isMet: () => true };

function interestIn(field: string, conditions: readonly CustomerCondition[] = [firstOrder]) {
  const readKey = () => ({ namespace: 'email', value: 'jan@example.nl' });
  return readInterest({
    schema: publishedSchema,
    subscriptionRules: {
      ...subscriptionRules,
      conditions: new Map(conditions.map((condition) => [condition.name, condition])),
    },
    document: parse(`subscription { ${field} { recordId } }`),
    readKey,
    maySee: () => true,
  });
}

/** Whether a paid order with this data matches, and the reason if this cannot be evaluated. */
function evaluate(minTotal: string, data: SourceEvent['data']): boolean | string {
  const reasons: string[] = [];
  const event: SourceEvent = {
    ...{ id: '1', source: 'shop', type: 'order.paid', time: '2026-12-01T12:00:00Z', identifiers: {} },
    data,
  };
  const interest = interestIn(`orderPaid(minTotal: ${minTotal})`);
  const matches = interest.matches({ event, about: [] }, (reason) => reasons.push(reason));
  const [reason] = reasons;
  if (reason === undefined) return matches;
  expect(matches).toBe(false);
  return reason;
}

const EUR_100 = '{ amount: "100.00", currency: "EUR" }';

describe('minTotal', () => {
  test.each<[string, SourceEvent['data'], boolean]>([
    ['{ amount: "100.01", currency: "EUR" }', { total: '100.00', currency: 'EUR' }, false],
    ['{ amount: "100.01", currency: "EUR" }', { total: '100.01', currency: 'EUR' }, true],
    [EUR_100, { total: '99.99', currency: 'EUR' }, false],
    [EUR_100, { total: '100', currency: 'EUR' }, true],
    // The JSON of the order system has the total as a number.
    [EUR_100, { total: 100.5, currency: 'EUR' }, true],
    [EUR_100, { total: 99.5, currency: 'EUR' }, false],
    [EUR_100, { total: '2000.00', currency: 'SEK' }, false],
    [
      '{ amount: "900719925474099.31", currency: "EUR" }',
      { total: '900719925474099.30', currency: 'EUR' },
      false,
    ],
    ['{ amount: "0", currency: "EUR" }', { total: '0.00', currency: 'EUR' }, true],
  ])('%s of %j is %j', (minTotal, data, expected) => {
    expect(evaluate(minTotal, data)).toBe(expected);
  });

  test('compares exactly, with any number of decimals', () => {
    const decimal = fc.tuple(fc.nat(10 ** 6), fc.nat(999), fc.integer({ min: 3, max: 8 }));
    const textOf = ([whole, mills, places]: readonly number[]) =>
      `${whole}.${String(mills).padStart(3, '0')}`.padEnd(String(whole).length + 1 + (places ?? 0), '0');
    fc.assert(
      fc.property(decimal, decimal, (total, least) => {
        const mills = ([whole = 0, rest = 0]: readonly number[]) => whole * 1_000 + rest;
        const data = { total: textOf(total), currency: 'EUR' };
        const isEnough = mills(total) >= mills(least);
        expect(evaluate(`{ amount: "${textOf(least)}", currency: "EUR" }`, data)).toBe(isEnough);
      }),
    );
  });

  test.each<[string, SourceEvent['data']]>([
    ['no total', { currency: 'EUR' }],
    ['a total that is null', { total: null, currency: 'EUR' }],
    ['a total that is not an amount', { total: '1e9', currency: 'EUR' }],
    ['no currency', { total: '200.00' }],
  ])('does not match an event with %s', (_, data) => {
    expect(evaluate(EUR_100, data)).toContain('minTotal cannot be evaluated');
  });

  test.each([
    '{ amount: "1e3", currency: "EUR" }',
    '{ amount: "-1", currency: "EUR" }',
    '{ amount: "", currency: "EUR" }',
    '{ amount: 100.5, currency: "EUR" }',
    '{ amount: "100.00", currency: "euro" }',
  ])('is refused in the form %s', (minTotal) => {
    expect(() => evaluate(minTotal, {})).toThrow('{ amount: "100.00", currency: "EUR" }');
  });
});

describe('isFirstOrder', () => {
  test.each(['orderPaid', 'orderPlaced'])('of %s needs a source that declares it', (field) => {
    expect(interestIn(`${field}(isFirstOrder: true)`).conditions).toEqual([firstOrder]);
    expect(() => interestIn(`${field}(isFirstOrder: true)`, [])).toThrow(
      '"isFirstOrder" cannot be evaluated: no plugged-in source declares it by @condition',
    );
    expect(interestIn(`${field}(isFirstOrder: false)`, []).conditions).toEqual([]);
  });
});

describe('meChanged', () => {
  const event: SourceEvent = {
    id: 'shop:1',
    source: 'shop',
    type: 'order.paid',
    time: '2026-11-24T10:00:00.000Z',
    subject: '1',
    identifiers: {},
    data: {},
  };
  const jan = { namespace: 'email', value: 'jan@example.nl' };
  const matches = (ownIdentifier: typeof jan | undefined, maySee = true) =>
    readInterest({
      schema: publishedSchema,
      document: parse('subscription { meChanged { recordId } }'),
      subscriptionRules,
      readKey: () => jan,
      maySee: (place) => maySee || place !== 'EventType.ORDER_PAID',
      own: ownIdentifier,
    }).matches({ event, about: [jan] });

  test('matches only the events of the customer in the token', () => {
    expect(matches(jan)).toBe(true);
    expect(matches({ ...jan, value: 'eva@example.nl' })).toBe(false);
    expect(matches({ ...jan, namespace: 'visitorId' })).toBe(false);
  });

  test('matches no event of a type that the caller may not see', () => {
    expect(matches(jan, false)).toBe(false);
  });

  test('matches no event for a caller without a customer', () => {
    expect(matches(undefined)).toBe(false);
  });
});

describe('a subscription', () => {
  const jan = { namespace: 'email', value: 'jan@example.nl' };
  const read = (field: string, hidden: readonly string[] = []) =>
    readInterest({
      schema: publishedSchema,
      subscriptionRules,
      document: parse(`subscription { ${field} { recordId } }`),
      readKey: () => jan,
      maySee: (place) => !hidden.includes(place),
    });
  // The enum \`Source\` is declared here, because no source is plugged in.
  const happening = (type: string, source = 'WEBSHOP'): SourceEvent => ({
    ...{ id: '1', source, type, time: '2026-12-01T12:00:00Z', identifiers: {}, data: {} },
  });

  test.each<[string, SourceEvent, boolean]>([
    ['event', happening('order.paid'), true],
    ['event', happening('cart.changed', 'KVK'), true],
    ['event', happening('order.shipped'), false],
    ['event(types: [ORDER_PAID])', happening('order.paid'), true],
    ['event(types: [ORDER_PAID])', happening('cart.changed'), false],
    ['event(types: [])', happening('order.paid'), false],
    ['event(sources: [WEBSHOP])', happening('order.paid'), true],
    ['event(sources: [WEBSHOP])', happening('order.paid', 'KVK'), false],
    ['event(types: [ORDER_PAID], sources: [KVK])', happening('order.paid'), false],
  ])('to %s, not to shipped orders, matches %j: %s', (field, event, expected) => {
    expect(read(field, ['EventType.ORDER_SHIPPED']).matches({ event, about: [] })).toBe(expected);
  });

  test.each(['event(types: [CART_CHANGED, ORDER_PAID])', 'orderPaid'])(
    'to %s is refused for a type that the caller may not see',
    (field) => {
      expect(() => read(field, ['EventType.ORDER_PAID'])).toThrow(/waits for ORDER_PAID/);
    },
  );

  test('to abandoned carts delays changes of a cart, and is cancelled by orders', () => {
    const interest = read('cartAbandoned(delay: "PT2H")');
    expect(interest.delayMs).toBe(2 * 3_600_000);
    expect([interest.isDelayed('cart.changed'), interest.isDelayed('order.paid')]).toEqual([true, false]);
    expect(interest.matches({ event: happening('cart.changed'), about: [jan] })).toBe(true);
    expect(interest.matches({ event: happening('order.paid'), about: [jan] })).toBe(false);
    expect(interest.cancels({ event: happening('order.placed'), about: [jan] })).toBe(true);
  });

  test('to abandoned carts matches only events with a customer, because an order must be able to cancel it', () => {
    expect(read('cartAbandoned').matches({ event: happening('cart.changed'), about: [] })).toBe(false);
  });

  test('to paid orders has no delay, and matches events without a customer', () => {
    const interest = read('orderPaid');
    expect(interest.delayMs).toBe(0);
    expect(interest.matches({ event: happening('order.paid'), about: [] })).toBe(true);
    expect(interest.matches({ event: happening('order.placed'), about: [] })).toBe(false);
    expect(interest.cancels({ event: happening('order.placed'), about: [jan] })).toBe(false);
  });

  test('to changes of a customer matches events about that customer, of types that the caller may see', () => {
    const interest = read('customerChanged(by: { email: "jan@example.nl" })', ['EventType.CART_CHANGED']);
    const eva = { namespace: 'email', value: 'eva@example.nl' };
    expect(interest.matches({ event: happening('order.paid'), about: [eva, jan] })).toBe(true);
    expect(interest.matches({ event: happening('order.paid'), about: [eva] })).toBe(false);
    expect(interest.matches({ event: happening('cart.changed'), about: [jan] })).toBe(false);
  });
});
