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

/** Asked by ourselves, not stitched: what is stitched is kept as long as the webshop's other answers. */
const consentsOfCustomers = defineLoader<GraphqlClient, string, readonly ConsentStatement[]>({
  name: 'consentsOfCustomers',
  maxBatch: MAX_BATCH,
  load: async (customerIds, shopify) => {
    const { data, errors } = await shopify.query(QUERY, { ids: customerIds.map(toGid) });
    const nodes = z.array(z.unknown()).safeParse(data?.nodes).data;
    if (nodes === undefined) throw errors[0]?.error ?? misfit();
    const customers = nodes.map((node, i) => ({
      id: fromGid(idOf(node)),
      node,
      error: errors.find(({ path }) => path[1] === i)?.error,
    }));
    // Whose node failed as a whole nobody can tell, so none of those who are missing counts as one without consents.
    const nameless = customers.find(({ id, error }) => id === '' && error !== undefined)?.error;
    // A customer that is not there is null.
    const there = customers.filter(({ node }) => node != null);
    return alignOne(customerIds, there, { source: 'webshop', keyOf: ({ id }) => id }).map((found) => {
      if (found === null) return nameless ?? [];
      const customer = consentingCustomer.safeParse(found.node);
      return found.error ?? (customer.success ? toConsents(customer.data) : misfit());
    });
  },
});

function idOf(node: unknown): unknown {
  return typeof node === 'object' && node !== null && 'id' in node ? node.id : undefined;
}

function misfit(): SourceContractError {
  return new SourceContractError('webshop', 'webshop sent an answer of another shape, at: nodes.');
}

export const consents: ConsentDeclaration<GraphqlClient> = {
  purposes: ['MARKETING'],
  ofRecord: consentsOfCustomers,
};
