import {
  decodeCursor,
  encodeCursor,
  invalidCursor,
  type ConsentStatement,
  type CustomerRecord,
} from '../../src/index.js';
import type { OrderStatus, Payment } from './schema.generated.js';
import {
  moment,
  type ConsentRow,
  type CustomerRow,
  type OrderLineRow,
  type OrderRow,
  type PaymentRow,
} from './wire.js';

/** The name of the list in its cursors. */
const ORDERS = 'Customer.orders';

/** A customer as the order system holds it. */
export interface OrderSystemCustomer extends CustomerRecord {
  becameCustomerAt: string;
  lastName: string | null;
}

export interface OrderRecord {
  number: string;
  customerNumber: string;
  /** The webshop's number of the order. */
  onlineNumber: string | null;
  status: OrderStatus;
  placedAt: string;
  total: { amount: string; currency: string };
  /** `placedAt` as the database writes it: with microseconds. A DateTime has milliseconds. */
  exactlyPlacedAt: string;
}

export interface OrderLineRecord {
  orderNumber: string;
  lineNumber: number;
  sku: string;
  description: string;
  quantity: number;
  unitPrice: { amount: string; currency: string };
}

export function toCustomer(row: CustomerRow): OrderSystemCustomer {
  return {
    id: row.cust_no,
    identifiers: [
      { namespace: 'email', value: row.email, verified: row.email_verified },
      { namespace: 'phone', value: row.phone, verified: row.phone_verified },
      ...row.visitor_ids.map((value) => ({ namespace: 'visitorId', value })),
      { namespace: 'kvkNumber', value: row.kvk_no },
      { namespace: 'vatNumber', value: row.vat_no },
    ],
    profile: {
      // The person of a company's account is the one who places its orders.
      name: row.company_name ?? ([row.first_name, row.last_name].filter(Boolean).join(' ').trim() || null),
      birthDate: row.birth_date,
      address: addressOf(row),
      updatedAt: row.updated_at === null ? null : toDateTime(row.updated_at),
    },
    becameCustomerAt: toDateTime(row.created_at),
    lastName: row.last_name,
  };
}

/** Every row has a country. A country alone is not an address. */
function addressOf({ street, house_no, postcode, city, country }: CustomerRow) {
  if (street === null && postcode === null && city === null) return null;
  return { street, houseNumber: house_no, postcode, city, country };
}

/**
 * The same last name and birth date, or the same phone number, verified for both; but never two organisations, though one
 * person may buy for both.
 */
export function isSameCustomer(a: OrderSystemCustomer, b: OrderSystemCustomer): boolean {
  const [kvkNumber, otherKvkNumber] = [a, b].map((record) => valueOf(record, 'kvkNumber'));
  if (kvkNumber !== otherKvkNumber) return false;
  const name = lastNameOf(a);
  const birthDate = a.profile?.birthDate ?? null;
  if (name !== '' && name === lastNameOf(b) && birthDate !== null && birthDate === b.profile?.birthDate)
    return true;
  const phones = new Set(verifiedPhones(a));
  return verifiedPhones(b).some((phone) => phones.has(phone));
}

function valueOf({ identifiers }: OrderSystemCustomer, namespace: string): string | null {
  return identifiers.find((identifier) => identifier.namespace === namespace)?.value ?? null;
}

function lastNameOf({ lastName }: OrderSystemCustomer): string {
  return lastName?.trim().toLowerCase() ?? '';
}

function verifiedPhones({ identifiers }: OrderSystemCustomer): string[] {
  return identifiers.flatMap(({ namespace, value, verified }) =>
    namespace === 'phone' && verified === true && value != null ? [value] : [],
  );
}

export function toOrder(row: OrderRow): OrderRecord {
  return {
    number: row.order_no,
    customerNumber: row.cust_no,
    // Some databases store an empty text instead of null. It would be requested from the webshop as a number.
    onlineNumber: row.shop_order_no === '' ? null : row.shop_order_no,
    status: row.status,
    placedAt: toDateTime(row.placed_at),
    total: { amount: row.total, currency: row.currency },
    exactlyPlacedAt: row.placed_at,
  };
}

/** The cursor of an order in its customer's list. */
export function cursorOf({ exactlyPlacedAt, number }: OrderRecord): string {
  return encodeCursor(ORDERS, [exactlyPlacedAt, number]);
}

/** The position in a cursor of an order. */
export function placeOf(cursor: string): { placedAt: string; number: string } {
  const [placedAt = '', number = ''] = decodeCursor(ORDERS, cursor, 2);
  if (!moment.safeParse(placedAt).success) throw invalidCursor();
  return { placedAt, number };
}

export function toOrderLine(row: OrderLineRow): OrderLineRecord {
  return {
    orderNumber: row.order_no,
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

const CONSENT_STATUS = {
  GIVEN: 'GRANTED',
  REFUSED: 'DENIED',
  WITHDRAWN: 'REVOKED',
  ASKED: 'REQUESTED',
} as const;

export function toConsent(row: ConsentRow): ConsentStatement {
  const status = CONSENT_STATUS[row.status];
  // A consent that was given or requested may expire. A refusal does not expire.
  const hasExpired = row.is_over === 1 && (status === 'GRANTED' || status === 'REQUESTED');
  return {
    purpose: row.purpose,
    channel: row.channel,
    status: hasExpired ? 'EXPIRED' : status,
    updatedAt: toDateTime(row.changed_at),
    evidence: row.evidence,
  };
}

function toDateTime(text: string): string {
  return new Date(`${text.replace(' ', 'T')}:00`).toISOString();
}
