import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openConnections, openLoop } from './open-loop.js';

/**
 * Sends the webshop's webhooks about orders. The process reports that it is ready, starts when it receives a number of
 * seconds, and then reports the answers.
 */
export interface EventSenderOptions {
  url: string;
  secret: string;
  emails: readonly string[];
  connections: number;
  perSecond: number;
}

export interface SentEvents {
  sent: number;
  answers: { status: number; ms: number }[];
}

const { url, secret, emails, connections, perSecond } = (
  await once(process, 'message')
)[0] as EventSenderOptions;
const webhooks = await openConnections(url, connections);

const createOrder = (i: number) => {
  const body = JSON.stringify({
    id: i + 1,
    email: emails[i % emails.length],
    updated_at: new Date().toISOString(),
  });
  return {
    body,
    headers: {
      'x-shopify-topic': 'orders/create',
      'x-shopify-webhook-id': randomUUID(),
      'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
    },
  };
};

async function sendEvents(seconds: number): Promise<SentEvents> {
  const answers: SentEvents['answers'] = [];
  const sent = await openLoop(webhooks, {
    perSecond,
    seconds,
    createRequest: createOrder,
    each: ({ status, ms }) => answers.push({ status, ms }),
  });
  return { sent, answers };
}

process.on('message', (seconds: number) => {
  void sendEvents(seconds).then((result) => process.send?.(result));
});
// The process ends when the bench ends.
process.once('disconnect', () => process.exit());
process.send?.('ready');
