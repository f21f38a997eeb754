import { setting } from '../../src/settings.js';
import { defineSource } from '../../src/source.js';

/** Creates a source of orders with these numbers, so that the webshop is queried by them. */
export const notedOrders = defineSource({
  name: 'noted',
  connector: {
    settings: () => [setting('NOTED')],
    connect: () => ({
      client: () => ({ ping: () => Promise.resolve() }),
      close: () => Promise.resolve(),
    }),
  },
  heldIdentifiers: ['email'],
  resolvers: {
    Customer: {
      noted: (_: unknown, { numbers }: { numbers: (string | null)[] }) =>
        numbers.map((onlineNumber) => ({ onlineNumber })),
    },
  },
});

export const notedOrdersSdl = {
  noted: `
    type Customer @foundBy(identifier: "email") { noted(numbers: [String]! = ["#1010"]): [Order!] @personalData(category: TRANSACTION) @authenticated }
    type Order @foundBy(field: "onlineNumber") @personalData(category: TRANSACTION) { onlineNumber: String }`,
};
