import { setting } from '../../src/settings.js';
import { defineSource } from '../../src/source.js';

/** Creates a source of products with these SKUs, so that the webshop is queried by them. */
export const wishedProducts = defineSource({
  name: 'wishes',
  connector: {
    settings: () => [setting('WISHES')],
    connect: () => ({
      client: () => ({ ping: () => Promise.resolve() }),
      close: () => Promise.resolve(),
    }),
  },
  heldIdentifiers: ['email'],
  resolvers: {
    Customer: { wishes: (_: unknown, { skus }: { skus: string[] }) => skus.map((sku) => ({ sku })) },
  },
});
export const wishedProductsSdl = {
  wishes: `
    type Customer @foundBy(identifier: "email") { wishes(skus: [String!]!): [Product!] @personalData(category: NONE) }
    type Product @foundBy(field: "sku") @personalData(category: NONE) { sku: ID! }`,
};
