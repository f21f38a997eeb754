import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Purpose } from '../../src/customer/schema.generated.js';
import { accessTo, forbidden, textOfAudience, type Access, type Audience } from '../../src/privacy/access.js';
import type { FieldPolicy } from '../../src/stitching/policies.js';

const NEED_CONSENT = new Set<Purpose>(['PERSONALISATION', 'MARKETING']);

const audience = (parts: Partial<Audience> = {}): Audience => ({
  scopes: new Set(['a', 'b']),
  sees: 'clear',
  purpose: 'SERVICE',
  ...parts,
});
const policy = (parts: Partial<FieldPolicy> = {}): FieldPolicy => ({
  category: 'IDENTITY',
  authenticated: false,
  ...parts,
});
/** The access without the function that creates its error. */
function shown(access: Access): object {
  if (access.kind === 'allowed') return access;
  const { code, scopes, purposes } = access.error().extensions;
  return { kind: access.kind, code, ...(scopes ? { scopes } : {}), ...(purposes ? { purposes } : {}) };
}
const accessOf = (to: FieldPolicy, by: Audience, path = 'Customer.name') =>
  shown(accessTo(path, to, by, NEED_CONSENT));

const ALLOWED = { kind: 'allowed' };

describe('access by scopes', () => {
  test.each<[string[][], string[], boolean]>([
    [[['a']], ['a'], true],
    [[['a']], ['b'], false],
    [[['a']], [], false],
    [[['a', 'b']], ['a'], false],
    [[['a', 'b']], ['b'], false],
    [[['a', 'b']], ['a', 'b'], true],
    [[['a', 'b'], ['c']], ['a'], false],
    [[['a', 'b'], ['c']], ['c'], true],
    [[['c'], ['a', 'b']], ['b', 'a'], true],
    [[], ['a'], false],
  ])('to a field with %j, for a caller with %j, is allowed: %s', (scopes, held, isAllowed) => {
    const access = accessOf(policy({ scopes }), audience({ scopes: new Set(held) }));
    expect(access).toStrictEqual(isAllowed ? ALLOWED : { kind: 'forbidden', code: 'FORBIDDEN', scopes });
  });

  test('needs all scopes of one of the lists, for any lists', () => {
    const scope = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(fc.array(fc.array(scope, { maxLength: 3 })), fc.uniqueArray(scope), (scopes, held) => {
        let isHeld = false;
        for (const list of scopes) {
          let missing = 0;
          for (const item of list) if (!held.includes(item)) missing += 1;
          if (missing === 0) isHeld = true;
        }
        const error = forbidden({ scopes }, audience({ scopes: new Set(held) }));
        expect(error === undefined).toBe(isHeld);
      }),
    );
  });

  test('is checked before purposes, so that a caller first learns which fields it can never see', () => {
    const both = policy({ scopes: [['c']], purposes: ['MARKETING'] });
    expect(accessOf(both, audience())).toMatchObject({ kind: 'forbidden', scopes: [['c']] });
  });
});

describe('access by purposes', () => {
  test.each<[Purpose[] | undefined, Purpose | undefined, boolean]>([
    [['SERVICE'], 'SERVICE', true],
    [['SERVICE', 'ANALYTICS'], 'ANALYTICS', true],
    [['SERVICE'], 'ANALYTICS', false],
    [[], 'SERVICE', false],
    [undefined, 'ANALYTICS', true],
    [['SERVICE'], undefined, true],
  ])('to a field with %j, for the purpose %s, is allowed: %s', (purposes, purpose, isAllowed) => {
    const access = accessOf(policy(purposes === undefined ? {} : { purposes }), audience({ purpose }));
    expect(access).toStrictEqual(isAllowed ? ALLOWED : { kind: 'forbidden', code: 'FORBIDDEN', purposes });
  });
});

test.each<['clear' | 'masked', boolean]>([
  ['clear', false],
  ['masked', true],
])('a field with a mask, for a caller that sees %s values, is masked: %s', (sees, isMasked) => {
  expect(accessOf(policy({ mask: 'EMAIL' }), audience({ sees }))).toStrictEqual(
    isMasked ? { ...ALLOWED, mask: 'EMAIL' } : ALLOWED,
  );
  expect(accessOf(policy(), audience({ sees }))).toStrictEqual(ALLOWED);
});

describe('the need for consent', () => {
  const allowedWithConsent = { ...ALLOWED, consent: { purpose: 'MARKETING' } };

  test.each<[string, FieldPolicy['category'], Purpose | undefined, object]>([
    ['Customer.name', 'IDENTITY', 'MARKETING', allowedWithConsent],
    ['Customer.company', 'COMPANY', 'MARKETING', allowedWithConsent],
    ['Customer.weather', 'NONE', 'MARKETING', ALLOWED],
    ['Customer.consents', 'CONSENT', 'MARKETING', ALLOWED],
    ['Order.number', 'TRANSACTION', 'MARKETING', ALLOWED],
    ['CustomerEvent.id', 'BEHAVIOUR', 'MARKETING', ALLOWED],
    ['Customer.name', 'IDENTITY', 'SERVICE', ALLOWED],
    ['Customer.name', 'IDENTITY', undefined, ALLOWED],
    ['Customer.name', 'IDENTITY', 'PERSONALISATION', { ...ALLOWED, consent: { purpose: 'PERSONALISATION' } }],
  ])('on the field %s of the category %s, for the purpose %s', (path, category, purpose, access) => {
    expect(accessOf(policy({ category }), audience({ purpose }), path)).toStrictEqual(access);
  });

  test('includes the channel of the field, and the mask still applies', () => {
    const field = policy({ channel: 'EMAIL', mask: 'EMAIL' });
    expect(accessOf(field, audience({ purpose: 'MARKETING', sees: 'masked' }))).toStrictEqual({
      ...ALLOWED,
      mask: 'EMAIL',
      consent: { purpose: 'MARKETING', channel: 'EMAIL' },
    });
  });
});

test('an error of access contains the missing scopes or the purpose, and no personal data', () => {
  expect(forbidden({ scopes: [['c']] }, audience())?.().message).toBe(
    'This caller may not see this field: it lacks the scopes.',
  );
  expect(forbidden({ purposes: ['ANALYTICS'] }, audience())?.().message).toBe(
    'This field is not available for the purpose SERVICE.',
  );
});

test('audiences with the same permissions, and only those, have equal texts', () => {
  const schema = audience({ scopes: new Set(['b', 'a']) });
  expect(textOfAudience(schema)).toBe('clear SERVICE a b');
  expect(textOfAudience(audience())).toBe(textOfAudience(schema));
  // The second text is read from the cache.
  expect(textOfAudience(schema)).toBe('clear SERVICE a b');
  const others = [
    audience({ sees: 'masked' }),
    audience({ purpose: 'ANALYTICS' }),
    audience({ purpose: undefined }),
    audience({ scopes: new Set(['a']) }),
    audience({ scopes: new Set() }),
  ];
  expect(new Set([schema, ...others].map(textOfAudience)).size).toBe(others.length + 1);
  expect(textOfAudience(audience({ purpose: undefined }))).toBe('clear - a b');
});
