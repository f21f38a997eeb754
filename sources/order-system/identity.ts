import type { IdentityDeclaration, SqlClient } from '../../src/index.js';
import {
  customersByEmail,
  customersByKvkNumber,
  customersByNumber,
  customersByPhone,
  customersByVatNumber,
  customersByVisitorId,
} from './loaders.js';
import { isSameCustomer, type OrderSystemCustomer } from './mapping.js';
import { search } from './search.js';

export const identity: IdentityDeclaration<SqlClient, OrderSystemCustomer> = {
  recordKey: 'customerNumber',
  foundBy: {
    customerNumber: { uniqueness: 'enforced', loader: customersByNumber },
    // The database does not enforce uniqueness of these.
    email: { uniqueness: 'usual', loader: customersByEmail },
    // Households share a phone. The shop stores which customer has verified it, but to use that would cost one more round of
    // calls for each customer whose phone another system holds.
    phone: { uniqueness: 'none', loader: customersByPhone },
    // Other people may use a device than those who logged in on it.
    visitorId: { uniqueness: 'none', loader: customersByVisitorId },
    kvkNumber: { uniqueness: 'usual', loader: customersByKvkNumber },
    vatNumber: { uniqueness: 'usual', loader: customersByVatNumber },
  },
  yields: { email: 'one', phone: 'one', visitorId: 'shown', kvkNumber: 'one', vatNumber: 'one' },
  searches: [search],
  sameCustomer: isSameCustomer,
};
