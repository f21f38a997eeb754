import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Mask } from '../../src/customer/schema.generated.js';
import { masked } from '../../src/privacy/masking.js';

const MASKS = ['EMAIL', 'LAST_FOUR', 'INITIAL', 'YEAR', 'ALL'] as const satisfies Mask[];

/** Splits a text into graphemes, which are the characters that a reader sees. */
const characters = (text: string): string[] =>
  Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);

const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  // These texts include lone surrogates.
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ maxLength: 12 }),
  fc.emailAddress(),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  fc.constantFrom(
    '+31612345678',
    '1970-02-03',
    'Anna de Vries',
    'NL91ABNA0417164300',
    '',
    '@',
    'a@',
    '@b',
    'a@b@c',
  ),
);

/** Every result that a mask may return for a text, by the description in schema/directives.graphql. */
function allowed(mask: Mask, text: string): string[] {
  const parts = characters(text);
  switch (mask) {
    case 'EMAIL': {
      const at = text.lastIndexOf('@');
      return at < 1 ? ['***'] : [`${characters(text.slice(0, at))[0] ?? ''}***${text.slice(at)}`];
    }
    case 'LAST_FOUR':
      return parts.length < 8 ? ['***'] : [`***${parts.slice(-4).join('')}`];
    case 'INITIAL':
      return [`${parts[0] ?? ''}***`];
    case 'YEAR':
      return /^\d{4}-/.test(text) ? [text.slice(0, 4)] : ['***'];
    case 'ALL':
      return ['***'];
  }
}

describe('a masked value', () => {
  test.each(MASKS)('shows only the characters that its mask allows, for any text: %s', (mask) => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(allowed(mask, text)).toContain(masked(text, mask));
      }),
      { numRuns: 500 },
    );
  });

  test.each(['LAST_FOUR', 'INITIAL', 'EMAIL'] as const)(
    'hides at least as many characters as it shows: %s',
    (mask) => {
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme', minLength: 2, maxLength: 40 }), (text) => {
          // Two adjacent characters may combine into one.
          fc.pre(!/[@*]/.test(text) && characters(text).length > 1);
          const shown = String(masked(text, mask)).replace('***', '');
          expect(characters(shown).length).toBeLessThanOrEqual(characters(text).length / 2);
        }),
      );
    },
  );

  test('does not reveal its length', () => {
    fc.assert(
      fc.property(fc.constantFrom(...MASKS), fc.nat(60), (mask, more) => {
        const text = `Anna${'x'.repeat(more)}5678@example.nl`;
        if (mask === 'YEAR' || mask === 'ALL') expect(masked(text, mask)).toBe('***');
        else expect(masked(text, mask)).toBe(masked(`${text.slice(0, 4)}5678@example.nl`, mask));
      }),
    );
  });

  const people: [Mask, string, string][] = [
    ['EMAIL', 'jan.jansen@example.nl', 'j***@example.nl'],
    ['EMAIL', '"jan@home"@example.nl', '"***@example.nl'],
    ['EMAIL', 'jan.jansen', '***'],
    ['EMAIL', '@example.nl', '***'],
    ['LAST_FOUR', '+31612345678', '***5678'],
    ['LAST_FOUR', '1234567', '***'],
    ['LAST_FOUR', '12345678', '***5678'],
    ['LAST_FOUR', '5678', '***'],
    ['INITIAL', 'Jan', 'J***'],
    ['INITIAL', '', '***'],
    ['INITIAL', '👩‍👩‍👧 Anna', '👩‍👩‍👧***'],
    ['INITIAL', 'E\u0301lodie', 'E\u0301***'],
    ['INITIAL', '𝒜nna', '𝒜***'],
    ['LAST_FOUR', '0123e\u0301e\u0301e\u0301e\u0301', '***e\u0301e\u0301e\u0301e\u0301'],
    ['YEAR', '1970-02-03', '1970'],
    ['YEAR', '3 February 1970', '***'],
    ['YEAR', '19700203', '***'],
    ['ALL', 'Jan', '***'],
  ];
  test.each(people)('with the mask %s of "%s" is "%s"', (mask, text, shown) => {
    expect(masked(text, mask)).toBe(shown);
  });

  test.each(MASKS)('contains only whole characters, with their accents: %s', (mask) => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (text) => {
        // Encoding replaces a lone surrogate with another character.
        const shown = String(masked(text, mask));
        expect(Buffer.from(shown, 'utf8').toString('utf8')).toBe(shown);
      }),
    );
  });

  test.each(MASKS)('masks each item of a list, and leaves missing items missing: %s', (mask) => {
    const unavailable = new Error('a system is unavailable');
    const list = ['jan@example.nl', null, undefined, unavailable, ['+31612345678', 12345678]];
    expect(masked(list, mask)).toEqual([
      masked('jan@example.nl', mask),
      null,
      undefined,
      unavailable,
      [masked('+31612345678', mask), '***'],
    ]);
    expect(list[0]).toBe('jan@example.nl');
    for (const nothing of [null, undefined]) expect(masked(nothing, mask)).toBe(nothing);
    expect(masked([], mask)).toEqual([]);
  });

  test.each(MASKS)('shows nothing if the value is not a text: %s', (mask) => {
    const others = [0, 31612345678, 1n, true, false, new Date(0), { name: 'Jan' }, () => 'Jan', NaN];
    for (const value of others) expect(masked(value, mask)).toBe('***');
  });
});
