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
import { askForCarts, askForProducts, type Cart, type Product, type Systems } from './systems.js';

/** What those who are compared with the gateway ask the systems by: the sources' own loaders and DataLoader. */

/** The customer's record in each system, in the order in which the systems are believed. */
export interface Records {
  'order-system': CustomerRecord | undefined;
  webshop: CustomerRecord | undefined;
  'crm-hubspot': CustomerRecord | undefined;
  'contact-centre': CustomerRecord | undefined;
}

export type DirectLoaders = ReturnType<typeof createDirectLoaders>;

/** Who is known to which system, for as long as the gateway keeps it. */
type Known = ReturnType<typeof createKnown>;

export function createKnown(clock: FrozenClock['clock']) {
  return new LRUCache<string, readonly CustomerRecord[]>({
    max: 100_000,
    ttl: 60_000,
    perf: clock,
    ttlResolution: 0,
  });
}

/** One request's loaders: what is asked for in one tick becomes one call. */
export function createDirectLoaders({ orders, shop, tickets, crm }: Systems, known: Known) {
  const direct = <C extends Client, K, V, T>(
    loader: Loader<C, K, V>,
    client: C,
    toAsk: (key: T) => K,
    keyOf: (key: T) => string,
  ) =>
    new DataLoader<T, V, string>(async (keys) => [...(await loader.load(keys.map(toAsk), client))], {
      cacheKeyFn: keyOf,
    });
  const same = (key: string) => key;
  const whoIs = <C extends Client>(
    source: string,
    loader: Loader<C, string, readonly CustomerRecord[]>,
    client: C,
  ) => {
    const asked = direct(loader, client, same, same);
    return async (email: string): Promise<CustomerRecord | undefined> => {
      const key = `${source} ${email}`;
      let records = known.get(key);
      if (records === undefined) {
        records = await asked.load(email);
        known.set(key, records);
      }
      if (records.length > 1) throw new Error(`${source} holds several customers under this address.`);
      return records[0];
    };
  };
  const ask = {
    'order-system': whoIs('order-system', buyersByEmail, orders),
    webshop: whoIs('webshop', shoppersByEmail, shop),
    'crm-hubspot': whoIs('crm-hubspot', contactsByEmail, crm),
    'contact-centre': whoIs('contact-centre', usersByEmail, tickets),
  };
  return {
    recordOf: (source: keyof Records, email: string) => ask[source](email),
    recordsOf: async (given: string): Promise<Records> => {
      const email = given.trim().toLowerCase();
      const [order, shopper, contact, user] = await Promise.all([
        ask['order-system'](email),
        ask.webshop(email),
        ask['crm-hubspot'](email),
        ask['contact-centre'](email),
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
    lines: direct(linesOfOrders, orders, (number: string) => ({ number, customerNumber: '' }), same),
    tickets: direct(ticketsOfUsers, tickets, same, same),
    companyOf: direct(companiesOfContacts, crm, same, same),
    companies: direct(companies, crm, (id: string) => ({ id, contactId: '' }), same),
    carts: new DataLoader<string, Cart | null>((ids) => askForCarts(shop, ids), { maxBatchSize: 100 }),
    products: new DataLoader<string, Product | null>((skus) => askForProducts(shop, skus), {
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
    record === undefined ? [] : addressesOf(record).map((value) => ({ value, source })),
  );
}

export function addressesOf({ identifiers }: CustomerRecord): string[] {
  const values = identifiers.flatMap(({ namespace, value }) =>
    namespace === 'email' && value != null ? [value.trim().toLowerCase()] : [],
  );
  return [...new Set(values)];
}
