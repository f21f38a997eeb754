import {
  connection,
  decodeCursor,
  encodeCursor,
  pageSize,
  type Context,
  type Customer,
} from '../../src/index.js';
import { devicesOf, eventPages, namesAsked, visitPages, type Page } from './loaders.js';
import { toVisit } from './mapping.js';
import type { Person } from './people.js';
import type { Resolvers } from './schema.generated.js';

/** The names of the lists in their cursors. */
const VISITS = 'Customer.visits';
const EVENTS = 'Customer.events';

/** Answers schema/sources/clickstream.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    visits: async (customer, { first, after }, { load }) => {
      const size = pageSize(first);
      const place = placeOf(VISITS, after);
      const person = await personOf(customer);
      const found =
        person === null ? [] : await load(visitPages, { person, size: size + 1, after: place, since: null });
      return connection(found, size, (row) => ({
        node: toVisit(row),
        cursor: encodeCursor(VISITS, [row.started, row.domain_sessionid]),
      }));
    },
    events: async (customer, { first, after, names }, context) => {
      const size = pageSize(first);
      const found = await eventsOf(customer, context, {
        size: size + 1,
        after: placeOf(EVENTS, after),
        names: namesAsked(names),
      });
      return connection(found, size, (node) => ({ node, cursor: encodeCursor(EVENTS, [node.at, node.id]) }));
    },
    lastProductViews: async (customer, { first }, context) => {
      const size = pageSize(first);
      const found = await eventsOf(customer, context, { size, after: null, names: ['product_view'] });
      return found
        .flatMap(({ happenedAt, products }) => products.map((product) => ({ viewedAt: happenedAt, product })))
        .slice(0, size);
    },
    lastSearch: async (customer, _, context) => {
      const [found] = await eventsOf(customer, context, {
        size: 1,
        after: null,
        names: ['view_search_results'],
      });
      return found?.searchTerm == null ? null : { term: found.searchTerm, searchedAt: found.happenedAt };
    },
    devices: async (customer, _, { load }) => {
      const person = await personOf(customer);
      return person === null ? [] : [...(await load(devicesOf, person))];
    },
    lastSeenAt: async (customer, _, { load }) => {
      const person = await personOf(customer);
      const [last] = person === null ? [] : await load(devicesOf, person);
      return last?.lastSeenAt ?? null;
    },
  },
  ClickedProduct: {
    product: ({ sku }) => ({ sku }),
  },
};

/**
 * By all of the customer's numbers, and by the device that the caller named, on which the systems know the customer alone.
 * Null when the customer has no number: a device by itself says nothing of who is at it.
 */
export async function personOf(customer: Customer): Promise<Person | null> {
  const customerNumbers = await customer.identifiers('customerNumber');
  const { namespace, value } = customer.identity.start;
  return customerNumbers.length === 0
    ? null
    : { customerNumbers, visitorId: namespace === 'visitorId' ? value : null };
}

async function eventsOf(
  customer: Customer,
  { load }: Context,
  page: Omit<Page, 'person'> & { names: readonly string[] | null },
) {
  const person = await personOf(customer);
  return person === null ? [] : load(eventPages, { person, ...page });
}

function placeOf(list: string, after: string | null | undefined): Page['after'] {
  if (after == null) return null;
  const [at = '', id = ''] = decodeCursor(list, after, 2);
  return { at, id };
}
