import { sendJson, startServer, type SmallServer } from '../../../src/testing/small-server.js';
import { woocommerce } from '../../connect/suggest/systems/shops.js';
import type { NineSystem } from './nine-system.js';
import { readsOf, recordsOf, type Json } from './rows.js';

/** The REST API of WooCommerce: `customers`, in pages with links in the headers. */

const PATH = '/wp-json/wc/v3/customers';
const USER = 'ck_0aa11bb22cc33:cs_44dd55ee66ff7';

const customers = recordsOf(woocommerce, 'WoocommerceCustomer', 12).map((customer): Json => ({
  ...customer,
  meta_data: [],
  _links: { collection: [{ href: 'https://shop.example/wp-json/wc/v3/customers' }] },
}));

function startWoocommerce(): Promise<SmallServer> {
  return startServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://shop');
    const refuse = (status: number, code: string) => {
      sendJson(response, { code, message: code, data: { status } }, { status });
    };
    if (request.headers.authorization !== `Basic ${btoa(USER)}`) refuse(401, 'woocommerce_rest_cannot_view');
    else if (request.method !== 'GET') refuse(404, 'rest_no_route');
    else if (pathname === PATH) {
      const email = searchParams.get('email')?.toLowerCase();
      const include = searchParams.get('include')?.split(',');
      const found = customers.filter(
        (customer) =>
          (email === undefined || customer['email'] === email) &&
          (include === undefined || include.includes(String(customer['id']))),
      );
      const size = Number(searchParams.get('per_page') ?? 10);
      const page = Number(searchParams.get('page') ?? 1);
      if (!(size >= 1 && size <= 100)) {
        refuse(400, 'rest_invalid_param');
        return;
      }
      const pages = Math.ceil(found.length / size);
      const next = new URL(request.url, `http://${request.headers.host ?? ''}`);
      next.searchParams.set('page', String(page + 1));
      sendJson(response, found.slice((page - 1) * size, page * size), {
        headers: {
          'x-wp-total': String(found.length),
          'x-wp-totalpages': String(pages),
          ...(page < pages ? { link: `<${next.href}>; rel="next"` } : {}),
        },
      });
    } else {
      const id = pathname.slice(PATH.length + 1);
      const customer = customers.find((other) => String(other['id']) === id);
      if (customer === undefined) refuse(404, 'woocommerce_rest_invalid_id');
      else sendJson(response, customer);
    }
  });
}

/**
 * The contract has no description of its calls, so a curl command shows one. It searches by e-mail, because other systems know
 * the e-mail address of a customer and not the id of WooCommerce. The search takes one address.
 */
export const woocommerceSystem: NineSystem = {
  right: woocommerce,
  identity: ['found by email (usual)', 'yields phone at billing.phone (shown)'],
  calls: { byEmail: { page: { link: 'header' } } },
  query: {
    text: '{ customer(by: { email: "sanne.11@voorbeeldpost.nl" }) { woocommerce { firstName lastName billing { city } } } }',
    data: {
      customer: { woocommerce: { firstName: 'Sanne', lastName: 'Jansen', billing: { city: 'Utrecht' } } },
    },
  },
  start: async () => {
    const server = await startWoocommerce();
    const [user = '', password = ''] = USER.split(':');
    return {
      what: '-',
      standardInput: `curl -s '${server.url}${PATH}?email=sanne.11@voorbeeldpost.nl&per_page=100' -u ${USER}`,
      settings: { WOOCOMMERCE_URL: server.url, WOOCOMMERCE_USER: user, WOOCOMMERCE_PASSWORD: password },
      counts: () => readsOf(server),
      close: () => server.close(),
    };
  },
};
