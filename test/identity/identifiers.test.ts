import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import { commonNamespaces, idNamespace, normalise } from '../../src/identity/identifiers.js';
import type { Namespace } from '../../src/source.js';

const namespaces = new Map(
  [...commonNamespaces('NL'), ...sources.flatMap((source) => source.namespaces ?? [])].map((one) => [
    one.name,
    one,
  ]),
);

function namespace(name: string): Namespace {
  const found = namespaces.get(name);
  if (found === undefined) throw new Error(`there is no namespace ${name}`);
  return found;
}

const valueOf = (name: string, text: string): string | null =>
  normalise(namespace(name), text)?.value ?? null;

describe('an e-mail address', () => {
  test.each([
    ['Jan.Jansen@Example.NL', 'jan.jansen@example.nl'],
    ['  jan@example.nl\t', 'jan@example.nl'],
    ['jan+shop@example.nl', 'jan+shop@example.nl'],
    ['j.a.n@gmail.com', 'j.a.n@gmail.com'],
    ["o'neill@example.ie", "o'neill@example.ie"],
    ['jan@münchen.example', 'jan@xn--mnchen-3ya.example'],
    ['JAN@MÜNCHEN.example', 'jan@xn--mnchen-3ya.example'],
    ['jan@xn--mnchen-3ya.example', 'jan@xn--mnchen-3ya.example'],
    ['jan@mu\u0308nchen.example', 'jan@xn--mnchen-3ya.example'],
    ['jan@bücher.例え', 'jan@xn--bcher-kva.xn--r8jz45g'],
  ])('%s is %s', (text, expected) => {
    expect(valueOf('email', text)).toBe(expected);
  });

  test.each([
    'jan',
    '@example.nl',
    'jan@',
    'jan@nl',
    'jan@@example.nl',
    'jan@example..nl',
    'jan@.nl',
    'jan jansen@example.nl',
    'jan@exam ple.nl',
    '"jan"@example.nl',
    'jan@example.nl, piet@example.nl',
    `${'j'.repeat(65)}@example.nl`,
    `jan@${'e'.repeat(1_100)}.nl`,
    'jan@example.nl\nbcc: all@example.nl',
  ])('%j is none', (text) => {
    expect(valueOf('email', text)).toBeNull();
  });

  test.each([
    'info@example.nl',
    'Administratie@example.nl',
    'noreply@example.nl',
    'klantenservice@example.nl',
  ])('%s is an address, but leads from nobody to anybody', (text) => {
    const value = valueOf('email', text);
    expect(value).toBe(text.toLowerCase());
    expect(namespace('email').mayLink?.(value ?? '')).toBe(false);
  });

  test.each(['jan@example.nl', 'info.jan@example.nl', 'informatie@example.nl', 'jan@info.nl'])(
    '%s may lead to another system',
    (text) => {
      expect(namespace('email').mayLink?.(text)).toBe(true);
    },
  );
});

describe('a phone number', () => {
  test.each([
    ['06-12345678', '+31612345678'],
    ['06 12 34 56 78', '+31612345678'],
    ['0031612345678', '+31612345678'],
    ['+31 6 1234 5678', '+31612345678'],
    ['+31 (0)6 12345678', '+31612345678'],
    ['(030) 231 10 10', '+31302311010'],
    ['+32 470 12 34 56', '+32470123456'],
    ['+1 202-555-0123', '+12025550123'],
  ])('%s is %s', (text, expected) => {
    expect(valueOf('phone', text)).toBe(expected);
  });

  test.each(['112', '06', '0612', '0000000000', 'call me', '+31', '+31 6 1234 5678 90', '061234567890123'])(
    '%j is none',
    (text) => {
      expect(valueOf('phone', text)).toBeNull();
    },
  );

  test('is one however its digits are set apart', () => {
    const digits = fc.integer({ min: 10_000_000, max: 59_999_999 }).map(String);
    const separators = fc.array(fc.constantFrom('', ' ', '-', '.'), { minLength: 8, maxLength: 8 });
    const prefixes = fc.constantFrom('06', '00316', '+316', '+31 6', '0031 6', '06-');
    fc.assert(
      fc.property(digits, separators, prefixes, (number, between, prefix) => {
        const written =
          prefix + Array.from(number, (digit, i) => digit + (i < 7 ? (between[i] ?? '') : '')).join('');
        expect(valueOf('phone', written)).toBe(`+316${number}`);
      }),
    );
  });

  test('without country code is one of the region that is set', () => {
    const belgian = commonNamespaces('BE').find(({ name }) => name === 'phone');
    expect(belgian?.normalise('0470 12 34 56')).toBe('+32470123456');
    expect(belgian?.description).toContain('BE');
  });
});

describe('the id of a system', () => {
  test.each([
    ['shopifyCustomerId', '9207654321012345', '9207654321012345'],
    ['shopifyCustomerId', 'gid://shopify/Customer/9207654321012345', '9207654321012345'],
    ['shopifyCustomerId', ' gid://shopify/Customer/9207654321012345 ', '9207654321012345'],
    ['shopifyCustomerId', 'gid://shopify/Order/9207654321012345', null],
    ['shopifyCustomerId', '92x', null],
    ['shopifyCustomerId', '-92', null],
    ['zendeskUserId', ' 1900000437216 ', '1900000437216'],
    ['zendeskUserId', '1e9', null],
    ['zendeskUserId', '1900000437216,1900000437217', null],
    ['hubspotContactId', '51000000001', '51000000001'],
    ['hubspotContactId', '51000000001 OR 1', null],
    ['customerNumber', 'K000123', 'K000123'],
    ['customerNumber', "K1' OR '1'='1", null],
  ])('%s %j is %j', (name, text, expected) => {
    expect(valueOf(name, text)).toBe(expected);
  });

  test('keeps its leading zeros', () => {
    const kvk = idNamespace('kvkNumber', 'Eight digits.', /^\d{8}$/);
    expect(normalise(kvk, ' 01234567 ')).toEqual({ namespace: 'kvkNumber', value: '01234567' });
  });
});

describe('every kind of identifier', () => {
  const blocked = [
    '',
    ' ',
    '0',
    '0000',
    '-',
    '-1',
    'null',
    'NULL',
    'undefined',
    'Anonymous',
    'onbekend',
    ' n/a ',
  ];

  test.each([...namespaces.keys()])('%s is never a value that stands for nobody', (name) => {
    for (const text of blocked) expect(valueOf(name, text), text).toBeNull();
  });

  test('nor when it only becomes one by normalising', () => {
    const zeros = idNamespace('gid', 'With a prefix.', /^\d+$/);
    const prefixed: Namespace = {
      ...zeros,
      normalise: (value) => zeros.normalise(value.replace('gid:', '')),
    };
    expect(normalise(prefixed, 'gid:0000')).toBeNull();
    expect(normalise(prefixed, 'gid:0001')?.value).toBe('0001');
  });

  const likely = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.emailAddress(),
    fc
      .tuple(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.domain())
      .map(([local, domain]) => `${local}@${domain}`),
    fc.integer({ min: 0, max: 999_999_999 }).map((number) => `0${number}`),
    fc.bigInt({ min: 0n, max: 10n ** 20n }).map((number) => `gid://shopify/Customer/${number}`),
  );

  test.each([...namespaces.keys()])('%s is normalised once and for all', (name) => {
    fc.assert(
      fc.property(likely, (text) => {
        const value = valueOf(name, text);
        if (value === null) return;
        expect(valueOf(name, value)).toBe(value);
        expect(valueOf(name, `  ${text} `)).toBe(value);
        expect(value).toBe(value.trim());
      }),
      { numRuns: 500 },
    );
  });

  test('has a name of its own and tells what it is', () => {
    const all = [...commonNamespaces('NL'), ...sources.flatMap((source) => source.namespaces ?? [])];
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { description } of all) expect(description).toMatch(/^[A-Z].*\.$/);
  });
});
