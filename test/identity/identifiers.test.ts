import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import {
  commonNamespaces,
  idNamespace,
  isSame,
  mask,
  normalise,
  normaliseIn,
} from '../../src/identity/identifiers.js';
import type { Namespace } from '../../src/identity/declaration.js';

const namespaces = new Map(
  [...commonNamespaces('NL'), ...sources.flatMap((source) => source.namespaces ?? [])].map((namespace) => [
    namespace.name,
    namespace,
  ]),
);

function namespace(name: string): Namespace {
  const found = namespaces.get(name);
  if (found === undefined) throw new Error(`there is no namespace ${name}`);
  return found;
}

const valueOf = (name: string, text: string): string | null =>
  normalise(namespace(name), text)?.value ?? null;

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

  test('retains its leading zeros', () => {
    const branch = idNamespace('branchId', 'Eight digits.', /^\d{8}$/);
    expect(normalise(branch, ' 01234567 ')).toEqual({ namespace: 'branchId', value: '01234567' });
  });

  test('may occur several times for a customer, unless the source declares a single value', () => {
    expect(idNamespace('branchId', 'An id.', /^\d+$/).perCustomer).toBeUndefined();
    expect(idNamespace('branchId', 'An id.', /^\d+$/, { perCustomer: 'one' }).perCustomer).toBe('one');
  });

  test.each([
    ['K000123', 'K***3'],
    ['K123', 'K***3'],
    ['K12', '***'],
    ['K', '***'],
  ])('%s is shown masked as %s', (value, shown) => {
    expect(mask(namespace('customerNumber'), value)).toBe(shown);
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
    'unknown',
    'none',
    'test',
    '(null)',
    'N.V.T.',
    '?',
    '...',
    '__',
    '\u0000',
    '\u200b\u00a0\ufeff',
    '\u20620\u2062',
  ];

  test.each([...namespaces.keys()])('%s is never a placeholder', (name) => {
    for (const text of blocked) expect(valueOf(name, text), text).toBeNull();
  });

  test('refuses a value that is a placeholder only after normalisation', () => {
    const zeros = idNamespace('gid', 'With a prefix.', /^\d+$/);
    const prefixed: Namespace = {
      ...zeros,
      normalise: (value) => zeros.normalise(value.replace('gid:', '')),
    };
    expect(normalise(prefixed, 'gid:0000')).toBeNull();
    expect(normalise(prefixed, 'gid:0001')?.value).toBe('0001');
  });

  const invisible = ['\u200b', '\u00ad', '\ufeff', '\u202e', '\u3164', '\ufe0f'];
  /** Control characters, lone surrogates, private-use characters, and unassigned code points. */
  const refused = ['\u0000', '\u0007', '\u0085', '\ud800', '\udc00', '\ue000', '\u0378', '\uffff'];
  const examples: [name: string, value: string][] = [
    ['email', 'jan@example.nl'],
    ['emailHash', 'c7edadcb3d9d4c2f5f0f3ae3aa2d0bbd3c5b1dfd3d3b6cf4b1aa3a04a3f7a9e1'],
    ['phone', '+31612345678'],
    ['visitorId', '0b3f1c52-6e4a-4d5b-9c1e-8f2a7d6b5c4e'],
    ['kvkNumber', '68750110'],
    ['vatNumber', 'NL820605876B01'],
    ['xUsername', 'eva_1990'],
    ['facebookUserId', '24091234567890123'],
    ['customerNumber', 'K000123'],
    ['shopifyCustomerId', '9207654321012345'],
  ];

  test.each(examples)('%s may have invisible characters around it, but not inside', (name, value) => {
    expect(valueOf(name, value)).toBe(value);
    for (const character of invisible) {
      expect(valueOf(name, character + value + character)).toBe(value);
      expect(valueOf(name, `${character} \t${value}\r\n${character}`)).toBe(value);
      expect(valueOf(name, value.slice(0, 3) + character + value.slice(3))).toBeNull();
    }
    for (const character of refused) {
      expect(valueOf(name, character + value)).toBeNull();
      expect(valueOf(name, value + character)).toBeNull();
      expect(valueOf(name, value.slice(0, 3) + character + value.slice(3))).toBeNull();
    }
  });

  const utf16 = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
  const mistyped = fc
    .tuple(fc.constantFrom(...examples), fc.nat(20), fc.oneof(fc.string({ maxLength: 2 }), utf16))
    .map(([[, value], at, typed]) => value.slice(0, at) + typed + value.slice(at));
  const likely = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    utf16,
    mistyped,
    fc.emailAddress(),
    fc
      .tuple(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.domain())
      .map(([local, domain]) => `${local}@${domain}`),
    fc
      .tuple(fc.string({ unit: 'binary', maxLength: 6 }), fc.string({ unit: 'binary', maxLength: 6 }))
      .map(([local, domain]) => `${local}@${domain}.nl`),
    fc.integer({ min: 0, max: 999_999_999 }).map((number) => `0${number}`),
    fc.bigInt({ min: 0n, max: 10n ** 20n }).map((number) => `gid://shopify/Customer/${number}`),
    fc.integer({ min: 0, max: 99_999_999 }).map((number) => String(number).padStart(8, '0')),
    fc
      .tuple(fc.constantFrom('BE', 'BG', 'GR', 'LU', 'SK'), fc.nat(999_999_999))
      .map(([country, number]) => `${country} ${number}`),
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('base64')),
    fc.stringMatching(/^(@|https:\/\/x\.com\/)\w{1,16}$/),
    fc.uuid(),
  );

  test.each([...namespaces.keys()])('%s does not change when it is normalised again', (name) => {
    fc.assert(
      fc.property(likely, (text) => {
        const value = valueOf(name, text);
        if (value === null) return;
        expect(valueOf(name, value)).toBe(value);
        expect(valueOf(name, `  ${text} `)).toBe(value);
        expect(value).toBe(value.trim());
        expect(mask(namespace(name), value)).not.toContain(value);
      }),
      { numRuns: 500 },
    );
  });

  test.each([...namespaces.keys()])('%s refuses text that is too long', (name) => {
    for (const unit of ['a', '0', ' ', '1 ', '\u200b', '\ud800', 'a@', '@a.', '+31 '])
      expect(valueOf(name, unit.repeat(10_240)), unit).toBeNull();
  });

  test('may have 1,000 characters, but not more', () => {
    const any = idNamespace('any', 'Any text.', /^.*$/);
    expect(normalise(any, 'a'.repeat(1_000))?.value).toHaveLength(1_000);
    expect(normalise(any, 'a'.repeat(1_001))).toBeNull();
  });

  test('is another one in another namespace, and none without a value', () => {
    const [email, login] = ['email', 'login'].map((name) => ({ namespace: name, value: 'eva@example.nl' }));
    if (email === undefined || login === undefined) throw new Error('two identifiers');
    expect([isSame(email, { ...email }), isSame(email, login)]).toEqual([true, false]);
    for (const value of [null, undefined])
      expect(normaliseIn({ namespaces }, 'email', value), String(value)).toBeNull();
  });

  test('has a unique name and a description', () => {
    const all = [...commonNamespaces('NL'), ...sources.flatMap((source) => source.namespaces ?? [])];
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { description } of all) expect(description).toMatch(/^[A-Z].*\.$/);
  });
});
