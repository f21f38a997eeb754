import { responsePathAsArray, type GraphQLResolveInfo } from 'graphql';
import type { Collection } from './collection.js';
import { connection, largestPage, type Connection, type PageArguments } from './connection.js';
import { parseGid } from './gid.js';
import type { Context, Resolver } from './schema.js';
import { search } from './search-matching.js';
import type { Shop } from './shop.js';
import { badRequest, noCustomIds, oneOfExplanation, tooManyInputs, unknownId } from './vendor-errors.js';

interface SearchArguments extends PageArguments {
  sortKey?: string | null;
  query?: string | null;
  savedSearchId?: string | null;
}

interface CustomerIdentifier {
  id?: string | null;
  customId?: unknown;
  emailAddress?: string | null;
  phoneNumber?: string | null;
}

export function createRootResolvers(shop: Shop, now: () => number): Record<string, Resolver> {
  const entryOf =
    (type: string) =>
    (_parent: unknown, { id }: { id: string }): object | undefined => {
      if (parseGid(id)?.type !== type) throw unknownId(id);
      return shop.node(id);
    };

  const pageOf =
    <T>(collection: Collection<T>) =>
    (_parent: unknown, args: SearchArguments, context: Context, info: GraphQLResolveInfo): Connection => {
      // This shop has no saved searches.
      if (args.savedSearchId) throw unknownId(args.savedSearchId);
      const { entries, report } = search(collection, {
        query: args.query,
        sortKey: args.sortKey ?? 'ID',
        now: now(),
      });
      if (report) context.searches.push({ path: responsePathAsArray(info.path), ...report });
      return connection(entries, args, collection);
    };

  return {
    shop: () => shop.self,
    customer: entryOf('Customer'),
    customerByIdentifier: (_parent: unknown, { identifier }: { identifier: CustomerIdentifier }) =>
      customerBy(shop, identifier),
    customers: pageOf(shop.customers),
    draftOrder: entryOf('DraftOrder'),
    draftOrders: pageOf(shop.draftOrders),
    order: entryOf('Order'),
    orders: pageOf(shop.orders),
    abandonedCheckouts: pageOf(shop.abandonedCheckouts),
    product: entryOf('Product'),
    productVariant: entryOf('ProductVariant'),
    productVariants: pageOf(shop.variants),
    node: (_parent: unknown, { id }: { id: string }) => shop.node(id),
    nodes: (_parent: unknown, { ids }: { ids: string[] }) => {
      if (ids.length > largestPage) throw tooManyInputs(ids.length, largestPage);
      return ids.map((id) => shop.node(id) ?? null);
    },
  };
}

function customerBy(shop: Shop, identifier: CustomerIdentifier): object | undefined {
  const values = Object.values(identifier).filter((value) => value !== undefined && value !== null);
  if (values.length !== 1) throw badRequest(oneOfExplanation('CustomerIdentifierInput', values.length));

  const { id, emailAddress, phoneNumber } = identifier;
  if (typeof id === 'string') {
    if (parseGid(id)?.type !== 'Customer') throw unknownId(id);
    return shop.node(id);
  }
  if (typeof emailAddress === 'string') return shop.customerByEmail(emailAddress);
  if (typeof phoneNumber === 'string') return shop.customerByPhone(phoneNumber);
  throw noCustomIds();
}
