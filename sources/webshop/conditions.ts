import {
  defineLoader,
  type AnyCondition,
  type Context,
  type Customer,
  type GraphqlClient,
} from '../../src/index.js';
import { readCustomers } from './nodes.js';
import { spendingCustomer, type SpendingCustomer } from './wire.js';

/** `nodes` takes 250 ids. */
const MAX_BATCH = 250;

const NOT_SEARCHED =
  "the webshop's search finds customers only by id, e-mail address, phone number and the time of their last change.";

export const spendingOfCustomers = defineLoader<GraphqlClient, string, SpendingCustomer | null>({
  name: 'spendingOfCustomers',
  maxBatch: MAX_BATCH,
  about: (value) => [{ namespace: 'shopifyCustomerId', value }],
  load: (customerIds, shopify) =>
    readCustomers(shopify, customerIds, {
      selection: 'id numberOfOrders amountSpent { amount currencyCode }',
      customer: spendingCustomer,
    }),
});

/** Null if the webshop does not know the customer. */
async function spendingOf(customer: Customer, { load }: Context): Promise<SpendingCustomer | null> {
  const [customerId] = await customer.identifiers('shopifyCustomerId');
  return customerId === undefined ? null : load(spendingOfCustomers, customerId);
}

export const conditions: readonly AnyCondition<GraphqlClient>[] = [
  {
    name: 'amountSpent',
    description:
      "The amount that the customer has spent in the webshop in total, in the webshop's currency. Source: the webshop.",
    type: 'MONEY',
    shownBy: 'Customer.amountSpent',
    loaders: [spendingOfCustomers],
    read: async (customer, context) => (await spendingOf(customer, context))?.amountSpent ?? [],
    list: NOT_SEARCHED,
  },
  {
    name: 'onlineOrderCount',
    description: 'The number of all orders that the customer placed in the webshop. Source: the webshop.',
    type: 'COUNT',
    shownBy: 'Customer.onlineOrderCount',
    loaders: [spendingOfCustomers],
    read: async (customer, context) => (await spendingOf(customer, context))?.numberOfOrders ?? 0,
    list: NOT_SEARCHED,
  },
];
