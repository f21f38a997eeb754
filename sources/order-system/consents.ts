import {
  alignMany,
  defineLoader,
  type ConsentDeclaration,
  type ConsentStatement,
  type SqlClient,
} from '../../src/index.js';
import { ORDER_SYSTEM } from './loaders.js';
import { toConsent } from './mapping.js';
import { consentRow } from './wire.js';

/** The consents of each purpose and channel, by customer number. The database's clock decides whether a consent has expired. */
const consentsOfCustomers = defineLoader<SqlClient, string, readonly ConsentStatement[]>({
  name: 'consentsOfCustomers',
  load: async (customerNumbers, database) => {
    const rows = await database.rows(
      consentRow,
      `SELECT cust_no, purpose, channel, status, changed_at, evidence,
         CASE WHEN expires_at <= CURRENT_TIMESTAMP THEN 1 ELSE 0 END AS is_over
       FROM customer_consents
       WHERE cust_no = ANY($1)
       ORDER BY cust_no, purpose, coalesce(channel, '')`,
      [customerNumbers],
    );
    return alignMany(customerNumbers, rows, {
      ...ORDER_SYSTEM,
      keyOf: (row) => row.cust_no,
      // Two rows that differ in anything both count: one of them may be a no.
      idOf: (row) => JSON.stringify(row),
    }).map((rowsOfCustomer) => rowsOfCustomer.map(toConsent));
  },
});

export const consents: ConsentDeclaration<SqlClient> = {
  purposes: ['SERVICE', 'PERSONALISATION', 'MARKETING', 'ANALYTICS', 'CUSTOMER_CARE'],
  ofRecord: consentsOfCustomers,
};
