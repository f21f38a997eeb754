import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FieldPrivacy } from '../../../src/connect/draft.js';
import { suggestIdentity } from '../../../src/connect/suggest/identity.js';
import { suggestPrivacy } from '../../../src/connect/suggest/privacy.js';
import { SCOPES } from '../../../src/context/roles.js';
import { draftWith, fieldOf } from './club-draft.js';
import * as made from './made-up.js';

const { each } = made;
const number = fieldOf('member_number', made.accountNumbers);
const numerical = (from: string, samples: readonly number[]) => fieldOf(from, samples, { type: 'Int' });

function privacyOf(from: string, samples: readonly unknown[], more = {}): FieldPrivacy {
  const field = fieldOf(from, samples, { name: 'column', ...more });
  const { privacy } = suggestPrivacy(draftWith([number, field], { id: 'member_number' }));
  const found = privacy['ClubMember.column'];
  if (found === undefined) throw new Error('The field has no suggestion.');
  return found;
}

/** The category and mask in one text. */
function shortOf(privacy: FieldPrivacy): string {
  if ('leftOutBecause' in privacy) return 'left out';
  if (!privacy.isRecognised) return 'held back';
  return [privacy.category, privacy.mask].filter((part) => part !== undefined).join(' ');
}

/** A number with the check digit of a citizen service number. */
const bsn = fc.integer({ min: 10_000_000, max: 99_999_999 }).map((start) => {
  const sum = Array.from(String(start), Number).reduce((total, digit, i) => total + digit * (9 - i), 0);
  return sum % 11 === 10 ? '123456782' : `${start}${sum % 11}`;
});

const WORDS = each((i) => ['alpha', 'beta', 'gamma'][i % 3]);

describe('the name of a field', () => {
  it.each<[string, readonly unknown[], string]>([
    ...['voornaam', 'Vorname', 'prénom', 'first_name', 'givenName', 'FIRSTNAME'].map(
      (name): [string, readonly unknown[], string] => [name, made.givenNames, 'IDENTITY INITIAL'],
    ),
    ...['achternaam', 'Nachname', 'nom_de_famille', 'surname', 'tussenvoegsel'].map(
      (name): [string, readonly unknown[], string] => [name, made.familyNames, 'IDENTITY INITIAL'],
    ),
    ...['geboortedatum', 'Geburtsdatum', 'date_de_naissance', 'dob', 'birthDate'].map(
      (name): [string, readonly unknown[], string] => [name, made.birthDates, 'TRAIT YEAR'],
    ),
    ...['straatnaam', 'Straße', 'adresse', 'AddressLine1', 'street', 'rue'].map(
      (name): [string, readonly unknown[], string] => [name, WORDS, 'CONTACT ALL'],
    ),
    ...['postcode', 'PLZ', 'code_postal', 'zip'].map((name): [string, readonly unknown[], string] => [
      name,
      WORDS,
      'CONTACT INITIAL',
    ]),
    ...['woonplaats', 'Ort', 'ville', 'city', 'pays', 'provincie'].map(
      (name): [string, readonly unknown[], string] => [name, WORDS, 'CONTACT'],
    ),
    ...['telefoonnummer', 'Handynummer', 'téléphone', 'mobilePhone', 'fax'].map(
      (name): [string, readonly unknown[], string] => [name, WORDS, 'CONTACT LAST_FOUR'],
    ),
    ...['klantnummer', 'Kundennummer', 'numero_client', 'externalId'].map(
      (name): [string, readonly unknown[], string] => [name, made.accountNumbers, 'IDENTITY LAST_FOUR'],
    ),
    ...['rekeningnummer', 'Kontonummer', 'iban', 'card_last4'].map(
      (name): [string, readonly unknown[], string] => [name, WORDS, 'FINANCIAL LAST_FOUR'],
    ),
    ...['opmerkingen', 'Bemerkung', 'remarques', 'notes'].map(
      (name): [string, readonly unknown[], string] => [name, made.notes, 'COMMUNICATION ALL'],
    ),
    ...['geslacht', 'Sprache', 'beroep', 'profession', 'locale'].map(
      (name): [string, readonly unknown[], string] => [name, WORDS, 'TRAIT'],
    ),
    ...['bedrijfsnaam', 'Firma', 'société', 'company'].map((name): [string, readonly unknown[], string] => [
      name,
      WORDS,
      'COMPANY INITIAL',
    ]),
    ...['klantgroep', 'Kundengruppe', 'loyalty_tier', 'status'].map(
      (name): [string, readonly unknown[], string] => [name, WORDS, 'RELATION'],
    ),
    ['nieuwsbrief', made.flags, 'CONSENT'],
    ['twitterHandle', made.usernames, 'SOCIAL ALL'],
    ['lastLoginAt', made.createdAt, 'BEHAVIOUR'],
    ...['wachtwoord', 'Passwort', 'mot_de_passe', 'passwordHash', 'apiKey', 'reset_token', 'pwd'].map(
      (name): [string, readonly unknown[], string] => [name, WORDS, 'left out'],
    ),
    ...['bsn', 'burgerservicenummer', 'numero_securite_sociale', 'passport_number'].map(
      (name): [string, readonly unknown[], string] => [name, WORDS, 'left out'],
    ),
    ...['religion', 'Konfession', 'bloodType', 'allergieën', 'vakbond', 'ethnicity'].map(
      (name): [string, readonly unknown[], string] => [name, WORDS, 'held back'],
    ),
    ...['kleur', 'x17', 'military_status', 'children_count', 'datum'].map(
      (name): [string, readonly unknown[], string] => [name, WORDS, 'held back'],
    ),
  ])('%s', (name, samples, expected) => {
    const type = typeof samples[0] === 'boolean' ? 'Boolean' : 'String';
    expect(shortOf(privacyOf(name, samples, { type }))).toBe(expected);
  });
});

describe('the values of a field', () => {
  it.each<[string, readonly unknown[], string]>([
    ['IP addresses', made.ips, 'BEHAVIOUR ALL'],
    ['VAT numbers', made.vatNumbers, 'COMPANY LAST_FOUR'],
    ['user agents', made.userAgents, 'BEHAVIOUR ALL'],
    [
      'bank accounts',
      ['NL91ABNA0417164300', 'GB82 WEST 1234 5698 7654 32', 'DE89370400440532013000'],
      'FINANCIAL LAST_FOUR',
    ],
    ['card numbers', ['4242424242424242', '5555 5555 5555 4444'], 'left out'],
    ['hashes', each((i) => made.hex(i, 64)), 'left out'],
    ['hashes of passwords', ['$2b$12$abcdefghijklmnopqrstuv', '$argon2id$v=19$m=65536'], 'left out'],
    ['links with a key', each((i) => `https://shop.example/o/${i}?key=${made.hex(i, 12)}`), 'left out'],
    ['other values', WORDS, 'held back'],
  ])('%s', (_case, samples, expected) => {
    for (const name of ['veld7', 'kleur']) expect(shortOf(privacyOf(name, samples))).toBe(expected);
  });

  it.each<[string, unknown]>([
    ['an address', 'See anna@voorbeeldpost.nl'],
    ['a bank account', 'NL91ABNA0417164300'],
    ['a card number', '4242424242424242'],
  ])('hold back a plain name if one has %s', (_case, value) => {
    expect(shortOf(privacyOf('status', [...WORDS, value]))).toBe('held back');
  });

  it.each(['email', 'phone', 'bsn'] as const)('recognise or hold back %s under any name', (kind) => {
    const digits = (length: number) => fc.integer({ min: 10 ** (length - 1), max: 10 ** length - 1 });
    const values = {
      email: fc.emailAddress(),
      phone: fc.oneof(
        digits(8).map((n) => `+316${n}`),
        digits(8).map((n) => `06-${n}`),
        digits(8).map((n) => `06${n}`),
        digits(7).map((n) => `+49 30 ${n}`),
        digits(7).map((n) => `(555) ${String(n).slice(0, 3)}-${String(n).slice(3)}`),
      ),
      bsn,
    }[kind];
    const word = fc.constantFrom(
      'status',
      'total',
      'code',
      'number',
      'type',
      'created',
      'at',
      'order',
      'group',
      'x',
      'veld',
      'kvk',
      'customer',
      'tag',
      'sku',
      'version',
      'is',
      'has',
      'active',
      'date',
      'amount',
      'plan',
      'store',
      'product',
      'name',
      'description',
    );
    const name = fc.oneof(
      fc.array(word, { minLength: 1, maxLength: 3 }).map((all) => all.join('_')),
      fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/),
    );
    fc.assert(
      fc.property(name, fc.array(values, { minLength: 1, maxLength: 12 }), (from, samples) => {
        const found = privacyOf(from, samples);
        const short = shortOf(found);
        const hidden = ['left out', 'held back'];
        if (kind === 'bsn' || hidden.includes(short)) expect(hidden).toContain(short);
        else expect(found).toHaveProperty('mask');
      }),
      { numRuns: 500 },
    );
  });

  it('leave citizen service numbers out if they are certain, and hold them back otherwise', () => {
    const numbers = ['111222333', '123456782', '100000009', '200000007', '300000005', '100000010'];
    expect(shortOf(privacyOf('veld7', numbers))).toBe('left out');
    expect(shortOf(privacyOf('veld7', numbers.slice(0, 2)))).toBe('held back');
    expect(shortOf(privacyOf('veld7', numbers.map(Number), { type: 'Int' }))).toBe('left out');
    expect(
      shortOf(
        privacyOf(
          'points',
          each((i) => 100_000_000 + i),
          { type: 'Int' },
        ),
      ),
    ).not.toBe('left out');
  });
});

describe('the suggested access', () => {
  it('is the strictest for a field that was not recognised', () => {
    expect(privacyOf('veld7', WORDS)).toEqual({
      ...{
        category: 'IDENTITY',
        mask: 'ALL',
        purposes: ['CUSTOMER_CARE'],
        scopes: [['identity:explore']],
        isRecognised: false,
      },
      evidence: 'neither its name nor its values were recognised',
    });
  });

  it('has no mask on a value that is not a text, and is not for callers with masked values', () => {
    const found = privacyOf('birthDate', made.createdAt, { type: 'DateTime' });
    expect(found).not.toHaveProperty('mask');
    expect(found).toMatchObject({
      category: 'TRAIT',
      purposes: expect.not.arrayContaining(['ANALYTICS']) as string[],
    });
  });

  it('has scopes that the gateway knows', () => {
    const fields = [
      'email',
      'naam',
      'iban',
      'taal',
      'notes',
      'ip',
      'avatar',
      'kvk',
      'groep',
      'opt_in',
      'tag',
    ].map((from) => fieldOf(from, WORDS));
    const { privacy } = suggestPrivacy(draftWith(fields));
    for (const found of Object.values(privacy))
      for (const scope of 'scopes' in found ? found.scopes.flat() : []) expect(SCOPES).toContain(scope);
  });

  it('has the category of the objects for a field with objects', () => {
    const types = [
      { name: 'ClubPayment', description: 'A payment.', fields: [fieldOf('amount', made.amounts)] },
      { name: 'ClubBadge', description: 'A badge.', fields: [fieldOf('code', WORDS)] },
    ];
    const fields = [
      number,
      fieldOf('payments', [], { type: 'ClubPayment', isList: true }),
      fieldOf('badges', [], { type: 'ClubBadge', isList: true }),
    ];
    const { privacy } = suggestPrivacy(draftWith(fields, { types }));
    expect(privacy['ClubMember.payments']).toMatchObject({
      category: 'FINANCIAL',
      scopes: [['invoices:read']],
    });
    expect(privacy['ClubMember.badges']).toMatchObject({ category: 'RELATION' });
    expect(privacy['ClubPayment.amount']).toMatchObject({ category: 'FINANCIAL', isRecognised: true });
  });

  it('is reported by category, and a check for a person is a separate warning', () => {
    const draft = draftWith([
      number,
      fieldOf('email', made.emails),
      fieldOf('kleur', WORDS),
      fieldOf('bsn', ['111222333']),
    ]);
    expect(suggestPrivacy(draft).findings).toEqual([
      { step: 'privacy', text: 'IDENTITY, masked as LAST_FOUR: ClubMember.member_number.' },
      { step: 'privacy', text: 'CONTACT, masked as EMAIL: ClubMember.email.' },
      {
        step: 'privacy',
        isWarning: true,
        text: 'ClubMember.kleur gets the strictest rules: neither its name nor its values were recognised. Check it.',
      },
      {
        step: 'privacy',
        isWarning: true,
        text: expect.stringMatching(/^ClubMember\.bsn is left out: .*BSN/) as string,
      },
    ]);
  });
});

it('shows no planted value in the findings of either suggestion', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.emailAddress(), { minLength: 1, maxLength: 9 }),
      fc.array(bsn, { minLength: 1, maxLength: 9 }),
      async (emails, numbers) => {
        const ids = numbers.map((text, i) => Number(text) + i);
        const draft = draftWith(
          [numerical('id', ids), fieldOf('a', emails), fieldOf('b', numbers), fieldOf('name', emails)],
          { id: 'id' },
        );
        const text = JSON.stringify([await suggestIdentity(draft), suggestPrivacy(draft)]);
        for (const value of [...emails, ...numbers, ...ids.map(String)]) expect(text).not.toContain(value);
      },
    ),
  );
});
