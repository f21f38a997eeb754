import type { RightSystem } from '../right-answers.js';
import { matomo, segment } from './behaviour.js';
import { chinook, northwindOdata, northwindSql } from './databases.js';
import { stripe, xero } from './finance.js';
import { magento, shopify, woocommerce } from './shops.js';

/** The nine systems. Northwind is in the list twice: over OData, and as a database. */
export const SYSTEMS: readonly RightSystem[] = [
  ...[magento, woocommerce, shopify, xero, stripe, matomo, segment],
  ...[northwindOdata, northwindSql, chinook],
];
