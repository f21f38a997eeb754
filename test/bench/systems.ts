import { z } from 'zod';
import { contactCentre } from '../../sources/contact-centre/index.js';
import { crmHubspot } from '../../sources/crm-hubspot/index.js';
import { orderSystem } from '../../sources/order-system/index.js';
import { webshop } from '../../sources/webshop/index.js';
import { SettingsReader, type Environment } from '../../src/settings.js';
import type { Client } from '../../src/connectors/connector.js';
import type { GraphqlClient } from '../../src/connectors/graphql/client.js';
import { timeout } from '../../src/resilience/timeout.js';
import { DEFAULT_MAX_ANSWER_BYTES, type SourceDefinition } from '../../src/source.js';
import { createLogger } from '../../src/telemetry/logger.js';

const TIMEOUT_MS = 1_000;

/**
 * Clients of the four systems, with only the connectors of the gateway. Also hand-written queries to the webshop, for
 * which the gateway uses stitching.
 */
export type Systems = ReturnType<typeof connectSystems>;

export function connectSystems(environment: Environment) {
  const settings = new SettingsReader(environment);
  const closing: (() => Promise<void>)[] = [];

  const connect = <C extends Client>({ name: source, connector }: SourceDefinition<C>): C => {
    const connection = connector.connect(settings, {
      source,
      timeoutMs: TIMEOUT_MS,
      maxAnswerBytes: DEFAULT_MAX_ANSWER_BYTES,
      logger: createLogger('silent'),
    });
    closing.push(() => connection.close());
    return connection.client({
      run: (call) => timeout(source, TIMEOUT_MS, call),
      slowDown: () => undefined,
      limitMaxAge: () => undefined,
      headers: {},
    });
  };

  const systems = {
    orders: connect(orderSystem),
    shop: connect(webshop),
    tickets: connect(contactCentre),
    crm: connect(crmHubspot),
    close: async () => {
      await Promise.all(closing.map((close) => close()));
    },
  };
  settings.throwIfWrong();
  return systems;
}

const productsAnswer = z.object({
  productVariants: z.object({
    nodes: z.array(z.object({ sku: z.string(), product: z.object({ title: z.string() }) })),
  }),
});

export interface Product {
  sku: string;
  title: string;
}

export async function fetchProducts(
  shop: GraphqlClient,
  skus: readonly string[],
): Promise<(Product | null)[]> {
  const answer = await shop.query(
    'query ($count: Int!, $query: String!) { productVariants(first: $count, query: $query) { nodes { sku product { title } } } }',
    { count: 2 * skus.length, query: skus.map((sku) => `sku:"${sku}"`).join(' OR ') },
  );
  const { nodes } = productsAnswer.parse(answer.data).productVariants;
  const bySku = new Map(nodes.map((node) => [node.sku, { sku: node.sku, title: node.product.title }]));
  return skus.map((sku) => bySku.get(sku) ?? null);
}

const cartsAnswer = z.record(
  z.string(),
  z.object({
    nodes: z.array(
      z.object({
        customer: z.object({ id: z.string() }),
        totalPriceSet: z.object({ shopMoney: z.object({ amount: z.string(), currencyCode: z.string() }) }),
      }),
    ),
  }),
);

export interface Cart {
  total: { amount: string; currency: string };
}

export async function fetchCarts(shop: GraphqlClient, ids: readonly string[]): Promise<(Cart | null)[]> {
  const declared = ids.map((_, i) => `$q${i}: String!`).join(', ');
  const fields = ids.map(
    (_, i) =>
      `c${i}: draftOrders(first: 1, sortKey: UPDATED_AT, reverse: true, query: $q${i}) { nodes { ...cart } }`,
  );
  const answer = await shop.query(
    `query (${declared}) { ${fields.join(' ')} }
     fragment cart on DraftOrder { customer { id } totalPriceSet { shopMoney { amount currencyCode } } }`,
    Object.fromEntries(ids.map((id, i) => [`q${i}`, `customer_id:${id} AND status:open`])),
  );
  const found = cartsAnswer.parse(answer.data);
  return ids.map((id, i) => {
    const [cart] = found[`c${i}`]?.nodes ?? [];
    if (cart === undefined) return null;
    if (cart.customer.id !== `gid://shopify/Customer/${id}`)
      throw new Error('The cart is not the customer’s.');
    const { amount, currencyCode: currency } = cart.totalPriceSet.shopMoney;
    return { total: { amount, currency } };
  });
}
