import { databaseUrl, defineSource, idNamespace, sql } from '../../src/index.js';
import {
  customersByEmail,
  customersByNumber,
  customersByPhone,
  linesOfOrders,
  orderPages,
  paymentsOfOrders,
} from './loaders.js';
import { resolvers } from './resolvers.js';

export const orderSystem = defineSource({
  name: 'order-system',
  connector: sql(databaseUrl('ORDER_SYSTEM_URL')),
  // As many as there are connections: more would wait for one without regard to who is more urgent.
  limits: { timeout: '1 s', concurrency: 10 },
  namespaces: [
    idNamespace(
      'customerNumber',
      'The number that the order system knows the customer by, such as K000123.',
      /^[A-Za-z0-9-]{1,40}$/,
    ),
  ],
  identity: {
    recordKey: 'customerNumber',
    askedBy: {
      customerNumber: { unique: true, loader: customersByNumber },
      // Households share an address and a phone, and the database lets them.
      email: { unique: false, loader: customersByEmail },
      phone: { unique: false, loader: customersByPhone },
    },
  },
  loaders: [orderPages, linesOfOrders, paymentsOfOrders],
  resolvers,
});
