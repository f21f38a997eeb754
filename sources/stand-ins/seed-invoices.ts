import { createHash } from 'node:crypto';
import { createRandom, type Random } from './random.js';
import { businessCentralNumber } from './seed-ids.js';
import { dayMs, worldNow } from './seed-time.js';
import type { SeedOrder } from './world.js';

export interface InvoicesPart {
  /** A GUID. */
  id: string;
  /** Like "D0123456". It is not the shop's customer number. */
  customerNumber: string;
  /** Only if the person buys for a company. */
  companyName?: string;
  vatNumber?: string;
  /** The time of the last change; ISO date-time with Z. */
  updatedAt: string;
  invoices: SeedInvoice[];
}

export interface SeedInvoice {
  /** A GUID. */
  id: string;
  /** Like "PS-INV0123456", unique. A draft has digits only. */
  number: string;
  status: 'Draft' | 'In Review' | 'Open' | 'Paid' | 'Canceled' | 'Corrective';
  /** ISO dates. */
  invoiceDate: string;
  dueDate: string;
  /** The number of the order in the invoice system. Empty if it has no order. */
  orderNumber: string;
  shopOrderNumber: string;
  currency: 'EUR' | 'USD';
  /** Taxes included. */
  totalCents: number;
  taxCents: number;
  remainingCents: number;
}

/** The number of invoice numbers for each person. */
const perPlace = 8;

/**
 * One invoice for each order of the shop, with its day and amount, and sometimes a draft for future invoices. An order that was
 * paid in the shop is paid here too, except some whose payment has not been booked.
 */
export function createInvoicesPart(
  { place, createdAt }: { place: number; createdAt: string },
  { orders, ...business }: { orders: readonly SeedOrder[] } & Pick<InvoicesPart, 'companyName' | 'vatNumber'>,
): InvoicesPart {
  const random = createRandom('invoices', place);
  const invoices = orders.map((order, index) => createInvoice(random, order, place * perPlace + index));
  const [order] = orders;
  if (order !== undefined && random.chance(0.1))
    invoices.push({
      ...createInvoice(random, order, place * perPlace + orders.length),
      // Drafts have their own number series.
      number: String(102_000 + place),
      status: random.chance(0.5) ? 'Draft' : 'In Review',
      invoiceDate: worldNow.slice(0, 10),
    });
  return {
    id: guid('customer', place),
    customerNumber: businessCentralNumber('customer', place),
    ...business,
    updatedAt: new Date(
      Date.parse(createdAt) + random.fraction() * (Date.parse(worldNow) - Date.parse(createdAt)),
    ).toISOString(),
    invoices,
  };
}

function createInvoice(random: Random, order: SeedOrder, number: number): SeedInvoice {
  const totalCents = order.lines.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0);
  const paid = order.payments.length > 0 && !random.chance(0.15);
  const status = order.status === 'CANCELLED' ? 'Canceled' : paid ? 'Paid' : 'Open';
  const days = random.pick([14, 30, 30]);
  return {
    id: guid('invoice', number),
    number: businessCentralNumber('invoice', number),
    status,
    invoiceDate: order.placedAt.slice(0, 10),
    dueDate: new Date(Date.parse(order.placedAt) + days * dayMs).toISOString().slice(0, 10),
    orderNumber: random.chance(0.8) ? businessCentralNumber('order', number) : '',
    shopOrderNumber: order.number,
    currency: random.chance(0.05) ? 'USD' : 'EUR',
    totalCents,
    // Dutch VAT of 21 %, which is in the price.
    taxCents: Math.round((totalCents * 21) / 121),
    remainingCents: status !== 'Open' ? 0 : random.chance(0.3) ? Math.ceil(totalCents / 2) : totalCents,
  };
}

/** A GUID that depends only on its arguments. */
export function guid(kind: string, number: number): string {
  const hex = createHash('sha256').update(`business-central/${kind}/${number}`).digest('hex');
  return [8, 4, 4, 4, 12].map((length, i) => hex.slice(i * 12, i * 12 + length)).join('-');
}
