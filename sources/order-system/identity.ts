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

export const identity: IdentityDeclaration<SqlClient, OrderSystemCustomer> = {
  recordKey: 'customerNumber',
  foundBy: {
    customerNumber: { uniqueness: 'enforced', loader: customersByNumber },
    // The database keeps none of these unique.
    email: { uniqueness: 'usual', loader: customersByEmail },
    // Households share a phone. The shop notes who has answered a message on it, but to follow that would cost a round
    // of asking for each customer whose phone another system knows.
    phone: { uniqueness: 'none', loader: customersByPhone },
    // Who logged in on a device is not all who use it.
    visitorId: { uniqueness: 'none', loader: customersByVisitorId },
    kvkNumber: { uniqueness: 'usual', loader: customersByKvkNumber },
    vatNumber: { uniqueness: 'usual', loader: customersByVatNumber },
  },
  yields: { email: 'one', phone: 'one', visitorId: 'shown', kvkNumber: 'one', vatNumber: 'one' },
  sameCustomer: isSameCustomer,
};
