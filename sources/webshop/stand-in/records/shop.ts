import { gid } from '../gid.js';

/** A time before the first order of the shop. */
export const shopCreatedAt = '2018-09-01T08:00:00Z';
export const shopName = 'Webwinkel De Stekker';
export const shopUrl = 'https://webshop.example.nl';

export const shopRecord = {
  __typename: 'Shop',
  id: gid('Shop', '9007199254740993'),
  name: shopName,
  email: 'klantenservice@webshop.example.nl',
  currencyCode: 'EUR',
  myshopifyDomain: 'webshop-example.myshopify.com',
  primaryDomain: {
    __typename: 'Domain',
    id: gid('Domain', '9007199254740995'),
    host: new URL(shopUrl).host,
    url: shopUrl,
    sslEnabled: true,
  },
  url: shopUrl,
  ianaTimezone: 'Europe/Amsterdam',
  plan: { displayName: 'Shopify Plus', partnerDevelopment: false, shopifyPlus: true },
  createdAt: shopCreatedAt,
};
