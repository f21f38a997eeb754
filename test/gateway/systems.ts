import pg from 'pg';
import { directSettings } from '../support/stand-ins.js';
import { at, listAt, textAt } from '../support/read.js';

/**
 * Reads the source systems directly by their protocols, without the code of the gateway. Tests compare these values with
 * the answers of the gateway.
 */

const settings = directSettings();

function settingOf(name: string): string {
  const value = settings[name];
  if (value === undefined) throw new Error(`No stand-in has the setting ${name}`);
  return value;
}

/** Reads the order system's customers with an e-mail address, and their newest orders. */
export async function readOrderSystem(email: string, orders: number) {
  const database = new pg.Client({ connectionString: settingOf('ORDER_SYSTEM_URL') });
  await database.connect();
  try {
    const rows = async (text: string, parameters: unknown[]): Promise<Record<string, unknown>[]> =>
      (await database.query<Record<string, unknown>>(text, parameters)).rows;
    const customers = await rows(
      `SELECT cust_no, email, phone, concat_ws(' ', first_name, last_name) AS name
       FROM customers WHERE lower(email) = lower($1)`,
      [email],
    );
    const found = await rows(
      `SELECT order_no AS number,
         to_char(placed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "placedAt", currency,
         (SELECT sum(quantity * unit_price)::text FROM order_lines WHERE order_lines.order_no = orders.order_no) AS amount
       FROM orders WHERE cust_no = $1 ORDER BY placed_at DESC, order_no DESC LIMIT $2`,
      [customers[0]?.cust_no, orders],
    );
    const lines = await rows(
      'SELECT order_no, sku, quantity FROM order_lines WHERE order_no = ANY($1) ORDER BY order_no, line_no',
      [found.map(({ number }) => number)],
    );
    return {
      customers,
      orders: found.map((order) => ({
        ...order,
        lines: lines.filter(({ order_no }) => order_no === order.number),
      })),
    };
  } finally {
    await database.end();
  }
}

/** Reads the contact centre's user with an e-mail address, and the newest tickets. */
export async function readContactCentre(email: string, tickets: number) {
  const found = await getZendesk(`/api/v2/users/search?query=${encodeURIComponent(`email:"${email}"`)}`);
  const user = listAt(found, 'users').find((user) => textAt(user, 'email').toLowerCase() === email);
  if (user === undefined) return undefined;
  const all = await getZendesk(`/api/v2/users/${Number(at(user, 'id'))}/tickets/requested`);
  const newest = listAt(all, 'tickets').sort((a, b) =>
    textAt(b, 'created_at').localeCompare(textAt(a, 'created_at')),
  );
  return {
    id: String(at(user, 'id')),
    email: textAt(user, 'email'),
    tickets: newest.slice(0, tickets).map((ticket) => ({
      subject: textAt(ticket, 'subject'),
      status: textAt(ticket, 'status').toUpperCase(),
    })),
  };
}

async function getZendesk(path: string): Promise<unknown> {
  const user = `${settingOf('CONTACT_CENTRE_EMAIL')}/token:${settingOf('CONTACT_CENTRE_API_TOKEN')}`;
  const response = await fetch(`${settingOf('CONTACT_CENTRE_URL')}${path}`, {
    headers: {
      accept: 'application/json',
      authorization: `Basic ${Buffer.from(user).toString('base64')}`,
    },
  });
  return response.json();
}

/** Reads the CRM's contact with an e-mail address, and its first company. */
export async function readCrm(email: string) {
  const contact = await queryHubspot(
    `/crm/v3/objects/contacts/${encodeURIComponent(email)}?idProperty=email&properties=email`,
  );
  if (at(contact, 'id') === undefined) return undefined;
  const id = textAt(contact, 'id');
  const associated = await queryHubspot('/crm/v4/associations/contacts/companies/batch/read', {
    inputs: [{ id }],
  });
  const companyId = at(associated, 'results', 0, 'to', 0, 'toObjectId');
  const company = await queryHubspot(`/crm/v3/objects/companies/${String(companyId)}?properties=name`);
  return { id, email: textAt(contact, 'properties', 'email'), company: at(company, 'properties', 'name') };
}

async function queryHubspot(path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${settingOf('CRM_HUBSPOT_URL')}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${settingOf('CRM_HUBSPOT_TOKEN')}`,
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return response.json();
}

/** Reads the webshop's customer with an e-mail address, and the newest open cart. */
export async function readWebshop(email: string) {
  const found = await queryShopify(
    `query($email: String!) { customerByIdentifier(identifier: {emailAddress: $email}) {
      id email phone amountSpent { amount currencyCode } numberOfOrders
    } }`,
    { email },
  );
  const customer = at(found, 'customerByIdentifier');
  if (customer == null) return undefined;
  const gid = textAt(customer, 'id');
  const id = gid.slice(gid.lastIndexOf('/') + 1);
  const carts = await queryShopify(
    `query($query: String!) { draftOrders(first: 10, sortKey: UPDATED_AT, reverse: true, query: $query) {
      nodes { name totalPriceSet { shopMoney { amount currencyCode } } }
    } }`,
    { query: `customer_id:${id} AND status:open` },
  );
  const cart = at(carts, 'draftOrders', 'nodes', 0);
  return {
    id,
    gid,
    email: textAt(customer, 'email'),
    amountSpent: moneyAt(customer, 'amountSpent'),
    numberOfOrders: textAt(customer, 'numberOfOrders'),
    cart: cart === undefined ? null : { total: moneyAt(cart, 'totalPriceSet', 'shopMoney') },
  };
}

/** Reads the titles of the webshop's products by SKU. */
export async function readTitles(skus: readonly string[]): Promise<Map<string, string>> {
  const found = await queryShopify(
    'query($query: String!) { productVariants(first: 100, query: $query) { nodes { sku product { title } } } }',
    { query: skus.map((sku) => `sku:"${sku}"`).join(' OR ') },
  );
  return new Map(
    listAt(found, 'productVariants', 'nodes').map((variant) => [
      textAt(variant, 'sku'),
      textAt(variant, 'product', 'title'),
    ]),
  );
}

async function queryShopify(query: string, variables: object): Promise<unknown> {
  const response = await fetch(settingOf('WEBSHOP_URL'), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-shopify-access-token': settingOf('WEBSHOP_ACCESS_TOKEN'),
    },
    body: JSON.stringify({ query, variables }),
  });
  return at(await response.json(), 'data');
}

function moneyAt(value: unknown, ...path: string[]): { amount: string; currency: string } {
  const money = at(value, ...path);
  return { amount: textAt(money, 'amount'), currency: textAt(money, 'currencyCode') };
}
