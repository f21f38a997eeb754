import type { WebshopPart } from '../../stand-ins/world.js';
import { parseGid } from './gid.js';
import type { Resolver } from './schema.js';
import type { Shop } from './shop.js';
import { unknownId } from './vendor-errors.js';

type EmailConsent = WebshopPart['emailConsent'];

interface EmailConsentInput {
  customerId: string;
  emailMarketingConsent: {
    marketingState: EmailConsent['state'] | 'REDACTED' | 'INVALID';
    marketingOptInLevel?: EmailConsent['optInLevel'];
    consentUpdatedAt?: string | null;
  };
}

/** The only mutations are those that the vendor's pages send when a customer unsubscribes. */
export function createMutations(shop: Shop, now: () => number): Record<string, Resolver> {
  return {
    customerEmailMarketingConsentUpdate: (_parent: unknown, { input }: { input: EmailConsentInput }) => {
      const { type, id = '' } = parseGid(input.customerId) ?? {};
      const customer = type === 'Customer' ? shop.customers.byId(id) : undefined;
      if (customer === undefined) throw unknownId(input.customerId);
      const { marketingState: state, marketingOptInLevel, consentUpdatedAt } = input.emailMarketingConsent;
      if (state === 'REDACTED' || state === 'INVALID')
        return { customer: null, userErrors: [{ field: ['input'], message: `${state} cannot be set` }] };
      customer.webshop.emailConsent = {
        state,
        optInLevel: marketingOptInLevel ?? customer.webshop.emailConsent.optInLevel,
        updatedAt: consentUpdatedAt ?? new Date(now()).toISOString(),
      };
      return { customer: shop.customers.record(customer), userErrors: [] };
    },
  };
}
