import { createHash } from 'node:crypto';
import { domainToUnicode } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import { commonNamespaces, normalise } from '../../src/identity/identifiers.js';
import { runCount } from '../support/thorough.js';

const namespaces = new Map(
  [...commonNamespaces('NL'), ...sources.flatMap((source) => source.namespaces ?? [])].map((namespace) => [
    namespace.name,
    namespace,
  ]),
);

function valueOf(name: string, text: string): string | null {
  const namespace = namespaces.get(name);
  if (namespace === undefined) throw new Error(`there is no namespace ${name}`);
  return normalise(namespace, text)?.value ?? null;
}

/** Blanks and invisible characters around a value are removed in all namespaces. */
const trimmed = (text: string): string =>
  text.replace(
    /^[\s\p{Cf}\p{Default_Ignorable_Code_Point}]+|[\s\p{Cf}\p{Default_Ignorable_Code_Point}]+$/gu,
    '',
  );

const asWritten = (text: string): string => text;
const capitals = (text: string): string =>
  text.replace(/[a-z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 32));
const small = (text: string): string =>
  text.replace(/[A-Z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 32));
const isAscii = (text: string): boolean => /^[\u0020-\u007e]*$/.test(text);

/**
 * The significant part of a value by the documented rules of its namespace, computed without the normaliser. `of` returns the
 * expected normalised value, or every allowed one.
 */
const RULES: Record<string, { of: (text: string) => string | readonly string[]; examples: string[] }> = {
  email: {
    // Lower case, NFC. The domain is compared in Unicode; no letter outside ASCII becomes an ASCII letter.
    of: (text) => {
      const at = text.indexOf('@');
      const [local, domain] = [text.slice(0, at), text.slice(at + 1)].map((part) =>
        isAscii(part) ? small(part) : part.toLowerCase().normalize('NFC'),
      ) as [string, string];
      return `${local}@${domain
        .split('.')
        .map((label) => (label.startsWith('xn--') ? domainToUnicode(label) : label))
        .join('.')}`;
    },
    examples: [
      'jan@example.nl',
      'jan@münchen.example',
      'Jan.Jansen+shop@Straße.example',
      "o'neill@bücher.例え",
    ],
  },
  emailHash: {
    // Each encoding has exactly one text for a hash.
    of: (text) => {
      if (text.length === 64) return small(text);
      const bytes = Buffer.from(text, 'base64');
      const texts = [bytes.toString('base64'), `${bytes.toString('base64url')}=`];
      return [...texts, ...texts.map((encoded) => encoded.replace('=', ''))].includes(text)
        ? bytes.toString('hex')
        : text;
    },
    examples: ['jan@example.nl', 'piet@example.nl'].flatMap((address) => {
      const hash = createHash('sha256').update(address).digest();
      return [hash.toString('hex'), hash.toString('base64'), hash.toString('base64url')];
    }),
  },
  phone: {
    // All digits stay, except the dialling prefix: the trunk prefix, the international one, or both.
    of: (text) => {
      const digits = Array.from(text.normalize('NFKC').replace(/[^\p{Nd}]/gu, ''), digitOf).join('');
      const isWithPlus = /^[(\s]*[+＋]/.test(text);
      const readings = isWithPlus
        ? [digits, digits.replace(/^(\d{1,3}?)0/, '$1')]
        : [`31${digits.replace(/^0/, '')}`, digits.replace(/^00/, ''), digits.replace(/^(00)?310/, '31')];
      return readings
        .flatMap((reading) => [
          reading,
          reading.replace(/^(\d\d)0/, '$1'),
          reading.replace(/^(\d\d\d)0/, '$1'),
        ])
        .map((reading) => `+${reading}`);
    },
    examples: ['06-12345678', '+31 (0)6 1234 5678', '0031612345678', '030 - 231 10 10', '+32 470 12 34 56'],
  },
  visitorId: {
    of: (text) => (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text) ? small(text) : text),
    examples: ['0B3F1C52-6E4A-4D5B-9C1E-8F2A7D6B5C4E', 'GA1.2.123456789.1234567890'],
  },
  kvkNumber: {
    of: (text) => text.replace(/[ .\u00a0\u202f]/g, ''),
    examples: ['68750110', '6875 0110', '68.75.01.10', '68 75 01 10', '68.750.110'],
  },
  vatNumber: {
    of: (text) => {
      const compact = capitals(text.replace(/[ .\u00a0\u202f\p{Pd}]/gu, '')).replace(/^GR/, 'EL');
      return [compact, compact.replace(/^BE/, 'BE0')];
    },
    examples: [
      'NL820605876B01',
      'NL 8206.05.876.B01',
      'BE 428.759.497',
      'FI 0982651-1',
      'BG103873594',
      'CZ25123891',
    ],
  },
  xUsername: {
    of: (text) =>
      small(
        text
          .replace(/^(https?:\/\/)?(www\.|mobile\.)?(x|twitter)\.com\//i, '')
          .replace(/^@|\/?(\?.*)?$/g, ''),
      ),
    examples: [
      'Eva_1990',
      '@eva_1990',
      'https://x.com/eva_1990',
      'twitter.com/@eva_1990/',
      'https://x.com/eva_1990?lang=nl',
    ],
  },
  facebookUserId: { of: asWritten, examples: ['24091234567890123'] },
  customerNumber: { of: asWritten, examples: ['K000123', 'k-12'] },
  shopifyCustomerId: {
    of: (text) => text.replace('gid://shopify/Customer/', ''),
    examples: ['9207654321012345', 'gid://shopify/Customer/9207654321012345'],
  },
  hubspotContactId: { of: asWritten, examples: ['51000000001'] },
  zendeskUserId: { of: asWritten, examples: ['1900000437216'] },
  invoiceCustomerNumber: { of: capitals, examples: ['D100123', 'd-100.12'] },
  salesforceContactId: {
    // The long form is the short form with three check characters.
    of: (text) => text.slice(0, 15),
    examples: ['0035g00000AbCdE', '0035g00000AbCdEAAV', '003xx000004TmiQAAS'],
  },
};

function digitOf(digit: string): string {
  const code = digit.codePointAt(0) ?? 0;
  let zero = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1)) && code - zero < 9) zero -= 1;
  return String(code < 128 ? digit : code - zero);
}

/** The significant part of the normalised value, in the same form. */
const significantIn = (name: string, value: string): string => {
  if (name === 'salesforceContactId') return value.slice(0, 15);
  return name === 'email' ? (RULES['email']?.of(value) as string) : value;
};

/** Characters that software drops, maps to others, or stops at. */
const HOSTILE = [
  ...[
    '/',
    '?',
    '#',
    '\\',
    '%',
    '%2e',
    '%00',
    '@',
    ':',
    ';',
    ',',
    '|',
    '&',
    '=',
    '"',
    "'",
    '`',
    '<',
    '*',
    '~',
    '_',
    '^',
  ],
  ...[
    '.',
    '..',
    '.0',
    '.00',
    '-',
    '--',
    '+',
    '0',
    '1',
    '9',
    ' ',
    '  ',
    '\t',
    '\n',
    '\u00a0',
    '\u2007',
    '\u202f',
    '\u3000',
  ],
  // Invisible characters, direction marks, lone surrogates, and unassigned code points.
  ...[
    '\u0000',
    '\u0007',
    '\u0085',
    '\u00ad',
    '\u034f',
    '\u200b',
    '\u200c',
    '\u200d',
    '\u200e',
    '\u202e',
    '\u2060',
    '\u2066',
  ],
  ...['\ufeff', '\ufe0f', '\u3164', '\ud800', '\udc00', '\ue000', '\uffff', '\u0378', '\u{e0041}'],
  // Letters that case mapping, NFC, IDNA or NFKC convert into others.
  ...[
    '\u212a',
    '\u212b',
    '\u2126',
    '\u0130',
    '\u0131',
    '\u017f',
    '\u00df',
    '\u1e9e',
    '\u03c2',
    '\ufb01',
    '\ufb06',
    '\u0149',
  ],
  ...[
    '\u3002',
    '\uff0e',
    '\uff61',
    '\u2024',
    '\uff20',
    '\uff0f',
    '\uff10',
    '\uff21',
    '\uff41',
    '\u2460',
    '\u00b2',
    '\u1d2c',
    '\u2488',
  ],
  ...[
    '\u0301',
    '\u0308',
    '\u0338',
    '\u0345',
    '\u05d0',
    '\u0660',
    '\u0966',
    '\u{1d7d8}',
    '\u{1d400}',
    '\u037e',
    '\u1fef',
    '\u2010',
    '\u2013',
    '\u2212',
  ],
  ...[
    'xn--',
    '(0)',
    'ext. 1',
    'x1',
    ';ext=1',
    '/..',
    '/.',
    'gid://shopify/Customer/',
    'https://x.com/',
    'tel:',
  ],
];

const hostile = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...HOSTILE) },
  fc.string({ unit: 'binary', minLength: 1, maxLength: 2 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 2 }),
);

/** An example of the namespace, changed in up to two places. */
const changed = (name: string) =>
  fc
    .tuple(
      fc.constantFrom(...(RULES[name]?.examples ?? [])),
      fc.array(fc.tuple(fc.nat(70), fc.nat(2), hostile), { maxLength: 2 }),
    )
    .map(([value, changes]) =>
      changes.reduce((text, [at, dropped, typed]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + typed + text.slice(place + dropped);
      }, value),
    );

describe.each([...namespaces.keys()])('a normalised %s', (name) => {
  const rule = RULES[name];
  if (rule === undefined) throw new Error(`${name} has no documented rules here: add them`);

  test('is exactly what its documented rules define', () => {
    fc.assert(
      fc.property(changed(name), (text) => {
        const value = valueOf(name, text);
        if (value === null) return;
        expect([rule.of(trimmed(text))].flat()).toContain(significantIn(name, value));
      }),
      { numRuns: runCount(3_000) },
    );
  });

  test('stays the same when it is normalised again', () => {
    fc.assert(
      fc.property(changed(name), (text) => {
        const value = valueOf(name, text);
        if (value !== null) expect(valueOf(name, value)).toBe(value);
      }),
      { numRuns: runCount(1_000) },
    );
  });

  test('differs for two values that differ', () => {
    fc.assert(
      fc.property(changed(name), changed(name), (text, otherText) => {
        const [a, b] = [valueOf(name, text), valueOf(name, otherText)];
        if (a === null || a !== b) return;
        const [first, second] = [text, otherText].map((text) => new Set([rule.of(trimmed(text))].flat()));
        expect([...(first ?? [])].some((reading) => second?.has(reading))).toBe(true);
      }),
      { numRuns: runCount(1_000) },
    );
  });

  test('handles each hostile character at each place by its rules', () => {
    for (const example of rule.examples)
      for (const typed of HOSTILE)
        for (let at = 0; at <= example.length; at += 1) {
          const text = example.slice(0, at) + typed + example.slice(at);
          const value = valueOf(name, text);
          if (value !== null)
            expect([rule.of(trimmed(text))].flat(), JSON.stringify(text)).toContain(
              significantIn(name, value),
            );
        }
  });
});

describe('no letter outside ASCII becomes one of ASCII', () => {
  test.each(['email', 'vatNumber', 'xUsername', 'invoiceCustomerNumber'])('in a %s', (name) => {
    const example = {
      email: 'jan@example.nl',
      vatNumber: 'IT00743110157',
      xUsername: 'eva',
      invoiceCustomerNumber: 'D1',
    }[name] as string;
    const taken: string[] = [];
    for (let code = 0x80; code <= 0x10ffff; code += 1) {
      const letter = String.fromCodePoint(code);
      const become = `${letter.toLowerCase()}${letter.toUpperCase()}${letter.normalize('NFKC')}`;
      if (!/[\u0021-\u007e]/.test(become) && code > 0x3000) continue;
      for (const at of name === 'email' ? [0, 5] : [0, 1]) {
        const value = valueOf(name, example.slice(0, at) + letter + example.slice(at + 1));
        // The lower case of a capital I with a dot has two characters. One of them is an i.
        if (value !== null && isAscii(value) && trimmed(letter) !== '' && !value.includes('xn--'))
          taken.push(letter);
      }
    }
    expect(taken).toEqual([]);
  });
});
