import DataLoader from 'dataloader';
import { createYoga } from 'graphql-yoga';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { LRUCache } from 'lru-cache';
import { createCustomerIds } from '../../../src/identity/customer-id.js';
import { ticketsOfUsers, usersByEmail } from '../../../sources/contact-centre/loaders.js';
import { companies, companiesOfContacts, contactsByEmail } from '../../../sources/crm-hubspot/loaders.js';
import {
  customersByEmail as buyersByEmail,
  linesOfOrders,
  orderPages,
} from '../../../sources/order-system/loaders.js';
import type { OrderLineRecord, OrderRecord } from '../../../sources/order-system/mapping.js';
import { customersByEmail as shoppersByEmail } from '../../../sources/webshop/loaders.js';
import type { Client } from '../../../src/connectors/connector.js';
import type { CustomerRecord } from '../../../src/index.js';
import type { Loader } from '../../../src/loaders/loader.js';
import { listen } from '../../../src/server/http.js';
import type { Started } from '../bench-process.js';
import { standingClock } from '../standing-clock.js';
import {
  askForCarts,
  askForProducts,
  connectSystems,
  type Cart,
  type Product,
  type Systems,
} from '../systems.js';

/**
 * What one would write for this one query without a gateway: a schema whose resolvers call the systems directly, with
 * the sources' own connectors, questions and checks, so that both make the same calls. No identity graph: a customer is
 * an e-mail address, known or not to each system. No deadline, no error of its own for each source, no stitching: what
 * the webshop is asked is written by hand.
 */
const typeDefs = /* GraphQL */ `
  type Query {
    customer(by: CustomerKey!): Customer
    customers(by: [CustomerKey!]!): [Customer]!
  }
  input CustomerKey @oneOf {
    email: String
  }
  scalar DateTime
  scalar Decimal
  type Customer {
    id: ID
    name: String
    emails: [ContactPoint!]
    orders(first: Int! = 10): OrderConnection
    tickets(first: Int! = 10): [Ticket!]
    company: Company
    cart: Cart
  }
  type ContactPoint {
    value: String!
    source: String!
  }
  type OrderConnection {
    nodes: [Order!]!
  }
  type Order {
    number: String!
    placedAt: DateTime!
    total: Money!
    lines: [OrderLine!]
  }
  type Money {
    amount: Decimal!
    currency: String!
  }
  type OrderLine {
    quantity: Int!
    product: Product
  }
  type Product {
    sku: ID!
    title: String
  }
  type Ticket {
    subject: String
    status: TicketStatus!
  }
  enum TicketStatus {
    NEW
    OPEN
    PENDING
    HOLD
    SOLVED
    CLOSED
  }
  type Company {
    name: String
  }
  type Cart {
    total: Money
  }
`;

/** The customer's record in each system, in the order in which the systems are believed. */
interface Records {
  'order-system': CustomerRecord | undefined;
  webshop: CustomerRecord | undefined;
  'crm-hubspot': CustomerRecord | undefined;
  'contact-centre': CustomerRecord | undefined;
}

interface Key {
  email: string;
}

type Context = ReturnType<typeof createLoaders>;

export async function startHandWritten(): Promise<Started> {
  const systems = connectSystems(process.env);
  const { clock, turn } = standingClock();
  const known = new LRUCache<string, readonly CustomerRecord[]>({
    max: 100_000,
    ttl: 60_000,
    perf: clock,
    ttlResolution: 0,
  });
  const yoga = createYoga<object, Context>({
    schema: makeExecutableSchema<Context>({ typeDefs, resolvers }),
    context: () => createLoaders(systems, known),
    multipart: false,
    cors: false,
    logging: false,
    graphiql: false,
    landingPage: false,
  });
  const server = await listen((request, response) => void yoga(request, response), {
    host: '127.0.0.1',
    port: 0,
  });
  return {
    ready: { url: `${server.url}/graphql` },
    forget: turn,
    close: () => systems.close(),
  };
}

/** One request's loaders: what is asked for in one tick becomes one call. */
function createLoaders(
  { orders, shop, tickets, crm }: Systems,
  known: LRUCache<string, readonly CustomerRecord[]>,
) {
  const direct = <C extends Client, K, V, T>(
    loader: Loader<C, K, V>,
    client: C,
    toAsk: (key: T) => K,
    keyOf: (key: T) => string,
  ) =>
    new DataLoader<T, V, string>(async (keys) => [...(await loader.load(keys.map(toAsk), client))], {
      cacheKeyFn: keyOf,
    });
  const same = (key: string) => key;
  const whoIs = <C extends Client>(
    source: string,
    loader: Loader<C, string, readonly CustomerRecord[]>,
    client: C,
  ) => {
    const asked = direct(loader, client, same, same);
    return async (email: string): Promise<CustomerRecord | undefined> => {
      const key = `${source} ${email}`;
      let records = known.get(key);
      if (records === undefined) {
        records = await asked.load(email);
        known.set(key, records);
      }
      if (records.length > 1) throw new Error(`${source} holds several customers under this address.`);
      return records[0];
    };
  };
  const ask = {
    'order-system': whoIs('order-system', buyersByEmail, orders),
    webshop: whoIs('webshop', shoppersByEmail, shop),
    'crm-hubspot': whoIs('crm-hubspot', contactsByEmail, crm),
    'contact-centre': whoIs('contact-centre', usersByEmail, tickets),
  };
  return {
    recordsOf: async (given: string): Promise<Records> => {
      const email = given.trim().toLowerCase();
      const [order, shopper, contact, user] = await Promise.all([
        ask['order-system'](email),
        ask.webshop(email),
        ask['crm-hubspot'](email),
        ask['contact-centre'](email),
      ]);
      return { 'order-system': order, webshop: shopper, 'crm-hubspot': contact, 'contact-centre': user };
    },
    orders: direct(
      orderPages,
      orders,
      ({ customerNumber, first }: { customerNumber: string; first: number }) => ({
        customerNumbers: [customerNumber],
        first,
        after: null,
      }),
      ({ customerNumber, first }) => `${customerNumber} ${first}`,
    ),
    lines: direct(linesOfOrders, orders, same, same),
    tickets: direct(ticketsOfUsers, tickets, same, same),
    companyOf: direct(companiesOfContacts, crm, same, same),
    companies: direct(companies, crm, same, same),
    carts: new DataLoader<string, Cart | null>((ids) => askForCarts(shop, ids), { maxBatchSize: 100 }),
    products: new DataLoader<string, Product | null>((skus) => askForProducts(shop, skus), {
      maxBatchSize: 100,
    }),
  };
}

const ids = createCustomerIds(process.env.ID_SECRET ?? '');

async function find({ email }: Key, { recordsOf }: Context): Promise<Records | null> {
  const records = await recordsOf(email);
  return Object.values(records).some((record: CustomerRecord | undefined) => record !== undefined)
    ? records
    : null;
}

const entries = (records: Records) => Object.entries(records) as [string, CustomerRecord | undefined][];

const recordKeys: Record<string, string> = {
  'order-system': 'customerNumber',
  webshop: 'shopifyCustomerId',
  'crm-hubspot': 'hubspotContactId',
  'contact-centre': 'zendeskUserId',
};

const resolvers = {
  Query: {
    customer: (_: unknown, { by }: { by: Key }, context: Context) => find(by, context),
    customers: (_: unknown, { by }: { by: Key[] }, context: Context) => by.map((key) => find(key, context)),
  },
  Customer: {
    id: (records: Records) => {
      for (const [source, record] of entries(records)) {
        if (record === undefined) continue;
        return ids.seal({ namespace: recordKeys[source] ?? '', value: record.id });
      }
      return null;
    },
    name: (records: Records) =>
      entries(records).find(([, record]) => record?.profile?.name != null && record.profile.name !== '')?.[1]
        ?.profile?.name ?? null,
    emails: (records: Records) =>
      entries(records).flatMap(([source, record]) => {
        const values = (record?.identifiers ?? []).flatMap(({ namespace, value }) =>
          namespace === 'email' && value != null ? [value.trim().toLowerCase()] : [],
        );
        return [...new Set(values)].map((value) => ({ value, source }));
      }),
    orders: async (records: Records, { first }: { first: number }, { orders }: Context) => {
      const customerNumber = records['order-system']?.id;
      const found = customerNumber === undefined ? [] : await orders.load({ customerNumber, first });
      return { nodes: found.slice(0, first) };
    },
    tickets: async (records: Records, { first }: { first: number }, { tickets }: Context) => {
      const userId = records['contact-centre']?.id;
      return userId === undefined ? [] : (await tickets.load(userId)).tickets.slice(0, first);
    },
    company: async (records: Records, _: unknown, { companyOf, companies: byId }: Context) => {
      const contactId = records['crm-hubspot']?.id;
      const [companyId] = contactId === undefined ? [] : await companyOf.load(contactId);
      return companyId === undefined ? null : byId.load(companyId);
    },
    cart: ({ webshop: shopper }: Records, _: unknown, { carts }: Context) =>
      shopper === undefined ? null : carts.load(shopper.id),
  },
  Order: {
    lines: ({ number }: OrderRecord, _: unknown, { lines }: Context) => lines.load(number),
  },
  OrderLine: {
    product: async ({ sku }: OrderLineRecord, _: unknown, { products }: Context) =>
      (await products.load(sku)) ?? { sku },
  },
};
