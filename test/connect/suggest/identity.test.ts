import { describe, expect, it } from 'vitest';
import { idNamespace } from '../../../src/identity/identifiers.js';
import { suggestIdentity, type Known } from '../../../src/connect/suggest/identity.js';
import { draftWith, fieldOf } from './club-draft.js';
import * as made from './made-up.js';

const { each } = made;
const numbers = fieldOf('number', made.accountNumbers);

describe('a suggested identity', () => {
  it.each<[string, string, readonly unknown[], object | undefined]>([
    ['e-mail addresses by their values', 'veld7', made.emails, { email: { path: 'veld7', kind: 'one' } }],
    ['an address of the shop', 'mail', each(() => 'winkel@voorbeeld.nl'), undefined],
    ['an address of an employee', 'account_manager_email', made.otherEmails, undefined],
    ['phone numbers by their values', 'veld7', made.mobiles, { phone: { path: 'veld7', kind: 'shown' } }],
    ['IP addresses', 'veld7', made.ips, undefined],
    ['order numbers', 'last_order', made.longNumbers, undefined],
    ['fax numbers', 'fax', made.dutchPhones, undefined],
    [
      'KvK numbers',
      'kvk_nummer',
      each((i) => 68_750_110 + i),
      { kvkNumber: { path: 'kvk_nummer', kind: 'one' } },
    ],
    ['other numbers of eight digits', 'points', each((i) => 68_750_110 + i), undefined],
    ['days as numbers', 'last_visit', each((i) => 20_260_110 + i), undefined],
    [
      'VAT numbers by their values',
      'fiscal',
      made.vatNumbers,
      { vatNumber: { path: 'fiscal', kind: 'one' } },
    ],
    ['a first name', 'voornaam', made.givenNames, undefined],
    ['devices', 'anonymousId', made.uuids, { visitorId: { path: 'anonymousId', kind: 'shown' } }],
    ['other UUIDs', 'batch', made.uuids, undefined],
    ['a group', 'customer_group_id', made.smallIds, undefined],
    [
      'a number of another system',
      'kundennummer',
      each((i) => `K${71_003 + i}`),
      { clubMemberKundennummer: { path: 'kundennummer', kind: 'shown' } },
    ],
  ])('decides about %s', async (_case, from, samples, expected) => {
    const { identity } = await suggestIdentity(
      draftWith([numbers, fieldOf(from, samples)], { id: 'number' }),
    );
    expect(identity.yields).toEqual(expected ?? {});
  });

  it.each([
    [
      ['name.first', 'name.infix', 'name.last'],
      ['name.first', 'name.infix', 'name.last'],
    ],
    [
      ['naam.voor', 'naam.achter'],
      ['naam.voor', 'naam.achter'],
    ],
    [['visit.first', 'visit.last'], []],
  ])('makes the name of %j', async (paths, expected) => {
    const fields = paths.map((path) => fieldOf(path, made.givenNames));
    const { identity } = await suggestIdentity(draftWith([numbers, ...fields], { id: 'number' }));
    expect(identity.name).toEqual(expected);
  });

  it('never uses national identification numbers under any name', async () => {
    const bsn = ['111222333', '123456782', '100000009', '200000007', '300000005', '100000010'];
    for (const from of ['bsn', 'number2', 'phone', 'klantnummer']) {
      const draft = draftWith([numbers, fieldOf(from, bsn)], {
        id: 'number',
        keys: { number: true, [from]: true },
      });
      const { identity, findings } = await suggestIdentity(draft);
      expect(identity.yields).toEqual({});
      expect(Object.keys(identity.foundBy)).toEqual(['clubMemberNumber']);
      expect(
        findings
          .filter(({ isWarning }) => isWarning)
          .map(({ text }) => text)
          .join(),
      ).toContain('by1 is not used');
    }
  });

  it.each<[string, readonly unknown[], boolean, string]>([
    ['email', made.emails, true, 'enforced'],
    ['email', made.emails, false, 'usual'],
    // Two of ten values are repeated, then three of ten.
    ['email', [...made.emails.slice(0, 8), ...made.emails.slice(0, 2)], false, 'usual'],
    ['email', [...made.emails.slice(0, 7), ...made.emails.slice(0, 3)], false, 'none'],
    ['phone', made.mobiles, false, 'usual'],
    ['phone', [...made.mobiles, ...made.mobiles.slice(0, 1)], false, 'none'],
    ['anonymousId', made.uuids, false, 'none'],
  ])('suggests how unique %s is', async (from, samples, isUnique, expected) => {
    const draft = draftWith([numbers, fieldOf(from, samples)], {
      id: 'number',
      keys: { number: true, [from]: isUnique },
    });
    const { identity } = await suggestIdentity(draft);
    expect(Object.values(identity.foundBy)).toContainEqual({ call: 'by1', uniqueness: expected });
    expect(identity.foundBy['clubMemberNumber']).toEqual({ call: 'by0', uniqueness: 'enforced' });
  });

  it('verifies a phone number if the system can be queried by it', async () => {
    const draft = draftWith([numbers, fieldOf('phone', made.mobiles)], {
      id: 'number',
      keys: { number: true, phone: false },
    });
    expect((await suggestIdentity(draft)).identity.yields).toEqual({ phone: { path: 'phone', kind: 'one' } });
  });

  it('finds a customer by a call whose key is known only by its kind', async () => {
    const draft = draftWith([numbers, fieldOf('contact.mail', made.emails)], {
      id: 'number',
      keys: { number: true, email: false },
    });
    expect((await suggestIdentity(draft)).identity.foundBy['email']).toEqual({
      call: 'by1',
      uniqueness: 'usual',
    });
  });

  it('uses the e-mail address as the id if the system finds records by nothing else', async () => {
    const { identity, findings } = await suggestIdentity(
      draftWith([fieldOf('mail', made.emails)], { keys: { mail: false } }),
    );
    expect(identity).toMatchObject({
      recordKey: 'email',
      namespaces: {},
      yields: { email: { path: 'mail', kind: 'one' } },
    });
    expect(findings).toContainEqual(
      expect.objectContaining({
        isWarning: true,
        text: expect.stringContaining('so email is its id') as string,
      }),
    );
  });

  it('refuses a system whose records have no identifier', async () => {
    await expect(
      suggestIdentity(draftWith([fieldOf('colour', ['red'])], { keys: { colour: false } })),
    ).rejects.toThrow('No field of ClubMember identifies a customer');
  });

  it('proposes a field without a sample only if few records were sampled', async () => {
    const hasPhone = async (emails: readonly unknown[]) => {
      const fields = [fieldOf('email', emails), fieldOf('phone', [])];
      const { identity } = await suggestIdentity(draftWith(fields));
      return 'phone' in identity.yields;
    };
    expect(await hasPhone(made.emails)).toBe(false);
    expect(await hasPhone(made.emails.slice(0, 1))).toBe(true);
  });

  it('does not read a value in a list of objects', async () => {
    const types = [{ name: 'ClubPhone', description: 'A phone.', fields: [fieldOf('phone', made.mobiles)] }];
    const fields = [numbers, fieldOf('phones', [], { type: 'ClubPhone', isList: true })];
    const { identity, findings } = await suggestIdentity(draftWith(fields, { id: 'number', types }));
    expect(identity.yields).toEqual({});
    expect(findings).toContainEqual(
      expect.objectContaining({
        text: expect.stringContaining('in a list of objects, which a path cannot address') as string,
      }),
    );
  });

  it('reads several values from a list of texts', async () => {
    const fields = [
      numbers,
      fieldOf('emails', [made.emails.slice(0, 2), made.emails.slice(2, 3)], { isList: true }),
    ];
    const { identity } = await suggestIdentity(draftWith(fields, { id: 'number' }));
    expect(identity.yields).toEqual({ email: { path: 'emails', kind: 'several' } });
  });
});

describe('the overlap with plugged-in sources', () => {
  const calls: [string, readonly string[]][] = [];
  const knows = (shares: Readonly<Record<string, number>>, ambiguous = 0): Known => ({
    namespaces: [idNamespace('customerNumber', 'The number of a customer.', /^D\d{6}$/)],
    overlap: (namespace, values) => {
      calls.push([namespace, values]);
      const requested = values.length;
      const known = Math.round(requested * (shares[namespace] ?? 0));
      return Promise.resolve([{ source: 'order-system', requested, known, ambiguous }]);
    },
  });
  const draft = draftWith(
    [
      fieldOf('id', made.ids),
      fieldOf('mail', made.emails),
      fieldOf('debtor', made.accountNumbers),
      fieldOf('debtor_code', made.accountNumbers),
    ],
    { id: 'id' },
  );

  it('is the evidence for a field', async () => {
    const { findings } = await suggestIdentity(draft, knows({ email: 1 }));
    expect(findings.map(({ text }) => text)).toContain(
      'email: ClubMember.mail. 12 of 12 samples are valid. All 12 differ. 12 of 12 known to order-system, none to two people.',
    );
    expect(calls).toContainEqual(['email', made.emails]);
  });

  it('shows that a number is that of another source', async () => {
    const { identity } = await suggestIdentity(draft, knows({ customerNumber: 0.5 }));
    expect(identity.yields['customerNumber']).toEqual({ path: 'debtor_code', kind: 'shown' });
    const { identity: other } = await suggestIdentity(draft, knows({ customerNumber: 0.1 }));
    expect(other.yields['customerNumber']).toBeUndefined();
    expect(other.yields['clubMemberDebtorCode']).toEqual({ path: 'debtor_code', kind: 'shown' });
  });

  it('warns of values that several people share', async () => {
    const { findings } = await suggestIdentity(draft, knows({ email: 1 }, 2));
    expect(findings).toContainEqual(
      expect.objectContaining({
        isWarning: true,
        text: expect.stringContaining('Several people share values') as string,
      }),
    );
  });
});
