import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { sources } from '../../sources/index.js';
import { webshop } from '../../sources/webshop/index.js';
import { incomingOf, listenToWebhooks } from '../../src/http/webhooks.js';
import { SettingsReader } from '../../src/settings.js';
import { createReceiver, pluggedInWebhooks } from '../../src/webhooks/receive.js';
import { hmac } from '../../src/webhooks/signatures.js';
import { createTestReceiver } from './webhook-contract.js';
import { eventTypes } from '../support/published-schema.js';

const secret = 'hush-of-the-shop';
const environment = { WEBSHOP_WEBHOOK_SECRETS: secret };

describe('the address of webhooks', () => {
  it('exists only for sources with configured secrets', async () => {
    const { receive } = createTestReceiver(webshop, environment);
    for (const path of [
      '/',
      '/graphql',
      '/webhooks',
      '/webhooks/',
      '/webhooks/kvk',
      '/webhooks/webshop/x',
      '/webhooks/__proto__',
    ])
      expect(
        await receive(incomingOf(new Request(`http://gateway${path}`, { method: 'POST' }))),
      ).toBeUndefined();
  });

  it('accepts only POST if the source has no handshake by another method', async () => {
    const receiver = createTestReceiver(webshop, environment);
    const { status, headers } = await receiver.post({ body: '' }, 'GET');
    expect({ status, allow: headers.get('allow') }).toEqual({ status: 405, allow: 'POST' });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('refuses a message by its Content-Length, and by its actual length', async () => {
    const receiver = createTestReceiver(webshop, environment);
    expect((await receiver.post({ headers: { 'content-length': '2000000' }, body: 'x' })).status).toBe(413);
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const request = new Request('http://gateway/webhooks/webshop', {
      method: 'POST',
      body: endless,
      duplex: 'half',
    } as RequestInit);
    expect((await receiver.receive(incomingOf(request)))?.status).toBe(413);
    expect(sent).toBeLessThan(2_000_000);
  });

  it.each(['handshake', 'verify', 'events'] as const)(
    'answers even if a source fails in its %s',
    async (part) => {
      const { webhook = raise() } = webshop;
      const failing = {
        ...webhook,
        verify: () => 'valid' as const,
        [part]: () => {
          throw new TypeError('about jan@example.nl');
        },
      };
      const receiver = createTestReceiver({ name: 'webshop', webhook: failing }, environment);
      const { status, text } = await receiver.post({ body: '{}' });
      expect({ status, text }).toEqual({ status: 500, text: 'The message could not be read.' });
      expect(receiver.outcomes).toEqual(['failed']);
      expect(receiver.logged.join()).toContain('TypeError');
      expect(receiver.logged.join()).not.toContain('jan@example.nl');
    },
  );

  it('does not handle a request with an invalid host', async () => {
    const { receive } = createTestReceiver(webshop, environment);
    const incoming = { method: 'POST', headers: new Headers(), body: null };
    expect(await receive({ ...incoming, url: 'http://[/webhooks/webshop' })).toBeUndefined();
  });

  it('makes the system send again if events are not stored within 4 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const settings = new SettingsReader(environment);
      let onAdd: () => void = () => undefined;
      const storing = new Promise<void>((resolve) => (onAdd = resolve));
      const receive = createReceiver({
        webhooks: pluggedInWebhooks([webshop], settings),
        types: eventTypes,
        add: () => {
          onAdd();
          return new Promise(() => undefined);
        },
        identify: (_, value) => value,
        logger: { warn: () => undefined, error: () => undefined },
      });
      const body = JSON.stringify({ id: 1 });
      const answered = receive(
        incomingOf(
          new Request('http://gateway/webhooks/webshop', {
            method: 'POST',
            body,
            headers: {
              'x-shopify-topic': 'orders/create',
              'x-shopify-webhook-id': '1',
              'x-shopify-hmac-sha256': hmac(secret, [body], 'base64'),
            },
          }),
        ),
      );
      await storing;
      await vi.advanceTimersByTimeAsync(4_000);
      expect(await answered).toMatchObject({ status: 503, headers: { 'retry-after': '30' } });
    } finally {
      vi.useRealTimers();
    }
  });

  it('answers even if a message is incomplete', async () => {
    const receiver = createTestReceiver(webshop, environment);
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.error(new Error('gone'));
      },
    });
    const request = new Request('http://gateway/webhooks/webshop', {
      method: 'POST',
      body: broken,
      duplex: 'half',
    } as RequestInit);
    expect((await receiver.receive(incomingOf(request)))?.status).toBe(400);
  });

  it('also reads secrets from files, without revealing them', () => {
    const folder = mkdtempSync(join(tmpdir(), 'webhooks-'));
    try {
      writeFileSync(join(folder, 'secrets'), `${secret}, another-secret\n`);
      const settings = new SettingsReader({ WEBSHOP_WEBHOOK_SECRETS_FILE: join(folder, 'secrets') });
      expect(pluggedInWebhooks([webshop], settings).get('webshop')?.secrets).toEqual([
        secret,
        'another-secret',
      ]);
      expect(settings.shown).toEqual({ WEBSHOP_WEBHOOK_SECRETS: '***' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is answered before any other part of the gateway handles the request', async () => {
    const webhooks = pluggedInWebhooks(sources, new SettingsReader(environment));
    const receive = createReceiver({
      webhooks,
      types: eventTypes,
      add: () => Promise.resolve({ added: 1, known: 0 }),
      identify: (_, value) => value,
      logger: { warn: () => undefined, error: () => undefined },
    });
    const server = createServer(
      listenToWebhooks(receive, (_, response) => {
        response.writeHead(418).end();
      }),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const answer = async (path: string, body = '{}') => {
      const sent = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body });
      return sent.status;
    };
    try {
      expect(await answer('/webhooks/webshop')).toBe(401);
      expect(await answer('/webhooks/webshop', 'x'.repeat(2_000_000))).toBe(413);
      expect(await answer('/webhooks/kvk')).toBe(418);
      expect(await answer('/graphql')).toBe(418);
    } finally {
      server.close();
    }
  });

  it('has only identifiers of declared namespaces, so that the customer can be found', () => {
    const map = sources.flatMap(({ namespaces = [] }) => namespaces.map(({ name }) => name));
    for (const namespace of ['shopifyCustomerId', 'hubspotContactId', 'zendeskUserId', 'salesforceContactId'])
      expect(map).toContain(namespace);
  });
});

function raise(): never {
  throw new Error('The source has no webhook.');
}
