import {
  alignMany,
  defineLoader,
  type ConsentDeclaration,
  type ConsentStatement,
  type SqlClient,
} from '../../src/index.js';
import { toConsent } from './mapping.js';
import { consentRow } from './wire.js';

/** What stands of each purpose and channel, by the customer's number. Whether it has expired is told by the database's clock. */
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
    return alignMany(customerNumbers, rows, (row) => row.cust_no).map((own) => own.map(toConsent));
  },
});

export const consents: ConsentDeclaration<SqlClient> = {
  purposes: ['SERVICE', 'PERSONALISATION', 'MARKETING', 'ANALYTICS', 'CUSTOMER_CARE'],
  ofRecord: consentsOfCustomers,
};
