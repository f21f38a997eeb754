import { createHmac } from 'node:crypto';
import type { JWTPayload } from 'jose';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Caller } from '../../src/context/caller.js';
import { GatewayError } from '../../src/errors.js';
import {
  AUDIENCE,
  base64url,
  validClaims,
  createTestAuthentication,
  ISSUER,
  NOW_S,
  rawToken,
  createSigningKey,
  tokenSettings,
  type SigningKey,
} from '../support/authentication.js';
import { isThorough } from '../support/thorough.js';

const RUNS = isThorough ? 10_000 : 1_000;

const keys = [createSigningKey('one'), createSigningKey('two'), createSigningKey('three', 'ES256')];
/** Keys of another issuer, with the same key ids. */
const theirs = keys.map(({ kid, alg }) => createSigningKey(kid, alg === 'ES256' ? 'ES256' : 'EdDSA'));
const published = tokenSettings(...keys);

/** The permissions of each role, written independently of roles.ts. */
const PURPOSES: Readonly<Record<string, readonly string[]>> = {
  visitor: ['SERVICE', 'PERSONALISATION'],
  frontend: ['PERSONALISATION', 'SERVICE'],
  analyst: ['ANALYTICS'],
  campaign: ['MARKETING', 'SERVICE'],
  operator: ['CUSTOMER_CARE', 'SERVICE', 'PERSONALISATION', 'MARKETING', 'ANALYTICS'],
};

/** The customer in the claims; undefined if there is none. */
function named({ roles: grantedRoles, customer_number: number, purpose, client_id: client }: JWTPayload) {
  const roles = (Array.isArray(grantedRoles) ? grantedRoles : String(grantedRoles).split(' ')).filter(
    (role): role is string => typeof role === 'string' && Object.keys(PURPOSES).includes(role),
  );
  const may = [...new Set(roles.flatMap((role) => PURPOSES[role] ?? []))];
  const purposes = typeof purpose === 'string' ? may.filter((value) => value === purpose) : may;
  const customer = typeof number === 'string' || typeof number === 'number' ? String(number) : '';
  const isVisitor = roles.includes('visitor');
  if (purposes.length === 0 || (isVisitor && !/^[1-9]\d{0,8}$/.test(customer))) return undefined;
  return {
    name: `jwt:${typeof client === 'string' ? client : 'id.example.nl'}`,
    roles,
    purposes,
    customer: isVisitor ? { namespace: 'customerNumber', value: customer } : undefined,
  };
}

const genuineClaims = fc
  .record(
    {
      roles: fc.oneof(
        fc.array(fc.constantFrom(...Object.keys(PURPOSES), 'king', 7, null, ['operator']), { maxLength: 3 }),
        fc.constantFrom('operator', 'visitor analyst', 'king', ''),
      ),
      customer_number: fc.oneof(
        fc.integer({ min: -5, max: 2e9 }),
        fc.constantFrom('1042', '12x', '', true, ['7']),
      ),
      purpose: fc.constantFrom('SERVICE', 'ANALYTICS', 'MARKETING', 'curiosity'),
      client_id: fc.constantFrom('crm-tool', 'shop'),
      aud: fc.constantFrom<string | string[]>(AUDIENCE, [AUDIENCE], ['another', AUDIENCE]),
      exp: fc.integer({ min: NOW_S - 29, max: NOW_S + 1e6 }),
      nbf: fc.integer({ min: NOW_S - 1e6, max: NOW_S + 30 }),
      iat: fc.integer({ min: NOW_S - 1e6, max: NOW_S + 30 }),
      jti: fc.string({ maxLength: 6 }),
      nested: fc.constant({ roles: ['operator'], iss: 'x', exp: 0, aud: ['y'] }),
    },
    { requiredKeys: ['roles'] },
  )
  .map((more): JWTPayload => validClaims(more));

interface Genuine {
  key: SigningKey;
  thief: SigningKey;
  header: { alg: string; kid: string };
  payload: JWTPayload;
  token: string;
}

const genuine = fc
  .record({ which: fc.nat({ max: 2 }), payload: genuineClaims })
  .map(({ which, payload }): Genuine => {
    const [key, thief] = [keys[which] ?? keys[0], theirs[which] ?? theirs[0]] as [SigningKey, SigningKey];
    const header = { alg: key.alg, kid: key.kid };
    return {
      key,
      thief,
      header,
      payload,
      token: rawToken(key, JSON.stringify(header), JSON.stringify(payload)),
    };
  });

type Forging = (genuine: Genuine, chance: readonly [number, number]) => string;

const oneOf = <T>(chance: number, all: readonly [T, ...T[]]): T =>
  all[Math.floor(chance * all.length)] ?? all[0];

function resigned(
  { key, header, payload }: Genuine,
  more: object,
  moreHeader: object = {},
  by = key,
): string {
  return rawToken(by, JSON.stringify({ ...header, ...moreHeader }), JSON.stringify({ ...payload, ...more }));
}

function parts(token: string): [string, string, string] {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return [header, payload, signature];
}

function spliced(text: string, chance: number, removed: number, put: string): string {
  const at = Math.floor(chance * text.length);
  return text.slice(0, at) + put + text.slice(at + removed);
}

/** Changes that make a genuine token invalid. */
const forgings: Record<string, Forging> = {
  unsigned: ({ token, header }, [how, what]) => {
    const [, payload, signature] = parts(token);
    const alg = oneOf(how, ['none', 'None', 'NONE', 'nOnE', '', null, undefined]);
    return `${base64url(JSON.stringify({ ...header, alg }))}.${payload}.${what < 0.5 ? '' : signature}`;
  },
  strippedSignature: ({ token }) => `${parts(token).slice(0, 2).join('.')}.`,
  signedBySomebodyElse: (genuine) => resigned(genuine, {}, {}, genuine.thief),
  broughtItsKeyAlong: (genuine, [how]) =>
    resigned(
      genuine,
      {},
      oneOf<object>(how, [
        { jwk: genuine.thief.jwk },
        { jku: 'http://127.0.0.1:9/jwks.json' },
        { x5u: 'http://127.0.0.1:9/x5u' },
        { kid: undefined, jwk: genuine.thief.jwk },
      ]),
      genuine.thief,
    ),
  publicKeyAsSecret: ({ key, header, payload }, [how, alg]) => {
    const secret = oneOf(how, [
      key.pem,
      key.pem.trim(),
      String(key.jwk['x']),
      published['JWT_KEY'] ?? '',
      '',
    ]);
    const text = [{ ...header, alg: oneOf(alg, ['HS256', 'HS512', key.alg]) }, payload]
      .map((part) => base64url(JSON.stringify(part)))
      .join('.');
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  },
  unknownKey: (genuine, [how]) =>
    resigned(
      genuine,
      {},
      { kid: oneOf<unknown>(how, ['four', 'ONE', '', 1, null, ['one'], '../one', 'one\u0000']) },
    ),
  unnamedKey: (genuine) =>
    resigned({ ...genuine, key: keys[0] ?? genuine.key }, {}, { alg: 'EdDSA', kid: undefined }),
  anotherWayOfSigning: (genuine, [how]) =>
    resigned(genuine, {}, { alg: oneOf(how, ['RS256', 'ES384', 'ES512', 'PS256', 'HS256']) }),
  mustBeUnderstood: (genuine, [how]) =>
    resigned(
      genuine,
      {},
      oneOf<object>(how, [
        { crit: ['x'], x: 1 },
        { crit: [] },
        { crit: ['b64'], b64: false },
        { crit: 'exp' },
        { crit: ['exp'] },
      ]),
    ),
  expired: (genuine, [how]) => resigned(genuine, { exp: NOW_S - 30 - Math.floor(how * 1e6) }),
  timeless: (genuine, [how]) =>
    resigned(genuine, {
      exp: oneOf<unknown>(how, [undefined, null, 'never', String(NOW_S + 60), [NOW_S + 60], {}]),
    }),
  notYet: (genuine, [how]) => resigned(genuine, { nbf: NOW_S + 31 + Math.floor(how * 1e6) }),
  fromTheFuture: (genuine, [how]) => resigned(genuine, { iat: NOW_S + 31 + Math.floor(how * 1e6) }),
  forSomebodyElse: (genuine, [how]) =>
    resigned(genuine, {
      aud: oneOf<unknown>(how, [
        'another',
        ['another'],
        [],
        undefined,
        null,
        '',
        `${AUDIENCE}x`,
        AUDIENCE.slice(1),
        ISSUER,
        [[AUDIENCE]],
      ]),
    }),
  fromSomebodyElse: (genuine, [how]) =>
    resigned(genuine, {
      iss: oneOf<unknown>(how, [
        'https://evil.example',
        undefined,
        null,
        ISSUER.slice(0, -1),
        `${ISSUER}/`,
        [ISSUER],
        AUDIENCE,
      ]),
    }),
  swapped: (genuine) => resigned(genuine, { iss: AUDIENCE, aud: ISSUER }),
  otherClaims: ({ token, payload }, [how]) => {
    const [header, , signature] = parts(token);
    const more = oneOf<object>(how, [
      { roles: ['operator', 'king'] },
      { customer_number: 4711 },
      { exp: NOW_S + 1e9 },
      { a: 1 },
    ]);
    return `${header}.${base64url(JSON.stringify({ ...payload, ...more }))}.${signature}`;
  },
  noClaims: ({ key, header }, [how]) =>
    rawToken(
      key,
      JSON.stringify(header),
      oneOf(how, ['', '{', '[]', 'null', '"x"', '7', '{}', '{"iss":', '\u0000']),
    ),
  noHeader: ({ key, payload }, [how]) =>
    rawToken(
      key,
      oneOf(how, ['', '{', '[]', 'null', '"EdDSA"', '{}', '{"alg":"EdDSA"', '{"kid":"one"}']),
      JSON.stringify(payload),
    ),
  truncated: ({ token }, [how]) => token.slice(0, Math.floor(how * (token.length - 1))),
  beheaded: ({ token }, [how]) => token.slice(1 + Math.floor(how * (token.length - 1))),
  concatenated: ({ token }, [how]) => token + oneOf(how, ['', '.', ',', ' ', '.x', ', Bearer ']) + token,
  addedParts: ({ token }, [how]) =>
    token + oneOf(how, ['.', '.e30', '..', '.a.b', '\u00e9', '\n', ' x']).replace('\n', ' \t x'),
  shuffledParts: ({ token }, [how]) => {
    const [header, payload, signature] = parts(token);
    return oneOf(how, [
      [payload, header, signature],
      [header, signature, payload],
      [header, header, signature],
    ]).join('.');
  },
  huge: (genuine, [how]) => resigned(genuine, { more: 'x'.repeat(8_192 + Math.floor(how * 10_000)) }),
  wrongBase64: ({ token }, [how, where]) =>
    spliced(token, 0.05 + where * 0.9, 0, oneOf(how, ['=', '+', '/', '~', ' ', '%2e', '==', '*', '\u00e9'])),
  changedCharacter: ({ token }, [how, where]) => {
    const at = Math.floor(where * token.length);
    const other = oneOf(how, ['A', 'B', 'w', '_', '-', '9', '.']);
    return spliced(token, where, 1, other === token[at] ? 'Q' : other);
  },
  wholly: (_, [how, what]) =>
    oneOf(how, [
      'ey.e.s',
      'eyJ',
      '..',
      'ey..',
      `ey${'.'.repeat(2)}${String(what)}`,
      'e30.e30.e30',
      'null',
      'undefined',
    ]),
};

/** Changes that do not affect the signed content for this gateway and the claims that it uses. */
const harmless: Record<
  string,
  (genuine: Genuine, chance: readonly [number, number]) => [string, JWTPayload]
> = {
  nothing: ({ token, payload }) => [token, payload],
  blanksAround: ({ token, payload }) => [`  ${token}  `, payload],
  readHeaders: (genuine, [how]) => [
    resigned(
      genuine,
      {},
      oneOf<object>(how, [
        { typ: 'at+jwt' },
        { jku: 'http://127.0.0.1:9/' },
        { jwk: genuine.thief.jwk },
        { x5c: ['AA=='] },
      ]),
    ),
    genuine.payload,
  ],
  saidTwice: ({ key, header, payload }) => [
    rawToken(
      key,
      JSON.stringify(header),
      `{"roles":["operator"],"customer_number":4711,"exp":1,${JSON.stringify(payload).slice(1)}`,
    ),
    { ...(Object.hasOwn(payload, 'customer_number') ? {} : { customer_number: 4711 }), ...payload },
  ],
  moreClaims: (genuine) => [
    resigned(genuine, { role: 'operator', admin: true, realm_access: { roles: ['operator'] } }),
    genuine.payload,
  ],
};

const cases = fc.record({
  given: genuine,
  how: fc.oneof(fc.constantFrom(...Object.keys(forgings)), fc.constantFrom(...Object.keys(harmless))),
  chance: fc.tuple(
    fc.double({ min: 0, max: 0.999, noNaN: true }),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
  ),
});

function isCaller(outcome: unknown): outcome is Caller {
  return !(outcome instanceof Error);
}

/** The members of a caller that are compared. */
function partsOf({ name, roles, purposes, customer }: Caller) {
  return { name, roles, purposes, customer };
}

/** Whether two tokens have the same signature. The last character of base64 has unused bits, so their texts may differ. */
function isSameSigned(left: string, other: string): boolean {
  const [a, b] = [parts(left), parts(other)];
  return (
    other.split('.').length === 3 &&
    a[0] === b[0] &&
    a[1] === b[1] &&
    Buffer.from(a[2], 'base64url').equals(Buffer.from(b[2], 'base64url'))
  );
}

test(
  'only tokens that the issuer signed for this gateway authenticate a caller, and it is the right one',
  { timeout: 120_000 },
  async () => {
    const authentication = createTestAuthentication(published);
    expect(authentication.problems).toEqual([]);
    const met = { callers: 0, nobody: 0 };
    await fc.assert(
      fc.asyncProperty(cases, async ({ given: genuine, how, chance }) => {
        const [sent, payload] = harmless[how]?.(genuine, chance) ?? [
          forgings[how]?.(genuine, chance) ?? '',
          undefined,
        ];
        const outcome = await authentication.callerOf(sent).catch((error: unknown) => error);
        const mayBe = payload ?? (isSameSigned(genuine.token, sent) ? genuine.payload : undefined);
        const expected = mayBe === undefined ? undefined : named(mayBe);
        if (expected !== undefined && !(payload === undefined && outcome instanceof GatewayError)) {
          expect(isCaller(outcome) && partsOf(outcome), how).toEqual(expected);
          met.callers += 1;
          return;
        }
        expect(outcome, how).toBeInstanceOf(GatewayError);
        expect(outcome, how).toMatchObject({
          code: mayBe === undefined ? 'UNAUTHENTICATED' : (expect.any(String) as string),
        });
        met.nobody += 1;
      }),
      { numRuns: RUNS },
    );
    expect(met.callers).toBeGreaterThan(RUNS / 20);
    expect(met.nobody).toBeGreaterThan(RUNS / 2);
  },
);
