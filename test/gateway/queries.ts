/** Selects fields of every system for one customer, and a product that two systems share. */
export const EVERYTHING = `{
  id name emails { value source }
  orders(first: 3) {
    nodes { number placedAt total { amount currency } lines { quantity product { sku title } } }
  }
  openTicketCount { value }
  company { name }
  cart { total { amount currency } }
}`;

export const ONE_CUSTOMER = `query($by: CustomerKey!) { customer(by: $by) ${EVERYTHING} }`;

export const MANY_CUSTOMERS = `query($by: [CustomerKey!]!) { customers(by: $by) ${EVERYTHING} }`;

export function ordinaryCustomers(count: number, first = 1): { email: string }[] {
  return Array.from({ length: count }, (_, i) => ({ email: `customer-${first + i}@example.nl` }));
}
