import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { clickstream } from '../../sources/clickstream/index.js';
import { verifyStandard } from '../../src/webhooks/signatures.js';
import { privateKeyOf, secretOf, signedHeaders } from '../../src/webhooks/standard-webhooks.js';
import { createTestReceiver, NOW, webhookContract } from './webhook-contract.js';

/** Returns the header `webhook-signature` with a signature by each key. */
function signStandard(
  keys: readonly string[],
  { id, timestamp, body }: { id: string; timestamp: number | string; body: string | Uint8Array },
): string {
  const secrets = keys.flatMap((key) => secretOf(key) ?? []);
  const [privateKey] = keys.flatMap((key) => privateKeyOf(key) ?? []);
  return signedHeaders(
    { secrets, ...(privateKey === undefined ? {} : { privateKey }) },
    { id, body, now: Number(timestamp) * 1_000 },
  )['webhook-signature'];
}

const variable = 'CLICKSTREAM_WEBHOOK_SECRETS';
const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'] as const;

/** Returns the headers from the library of the standard. */
function send(body: string | Uint8Array, secret: string, atMs: number) {
  const [id, seconds] = ['msg_p5jXN8AQM9LWM0D4loKWxJek', Math.floor(atMs / 1_000)];
  const isText = Buffer.from(body.toString()).equals(Buffer.from(body));
  return {
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      // The library signs only text.
      'webhook-signature': isText
        ? new Webhook(secret).sign(id, new Date(atMs), body.toString())
        : signStandard([secret], { id, timestamp: seconds, body }),
    },
    body,
  };
}

const abandoned = {
  type: 'cart.abandoned',
  timestamp: '2026-11-20T11:30:00.344522Z',
  data: {
    identifiers: { visitorId: ['v-1'], secretNumber: ['1'] },
    total: 49.95,
    items: 2,
    cart: { skus: ['A'] },
  },
};

webhookContract({
  source: clickstream,
  variable,
  secrets,
  send,
  body: JSON.stringify(abandoned),
  events: [
    {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      type: 'cart.abandoned',
      time: '2026-11-20T11:30:00.344Z',
      identifiers: { visitorId: ['v-1'] },
      data: { total: 49.95, items: 2 },
    },
  ],
  bigId: {
    body: '{"type":"order.placed","subject":9007199254740993}',
    subject: '9007199254740993',
  },
  unknown: '{"type":"page.viewed","data":{}}',
  signsTime: true,
});

/** Returns a key pair in the notation of the standard. */
function keyPair() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const [seed, key] = [privateKey, publicKey].map((keyObject) =>
    keyObject
      .export(
        keyObject.type === 'private' ? { format: 'der', type: 'pkcs8' } : { format: 'der', type: 'spki' },
      )
      .subarray(-32),
  );
  if (seed === undefined || key === undefined) throw new Error('no keys');
  return {
    signing: `whsk_${seed.toString('base64')}`,
    both: `whsk_${Buffer.concat([seed, key]).toString('base64')}`,
    verifying: `whpk_${key.toString('base64')}`,
  };
}

describe('Standard Webhooks', () => {
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1614265330, body: '{"test": 2432232314}' };
  const headersOf = (signature: string, { id, timestamp } = message) =>
    new Headers({
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature,
    });
  const verifyWith = (keys: readonly string[], signature: string, nowMs = message.timestamp * 1_000) =>
    verifyStandard(keys, headersOf(signature), Buffer.from(message.body), nowMs);

  it('signs as in the example of the standard', () => {
    expect(signStandard([secrets[0]], message)).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('is compatible with the library of the standard in both directions, for any body', () => {
    const library = new Webhook(secrets[0]);
    const at = new Date(Math.floor(Date.now() / 1_000) * 1_000);
    fc.assert(
      fc.property(fc.json(), fc.stringMatching(/^msg_[A-Za-z\d]{1,30}$/), (body, id) => {
        const timestamp = at.getTime() / 1_000;
        const signature = signStandard([secrets[1], secrets[0]], { id, timestamp, body });
        const headers = headersOf(signature, { ...message, id, timestamp });
        library.verify(body, Object.fromEntries(headers));
        const theirs = headersOf(library.sign(id, at, body), { ...message, id, timestamp });
        expect(verifyStandard([secrets[0]], theirs, Buffer.from(body), at.getTime())).toBe('valid');
      }),
    );
  });

  it('signs and accepts by ed25519, with or without the public key of the private key', () => {
    const { signing, both, verifying } = keyPair();
    const signature = signStandard([signing], message);
    expect(signature).toMatch(/^v1a,/);
    expect(signStandard([both], message)).toBe(signature);
    expect(verifyWith([verifying], signature)).toBe('valid');
    expect(verifyWith([keyPair().verifying], signature)).toBe('invalid');
    expect(verifyWith([verifying], `v1a,${'A'.repeat(86)}==`)).toBe('invalid');
  });

  it('accepts one valid signature among several, and one valid key among several', () => {
    const { signing, verifying } = keyPair();
    const signature = signStandard([secrets[1], signing], message);
    expect(signature.split(' ')).toHaveLength(2);
    expect(verifyWith([verifying], signature)).toBe('valid');
    expect(verifyWith([secrets[0], secrets[1]], `v1,bm90IGl0 v2,x ${signature}`)).toBe('valid');
    expect(verifyWith([secrets[0]], signature)).toBe('invalid');
  });

  it('does not accept a signature of one algorithm as a signature of another', () => {
    const { verifying } = keyPair();
    const signature = signStandard([secrets[0]], message);
    expect(verifyWith([verifying], signature.replace('v1,', 'v1a,'))).toBe('invalid');
    expect(verifyWith([secrets[0]], signature.replace('v1,', 'v1a,'))).toBe('invalid');
  });

  it('refuses ids that make the signed content ambiguous', () => {
    const timestamp = 1614265330;
    const [first, second] = [
      { id: 'msg', timestamp, body: `${timestamp}.{}` },
      { id: `msg.${timestamp}`, timestamp, body: '{}' },
    ];
    const signature = signStandard([secrets[0]], first);
    expect(signStandard([secrets[0]], second)).toBe(signature);
    expect(
      verifyStandard(
        [secrets[0]],
        headersOf(signature, { ...message, ...second }),
        Buffer.from('{}'),
        timestamp * 1_000,
      ),
    ).toBe('invalid');
  });
});

describe('a custom system', () => {
  const start = () => createTestReceiver(clickstream, { [variable]: secrets[0] });

  it('may send CloudEvents', async () => {
    const receiver = start();
    const body = JSON.stringify({
      specversion: '1.0',
      id: 'A234-1234-1234',
      source: '/carts',
      type: 'cart.abandoned',
      time: '2026-11-20T11:00:00Z',
      subject: 'cart-17',
      datacontenttype: 'application/json',
      data: { identifiers: { visitorId: ['v-1'] } },
    });
    expect((await receiver.post(send(body, secrets[0], NOW))).status).toBe(204);
    expect(receiver.events).toMatchObject([{ time: '2026-11-20T11:00:00.000Z', subject: 'cart-17' }]);
  });

  it('may first request permission to send, as CloudEvents specifies', async () => {
    const headers = { 'webhook-request-origin': 'events.example.nl' };
    const { status, headers: answered } = await start().post({ headers, body: '' }, 'OPTIONS');
    expect(status).toBe(200);
    expect(answered.get('webhook-allowed-origin')).toBe('events.example.nl');
    expect((await start().post({ body: '' }, 'OPTIONS')).status).toBe(405);
  });

  it.each(['https://events.example.nl/', 'events example.nl', 'a'.repeat(254)])(
    'is not permitted to send from "%s", which is not an origin',
    async (origin) => {
      const headers = { 'webhook-request-origin': origin };
      expect((await start().post({ headers, body: '' }, 'OPTIONS')).status).toBe(405);
    },
  );

  it('is permitted to send from the longest origin', async () => {
    const headers = { 'webhook-request-origin': 'a'.repeat(253) };
    expect((await start().post({ headers, body: '' }, 'OPTIONS')).status).toBe(200);
  });

  it('is refused at start with an invalid secret', () => {
    expect(() => createTestReceiver(clickstream, { [variable]: 'whsec_' })).toThrow(`${variable} is invalid`);
  });

  it.each([24, 31, 33, 48, 64])('is refused at start with a public key of %i bytes', (length) => {
    const key = `whpk_${Buffer.alloc(length, 7).toString('base64')}`;
    expect(() => createTestReceiver(clickstream, { [variable]: key })).toThrow(`${variable} is invalid`);
  });
});
