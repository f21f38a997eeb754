import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SettingsReader } from '../../src/settings.js';
import type { WebhookOutcome } from '../../src/telemetry/webhook-metrics.js';
import type { WebhookDeclaration } from '../../src/webhooks/declaration.js';
import type { SourceEvent } from '../../src/webhooks/event.js';
import { incomingOf } from '../../src/http/webhooks.js';
import { createReceiver, pluggedInWebhooks, type Receiver } from '../../src/webhooks/receive.js';
import { eventTypes } from '../support/published-schema.js';

/** A message of a system: the query of its address, its headers and its body. */
export interface SentMessage {
  search?: string;
  headers?: Readonly<Record<string, string>>;
  body: string | Uint8Array;
}

export interface WebhookVendor {
  source: { name: string; webhook?: WebhookDeclaration };
  /** The settings, apart from the secrets. */
  settings?: Record<string, string>;
  variable: string;
  secrets: readonly [string, string];
  /** Creates the message with the body, signed with the secret at this time. */
  send: (body: string | Uint8Array, secret: string, atMs: number) => SentMessage;
  /** A body with an event of the system. */
  body: string;
  events: readonly Omit<SourceEvent, 'source'>[];
  /** The expected response to the system. Default: 204 without a body. */
  expectedResponse?: { status: number; body: string };
  /** A message with an id above 2^53, and the resulting subject. Undefined for systems without numeric ids. */
  bigId?: { body: string; subject: string };
  /** A body without a known event. */
  unknown: string;
  /** The status for an empty body, if the system sends empty bodies. */
  statusOfEmpty?: 204;
  /**
   * The proof of the system. `body`: a signature. `address`, `content`: the secret itself, so a changed message cannot
   * be detected.
   */
  proof?: 'body' | 'address' | 'content';
  signsTime?: boolean;
}

export const NOW = Date.parse('2026-11-20T12:00:00Z');
const MINUTE = 60_000;

export interface TestReceiver {
  readonly receive: Receiver;
  events: SourceEvent[];
  outcomes: WebhookOutcome[];
  logged: string[];
  /** Makes the storage of the next message fail. */
  fail(): void;
  post(sent: SentMessage, method?: string): Promise<{ status: number; text: string; headers: Headers }>;
}

/** Creates a receiver for one source, and records its events. */
export function createTestReceiver(
  source: WebhookVendor['source'],
  environment: Record<string, string>,
): TestReceiver {
  const settings = new SettingsReader(environment);
  const webhooks = pluggedInWebhooks([source], settings);
  settings.throwIfWrong();
  const known = new Map<string, SourceEvent>();
  const outcomes: WebhookOutcome[] = [];
  const logged: string[] = [];
  let isFailing = false;
  const log = (...parts: unknown[]) => logged.push(JSON.stringify(parts));
  const receive = createReceiver({
    webhooks,
    types: eventTypes,
    add: (events) => {
      if (isFailing) return Promise.reject(new Error('no disk'));
      const fresh = events.filter(({ id }) => !known.has(id));
      for (const event of fresh) known.set(event.id, event);
      return Promise.resolve({ added: fresh.length, known: events.length - fresh.length });
    },
    identify: (namespace, value) => (namespace === 'email' ? value.trim().toLowerCase() : value),
    now: () => NOW,
    onReceived: (_, outcome) => outcomes.push(outcome),
    logger: { warn: log, error: log },
    publicUrl: 'https://gateway.example.nl',
  });
  return {
    receive,
    outcomes,
    logged,
    get events() {
      return [...known.values()];
    },
    fail: () => {
      isFailing = true;
    },
    post: async ({ search = '', headers = {}, body }, method = 'POST') => {
      const request = new Request(`http://10.0.0.7:4000/webhooks/${source.name}${search}`, {
        method,
        headers,
        ...(method === 'POST' ? { body: Buffer.from(body) } : {}),
      });
      const response = await receive(incomingOf(request));
      if (response === undefined) throw new Error('The receiver does not know the address.');
      return { status: response.status, text: response.body ?? '', headers: new Headers(response.headers) };
    },
  };
}

/** Tests the contract that applies to every webhook. */
export function webhookContract(vendor: WebhookVendor): void {
  const { source, variable, secrets, send, body, events, proof = 'body', signsTime = false } = vendor;
  const [secret, next] = secrets;
  const start = (...valid: string[]) =>
    createTestReceiver(source, { ...vendor.settings, [variable]: valid.join(', ') });
  const sent = (content: string | Uint8Array = body, by = secret, atMs = NOW) => send(content, by, atMs);
  const items = events.map((event) => ({ ...event, source: source.name }));

  describe(`the webhook of ${source.name}`, () => {
    it('accepts a message of the system after its events are stored', async () => {
      const receiver = start(secret);
      const { status, text } = await receiver.post(sent());
      expect({ status, text }).toEqual({
        status: vendor.expectedResponse?.status ?? 204,
        text: vendor.expectedResponse?.body ?? '',
      });
      expect(receiver.events).toEqual(items);
      expect(receiver.outcomes).toEqual(['stored']);
    });

    it('acknowledges a repeated message, and stores it once', async () => {
      const receiver = start(secret);
      const first = await receiver.post(sent());
      const second = await receiver.post(sent(body, secret, NOW + MINUTE));
      expect(second.status).toBe(first.status);
      expect(receiver.events).toEqual(items);
      expect(receiver.outcomes).toEqual(['stored', 'duplicate']);
    });

    it('accepts both secrets during rotation, and only the new secret after it', async () => {
      const rotating = start(next, secret);
      expect((await rotating.post(sent(body, secret))).status).toBeLessThan(300);
      expect((await rotating.post(sent(body, next))).status).toBeLessThan(300);
      const rotated = start(next);
      expect((await rotated.post(sent(body, secret))).status).toBe(401);
      expect(rotated.events).toEqual([]);
    });

    it('refuses a message that is signed with another secret', async () => {
      const receiver = start(secret);
      expect((await receiver.post(sent(body, next))).status).toBe(401);
      expect(receiver.events).toEqual([]);
      expect(receiver.outcomes).toEqual(['refused']);
    });

    if (proof === 'body')
      it('refuses a message that was changed, even by a blank', async () => {
        const receiver = start(secret);
        const message = sent();
        const text = Buffer.from(message.body).toString();
        const again = JSON.stringify(JSON.parse(text), null, 1);
        expect(again).not.toBe(text);
        for (const changed of [again, `${text} `, text.replace(/\d/, '7').replace(/e/, 'E'), ''])
          expect((await receiver.post({ ...message, body: changed })).status).toBe(401);
        expect(receiver.events).toEqual([]);
      });

    if (proof === 'body')
      it('refuses a message with only the beginning of its signature, of any length', async () => {
        const receiver = start(secret);
        const { headers = {}, ...message } = sent();
        const [name = '', signature = ''] =
          Object.entries(headers).find(([text, value]) => /signature|hmac/.test(text) && value.length > 40) ??
          [];
        // The tested lengths begin after a prefix such as `sha256=`.
        for (let length = 10; length < signature.length - 1; length += 1) {
          const other = signature[length] === 'a' ? 'b' : 'a';
          for (const input of [
            signature.slice(0, length),
            signature.slice(0, length) + other + signature.slice(length + 1),
          ])
            expect((await receiver.post({ ...message, headers: { ...headers, [name]: input } })).status).toBe(
              401,
            );
        }
        expect(receiver.events).toEqual([]);
      });

    it('refuses a message without proof of its system', async () => {
      const receiver = start(secret);
      const { headers = {}, search, body: content } = sent();
      if (proof === 'address') expect((await receiver.post({ headers, body: content })).status).toBe(401);
      if (proof === 'content') expect((await receiver.post({ headers, body })).status).toBe(401);
      const proofHeaders = Object.keys(headers).filter((name) => /signature|hmac|timestamp/.test(name));
      expect(proofHeaders.length > 0).toBe(proof === 'body');
      for (const missing of proofHeaders) {
        const rest = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== missing));
        const message = { headers: rest, body: content, ...(search === undefined ? {} : { search }) };
        expect((await receiver.post(message)).status).toBe(401);
      }
      expect(receiver.events).toEqual([]);
    });

    if (signsTime)
      it('refuses a message that was signed more than 5 minutes before or after now, with the reason', async () => {
        const receiver = start(secret);
        for (const minutes of [-6, 6, -60 * 24 * 365]) {
          const { status, text } = await receiver.post(sent(body, secret, NOW + minutes * MINUTE));
          expect({ status, text }).toMatchObject({
            status: 401,
            text: expect.stringContaining('5 minutes') as string,
          });
        }
        expect(receiver.outcomes).toEqual(['stale', 'stale', 'stale']);
        expect((await receiver.post(sent(body, secret, NOW - 4 * MINUTE))).status).toBeLessThan(300);
        expect((await receiver.post(sent(body, secret, NOW + 4 * MINUTE))).status).toBeLessThan(300);
      });

    it('refuses a message that is too large, without reading all of it', async () => {
      const receiver = start(secret);
      const large = sent('x'.repeat(2 * 1024 * 1024));
      expect((await receiver.post(large)).status).toBe(413);
      expect(receiver.events).toEqual([]);
    });

    it('explains why a signed message cannot be read, without quoting it', async () => {
      const receiver = start(secret);
      const jan = Buffer.from('{"name": "Jan Geheim", ');
      const broken = [
        jan,
        Buffer.concat([jan, Buffer.from([0xff, 0xfe, 0x22])]),
        Buffer.from('[['.repeat(200_000)),
      ];
      for (const buffer of broken) {
        const { status, text } = await receiver.post(sent(buffer));
        expect(status).toBe(proof === 'content' ? 401 : 400);
        expect(text).not.toMatch(/Jan|Geheim/);
      }
      expect(receiver.logged.join()).not.toMatch(/Jan|Geheim/);
      const nothing = await receiver.post(sent(''));
      expect(nothing.status).toBe(vendor.statusOfEmpty ?? (proof === 'content' ? 401 : 400));
      expect(receiver.events).toEqual([]);
    });

    it('acknowledges a message without a known event, and counts it', async () => {
      const receiver = start(secret);
      expect((await receiver.post(sent(vendor.unknown))).status).toBe(vendor.expectedResponse?.status ?? 204);
      expect(receiver.events).toEqual([]);
      expect(receiver.outcomes).toEqual(['ignored']);
    });

    it('accepts its own test message with each secret, and stores no event', async () => {
      const receiver = start(secret, next);
      const url = `https://gateway.example.nl/webhooks/${source.name}`;
      for (const valid of [secret, next]) {
        const message = source.webhook?.testMessage?.(url, valid, NOW);
        if (message === undefined) throw new Error('the webhook has no test message');
        expect([200, 204, 400]).toContain((await receiver.post(message)).status);
        const other = source.webhook?.testMessage?.(url, `${valid.slice(0, -2)}AA`, NOW);
        expect((await receiver.post(other ?? message)).status).toBe(401);
      }
      expect(receiver.events).toEqual([]);
      expect(new Set(receiver.outcomes)).toContain('refused');
    });

    it('makes the system send again if events cannot be stored', async () => {
      const receiver = start(secret);
      receiver.fail();
      const { status, headers } = await receiver.post(sent());
      expect(status).toBe(503);
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(receiver.outcomes).toEqual(['failed']);
    });

    const { bigId } = vendor;
    if (bigId !== undefined)
      it('reads ids above 2^53 exactly', async () => {
        const receiver = start(secret);
        await receiver.post(sent(bigId.body));
        expect(receiver.events.map(({ subject }) => subject)).toEqual([bigId.subject]);
      });

    it('does not exist without the setting', async () => {
      const settings = new SettingsReader(vendor.settings ?? {});
      expect(pluggedInWebhooks([source], settings).size).toBe(0);
      await Promise.resolve();
    });

    it('refuses unsigned bytes of any content', async () => {
      const receiver = start(secret);
      const names = Object.keys(sent().headers ?? {});
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            fc.uint8Array({ maxLength: 200 }),
            fc.json().map((text) => Buffer.from(text)),
            fc.constant(body),
          ),
          fc.array(fc.tuple(fc.constantFrom('x-any', ...names), fc.stringMatching(/^[!-~]{0,80}$/))),
          fc.constantFrom('', '?key=', '?key=a', '?a=b&c'),
          async (bytes, headers, search) => {
            const { status } = await receiver.post({
              body: bytes,
              headers: Object.fromEntries(headers),
              search,
            });
            expect(status).toBe(401);
          },
        ),
        { numRuns: 200 },
      );
      expect(receiver.events).toEqual([]);
    });
  });
}
