import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { soqlText } from '../../sources/crm-salesforce/soql.js';

/** Reads a SOQL text like Salesforce: a backslash escapes the next character. Null if the text ends early. */
function readSoqlText(text: string): string | null {
  const [, content] = /^'((?:[^'\\]|\\[^])*)'$/.exec(text) ?? [];
  return content?.replace(/\\([^])/g, '$1') ?? null;
}

describe('a text in SOQL', () => {
  it.each([
    ["O'Neill", String.raw`'O\'Neill'`],
    [String.raw`a\b`, String.raw`'a\\b'`],
    [String.raw`\' OR Name != '`, String.raw`'\\\' OR Name != \''`],
    ['', "''"],
  ])('%j is %s', (value, expected) => {
    expect(soqlText(value)).toBe(expected);
  });

  it('is parsed to the original value, for any characters', () => {
    const value = fc.string({ unit: fc.constantFrom("'", '\\', 'a', '%', '_', ' ', '\n', 'é') });
    fc.assert(
      fc.property(value, (text) => {
        expect(readSoqlText(soqlText(text))).toBe(text);
      }),
    );
  });
});
