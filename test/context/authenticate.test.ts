import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { AuthenticationUnavailableError, UnauthenticatedError } from '../../src/errors.js';
import {
  createApiKey,
  AUDIENCE,
  createTestAuthentication,
  ISSUER,
  startKeyServer,
  NOW_S,
  createSigningKey,
  signToken,
  tokenSettings,
  type SigningKey,
} from '../support/authentication.js';

const { key: shopKey, entry: shop } = createApiKey('shop', 'frontend');
const API_KEYS = JSON.stringify([shop]);
const issuerKey = createSigningKey('one');

describe('authentication', () => {
  const problemsWith = (environment: Record<string, string>) =>
    createTestAuthentication(environment).problems;

  test('must be configured, or the gateway does not start', () => {
    expect(problemsWith({})).toEqual([
      expect.stringMatching(/^AUTH is on, but no caller can authenticate. Set API_KEYS; or /),
    ]);
    expect(problemsWith({ AUTH: 'on', CORS_ORIGINS: 'https://www.example.nl' })).toHaveLength(1);
    expect(problemsWith({ API_KEYS })).toEqual([]);
    expect(problemsWith(tokenSettings(issuerKey))).toEqual([]);
    expect(problemsWith({ API_KEYS, ...tokenSettings(issuerKey) })).toEqual([]);
  });

  test('is disabled only by AUTH=off without other settings for it', async () => {
    expect(problemsWith({ AUTH: 'off' })).toEqual([]);
    expect(problemsWith({ AUTH: 'off', API_KEYS, ...tokenSettings(issuerKey) })).toEqual([
      'AUTH is off, but API_KEYS, JWT_ISSUER, JWT_AUDIENCE, JWT_KEY is set: remove one or the other.',
    ]);
    const anybody = createTestAuthentication({
      AUTH: 'off',
      PRIORITY: 'bulk',
      CORS_ORIGINS: 'https://a.example.nl',
    });
    const caller = await anybody.caller(new Headers());
    expect(caller).toMatchObject({ name: 'anonymous', operations: 'any', sees: 'clear', priority: 'bulk' });
    expect(caller.scopes.has('admin:forget')).toBe(false);
    expect(anybody.origins).toEqual(new Set(['https://a.example.nl']));
  });

  test('by token needs an issuer, an audience and one location of keys', () => {
    const whole = tokenSettings(issuerKey);
    const without = (variable: string) => ({ ...whole, [variable]: '' });
    expect(problemsWith(without('JWT_ISSUER'))).toEqual([expect.stringMatching(/^JWT_ISSUER is missing/)]);
    expect(problemsWith(without('JWT_AUDIENCE'))).toEqual([
      expect.stringMatching(/^JWT_AUDIENCE is missing/),
    ]);
    expect(problemsWith(without('JWT_KEY'))).toEqual([
      expect.stringMatching(/^JWT_JWKS_URL and JWT_KEY are both missing/),
    ]);
    expect(problemsWith({ JWT_KEY: whole.JWT_KEY ?? '' })).toHaveLength(2);
    const url = 'https://id.example.nl/jwks.json';
    expect(problemsWith({ ...whole, JWT_JWKS_URL: url })).toEqual([expect.stringMatching(/both set/)]);
    expect(problemsWith({ ...without('JWT_KEY'), JWT_JWKS_URL: 'ftp://id.example.nl' })).toEqual([
      expect.stringMatching(/^JWT_JWKS_URL is invalid/),
    ]);
    expect(problemsWith({ ...without('JWT_KEY'), JWT_JWKS_URL: url, JWT_ALGORITHMS: 'RS256,HS256' })).toEqual(
      [expect.stringMatching(/^JWT_ALGORITHMS names HS256/)],
    );
    expect(problemsWith({ ...whole, JWT_CUSTOMER_CLAIMS: 'shoe_size=shoeSize' })).toEqual([
      'JWT_CUSTOMER_CLAIMS names "shoeSize", which no plugged-in source finds customers by.',
    ]);
  });

  test('is reported with all problems at once, without the key', () => {
    const problems = problemsWith({
      API_KEYS: '[{"name":"shop"}]',
      JWT_KEY: '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----',
      JWT_CUSTOMER_CLAIMS: 'a=b',
      JWT_CLOCK_SKEW_S: 'much',
    });
    expect(problems.map((problem) => /^\S+?(?=[, ])/.exec(problem)?.[0])).toEqual([
      'JWT_CLOCK_SKEW_S',
      'API_KEYS',
      'API_KEYS',
      'JWT_ISSUER',
      'JWT_AUDIENCE',
      'JWT_CUSTOMER_CLAIMS',
      'JWT_KEY',
    ]);
    expect(problems.join()).not.toContain('c2VjcmV0');
  });
});

describe('the header', () => {
  const authentication = createTestAuthentication({ API_KEYS, ...tokenSettings(issuerKey) });
  const outcome = (header?: string) => {
    try {
      return authentication.caller(new Headers(header === undefined ? {} : { authorization: header }));
    } catch (error) {
      return error;
    }
  };

  test('is read as RFC 6750 defines it', () => {
    for (const header of [`Bearer ${shopKey}`, `bearer ${shopKey}`, `BEARER   ${shopKey}  `])
      expect(outcome(header)).toMatchObject({ name: 'shop' });
  });

  test('without a token, or with another scheme, is answered with a WWW-Authenticate header', () => {
    for (const header of [
      undefined,
      '',
      shopKey,
      `Basic ${shopKey}`,
      `Bearer2 ${shopKey}`,
      `ApiKey ${shopKey}`,
    ]) {
      const error = outcome(header);
      expect(error).toEqual(new UnauthenticatedError('missing'));
      expect(error).toMatchObject({ challenge: 'Bearer' });
    }
  });

  test('with several tokens, an empty token or a huge token is refused', () => {
    const wrong = [
      'Bearer',
      'Bearer ',
      `Bearer ${shopKey}, Bearer ${shopKey}`,
      `Bearer ${shopKey} ${shopKey}`,
    ];
    for (const header of [
      ...wrong,
      `Bearer ${'a'.repeat(8_193)}`,
      `Bearer ey${'a'.repeat(9_000)}.e.s`,
      'Bearer é',
    ])
      expect(outcome(header)).toMatchObject({ reason: 'invalid', challenge: 'Bearer error="invalid_token"' });
  });
});

describe('keys that the issuer publishes', () => {
  // jose uses the system clock for the age of its keys.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW_S * 1000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const advance = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

  async function published(...keys: readonly SigningKey[]) {
    const server = await startKeyServer(...keys);
    const authentication = createTestAuthentication(
      { API_KEYS, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, JWT_JWKS_URL: server.url },
      () => Date.now(),
    );
    onTestFinished(async () => {
      await authentication.close();
      await server.close();
    });
    expect(authentication.problems).toEqual([]);
    return { server, authentication };
  }
  const fresh = (key: SigningKey, more = {}) =>
    signToken(key, {
      iss: ISSUER,
      aud: AUDIENCE,
      iat: Date.now() / 1000,
      exp: Date.now() / 1000 + 3_600,
      roles: ['operator'],
      ...more,
    });

  test('are fetched once when the first tokens arrive', async () => {
    const { server, authentication } = await published(issuerKey);
    expect(server.requestCount()).toBe(0);
    const tokens = await Promise.all([1, 2, 3, 4].map((jti) => fresh(issuerKey, { jti: String(jti) })));
    for (const caller of await Promise.all(tokens.map((token) => authentication.callerOf(token))))
      expect(caller).toMatchObject({ name: 'jwt:id.example.nl', roles: ['operator'] });
    expect(server.requestCount()).toBe(1);
  });

  test('are fetched again for an unknown key, at most every 30 s', async () => {
    const { server, authentication } = await published(issuerKey);
    await authentication.callerOf(await fresh(issuerKey));
    const next = createSigningKey('two', 'ES256');
    server.publish(issuerKey, next);
    advance(31);
    expect(await authentication.callerOf(await fresh(next))).toMatchObject({ roles: ['operator'] });
    expect(server.requestCount()).toBe(2);
    for (const kid of ['three', 'four', 'five'])
      await expect(authentication.callerOf(await fresh(createSigningKey(kid)))).rejects.toEqual(
        new UnauthenticatedError('invalid'),
      );
    expect(server.requestCount()).toBe(2);
    advance(31);
    for (const kid of ['three', 'four', 'five'])
      await expect(authentication.callerOf(await fresh(createSigningKey(kid)))).rejects.toEqual(
        new UnauthenticatedError('invalid'),
      );
    expect(server.requestCount()).toBe(3);
  });

  test('are no longer accepted ten minutes after their withdrawal, nor are cached tokens signed by them', async () => {
    const { server, authentication } = await published(issuerKey);
    const seen = await fresh(issuerKey);
    await authentication.callerOf(seen);
    server.publish(createSigningKey('two'));
    advance(601);
    await expect(authentication.callerOf(seen)).rejects.toEqual(new UnauthenticatedError('invalid'));
    expect(server.requestCount()).toBe(2);
  });

  test.each([
    ['is unavailable', undefined],
    ['answers with an error', 503],
    ['sends elsewhere', 302],
    ['answers with something else', 200],
  ])(
    'cannot be fetched when the issuer %s: tokens are refused, and API keys are accepted',
    async (_, status) => {
      const { server, authentication } = await published(issuerKey);
      const elsewhere = await startKeyServer(issuerKey);
      onTestFinished(() => elsewhere.close());
      server.answer((response) => {
        if (status === undefined) response.destroy();
        else response.writeHead(status, { location: elsewhere.url }).end('<html>');
      });
      const good = await fresh(issuerKey);
      for (let times = 0; times < 3; times += 1) {
        const error = await authentication.callerOf(good).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(AuthenticationUnavailableError);
        expect(error).toMatchObject({
          extensions: { code: 'AUTHENTICATION_UNAVAILABLE', retryable: true, retryAfter: 5 },
        });
      }
      expect(elsewhere.requestCount()).toBe(0);
      // A failing issuer is not called for every request, and the failure is reported once.
      expect(server.requestCount()).toBe(1);
      expect(authentication.keyErrors).toHaveLength(1);
      expect(await authentication.callerOf(shopKey)).toMatchObject({ name: 'shop' });
      server.publish(issuerKey);
      advance(6);
      expect(await authentication.callerOf(good)).toMatchObject({ roles: ['operator'] });
    },
  );

  test('are not read above a size limit', async () => {
    const { server, authentication } = await published(issuerKey);
    server.answer((response) =>
      response.end(JSON.stringify({ keys: [issuerKey.jwk], more: 'x'.repeat(600_000) })),
    );
    await expect(authentication.callerOf(await fresh(issuerKey))).rejects.toThrow(
      AuthenticationUnavailableError,
    );
  });

  test('remain valid after they were fetched, even if the issuer is unavailable and a caller sends unknown keys', async () => {
    const { server, authentication } = await published(issuerKey);
    await authentication.callerOf(await fresh(issuerKey));
    server.answer((response) => response.destroy());
    advance(60);
    await expect(authentication.callerOf(await fresh(createSigningKey('made up')))).rejects.toThrow(
      AuthenticationUnavailableError,
    );
    expect(await authentication.callerOf(await fresh(issuerKey, { jti: 'another' }))).toMatchObject({
      roles: ['operator'],
    });
  });

  test('are never taken from the header of a token or a URL in it', async () => {
    const { server, authentication } = await published(issuerKey);
    const thief = createSigningKey('one');
    const theirs = await startKeyServer(thief);
    onTestFinished(() => theirs.close());
    for (const header of [{ jwk: thief.jwk }, { jku: theirs.url }, { x5u: theirs.url }])
      await expect(authentication.callerOf(await signToken(thief, undefined, header))).rejects.toEqual(
        new UnauthenticatedError('invalid'),
      );
    expect(theirs.requestCount()).toBe(0);
    expect(server.requestCount()).toBe(1);
  });
});
