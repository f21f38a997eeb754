import {
  alignMany,
  CONSENT_FRESHNESS,
  defineLoader,
  type ConsentDeclaration,
  type ConsentStatement,
  type SqlClient,
} from '../../src/index.js';
import { toConsent } from './mapping.js';
import { consentRow } from './wire.js';

/** What stands of each purpose and channel, by the customer's number. Whether it has expired is told by the database's clock. */
export const consentsOfCustomers = defineLoader<SqlClient, string, readonly ConsentStatement[]>({
  name: 'consentsOfCustomers',
  freshness: CONSENT_FRESHNESS,
  about: (value) => [{ namespace: 'customerNumber', value }],
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

export const consents: ConsentDeclaration = {
  purposes: ['SERVICE', 'PERSONALISATION', 'MARKETING', 'ANALYTICS', 'CUSTOMER_CARE'],
  of: async (customer, { load }) => {
    const customerNumbers = await customer.identifiers('customerNumber');
    return (await Promise.all(customerNumbers.map((number) => load(consentsOfCustomers, number)))).flat();
  },
};
