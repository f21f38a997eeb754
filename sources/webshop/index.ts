import { z } from 'zod';
import {
  apiKey,
  defineSource,
  graphql,
  idNamespace,
  secretSetting,
  setting,
  urlSetting,
} from '../../src/index.js';
import { conditions, spendingOfCustomers } from './conditions.js';
import { consents } from './consents.js';
import { customersByEmail, customersById, customersByPhone } from './loaders.js';
import { mapping } from './mapping.js';
import { webhook } from './webhook.js';
import { exhaustedFor, throttledFor } from './wire.js';

const customerId = idNamespace(
  'shopifyCustomerId',
  'The id of the customer in the webshop (Shopify): the number at the end of its global id, or the whole of it.',
  /^[1-9]\d{0,19}$/,
);

export const webshop = defineSource({
  name: 'webshop',
  connector: graphql({
    url: urlSetting('WEBSHOP_URL', 'https://example.myshopify.com/admin/api/2025-01/graphql.json'),
    auth: apiKey('x-shopify-access-token', secretSetting('WEBSHOP_ACCESS_TOKEN')),
    settings: {
      country: setting(
        'WEBSHOP_COUNTRY',
        z
          .string()
          .regex(/^[A-Z]{2}$/)
          .default('NL'),
        'a country code of two capitals that Shopify knows (default NL)',
      ),
    },
    throttledFor,
    exhaustedFor,
  }),
  limits: { timeout: '1 s' },
  namespaces: [
    {
      ...customerId,
      normalise: (value) => customerId.normalise(value.replace(/^gid:\/\/shopify\/Customer\//, '')),
    },
  ],
  identity: {
    recordKey: 'shopifyCustomerId',
    foundBy: {
      shopifyCustomerId: { uniqueness: 'enforced', loader: customersById },
      email: { uniqueness: 'enforced', loader: customersByEmail },
      phone: { uniqueness: 'enforced', loader: customersByPhone },
    },
    yields: { email: 'one', phone: 'one' },
  },
  conditions,
  consents,
  webhook,
  loaders: [spendingOfCustomers],
  stitched: {
    mapping,
    entities: {
      Customer: { entry: '_webshopCustomers' },
      Product: { entry: '_webshopProducts' },
      Order: { entry: '_webshopOrders' },
    },
  },
});
