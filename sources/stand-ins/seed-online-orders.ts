import { createRandom } from './random.js';
import { shopifyId } from './seed-ids.js';
import { after, dayMs } from './seed-time.js';
import type { SeedOrder } from './world.js';

/** An order in the webshop, from which the order system made its own order. */
export interface SeedOnlineOrder {
  /** Numeric part, above 2^53. */
  id: string;
  /** Like "#1234", unique. */
  name: string;
  placedAt: string;
  isPaid: boolean;
  isCancelled: boolean;
  totalCents: number;
  /** Empty before the shipment. A few orders are shipped in two parts. */
  shipments: {
    /** Numeric part, above 2^53. */
    id: string;
    sentAt: string;
    deliveredAt: string | null;
    quantity: number;
    carrier: string;
    trackingNumber: string;
  }[];
}

/** The most parts in which an order is shipped. */
const mostShipments = 2;

/** The orders that were placed in the webshop. `firstNumber` is the serial number of the first one. */
export function createOnlineOrders(firstNumber: number, orders: readonly SeedOrder[]): SeedOnlineOrder[] {
  return orders.flatMap((order, index) =>
    order.shopName === null ? [] : createOnlineOrder(firstNumber + index, order.shopName, order),
  );
}

function createOnlineOrder(
  number: number,
  name: string,
  { status, placedAt, lines, payments }: SeedOrder,
): SeedOnlineOrder {
  const random = createRandom('online-order', number);
  const quantity = lines.reduce((sum, line) => sum + line.quantity, 0);
  const isSent = status === 'SHIPPED' || status === 'DELIVERED';
  const count = !isSent ? 0 : quantity > 1 && random.chance(0.15) ? mostShipments : 1;
  return {
    id: shopifyId('order', number),
    name,
    placedAt,
    isPaid: payments.length > 0,
    isCancelled: status === 'CANCELLED',
    totalCents: lines.reduce((sum, line) => sum + line.quantity * line.unitPriceCents, 0),
    shipments: Array.from({ length: count }, (_, index) => {
      const sentAt = after(placedAt, (index + random.fraction()) * dayMs);
      return {
        id: shopifyId('fulfillment', number * mostShipments + index),
        sentAt,
        deliveredAt: status === 'DELIVERED' ? after(sentAt, (1 + random.fraction()) * dayMs) : null,
        // The first part has one item, the second part the others.
        quantity: count === 1 ? quantity : index === 0 ? 1 : quantity - 1,
        carrier: random.pick(['PostNL', 'PostNL', 'DHL', 'DPD']),
        trackingNumber: `3SSTEK${String(random.integer(0, 999_999_999)).padStart(9, '0')}`,
      };
    }),
  };
}
