import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getOperationAST, OperationTypeNode, parse } from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { exampleOperations } from '../../src/http/graphiql/page.js';
import { readEventStream } from '../support/event-stream.js';
import { createTestGateway } from '../support/gateway.js';
import { payInWebshop } from '../support/pay-in-webshop.js';
import { directSettings } from '../support/stand-ins.js';

const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-examples-'));
const gateway = createTestGateway({
  ...directSettings(),
  WEBHOOK_FILE: join(folder, 'webhooks.db'),
  WEBHOOK_SECRET: 'a secret of the tests of examples',
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

const examples = exampleOperations();
const AMBIGUOUS = '03-two-people.graphql';
const isSubscription = (query: string) =>
  getOperationAST(parse(query))?.operation === OperationTypeNode.SUBSCRIPTION;

describe('the example operations', () => {
  test('have unique names for their tabs', () => {
    const names = examples.map(({ query }) => getOperationAST(parse(query))?.name?.value);
    expect(names.length).toBeGreaterThanOrEqual(5);
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain(undefined);
  });

  for (const { name, query } of examples) {
    test(`${name} begins with a description of one to three lines`, () => {
      expect(query).toMatch(/^(# +\S.*\n){1,3}(query|subscription) /);
    });

    if (name === AMBIGUOUS || isSubscription(query)) continue;
    test(`${name} is answered in full`, async () => {
      const { status, data, errors } = await gateway.query(query);
      expect(errors).toEqual([]);
      expect(status).toBe(200);
      const [answer] = Object.values(data ?? {});
      expect(answer).toBeTypeOf('object');
      expect(answer).not.toBeNull();
    });
  }

  for (const { name, query } of examples.filter((example) => isSubscription(example.query)))
    test(`${name} receives all fields when an order is paid in the webshop`, async () => {
      await gateway.opened;
      const stream = await readEventStream(
        await gateway.fetch('/graphql', {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
          body: JSON.stringify({ query }),
        }),
      );
      expect(await payInWebshop(gateway, 'everywhere@example.nl')).toBe(204);
      const result = await stream.next();
      expect(result).not.toHaveProperty('errors');
      expect(result).toMatchObject({ data: { orderPaid: { customer: { name: 'Eva van der Meer' } } } });
      await stream.close();
    });

  test(`${AMBIGUOUS} is answered with the ambiguity, without a customer`, async () => {
    const query = examples.find(({ name }) => name === AMBIGUOUS)?.query ?? '';
    const { data, errors } = await gateway.query(query);
    expect(data).toEqual({ customer: null });
    expect(errors).toMatchObject([{ extensions: { code: 'AMBIGUOUS_IDENTITY', candidateCount: 2 } }]);
  });

  test('the example for pages continues with the cursor of the previous page', async () => {
    const query = examples.find(({ name }) => name.includes('page-by-page'))?.query ?? '';
    interface Page {
      customer: { orders: { nodes: { number: string }[]; pageInfo: { endCursor: string } } };
    }
    const first = (await gateway.query(query)).data as unknown as Page;
    const after = first.customer.orders.pageInfo.endCursor;
    const second = (await gateway.query(query, { after })).data as unknown as Page;
    const numbers = [first, second].flatMap(({ customer }) =>
      customer.orders.nodes.map((node) => node.number),
    );
    expect(new Set(numbers).size).toBe(10);
  });
});
