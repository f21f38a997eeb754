import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalise } from '../../../src/identity/identifiers.js';
import { xUsername } from '../../../src/identity/namespaces/x-username.js';

const valueOf = (text: string): string | null => normalise(xUsername, text)?.value ?? null;

describe('a username on X', () => {
  test.each([
    ['Eva_1990', 'eva_1990'],
    ['@Eva_1990', 'eva_1990'],
    ['https://x.com/Eva_1990', 'eva_1990'],
    ['http://www.twitter.com/Eva_1990/', 'eva_1990'],
    ['https://mobile.twitter.com/@Eva_1990?lang=nl', 'eva_1990'],
    ['X.com/eva_1990?s=21&t=x/y', 'eva_1990'],
  ])('%s is normalised to %s', (text, expected) => {
    expect(valueOf(text)).toBe(expected);
  });

  test.each([
    '@',
    '@@eva',
    'eva-1990',
    'eva 1990',
    'sixteen_long_xxx',
    'é',
    'https://x.com/home',
    'https://x.com/i/flow/login',
    'https://x.com/eva/status/1',
    'https://example.com/eva',
    'https://notx.com/eva',
    'https://x.com/',
    '@unknown',
    'https://x.com/eva#/victim',
    'https://x.com//eva',
    'https://x.com/@@eva',
    'https://x.com/%65va',
    'https://x.com/eva/?x#y',
    '@\u212aees',
    'x.com/\u212aees',
  ])('%j is not a valid username', (text) => {
    expect(valueOf(text)).toBeNull();
  });

  test('is the same with and without @, as a link, and in upper and lower case', () => {
    const name = fc.stringMatching(/^[a-z]{3}\d[a-z\d_]{0,11}$/);
    const forms = fc.constantFrom('', '@', 'https://x.com/', 'https://twitter.com/', 'twitter.com/@');
    fc.assert(
      fc.property(name, forms, (username, form) => {
        expect(valueOf(form + username.toUpperCase())).toBe(username);
      }),
    );
  });
});
