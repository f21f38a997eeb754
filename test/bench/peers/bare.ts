import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { z } from 'zod';
import type { Started } from '../bench-process.js';
import type { Contact, InvoiceRecord, OrderRecord, ProductRecord, TicketRecord } from './records.js';
import { MAX_KEYS, URL_SETTINGS, type PeerSystem } from './systems.js';

/** Page size of the queries. */
const FIRST = 3;

const key = z.object({ email: z.string() });
type Key = z.infer<typeof key>;
const requestBody = z.object({ variables: z.object({ by: z.union([key, z.array(key)]) }) });

/**
 * No gateway: the minimum work of Node for the same answers. A handler of node:http makes the same calls with undici,
 * in the same rounds, and combines the answers to the two queries by hand. It has no checks, no timeouts and no
 * GraphQL.
 */
export async function startBare(): Promise<Started> {
  const open = (system: PeerSystem) => new Pool(process.env[URL_SETTINGS[system]] ?? '');
  const pools: Record<PeerSystem, Pool> = {
    'crm-hubspot': open('crm-hubspot'),
    'order-system': open('order-system'),
    webshop: open('webshop'),
    'contact-centre': open('contact-centre'),
    invoices: open('invoices'),
  };
  const get: Get = async <T>(system: PeerSystem, path: string, keys: readonly string[]): Promise<T[]> => {
    const calls: Promise<T[]>[] = [];
    for (let at = 0; at < keys.length; at += MAX_KEYS)
      calls.push(
        fetchJson(pools[system], `${path}${encodeURIComponent(keys.slice(at, at + MAX_KEYS).join(','))}`),
      );
    const [only = Promise.resolve([])] = calls;
    return calls.length === 1 ? only : (await Promise.all(calls)).flat();
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      answer(get, request.method === 'GET' ? '' : Buffer.concat(chunks).toString('utf8')).then(
        (body) => {
          response.writeHead(200, {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
          });
          response.end(body);
        },
        () => {
          response.writeHead(500).end();
        },
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    ready: { url: `http://127.0.0.1:${port}/graphql` },
    close: async () => {
      server.close();
      await Promise.all(Object.values(pools).map((pool) => pool.destroy()));
    },
  };
}

type Get = <T>(system: PeerSystem, path: string, keys: readonly string[]) => Promise<T[]>;

async function answer(get: Get, body: string): Promise<string> {
  // A GET only checks that the server is available.
  if (body === '') return '{}';
  const { by } = requestBody.parse(JSON.parse(body)).variables;
  const data = Array.isArray(by)
    ? { customers: await many(get, by) }
    : { customer: await loadCustomer(get, by) };
  return JSON.stringify({ data });
}

/** Scenario A. */
async function loadCustomer(get: Get, { email }: Key): Promise<object | null> {
  const [contact] = await get<Contact>('crm-hubspot', '/contacts?email=', [email]);
  if (contact === undefined) return null;
  const { name, language, bornOn, phone, address, customerNumber } = contact;
  const of = `?first=${FIRST}&customerNumber=`;
  const [orders, tickets, invoices] = await Promise.all([
    ordersOf(get, [customerNumber]),
    get<TicketRecord>('contact-centre', `/tickets${of}`, [customerNumber]),
    get<InvoiceRecord>('invoices', `/invoices${of}`, [customerNumber]),
  ]);
  return {
    name,
    language,
    bornOn,
    primaryEmail: contact.email,
    primaryPhone: phone,
    address,
    orders: { nodes: orders.map(({ node }) => node) },
    supportTickets: tickets.map(({ id, subject, status, priority, channel, createdAt }) => ({
      id,
      subject,
      status,
      priority,
      channel,
      createdAt,
    })),
    invoices: invoices.map(({ number, status, dueDate }) => ({ number, status, dueDate })),
  };
}

/** Scenario B. */
async function many(get: Get, by: readonly Key[]): Promise<(object | null)[]> {
  const emails = by.map(({ email }) => email);
  const contacts = await get<Contact>('crm-hubspot', '/contacts?email=', emails);
  const customers = contacts.map(({ customerNumber }) => customerNumber);
  const orders = await ordersOf(get, customers);
  const nodes = new Map(customers.map((customer) => [customer, [] as object[]]));
  for (const { customerNumber, node } of orders) nodes.get(customerNumber)?.push(node);
  const byEmail = new Map(contacts.map((contact) => [contact.email, contact]));
  return emails.map((email) => {
    const contact = byEmail.get(email);
    if (contact === undefined) return null;
    const { name, customerNumber } = contact;
    return { name, primaryEmail: email, orders: { nodes: nodes.get(customerNumber) ?? [] } };
  });
}

async function ordersOf(get: Get, customers: readonly string[]) {
  const orders = await get<OrderRecord>('order-system', `/orders?first=${FIRST}&customerNumber=`, customers);
  const skus = new Set(orders.flatMap(({ lines }) => lines.map(({ sku }) => sku)));
  const products = await get<ProductRecord>('webshop', '/products?sku=', [...skus]);
  const bySku = new Map(products.map((product) => [product.sku, product]));
  return orders.map(({ customerNumber, number, status, placedAt, total, lines }) => ({
    customerNumber,
    node: {
      number,
      status,
      placedAt,
      total,
      lines: lines.map(({ sku, quantity }) => {
        const product = bySku.get(sku);
        return { quantity, product: { sku, title: product?.title ?? null, price: product?.price ?? null } };
      }),
    },
  }));
}

function fetchJson<T>(pool: Pool, path: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    pool.dispatch(
      { method: 'GET', path, headers: { accept: 'application/json' } },
      {
        // Without this method, undici treats the handler as one of its older interface.
        onRequestStart: () => undefined,
        onResponseData: (_, chunk) => {
          chunks.push(chunk);
        },
        onResponseEnd: () => {
          resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as T);
        },
        onResponseError: (_, error) => {
          reject(error);
        },
      },
    );
  });
}
