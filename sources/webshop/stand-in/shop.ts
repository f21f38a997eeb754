import type { Person, SeedProduct, WebshopPart, World } from '../../stand-ins/world.js';
import { createCollection, type Collection } from './collection.js';
import { gid, parseGid } from './gid.js';
import { addressRecord, customerRecord } from './records/customer.js';
import { checkoutRecord, draftOrderRecord, lineItemRecord } from './records/draft-order.js';
import { fulfillmentRecord, orderRecord, updatedAt } from './records/order.js';
import { productRecord, variantRecord } from './records/product.js';
import { shopRecord } from './records/shop.js';

/** What the shop holds, ready to be found. */
export interface Shop {
  customers: Collection<ShopCustomer>;
  draftOrders: Collection<ShopDraftOrder>;
  orders: Collection<ShopOrder>;
  abandonedCheckouts: Collection<ShopDraftOrder>;
  products: Collection<SeedProduct>;
  variants: Collection<SeedProduct>;
  customerByEmail(email: string): object | undefined;
  customerByPhone(phone: string): object | undefined;
  variantBySku(sku: string): SeedProduct | undefined;
  /** Any kind of thing by its global id. */
  node(id: string): object | undefined;
  self: object;
}

export interface ShopCustomer {
  id: string;
  person: Person;
  webshop: WebshopPart;
  updatedAt: string;
}

export interface ShopDraftOrder {
  id: string;
  draft: WebshopPart['draftOrders'][number];
  customer: ShopCustomer;
  totalCents: number;
}

export interface ShopOrder {
  id: string;
  order: WebshopPart['orders'][number];
  customer: ShopCustomer;
}

export interface ShopFulfillment {
  shipment: ShopOrder['order']['shipments'][number];
  /** Its place among those of the order, from 0. */
  index: number;
  orderId: string;
}

export type ShopLine = ShopDraftOrder['draft']['lines'][number];

/** A checkout is told of the first few open carts only; enough to see one. */
const mostCheckouts = 5;

export function createShop(world: World): Shop {
  const customers = world.people.flatMap((person) => toCustomer(person) ?? []);
  const draftOrders = customers.flatMap(toDraftOrders);
  const openDraftOrders = draftOrders.filter(({ draft }) => draft.status === 'OPEN').slice(0, mostCheckouts);
  const lines = new Map(
    draftOrders.flatMap((order) => order.draft.lines.map((line) => [line.id, { order, line }])),
  );
  const orders = customers.flatMap((customer) =>
    customer.webshop.orders.map((order): ShopOrder => ({ id: order.id, order, customer })),
  );
  const fulfillments = new Map(
    orders.flatMap(({ id, order }) =>
      order.shipments.map((shipment, index) => [shipment.id, { shipment, index, orderId: id }]),
    ),
  );
  const emails = keyed(customers, ({ person }) => person.email.toLowerCase());
  const phones = keyed(customers, ({ person }) => person.phone);
  const skus = keyed(world.products, ({ sku }) => sku);

  const shop: Shop = {
    customers: createCollection({
      entries: customers,
      idOf: ({ id }) => id,
      record: customerRecord,
      fields: {
        id: { kind: 'id', read: ({ id }) => id, indexed: true },
        email: { kind: 'text', read: ({ person }) => person.email, indexed: true },
        phone: { kind: 'text', read: ({ person }) => person.phone, indexed: true },
        updated_at: { kind: 'time', read: ({ updatedAt }) => updatedAt },
      },
      texts: ({ person }) => [person.firstName, person.lastName, person.email, person.phone],
      sortKeys: {
        CREATED_AT: ({ person }) => Date.parse(person.createdAt),
        LOCATION: ({ person }) => person.address.city,
        NAME: nameOf,
        UPDATED_AT: ({ updatedAt }) => Date.parse(updatedAt),
      },
    }),
    draftOrders: createCollection({
      entries: draftOrders,
      idOf: ({ id }) => id,
      record: (order) => draftOrderRecord(order, shop),
      fields: {
        id: { kind: 'id', read: ({ id }) => id, indexed: true },
        customer_id: { kind: 'id', read: ({ customer }) => customer.id, indexed: true },
        status: { kind: 'text', read: ({ draft }) => draft.status },
        created_at: { kind: 'time', read: ({ draft }) => draft.createdAt },
        updated_at: { kind: 'time', read: ({ draft }) => draft.updatedAt },
        source: { kind: 'text', read: () => null },
        tag: { kind: 'text', read: () => null },
      },
      texts: ({ draft, customer: { person } }) => [
        draft.name,
        person.firstName,
        person.lastName,
        person.email,
      ],
      sortKeys: {
        CUSTOMER_NAME: ({ customer }) => nameOf(customer),
        NUMBER: ({ draft }) => Number(draft.name.replace(/\D/g, '')),
        STATUS: ({ draft }) => draft.status,
        TOTAL_PRICE: ({ totalCents }) => totalCents,
        UPDATED_AT: ({ draft }) => Date.parse(draft.updatedAt),
      },
    }),
    orders: createCollection({
      entries: orders,
      idOf: ({ id }) => id,
      record: (order) => orderRecord(order, shop),
      // The vendor knows some thirty more.
      fields: {
        id: { kind: 'id', read: ({ id }) => id, indexed: true },
        name: { kind: 'text', read: ({ order }) => order.name, indexed: true },
        customer_id: { kind: 'id', read: ({ customer }) => customer.id, indexed: true },
        email: { kind: 'text', read: ({ customer }) => customer.person.email, indexed: true },
        created_at: { kind: 'time', read: ({ order }) => order.placedAt },
        processed_at: { kind: 'time', read: ({ order }) => order.placedAt },
        updated_at: { kind: 'time', read: ({ order }) => updatedAt(order) },
      },
      texts: ({ order, customer: { person } }) => [
        order.name,
        person.firstName,
        person.lastName,
        person.email,
      ],
      sortKeys: {
        CREATED_AT: ({ order }) => Date.parse(order.placedAt),
        CUSTOMER_NAME: ({ customer }) => nameOf(customer),
        ORDER_NUMBER: ({ order }) => Number(order.name.replace(/\D/g, '')),
        PROCESSED_AT: ({ order }) => Date.parse(order.placedAt),
        TOTAL_PRICE: ({ order }) => order.totalCents,
        UPDATED_AT: ({ order }) => Date.parse(updatedAt(order)),
      },
    }),
    abandonedCheckouts: createCollection({
      entries: openDraftOrders,
      idOf: ({ id }) => id,
      record: (order) => checkoutRecord(order, shop),
      fields: {
        id: { kind: 'id', read: ({ id }) => id },
        created_at: { kind: 'time', read: ({ draft }) => draft.createdAt },
        updated_at: { kind: 'time', read: ({ draft }) => draft.updatedAt },
        status: { kind: 'text', read: () => 'open' },
        recovery_state: { kind: 'text', read: () => 'not_recovered' },
        email_state: { kind: 'text', read: () => 'not_sent' },
      },
      texts: ({ customer: { person } }) => [person.firstName, person.lastName, person.email],
      sortKeys: {
        CREATED_AT: ({ draft }) => Date.parse(draft.createdAt),
        CUSTOMER_NAME: ({ customer }) => nameOf(customer),
        TOTAL_PRICE: ({ totalCents }) => totalCents,
      },
    }),
    products: createCollection({
      entries: world.products,
      idOf: ({ productId }) => productId,
      record: (product) => productRecord(product, shop),
      fields: {},
      texts: ({ title }) => [title],
      sortKeys: {},
    }),
    variants: createCollection({
      entries: world.products,
      idOf: ({ variantId }) => variantId,
      record: (product) => variantRecord(product, shop),
      // The vendor knows a dozen more; to us they are unknown, which an answer tells in a warning.
      fields: {
        id: { kind: 'id', read: ({ variantId }) => variantId, indexed: true },
        product_id: { kind: 'id', read: ({ productId }) => productId, indexed: true },
        sku: { kind: 'text', read: ({ sku }) => sku, indexed: true },
        barcode: { kind: 'text', read: () => null },
        title: { kind: 'words', read: ({ title }) => title },
        inventory_quantity: { kind: 'number', read: ({ stock }) => String(stock) },
      },
      texts: ({ title, sku }) => [title, sku],
      sortKeys: {
        FULL_TITLE: ({ title }) => title,
        INVENTORY_QUANTITY: ({ stock }) => stock,
        NAME: ({ title }) => title,
        SKU: ({ sku }) => sku,
        TITLE: ({ title }) => title,
      },
    }),
    customerByEmail: (email) => recordOf(shop.customers, emails.get(email.trim().toLowerCase())),
    customerByPhone: (phone) => recordOf(shop.customers, phones.get(phone)),
    variantBySku: (sku) => skus.get(sku),
    node: (globalId) => {
      const { type, id } = parseGid(globalId) ?? {};
      return type === undefined || id === undefined ? undefined : nodesByType.get(type)?.(id);
    },
    self: shopRecord,
  };

  const among =
    <T>(collection: Collection<T>) =>
    (id: string): object | undefined =>
      recordOf(collection, collection.byId(id));
  const nodesByType = new Map<string, (id: string) => object | undefined>([
    ['Customer', among(shop.customers)],
    ['DraftOrder', among(shop.draftOrders)],
    ['Order', among(shop.orders)],
    [
      'Fulfillment',
      (id) => {
        const found = fulfillments.get(id);
        return found && fulfillmentRecord(found, shop);
      },
    ],
    ['AbandonedCheckout', among(shop.abandonedCheckouts)],
    ['Product', among(shop.products)],
    ['ProductVariant', among(shop.variants)],
    [
      'DraftOrderLineItem',
      (id) => {
        const found = lines.get(id);
        return found && lineItemRecord(found.line, shop);
      },
    ],
    [
      'MailingAddress',
      (id) => {
        const customer = shop.customers.byId(id);
        return customer && addressRecord(customer);
      },
    ],
    ['Shop', (id) => (gid('Shop', id) === shopRecord.id ? shopRecord : undefined)],
  ]);

  return shop;
}

function toCustomer(person: Person): ShopCustomer | undefined {
  const { webshop } = person;
  if (!webshop) return undefined;
  const moments = [person.createdAt, ...webshop.draftOrders.map(({ updatedAt }) => updatedAt)];
  return {
    id: webshop.customerId,
    person,
    // The shop's own, since it may change; the world is everybody's.
    webshop: { ...webshop },
    updatedAt: moments.reduce((latest, moment) => (moment > latest ? moment : latest)),
  };
}

function toDraftOrders(customer: ShopCustomer): ShopDraftOrder[] {
  return customer.webshop.draftOrders.map((draft) => ({
    id: draft.id,
    draft,
    customer,
    totalCents: draft.lines.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0),
  }));
}

/** The vendor lets nobody share an address, number or sku that is looked up by; should the seed, the first counts. */
function keyed<T>(entries: readonly T[], keyOf: (entry: T) => string): Map<string, T> {
  return new Map([...entries].reverse().map((entry) => [keyOf(entry), entry]));
}

function recordOf<T>(collection: Collection<T>, entry: T | undefined): object | undefined {
  return entry === undefined ? undefined : collection.record(entry);
}

function nameOf({ person }: ShopCustomer): string {
  return `${person.lastName}, ${person.firstName}`;
}
