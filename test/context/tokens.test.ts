import { createHmac, createSecretKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { ForbiddenError, UnauthenticatedError } from '../../src/errors.js';
import {
  AUDIENCE,
  validClaims,
  createTestAuthentication,
  ISSUER,
  NOW_S,
  rawToken,
  createSigningKey,
  signToken,
  tokenSettings,
} from '../support/authentication.js';

const key = createSigningKey('one');
const rsa = createSigningKey('rsa', 'RS256');
const curve = createSigningKey('curve', 'ES256');
const authentication = createTestAuthentication(tokenSettings(key, rsa, curve));
const INVALID = new UnauthenticatedError('invalid');

const callerOf = async (more: Record<string, unknown>) =>
  authentication.callerOf(await signToken(key, validClaims(more)));

/** A token with exactly this header and payload, signed by HS256 with the secret. */
function signedWith(secret: string | Buffer, header: object, payload: object = validClaims()): string {
  const text = [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

describe('a token of the issuer', () => {
  test('is accepted with each configured signing algorithm', async () => {
    for (const signingKey of [key, rsa, curve])
      expect(await authentication.callerOf(await signToken(signingKey))).toMatchObject({
        name: 'jwt:id.example.nl',
        roles: ['operator'],
      });
  });

  test('names its client if the name has only plain characters', async () => {
    expect(await callerOf({ client_id: 'crm-tool', azp: 'another' })).toMatchObject({ name: 'jwt:crm-tool' });
    expect(await callerOf({ azp: 'web.shop' })).toMatchObject({ name: 'jwt:web.shop' });
    for (const client_id of [
      'jan@example.nl',
      'two words',
      'x'.repeat(65),
      '',
      7,
      ['a', 'b'],
      { a: 1 },
      'line\nbreak',
    ])
      expect(await callerOf({ client_id })).toMatchObject({ name: 'jwt:id.example.nl' });
  });

  test('recognises its caller by client and subject, without revealing the subject', async () => {
    const subjectOf = async (claims: Record<string, unknown>) => (await callerOf(claims)).subject;
    const anna = await subjectOf({ sub: 'anna@example.nl', client_id: 'desk' });
    expect(anna).toMatch(/^[\w-]{43}$/);
    expect(await subjectOf({ sub: 'anna@example.nl', client_id: 'desk', jti: 'another' })).toBe(anna);
    const others = [
      { sub: 'ben@example.nl', client_id: 'desk' },
      { sub: 'anna@example.nl', client_id: 'other' },
      { client_id: 'desk' },
      { sub: 'anna@example.nl' },
    ];
    expect(new Set([anna, ...(await Promise.all(others.map(subjectOf)))]).size).toBe(5);
    for (const claims of [{}, { sub: '' }, { sub: 7 }, { sub: { id: 'anna' } }])
      expect(await subjectOf(claims)).toBe('');
  });

  test('grants all roles in it, as a list or as words, and ignores unknown roles', async () => {
    expect(await callerOf({ roles: ['campaign', 'king', 'analyst'] })).toMatchObject({
      roles: ['campaign', 'analyst'],
      purposes: ['MARKETING', 'SERVICE', 'ANALYTICS'],
      defaultPurpose: 'MARKETING',
    });
    expect(await callerOf({ roles: ' analyst  king ' })).toMatchObject({
      roles: ['analyst'],
      sees: 'masked',
    });
  });

  test('is refused without a role', async () => {
    const none = [
      'king',
      '',
      [],
      [['operator']],
      { operator: true },
      { roles: ['operator'] },
      7,
      null,
      true,
      ['__proto__'],
    ];
    for (const roles of [...none, undefined])
      await expect(callerOf({ roles })).rejects.toThrow(ForbiddenError);
  });

  test('has its roles in the configured claim', async () => {
    const elsewhere = createTestAuthentication({
      ...tokenSettings(key),
      JWT_ROLES_CLAIM: 'https://example.nl/roles',
    });
    const payload = validClaims({ 'https://example.nl/roles': 'analyst' });
    expect(await elsewhere.callerOf(await signToken(key, payload))).toMatchObject({ roles: ['analyst'] });
  });

  test('can restrict the purposes and scopes of its roles, but not extend them', async () => {
    expect(await callerOf({ roles: 'campaign', purpose: 'service' })).toMatchObject({
      purposes: ['SERVICE'],
      defaultPurpose: 'SERVICE',
    });
    expect(await callerOf({ roles: 'campaign', purpose: ['CUSTOMER_CARE', 'MARKETING'] })).toMatchObject({
      purposes: ['MARKETING'],
    });
    for (const purpose of ['CUSTOMER_CARE', '', [], null, { SERVICE: true }])
      await expect(callerOf({ roles: 'campaign', purpose })).rejects.toThrow(ForbiddenError);
    const { scopes } = await callerOf({ roles: 'campaign', scope: 'orders:read admin:forget openid' });
    expect(scopes).toEqual(new Set(['orders:read']));
    expect((await callerOf({ roles: 'operator', scope: '' })).scopes).toEqual(new Set());
  });

  test('is valid if the gateway is in its audience', async () => {
    expect(await callerOf({ aud: ['another', AUDIENCE] })).toMatchObject({ roles: ['operator'] });
    for (const aud of ['another', [], ['another'], `${AUDIENCE} `, AUDIENCE.toUpperCase(), undefined])
      await expect(callerOf({ aud })).rejects.toEqual(INVALID);
  });

  test('is accepted only with exactly the configured issuer', async () => {
    for (const iss of [
      'https://id.example.nl',
      'https://ID.example.nl/',
      `${ISSUER}x`,
      [ISSUER],
      undefined,
      '',
    ])
      await expect(callerOf({ iss })).rejects.toEqual(INVALID);
  });

  test('is valid between its start and its expiry, with a tolerance for clock skew', async () => {
    const expired = new UnauthenticatedError('expired');
    expect(await callerOf({ exp: NOW_S - 29 })).toBeDefined();
    await expect(callerOf({ exp: NOW_S - 30 })).rejects.toEqual(expired);
    expect(await callerOf({ nbf: NOW_S + 30 })).toBeDefined();
    await expect(callerOf({ nbf: NOW_S + 31 })).rejects.toEqual(INVALID);
    expect(await callerOf({ iat: NOW_S + 30 })).toBeDefined();
    await expect(callerOf({ iat: NOW_S + 31 })).rejects.toEqual(INVALID);
    for (const exp of [undefined, String(NOW_S + 60), null, true])
      await expect(callerOf({ exp })).rejects.toEqual(INVALID);
    const strict = createTestAuthentication({ ...tokenSettings(key), JWT_CLOCK_SKEW_S: '0' });
    await expect(strict.callerOf(await signToken(key, validClaims({ exp: NOW_S })))).rejects.toEqual(expired);
  });

  test('is verified again after its expiry, and at the latest after a minute', async () => {
    let now = NOW_S;
    const turned = createTestAuthentication(tokenSettings(key), () => now * 1000);
    const short = await signToken(key, validClaims({ exp: NOW_S + 20 }));
    const first = await turned.callerOf(short);
    now += 49;
    expect(await turned.callerOf(short)).toBe(first);
    now += 1;
    await expect(turned.callerOf(short)).rejects.toEqual(new UnauthenticatedError('expired'));
    const long = await signToken(key, validClaims({ exp: NOW_S + 3_600 }));
    const seen = await turned.callerOf(long);
    now += 59;
    expect(await turned.callerOf(long)).toBe(seen);
    now += 1;
    expect(await turned.callerOf(long)).not.toBe(seen);
  });
});

describe("a visitor's token", () => {
  const visitor = (more: Record<string, unknown>) => callerOf({ roles: 'visitor', ...more });

  test('names its customer by a normalised identifier', async () => {
    expect(await visitor({ email: 'Jan@Example.NL' })).toMatchObject({
      customer: { namespace: 'email', value: 'jan@example.nl' },
      findsBy: new Set(),
    });
    expect(await visitor({ customer_number: 1042 })).toMatchObject({
      customer: { namespace: 'customerNumber', value: '1042' },
    });
  });

  test('uses the first present claim in the order of the setting', async () => {
    const both = await visitor({ email: 'jan@example.nl', customer_number: '7' });
    expect(both.customer).toEqual({ namespace: 'customerNumber', value: '7' });
    const second = await visitor({ email: 'jan@example.nl', customer_number: null });
    expect(second.customer).toEqual({ namespace: 'email', value: 'jan@example.nl' });
  });

  test('is refused without a valid customer, even with other roles', async () => {
    const unclear = [
      {},
      { email: 'nobody' },
      { email: ['jan@example.nl'] },
      { email: { a: 'jan@example.nl' } },
      // For the issuer, these are other people than jan@example.nl.
      ...['/x', '?x', '#x', '\\x', '.', ' ', '\u200b', '\u0000'].map((end) => ({
        email: `jan@example.nl${end}`,
      })),
      ...['\ufeffjan@example.nl', 'jan@ｅｘａｍｐｌｅ.nl'].map((email) => ({ email })),
    ];
    // A number that is too large would be rounded to the number of another customer.
    const numbers = [1e21, 2 ** 53, 1.5, -3, '', 'null', '0007', true, ['7']].map((customer_number) => ({
      customer_number,
    }));
    for (const item of [...unclear, ...numbers, { email: 'jan@example.nl', customer_number: 'x' }])
      for (const roles of ['visitor', 'operator visitor'])
        await expect(callerOf({ roles, ...item }), JSON.stringify(item)).rejects.toThrow(ForbiddenError);
  });

  test.each([
    [{}, 'it has no claim of JWT_CUSTOMER_CLAIMS'],
    [{ email: 7.5 }, 'its claim is neither a text nor a whole number'],
    [{ email: 'jan@example.nl\u200b' }, 'blanks or invisible characters surround its claim'],
    [{ email: 'jan@shop.invalid' }, 'its domain is blocked (IDENTITY_BLOCKED_DOMAINS)'],
  ])('without a valid customer is refused with the reason: %j', async (claim, reason) => {
    await expect(callerOf({ roles: 'visitor', ...claim })).rejects.toThrow(
      `A visitor's token must identify its customer, and this one does not: ${reason}.`,
    );
  });

  test('has one budget for all tokens of the visitor, whose key does not reveal the customer', async () => {
    const caller = await visitor({ email: 'jan@example.nl' });
    const same = await visitor({ email: 'JAN@example.nl', jti: 'another' });
    const other = await visitor({ email: 'piet@example.nl' });
    expect(caller.budget).toBe(same.budget);
    expect(caller.budget).not.toBe(other.budget);
    expect(caller.budget).toMatch(/^jwt:id\.example\.nl:[\w-]{43}$/);
    expect((await callerOf({ email: 'jan@example.nl' })).customer).toBeUndefined();
    expect(caller.name).toBe('jwt:id.example.nl');
  });
});

describe('a forged token', () => {
  test('without a signature is refused, with any spelling of the algorithm "none"', async () => {
    const [, payload = ''] = (await signToken(key)).split('.');
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
      const header = Buffer.from(JSON.stringify({ alg, kid: 'one' })).toString('base64url');
      for (const signature of ['', 'AA', (await signToken(key)).split('.')[2] ?? ''])
        await expect(authentication.callerOf(`${header}.${payload}.${signature}`)).rejects.toEqual(INVALID);
    }
  });

  test('signed with the public key as a secret is refused, and HS256 cannot be configured beside public keys', async () => {
    for (const environment of [tokenSettings(rsa), { ...tokenSettings(), JWT_KEY: rsa.pem }]) {
      const testAuthentication = createTestAuthentication(environment);
      expect(testAuthentication.problems).toEqual([]);
      for (const secret of [rsa.pem, rsa.pem.trim(), JSON.stringify(rsa.jwk), environment.JWT_KEY ?? ''])
        for (const alg of ['HS256', 'RS256'])
          await expect(testAuthentication.callerOf(signedWith(secret, { alg, kid: 'rsa' }))).rejects.toEqual(
            INVALID,
          );
      for (const algorithms of ['HS256', 'RS256,HS256'])
        expect(
          createTestAuthentication({ ...environment, JWT_ALGORITHMS: algorithms }).problems,
        ).toHaveLength(1);
    }
  });

  test('with a critical header is refused', async () => {
    for (const header of [
      { crit: ['exp'], exp: 1 },
      { crit: [] },
      { crit: ['b64'], b64: false },
      { crit: ['x'], x: 1 },
    ]) {
      const sent = rawToken(
        key,
        JSON.stringify({ alg: 'EdDSA', kid: 'one', ...header }),
        JSON.stringify(validClaims()),
      );
      await expect(authentication.callerOf(sent), JSON.stringify(header)).rejects.toEqual(INVALID);
    }
  });

  test('is not accepted because of keys or key locations in its header', async () => {
    const thief = createSigningKey('one');
    for (const header of [
      { jwk: thief.jwk },
      { jku: 'http://127.0.0.1:9/' },
      { x5u: 'http://127.0.0.1:9/' },
      { x5c: ['AA=='] },
    ])
      await expect(authentication.callerOf(await signToken(thief, undefined, header))).rejects.toEqual(
        INVALID,
      );
    // A genuine token with such a header is accepted.
    expect(
      await authentication.callerOf(await signToken(key, undefined, { jku: 'http://127.0.0.1:9/' })),
    ).toBeDefined();
  });

  test('signed by a genuine key with an algorithm that is not allowed is refused', async () => {
    const narrow = createTestAuthentication({ ...tokenSettings(key, rsa), JWT_ALGORITHMS: 'RS256' });
    await expect(narrow.callerOf(await signToken(key))).rejects.toEqual(INVALID);
    const { kid, ...open } = rsa;
    const other = { ...open, kid, alg: 'RS512' };
    await expect(narrow.callerOf(await signToken(other))).rejects.toEqual(INVALID);
    await expect(authentication.callerOf(await signToken({ ...other, alg: 'PS256' }))).rejects.toEqual(
      INVALID,
    );
  });
});

describe('JWT_KEY', () => {
  const problemsOf = (JWT_KEY: string, algorithms?: string) =>
    createTestAuthentication({
      ...tokenSettings(),
      JWT_KEY,
      ...(algorithms === undefined ? {} : { JWT_ALGORITHMS: algorithms }),
    }).problems;
  const oct = (bytes: number) =>
    JSON.stringify({ kty: 'oct', k: Buffer.alloc(bytes, 7).toString('base64url') });

  test('can be a public key as PEM, JWK or JWK set', async () => {
    for (const JWT_KEY of [
      rsa.pem,
      curve.pem,
      key.pem,
      JSON.stringify(rsa.jwk),
      JSON.stringify({ keys: [rsa.jwk] }),
    ])
      expect(problemsOf(JWT_KEY)).toEqual([]);
    const testAuthentication = createTestAuthentication({ ...tokenSettings(), JWT_KEY: rsa.pem });
    expect(await testAuthentication.callerOf(await signToken({ ...rsa, kid: 'any' }))).toMatchObject({
      roles: ['operator'],
    });
    await expect(testAuthentication.callerOf(await signToken(curve))).rejects.toEqual(INVALID);
  });

  test('can be a secret if the algorithm is symmetric', async () => {
    expect(problemsOf(oct(32), 'HS256')).toEqual([]);
    const testAuthentication = createTestAuthentication({
      ...tokenSettings(),
      JWT_KEY: oct(32),
      JWT_ALGORITHMS: 'HS256',
    });
    const sign = (bytes: number, alg: string) =>
      new SignJWT(validClaims()).setProtectedHeader({ alg }).sign(createSecretKey(Buffer.alloc(bytes, 7)));
    expect(await testAuthentication.callerOf(await sign(32, 'HS256'))).toMatchObject({ roles: ['operator'] });
    await expect(testAuthentication.callerOf(await sign(64, 'HS512'))).rejects.toEqual(INVALID);
    await expect(testAuthentication.callerOf(await sign(33, 'HS256'))).rejects.toEqual(INVALID);
  });

  test('is refused if it is invalid, without its value in the message', () => {
    const privatePem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const privateJwk = key.privateKey.export({ format: 'jwk' });
    const wrong: [string, string?][] = [
      ['nonsense'],
      ['{}'],
      ['{"keys":[]}'],
      ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'],
      [privatePem],
      [JSON.stringify(privateJwk)],
      [JSON.stringify({ keys: [rsa.jwk, privateJwk] })],
      [oct(32)],
      [JSON.stringify({ keys: [JSON.parse(oct(32))] })],
      [oct(31), 'HS256'],
      [oct(32), 'HS512'],
      [oct(32), 'HS256,RS256'],
      [rsa.pem, 'HS256'],
      [rsa.pem, 'ES256'],
      [curve.pem, 'ES384'],
    ];
    for (const [text, algorithms] of wrong) {
      const problems = problemsOf(text, algorithms);
      expect(problems, text).toEqual([expect.stringMatching(/^JWT_KEY is invalid: it must be a public key/)]);
      expect(problems.join()).not.toContain(String(privateJwk.d));
    }
  });
});
