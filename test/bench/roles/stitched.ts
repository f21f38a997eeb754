import { makeExecutableSchema } from '@graphql-tools/schema';
import { stitchSchemas } from '@graphql-tools/stitch';
import type { OrderLineRecord, OrderRecord } from '../../../sources/order-system/mapping.js';
import type { CustomerRecord } from '../../../src/index.js';
import type { Started } from '../bench-process.js';
import { addressesOf, sealedId, type DirectLoaders, type Records, enumValueOf } from '../direct-loaders.js';
import { serveDirectly } from './serve-directly.js';

/**
 * The hand-written schema, split into one for each system and stitched as the manual of schema stitching shows.
 * Customers are merged by e-mail address and products by SKU, in lists. The stitched schema resolves fields that
 * combine several systems. It does not check that a customer exists: every address is a customer.
 */

/** One system's record of a customer, and the address by which it is merged. */
interface Part {
  email: string;
  record: CustomerRecord;
}

const RECORD = /* GraphQL */ `
  type Record {
    id: ID!
    name: String
    emails: [String!]!
  }
`;
const MONEY = /* GraphQL */ `
  scalar Decimal
  type Money {
    amount: Decimal!
    currency: String!
  }
`;

/** The customers of one system, for a list of addresses. */
const partsOf =
  (source: keyof Records) =>
  (_: unknown, { emails }: { emails: string[] }, { recordOf }: DirectLoaders) =>
    emails.map(async (email): Promise<Part | null> => {
      const record = await recordOf(source, email);
      return record === undefined ? null : { email, record };
    });

const recordOfPart = ({ record }: Part) => ({
  id: record.id,
  name: record.profile?.name,
  emails: addressesOf(record),
});

const byEmail = (fieldName: string) => ({
  selectionSet: '{ email }',
  fieldName,
  key: ({ email }: { email: string }) => email,
  argsFromKeys: (emails: readonly string[]) => ({ emails }),
});

const coreSchema = makeExecutableSchema<DirectLoaders>({
  typeDefs: /* GraphQL */ `
    type Query {
      customer(by: CustomerKey!): Customer
      customers(by: [CustomerKey!]!): [Customer]!
    }
    input CustomerKey @oneOf {
      email: String
    }
    type Customer {
      email: ID!
    }
  `,
  resolvers: {
    Query: {
      customer: (_: unknown, { by }: { by: { email: string } }) => toCustomer(by),
      customers: (_: unknown, { by }: { by: { email: string }[] }) => by.map(toCustomer),
    },
  },
});

function toCustomer({ email }: { email: string }) {
  return { email: email.trim().toLowerCase() };
}

const orderSystem = makeExecutableSchema<DirectLoaders>({
  typeDefs: /* GraphQL */ `
    ${RECORD}
    ${MONEY}
    type Query {
      _buyers(emails: [ID!]!): [Customer]!
    }
    scalar DateTime
    type Customer {
      email: ID!
      buyer: Record
      orders(first: Int! = 10): OrderConnection
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
    type OrderLine {
      quantity: Int!
      product: Product
    }
    type Product {
      sku: ID!
    }
  `,
  resolvers: {
    Query: { _buyers: partsOf('order-system') },
    Customer: {
      buyer: recordOfPart,
      orders: async ({ record }: Part, { first }: { first: number }, { orders }: DirectLoaders) => {
        const found = await orders.load({ customerNumber: record.id, first });
        return { nodes: found.slice(0, first) };
      },
    },
    Order: { lines: ({ number }: OrderRecord, _: unknown, { lines }: DirectLoaders) => lines.load(number) },
    OrderLine: { product: ({ sku }: OrderLineRecord) => ({ sku }) },
  },
});

const webshop = makeExecutableSchema<DirectLoaders>({
  typeDefs: /* GraphQL */ `
    ${RECORD}
    ${MONEY}
    type Query {
      _shoppers(emails: [ID!]!): [Customer]!
      _products(skus: [ID!]!): [Product]!
    }
    type Customer {
      email: ID!
      shopper: Record
      cart: Cart
    }
    type Cart {
      total: Money
    }
    type Product {
      sku: ID!
      title: String
    }
  `,
  resolvers: {
    Query: {
      _shoppers: partsOf('webshop'),
      _products: (_: unknown, { skus }: { skus: string[] }, { products }: DirectLoaders) =>
        products.loadMany(skus),
    },
    Customer: {
      shopper: recordOfPart,
      cart: ({ record }: Part, _: unknown, { carts }: DirectLoaders) => carts.load(record.id),
    },
  },
});

const contactCentre = makeExecutableSchema<DirectLoaders>({
  typeDefs: /* GraphQL */ `
    ${RECORD}
    type Query {
      _users(emails: [ID!]!): [Customer]!
    }
    type Customer {
      email: ID!
      user: Record
      tickets(first: Int! = 10): TicketConnection
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
  `,
  resolvers: {
    Query: { _users: partsOf('contact-centre') },
    Customer: {
      user: recordOfPart,
      tickets: async ({ record }: Part, { first }: { first: number }, { tickets }: DirectLoaders) => ({
        nodes: (await tickets.load(record.id)).tickets.slice(0, first),
      }),
    },
  },
});

const crm = makeExecutableSchema<DirectLoaders>({
  typeDefs: /* GraphQL */ `
    ${RECORD}
    type Query {
      _contacts(emails: [ID!]!): [Customer]!
    }
    type Customer {
      email: ID!
      contact: Record
      company: Company
    }
    type Company {
      name: String
    }
  `,
  resolvers: {
    Query: { _contacts: partsOf('crm-hubspot') },
    Customer: {
      contact: recordOfPart,
      company: async ({ record }: Part, _: unknown, { companyOf, companies }: DirectLoaders) => {
        const [companyId] = await companyOf.load(record.id);
        return companyId === undefined ? null : companies.load(companyId);
      },
    },
  },
});

/** Field of each system's record in the stitched schema, in order of precedence. */
const PARTS = {
  buyer: 'order-system',
  shopper: 'webshop',
  contact: 'crm-hubspot',
  user: 'contact-centre',
} as const;
type Merged = Partial<
  Record<keyof typeof PARTS, { id: string; name: string | null; emails: string[] } | null>
>;

const partNames = Object.keys(PARTS) as (keyof typeof PARTS)[];
const eachPart = (field: string) => `{ ${partNames.map((part) => `${part} { ${field} }`).join(' ')} }`;

const schema = stitchSchemas<DirectLoaders>({
  subschemas: [
    { schema: coreSchema },
    { schema: orderSystem, merge: { Customer: byEmail('_buyers') } },
    {
      schema: webshop,
      merge: {
        Customer: byEmail('_shoppers'),
        Product: {
          selectionSet: '{ sku }',
          fieldName: '_products',
          key: ({ sku }: { sku: string }) => sku,
          argsFromKeys: (skus: readonly string[]) => ({ skus }),
        },
      },
    },
    { schema: contactCentre, merge: { Customer: byEmail('_users') } },
    { schema: crm, merge: { Customer: byEmail('_contacts') } },
  ],
  typeDefs: /* GraphQL */ `
    extend type Customer {
      id: ID
      name: String
      emails: [ContactPoint!]
    }
    type ContactPoint {
      value: String!
      source: String!
    }
  `,
  resolvers: {
    Customer: {
      id: {
        selectionSet: eachPart('id'),
        resolve: (customer: Merged) => {
          const known = partNames.find((part) => customer[part] != null);
          return known === undefined ? null : sealedId(PARTS[known], customer[known]?.id ?? '');
        },
      },
      name: {
        selectionSet: eachPart('name'),
        resolve: (customer: Merged) =>
          partNames.map((part) => customer[part]?.name).find((name) => name != null && name !== '') ?? null,
      },
      emails: {
        selectionSet: eachPart('emails'),
        resolve: (customer: Merged) =>
          partNames.flatMap((part) =>
            (customer[part]?.emails ?? []).map((value) => ({ value, source: enumValueOf(PARTS[part]) })),
          ),
      },
    },
  },
});

export const startStitched = (): Promise<Started> => serveDirectly(schema);
