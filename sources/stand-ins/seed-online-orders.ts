import { createRandom } from './random.js';
import { shopifyId } from './seed-ids.js';
import { after, dayMs } from './seed-time.js';
import type { SeedOrder } from './world.js';

/** An order as the webshop took it, before the order system made its own of it. */
export interface SeedOnlineOrder {
  /** Numeric part, above 2^53. */
  id: string;
  /** Like "#1234", unique. */
  name: string;
  placedAt: string;
  isPaid: boolean;
  isCancelled: boolean;
  totalCents: number;
  /** None before it is sent; a few are sent in two parts. */
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

/** No order is sent in more parts. */
const mostShipments = 2;

/** What the webshop holds of the orders that came from it; `firstNumber` is the running number of the first of all. */
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
        // The first part is one thing, the second the rest.
        quantity: count === 1 ? quantity : index === 0 ? 1 : quantity - 1,
        carrier: random.pick(['PostNL', 'PostNL', 'DHL', 'DPD']),
        trackingNumber: `3SSTEK${String(random.integer(0, 999_999_999)).padStart(9, '0')}`,
      };
    }),
  };
}
