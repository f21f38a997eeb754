import { z } from 'zod';
import {
  alignOne,
  defineLoader,
  SourceContractError,
  type ConsentDeclaration,
  type ConsentStatement,
  type GraphqlClient,
} from '../../src/index.js';
import { fromGid, toConsents, toGid } from './mapping.js';
import { consentingCustomer } from './wire.js';

/** `nodes` takes 250 ids; a customer with its two consents costs three points of the 1,000 that a query may cost. */
const MAX_BATCH = 250;

const QUERY = `query($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on Customer {
      id
      emailMarketingConsent { marketingState marketingOptInLevel consentUpdatedAt }
      smsMarketingConsent { marketingState marketingOptInLevel consentUpdatedAt }
    }
  }
}`;

/** A loader of its own, because stitched fields are cached as long as all other data of the webshop. */
const consentsOfCustomers = defineLoader<GraphqlClient, string, readonly ConsentStatement[]>({
  name: 'consentsOfCustomers',
  maxBatch: MAX_BATCH,
  load: async (customerIds, shopify) => {
    const { data, errors } = await shopify.query(QUERY, { ids: customerIds.map(toGid) });
    const nodes = z.array(z.unknown()).safeParse(data?.nodes).data;
    if (nodes === undefined) throw errors[0]?.error ?? mismatch();
    const customers = nodes.map((node, i) => ({
      id: fromGid(idOf(node)),
      node,
      error: errors.find(({ path }) => path[1] === i)?.error,
    }));
    // A node that failed as a whole has no id, so every missing customer may be the failed one: none counts as without consents.
    const nameless = customers.find(({ id, error }) => id === '' && error !== undefined)?.error;
    // A customer that does not exist is null.
    const there = customers.filter(({ node }) => node != null);
    return alignOne(customerIds, there, { source: 'webshop', keyOf: ({ id }) => id }).map((found) => {
      if (found === null) return nameless ?? [];
      const customer = consentingCustomer.safeParse(found.node);
      return found.error ?? (customer.success ? toConsents(customer.data) : mismatch());
    });
  },
});

function idOf(node: unknown): unknown {
  return typeof node === 'object' && node !== null && 'id' in node ? node.id : undefined;
}

function mismatch(): SourceContractError {
  return new SourceContractError('webshop', 'webshop sent an answer of another shape, at: nodes.');
}

export const consents: ConsentDeclaration<GraphqlClient> = {
  purposes: ['MARKETING'],
  ofRecord: consentsOfCustomers,
};
