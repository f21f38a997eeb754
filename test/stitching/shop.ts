import { inject } from 'vitest';
import { sources } from '../../sources/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import { startWebshop } from '../../sources/webshop/stand-in/index.js';
import type { GatewayOptions } from '../../src/gateway.js';
import { createTestGateway } from '../support/gateway.js';
import { faultControl } from '../support/stand-ins.js';

export const world = createWorld({ customers: inject('customers') });

/** The people with a cart in the webshop, and the newest of their open carts. */
export const shoppers = world.people.flatMap(({ email, webshop }) => {
  const [cart] = (webshop?.draftOrders ?? [])
    .filter(({ status }) => status === 'OPEN')
    .sort((a, b) => b.updatedAt.localeCompare(a.updatedAt));
  // Other special people are excluded, because one has two carts, and some cannot be found by address.
  const isPlain = /^(everywhere|shop-only|many-orders|customer-\d+)@/.test(email);
  return webshop === undefined || cart === undefined || !isPlain
    ? []
    : [{ email, customerId: webshop.customerId, cart }];
});

export function shopper(index: number): (typeof shoppers)[number] {
  const found = shoppers[index];
  if (found === undefined) throw new Error('The seed data has too few people with a cart.');
  return found;
}

export function titleOf(sku: string): string | undefined {
  return world.products.find((product) => product.sku === sku)?.title;
}

/** Opens a gateway with long timeouts for all systems, and a separate webshop that records its requests. */
export async function openShop(options: Partial<GatewayOptions> = {}) {
  const webshop = await startWebshop(world);
  const control = await faultControl([webshop]);
  const patient = (options.sources ?? sources).map((source) => ({
    ...source,
    limits: { ...source.limits, timeout: '60 s' as const },
  }));
  const gateway = createTestGateway(
    { ...control.settings, DEADLINE_MS: '60000', IDENTITY_PATIENCE_MS: '20000', ...options.environment },
    { ...options, sources: patient },
  );
  return {
    webshop,
    control,
    gateway,
    /** Returns and clears the webshop's requests, without those that identify customers. */
    takeRequests: () => {
      const requests = webshop.requests().filter(({ query }) => !query.includes('customerByIdentifier'));
      webshop.forgetRequests();
      return requests;
    },
    close: async () => {
      await gateway.close();
      await control.close();
      await webshop.close();
    },
  };
}
