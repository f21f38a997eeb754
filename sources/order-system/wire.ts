import { z } from 'zod';

/** What the order database sends: rows of our queries. Moments and decimals arrive as text, exact. */

/** Bounds of the moments of orders. Not every database has an infinite timestamp. */
export const FIRST_MOMENT = '1000-01-01 00:00:00+00';
export const LAST_MOMENT = '9999-12-31 23:59:59+00';

/** A whole number. Some databases return it as text. */
export const integer = z.union([
  z.number(),
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
]);

/** A moment in UTC: `2026-11-01 12:00:00.123456+00`. */
export const moment = z.string().refine(isMoment);

const MOMENT =
  /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?\+00$/;

function isMoment(text: string): boolean {
  if (!MOMENT.test(text)) return false;
  const dayOfMonth = Number(text.slice(8, 10));
  // Not every month has the 29th. JavaScript reads 30 February as 2 March.
  return dayOfMonth <= 28 || new Date(`${text.slice(0, 10)}T00:00Z`).getUTCDate() === dayOfMonth;
}

/** A customer and one of the devices that the customer logged in on. A customer without devices has one row. */
export const customerDeviceRow = z.object({
  cust_no: z.string(),
  email: z.string().nullable(),
  email_verified: z.boolean(),
  phone: z.string().nullable(),
  phone_verified: z.boolean(),
  first_name: z.string().nullable(),
  last_name: z.string().nullable(),
  birth_date: z.iso.date().nullable(),
  street: z.string().nullable(),
  house_no: z.string().nullable(),
  postcode: z.string().nullable(),
  city: z.string().nullable(),
  country: z.string().nullable(),
  kvk_no: z.string().nullable(),
  vat_no: z.string().nullable(),
  company_name: z.string().nullable(),
  created_at: moment,
  updated_at: moment.nullable(),
  visitor_id: z.string().nullable(),
});
type CustomerDeviceRow = z.infer<typeof customerDeviceRow>;

/** A customer with the visitor ids of all devices, in the order of the rows. */
export type CustomerRow = Omit<CustomerDeviceRow, 'visitor_id'> & { visitor_ids: readonly string[] };

/**
 * Joins the rows of each customer, because each database has another syntax for lists in a column. A customer that was found
 * by several devices has its rows several times.
 */
export function withDevices(rows: readonly CustomerDeviceRow[]): CustomerRow[] {
  const customers = new Map<string, CustomerRow>();
  for (const { visitor_id, ...row } of rows) {
    const devices = customers.get(row.cust_no)?.visitor_ids ?? [];
    const isNew = visitor_id !== null && !devices.includes(visitor_id);
    customers.set(row.cust_no, { ...row, visitor_ids: isNew ? [...devices, visitor_id] : devices });
  }
  return [...customers.values()];
}

export const orderRow = z.object({
  /** The index of the order's page in the batch. */
  page: integer,
  order_no: z.string(),
  cust_no: z.string(),
  shop_order_no: z.string().nullable(),
  status: z.enum(['NEW', 'PAID', 'SHIPPED', 'DELIVERED', 'CANCELLED']),
  placed_at: moment,
  currency: z.string(),
  total: z.string(),
});
export type OrderRow = z.infer<typeof orderRow>;

export const orderLineRow = z.object({
  order_no: z.string(),
  line_no: z.number(),
  sku: z.string(),
  description: z.string(),
  quantity: z.number(),
  unit_price: z.string(),
  currency: z.string(),
});
export type OrderLineRow = z.infer<typeof orderLineRow>;

export const paymentRow = z.object({
  order_no: z.string(),
  payment_no: integer,
  method: z.string(),
  amount: z.string(),
  paid_at: moment,
  currency: z.string(),
});
export type PaymentRow = z.infer<typeof paymentRow>;

export const consentRow = z.object({
  cust_no: z.string(),
  purpose: z.enum(['SERVICE', 'PERSONALISATION', 'MARKETING', 'ANALYTICS', 'CUSTOMER_CARE']),
  channel: z.enum(['EMAIL', 'SMS', 'PHONE', 'POST']).nullable(),
  status: z.enum(['GIVEN', 'REFUSED', 'WITHDRAWN', 'ASKED']),
  changed_at: moment,
  evidence: z.string().nullable(),
  /** 1 when the consent has expired. */
  is_over: integer,
});
export type ConsentRow = z.infer<typeof consentRow>;
