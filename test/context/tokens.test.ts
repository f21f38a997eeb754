import { createHmac, createSecretKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { ForbiddenError, UnauthenticatedError } from '../../src/errors.js';
import {
  AUDIENCE,
  claims,
  createTestAuthentication,
  ISSUER,
  NOW_S,
  rawToken,
  signingKey,
  token,
  tokenSettings,
} from '../support/authentication.js';

const key = signingKey('one');
const rsa = signingKey('rsa', 'RS256');
const curve = signingKey('curve', 'ES256');
const authentication = createTestAuthentication(tokenSettings(key, rsa, curve));
const INVALID = new UnauthenticatedError('invalid');

const callerOf = async (more: Record<string, unknown>) => authentication.as(await token(key, claims(more)));

/** A token with these very bytes, signed by HS256 with any secret. */
function signedWith(secret: string | Buffer, header: object, payload: object = claims()): string {
  const text = [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

describe('a token of the issuer', () => {
  test('is taken by each way of signing that the issuer uses', async () => {
    for (const signingKey of [key, rsa, curve])
      expect(await authentication.as(await token(signingKey))).toMatchObject({
        name: 'jwt:id.example.nl',
        roles: ['operator'],
      });
  });

  test('names the client that it was given to, when that is a plain word', async () => {
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

  test('gives all roles that it names, as a list or as words, and passes over others', async () => {
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

  test('that gives no role gives nothing', async () => {
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

  test('has its roles where the issuer puts them', async () => {
    const elsewhere = createTestAuthentication({
      ...tokenSettings(key),
      JWT_ROLES_CLAIM: 'https://example.nl/roles',
    });
    const payload = claims({ 'https://example.nl/roles': 'analyst' });
    expect(await elsewhere.as(await token(key, payload))).toMatchObject({ roles: ['analyst'] });
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

  test('is of this issuer and no other, to the letter', async () => {
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

  test('holds for its time, give or take what clocks may differ', async () => {
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
    await expect(strict.as(await token(key, claims({ exp: NOW_S })))).rejects.toEqual(expired);
  });

  test('is verified again when it has expired, and at the latest after a minute', async () => {
    let now = NOW_S;
    const turned = createTestAuthentication(tokenSettings(key), () => now * 1000);
    const short = await token(key, claims({ exp: NOW_S + 20 }));
    const first = await turned.as(short);
    now += 49;
    expect(await turned.as(short)).toBe(first);
    now += 1;
    await expect(turned.as(short)).rejects.toEqual(new UnauthenticatedError('expired'));
    const long = await token(key, claims({ exp: NOW_S + 3_600 }));
    const seen = await turned.as(long);
    now += 59;
    expect(await turned.as(long)).toBe(seen);
    now += 1;
    expect(await turned.as(long)).not.toBe(seen);
  });
});

describe("a visitor's token", () => {
  const visitor = (more: Record<string, unknown>) => callerOf({ roles: 'visitor', ...more });

  test('names its customer, as identifiers are written', async () => {
    expect(await visitor({ email: 'Jan@Example.NL' })).toMatchObject({
      customer: { namespace: 'email', value: 'jan@example.nl' },
      findsBy: new Set(),
    });
    expect(await visitor({ customer_number: 1042 })).toMatchObject({
      customer: { namespace: 'customerNumber', value: '1042' },
    });
  });

  test('counts the claims in the order in which they are set', async () => {
    const both = await visitor({ email: 'jan@example.nl', customer_number: '7' });
    expect(both.customer).toEqual({ namespace: 'customerNumber', value: '7' });
    const second = await visitor({ email: 'jan@example.nl', customer_number: null });
    expect(second.customer).toEqual({ namespace: 'email', value: 'jan@example.nl' });
  });

  test('without a clear customer is refused, even with other roles', async () => {
    const unclear = [
      {},
      { email: 'nobody' },
      { email: ['jan@example.nl'] },
      { email: { a: 'jan@example.nl' } },
      // To the issuer these are other people than jan@example.nl.
      ...['/x', '?x', '#x', '\\x', '.', ' ', '\u200b', '\u0000'].map((end) => ({
        email: `jan@example.nl${end}`,
      })),
      ...['\ufeffjan@example.nl', 'jan@ｅｘａｍｐｌｅ.nl'].map((email) => ({ email })),
    ];
    // A number that is too large would be another customer's.
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
  ])('that names nobody says by which rule: %j', async (claim, reason) => {
    await expect(callerOf({ roles: 'visitor', ...claim })).rejects.toThrow(
      `A visitor's token must identify its customer, and this one does not: ${reason}.`,
    );
  });

  test('has a budget of its own that does not say whose it is, the same for all its tokens', async () => {
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

describe('a token that somebody made up', () => {
  test('without a signature is refused, however "none" is written', async () => {
    const [, payload = ''] = (await token(key)).split('.');
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '']) {
      const header = Buffer.from(JSON.stringify({ alg, kid: 'one' })).toString('base64url');
      for (const signature of ['', 'AA', (await token(key)).split('.')[2] ?? ''])
        await expect(authentication.as(`${header}.${payload}.${signature}`)).rejects.toEqual(INVALID);
    }
  });

  test('by using the public key as a secret is refused, and the gateway does not start with HS256 beside it', async () => {
    for (const environment of [tokenSettings(rsa), { ...tokenSettings(), JWT_KEY: rsa.pem }]) {
      const testAuthentication = createTestAuthentication(environment);
      expect(testAuthentication.problems).toEqual([]);
      for (const secret of [rsa.pem, rsa.pem.trim(), JSON.stringify(rsa.jwk), environment.JWT_KEY ?? ''])
        for (const alg of ['HS256', 'RS256'])
          await expect(testAuthentication.as(signedWith(secret, { alg, kid: 'rsa' }))).rejects.toEqual(
            INVALID,
          );
      for (const algorithms of ['HS256', 'RS256,HS256'])
        expect(
          createTestAuthentication({ ...environment, JWT_ALGORITHMS: algorithms }).problems,
        ).toHaveLength(1);
    }
  });

  test('with a header that has to be understood is refused', async () => {
    for (const header of [
      { crit: ['exp'], exp: 1 },
      { crit: [] },
      { crit: ['b64'], b64: false },
      { crit: ['x'], x: 1 },
    ]) {
      const sent = rawToken(
        key,
        JSON.stringify({ alg: 'EdDSA', kid: 'one', ...header }),
        JSON.stringify(claims()),
      );
      await expect(authentication.as(sent), JSON.stringify(header)).rejects.toEqual(INVALID);
    }
  });

  test('is not accepted because of keys or key locations in its header', async () => {
    const thief = signingKey('one');
    for (const header of [
      { jwk: thief.jwk },
      { jku: 'http://127.0.0.1:9/' },
      { x5u: 'http://127.0.0.1:9/' },
      { x5c: ['AA=='] },
    ])
      await expect(authentication.as(await token(thief, undefined, header))).rejects.toEqual(INVALID);
    // Nor is one of the issuer refused for it.
    expect(
      await authentication.as(await token(key, undefined, { jku: 'http://127.0.0.1:9/' })),
    ).toBeDefined();
  });

  test('by a genuine key in a way of signing that is not allowed is refused', async () => {
    const narrow = createTestAuthentication({ ...tokenSettings(key, rsa), JWT_ALGORITHMS: 'RS256' });
    await expect(narrow.as(await token(key))).rejects.toEqual(INVALID);
    const { kid, ...open } = rsa;
    const other = { ...open, kid, alg: 'RS512' };
    await expect(narrow.as(await token(other))).rejects.toEqual(INVALID);
    await expect(authentication.as(await token({ ...other, alg: 'PS256' }))).rejects.toEqual(INVALID);
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

  test('may be a public key as PEM, JWK or JWK set', async () => {
    for (const JWT_KEY of [
      rsa.pem,
      curve.pem,
      key.pem,
      JSON.stringify(rsa.jwk),
      JSON.stringify({ keys: [rsa.jwk] }),
    ])
      expect(problemsOf(JWT_KEY)).toEqual([]);
    const testAuthentication = createTestAuthentication({ ...tokenSettings(), JWT_KEY: rsa.pem });
    expect(await testAuthentication.as(await token({ ...rsa, kid: 'any' }))).toMatchObject({
      roles: ['operator'],
    });
    await expect(testAuthentication.as(await token(curve))).rejects.toEqual(INVALID);
  });

  test('may be a secret where tokens are signed by one', async () => {
    expect(problemsOf(oct(32), 'HS256')).toEqual([]);
    const testAuthentication = createTestAuthentication({
      ...tokenSettings(),
      JWT_KEY: oct(32),
      JWT_ALGORITHMS: 'HS256',
    });
    const sign = (bytes: number, alg: string) =>
      new SignJWT(claims()).setProtectedHeader({ alg }).sign(createSecretKey(Buffer.alloc(bytes, 7)));
    expect(await testAuthentication.as(await sign(32, 'HS256'))).toMatchObject({ roles: ['operator'] });
    await expect(testAuthentication.as(await sign(64, 'HS512'))).rejects.toEqual(INVALID);
    await expect(testAuthentication.as(await sign(33, 'HS256'))).rejects.toEqual(INVALID);
  });

  test('must be right, and is not shown when it is not', () => {
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
