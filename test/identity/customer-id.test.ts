import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCustomerIds } from '../../src/identity/customer-id.js';

const ids = createCustomerIds('a secret of the tests');
const identifier = fc.record({
  namespace: fc.stringMatching(/^[a-z][A-Za-z]{0,20}$/),
  value: fc.string({ minLength: 1 }).filter((value) => !value.includes('\n')),
});

describe('the id of a customer', () => {
  test('differs for each identifier, and is decoded to it', () => {
    fc.assert(
      fc.property(identifier, identifier, (first, second) => {
        const id = ids.seal(first);
        expect(id).toMatch(/^[\w-]+$/);
        expect(ids.seal({ ...first })).toBe(id);
        expect(ids.open(id)).toEqual(first);
        const isSame = first.namespace === second.namespace && first.value === second.value;
        expect(ids.seal(second) === id).toBe(isSame);
      }),
    );
  });

  test('reveals nothing about the identifier', () => {
    const id = ids.seal({ namespace: 'customerNumber', value: 'K000123' });
    expect(Buffer.from(id, 'base64url').toString('latin1')).not.toMatch(/K000123|customerNumber/);
  });

  test('cannot be forged: any change makes it invalid', () => {
    fc.assert(
      fc.property(identifier, fc.nat(), fc.integer({ min: 1, max: 255 }), (sealed, at, change) => {
        const bytes = Buffer.from(ids.seal(sealed), 'base64url');
        const place = at % bytes.length;
        bytes[place] = (bytes[place] ?? 0) ^ change;
        expect(ids.open(bytes.toString('base64url'))).toBeNull();
      }),
    );
  });

  test.each(['', 'K000123', 'A', '?', 'a'.repeat(10_000)])(
    'is invalid if it is any other text: %.20s',
    (text) => {
      expect(ids.open(text)).toBeNull();
    },
  );

  test('has exactly one valid spelling', () => {
    const id = ids.seal({ namespace: 'email', value: 'eva@example.nl' });
    expect(ids.open(`${id}=`)).toBeNull();
    expect(ids.open(` ${id}`)).toBeNull();
  });

  test('is invalid under another secret', () => {
    const other = createCustomerIds('another secret of the tests');
    expect(other.open(ids.seal({ namespace: 'email', value: 'eva@example.nl' }))).toBeNull();
  });
});
