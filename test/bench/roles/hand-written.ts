import { makeExecutableSchema } from '@graphql-tools/schema';
import type { OrderLineRecord, OrderRecord } from '../../../sources/order-system/mapping.js';
import type { CustomerRecord } from '../../../src/index.js';
import type { Started } from '../bench-process.js';
import { emailsOf, idOf, nameOf, type DirectLoaders, type Records } from '../direct-loaders.js';
import { serveDirectly } from './serve-directly.js';

/**
 * The code for this query without a gateway: a schema whose resolvers call the systems directly. It has the connectors,
 * queries and checks of the sources, so both make the same calls. It has no identity
 * graph: a customer is an e-mail address. It has no deadline, no errors for each source and no stitching: the queries
 * to the webshop are written by hand.
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
    tickets(first: Int! = 10): TicketConnection
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
  type TicketConnection {
    nodes: [Ticket!]!
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

interface Key {
  email: string;
}

export const startHandWritten = (): Promise<Started> =>
  serveDirectly(makeExecutableSchema<DirectLoaders>({ typeDefs, resolvers }));

async function find({ email }: Key, { recordsOf }: DirectLoaders): Promise<Records | null> {
  const records = await recordsOf(email);
  return Object.values(records).some((record: CustomerRecord | undefined) => record !== undefined)
    ? records
    : null;
}

const resolvers = {
  Query: {
    customer: (_: unknown, { by }: { by: Key }, context: DirectLoaders) => find(by, context),
    customers: (_: unknown, { by }: { by: Key[] }, context: DirectLoaders) =>
      by.map((key) => find(key, context)),
  },
  Customer: {
    id: idOf,
    name: nameOf,
    emails: emailsOf,
    orders: async (records: Records, { first }: { first: number }, { orders }: DirectLoaders) => {
      const customerNumber = records['order-system']?.id;
      const found = customerNumber === undefined ? [] : await orders.load({ customerNumber, first });
      return { nodes: found.slice(0, first) };
    },
    tickets: async (records: Records, { first }: { first: number }, { tickets }: DirectLoaders) => {
      const userId = records['contact-centre']?.id;
      const found = userId === undefined ? [] : (await tickets.load(userId)).tickets;
      return { nodes: found.slice(0, first) };
    },
    company: async (records: Records, _: unknown, { companyOf, companies: byId }: DirectLoaders) => {
      const contactId = records['crm-hubspot']?.id;
      const [companyId] = contactId === undefined ? [] : await companyOf.load(contactId);
      return companyId === undefined ? null : byId.load(companyId);
    },
    cart: ({ webshop: shopper }: Records, _: unknown, { carts }: DirectLoaders) =>
      shopper === undefined ? null : carts.load(shopper.id),
  },
  Order: {
    lines: ({ number }: OrderRecord, _: unknown, { lines }: DirectLoaders) => lines.load(number),
  },
  OrderLine: {
    product: async ({ sku }: OrderLineRecord, _: unknown, { products }: DirectLoaders) =>
      (await products.load(sku)) ?? { sku },
  },
};
