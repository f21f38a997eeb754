import { afterAll, expect, test, vi } from 'vitest';
import { sources } from '../../sources/index.js';
import type { CallSignal } from '../../src/v8/call-signal.js';
import type { SourceDefinition } from '../../src/index.js';
import { at } from '../support/read.js';
import { openShop, shopper } from './shop.js';

/** Pending calls to the webshop. The test releases them. */
let held: (() => void)[] | undefined;

/** Opens a gateway. The first call to the webshop waits until the test releases it. */
function holdingFirst(source: SourceDefinition): SourceDefinition {
  const { connector } = source;
  return {
    ...source,
    // Requests that are sent together are in one batch, even on a busy machine.
    limits: { ...source.limits, batchWindow: '100 ms' },
    connector: {
      ...connector,
      connect: (settings, options) => {
        const connection = connector.connect(settings, options);
        return {
          ...connection,
          client: (scope) =>
            connection.client({
              ...scope,
              run: async <T>(call: (signal: CallSignal) => Promise<T>) => {
                if (held?.length === 0) await new Promise<void>((resolve) => held?.push(resolve));
                return scope.run(call);
              },
            }),
        };
      },
    },
  };
}

const { gateway, takeRequests, close } = await openShop({
  sources: sources.map((source) => (source.name === 'webshop' ? holdingFirst(source) : source)),
});
afterAll(close);

test('a request does not wait for fields that another request selects of the same object', async () => {
  const eva = shopper(0);
  const select = (selection: string) =>
    gateway.query(`query($by: CustomerKey!) { customer(by: $by) { cart { ${selection} } } }`, {
      by: { email: eva.email },
    });
  // The customer is identified at this point, so only the cart is requested.
  await select('updatedAt');
  takeRequests();
  held = [];
  const names: unknown[] = [];
  const answers = ['a: name', 'name checkoutUrl'].map(async (selection) => {
    const answer = await select(selection);
    expect(answer.errors).toEqual([]);
    names.push(at(answer.data, 'customer', 'cart', 'name') ?? at(answer.data, 'customer', 'cart', 'a'));
  });
  await vi.waitFor(() => {
    expect(names).toEqual([eva.cart.name]);
  }, 5_000);
  expect(takeRequests()).toHaveLength(1);
  for (const release of held) release();
  held = undefined;
  await Promise.all(answers);
  expect(names).toEqual([eva.cart.name, eva.cart.name]);
  expect(takeRequests()).toHaveLength(1);
});
