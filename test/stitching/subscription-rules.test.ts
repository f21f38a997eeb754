import { buildSchema } from 'graphql';
import { describe, expect, test } from 'vitest';
import { composeSdl, readSdlFiles } from '../../src/stitching/sdl.js';
import { readSubscriptionRules } from '../../src/stitching/subscription-rules.js';

const schema = buildSchema('type Query { _: Int } type Customer { _: Int }');

/** Returns the rules of a source with these fields of Subscription. */
function rulesOf(fields: string, rest = '') {
  const text = `type Subscription {\n${fields}\n} extend enum EventType { PARCEL_SENT PARCEL_OUT_FOR_DELIVERY } ${rest}`;
  const files = [...readSdlFiles([]), { name: 'parcels.graphql', text, source: 'parcels' }];
  return readSubscriptionRules(composeSdl(files, []), schema);
}

describe('a subscription of a source', () => {
  test('receives the events that @waitsFor declares', () => {
    const { awaited } = rulesOf(
      `parcelLate(delay: Duration! = "P1D"): CustomerEvent
         @waitsFor(types: [ORDER_PLACED], later: [PARCEL_SENT], unless: [PARCEL_OUT_FOR_DELIVERY])`,
    );
    expect(awaited.get('parcelLate')).toEqual({
      types: ['order.placed'],
      later: ['parcel.sent'],
      unless: ['parcel.out_for_delivery'],
    });
    expect(awaited.get('orderPaid')?.types).toEqual(['order.paid']);
  });

  test.each([
    ['without @waitsFor', 'parcelSent: CustomerEvent', 'needs @waitsFor'],
    ['without a type of event', 'parcelSent: CustomerEvent @waitsFor', 'waits for no event'],
    [
      'if it has another type',
      'parcelSent: Int @waitsFor(types: [PARCEL_SENT])',
      'must be of the type CustomerEvent',
    ],
    [
      'if it is delayed without the argument for the delay',
      'parcelSent: CustomerEvent @waitsFor(later: [PARCEL_SENT])',
      'needs an argument "delay: Duration!"',
    ],
    [
      'with an unknown type of event',
      'parcelSent: CustomerEvent @waitsFor(types: [PARCEL_LOST])',
      'PARCEL_LOST',
    ],
    [
      'if it is declared already',
      'orderPaid: CustomerEvent @waitsFor(types: [ORDER_PAID])',
      'declared in both',
    ],
  ])('is refused %s', (_, field, message) => {
    expect(() => rulesOf(field)).toThrow(message);
    expect(() => rulesOf(field)).toThrow('parcels.graphql');
  });

  test('is the only place for @waitsFor', () => {
    const type = 'type Parcel { number: Int @waitsFor(types: [PARCEL_SENT]) }';
    expect(() => rulesOf('parcelSent: CustomerEvent @waitsFor(types: [PARCEL_SENT])', type)).toThrow(
      '"Parcel.number" has @waitsFor, but is not a subscription',
    );
  });
});
