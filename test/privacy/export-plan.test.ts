import { buildSchema, validate, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { planExport } from '../../src/privacy/export-plan.js';

const PAGING = `
  type Query { customer(by: CustomerKey!): Customer }
  input CustomerKey { email: String }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
`;

function planOf(types: string) {
  const schema = buildSchema(`${PAGING} ${types}`);
  const plan = planExport(schema);
  // Each planned query must be valid.
  for (const { query } of plan.sections) expect(validate(schema, parse(query)), query).toEqual([]);
  return plan;
}
const selectionsOf = (types: string) =>
  planOf(types).sections.map(({ query }) => /customer\(by: \$by\) \{ (.*) \} \}$/.exec(query)?.[1]);

describe('the plan of an export', () => {
  test('queries each field of the customer separately, with all fields below it', () => {
    const plan = planOf(`
      type Customer { name: String, emails: [String!]!, address: Address, _private: String }
      type Address { street: String, country: Country, _private: String }
      type Country { code: String }`);
    expect(plan).toEqual({
      notExported: [],
      sections: [
        {
          field: 'name',
          query: 'query Export($by: CustomerKey!) { customer(by: $by) { name } }',
          isPaged: false,
          slices: [],
        },
        {
          field: 'emails',
          query: 'query Export($by: CustomerKey!) { customer(by: $by) { emails } }',
          isPaged: false,
          slices: [],
        },
        {
          field: 'address',
          query:
            'query Export($by: CustomerKey!) { customer(by: $by) { address { street country { code } } } }',
          isPaged: false,
          slices: [],
        },
      ],
    });
  });

  test('reads a list in pages if it has cursors', () => {
    const { sections } = planOf(`
      type Customer { orders(first: Int, after: String): OrderConnection }
      type OrderConnection { nodes: [Order!]!, edges: [OrderEdge!]!, pageInfo: PageInfo! }
      type OrderEdge { cursor: String!, node: Order! }
      type Order { number: String, edges: [String!], notes(first: Int, after: String): NoteConnection }
      type NoteConnection { nodes: [Note!]!, pageInfo: PageInfo! }
      type Note { text: String }`);
    expect(sections).toEqual([
      {
        field: 'orders',
        query:
          'query Export($by: CustomerKey!, $after: String) { customer(by: $by) { orders(first: 100, after: $after) { ' +
          'nodes { number edges notes(first: 20) { nodes { text } pageInfo { hasNextPage endCursor } } } ' +
          'pageInfo { hasNextPage endCursor } } } }',
        isPaged: true,
        slices: [{ path: ['orders', 'nodes', 'notes', 'nodes'], size: 20 }],
      },
    ]);
  });

  test('reads a connection without cursors once', () => {
    const { sections } = planOf(`
      type Customer { orders(first: Int): OrderConnection }
      type OrderConnection { nodes: [Order!]!, pageInfo: PageInfo! }
      type Order { number: String }`);
    expect(sections).toMatchObject([{ isPaged: false, slices: [] }]);
    expect(sections[0]?.query).toMatch(/^query Export\(\$by: CustomerKey!\) .* orders\(first: 100\) \{/);
  });

  test('does not treat a type as a connection if it has only a cursor, or only a page', () => {
    const types = `
      type Customer { a(first: Int, after: String): A, b(first: Int, after: String): B }
      type A { nodes: [String] } type B { pageInfo: PageInfo }`;
    expect(selectionsOf(types)).toEqual([
      'a(first: 100) { nodes }',
      'b(first: 100) { pageInfo { hasNextPage endCursor } }',
    ]);
    expect(planOf(types).sections.map(({ isPaged }) => isPaged)).toEqual([false, false]);
  });

  test('queries a limited number of items of a list, and names the lists that may be longer', () => {
    const { sections } = planOf(`
      type Customer { visits(first: Int): [Visit!]!, tags: [String!] }
      type Visit { pages(first: Int): [String!]!, links: [Link!] }
      type Link { to(first: Int): [String] }`);
    expect(sections.map(({ slices }) => slices)).toEqual([
      [
        { path: ['visits'], size: 100 },
        { path: ['visits', 'pages'], size: 20 },
        { path: ['visits', 'links', 'to'], size: 20 },
      ],
      [],
    ]);
  });

  test('queries each possible type of a union or an interface', () => {
    expect(
      selectionsOf(`
        type Customer { events: [Event!], things: [Thing!] }
        union Event = Visit | Call
        type Visit { page: String } type Call { minutes: Int }
        interface Thing { id: ID } type Car implements Thing { id: ID, plate: String }`),
    ).toEqual([
      'events { ... on Visit { __typename page } ... on Call { __typename minutes } }',
      'things { ... on Car { __typename id plate } }',
    ]);
  });
});

describe('a field that an export omits', () => {
  test('is named if it leads back to an object that contains it', () => {
    const { sections, notExported } = planOf(`
      type Customer { order: Order }
      type Order { number: String, customer: Customer, parent: Order }`);
    expect(sections[0]?.query).toContain('{ order { number } }');
    expect(notExported).toEqual([
      { field: 'order.customer', reason: 'it leads back to Customer' },
      { field: 'order.parent', reason: 'it leads back to Order' },
    ]);
  });

  test('is named if it needs an argument without a default', () => {
    const { sections, notExported } = planOf(`
      type Customer { price(currency: String!): Int, name(long: Boolean! = true, short: Boolean): String, order: Order }
      type Order { total(currency: String!): Int, number: String }`);
    expect(sections.map(({ field }) => field)).toEqual(['name', 'order']);
    expect(notExported).toEqual([
      { field: 'price', reason: 'it needs a value for the argument "currency"' },
      { field: 'order.total', reason: 'it needs a value for the argument "currency"' },
    ]);
  });

  test('is named if it is nested too deep', () => {
    const depths = Array.from(
      { length: 14 },
      (_, depth) => `type T${depth} { leaf: Int, next: T${depth + 1} }`,
    );
    const { sections, notExported } = planOf(`
      type Customer { next: T0 } ${depths.join(' ')} type T14 { leaf: Int }`);
    // The customer and eleven types below it.
    expect(sections[0]?.query.match(/leaf/g)).toHaveLength(11);
    expect(notExported).toEqual([
      { field: Array.from({ length: 12 }, () => 'next').join('.'), reason: 'it is nested too deep' },
    ]);
  });
});

test('an export of a schema without customers is refused', () => {
  expect(() => planExport(buildSchema('type Query { a: Int }'))).toThrow('no type Customer');
});
