import fc from 'fast-check';
import { buildSchema, Kind, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import type { GraphqlAnswer } from '../../src/connectors/graphql/client.js';
import type { GraphqlMapping } from '../../src/connectors/graphql/mapping.js';
import { createTranslator, type VendorRequest } from '../../src/connectors/graphql/translate.js';
import { GatewayError, SourceUnavailableError } from '../../src/errors.js';
import { at } from '../support/read.js';

/** A vendor with a lookup of people by id, and a search for the basket of one person. */
const schema = buildSchema(`
  type Query { _people(ids: [ID!]!): [Person]! _shops(codes: [ID!]!): [Shop]! }
  type Person { name: String town: Town basket: Basket visits: Count spent: Spent }
  type Count { value: Int! }
  type Spent { amounts: [Amount!]! }
  type Amount { value: Int! currency: String }
  type Town { name: String }
  type Basket { label: String items(first: Int! = 5): [Item!] }
  type Item { title: String count: Int maker: Maker }
  type Maker { code: ID! name: String }
  type Shop { code: ID! price: Int }
`);

const fromGid = (value: unknown): string => (typeof value === 'string' ? value.replace('gid:', '') : '');

const mapping: GraphqlMapping = {
  entries: {
    _people: {
      type: 'Person',
      find: 'people(ids: $ids).list',
      variables: (ids) => ({ ids: { type: '[ID!]!', value: ids.map((id) => `gid:${id}`) } }),
      key: { field: 'gid', from: fromGid },
      maxKeys: 25,
    },
    _shops: {
      type: 'Shop',
      find: 'shops(codes: $codes).list',
      variables: (codes) => ({ codes: { type: '[String!]!', value: codes } }),
      more: 'page.hasNext',
      key: { field: 'code', from: (code) => (typeof code === 'string' ? code : '') },
    },
  },
  types: {
    Person: {
      type: 'VendorPerson',
      fields: {
        town: 'home.town',
        visits: { path: 'visitCount', compute: (value) => ({ value }) },
        spent: {
          path: 'total',
          select: '{ value currency: code }',
          compute: (amount) => ({ amounts: [amount] }),
        },
        basket: {
          path: 'baskets(first: 1, of: $of).nodes.0',
          owner: { path: 'holder.gid', from: fromGid },
          variables: (id) => ({ of: { type: 'String!', value: `holder:${id}` } }),
        },
      },
    },
    Basket: { type: 'VendorBasket', fields: { items: 'lines(first: $first).nodes' } },
    Maker: { type: 'VendorMaker', needs: 'serial', fields: { code: 'serial' } },
    Shop: { type: 'VendorShop', fields: { price: 'priceIn(country: $country)' } },
  },
  settings: { country: 'CountryCode!' },
  maxCost: 100,
};

const translator = createTranslator(schema, mapping, 'vendor');

/** Returns the requests for a selection, split by the limits of the vendor. */
function requestsOf(
  entry: string,
  selection: string,
  keys: readonly string[],
  variables: Record<string, unknown> = {},
): VendorRequest[] {
  const [operation] = parse(`{ ${selection} }`).definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('no operation');
  const selected = { selectionSets: [operation.selectionSet], fragments: {}, variables };
  const { maxKeys, requestFor } = translator.translate(entry, selected);
  return Array.from({ length: Math.ceil(keys.length / maxKeys) }, (_, i) =>
    requestFor(keys.slice(i * maxKeys, (i + 1) * maxKeys)),
  );
}

function translate(selection: string, ids: readonly string[], variables: Record<string, unknown> = {}) {
  return requestsOf('_people', selection, ids, variables);
}

/** Reads a fixed answer to the only request for shops. */
function readShops(codes: readonly string[], answer: Partial<GraphqlAnswer>): unknown[] {
  const [request] = requestsOf('_shops', 'code', codes);
  return request?.read({ data: null, errors: [], ...answer }) ?? [];
}

/** Reads a fixed answer to the only request. */
function read(selection: string, ids: readonly string[], answer: Partial<GraphqlAnswer>): unknown[] {
  const [request] = translate(selection, ids);
  return request?.read({ data: null, errors: [], ...answer }) ?? [];
}

const error = new SourceUnavailableError('vendor', 'vendor could not answer this field.');
const codeOf = (value: unknown): string =>
  value instanceof GatewayError ? value.code : `no error: ${JSON.stringify(value)}`;

describe("each customer has the correct data, for any order of the vendor's answer", () => {
  const people = fc.uniqueArray(fc.integer({ min: 1, max: 99 }).map(String), { minLength: 1, maxLength: 12 });
  /** The vendor's answer for the ids, in any order. Ids may be missing, repeated, or not requested. */
  const vendorList = people.chain((ids) =>
    fc.record({
      ids: fc.constant(ids),
      sent: fc.array(fc.oneof(fc.constantFrom(...ids, 'stranger'), fc.constant(null)), { maxLength: 20 }),
    }),
  );

  test('people of a list', () => {
    fc.assert(
      fc.property(vendorList, ({ ids, sent }) => {
        const list = sent.map(
          (id, i) => id && { _key: `gid:${id}`, name: `name of ${id}`, town: null, at: i },
        );
        const found = read('name', ids, { data: { found: { list } } });
        expect(found.map((item) => at(item, 'name') ?? null)).toEqual(
          ids.map((id) => (sent.includes(id) ? `name of ${id}` : null)),
        );
      }),
    );
  });

  test('baskets that are found by separate searches', () => {
    fc.assert(
      fc.property(people, fc.array(fc.nat({ max: 11 }), { minLength: 12, maxLength: 12 }), (ids, whose) => {
        // The vendor answers some searches with the basket of another person.
        const owners = ids.map((_, i) => ids[(whose[i] ?? 0) % ids.length] ?? '');
        const data = Object.fromEntries(
          owners.map((owner, i) => [
            `basket_${i}`,
            { nodes: [{ _owner: { gid: `gid:${owner}` }, label: `of ${owner}` }] },
          ]),
        );
        const found = read('basket { label }', ids, { data }).map((item) => at(item, 'basket'));
        for (const [i, id] of ids.entries()) {
          if (owners[i] === id) expect(at(found[i], 'label')).toBe(`of ${id}`);
          else expect(codeOf(found[i])).toBe('SOURCE_CONTRACT');
        }
      }),
    );
  });

  test('a repeated person has the values of the first record', () => {
    const list = [
      { _key: 'gid:1', name: 'first', town: null },
      { _key: 'gid:1', name: 'second', town: { town: { name: 'X' } } },
    ];
    const [found] = read('name town { name }', ['1'], { data: { found: { list } } });
    expect(found).toMatchObject({ name: 'first', town: null });
  });
});

describe('an object of another owner is refused', () => {
  test.each([
    ['with another owner', { gid: 'gid:2' }],
    ['without an owner', null],
    ['with an owner of another shape', { gid: 2 }],
    ['with a missing owner', undefined],
  ])('if it comes %s', (_, owner) => {
    const [found] = read('basket { label }', ['1'], {
      data: { basket_0: { nodes: [{ _owner: owner, label: 'whose?' }] } },
    });
    expect(codeOf(at(found, 'basket'))).toBe('SOURCE_CONTRACT');
  });

  test('an object whose owner the vendor failed to return has that error', () => {
    const [found] = read('basket { label }', ['1'], {
      data: { basket_0: { nodes: [{ _owner: null, label: 'whose?' }] } },
      errors: [{ path: ['basket_0', 'nodes', 0, '_owner'], error }],
    });
    expect(at(found, 'basket')).toBe(error);
  });

  test('independent of the aliases of the client, which are not sent', () => {
    const [request] = translate('_key: name basket { _owner: label }', ['1']);
    expect(request?.document).toContain('{ _key: gid name }');
    expect(request?.document).toContain('{ _owner: holder { gid } label }');
    const answer = (gid: string) =>
      request?.read({
        data: {
          found: { list: [{ _key: 'gid:1', name: 'a name' }] },
          basket_0: { nodes: [{ _owner: { gid }, label: 'a label' }] },
        },
        errors: [],
      });
    expect(answer('gid:1')).toMatchObject([{ name: 'a name', basket: { label: 'a label' } }]);
    expect(codeOf(at(answer('gid:2'), 0, 'basket'))).toBe('SOURCE_CONTRACT');
  });
});

describe('equal selections', () => {
  const selectionOf = (selection: string, variables: Record<string, unknown> = {}): string => {
    const [operation] = parse(`{ ${selection} }`).definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('no operation');
    const selected = { selectionSets: [operation.selectionSet], fragments: {}, variables };
    return translator.translate('_people', selected).plan.selection;
  };

  test.each([
    ['of any order', 'town { name } name', {}],
    ['of any aliases', 'a: name b: town { c: name } d: name', {}],
    ['in any fragment', '... on Person { town { name } ... { name } }', {}],
    [
      'without skipped fields',
      'name town { name @skip(if: $no) name } basket @include(if: $no) { label }',
      { no: false },
    ],
    ['with repeated fields', 'name town { name } town { name } name', {}],
  ])('have the same text, %s', (_, selection, variables) => {
    expect(selectionOf(selection, variables)).toBe('name town { name }');
  });

  test('of fields with different arguments are each requested once, under names of the gateway', () => {
    const [request] = translate(
      'basket { x: items(first: 1) { title } y: items(first: $n) { count } z: items(first: 2) { title } }',
      ['1'],
      { n: 1 },
    );
    expect(request?.document).toContain(
      'items: lines(first: 1) { nodes { count title } } items_2: lines(first: 2) { nodes { title } }',
    );
  });

  test('are translated again from their text', () => {
    const selected = 'basket { items(first: 3) { title maker { name } } label } town { name }';
    const again = translator.retranslate('_people', selectionOf(selected));
    expect(again.plan.selection).toBe(selectionOf(selected));
    expect(again.requestFor(['1'])).toMatchObject({
      document: translate(selected, ['1'])[0]?.document,
      variables: translate(selected, ['1'])[0]?.variables,
    });
  });
});

describe('an error of the vendor', () => {
  const list = [
    { _key: 'gid:1', name: null, town: null },
    null,
    { _key: 'gid:3', name: 'three', town: null },
  ];

  test('affects only its field', () => {
    const found = read('name town { name }', ['1', '3'], {
      data: { found: { list } },
      errors: [{ path: ['found', 'list', 0, 'name'], error }],
    });
    expect(found).toMatchObject([
      { name: error, town: null },
      { name: 'three', town: null },
    ]);
  });

  test('below a field that it makes null is an error of that field', () => {
    const found = read('name town { name }', ['1', '3'], {
      data: { found: { list } },
      errors: [{ path: ['found', 'list', 0, 'town', 'town', 'name'], error }],
    });
    expect(found).toMatchObject([{ name: null, town: error }, { town: null }]);
  });

  test('of a whole person applies to all people that were not found, because it names no person', () => {
    const found = read('name', ['1', '2', '3'], {
      data: { found: { list } },
      errors: [{ path: ['found', 'list', 1, 'name'], error }],
    });
    expect(found).toMatchObject([{ name: null }, { name: error }, { name: 'three' }]);
  });

  test('of the list of people does not affect their baskets', () => {
    const found = read('name basket { label }', ['1'], {
      data: { found: null, basket_0: { nodes: [{ _owner: { gid: 'gid:1' }, label: 'mine' }] } },
      errors: [{ path: ['found', 'list'], error }],
    });
    expect(found).toMatchObject([{ name: error, basket: { label: 'mine' } }]);
  });

  test('of one basket does not affect the others', () => {
    const found = read('basket { label items { title } }', ['1', '2', '3'], {
      data: {
        basket_0: {
          nodes: [
            { _owner: { gid: 'gid:1' }, label: 'one', items: { nodes: [{ title: null }, { title: 'b' }] } },
          ],
        },
        basket_1: null,
        basket_2: { nodes: [] },
      },
      errors: [
        { path: ['basket_0', 'nodes', 0, 'items', 'nodes', 0, 'title'], error },
        { path: ['basket_1'], error },
      ],
    });
    expect(found).toMatchObject([
      { basket: { label: 'one', items: [{ title: error }, { title: 'b' }] } },
      { basket: error },
      { basket: null },
    ]);
  });

  test.each([
    ['a text instead of an object', { town: { town: 'Utrecht' } }, 'town'],
    ['a list instead of an object', { town: { town: [] } }, 'town'],
    ['an object instead of a text', { name: {} }, 'name'],
  ])('%s is refused', (_, record, field) => {
    const [found] = read('name town { name }', ['1'], {
      data: { found: { list: [{ _key: 'gid:1', name: null, town: null, ...record }] } },
    });
    expect(codeOf(at(found, field))).toBe('SOURCE_CONTRACT');
  });

  test('has the place but never the value', () => {
    const [found] = read('basket { label items { count } }', ['1'], {
      data: {
        basket_0: { nodes: [{ _owner: { gid: 'gid:1' }, items: { nodes: [{ count: 'jan@example.nl' }] } }] },
      },
    });
    const count = at(found, 'basket', 'items', 0, 'count');
    expect(codeOf(count)).toBe('SOURCE_CONTRACT');
    expect(String(count)).toContain('basket_0.nodes.0.items.nodes.0.count');
    expect(String(count)).not.toContain('jan@');
  });
});

describe('an answer with further pages', () => {
  const list = [{ _key: 'a', code: 'a' }];

  test('is not a complete list', () => {
    const [found, missing] = readShops(['a', 'b'], { data: { found: { list, page: { hasNext: true } } } });
    expect(found).toMatchObject({ code: 'a' });
    expect(codeOf(at(missing, 'code'))).toBe('SOURCE_CONTRACT');
  });

  test.each([
    ['nothing', undefined],
    ['something else', { hasNext: 'no' }],
  ])('is not a complete list if it reports %s', (_, page) => {
    const [found, missing] = readShops(['a', 'b'], { data: { found: { list, page } } });
    expect(found).toMatchObject({ code: 'a' });
    expect(codeOf(at(missing, 'code'))).toBe('SOURCE_CONTRACT');
  });

  test('is a complete list if it reports that no further objects exist', () => {
    expect(readShops(['a', 'b'], { data: { found: { list, page: { hasNext: false } } } })).toEqual([
      expect.objectContaining({ code: 'a' }),
      null,
    ]);
  });
});

describe('an object that was not requested', () => {
  const people = mapping.entries['_people'];
  if (people === undefined) throw new Error('no people');
  const readWith = (exact: boolean): unknown[] => {
    const entries = { ...mapping.entries, _people: { ...people, key: { ...people.key, exact } } };
    const [operation] = parse('{ name }').definitions;
    if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('no operation');
    const { requestFor } = createTranslator(schema, { ...mapping, entries }, 'vendor').translate('_people', {
      ...{ selectionSets: [operation.selectionSet], fragments: {}, variables: {} },
    });
    const list = [
      { _key: 'gid:3', name: 'three' },
      { _key: 'gid:1', name: 'one' },
    ];
    return requestFor(['1', '2']).read({ data: { found: { list } }, errors: [] });
  };

  test('is ignored if a search may find similar objects', () => {
    expect(readWith(false)).toMatchObject([{ name: 'one' }, null]);
  });

  test('makes missing objects an error if the vendor finds by exact keys', () => {
    const [item, missing] = readWith(true);
    expect(item).toMatchObject({ name: 'one' });
    expect(codeOf(at(missing, 'name'))).toBe('SOURCE_CONTRACT');
  });
});

describe('an object that is computed from a value of the vendor', () => {
  const computed = (person: Record<string, unknown>) =>
    read('visits { times: value } spent { amounts { value } }', ['1'], {
      data: { found: { list: [{ _key: 'gid:1', ...person }] } },
    })[0];

  test('has the fields of the schema, and the vendor receives a request for its source fields', () => {
    const [request] = translate('visits { value } spent { amounts { value } }', ['1']);
    expect(request?.document).toContain('spent: total { value currency: code } visits: visitCount');
    const person = computed({ visits: 3, spent: { value: 5, currency: 'EUR' } });
    expect(at(person, 'visits')).toEqual({ value: 3 });
    expect(at(person, 'spent')).toEqual({ amounts: [{ value: 5 }] });
    expect(computed({ visits: null, spent: null })).toEqual({ visits: null, spent: null });
  });

  test.each([
    ['visits', { visits: { count: 3 } }],
    ['visits', { visits: [3] }],
    ['spent', { spent: 5 }],
    ['spent', { spent: [5] }],
  ])('is refused if the vendor sends another kind of value for %s: %j', (field, person) => {
    expect(codeOf(at(computed(person), field))).toBe('SOURCE_CONTRACT');
  });

  test.each([
    ['visits', { visits: 'three' }, ['value']],
    ['spent', { spent: { value: 'five' } }, ['amounts', 0, 'value']],
  ])('is refused if it does not match the schema: %s', (field, person, path) => {
    expect(codeOf(at(computed(person), field, ...path))).toBe('SOURCE_CONTRACT');
  });
});

describe('an object that needs a value of the vendor', () => {
  const line = (maker: object) => {
    const [found] = read('basket { items { title maker { name } } }', ['1'], {
      data: {
        basket_0: { nodes: [{ _owner: { gid: 'gid:1' }, items: { nodes: [{ title: 'T', maker }] } }] },
      },
    });
    return at(found, 'basket', 'items', 0);
  };

  test.each([
    ['null', null],
    ['empty', ''],
  ])('is null if the value is %s, and other fields are not affected', (_, serial) => {
    expect(line({ _needs: serial, name: 'M' })).toMatchObject({ title: 'T', maker: null });
  });

  test('is returned if the value is present', () => {
    expect(line({ _needs: 's', name: 'M' })).toMatchObject({ title: 'T', maker: { name: 'M' } });
  });

  test('requests the value even if the client does not select it', () => {
    const [request] = translate('basket { items { maker { name } } }', ['1']);
    expect(request?.document).toContain('{ _needs: serial name }');
  });

  test('is never found by an empty key', () => {
    const list = [
      { _key: null, code: 'x' },
      { _key: '', code: 'y' },
    ];
    expect(readShops(['', 'null'], { data: { found: { list, page: { hasNext: false } } } })).toEqual([
      null,
      null,
    ]);
  });
});

test('an answer without a non-null value is refused', () => {
  const list = [{ _key: 'a', code: null }];
  const [found] = readShops(['a'], { data: { found: { list, page: { hasNext: false } } } });
  expect(codeOf(at(found, 'code'))).toBe('SOURCE_CONTRACT');
});

test('an answer with an invalid list is refused', () => {
  expect(codeOf(at(read('name', ['1'], { data: { found: { list: { name: 'x' } } } }), 0, 'name'))).toBe(
    'SOURCE_CONTRACT',
  );
});

describe('a request to the vendor', () => {
  test('contains keys and arguments only as variables', () => {
    const hostile = `1") { id } } evil { secret(id: "`;
    const [request] = translate('name basket { label items(first: $n) { title } }', [hostile], { n: 3 });
    expect(request?.document).not.toContain('evil');
    expect(request?.variables).toEqual({ ids: [`gid:${hostile}`], basket_0_of: `holder:${hostile}` });
    expect(() => parse(request?.document ?? '')).not.toThrow();
  });

  test('sends only the queries that are needed', () => {
    expect(translate('name', ['1'])[0]?.document).not.toContain('basket');
    expect(translate('basket { label }', ['1'])[0]?.document).not.toContain('people');
  });

  test('has at most as many keys as the vendor accepts, and the answers are in order', () => {
    const ids = Array.from({ length: 60 }, (_, i) => String(i));
    const requests = translate('name town { name }', ids);
    expect(requests.length).toBeGreaterThan(1);
    expect(requests.flatMap(({ variables }) => variables.ids)).toEqual(ids.map((id) => `gid:${id}`));
    const found = requests.flatMap((request) => {
      const gids = request.variables.ids as string[];
      const list = gids.map((gid) => ({ _key: gid, name: gid, town: null })).reverse();
      return request.read({ data: { found: { list } }, errors: [] });
    });
    expect(found.map((item) => at(item, 'name'))).toEqual(ids.map((id) => `gid:${id}`));
  });

  test('does not exceed the maximum number of keys, even if their cost is low', () => {
    const ids = Array.from({ length: 60 }, (_, i) => String(i));
    const sizes = translate('name', ids).map(({ variables }) => (variables.ids as string[]).length);
    expect(sizes).toEqual([25, 25, 10]);
  });

  test('declares a variable for a setting only if it is used', () => {
    const shop = (fields: string) => requestsOf('_shops', fields, ['a'])[0];
    expect(shop('code price')?.document).toContain('$country: CountryCode!');
    expect(shop('code price')?.variables).toEqual({ codes: ['a'] });
    expect(shop('code')?.document).not.toContain('country');
  });

  test('is not sent if a single key exceeds the limit of the vendor', () => {
    expect(() => translate('basket { items(first: 100) { title } }', ['1'])).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
    );
  });
});
