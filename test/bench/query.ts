import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person } from '../../sources/stand-ins/world.js';
import type { Body } from './load.js';

/** Ordinary customers in the imitated systems. */
export const CUSTOMERS = 1_000;

/** The imitated systems. */
export const SYSTEMS: readonly string[] = ['order-system', 'webshop', 'contact-centre', 'crm-hubspot'];

/** All that is asked of a customer: something of each of the four systems, and products of one by the words of another. */
const FIELDS = `id name emails { value source }
  orders(first: 3) { nodes { number placedAt total { amount currency } lines { quantity product { sku title } } } }
  tickets(first: 3) { nodes { subject status } } company { name } cart { total { amount currency } }`;

export function one(email: string, fields = FIELDS): Body {
  return JSON.stringify({
    query: `query ($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
    variables: { by: { email } },
  });
}

export function many(emails: readonly string[], fields = FIELDS): Body {
  return JSON.stringify({
    query: `query ($by: [CustomerKey!]!) { customers(by: $by) { ${fields} } }`,
    variables: { by: emails.map((email) => ({ email })) },
  });
}

export const TYPENAME: Body = JSON.stringify({ query: '{ __typename }' });

/** Knows something in each system for every field above, so that no call is left out. */
function isEverywhere({ orderSystem, webshop, contactCentre, crm }: Person): boolean {
  return (
    (orderSystem?.orders.length ?? 0) > 0 &&
    webshop?.draftOrders.some(({ status }) => status === 'OPEN') === true &&
    (contactCentre?.tickets.length ?? 0) > 0 &&
    crm?.companyId !== undefined
  );
}

/** The e-mail addresses of all ordinary customers. */
export function ordinaryCustomers(customers = CUSTOMERS): string[] {
  return ordinary(customers).map(({ email }) => email);
}

/** Those of them that every system knows. */
export function customersEverywhere(): string[] {
  return ordinary(CUSTOMERS)
    .filter(isEverywhere)
    .map(({ email }) => email);
}

function ordinary(customers: number): Person[] {
  const { people } = createWorld({ customers });
  return people.filter(({ email }) => email.startsWith('customer-'));
}
