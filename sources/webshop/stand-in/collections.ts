import type { SeedProduct } from '../../stand-ins/world.js';
import { createCollection, type Collection } from './collection.js';
import { customerRecord } from './records/customer.js';
import { checkoutRecord, draftOrderRecord } from './records/draft-order.js';
import { orderRecord, updatedAt } from './records/order.js';
import { productRecord, variantRecord } from './records/product.js';
import type { Shop, ShopCustomer, ShopDraftOrder, ShopOrder } from './shop.js';

export function customerCollection(entries: readonly ShopCustomer[]): Collection<ShopCustomer> {
  return createCollection({
    entries,
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
  });
}

export function draftOrderCollection(
  entries: readonly ShopDraftOrder[],
  shop: () => Shop,
): Collection<ShopDraftOrder> {
  return createCollection({
    entries,
    idOf: ({ id }) => id,
    record: (order) => draftOrderRecord(order, shop()),
    fields: {
      id: { kind: 'id', read: ({ id }) => id, indexed: true },
      customer_id: { kind: 'id', read: ({ customer }) => customer.id, indexed: true },
      status: { kind: 'text', read: ({ draft }) => draft.status },
      created_at: { kind: 'time', read: ({ draft }) => draft.createdAt },
      updated_at: { kind: 'time', read: ({ draft }) => draft.updatedAt },
      source: { kind: 'text', read: () => null },
      tag: { kind: 'text', read: () => null },
    },
    texts: ({ draft, customer: { person } }) => [draft.name, person.firstName, person.lastName, person.email],
    sortKeys: {
      CUSTOMER_NAME: ({ customer }) => nameOf(customer),
      NUMBER: ({ draft }) => Number(draft.name.replace(/\D/g, '')),
      STATUS: ({ draft }) => draft.status,
      TOTAL_PRICE: ({ totalCents }) => totalCents,
      UPDATED_AT: ({ draft }) => Date.parse(draft.updatedAt),
    },
  });
}

export function orderCollection(entries: readonly ShopOrder[], shop: () => Shop): Collection<ShopOrder> {
  return createCollection({
    entries,
    idOf: ({ id }) => id,
    record: (order) => orderRecord(order, shop()),
    // The vendor has about thirty more.
    fields: {
      id: { kind: 'id', read: ({ id }) => id, indexed: true },
      name: { kind: 'text', read: ({ order }) => order.name, indexed: true },
      customer_id: { kind: 'id', read: ({ customer }) => customer.id, indexed: true },
      email: { kind: 'text', read: ({ customer }) => customer.person.email, indexed: true },
      created_at: { kind: 'time', read: ({ order }) => order.placedAt },
      processed_at: { kind: 'time', read: ({ order }) => order.placedAt },
      updated_at: { kind: 'time', read: ({ order }) => updatedAt(order) },
    },
    texts: ({ order, customer: { person } }) => [order.name, person.firstName, person.lastName, person.email],
    sortKeys: {
      CREATED_AT: ({ order }) => Date.parse(order.placedAt),
      CUSTOMER_NAME: ({ customer }) => nameOf(customer),
      ORDER_NUMBER: ({ order }) => Number(order.name.replace(/\D/g, '')),
      PROCESSED_AT: ({ order }) => Date.parse(order.placedAt),
      TOTAL_PRICE: ({ order }) => order.totalCents,
      UPDATED_AT: ({ order }) => Date.parse(updatedAt(order)),
    },
  });
}

export function checkoutCollection(
  entries: readonly ShopDraftOrder[],
  shop: () => Shop,
): Collection<ShopDraftOrder> {
  return createCollection({
    entries,
    idOf: ({ id }) => id,
    record: (order) => checkoutRecord(order, shop()),
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
  });
}

export function productCollection(
  entries: readonly SeedProduct[],
  shop: () => Shop,
): Collection<SeedProduct> {
  return createCollection({
    entries,
    idOf: ({ productId }) => productId,
    record: (product) => productRecord(product, shop()),
    fields: {},
    texts: ({ title }) => [title],
    sortKeys: {},
  });
}

export function variantCollection(
  entries: readonly SeedProduct[],
  shop: () => Shop,
): Collection<SeedProduct> {
  return createCollection({
    entries,
    idOf: ({ variantId }) => variantId,
    record: (product) => variantRecord(product, shop()),
    // The vendor supports about twelve more terms. The stand-in ignores them with a warning in the answer.
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
  });
}

function nameOf({ person }: ShopCustomer): string {
  return `${person.lastName}, ${person.firstName}`;
}
