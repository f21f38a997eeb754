import { decodeCursor, encodeCursor, InvalidInputError, type CustomerRecord } from '../../src/index.js';
import type { Address, OrderStatus, Payment } from './schema.generated.js';
import { moment, type CustomerRow, type OrderLineRow, type OrderRow, type PaymentRow } from './wire.js';

/** What the order system knows of a customer, beyond who it is. */
export interface OrderSystemCustomer extends CustomerRecord {
  customerSince: string;
  address: Address;
}

export interface OrderRecord {
  number: string;
  status: OrderStatus;
  placedAt: string;
  total: { amount: string; currency: string };
  /** The order's place in its customer's list. */
  cursor: string;
}

export interface OrderLineRecord {
  lineNumber: number;
  sku: string;
  description: string;
  quantity: number;
  unitPrice: { amount: string; currency: string };
}

export function toCustomer(row: CustomerRow): OrderSystemCustomer {
  return {
    id: row.cust_no,
    name: [row.first_name, row.last_name].filter(Boolean).join(' '),
    identifiers: [
      { namespace: 'email', value: row.email, verified: row.email_verified },
      { namespace: 'phone', value: row.phone },
    ],
    customerSince: toDateTime(row.created_at),
    address: { street: row.street, houseNumber: row.house_no, postcode: row.postcode, city: row.city },
  };
}

export function toOrder(row: OrderRow): OrderRecord {
  return {
    number: row.order_no,
    status: row.status,
    placedAt: toDateTime(row.placed_at),
    total: { amount: row.total, currency: row.currency },
    // The database's own text: it has microseconds, which our DateTime has not.
    cursor: encodeCursor([row.placed_at, row.order_no]),
  };
}

/** The place that a cursor of `toOrder` stands for. */
export function placeOf(cursor: string): { placedAt: string; number: string } {
  const [placedAt = '', number = ''] = decodeCursor(cursor, 2);
  if (!moment.safeParse(placedAt).success)
    throw new InvalidInputError('"after" must be the endCursor of an earlier page.');
  return { placedAt, number };
}

export function toOrderLine(row: OrderLineRow): OrderLineRecord {
  return {
    lineNumber: row.line_no,
    sku: row.sku,
    description: row.description,
    quantity: row.quantity,
    unitPrice: { amount: row.unit_price, currency: row.currency },
  };
}

export function toPayment(row: PaymentRow): Payment {
  return {
    method: row.method,
    amount: { amount: row.amount, currency: row.currency },
    paidAt: toDateTime(row.paid_at),
  };
}

function toDateTime(text: string): string {
  return new Date(`${text.replace(' ', 'T')}:00`).toISOString();
}
