import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { openShop, shoppers } from './shop.js';
import { runCount } from '../support/thorough.js';

const { gateway, takeRequests, close } = await openShop({ environment: { MAX_ALIASES: '500' } });
afterAll(close);

const by = shoppers.map(({ email }) => ({ email }));

const money = fc.constantFrom('{ amount }', '{ amount currency }');
const product = fc
  .subarray(['sku', 'title', 'descriptionHtml', 'availableQuantity', 'imageUrl', 'price { amount }'], {
    minLength: 1,
  })
  .map((fields) => `product { ${fields.join(' ')} }`);
const line = fc
  .tuple(
    fc.subarray(['title', 'quantity'], { minLength: 1 }),
    fc.option(product, { nil: '' }),
    fc.option(money, { nil: '' }),
  )
  .map(([fields, sold, price]) => `${fields.join(' ')} ${sold} ${price && `unitPrice ${price}`}`);
const cart = fc
  .tuple(fc.integer({ min: 1, max: 60 }), line, fc.subarray(['checkoutUrl', 'total { amount }', 'updatedAt']))
  .map(
    ([first, fields, rest]) =>
      `cart { name ${rest.join(' ')} lines(first: ${first}) { nodes { ${fields} } } }`,
  );
const selection = fc
  .tuple(
    fc.array(cart, { maxLength: 2 }),
    fc.subarray(['locale', 'amountSpent { amounts { amount } }', 'onlineOrderCount { value }']),
  )
  .filter(([carts, fields]) => carts.length + fields.length > 0)
  .map(([carts, fields]) => [...carts.map((cart, i) => `c${i}: ${cart}`), ...fields].join(' '));

describe('requests do not exceed the cost limit of the webshop', () => {
  test('for any selection on many customers', { timeout: 120_000 }, async () => {
    let requests = 0;
    await fc.assert(
      fc.asyncProperty(selection, async (fields) => {
        takeRequests();
        const answer = await gateway.query(
          `query($by: [CustomerKey!]!) { customers(by: $by) { ${fields} } }`,
          { by },
        );
        const codes = new Set(answer.errors.map(({ extensions }) => extensions.code));
        // A selection that is too expensive for one customer is refused before any call. The bucket may be temporarily
        // empty.
        const { length } = takeRequests();
        requests += length;
        const isConsistent = codes.has('LIMIT_EXCEEDED') ? length === 0 : true;
        expect([
          isConsistent,
          [...codes].filter((code) => code !== 'LIMIT_EXCEEDED' && code !== 'SOURCE_RATE_LIMITED'),
        ]).toEqual([true, []]);
      }),
      { numRuns: runCount(40) },
    );
    expect(requests).toBeGreaterThan(0);
  });
});
