import { northwindOdata } from '../../connect/suggest/systems/databases.js';
import type { NineSystem } from './nine-system.js';
import { startNorthwindOdata } from './northwind-odata.js';
import { readsOf } from './rows.js';

/** The service knows no e-mail address, so a customer is found by its id alone. It refuses more than 50 comparisons. */
export const northwindSystem: NineSystem = {
  right: northwindOdata,
  identity: ['found by own (enforced)', 'yields phone at Phone (shown)'],
  calls: {
    byCustomerId: { maxBatch: 50 },
    orders: { page: {}, maxBatch: 11 },
    details: { page: {}, maxBatch: 50 },
    shipVia: { maxBatch: 50 },
    product: { maxBatch: 50 },
  },
  query: {
    text: '{ customer(by: { northwindCustomerId: "ALFKI" }) { northwind { companyName city orders(first: 1) { nodes { orderId } } } } }',
    data: {
      customer: {
        northwind: {
          ...{ companyName: 'Alfreds Futterkiste', city: 'Berlin' },
          orders: { nodes: [{ orderId: '11011' }] },
        },
      },
    },
  },
  start: async () => {
    const server = await startNorthwindOdata();
    const url = `${server.url}/service/`;
    return {
      what: url,
      settings: { NORTHWIND_URL: url },
      counts: () => readsOf(server),
      close: () => server.close(),
    };
  },
};
