import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mask, normalise } from '../../../src/identity/identifiers.js';
import { DEFAULT_BLOCKLISTS } from '../../../src/blocklists.js';
import { email as emailOf } from '../../../src/identity/namespaces/email.js';

const email = emailOf(DEFAULT_BLOCKLISTS);

const valueOf = (text: string): string | null => normalise(email, text)?.value ?? null;

describe('an e-mail address', () => {
  test.each([
    ['Jan.Jansen@Example.NL', 'jan.jansen@example.nl'],
    ['  jan@example.nl\t', 'jan@example.nl'],
    ['\u00a0jan@example.nl\u00a0', 'jan@example.nl'],
    ['jan+shop@example.nl', 'jan+shop@example.nl'],
    ['j.a.n@gmail.com', 'j.a.n@gmail.com'],
    ["o'neill@example.ie", "o'neill@example.ie"],
    ['jan@münchen.example', 'jan@xn--mnchen-3ya.example'],
    ['JAN@MÜNCHEN.example', 'jan@xn--mnchen-3ya.example'],
    ['jan@xn--mnchen-3ya.example', 'jan@xn--mnchen-3ya.example'],
    ['jan@mu\u0308nchen.example', 'jan@xn--mnchen-3ya.example'],
    ['jan@bücher.例え', 'jan@xn--bcher-kva.xn--r8jz45g'],
    ['jan@bücher.xn--r8jz45g', 'jan@xn--bcher-kva.xn--r8jz45g'],
    ['jan@straße.example', 'jan@xn--strae-oqa.example'],
    ['jan@strasse.example', 'jan@strasse.example'],
    ['RENE\u0301@example.nl', 'rené@example.nl'],
    ['J\u030can@example.nl', '\u01f0an@example.nl'],
  ])('%s is normalised to %s', (text, expected) => {
    expect(valueOf(text)).toBe(expected);
  });

  test.each([
    'jan',
    '@example.nl',
    'jan@',
    'jan@nl',
    'jan@@example.nl',
    'jan@example..nl',
    'jan@.nl',
    'jan@-example.nl',
    'jan@ex_ample.nl',
    'jan@exa%6dple.nl',
    'jan@127.0.0.1',
    'jan@127.1',
    'jan@[127.0.0.1]',
    'jan jansen@example.nl',
    'jan@exam ple.nl',
    '"jan"@example.nl',
    'Jan <jan@example.nl>',
    'mailto:jan@example.nl',
    'jan@example.nl, piet@example.nl',
    'jan,piet@example.nl',
    `${'j'.repeat(65)}@example.nl`,
    `jan@${'e'.repeat(1_100)}.nl`,
    'jan@example.nl\nbcc: all@example.nl',
    ...['/x', '/', '?x', '#x', '\\x', ':80', '%2fx', '.', '/../x'].map((end) => `jan@example.nl${end}`),
    'jan@ｅｘａｍｐｌｅ.nl',
    'jan@example。nl',
    'jan@ﬁets.nl',
    'jan@①.nl',
    '\u212aees@example.nl',
    'kees@\u212apn.nl',
    'jan@xn--mnchen.example',
    'jan@xn--a.nl',
  ])('%j is not a valid address', (text) => {
    expect(valueOf(text)).toBeNull();
  });

  test.each([
    'noemail@example.nl',
    'No-Email@example.nl',
    'geenemail@example.nl',
    'none@none.nl',
    'test@test.nl',
    'jan@test.com',
    'jan@geen.nl',
    'onbekend@example.nl',
    'anonymous@example.nl',
    'null@example.nl',
    '-@example.nl',
    '0000@example.nl',
    'jan@shop.invalid',
    'jan@localhost.localhost',
    'jan@mail.shop.invalid',
  ])('%s is a placeholder, typed to pass a form', (text) => {
    expect(valueOf(text)).toBeNull();
  });

  test.each([
    'nobody@example.nl',
    'jan.test@example.nl',
    'testament@example.nl',
    'jan@test.example.nl',
    'jan@shop.test',
    'jan@shop.example',
    '007@example.nl',
  ])('%s only resembles a placeholder', (text) => {
    expect(valueOf(text)).toBe(text);
  });

  test.each([
    'info@example.nl',
    'Administratie@example.nl',
    'noreply@example.nl',
    'klantenservice@example.nl',
  ])('%s is an address, but never links two records', (text) => {
    const value = valueOf(text);
    expect(value).toBe(text.toLowerCase());
    expect(email.mayLink?.(value ?? '')).toBe(false);
  });

  test.each(['jan@example.nl', 'info.jan@example.nl', 'informatie@example.nl', 'jan@info.nl'])(
    '%s may link to another system',
    (text) => {
      expect(email.mayLink?.(text)).toBe(true);
    },
  );

  test.each([
    ['jan@example.nl', 'j***@example.nl'],
    ['j@example.nl', 'j***@example.nl'],
    ['𝒿an@example.nl', '𝒿***@example.nl'],
  ])('%s is masked as %s', (value, shown) => {
    expect(mask(email, value)).toBe(shown);
  });

  test('is the same in upper and lower case and with blanks around it', () => {
    const blanks = fc.constantFrom('', ' ', '\t', '\u00a0', '\u200b', '\r\n');
    fc.assert(
      fc.property(fc.emailAddress(), blanks, blanks, (address, before, after) => {
        expect(valueOf(before + address.toUpperCase() + after)).toBe(valueOf(address));
      }),
    );
  });
});
