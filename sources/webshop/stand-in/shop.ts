import type { Person, SeedProduct, WebshopPart, World } from '../../stand-ins/world.js';
import type { Collection } from './collection.js';
import {
  checkoutCollection,
  customerCollection,
  draftOrderCollection,
  orderCollection,
  productCollection,
  variantCollection,
} from './collections.js';
import { gid, parseGid } from './gid.js';
import { addressRecord } from './records/customer.js';
import { lineItemRecord } from './records/draft-order.js';
import { fulfillmentRecord } from './records/order.js';
import { shopRecord } from './records/shop.js';

/** The records of the shop, indexed for queries. */
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
  /** Finds a record of any kind by its global id. */
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
  /** Its index in the order, from 0. */
  index: number;
  orderId: string;
}

export type ShopLine = ShopDraftOrder['draft']['lines'][number];

/** The number of open carts that also have an abandoned checkout. */
const mostCheckouts = 5;

export function createShop(world: World): Shop {
  const customers = world.people.flatMap((person) => toCustomer(person) ?? []);
  const draftOrders = customers.flatMap(toDraftOrders);
  const openDraftOrders = draftOrders.filter(({ draft }) => draft.status === 'OPEN').slice(0, mostCheckouts);
  const draftLines = new Map(draftOrders.flatMap(({ draft }) => draft.lines.map((line) => [line.id, line])));
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

  // A record may refer to any other, so the collections need the whole shop.
  const getShop = () => shop;
  const shop: Shop = {
    customers: customerCollection(customers),
    draftOrders: draftOrderCollection(draftOrders, getShop),
    orders: orderCollection(orders, getShop),
    abandonedCheckouts: checkoutCollection(openDraftOrders, getShop),
    products: productCollection(world.products, getShop),
    variants: variantCollection(world.products, getShop),
    customerByEmail: (email) => recordOf(shop.customers, emails.get(email.trim().toLowerCase())),
    customerByPhone: (phone) => recordOf(shop.customers, phones.get(phone)),
    variantBySku: (sku) => skus.get(sku),
    node: (globalId) => {
      const { type, id } = parseGid(globalId) ?? {};
      return type === undefined || id === undefined ? undefined : nodesByType.get(type)?.(id);
    },
    self: shopRecord,
  };

  const nodesByType = createNodes(shop, fulfillments, draftLines);
  return shop;
}

/** The lookup by id, for each type of a global id. */
function createNodes(
  shop: Shop,
  fulfillments: ReadonlyMap<string, ShopFulfillment>,
  lines: ReadonlyMap<string, ShopLine>,
): ReadonlyMap<string, (id: string) => object | undefined> {
  const among =
    <T>(collection: Collection<T>) =>
    (id: string): object | undefined =>
      recordOf(collection, collection.byId(id));
  return new Map<string, (id: string) => object | undefined>([
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
        return found && lineItemRecord(found, shop);
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
}

function toCustomer(person: Person): ShopCustomer | undefined {
  const { webshop } = person;
  if (!webshop) return undefined;
  const moments = [person.createdAt, ...webshop.draftOrders.map(({ updatedAt }) => updatedAt)];
  return {
    id: webshop.customerId,
    person,
    // A copy for this shop, because it may change and all stand-ins share the world.
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

/** The vendor allows no duplicate address, number or SKU. If the made-up data has one, the first counts. */
function keyed<T>(entries: readonly T[], keyOf: (entry: T) => string): Map<string, T> {
  return new Map([...entries].reverse().map((entry) => [keyOf(entry), entry]));
}

function recordOf<T>(collection: Collection<T>, entry: T | undefined): object | undefined {
  return entry === undefined ? undefined : collection.record(entry);
}
