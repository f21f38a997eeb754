import { z } from 'zod';

/** What the order database sends: rows of our queries. Moments and decimals arrive as text, exact. */

/** As PostgreSQL writes a moment in a session whose time zone is UTC: `2026-11-01 12:00:00.123456+00`. */
export const moment = z.string().refine(isMoment);

function isMoment(text: string): boolean {
  const [, day, time] = /^((?!0000)\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d{1,6})?\+00$/.exec(text) ?? [];
  const date = new Date(`${day ?? ''}T${time ?? ''}Z`);
  // JavaScript takes 30 February for 2 March, the database does not.
  return !Number.isNaN(date.valueOf()) && date.toISOString().startsWith(`${day ?? ''}T${time ?? ''}`);
}

export const customerRow = z.object({
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
  /** Of the devices on which the customer logged in, the last one first. */
  visitor_ids: z.array(z.string()),
});
export type CustomerRow = z.infer<typeof customerRow>;

export const orderRow = z.object({
  /** Which of the asked pages the order is on. */
  page: z.number(),
  order_no: z.string(),
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
  method: z.string(),
  amount: z.string(),
  paid_at: moment,
  currency: z.string(),
});
export type PaymentRow = z.infer<typeof paymentRow>;
