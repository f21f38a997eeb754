import { createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readEndpoints } from '../../src/webhooks/endpoints.js';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const mailer = { name: 'mailer', url: 'https://mailer.example.nl/hooks', secrets: [secret] };

function read(...entries: unknown[]) {
  const problems: string[] = [];
  const endpoints = readEndpoints(JSON.stringify(entries), problems);
  return { endpoints, problems };
}

describe('WEBHOOK_ENDPOINTS', () => {
  it('defines the endpoints, with low default limits', () => {
    const { endpoints, problems } = read(mailer);
    expect(problems).toEqual([]);
    expect(endpoints).toEqual([
      {
        name: 'mailer',
        url: 'https://mailer.example.nl/hooks',
        secrets: [Buffer.from(secret.slice(6), 'base64')],
        ratePerSecond: 10,
        concurrency: 5,
        allowPrivate: false,
        callers: [],
      },
    ]);
  });

  it('accepts a private key, with or without its public key', () => {
    const pair = generateKeyPairSync('ed25519');
    const seed = Buffer.from(pair.privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
    const open = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    for (const bytes of [seed, Buffer.concat([seed, open])]) {
      const { endpoints, problems } = read({
        ...mailer,
        secrets: undefined,
        privateKey: `whsk_${bytes.toString('base64')}`,
      });
      expect(problems).toEqual([]);
      const key = endpoints[0]?.privateKey;
      if (key === undefined) throw new Error('The key pair has no key.');
      const content = Buffer.from('content');
      expect(verify(null, content, pair.publicKey, sign(null, content, key))).toBe(true);
      expect(createPublicKey(key).equals(pair.publicKey)).toBe(true);
    }
  });

  it.each([
    ['name', { name: 'a name' }],
    ['url', { url: 'http://mailer.example.nl/hooks' }],
    ['url', { url: 'https://who:what@mailer.example.nl/' }],
    ['url', { url: 'ftp://mailer.example.nl/' }],
    ['url', { url: 'https://mailer.example.nl/hooks#part' }],
    ['secrets', { secrets: [] }],
    ['secrets', { secrets: [secret, secret, secret] }],
    ['secrets', { secrets: ['whsec_c2hvcnQ='] }],
    ['secrets', { secrets: ['nothing of the kind'] }],
    ['privateKey', { privateKey: 'whsk_c2hvcnQ=' }],
    ['ratePerSecond', { ratePerSecond: 0 }],
    ['concurrency', { concurrency: 1.5 }],
    ['allowPrivate', { allowPrivate: 'yes' }],
  ])('reports that %s is invalid, without quoting it', (field, wrong) => {
    const { endpoints, problems } = read({ ...mailer, ...wrong }, { ...mailer, name: 'other' });
    expect(endpoints.map(({ name }) => name)).toEqual(['other']);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`endpoint (mailer|1), ${field}: it must be .+\\.$`));
    for (const value of Object.values(wrong).flat()) expect(problems[0]).not.toContain(`"${String(value)}"`);
    expect(problems[0]).not.toContain(secret);
  });

  it('reports all problems together', () => {
    const { problems } = read({ ...mailer, secret: 'x' }, mailer, mailer, 'mailer');
    expect(problems).toHaveLength(3);
    expect(problems[1]).toContain('endpoint mailer, name');
  });

  it.each(['', '{}', '[]', 'secret stuff'])('must be a list: %j is refused', (text) => {
    const problems: string[] = [];
    expect(readEndpoints(text, problems)).toEqual([]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).not.toContain('secret stuff');
  });

  it('allows http only for an endpoint that may be in a private network', () => {
    expect(read({ ...mailer, url: 'http://127.0.0.1:8080/', allowPrivate: true }).problems).toEqual([]);
  });

  it('shares the limits of an endpoint among the workers', () => {
    const problems: string[] = [];
    const text = JSON.stringify([{ ...mailer, ratePerSecond: 3, concurrency: 5 }]);
    expect(readEndpoints(text, problems, 2)).toMatchObject([{ ratePerSecond: 1.5, concurrency: 2 }]);
    expect(readEndpoints(text, problems, 5)).toMatchObject([{ ratePerSecond: 0.6, concurrency: 1 }]);
    expect(problems).toEqual([]);
    readEndpoints(text, problems, 6);
    expect(problems).toEqual([expect.stringContaining('Set WORKERS to 5 at most')]);
  });
});
