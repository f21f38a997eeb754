import {
  connection,
  decodeCursor,
  encodeCursor,
  globalId,
  invalidCursor,
  pageSize,
  type Context,
  type Customer,
} from '../../src/index.js';
import { devicesOf, eventPages, toNameFilter, visitPages, type EventPage, type Page } from './loaders.js';
import { toVisit, type ClickEventRecord } from './mapping.js';
import type { Person } from './people.js';
import type { ProductView, Resolvers, ResolversParentTypes } from './schema.generated.js';

/** The names of the lists in their cursors. */
const VISITS = 'Customer.visits';
const EVENTS = 'Customer.events';
const PRODUCT_VIEWS = 'Customer.productViews';

/** Answers schema/sources/clickstream.graphql. */
export const resolvers: Resolvers = {
  Customer: {
    visits: async (customer, { first, after }, { load }) => {
      const size = pageSize(first);
      const position = readCursor(VISITS, after);
      const person = await findPerson(customer);
      const found =
        person === null
          ? []
          : await load(visitPages, { person, size: size + 1, after: position, since: null });
      return connection(found, size, {
        nodeOf: toVisit,
        cursorOf: (row) => encodeCursor(VISITS, [row.started, row.domain_sessionid]),
      });
    },
    events: async (customer, { first, after, names }, context) => {
      const size = pageSize(first);
      const found = await loadEvents(customer, context, {
        size: size + 1,
        after: readCursor(EVENTS, after),
        names: toNameFilter(names),
      });
      return connection(found, size, {
        nodeOf: (event) => event,
        cursorOf: (event) => encodeCursor(EVENTS, [event.at, event.recordId]),
      });
    },
    productViews: async (customer, { first, after }, context) => {
      const size = pageSize(first);
      const found = await loadProductViews(customer, context, readProductCursor(after), size + 1);
      return connection(found, size, {
        nodeOf: ({ view }) => view,
        cursorOf: ({ event, index }) =>
          encodeCursor(PRODUCT_VIEWS, [event.at, event.recordId, String(index)]),
      });
    },
    lastSearch: async (customer, _, context) => {
      const [search] = await loadEvents(customer, context, {
        size: 1,
        after: null,
        names: ['view_search_results'],
      });
      return search?.searchTerm == null ? null : { term: search.searchTerm, searchedAt: search.happenedAt };
    },
    devices: async (customer, _, { load }) => {
      const person = await findPerson(customer);
      return person === null ? [] : [...(await load(devicesOf, person))];
    },
    lastSeenAt: async (customer, _, { load }) => {
      const person = await findPerson(customer);
      const [lastUsed] = person === null ? [] : await load(devicesOf, person);
      return lastUsed?.lastSeenAt ?? null;
    },
  },
  Visit: { id: ({ recordId }) => globalId('Visit', recordId) },
  ClickEvent: { id: ({ recordId }) => globalId('ClickEvent', recordId) },
  ClickedProduct: {
    product: ({ sku }) => ({ sku }),
  },
};

/**
 * The person whose events are a customer's. They are found by all of the customer's numbers, and by the
 * device that the caller named if the systems know it as this customer's alone. Null if the customer has no
 * number, because a device alone does not identify a person.
 */
export async function findPerson(customer: Customer): Promise<Person | null> {
  const customerNumbers = await customer.identifiers('customerNumber');
  const { namespace, value } = customer.identity.start;
  return customerNumbers.length === 0
    ? null
    : { customerNumbers, visitorId: namespace === 'visitorId' ? value : null };
}

async function loadEvents(
  customer: Customer,
  { load }: Context,
  page: Omit<EventPage, 'person'>,
): Promise<readonly ClickEventRecord[]> {
  const person = await findPerson(customer);
  return person === null ? [] : load(eventPages, { person, ...page });
}

/** A product of an event. An event may have several. */
interface ProductPosition {
  at: string;
  id: string;
  /** The product's index in the event's list of products. */
  index: number;
}

interface FoundView {
  view: Omit<ProductView, 'product'> & { product: ResolversParentTypes['ClickedProduct'] };
  event: ClickEventRecord;
  index: number;
}

/**
 * Up to `count` product views after a position. An event without a product does not count, so further events
 * may be read.
 */
async function loadProductViews(
  customer: Customer,
  context: Context,
  after: ProductPosition | null,
  count: number,
): Promise<FoundView[]> {
  const found: FoundView[] = [];
  // The last event may have more products. With a blank after its id, the page begins with this event itself.
  let position: Page['after'] = after === null ? null : { at: after.at, id: `${after.id} ` };
  for (;;) {
    const events: readonly ClickEventRecord[] = await loadEvents(customer, context, {
      size: count,
      after: position,
      names: ['product_view'],
    });
    for (const event of events)
      for (const [index, product] of event.products.entries())
        if (event.recordId !== after?.id || index > after.index)
          found.push({ view: { viewedAt: event.happenedAt, product }, event, index });
    const last = events.at(-1);
    if (last === undefined || events.length < count || found.length >= count) return found.slice(0, count);
    position = { at: last.at, id: last.recordId };
  }
}

function readCursor(list: string, after: string | null | undefined): Page['after'] {
  if (after == null) return null;
  const [at = '', id = ''] = decodeCursor(list, after, 2);
  return { at, id };
}

function readProductCursor(after: string | null | undefined): ProductPosition | null {
  if (after == null) return null;
  const [at = '', id = '', index = ''] = decodeCursor(PRODUCT_VIEWS, after, 3);
  if (!/^\d{1,9}$/.test(index)) throw invalidCursor();
  return { at, id, index: Number(index) };
}
