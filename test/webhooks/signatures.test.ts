import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hmac,
  isHmacOf,
  isSameText,
  isWithinTolerance,
  verifyStandard,
} from '../../src/webhooks/signatures.js';

const text = fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme-ascii' });

describe('two texts', () => {
  it('are equal only if all their characters are equal', () => {
    expect(isSameText('', '')).toBe(true);
    fc.assert(
      fc.property(text, fc.nat(), fc.constantFrom('a', 'b', '='), (value, at, other) => {
        expect(isSameText(value, value)).toBe(true);
        const place = at % value.length;
        expect(isSameText(value, value.slice(0, place))).toBe(false);
        expect(isSameText(value.slice(0, place), value)).toBe(false);
        const changed = value.slice(0, place) + other + value.slice(place + 1);
        expect(isSameText(value, changed)).toBe(value === changed);
      }),
    );
  });
});

describe('a signature', () => {
  it.each(['hex', 'base64'] as const)('in %s is accepted only if it is complete', (encoding) => {
    const secrets = ['the first secret', 'the second secret'];
    const signed = ['signed content', new Uint8Array([0, 255])];
    for (const secret of secrets) {
      const signature = hmac(secret, signed, encoding);
      const isTaken = (input: string | null) => isHmacOf(signed, { secrets, signature: input, encoding });
      expect(isTaken(signature)).toBe(true);
      expect(isTaken(null)).toBe(false);
      expect(isTaken(`${signature}=`)).toBe(false);
      for (let place = 0; place < signature.length; place += 1) {
        expect(isTaken(signature.slice(0, place))).toBe(false);
        const other = signature[place] === 'a' ? 'b' : 'a';
        expect(isTaken(signature.slice(0, place) + other + signature.slice(place + 1))).toBe(false);
      }
    }
  });
});

describe('a signed time', () => {
  const MINUTES_5 = 300_000;
  it.each([
    [0, true],
    [MINUTES_5, true],
    [-MINUTES_5, true],
    [MINUTES_5 + 1, false],
    [-MINUTES_5 - 1, false],
    [NaN, false],
  ])('%i ms from now is accepted: %s', (offset, expected) => {
    expect(isWithinTolerance(1_700_000_000_000 + offset, 1_700_000_000_000)).toBe(expected);
  });
});

describe('a message of Standard Webhooks', () => {
  const SECONDS = 1_700_000_000;
  const KEYS = [`whsec_${'A'.repeat(32)}`, `whsec_${'B'.repeat(32)}`];
  const right = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(SECONDS) };
  const signature = (key = KEYS[0] ?? '', { id, timestamp } = { id: 'msg_1', timestamp: String(SECONDS) }) =>
    `v1,${hmac(Buffer.from(key.slice(6), 'base64'), [`${id}.${timestamp}.`, 'body'], 'base64')}`;
  const verify = (headers: Record<string, string>, body = 'body', nowMs = SECONDS * 1_000) =>
    verifyStandard(KEYS, new Headers({ ...right, ...headers }), Buffer.from(body), nowMs);
  const others = (count: number) => Array.from({ length: count }, (_, i) => `v1,other${i}`).join(' ');

  it.each<[string, Record<string, string>, 'valid' | 'invalid']>([
    ['signed with the first key', { 'webhook-signature': signature() }, 'valid'],
    ['signed with the second key', { 'webhook-signature': signature(KEYS[1]) }, 'valid'],
    ['signed with another key', { 'webhook-signature': signature(`whsec_${'C'.repeat(32)}`) }, 'invalid'],
    ['without a signature', {}, 'invalid'],
    ['with an empty signature', { 'webhook-signature': '' }, 'invalid'],
    ['with the beginning of a signature', { 'webhook-signature': signature().slice(0, 20) }, 'invalid'],
    ['whose twentieth signature is valid', { 'webhook-signature': `${others(19)} ${signature()}` }, 'valid'],
    ['whose 21st signature is valid', { 'webhook-signature': `${others(20)} ${signature()}` }, 'invalid'],
    ['with another id', { 'webhook-signature': signature(), 'webhook-id': 'msg_2' }, 'invalid'],
    [
      'with another time',
      { 'webhook-signature': signature(), 'webhook-timestamp': `${SECONDS + 1}` },
      'invalid',
    ],
  ])('%s is %s', (_, headers, expected) => {
    expect(verify(headers)).toBe(expected);
  });

  it.each([
    ['an empty id', { id: '', timestamp: String(SECONDS) }],
    ['a dot in its id', { id: 'a.b', timestamp: String(SECONDS) }],
    ['a blank in its id', { id: 'a b', timestamp: String(SECONDS) }],
    ['a time with a fraction', { id: 'msg_1', timestamp: `${SECONDS}.0` }],
    ['a negative time', { id: 'msg_1', timestamp: '-1' }],
    ['a time of 13 digits', { id: 'msg_1', timestamp: `${SECONDS}000` }],
    ['no time', { id: 'msg_1', timestamp: '' }],
  ])('with %s is invalid, even if it is signed', (_, { id, timestamp }) => {
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature(KEYS[0], { id, timestamp }),
    };
    expect(verify(headers)).toBe('invalid');
  });

  it('with another body is invalid', () => {
    expect(verify({ 'webhook-signature': signature() }, 'other')).toBe('invalid');
  });

  it.each([
    [300, 'valid'],
    [-300, 'valid'],
    [301, 'stale'],
    [-301, 'stale'],
  ])('that was signed %i s ago is %s', (seconds, expected) => {
    expect(verify({ 'webhook-signature': signature() }, 'body', (SECONDS + seconds) * 1_000)).toBe(expected);
  });

  it('with an old signature by another key is invalid, not stale', () => {
    const headers = { 'webhook-signature': signature(`whsec_${'C'.repeat(32)}`) };
    expect(verify(headers, 'body', 0)).toBe('invalid');
  });
});
