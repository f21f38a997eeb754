import { inject } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { startWebshop } from '../../sources/webshop/stand-in/index.js';
import type { Gateway } from '../../src/gateway.js';

/**
 * Sends a gateway the webhook of a paid order, and resolves to the status of its response. The webhook has the data and
 * the secret of the webshop that all tests share.
 */
export async function payInWebshop(gateway: Pick<Gateway, 'fetch'>, email: string): Promise<number> {
  const webshop = await startWebshop(createWorld({ customers: inject('customers') }));
  try {
    const message = await webshop.emitter?.['order.paid']?.(email);
    if (message === undefined || message === 'reported') throw new Error('The webshop sent no message.');
    const { headers, body } = message;
    const url = 'http://localhost/webhooks/webshop';
    const { status } = await gateway.fetch(url, { method: 'POST', headers: headers(url, Date.now()), body });
    return status;
  } finally {
    await webshop.close();
  }
}
