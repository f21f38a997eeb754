import { defineLoader, MAX_SEARCH_RECORDS } from '../../src/index.js';
import type { CustomerSearch, SearchDeclaration, SqlClient } from '../../src/index.js';
import { CUSTOMERS } from './loaders.js';
import { toCustomer, type OrderSystemCustomer } from './mapping.js';
import { customerDeviceRow, withDevices } from './wire.js';

/** The conditions of a search, with their parameters from `$1`. */
function conditionsOf({ name, email, phone, postcode, houseNumber, orderNumber }: CustomerSearch): {
  conditions: string[];
  parameters: string[];
} {
  const parameters: string[] = [];
  const parameter = (value: string): string => `$${parameters.push(value)}`;
  const contains = (column: string, part: string): string =>
    `lower(${column}) LIKE ${parameter(`%${part.toLowerCase().replaceAll(/[!%_]/g, '!$&')}%`)} ESCAPE '!'`;
  const conditions = (name?.split(' ') ?? []).map(
    (word) =>
      `(${['first_name', 'last_name', 'company_name'].map((column) => contains(column, word)).join(' OR ')})`,
  );
  if (email !== undefined) conditions.push(contains('email', email));
  if (phone !== undefined) conditions.push(`phone = ${parameter(phone)}`);
  if (postcode !== undefined) conditions.push(`upper(replace(postcode, ' ', '')) = ${parameter(postcode)}`);
  if (houseNumber !== undefined)
    conditions.push(`upper(replace(house_no, ' ', '')) = ${parameter(houseNumber)}`);
  if (orderNumber !== undefined)
    conditions.push(
      `cust_no IN (SELECT cust_no FROM orders WHERE order_no = ${parameter(orderNumber)} OR shop_order_no = ${parameter(orderNumber)})`,
    );
  return { conditions, parameters };
}

/**
 * Searches the table of customers. Without a phone or an order number no index is used: README.md says which ones help. Accents must
 * be as in the table.
 */
export const search: SearchDeclaration<SqlClient, OrderSystemCustomer> = {
  by: ['name', 'email', 'phone', 'postcode', 'houseNumber', 'orderNumber'],
  loader: defineLoader({
    name: 'customersBySearch',
    load: (searches, database) =>
      Promise.all(
        searches.map(async (terms) => {
          const { conditions, parameters } = conditionsOf(terms);
          // MariaDB accepts LIMIT in a derived table, and not directly in IN.
          const found = `SELECT cust_no FROM customers WHERE ${conditions.join(' AND ')} ORDER BY updated_at DESC, cust_no LIMIT ${MAX_SEARCH_RECORDS}`;
          const rows = await database.rows(
            customerDeviceRow,
            `${CUSTOMERS} JOIN (${found}) AS found ON found.cust_no = customers.cust_no
             ORDER BY customers.updated_at DESC, customers.cust_no, customer_devices.last_seen_at DESC, customer_devices.visitor_id`,
            parameters,
          );
          return withDevices(rows).map(toCustomer);
        }),
      ),
  }),
};
