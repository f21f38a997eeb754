import type { PeerSystem } from './systems.js';

/** SDL of each system as a subgraph of Apollo Federation 2. The schema of the peers is composed of these. */

const LINK = `
  extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@shareable"])
`;

const MONEY = `
  scalar Decimal
  type Money @shareable {
    amount: Decimal!
    currency: String!
  }
`;

export const SUBGRAPHS: Readonly<Record<PeerSystem, string>> = {
  'crm-hubspot': `${LINK}
    scalar Date
    type Query {
      customer(by: CustomerKey!): Customer
      customers(by: [CustomerKey!]!): [Customer]
    }
    input CustomerKey {
      email: String
    }
    type Customer @key(fields: "customerNumber") {
      customerNumber: ID!
      name: String
      language: String
      bornOn: Date
      primaryEmail: String
      primaryPhone: String
      address: Address
    }
    type Address {
      street: String
      houseNumber: String
      postcode: String
      city: String
      country: String
    }
  `,
  'order-system': `${LINK}${MONEY}
    scalar DateTime
    type Customer @key(fields: "customerNumber") {
      customerNumber: ID!
      orders(first: Int! = 10): OrderConnection
    }
    type OrderConnection {
      nodes: [Order!]!
    }
    type Order {
      number: String!
      status: OrderStatus!
      placedAt: DateTime!
      total: Money!
      lines: [OrderLine!]
    }
    enum OrderStatus {
      NEW
      PAID
      SHIPPED
      DELIVERED
      CANCELLED
    }
    type OrderLine {
      quantity: Int!
      unitPrice: Money!
      product: Product
    }
    type Product @key(fields: "sku", resolvable: false) {
      sku: ID!
    }
  `,
  webshop: `${LINK}${MONEY}
    type Product @key(fields: "sku") {
      sku: ID!
      title: String
      description: String
      price: Money
      stock: Int
    }
  `,
  'contact-centre': `${LINK}
    scalar DateTime
    type Customer @key(fields: "customerNumber") {
      customerNumber: ID!
      supportTickets(first: Int! = 10): [SupportTicket!]
    }
    type SupportTicket {
      id: ID!
      subject: String
      status: SupportTicketStatus!
      priority: SupportTicketPriority
      channel: String
      createdAt: DateTime!
      updatedAt: DateTime!
    }
    enum SupportTicketStatus {
      NEW
      OPEN
      PENDING
      HOLD
      SOLVED
      CLOSED
    }
    enum SupportTicketPriority {
      LOW
      NORMAL
      HIGH
      URGENT
    }
  `,
  invoices: `${LINK}${MONEY}
    scalar Date
    type Customer @key(fields: "customerNumber") {
      customerNumber: ID!
      invoices(first: Int! = 10): [Invoice!]
    }
    type Invoice {
      number: String!
      status: InvoiceStatus!
      invoiceDate: Date
      dueDate: Date
      total: Money
    }
    enum InvoiceStatus {
      DRAFT
      IN_REVIEW
      OPEN
      PAID
      CANCELED
      CORRECTIVE
    }
  `,
};

/** Returns the executable SDL of a subgraph: with the types of federation, without definitions for composition. */
export function executableSdl(system: PeerSystem): string {
  const sdl = SUBGRAPHS[system].replace(LINK, '');
  const entities = 'type Query { _entities(representations: [_Any!]!): [_Entity]! }';
  const entity = sdl.includes('type Customer') ? 'Customer' : 'Product';
  return `${sdl} scalar _Any union _Entity = ${entity} ${sdl.includes('type Query') ? 'extend ' : ''}${entities}`;
}
