import { createWorld } from '../../sources/stand-ins/seed.js';
import type { Person } from '../../sources/stand-ins/world.js';
import type { Body } from './load.js';

/** Ordinary customers in the imitated systems. */
export const CUSTOMERS = 1_000;

/** The imitated systems. */
export const SYSTEMS: readonly string[] = ['order-system', 'webshop', 'contact-centre', 'crm-hubspot'];

/**
 * The fields of the standard query: some fields of each of the four systems, and the products in the webshop of the lines
 * in the order system.
 */
const FIELDS = `id name emails { value source }
  orders(first: 3) { nodes { number placedAt total { amount currency } lines { quantity product { sku title } } } }
  tickets(first: 3) { nodes { subject status } } company { name } cart { total { amount currency } }`;

export function customerQuery(email: string, fields = FIELDS): Body {
  return JSON.stringify({
    query: `query ($by: CustomerKey!) { customer(by: $by) { ${fields} } }`,
    variables: { by: { email } },
  });
}

export function customersQuery(emails: readonly string[], fields = FIELDS): Body {
  return JSON.stringify({
    query: `query ($by: [CustomerKey!]!) { customers(by: $by) { ${fields} } }`,
    variables: { by: emails.map((email) => ({ email })) },
  });
}

export const TYPENAME: Body = JSON.stringify({ query: '{ __typename }' });

/** Has data in each system for every field above, so that each query makes all calls. */
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

/** E-mail addresses of the ordinary customers with data in every system. */
export function customersEverywhere(): string[] {
  return ordinary(CUSTOMERS)
    .filter(isEverywhere)
    .map(({ email }) => email);
}

function ordinary(customers: number): Person[] {
  const { people } = createWorld({ customers });
  return people.filter(({ email }) => email.startsWith('customer-'));
}
