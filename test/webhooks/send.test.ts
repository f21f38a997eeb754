import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { createSender, type Sender } from '../../src/webhooks/send.js';
import { anEndpoint } from './deliveries.js';
import { startReceiver, type Receiver } from './receiver.js';

afterEach(() => {
  vi.restoreAllMocks();
});

it.each([
  ['15 s', undefined, 15_000],
  ['the configured time', 2_000, 2_000],
])('ends an attempt after %s', async (_, timeoutMs, expected) => {
  const receiver = await startReceiver();
  const sender = createSender({ timeoutMs });
  const timeout = vi.spyOn(AbortSignal, 'timeout');
  const message = { id: 'msg_1', body: '{}', now: 0 };
  const sent = await sender.send(anEndpoint('x', receiver.url, { allowPrivate: true }), message);
  await sender.close();
  await receiver.close();
  expect(sent).toMatchObject({ outcome: 'delivered' });
  expect(timeout).toHaveBeenCalledExactlyOnceWith(expected);
});

let receiver: Receiver;
let sender: Sender;
beforeAll(async () => {
  receiver = await startReceiver();
  sender = createSender();
});
afterAll(async () => {
  await sender.close();
  await receiver.close();
});

/** The time of each message: 2026-03-02T09:00:00Z, in milliseconds. */
const NOW = Date.parse('2026-03-02T09:00:00Z');

it.each<[status: number, outcome: 'delivered' | 'gone' | 'failed', isOverloaded: boolean]>([
  [200, 'delivered', false],
  [204, 'delivered', false],
  [299, 'delivered', false],
  [302, 'failed', false],
  [400, 'failed', false],
  [410, 'gone', false],
  [429, 'failed', true],
  [500, 'failed', false],
  [502, 'failed', true],
  [503, 'failed', false],
  [504, 'failed', true],
])('status %i means %s, overloaded: %s', async (status, outcome, isOverloaded) => {
  receiver.answer = () => ({ status, headers: { location: receiver.url } });
  const before = receiver.received.length;
  const sent = await sender.send(anEndpoint('x', receiver.url), { id: 'msg_1', body: '{}', now: NOW });
  expect(sent).toEqual({ outcome, reason: `status ${status}`, isOverloaded });
  expect(receiver.received.slice(before)).toMatchObject([
    { id: 'msg_1', body: '{}', headers: { 'content-type': 'application/json' } },
  ]);
});

it.each<[retryAfter: string, ms: number | undefined]>([
  ['0', 0],
  ['120', 120_000],
  ['Mon, 02 Mar 2026 09:01:30 GMT', 90_000],
  ['Mon, 02 Mar 2026 08:00:00 GMT', 0],
  ['soon', undefined],
])('Retry-After "%s" is a pause of %s ms', async (retryAfter, ms) => {
  receiver.answer = () => ({ status: 503, headers: { 'retry-after': retryAfter } });
  const sent = await sender.send(anEndpoint('x', receiver.url), { id: 'msg_1', body: '{}', now: NOW });
  expect(sent.retryAfterMs).toBe(ms);
});

it.each<[string, url: () => string, allowPrivate: boolean, reason: string]>([
  ['a private address that is not allowed', () => receiver.url, false, 'private address'],
  ['a port without a server', () => 'http://127.0.0.1:1/', true, 'connection refused'],
  ['a name that does not exist', () => 'http://name.invalid/', true, 'name not found'],
])('the reason names no address: %s', async (_, url, allowPrivate, reason) => {
  const missing = Object.assign(new Error('getaddrinfo ENOTFOUND name.invalid'), { code: 'ENOTFOUND' });
  const local = createSender({
    lookup: (_host, _options, callback) => {
      callback(missing, '');
    },
  });
  const sent = await local.send(anEndpoint('x', url(), { allowPrivate }), {
    id: 'msg_1',
    body: '{}',
    now: NOW,
  });
  await local.close();
  expect(sent).toEqual({ outcome: 'failed', reason, isOverloaded: false });
});
