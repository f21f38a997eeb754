import { databaseUrl, defineSource, idNamespace, sql } from '../../src/index.js';
import { conditions } from './conditions.js';
import { consents } from './consents.js';
import { identity } from './identity.js';
import { linesOfOrders, orderPages, orderTotals, paymentsOfOrders } from './loaders.js';
import { outbox } from './outbox.js';
import { resolvers } from './resolvers.js';
import { ordersForTimeline, timeline } from './timeline.js';

export const orderSystem = defineSource({
  name: 'order-system',
  connector: sql(databaseUrl('ORDER_SYSTEM_URL')),
  // The number of database connections. Further queries would wait for a connection regardless of their priority.
  limits: { timeout: '1 s', concurrency: 10 },
  namespaces: [
    idNamespace(
      'customerNumber',
      'The number that the order system knows the customer by, such as K000123.',
      /^[A-Za-z0-9-]{1,40}$/,
      { perCustomer: 'one' },
    ),
  ],
  identity,
  timeline,
  conditions,
  consents,
  outbox,
  loaders: [orderPages, orderTotals, ordersForTimeline, linesOfOrders, paymentsOfOrders],
  resolvers,
});
