import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hmac, isHmacOf, isSameText } from '../../src/webhooks/signatures.js';

const text = fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme-ascii' });

describe('two texts', () => {
  it('are the same when each character is, and never by a beginning of them', () => {
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
  it.each(['hex', 'base64'] as const)('in %s is right as a whole, and not by a part of it', (encoding) => {
    const secrets = ['the first secret', 'the second secret'];
    const signed = ['what is signed', new Uint8Array([0, 255])];
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
