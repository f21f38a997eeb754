import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { x } from '../../sources/x/index.js';
import { createTestReceiver, NOW, webhookContract } from './webhook-contract.js';

const variable = 'X_WEBHOOK_SECRETS';
const secrets = ['consumer-secret-of-x', 'another-secret'] as const;

const signatureOf = (text: string | Uint8Array, secret: string) =>
  `sha256=${createHmac('sha256', secret).update(text).digest('base64')}`;
const send = (body: string | Uint8Array, secret: string) => ({
  headers: { 'x-twitter-webhooks-signature': signatureOf(body, secret) },
  body,
});

const post = (id: string, userId: string, username: string) => ({
  id_str: id,
  timestamp_ms: String(NOW),
  text: '@demowinkel waar blijft mijn pakket?',
  user: { id_str: userId, screen_name: username },
});

webhookContract({
  source: x,
  variable,
  secrets,
  send,
  body: JSON.stringify({
    for_user_id: '2244994945',
    tweet_create_events: [post('1', '3001969357', 'Jan_Jansen'), post('2', '2244994945', 'demowinkel')],
    direct_message_events: [
      {
        type: 'message_create',
        id: '954491830116155396',
        created_timestamp: String(NOW),
        message_create: { sender_id: '3001969357', message_data: { text: 'Geheim' } },
      },
      { type: 'message_create', id: '3', message_create: { sender_id: '2244994945' } },
    ],
    users: { '3001969357': { screen_name: 'Jan_Jansen' } },
  }),
  events: [
    {
      id: 'post-1',
      type: 'message.received',
      time: '2026-11-20T12:00:00.000Z',
      subject: '1',
      identifiers: { xUsername: ['Jan_Jansen'] },
      data: { isPublic: true },
    },
    {
      id: 'message-954491830116155396',
      type: 'message.received',
      time: '2026-11-20T12:00:00.000Z',
      subject: '954491830116155396',
      identifiers: { xUsername: ['Jan_Jansen'] },
      data: { isPublic: false },
    },
  ],
  unknown: '{"for_user_id":"2244994945","favorite_events":[{"id":"1"}]}',
});

describe('X', () => {
  const challenge = (token: string) =>
    createTestReceiver(x, { [variable]: secrets.join(' ') }).post(
      { search: `?crc_token=${encodeURIComponent(token)}`, body: '' },
      'GET',
    );

  it('receives proof that the receiver has the secret, computed with the first secret', async () => {
    const { status, text } = await challenge('mDRkYzBhNzItYzQ4YS00ZmQ1');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({ response_token: signatureOf('mDRkYzBhNzItYzQ4YS00ZmQ1', secrets[0]) });
  });

  it('cannot be imitated to obtain the signature of a forged message', async () => {
    for (const forged of ['{"for_user_id":"1"}', ' [1]', '', 'a'.repeat(201)]) {
      const { status, text } = await challenge(forged);
      expect(status).toBe(400);
      expect(text).not.toContain('sha256=');
    }
  });
});
