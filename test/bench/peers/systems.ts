import type { Records } from './records.js';

/** Names of the systems. Each is a process with the records of the stand-in of that name. */
export const PEER_SYSTEMS = ['crm-hubspot', 'order-system', 'webshop', 'contact-centre', 'invoices'] as const;

/** The maximum number of keys in one call by REST, so that its URL remains short. */
export const MAX_KEYS = 100;

export type PeerSystem = (typeof PEER_SYSTEMS)[number];

/** Answers of one system from the same records, by REST and as a subgraph. */
export interface Answers {
  /** Path of the records in REST. */
  path: string;
  /** Lookup by query parameter. Keys are repeated parameters or separated by commas. */
  findBy: Readonly<Record<string, (keys: readonly string[], first: number) => unknown[]>>;
  /** Root value of the GraphQL execution. */
  root: object;
}

/** Environment variable with the URL of each system. */
export const URL_SETTINGS: Readonly<Record<PeerSystem, string>> = {
  'crm-hubspot': 'PEERS_CRM_URL',
  'order-system': 'PEERS_ORDERS_URL',
  webshop: 'PEERS_PRODUCTS_URL',
  'contact-centre': 'PEERS_TICKETS_URL',
  invoices: 'PEERS_INVOICES_URL',
};

interface Page {
  first: number;
}

interface Key {
  email: string;
}

interface Representation {
  customerNumber: string;
  sku: string;
}

export function answersOf(system: PeerSystem, records: Records): Answers {
  switch (system) {
    case 'crm-hubspot': {
      const find = ({ email }: Key) => {
        const contact = records.contacts.get(email);
        if (contact === undefined) return null;
        return { ...contact, primaryEmail: contact.email, primaryPhone: contact.phone };
      };
      return {
        path: '/contacts',
        findBy: {
          email: (emails) => emails.flatMap((email) => records.contacts.get(email) ?? []),
          customerNumber: (numbers) =>
            [...records.contacts.values()].filter(({ customerNumber }) => numbers.includes(customerNumber)),
        },
        root: {
          customer: ({ by }: { by: Key }) => find(by),
          customers: ({ by }: { by: Key[] }) => by.map(find),
        },
      };
    }
    case 'webshop': {
      const find = (sku: string) => records.products.get(sku);
      return {
        path: '/products',
        findBy: { sku: (skus) => skus.flatMap((sku) => find(sku) ?? []) },
        root: entities(({ sku }) => ({ __typename: 'Product', ...find(sku) })),
      };
    }
    case 'order-system': {
      const find = pages(records.orders);
      const nodesOf = (number: string, first: number) =>
        find([number], first).map((order) => ({
          ...order,
          lines: order.lines.map(({ sku, ...line }) => ({ ...line, product: { sku } })),
        }));
      return {
        path: '/orders',
        findBy: { customerNumber: find },
        root: customers((number) => ({ orders: ({ first }: Page) => ({ nodes: nodesOf(number, first) }) })),
      };
    }
    case 'contact-centre': {
      const find = pages(records.tickets);
      return {
        path: '/tickets',
        findBy: { customerNumber: find },
        root: customers((number) => ({ supportTickets: ({ first }: Page) => find([number], first) })),
      };
    }
    case 'invoices': {
      const find = pages(records.invoices);
      return {
        path: '/invoices',
        findBy: { customerNumber: find },
        root: customers((number) => ({ invoices: ({ first }: Page) => find([number], first) })),
      };
    }
  }
}

/** A page of records for each customer. */
function pages<R>(byNumber: ReadonlyMap<string, readonly R[]>) {
  return (numbers: readonly string[], first: number): R[] =>
    numbers.flatMap((number) => byNumber.get(number)?.slice(0, first) ?? []);
}

function entities(find: (representation: Representation) => object) {
  return {
    _entities: ({ representations }: { representations: Representation[] }) => representations.map(find),
  };
}

function customers(partOf: (customerNumber: string) => object) {
  return entities(({ customerNumber }) => ({
    __typename: 'Customer',
    customerNumber,
    ...partOf(customerNumber),
  }));
}
