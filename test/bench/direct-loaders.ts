import DataLoader from 'dataloader';
import { LRUCache } from 'lru-cache';
import { ticketsOfUsers, usersByEmail } from '../../sources/contact-centre/loaders.js';
import { companies, companiesOfContacts, contactsByEmail } from '../../sources/crm-hubspot/loaders.js';
import {
  customersByEmail as buyersByEmail,
  linesOfOrders,
  orderPages,
} from '../../sources/order-system/loaders.js';
import { customersByEmail as shoppersByEmail } from '../../sources/webshop/loaders.js';
import type { Client } from '../../src/connectors/connector.js';
import { createCustomerIds } from '../../src/identity/customer-id.js';
import type { CustomerRecord } from '../../src/index.js';
import type { Loader } from '../../src/loaders/loader.js';
import type { FrozenClock } from './frozen-clock.js';
import { fetchCarts, fetchProducts, type Cart, type Product, type Systems } from './systems.js';

/** Loaders for the schemas that are compared with the gateway: the loaders of the sources, with DataLoader. */

/** The customer's record in each system, in order of precedence. */
export interface Records {
  'order-system': CustomerRecord | undefined;
  webshop: CustomerRecord | undefined;
  'crm-hubspot': CustomerRecord | undefined;
  'contact-centre': CustomerRecord | undefined;
}

export type DirectLoaders = ReturnType<typeof createDirectLoaders>;

/** Cached records by system and e-mail address, for as long as the gateway caches identity. */
type Known = ReturnType<typeof createKnown>;

export function createKnown(clock: FrozenClock['clock']) {
  return new LRUCache<string, readonly CustomerRecord[]>({
    max: 100_000,
    ttl: 60_000,
    perf: clock,
    ttlResolution: 0,
  });
}

/** Creates the loaders of one request. All keys of one tick become one call. */
export function createDirectLoaders({ orders, shop, tickets, crm }: Systems, known: Known) {
  const direct = <C extends Client, K, V, T>(
    loader: Loader<C, K, V>,
    client: C,
    toLoaderKey: (key: T) => K,
    keyOf: (key: T) => string,
  ) =>
    new DataLoader<T, V, string>(async (keys) => [...(await loader.load(keys.map(toLoaderKey), client))], {
      cacheKeyFn: keyOf,
    });
  const toText = (key: string) => key;
  const createFinder = <C extends Client>(
    source: string,
    loader: Loader<C, string, readonly CustomerRecord[]>,
    client: C,
  ) => {
    const byEmail = direct(loader, client, toText, toText);
    return async (email: string): Promise<CustomerRecord | undefined> => {
      const key = `${source} ${email}`;
      let records = known.get(key);
      if (records === undefined) {
        records = await byEmail.load(email);
        known.set(key, records);
      }
      if (records.length > 1) throw new Error(`${source} holds several customers under this address.`);
      return records[0];
    };
  };
  const finders = {
    'order-system': createFinder('order-system', buyersByEmail, orders),
    webshop: createFinder('webshop', shoppersByEmail, shop),
    'crm-hubspot': createFinder('crm-hubspot', contactsByEmail, crm),
    'contact-centre': createFinder('contact-centre', usersByEmail, tickets),
  };
  return {
    recordOf: (source: keyof Records, email: string) => finders[source](email),
    recordsOf: async (address: string): Promise<Records> => {
      const email = address.trim().toLowerCase();
      const [order, shopper, contact, user] = await Promise.all([
        finders['order-system'](email),
        finders.webshop(email),
        finders['crm-hubspot'](email),
        finders['contact-centre'](email),
      ]);
      return { 'order-system': order, webshop: shopper, 'crm-hubspot': contact, 'contact-centre': user };
    },
    orders: direct(
      orderPages,
      orders,
      ({ customerNumber, first }: { customerNumber: string; first: number }) => ({
        customerNumbers: [customerNumber],
        first,
        after: null,
      }),
      ({ customerNumber, first }) => `${customerNumber} ${first}`,
    ),
    lines: direct(linesOfOrders, orders, (number: string) => ({ number, customerNumber: '' }), toText),
    tickets: direct(ticketsOfUsers, tickets, toText, toText),
    companyOf: direct(companiesOfContacts, crm, toText, toText),
    companies: direct(companies, crm, (id: string) => ({ id, contactId: '' }), toText),
    carts: new DataLoader<string, Cart | null>((ids) => fetchCarts(shop, ids), { maxBatchSize: 100 }),
    products: new DataLoader<string, Product | null>((skus) => fetchProducts(shop, skus), {
      maxBatchSize: 100,
    }),
  };
}

const ids = createCustomerIds(process.env.ID_SECRET ?? '');

const entries = (records: Records) => Object.entries(records) as [string, CustomerRecord | undefined][];

const recordKeys: Record<string, string> = {
  'order-system': 'customerNumber',
  webshop: 'shopifyCustomerId',
  'crm-hubspot': 'hubspotContactId',
  'contact-centre': 'zendeskUserId',
};

export function idOf(records: Records) {
  for (const [source, record] of entries(records)) {
    if (record === undefined) continue;
    return sealedId(source, record.id);
  }
  return null;
}

export function sealedId(source: string, recordId: string): string {
  return ids.seal({ namespace: recordKeys[source] ?? '', value: recordId });
}

export function nameOf(records: Records) {
  return (
    entries(records).find(([, record]) => record?.profile?.name != null && record.profile.name !== '')?.[1]
      ?.profile?.name ?? null
  );
}

export function emailsOf(records: Records) {
  return entries(records).flatMap(([source, record]) =>
    record === undefined ? [] : addressesOf(record).map((value) => ({ value, source: enumValueOf(source) })),
  );
}

/** The value of a source in the enum `Source`, such as ORDER_SYSTEM. */
export function enumValueOf(source: string): string {
  return source.toUpperCase().replaceAll('-', '_');
}

export function addressesOf({ identifiers }: CustomerRecord): string[] {
  const values = identifiers.flatMap(({ namespace, value }) =>
    namespace === 'email' && value != null ? [value.trim().toLowerCase()] : [],
  );
  return [...new Set(values)];
}
