import { databaseUrl, defineSource, idNamespace, sql } from '../../src/index.js';
import { consents } from './consents.js';
import {
  customersByEmail,
  customersByKvkNumber,
  customersByNumber,
  customersByPhone,
  customersByVatNumber,
  customersByVisitorId,
  linesOfOrders,
  orderPages,
  orderTotals,
  paymentsOfOrders,
} from './loaders.js';
import { isSameCustomer } from './mapping.js';
import { outbox } from './outbox.js';
import { resolvers } from './resolvers.js';
import { ordersForTimeline, timeline } from './timeline.js';

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
      { perCustomer: 'one' },
    ),
  ],
  identity: {
    recordKey: 'customerNumber',
    askedBy: {
      customerNumber: { uniqueness: 'enforced', loader: customersByNumber },
      // The database keeps none of these unique.
      email: { uniqueness: 'usual', loader: customersByEmail },
      // Households share a phone. The shop notes who has answered a message on it, but to follow that would cost a round
      // of asking for each customer whose phone another system knows.
      phone: { uniqueness: 'none', loader: customersByPhone },
      // Who logged in on a device is not all who use it.
      visitorId: { uniqueness: 'none', loader: customersByVisitorId },
      kvkNumber: { uniqueness: 'usual', loader: customersByKvkNumber },
      vatNumber: { uniqueness: 'usual', loader: customersByVatNumber },
    },
    yields: { email: 'one', phone: 'one', visitorId: 'shown', kvkNumber: 'one', vatNumber: 'one' },
    sameCustomer: isSameCustomer,
  },
  timeline,
  consents,
  outbox,
  loaders: [orderPages, orderTotals, ordersForTimeline, linesOfOrders, paymentsOfOrders],
  resolvers,
});
