import { afterEach, expect, it, vi } from 'vitest';
import { createSender } from '../../src/webhooks/send.js';
import { anEndpoint } from './deliveries.js';
import { startReceiver } from './receiver.js';

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
