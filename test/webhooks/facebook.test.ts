import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { facebook } from '../../sources/facebook/index.js';
import { createTestReceiver, NOW, webhookContract } from './webhook-contract.js';

const variable = 'FACEBOOK_WEBHOOK_SECRETS';
const secrets = ['app-secret-of-meta', 'another-secret'] as const;
const settings = { FACEBOOK_WEBHOOK_VERIFY_TOKEN: 'a-text-of-our-own' };

const send = (body: string | Uint8Array, secret: string) => ({
  headers: { 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` },
  body,
});

const lead = (id: string) =>
  `{"object":"page","entry":[{"id":"153125381133","time":1438292065,"changes":[{"field":"leadgen","value":` +
  `{"leadgen_id":${id},"page_id":153125381133,"form_id":12312312312,"created_time":1763640000}}]}]}`;

webhookContract({
  source: facebook,
  settings,
  variable,
  secrets,
  send,
  body: JSON.stringify({
    object: 'page',
    entry: [
      {
        id: '153125381133',
        time: NOW,
        messaging: [
          {
            sender: { id: '1254459154682919' },
            recipient: { id: '153125381133' },
            timestamp: NOW - 500,
            message: { mid: 'm_AbC', text: 'Waar blijft mijn pakket?' },
          },
          { sender: { id: '1254459154682919' }, timestamp: NOW, read: { watermark: NOW } },
          { sender: { id: '153125381133' }, timestamp: NOW, message: { mid: 'm_echo', is_echo: true } },
        ],
      },
    ],
  }),
  events: [
    {
      id: 'message-m_AbC',
      type: 'message.received',
      time: '2026-11-20T11:59:59.500Z',
      subject: 'm_AbC',
      identifiers: { facebookUserId: ['1254459154682919'] },
      data: {},
    },
  ],
  bigId: { body: lead('90071992547409931'), subject: '90071992547409931' },
  unknown: '{"object":"instagram","entry":[]}',
});

describe('Meta', () => {
  const get = (parameters: Record<string, string>) =>
    createTestReceiver(facebook, { ...settings, [variable]: secrets[0] }).post(
      { search: `?${new URLSearchParams(parameters).toString()}`, body: '' },
      'GET',
    );
  const subscribe = {
    'hub.mode': 'subscribe',
    'hub.challenge': '1158201444',
    'hub.verify_token': settings.FACEBOOK_WEBHOOK_VERIFY_TOKEN,
  };

  it('reports a lead by its id', async () => {
    const receiver = createTestReceiver(facebook, { ...settings, [variable]: secrets[0] });
    await receiver.post(send(lead('444444444444'), secrets[0]));
    expect(receiver.events).toMatchObject([
      { id: 'leadgen-444444444444', type: 'lead.created', data: { form: '12312312312', ad: null } },
    ]);
  });

  it('receives its challenge if it sends the verify token', async () => {
    expect(await get(subscribe)).toMatchObject({ status: 200, text: '1158201444' });
  });

  it('is refused with another token, and the response contains no text of the request', async () => {
    expect((await get({ ...subscribe, 'hub.verify_token': 'another' })).status).toBe(403);
    expect((await get({ ...subscribe, 'hub.challenge': '<script>' })).status).toBe(403);
    expect((await get({})).status).toBe(403);
  });

  it('prevents the start with secrets but without a verify token', () => {
    expect(() => createTestReceiver(facebook, { [variable]: secrets[0] })).toThrow(
      'FACEBOOK_WEBHOOK_VERIFY_TOKEN is missing',
    );
  });
});
