import { getOperationAST, parse } from 'graphql';
import { afterAll, describe, expect, test } from 'vitest';
import { exampleOperations } from '../../src/server/graphiql/page.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

const gateway = createTestGateway(directSettings());
afterAll(() => gateway.close());

const examples = exampleOperations();
const AMBIGUOUS = '03-two-people.graphql';

describe('the example operations', () => {
  test('are there, each with a name of its own for its tab', () => {
    const names = examples.map(({ query }) => getOperationAST(parse(query))?.name?.value);
    expect(names.length).toBeGreaterThanOrEqual(5);
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain(undefined);
  });

  for (const { name, query } of examples) {
    test(`${name} begins by telling what it shows, in one to three lines`, () => {
      expect(query).toMatch(/^(# \S.*\n){1,3}query /);
    });

    if (name === AMBIGUOUS) continue;
    test(`${name} is answered in full`, async () => {
      const { status, data, errors } = await gateway.query(query);
      expect(errors).toEqual([]);
      expect(status).toBe(200);
      const [answer] = Object.values(data ?? {});
      expect(answer).toBeTypeOf('object');
      expect(answer).not.toBeNull();
    });
  }

  test(`${AMBIGUOUS} is answered with the ambiguity, and nobody`, async () => {
    const query = examples.find(({ name }) => name === AMBIGUOUS)?.query ?? '';
    const { data, errors } = await gateway.query(query);
    expect(data).toEqual({ customer: null });
    expect(errors).toMatchObject([{ extensions: { code: 'AMBIGUOUS_IDENTITY', candidates: 2 } }]);
  });

  test('page by page goes on with the cursor that the page before gave', async () => {
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
