import type { Body } from '../load.js';
import { customersEverywhere } from './records.js';

const ORDERS = `orders(first: 3) { nodes { number status placedAt total { amount currency }
  lines { quantity product { sku title price { amount currency } } } } }`;

/** Scenario A: 39 fields of five systems. The CRM first, then three by its customer number, then the products. */
const ONE = `query ($by: CustomerKey!) { customer(by: $by) {
  name language bornOn primaryEmail primaryPhone address { street houseNumber postcode city country }
  ${ORDERS}
  supportTickets(first: 3) { id subject status priority channel createdAt }
  invoices(first: 3) { number status dueDate }
} }`;

/** Scenario B: three systems, one after the other. */
const MANY = `query ($by: [CustomerKey!]!) { customers(by: $by) { name primaryEmail ${ORDERS} } }`;

export const CUSTOMERS_OF_LIST = 50;

function bodyOfOne(email: string): Body {
  return JSON.stringify({ query: ONE, variables: { by: { email } } });
}

export function bodyOfMany(emails: readonly string[]): Body {
  return JSON.stringify({ query: MANY, variables: { by: emails.map((email) => ({ email })) } });
}

/** Scenario A, of each customer. */
export function bodiesOfOne(): Body[] {
  return customersEverywhere().map(bodyOfOne);
}

/** Scenario B, of all customers in lists of fifty. */
export function bodiesOfFifty(): Body[] {
  const emails = customersEverywhere();
  const lists = Math.floor(emails.length / CUSTOMERS_OF_LIST);
  return Array.from({ length: lists }, (_, i) =>
    bodyOfMany(emails.slice(i * CUSTOMERS_OF_LIST, (i + 1) * CUSTOMERS_OF_LIST)),
  );
}
