import { createWorld } from '../../../sources/stand-ins/seed.js';
import type { Person } from '../../../sources/stand-ins/world.js';

/** Ordinary customers of the systems: enough for a list of 5,000 with data in each. */
const CUSTOMERS = 8_400;

/** Records of the stand-ins in the form of small services. Both sides read the same records, by REST and by GraphQL. */
export interface Records {
  contacts: ReadonlyMap<string, Contact>;
  orders: ReadonlyMap<string, readonly OrderRecord[]>;
  products: ReadonlyMap<string, ProductRecord>;
  tickets: ReadonlyMap<string, readonly TicketRecord[]>;
  invoices: ReadonlyMap<string, readonly InvoiceRecord[]>;
}

interface MoneyRecord {
  amount: string;
  currency: string;
}

/** Contact of the CRM. Only the CRM has the customer number, which is the key in the other systems. */
export interface Contact {
  email: string;
  customerNumber: string;
  name: string;
  language: string;
  bornOn: string;
  phone: string;
  address: { street: string; houseNumber: string; postcode: string; city: string; country: string };
  updatedAt: string;
}

export interface OrderRecord {
  customerNumber: string;
  number: string;
  status: string;
  placedAt: string;
  total: MoneyRecord;
  lines: readonly { sku: string; quantity: number; unitPrice: MoneyRecord }[];
}

export interface ProductRecord {
  sku: string;
  title: string;
  description: string;
  price: MoneyRecord;
  stock: number;
}

export interface TicketRecord {
  customerNumber: string;
  id: string;
  subject: string;
  status: string;
  priority: string | null;
  channel: string;
  createdAt: string;
  updatedAt: string;
}

export interface InvoiceRecord {
  customerNumber: string;
  number: string;
  status: string;
  invoiceDate: string;
  dueDate: string;
  total: MoneyRecord;
}

/** A person with data in each of these systems, so that each query makes all calls. */
type Everywhere = Person &
  Required<Pick<Person, 'orderSystem' | 'contactCentre' | 'invoices'>> & { crm: object };

function isEverywhere(person: Person): person is Everywhere {
  const { email, crm, orderSystem, contactCentre, invoices } = person;
  return (
    email.startsWith('customer-') &&
    crm !== undefined &&
    (orderSystem?.orders.length ?? 0) > 0 &&
    (contactCentre?.tickets.length ?? 0) > 0 &&
    (invoices?.invoices.length ?? 0) > 0
  );
}

let everywhere: string[] | undefined;

/** The e-mail addresses in the queries. */
export function customersEverywhere(): readonly string[] {
  everywhere ??= createWorld({ customers: CUSTOMERS })
    .people.filter(isEverywhere)
    .map(({ email }) => email);
  return everywhere;
}

export function createRecords(): Records {
  const { people, products } = createWorld({ customers: CUSTOMERS });
  const known = people.filter(isEverywhere);
  const byNumber = <R>(recordsOf: (person: Everywhere) => R[]): ReadonlyMap<string, R[]> =>
    new Map(known.map((person) => [person.orderSystem.customerNumber, recordsOf(person)]));
  return {
    contacts: new Map(known.map((person) => [person.email, contactOf(person)])),
    orders: byNumber(ordersOf),
    products: new Map(
      products.map(({ sku, title, description, priceCents, stock }) => [
        sku,
        { sku, title, description, price: euros(priceCents), stock },
      ]),
    ),
    tickets: byNumber(ticketsOf),
    invoices: byNumber(invoicesOf),
  };
}

function contactOf({
  email,
  orderSystem,
  firstName,
  lastName,
  birthDate,
  phone,
  address,
}: Everywhere): Contact {
  const { customerNumber, updatedAt } = orderSystem;
  const name = `${firstName} ${lastName}`;
  return { email, customerNumber, name, language: 'nl', bornOn: birthDate, phone, address, updatedAt };
}

function ordersOf({ orderSystem: { customerNumber, orders } }: Everywhere): OrderRecord[] {
  // As the declared sources return them: the newest first, with milliseconds.
  const newestFirst = orders.toSorted(
    (a, b) => Date.parse(b.placedAt) - Date.parse(a.placedAt) || (a.number < b.number ? 1 : -1),
  );
  return newestFirst.map(({ number, status, placedAt, lines }) => ({
    customerNumber,
    number,
    status,
    placedAt: momentOf(placedAt),
    total: euros(lines.reduce((sum, { quantity, unitPriceCents }) => sum + quantity * unitPriceCents, 0)),
    lines: lines.map(({ sku, quantity, unitPriceCents }) => ({
      sku,
      quantity,
      unitPrice: euros(unitPriceCents),
    })),
  }));
}

function ticketsOf({
  orderSystem: { customerNumber },
  contactCentre: { tickets },
}: Everywhere): TicketRecord[] {
  return tickets.map(({ id, subject, status, priority, channel, createdAt, updatedAt }) => ({
    customerNumber,
    id: String(id),
    subject,
    status: status.toUpperCase(),
    priority: priority?.toUpperCase() ?? null,
    channel,
    createdAt: momentOf(createdAt),
    updatedAt: momentOf(updatedAt),
  }));
}

function invoicesOf({
  orderSystem: { customerNumber },
  invoices: { invoices },
}: Everywhere): InvoiceRecord[] {
  return invoices.map(({ number, status, invoiceDate, dueDate, totalCents, currency }) => ({
    customerNumber,
    number,
    status: status.toUpperCase().replace(' ', '_'),
    invoiceDate,
    dueDate,
    total: { amount: decimal(totalCents), currency },
  }));
}

function momentOf(text: string): string {
  return new Date(text).toISOString();
}

function euros(cents: number): MoneyRecord {
  return { amount: decimal(cents), currency: 'EUR' };
}

function decimal(cents: number): string {
  return (cents / 100).toFixed(2);
}
