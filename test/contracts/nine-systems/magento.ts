import { sendJson, startServer, type SmallServer } from '../../../src/testing/small-server.js';
import * as made from '../../connect/suggest/made-up.js';
import { magento } from '../../connect/suggest/systems/shops.js';
import { contractFile } from '../openapi.js';
import type { NineSystem } from './nine-system.js';
import { emailOf, readsOf, recordsOf, type Json } from './rows.js';

/** The REST API of Magento for customers and orders, with search criteria. */

const BASE = '/rest/default';
const TOKEN = 'integration-token-0f1e2d3c';
/** More values in a condition are refused. */
const MAX_VALUES = 100;
const MAX_PAGE = 300;

const customers = recordsOf(magento, 'MagentoCustomer', 120, (i) => ({
  ...{ id: 25 + i * 7, email: emailOf(i) },
  ...(i < made.RECORDS ? {} : { taxvat: null }),
}));
/** The first customer has more orders than a page. */
const orders = recordsOf(magento, 'MagentoOrder', 150, (i) => ({
  ...{ entity_id: 90_131 + i * 13, increment_id: String(100_000_231 + i).padStart(9, '0') },
  customer_id: i < 120 ? 25 : 25 + (i % 5) * 7,
}));

const SETS: Readonly<Record<string, readonly Json[]>> = {
  '/V1/customers/search': customers,
  '/V1/orders': orders,
};

function startMagento(): Promise<SmallServer> {
  return startServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://shop');
    const path = pathname.slice(BASE.length);
    const [, id] = /^\/V1\/customers\/(\d+)$/.exec(path) ?? [];
    const set = SETS[path];
    const refuse = (status: number, message: string) => {
      sendJson(response, { message }, { status });
    };
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      refuse(401, "The consumer isn't authorized to access %resources.");
    else if (id !== undefined) {
      const found = customers.find((customer) => customer['id'] === Number(id));
      if (found === undefined) refuse(404, 'No such entity with %fieldName = %fieldValue');
      else sendJson(response, found);
    } else if (set === undefined) refuse(404, 'Request does not match any route.');
    else {
      const criterion = (name: string) => searchParams.get(`searchCriteria[${name}]`);
      const filter = (name: string) => criterion(`filterGroups][0][filters][0][${name}`);
      const size = Number(criterion('pageSize') ?? MAX_PAGE);
      const [field, value = ''] = [filter('field'), filter('value') ?? undefined];
      const values = filter('conditionType') === 'in' ? value.split(',') : [value];
      if (size > MAX_PAGE) refuse(400, 'Maximum SearchCriteria pageSize is exceeded.');
      else if (values.length > MAX_VALUES) refuse(400, 'The condition has too many values.');
      else {
        const wanted = new Set(values.map((text) => text.toLowerCase()));
        const found = set.filter((row) => field === null || wanted.has(String(row[field]).toLowerCase()));
        // A page after the last one is the last one again.
        const page = Math.min(Number(criterion('currentPage') ?? 1), Math.ceil(found.length / size) || 1);
        sendJson(response, {
          items: found.slice((page - 1) * size, page * size),
          search_criteria: { filter_groups: [], page_size: size, current_page: page },
          total_count: found.length,
        });
      }
    }
  });
}

/** A customer is found by e-mail, in batches, and by id. The list of orders takes one customer. */
export const magentoSystem: NineSystem = {
  right: magento,
  identity: [
    'found by email (usual)',
    'found by own (enforced)',
    'yields email at email (one)',
    'yields vatNumber at taxvat (one)',
  ],
  calls: {
    byEmail: { page: { number: 'searchCriteria[currentPage]' }, maxBatch: MAX_VALUES },
    byId: {},
    orders: { page: { number: 'searchCriteria[currentPage]' } },
  },
  query: {
    text: `{ customer(by: { email: "${emailOf(1)}" }) { magento { firstname lastname addresses { city } orders { incrementId } } } }`,
    data: {
      customer: {
        magento: {
          ...{ firstname: 'Jeroen', lastname: 'de Vries', addresses: [{ city: 'Zwolle' }] },
          orders: [121, 126, 131, 136, 141, 146].map((i) => ({ incrementId: String(100_000_231 + i) })),
        },
      },
    },
  },
  start: async () => {
    const server = await startMagento();
    const settings = { MAGENTO_URL: `${server.url}${BASE}`, MAGENTO_TOKEN: TOKEN };
    return {
      what: contractFile('magento', 'admin-rest-2.4.8.openapi.yaml'),
      ...{ environment: settings, settings },
      counts: () => readsOf(server),
      close: () => server.close(),
    };
  },
};
