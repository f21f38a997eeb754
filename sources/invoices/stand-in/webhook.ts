import { personWith, type Emitter, type WebhookMessage } from '../../stand-ins/emit.js';
import type { World } from '../../stand-ins/world.js';

/** The value that the operator set in the subscription. */
export const webhookClientState = 'invoices-stand-in-client-state';

/** Change notifications of a subscription. They contain only the address of the record. */
export function createEmitter(world: World, company: string, now: () => number): Emitter {
  const message = (set: string, id: string): WebhookMessage => {
    const body = JSON.stringify({
      value: [
        {
          subscriptionId: `webhook-${set}`,
          clientState: webhookClientState,
          expirationDateTime: new Date(now() + 3 * 24 * 60 * 60_000).toISOString(),
          resource: `${company}/${set}(${id})`,
          changeType: 'updated',
          lastModifiedDateTime: new Date(now()).toISOString(),
        },
      ],
    });
    return { body, headers: () => ({ 'content-type': 'application/json' }) };
  };
  return {
    'contact.changed': (email) => {
      const customer = personWith(world, email, 'invoices')?.invoices;
      return customer && message('customers', customer.id);
    },
    'invoice.changed': (email) => {
      const invoice = personWith(world, email, 'invoices')?.invoices.invoices[0];
      return invoice && message('salesInvoices', invoice.id);
    },
  };
}
