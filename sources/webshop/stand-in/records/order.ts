import { gid } from '../gid.js';
import type { Shop, ShopFulfillment, ShopOrder } from '../shop.js';
import { moneyBag } from './money.js';
import { shopRecord, shopUrl } from './shop.js';

const onlineStore = { id: gid('OrderApp', '580111'), name: 'Online Store' };

export function orderRecord(entry: ShopOrder, shop: Shop): object {
  const { id, order, customer } = entry;
  const { name, placedAt, totalCents, shipments } = order;
  return {
    __typename: 'Order',
    id: gid('Order', id),
    legacyResourceId: id,
    name,
    app: onlineStore,
    customer: () => shop.customers.record(customer),
    email: customer.person.email,
    phone: customer.person.phone,
    currencyCode: 'EUR',
    totalPriceSet: moneyBag(totalCents),
    // These are functions, because the entry may change after this record is created.
    displayFinancialStatus: () =>
      entry.order.isPaid ? 'PAID' : entry.order.isCancelled ? 'VOIDED' : 'PENDING',
    displayFulfillmentStatus: shipments.length > 0 ? 'FULFILLED' : 'UNFULFILLED',
    fulfillments: ({ first }: { first?: number | null }) =>
      shipments
        .slice(0, first ?? undefined)
        .map((shipment, index) => fulfillmentRecord({ shipment, index, orderId: id }, shop)),
    statusPageUrl: `${shopUrl}/${shopRecord.id.replace(/\D/g, '')}/orders/${tokenOf(id)}/authenticate?key=${tokenOf(`${id}7`)}`,
    cancelledAt: () => (entry.order.isCancelled ? placedAt : null),
    createdAt: placedAt,
    processedAt: placedAt,
    updatedAt: updatedAt(order),
  };
}

/** The time of its last change. */
export function updatedAt({ placedAt, shipments }: ShopOrder['order']): string {
  const last = shipments.at(-1);
  return last?.deliveredAt ?? last?.sentAt ?? placedAt;
}

export function fulfillmentRecord({ shipment, index, orderId }: ShopFulfillment, shop: Shop): object {
  const { id, sentAt, deliveredAt, quantity, carrier, trackingNumber } = shipment;
  const order = shop.orders.byId(orderId);
  return {
    __typename: 'Fulfillment',
    id: gid('Fulfillment', id),
    legacyResourceId: id,
    name: `${order?.order.name ?? ''}.${index + 1}`,
    order: () => order && shop.orders.record(order),
    status: 'SUCCESS',
    displayStatus: deliveredAt === null ? 'IN_TRANSIT' : 'DELIVERED',
    requiresShipping: true,
    totalQuantity: quantity,
    trackingInfo: ({ first }: { first?: number | null }) =>
      [
        {
          company: carrier,
          number: trackingNumber,
          url: `https://volg.bezorger.example.nl/${trackingNumber}`,
        },
      ].slice(0, first ?? undefined),
    estimatedDeliveryAt: null,
    deliveredAt,
    createdAt: sentAt,
    updatedAt: deliveredAt ?? sentAt,
  };
}

/** The vendor's tokens are 32 random hexadecimal digits. */
function tokenOf(text: string): string {
  return (BigInt(text) ** 3n).toString(16).padStart(32, '0').slice(-32);
}
