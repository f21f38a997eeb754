import { z } from 'zod';
import {
  alignMany,
  alignOne,
  defineLoader,
  defineSource,
  idNamespace,
  noAuth,
  pageSize,
  rest,
  urlSetting,
  type Context,
  type Customer,
  type CustomerRecord,
  type RestClient,
  type SourceDefinition,
} from '../../../src/index.js';
import { MAX_KEYS, URL_SETTINGS, type PeerSystem } from './systems.js';

/**
 * The systems of the peers as sources of our gateway, by REST. Nothing is cached, as with the peers. Orders, tickets
 * and invoices know customers only by customer number, so they take no part in identity, and both sides make the same
 * calls.
 */

const SDL: Readonly<Record<PeerSystem, string>> = {
  'crm-hubspot': `type Customer @foundBy(identifier: "customerNumber")`,
  'order-system': `
    type Customer @foundBy(identifier: "customerNumber") {
      orders(first: Int! = 10): OrderConnection @personalData(category: TRANSACTION) @authenticated @listSize(slicingArguments: ["first"], sizedFields: ["nodes"])
    }
    type OrderConnection @personalData(category: TRANSACTION) { nodes: [Order!]! }
    type Order @personalData(category: TRANSACTION) {
      number: String!
      status: OrderStatus!
      placedAt: DateTime!
      total: Money!
      lines: [OrderLine!] @listSize(assumedSize: 5)
    }
    enum OrderStatus { NEW PAID SHIPPED DELIVERED CANCELLED }
    type OrderLine @personalData(category: TRANSACTION) {
      quantity: Int!
      unitPrice: Money!
      product: Product
    }
    type Product @foundBy(field: "sku") @personalData(category: NONE) { sku: ID! }
  `,
  webshop: `
    type Product @foundBy(field: "sku") @personalData(category: NONE) {
      sku: ID!
      title: String
      description: String
      price: Money
      stock: Int
    }
  `,
  'contact-centre': `
    type Customer @foundBy(identifier: "customerNumber") {
      supportTickets(first: Int! = 10): [SupportTicket!] @personalData(category: COMMUNICATION) @authenticated @listSize(slicingArguments: ["first"])
    }
    type SupportTicket @personalData(category: COMMUNICATION) {
      id: ID!
      subject: String @personalData(category: COMMUNICATION, mask: ALL)
      status: SupportTicketStatus!
      priority: SupportTicketPriority
      channel: String
      createdAt: DateTime!
      updatedAt: DateTime!
    }
    enum SupportTicketStatus { NEW OPEN PENDING HOLD SOLVED CLOSED }
    enum SupportTicketPriority { LOW NORMAL HIGH URGENT }
  `,
  invoices: `
    type Customer @foundBy(identifier: "customerNumber") {
      invoices(first: Int! = 10): [Invoice!] @personalData(category: FINANCIAL) @authenticated @listSize(slicingArguments: ["first"])
    }
    type Invoice @personalData(category: FINANCIAL) {
      number: String!
      status: InvoiceStatus!
      invoiceDate: Date
      dueDate: Date
      total: Money
    }
    enum InvoiceStatus { DRAFT IN_REVIEW OPEN PAID CANCELED CORRECTIVE }
  `,
};

const money = z.object({ amount: z.string(), currency: z.string() });
const moment = z.iso.datetime({ offset: true });
const contact = z.object({
  email: z.string(),
  customerNumber: z.string(),
  name: z.string(),
  language: z.string(),
  bornOn: z.iso.date(),
  phone: z.string(),
  address: z.object({
    street: z.string(),
    houseNumber: z.string(),
    postcode: z.string(),
    city: z.string(),
    country: z.string(),
  }),
  updatedAt: moment,
});
const order = z.object({
  customerNumber: z.string(),
  number: z.string(),
  status: z.enum(['NEW', 'PAID', 'SHIPPED', 'DELIVERED', 'CANCELLED']),
  placedAt: moment,
  total: money,
  lines: z.array(z.object({ sku: z.string(), quantity: z.int(), unitPrice: money })),
});
const product = z.object({
  sku: z.string(),
  title: z.string(),
  description: z.string(),
  price: money,
  stock: z.int(),
});
const ticket = z.object({
  customerNumber: z.string(),
  id: z.string(),
  subject: z.string(),
  status: z.enum(['NEW', 'OPEN', 'PENDING', 'HOLD', 'SOLVED', 'CLOSED']),
  priority: z.enum(['LOW', 'NORMAL', 'HIGH', 'URGENT']).nullable(),
  channel: z.string(),
  createdAt: moment,
  updatedAt: moment,
});
const invoice = z.object({
  customerNumber: z.string(),
  number: z.string(),
  status: z.enum(['DRAFT', 'IN_REVIEW', 'OPEN', 'PAID', 'CANCELED', 'CORRECTIVE']),
  invoiceDate: z.iso.date(),
  dueDate: z.iso.date(),
  total: money,
});

/**
 * With `BENCH_ALONE=1`, concurrent requests about different customers share no call, as with the peers. For a
 * list, it would load each customer in a separate call.
 */
const isAlone = process.env['BENCH_ALONE'] === '1';

/** Loads only keys of the same customer or request together. Default: all keys. */
function aloneBy<Key>(idOf: (key: Key) => string): {
  batchOf?: (key: Key) => { id: string; maxKeys: number };
} {
  return isAlone ? { batchOf: (key) => ({ id: idOf(key), maxKeys: MAX_KEYS }) } : {};
}

const contactsByEmail = contactsBy('email');
const contactsByNumber = contactsBy('customerNumber');

function contactsBy(key: 'email' | 'customerNumber') {
  return defineLoader<RestClient, string, readonly CustomerRecord[]>({
    name: `contactsBy ${key}`,
    ...aloneBy((text: string) => text),
    load: async (keys, crm) => {
      const found = await read(crm, z.array(contact), '/contacts', { [key]: keys.join(',') });
      return alignMany(keys, found, {
        source: 'crm-hubspot',
        keyOf: (record) => record[key],
        idOf: ({ customerNumber }) => customerNumber,
      }).map((contacts) => contacts.map(toRecord));
    },
  });
}

function toRecord({
  customerNumber,
  email,
  phone,
  bornOn,
  ...profile
}: z.infer<typeof contact>): CustomerRecord {
  return {
    id: customerNumber,
    identifiers: [
      { namespace: 'email', value: email, verified: true },
      { namespace: 'phone', value: phone },
    ],
    profile: { ...profile, birthDate: bornOn },
  };
}

type Product = z.infer<typeof product>;

const products = defineLoader<RestClient, string, Product | null>({
  name: 'products',
  about: () => [],
  load: readProducts,
});
/** Customers have the same products, so only the request separates the keys of one from those of others. */
const productsOfRequest = defineLoader<RestClient, { sku: string; requestId: string }, Product | null>({
  name: 'products of a request',
  about: () => [],
  keyText: ({ sku, requestId }) => `${sku} ${requestId}`,
  ...aloneBy(({ requestId }: { requestId: string }) => requestId),
  load: (keys, shop) =>
    readProducts(
      keys.map(({ sku }) => sku),
      shop,
    ),
});

async function readProducts(skus: readonly string[], shop: RestClient): Promise<(Product | null)[]> {
  const found = await read(shop, z.array(product), '/products', { sku: skus.join(',') });
  return alignOne(skus, found, { source: 'webshop', keyOf: ({ sku }) => sku });
}

function fieldOfProduct<T>(read: (product: Product | null) => T) {
  return ({ sku }: { sku: string }, _: unknown, { loadField, requestId }: Context): T | PromiseLike<T> =>
    isAlone ? loadField(productsOfRequest, { sku, requestId }, read) : loadField(products, sku, read);
}

interface PageOf {
  customerNumber: string;
  first: number;
}

const orders = pagesOf('order-system', 'orders', z.array(order), ({ number }) => number);
const tickets = pagesOf('contact-centre', 'tickets', z.array(ticket), ({ id }) => id);
const invoices = pagesOf('invoices', 'invoices', z.array(invoice), ({ number }) => number);

/** Pages of customers' records. One call loads those of all customers. */
function pagesOf<R extends { customerNumber: string }>(
  source: PeerSystem,
  name: string,
  schema: z.ZodType<R[]>,
  idOf: (record: R) => string,
) {
  return defineLoader<RestClient, PageOf, readonly R[]>({
    name,
    keyText: ({ customerNumber, first }) => `${customerNumber} ${first}`,
    ...aloneBy(({ customerNumber }: PageOf) => customerNumber),
    load: async (pages, system) => {
      const numbers = pages.map(({ customerNumber }) => customerNumber);
      const largestPage = Math.max(...pages.map(({ first }) => first));
      const found = await read(system, schema, `/${name}`, {
        customerNumber: numbers.join(','),
        first: largestPage,
      });
      const aligned = alignMany(numbers, found, {
        source,
        keyOf: ({ customerNumber }) => customerNumber,
        idOf,
      });
      return aligned.map((records, i) => records.slice(0, pages[i]?.first));
    },
  });
}

async function read<T>(
  client: RestClient,
  schema: z.ZodType<T[]>,
  path: string,
  query: Record<string, string | number>,
): Promise<T[]> {
  return (await client.get(schema, path, query)) ?? [];
}

/** A field of Customer with a page of its records. */
function pageField<R, T>(
  loader: ReturnType<typeof pagesOf<R & { customerNumber: string }>>,
  read: (page: readonly R[]) => T,
) {
  return (customer: Customer, { first }: Page, { loadField }: Context): T | PromiseLike<T> =>
    customer.withIdentifiers('customerNumber', ([customerNumber]) =>
      customerNumber === undefined
        ? read([])
        : loadField(loader, { customerNumber, first: pageSize(first) }, read),
    );
}

interface Page {
  first: number;
}

const connector = (system: PeerSystem, path: string) =>
  rest({
    baseUrl: urlSetting(URL_SETTINGS[system], 'http://localhost'),
    auth: noAuth,
    pingPath: path,
  });

/** The timeout is long, so that calls do not fail on a busy machine. */
const limits = { maxBatch: MAX_KEYS, timeout: '60 s' } as const;
/** Without a cache, also of identities. */
const freshness = { maxAge: '0 s', staleWhileRevalidate: '0 s', staleIfError: '0 s' } as const;

export const peerSources: readonly SourceDefinition[] = [
  defineSource({
    name: 'crm-hubspot',
    connector: connector('crm-hubspot', '/contacts?email=nobody'),
    limits,
    freshness,
    namespaces: [
      idNamespace('customerNumber', 'The number that all systems know the customer by.', /^K\d+$/),
    ],
    identity: {
      recordKey: 'customerNumber',
      foundBy: {
        customerNumber: { uniqueness: 'enforced', loader: contactsByNumber },
        email: { uniqueness: 'enforced', loader: contactsByEmail },
      },
      yields: { email: 'one', phone: 'shown' },
    },
  }),
  defineSource({
    name: 'order-system',
    connector: connector('order-system', '/orders?customerNumber=K0'),
    limits,
    freshness,
    loaders: [orders],
    resolvers: {
      Customer: {
        orders: pageField(orders, (nodes) => ({ nodes })),
      },
      OrderLine: { product: ({ sku }: { sku: string }) => ({ sku }) },
    },
  }),
  defineSource({
    name: 'webshop',
    connector: connector('webshop', '/products?sku=none'),
    limits,
    freshness,
    loaders: [products, productsOfRequest],
    resolvers: {
      Product: {
        title: fieldOfProduct((product) => product?.title ?? null),
        description: fieldOfProduct((product) => product?.description ?? null),
        price: fieldOfProduct((product) => product?.price ?? null),
        stock: fieldOfProduct((product) => product?.stock ?? null),
      },
    },
  }),
  defineSource({
    name: 'contact-centre',
    connector: connector('contact-centre', '/tickets?customerNumber=K0'),
    limits,
    freshness,
    loaders: [tickets],
    resolvers: {
      Customer: {
        supportTickets: pageField(tickets, (page) => page),
      },
    },
  }),
  defineSource({
    name: 'invoices',
    connector: connector('invoices', '/invoices?customerNumber=K0'),
    limits,
    freshness,
    loaders: [invoices],
    resolvers: {
      Customer: {
        invoices: pageField(invoices, (page) => page),
      },
    },
  }),
];

export const peerSdl: Readonly<Record<string, string>> = SDL;
