import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeys } from '../../src/cache/keys.js';

const keys = createKeys('a secret of the tests');

describe('the cache key of an answer', () => {
  it.each([
    ['answer', keys.answer('crm', 'contactsByEmail', 'jan@example.nl')],
    ['tag', keys.tag('customer', 'email', 'jan@example.nl')],
  ])('reveals nothing about the customer (%s)', (_, name) => {
    expect(name).toMatch(/^[\da-f]{64}$/);
    expect(Buffer.from(name, 'hex').toString('latin1')).not.toContain('jan');
  });

  it('is the same on every instance with the same secret, so that instances share answers', () => {
    const other = createKeys('a secret of the tests');
    expect(other.answer('crm', 'a', 'b')).toBe(keys.answer('crm', 'a', 'b'));
    expect(other.tag('source', 'crm')).toBe(keys.tag('source', 'crm'));
  });

  it('cannot be computed with another secret', () => {
    const other = createKeys('another secret');
    expect(other.answer('crm', 'a', 'b')).not.toBe(keys.answer('crm', 'a', 'b'));
    expect(other.tag('source', 'crm')).not.toBe(keys.tag('source', 'crm'));
  });

  it('is the same for the same query, and differs for any other', () => {
    const part = fc.stringMatching(/^[a-z ]{0,6}$/);
    const text = fc.string({
      unit: fc.constantFrom('a', '\n', ' ', '\0', '\ud83d', '\ude00', '\ufffd'),
      maxLength: 6,
    });
    const item = fc.tuple(part, part, text);
    fc.assert(
      fc.property(item, item, (a, b) => {
        const isSame = a.every((value, i) => value === b[i]);
        expect(keys.answer(...a) === keys.answer(...b)).toBe(isSame);
        expect(keys.tag('customer', ...a) === keys.tag('customer', ...b)).toBe(isSame);
        // The tag of an answer never equals the key of an answer.
        expect(keys.answer(...a)).not.toBe(keys.tag(...a));
      }),
      {
        numRuns: 2_000,
        examples: [
          [
            ['s', 'l', '\ud800'],
            ['s', 'l', '\ufffd'],
          ],
        ],
      },
    );
  });
});
