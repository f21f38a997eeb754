import {
  defineLoader,
  type ConsentDeclaration,
  type ConsentStatement,
  type GraphqlClient,
} from '../../src/index.js';
import { toConsents } from './mapping.js';
import { readCustomers } from './nodes.js';
import { consentingCustomer } from './wire.js';

/** `nodes` takes 250 ids; a customer with its two consents costs three points of the 1,000 that a query may cost. */
const MAX_BATCH = 250;

const SELECTION = `
  id
  emailMarketingConsent { marketingState marketingOptInLevel consentUpdatedAt }
  smsMarketingConsent { marketingState marketingOptInLevel consentUpdatedAt }`;

/** A loader of its own, because stitched fields are cached as long as all other data of the webshop. */
const consentsOfCustomers = defineLoader<GraphqlClient, string, readonly ConsentStatement[]>({
  name: 'consentsOfCustomers',
  maxBatch: MAX_BATCH,
  load: async (customerIds, shopify) => {
    const found = await readCustomers(shopify, customerIds, {
      selection: SELECTION,
      customer: consentingCustomer,
    });
    return found.map((customer) =>
      customer instanceof Error ? customer : customer === null ? [] : toConsents(customer),
    );
  },
});

export const consents: ConsentDeclaration<GraphqlClient> = {
  purposes: ['MARKETING'],
  ofRecord: consentsOfCustomers,
};
