import { z } from 'zod';
import type { WireError } from '../../src/index.js';

/** What Shopify's Admin API sends to the loaders of this source. The mapping reads the answers for stitched fields. */

export const shopifyCustomer = z.object({
  id: z.string(),
  firstName: z.string().nullish(),
  lastName: z.string().nullish(),
  email: z.string().nullish(),
  phone: z.string().nullish(),
  locale: z.string().nullish(),
  updatedAt: z.iso.datetime({ offset: true }).nullish(),
  defaultAddress: z
    .object({
      address1: z.string().nullish(),
      zip: z.string().nullish(),
      city: z.string().nullish(),
      countryCodeV2: z.string().nullish(),
    })
    .nullish(),
});
export type ShopifyCustomer = z.infer<typeof shopifyCustomer>;

/** A customer's consent to marketing. It is null for a channel for which the webshop has no address. */
const marketingConsent = z
  .object({
    marketingState: z.enum([
      'SUBSCRIBED',
      'UNSUBSCRIBED',
      'PENDING',
      'NOT_SUBSCRIBED',
      'INVALID',
      'REDACTED',
    ]),
    marketingOptInLevel: z.enum(['SINGLE_OPT_IN', 'CONFIRMED_OPT_IN', 'UNKNOWN']).nullish(),
    consentUpdatedAt: z.iso.datetime({ offset: true }).nullish(),
  })
  .nullable();

export const consentingCustomer = z.object({
  id: z.string(),
  emailMarketingConsent: marketingConsent,
  smsMarketingConsent: marketingConsent,
});
export type ConsentingCustomer = z.infer<typeof consentingCustomer>;

const costExtension = z.object({
  cost: z.object({
    requestedQueryCost: z.number(),
    throttleStatus: z.object({ currentlyAvailable: z.number(), restoreRate: z.number().positive() }),
  }),
});

/** Seconds until the bucket has enough points for another query of this cost; undefined if it has enough now. */
export function exhaustedFor(extensions: unknown): number | undefined {
  const cost = costExtension.safeParse(extensions).data?.cost;
  if (cost === undefined) return undefined;
  const { currentlyAvailable, restoreRate } = cost.throttleStatus;
  const missing = cost.requestedQueryCost - currentlyAvailable;
  return missing > 0 ? missing / restoreRate : undefined;
}

/**
 * Seconds until the bucket has enough points for the refused query: https://shopify.dev/docs/api/usage/rate-limits. Shopify
 * reports points, not `Retry-After`.
 */
export function throttledFor({
  errors,
  extensions,
}: {
  errors: readonly WireError[];
  extensions: unknown;
}): number | undefined {
  if (!errors.some((error) => error.extensions?.code === 'THROTTLED')) return undefined;
  const cost = costExtension.safeParse(extensions).data?.cost;
  if (cost === undefined) return 1;
  const { currentlyAvailable, restoreRate } = cost.throttleStatus;
  return Math.max(1, Math.ceil((cost.requestedQueryCost - currentlyAvailable) / restoreRate));
}
