import { inject } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { startWebshop } from '../../sources/webshop/stand-in/index.js';
import type { Gateway } from '../../src/gateway.js';

/**
 * Tells a gateway that somebody paid in the webshop, and gives the status of its answer. It is told by a webshop of the same
 * world as the one that all tests share, and with the same secret.
 */
export async function payInWebshop(gateway: Pick<Gateway, 'fetch'>, email: string): Promise<number> {
  const webshop = await startWebshop(createWorld({ customers: inject('customers') }));
  try {
    const message = await webshop.emitter?.['order.paid']?.(email);
    if (message === undefined || message === 'told') throw new Error('The webshop has nothing to send.');
    const { headers, body } = message;
    const url = 'http://localhost/webhooks/webshop';
    const { status } = await gateway.fetch(url, { method: 'POST', headers: headers(url, Date.now()), body });
    return status;
  } finally {
    await webshop.close();
  }
}
