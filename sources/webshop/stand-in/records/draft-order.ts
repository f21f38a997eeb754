import { connection, cursorFor, type PageArguments } from '../connection.js';
import { gid } from '../gid.js';
import type { Shop, ShopDraftOrder, ShopLine } from '../shop.js';
import { addressRecord } from './customer.js';
import { money, moneyBag, moneyV2, taxIncludedIn } from './money.js';
import { imageRecord } from './product.js';
import { shopName, shopUrl } from './shop.js';

const gramsPerItem = 500;

export function draftOrderRecord(order: ShopDraftOrder, shop: Shop): object {
  const { id, draft, customer, totalCents } = order;
  const quantity = draft.lines.reduce((sum, line) => sum + line.quantity, 0);
  return {
    __typename: 'DraftOrder',
    id: gid('DraftOrder', id),
    legacyResourceId: id,
    name: draft.name,
    status: draft.status,
    email: customer.person.email,
    phone: customer.person.phone,
    customer: () => shop.customers.record(customer),
    currencyCode: 'EUR',
    presentmentCurrencyCode: 'EUR',
    lineItems: (page: PageArguments) =>
      connection(draft.lines, page, {
        idOf: (line) => line.id,
        record: (line) => lineItemRecord(line, shop),
      }),
    lineItemsSubtotalPrice: moneyBag(totalCents),
    subtotalPrice: money(totalCents),
    subtotalPriceSet: moneyBag(totalCents),
    totalDiscountsSet: moneyBag(0),
    totalLineItemsPriceSet: moneyBag(totalCents),
    totalPrice: money(totalCents),
    totalPriceSet: moneyBag(totalCents),
    totalShippingPriceSet: moneyBag(0),
    totalTaxSet: moneyBag(taxIncludedIn(totalCents)),
    totalQuantityOfLineItems: quantity,
    totalWeight: String(quantity * gramsPerItem),
    taxExempt: false,
    taxesIncluded: true,
    discountCodes: [],
    customAttributes: [],
    note2: null,
    poNumber: null,
    tags: [],
    ready: true,
    visibleToCustomer: false,
    billingAddress: () => addressRecord(customer),
    shippingAddress: () => addressRecord(customer),
    invoiceUrl: `${shopUrl}/invoices/${id}`,
    invoiceSentAt: draft.status === 'INVOICE_SENT' ? draft.updatedAt : null,
    completedAt: draft.status === 'COMPLETED' ? draft.updatedAt : null,
    defaultCursor: cursorFor(id),
    createdAt: draft.createdAt,
    updatedAt: draft.updatedAt,
  };
}

export function lineItemRecord(line: ShopLine, shop: Shop): object {
  const total = line.quantity * line.unitPriceCents;
  return {
    __typename: 'DraftOrderLineItem',
    id: gid('DraftOrderLineItem', line.id),
    uuid: uuidFor(line.id),
    ...whatIsSold(line, shop),
    vendor: shopName,
    // A line without a variant is a custom line.
    custom: shop.variantBySku(line.sku) === undefined,
    isGiftCard: false,
    taxable: true,
    requiresShipping: true,
    originalUnitPriceSet: moneyBag(line.unitPriceCents),
    originalUnitPriceWithCurrency: moneyV2(line.unitPriceCents),
    originalTotalSet: moneyBag(total),
    discountedUnitPriceSet: moneyBag(line.unitPriceCents),
    approximateDiscountedUnitPriceSet: moneyBag(line.unitPriceCents),
    discountedTotalSet: moneyBag(total),
    totalDiscountSet: moneyBag(0),
  };
}

export function checkoutRecord(order: ShopDraftOrder, shop: Shop): object {
  const { id, draft, customer, totalCents } = order;
  return {
    __typename: 'AbandonedCheckout',
    id: gid('AbandonedCheckout', id),
    name: draft.name.replace('D', 'C'),
    note: '',
    customer: () => shop.customers.record(customer),
    abandonedCheckoutUrl: `${shopUrl}/checkouts/${id}/recover`,
    lineItems: (page: PageArguments) =>
      connection(draft.lines, page, {
        idOf: (line) => line.id,
        record: (line) => checkoutLineRecord(line, shop),
      }),
    lineItemsQuantity: draft.lines.reduce((sum, line) => sum + line.quantity, 0),
    subtotalPriceSet: moneyBag(totalCents),
    totalDiscountSet: moneyBag(0),
    totalLineItemsPriceSet: moneyBag(totalCents),
    totalPriceSet: moneyBag(totalCents),
    totalTaxSet: moneyBag(taxIncludedIn(totalCents)),
    taxesIncluded: true,
    discountCodes: [],
    customAttributes: [],
    billingAddress: () => addressRecord(customer),
    shippingAddress: () => addressRecord(customer),
    completedAt: null,
    defaultCursor: cursorFor(id),
    createdAt: draft.createdAt,
    updatedAt: draft.updatedAt,
  };
}

function checkoutLineRecord(line: ShopLine, shop: Shop): object {
  const total = line.quantity * line.unitPriceCents;
  return {
    __typename: 'AbandonedCheckoutLineItem',
    id: gid('AbandonedCheckoutLineItem', line.id),
    ...whatIsSold(line, shop),
    originalUnitPriceSet: moneyBag(line.unitPriceCents),
    originalTotalPriceSet: moneyBag(total),
    discountedUnitPriceSet: moneyBag(line.unitPriceCents),
    discountedTotalPriceSet: moneyBag(total),
  };
}

function whatIsSold(line: ShopLine, shop: Shop): object {
  const product = shop.variantBySku(line.sku);
  const title = product?.title ?? line.sku;
  return {
    name: title,
    title,
    // The vendor's lines do not repeat "Default Title".
    variantTitle: null,
    sku: line.sku,
    quantity: line.quantity,
    customAttributes: [],
    image: product ? imageRecord(product) : null,
    product: () => product && shop.products.record(product),
    variant: () => product && shop.variants.record(product),
  };
}

function uuidFor(id: string): string {
  const hex = BigInt(id).toString(16).padStart(15, '0');
  return `00000000-0000-4000-8${hex.slice(0, -12)}-${hex.slice(-12)}`;
}
