import { z } from 'zod';
import { pointLimits } from '../../src/index.js';

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

/** What a customer has bought. Shopify's numbers of 64 bits are text. */
export const spendingCustomer = z.object({
  numberOfOrders: z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
  amountSpent: z
    .object({ amount: z.string().regex(/^-?\d{1,15}(\.\d{1,6})?$/), currencyCode: z.string() })
    .transform(({ amount, currencyCode }) => [{ amount, currency: currencyCode }]),
});
export type SpendingCustomer = z.infer<typeof spendingCustomer>;

const costExtension = z.object({
  cost: z.object({
    requestedQueryCost: z.number(),
    throttleStatus: z.object({ currentlyAvailable: z.number(), restoreRate: z.number().positive() }),
  }),
});

/**
 * Shopify reports points, not `Retry-After`: https://shopify.dev/docs/api/usage/rate-limits. A call waits until its bucket has
 * enough points.
 */
export const { throttledFor, exhaustedFor } = pointLimits(new Set(['THROTTLED']), (extensions) => {
  const cost = costExtension.safeParse(extensions).data?.cost;
  if (cost === undefined) return undefined;
  const { currentlyAvailable: available, restoreRate: perSecond } = cost.throttleStatus;
  return { cost: cost.requestedQueryCost, available, perSecond };
});
