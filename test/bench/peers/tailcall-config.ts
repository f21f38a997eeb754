import { URL_SETTINGS, type PeerSystem } from './systems.js';

/** Configuration of Tailcall: the same schema over REST. Its batching joins keys, with the shortest delay. */
export function tailcallConfig(
  port: number,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const at = (system: PeerSystem, path: string) => `url: "${environment[URL_SETTINGS[system]] ?? ''}${path}"`;
  const query = (parts: Readonly<Record<string, string>>) => {
    const list = Object.entries(parts).map(([key, value]) => `{ key: "${key}", value: "{{.${value}}}" }`);
    return `query: [${list.join(', ')}]`;
  };
  const page = query({ customerNumber: 'value.customerNumber', first: 'args.first' });
  return `
schema @server(port: ${port}, hostname: "127.0.0.1") @upstream(batch: { delay: 1, maxSize: 10000 }) {
  query: Query
}
type Query {
  customer(by: CustomerKey!): Customer
    @http(${at('crm-hubspot', '/contacts')}, ${query({ email: 'args.by.email' })}, batchKey: ["email"])
  customers(by: [CustomerKey!]!): [Customer]
    @http(${at('crm-hubspot', '/contacts')}, method: POST, body: "{{.args}}")
}
input CustomerKey {
  email: String
}
type Customer {
  customerNumber: String!
  email: String
  phone: String
  name: String
  language: String
  bornOn: String
  primaryEmail: String @expr(body: "{{.value.email}}")
  primaryPhone: String @expr(body: "{{.value.phone}}")
  address: Address
  orders(first: Int): OrderConnection
    @expr(body: { customerNumber: "{{.value.customerNumber}}", first: "{{.args.first}}" })
  supportTickets(first: Int): [SupportTicket!]
    @http(${at('contact-centre', '/tickets')}, ${page}, batchKey: ["customerNumber"])
  invoices(first: Int): [Invoice!]
    @http(${at('invoices', '/invoices')}, ${page}, batchKey: ["customerNumber"])
}
type Address {
  street: String
  houseNumber: String
  postcode: String
  city: String
  country: String
}
type OrderConnection {
  customerNumber: String
  first: Int
  nodes: [Order!]
    @http(${at('order-system', '/orders')}, ${page.replace('.args', '.value')}, batchKey: ["customerNumber"])
}
type Order {
  number: String!
  status: String!
  placedAt: String!
  total: Money!
  lines: [OrderLine!]
}
type OrderLine {
  sku: String!
  quantity: Int!
  unitPrice: Money!
  product: Product
    @http(${at('webshop', '/products')}, ${query({ sku: 'value.sku' })}, batchKey: ["sku"])
}
type Money {
  amount: String!
  currency: String!
}
type Product {
  sku: String!
  title: String
  description: String
  price: Money
  stock: Int
}
type SupportTicket {
  id: String!
  subject: String
  status: String!
  priority: String
  channel: String
  createdAt: String!
  updatedAt: String!
}
type Invoice {
  number: String!
  status: String!
  invoiceDate: String
  dueDate: String
  total: Money
}
`;
}
