import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openConnections, openLoop } from './open-loop.js';

/**
 * Orders of customers, as the webshop tells of them. It says when it is ready, begins when it is told for how many seconds,
 * and says what came of it.
 */
export interface TellerOptions {
  url: string;
  secret: string;
  emails: readonly string[];
  connections: number;
  perSecond: number;
}

export interface Told {
  sent: number;
  answers: { status: number; ms: number }[];
}

const { url, secret, emails, connections, perSecond } = (await once(process, 'message'))[0] as TellerOptions;
const webhooks = await openConnections(url, connections);

const order = (i: number) => {
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

async function tell(seconds: number): Promise<Told> {
  const answers: Told['answers'] = [];
  const sent = await openLoop(webhooks, {
    perSecond,
    seconds,
    ask: order,
    each: ({ status, ms }) => answers.push({ status, ms }),
  });
  return { sent, answers };
}

process.on('message', (seconds: number) => {
  void tell(seconds).then((told) => process.send?.(told));
});
// It ends with the bench, however that ends.
process.once('disconnect', () => process.exit());
process.send?.('ready');
