import fc from 'fast-check';
import { parse, type DocumentNode } from 'graphql';
import { afterEach, describe, expect, it } from 'vitest';
import type { GraphqlClient } from '../../src/connectors/graphql/client.js';
import type { Loader } from '../../src/loaders/loader.js';
import { hostileKeys, open } from '../connectors/contract.js';
import { sendJson, startServer, type SmallServer } from '../connectors/server.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { createTestGateway, LONG_TIMEOUT, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import {
  bookshop,
  BOOKSHOP_SDL,
  BOOKSHOP_SETTINGS,
  BOOKSHOP_YAML,
  MEMBERS,
  type BookshopFaults,
} from './bookshop.js';
import { compiled } from './warranty.js';

let server: SmallServer | undefined;
let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  await server?.close();
});

interface Sent {
  query: string;
  variables: Record<string, unknown>;
}
const sent = () => (server?.seen ?? []).map(({ body }) => JSON.parse(body) as Sent);

describe('a source declared over GraphQL', () => {
  const start = async (faults: BookshopFaults = {}, environment = {}): Promise<TestGateway> => {
    const answer = bookshop(faults);
    server = await startServer((request, response) => void answer(request, response));
    const { source, sdl } = compiled(BOOKSHOP_YAML, BOOKSHOP_SDL);
    const gateway = createTestGateway(
      { BOOKSHOP_URL: `${server.url}/graphql`, ...BOOKSHOP_SETTINGS, ...environment },
      {
        sources: [{ ...source, limits: { ...source.limits, timeout: LONG_TIMEOUT } }],
        sdl: { bookshop: sdl },
      },
    );
    close = () => gateway.close();
    return gateway;
  };

  it('is found by e-mail and by its record key, and selects only the mapped fields', async () => {
    const gateway = await start();
    const fields = '{ name readsBooks emails { value } }';
    const expected = { name: 'Anna de Vries 3', readsBooks: true, emails: [{ value: 'reader3@example.nl' }] };
    for (const by of ['{ email: "READER3@example.nl" }', '{ memberId: "M003" }'])
      expect(await gateway.query(`{ customer(by: ${by}) ${fields} }`)).toMatchObject({
        errors: [],
        data: { customer: expected },
      });
    expect(sent()).toEqual([
      {
        query: 'query($key0:String!){k0:member(by:{email:$key0}){email id name{given family} active}}',
        variables: { key0: 'reader3@example.nl' },
      },
      {
        query: 'query($keys0:[ID!]!){k0:members(ids:$keys0){id email name{given family} active}}',
        variables: { keys0: ['M003'] },
      },
    ]);
  });

  it('sends a batch as one list, or as fields with aliases, and matches records by their key', async () => {
    const gateway = await start();
    const customers = async (keys: readonly object[]) => {
      const { data, errors } = await gateway.query(
        'query($by: [CustomerKey!]!) { customers(by: $by) { name } }',
        { by: keys },
      );
      expect(errors).toEqual([]);
      return listAt(data, 'customers');
    };
    const names = MEMBERS.map(({ name }) => ({ name: `${name.given} ${name.family}` }));
    expect(await customers([...MEMBERS.map(({ id }) => ({ memberId: id })), { memberId: 'M999' }])).toEqual([
      ...names,
      null,
    ]);
    expect(sent()).toHaveLength(1);
    expect(
      await customers([...MEMBERS.map(({ email }) => ({ email })), { email: 'nobody@example.nl' }]),
    ).toEqual([...names, null]);
    expect(sent()).toHaveLength(1 + 5);
  });

  it('reads the pages of several lists together, and shows them as connections', async () => {
    const gateway = await start();
    const { data, errors } = await gateway.query(
      `query($by: [CustomerKey!]!) { customers(by: $by) {
        bookPurchases(first: 100) { nodes { number boughtOn total { amount currency } books { title author } } } } }`,
      { by: [45, 3, 20].map((n) => ({ memberId: MEMBERS[n - 1]?.id })) },
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers').map((customer) => listAt(customer, 'bookPurchases', 'nodes'))).toEqual(
      [45, 3, 20].map((n) =>
        (MEMBERS[n - 1]?.purchases ?? []).toReversed().map(({ number, boughtOn, total, items }) => ({
          ...{ number, boughtOn },
          total: { amount: String(total.amount), currency: 'EUR' },
          books: items.map(({ title, author }) => ({ title, author: author?.name ?? null })),
        })),
      ),
    );
    const [, ...pages] = sent();
    expect(pages.map(({ variables }) => variables)).toEqual([
      { key0: 'M045', key1: 'M003', key2: 'M020' },
      { key0: 'M045', after0: Buffer.from('20').toString('base64') },
      { key0: 'M045', after0: Buffer.from('40').toString('base64') },
    ]);
    expect(pages[0]?.query).toContain(
      'k2:member(by:{id:$key2}){purchases(status:PAID first:20 after:$after2){edges{node{number boughtOn ' +
        'total{amount currency} items{title author{name}}}} pageInfo{hasNextPage endCursor}}}',
    );
  });

  it('fails only the alias whose field failed', async () => {
    const gateway = await start({
      failing: { 'reader2@example.nl': 'INTERNAL', 'reader3@example.nl': 'NO_SUCH_MEMBER' },
    });
    const { data, errors } = await gateway.query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { readsBooks } }',
      { by: [1, 2, 3, 4].map((n) => ({ email: `reader${n}@example.nl` })) },
    );
    expect(data).toEqual({ customers: [{ readsBooks: true }, null, null, { readsBooks: false }] });
    expect(errors).toMatchObject([
      { path: ['customers', 1], extensions: { code: 'SOURCE_UNAVAILABLE', source: 'bookshop' } },
    ]);
    expect(JSON.stringify(errors)).not.toContain('Jan');
  });

  it('masks the fields that its SDL masks', async () => {
    const gateway = await start({}, { ...CALLER_SETTINGS, AUDIT_FILE: '/dev/null' });
    const { data, errors } = await gateway.query(
      '{ customer(by: { memberId: "M002" }) { bookPurchases { nodes { number } } } }',
      {},
      await headersOf('analyst', { purpose: 'ANALYTICS' }),
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customer', 'bookPurchases', 'nodes').map((node) => at(node, 'number'))).toEqual([
      '***0001',
      '***0000',
    ]);
  });
});

/** Starts a system with these answers. Loads keys by the call of a field, with parts of the example replaced. */
async function loading(
  answer: (sent: Sent) => object,
  ...replacements: readonly (readonly [from: string, to: string])[]
): Promise<(...keys: string[]) => Promise<unknown>> {
  server = await startServer(({ body }, response) => {
    sendJson(response, answer(JSON.parse(body) as Sent));
  });
  const yaml = replacements.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replace(from, to);
  }, BOOKSHOP_YAML);
  const { source } = compiled(yaml, BOOKSHOP_SDL);
  const client = open(
    source.connector,
    { BOOKSHOP_URL: server.url, ...BOOKSHOP_SETTINGS },
    { source: 'bookshop' },
  );
  close = () => client.close();
  const loader = (source.loaders as readonly Loader<GraphqlClient, string, unknown>[]).find(
    ({ name }) => name === 'purchases',
  );
  return (...keys) => loader?.load(keys, client as unknown as GraphqlClient) ?? Promise.resolve([]);
}

const PURCHASES = BOOKSHOP_YAML.slice(
  BOOKSHOP_YAML.indexOf('    field: "member(by: { id'),
  BOOKSHOP_YAML.indexOf('fields:'),
);
const purchase = (number: string, more: object = {}) => ({ number, boughtOn: '2026-11-24', ...more });
const LIST = '    field: "purchases(of: $keys)"\n    key: owner\n';
const ONE_BY_ONE = '    field: "purchases(of: $key)"\n    rows: .\n    key: owner\n';

describe('a call over GraphQL', () => {
  it('returns exactly the records of each alias', async () => {
    const load = await loading(
      () => ({ data: { k0: [purchase('1', { owner: 'M002' })], k1: [purchase('2', { owner: 'M002' })] } }),
      [PURCHASES, ONE_BY_ONE],
    );
    expect(await load('M001', 'M002')).toMatchObject([
      { code: 'SOURCE_CONTRACT', kind: 'wrong-record' },
      [{ number: '2' }],
    ]);
  });

  it('matches the records of a list by key, and refuses records that were not requested', async () => {
    const rows = [purchase('1', { owner: 'M002' }), null, purchase('2', { owner: 'M001' })];
    const load = await loading(
      ({ variables }) => ({
        data: {
          k0:
            (variables['keys0'] as string[]).length === 3
              ? rows
              : [...rows, purchase('3', { owner: 'M009' })],
        },
      }),
      [PURCHASES, LIST],
    );
    expect(await load('M001', 'M002', 'M003')).toMatchObject([[{ number: '2' }], [{ number: '1' }], []]);
    await expect(load('M001', 'M002')).rejects.toMatchObject({ code: 'SOURCE_CONTRACT' });
  });

  it('fails only the key of a record with an error in a field, and all keys if the record is null', async () => {
    const rows = [purchase('1', { owner: 'M002', total: null }), purchase('2', { owner: 'M001' })];
    const errorAt = (...path: (string | number)[]) => ({ path: ['k0', ...path], message: 'Jan' });
    const load = await loading(
      ({ variables }) =>
        (variables['keys0'] as string[]).includes('M003')
          ? { data: { k0: [...rows, null] }, errors: [errorAt(2, 'number')] }
          : { data: { k0: rows }, errors: [errorAt(0, 'total')] },
      [PURCHASES, LIST],
    );
    expect(await load('M001', 'M002')).toMatchObject([[{ number: '2' }], { code: 'SOURCE_UNAVAILABLE' }]);
    await expect(load('M001', 'M002', 'M003')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });

  it.each([
    ['no list', { edges: 'Jan' }, 'member.purchases.edges'],
    ['an edge of another shape', { edges: ['Jan'] }, 'member.purchases.edges'],
    [
      'a record of another shape',
      { edges: [{ node: purchase('1', { boughtOn: 'Jan' }) }] },
      'edges.node.boughtOn',
    ],
    [
      'an object of another shape',
      { edges: [{ node: purchase('1', { total: 'Jan' }) }] },
      'edges.node.total',
    ],
    ['null as a record', { edges: [{ node: null }] }, 'member.purchases.edges.node'],
    ['no statement about further pages', { edges: [], pageInfo: {} }, 'pageInfo.hasNextPage'],
    [
      'a further page with an empty cursor',
      { edges: [], pageInfo: { hasNextPage: true, endCursor: '' } },
      'pageInfo.endCursor',
    ],
    ['a further page without a cursor', { edges: [], pageInfo: { hasNextPage: true } }, 'pageInfo.endCursor'],
  ])('refuses an answer with %s', async (_, purchases, place) => {
    const load = await loading(() => ({
      data: { k0: { purchases: { pageInfo: { hasNextPage: false }, ...purchases } } },
    }));
    const [error] = (await load('M001')) as [Error];
    expect(error).toMatchObject({ code: 'SOURCE_CONTRACT' });
    expect(error.message).toContain(place);
    expect(error.message).not.toContain('Jan');
  });

  it.each([
    ['an alias is missing', { data: { k1: null } }, 'SOURCE_CONTRACT'],
    [
      'an error names no alias of the call',
      { data: { k0: null }, errors: [{ path: ['member'] }] },
      'SOURCE_UNAVAILABLE',
    ],
    ['there is no data', { data: null }, 'SOURCE_CONTRACT'],
  ])('never returns "not found" if %s', async (_, answer, code) => {
    const load = await loading(() => answer);
    const result = await load('M001').then(
      (values) => (values as unknown[])[0],
      (error: unknown) => error,
    );
    expect(result).toMatchObject({ code });
  });

  it('returns "not found" for an error of a non-null field in a call for one key', async () => {
    const nothing = { data: null, errors: [{ path: ['k0'], extensions: { code: 'NO_SUCH_MEMBER' } }] };
    const load = await loading(() => nothing);
    expect(await load('M001')).toEqual([[]]);
    await expect(load('M001', 'M002')).rejects.toMatchObject({
      code: 'SOURCE_CONTRACT',
      message: expect.stringContaining('maxBatch: 1') as string,
    });
  });

  it('fails if a list has further pages, and the declaration has no pages or a smaller limit', async () => {
    const endless = () => ({
      data: {
        k0: {
          purchases: {
            edges: [{ node: purchase('1') }],
            pageInfo: { hasNextPage: true, endCursor: String((server?.seen ?? []).length) },
          },
        },
      },
    });
    const load = await loading(endless, ['maxItems: 100', 'maxItems: 3']);
    expect(await load('M001')).toMatchObject([{ code: 'SOURCE_CONTRACT', kind: 'incomplete' }]);
    expect(server?.seen).toHaveLength(3);
    await close?.();
    await server?.close();
    const once = await loading(endless, [', after: $after', ''], ['    page: { maxItems: 100 }\n', '']);
    expect(await once('M001')).toMatchObject([{ code: 'SOURCE_CONTRACT', kind: 'incomplete' }]);
    expect(server?.seen).toHaveLength(1);
  });

  it('reads lists whose next cursor is in a neighbouring field', async () => {
    const load = await loading(
      ({ variables: { after0 } }) => ({
        data: {
          k0: { items: [purchase(after0 === undefined ? '0' : '7')], next: after0 === undefined ? 7 : null },
        },
      }),
      [
        PURCHASES,
        '    field: "purchases(of: $key, after: $after)"\n    rows: items\n    page: { cursor: next, maxItems: 9 }\n',
      ],
    );
    expect(await load('M001')).toMatchObject([[{ number: '0' }, { number: '7' }]]);
    expect(sent()[1]?.query).toContain('k0:purchases(of:$key0 after:$after0){items{number');
  });

  it.each([
    ['no list', { items: null, next: null }, []],
    ['an empty cursor', { items: [purchase('1')], next: '' }, [{ number: '1' }]],
    ['a cursor of another shape', { items: [], next: ['Jan'] }, { code: 'SOURCE_CONTRACT' }],
  ])('stops reading at %s', async (_, answer, expected) => {
    const load = await loading(
      () => ({ data: { k0: answer } }),
      [
        PURCHASES,
        '    field: "purchases(of: $key, after: $after)"\n    rows: items\n    page: { cursor: next, maxItems: 9 }\n',
      ],
    );
    expect(await load('M001')).toMatchObject([expected]);
    expect(server?.seen).toHaveLength(1);
  });

  it('sends an explicit selection unchanged', async () => {
    const load = await loading(
      () => ({ data: { k0: [purchase('1', { items: [{ title: 'De uitvreter' }] })] } }),
      [
        PURCHASES,
        '    field: "purchases(of: $key)"\n    rows: .\n    select: "{ number boughtOn total { amount currency } items(first: 5) { title author { name } } }"\n',
      ],
    );
    expect(await load('M001')).toMatchObject([[{ number: '1', books: [{ title: 'De uitvreter' }] }]]);
    expect(sent()[0]?.query).toBe(
      'query($key0:ID!){k0:purchases(of:$key0){number boughtOn total{amount currency}items(first:5){title author{name}}}}',
    );
  });

  it('waits until the cost points of the system are restored', async () => {
    const load = await loading(() => ({
      data: null,
      errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
      extensions: { cost: { requested: 100, available: 10, perSecond: 45 } },
    }));
    await expect(load('M001')).rejects.toMatchObject({ code: 'SOURCE_RATE_LIMITED', retryAfter: 2 });
  });

  it.each([
    ['an answer without points', {}],
    ['points of another shape', { cost: { requested: 'Jan', available: null, perSecond: 0 } }],
    ['a cost that is not an object', { cost: 'Jan' }],
  ])('repeats the call after a second for %s', async (_, extensions) => {
    const load = await loading(() => ({
      data: { k0: null },
      errors: [{ message: 'Throttled', path: ['k0'], extensions: { code: 'THROTTLED' } }],
      extensions,
    }));
    await expect(load('M001')).rejects.toMatchObject({ code: 'SOURCE_RATE_LIMITED', retryAfter: 1 });
  });

  it('returns every digit of an amount that is a JSON number', async () => {
    server = await startServer((_, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(
        `{"data":{"k0":{"purchases":{"pageInfo":{"hasNextPage":false},"edges":[{"node":{"number":"1",
        "boughtOn":"2026-11-24","total":{"amount":12345678901234567.89,"currency":"EUR"}}}]}}}}`,
      );
    });
    const { source } = compiled(BOOKSHOP_YAML, BOOKSHOP_SDL);
    const client = open(
      source.connector,
      { BOOKSHOP_URL: server.url, ...BOOKSHOP_SETTINGS },
      { source: 'bookshop' },
    );
    close = () => client.close();
    const loaders = source.loaders as readonly Loader<GraphqlClient, string, unknown>[];
    const purchases = loaders.find(({ name }) => name === 'purchases');
    expect(await purchases?.load(['M001'], client as unknown as GraphqlClient)).toMatchObject([
      [{ total: { amount: '12345678901234567.89' } }],
    ]);
  });

  it('refuses keys that are not numbers if the argument is an Int', async () => {
    const load = await loading(
      () => ({ data: { k0: [purchase('1', { owner: 17 })] } }),
      [PURCHASES, LIST.replace('key:', 'keys: Int\n    key:')],
    );
    expect(await load('17', 'x', '2147483648', '1e3')).toMatchObject([
      [{ number: '1' }],
      ...Array<object>(3).fill({ code: 'BAD_USER_INPUT' }),
    ]);
    expect(sent()[0]).toMatchObject({ variables: { keys0: [17] } });
  });

  it.each([
    ['aliases', PURCHASES],
    ['a list', LIST],
  ])('never has a key in its text, with %s', async (_, call) => {
    const load = await loading(
      ({ query }) => ({
        data: Object.fromEntries([...query.matchAll(/(k\d+):/g)].map(([, alias = '']) => [alias, null])),
      }),
      [PURCHASES, call],
    );
    const documents = new Map<number, string>();
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.oneof(
            fc.constantFrom(...Object.values(hostileKeys)),
            fc.string({ unit: 'binary' }),
            fc.string({ unit: fc.constantFrom(...Array.from('"\'{}()$:,\\ \n\r\0a')) }),
            fc.constantFrom('$key1', '$after0', '"){id}k9:a(b:"', '"""', '\\u0022', '__typename'),
          ),
          { minLength: 1, maxLength: 4 },
        ),
        async (keys) => {
          if (server !== undefined) server.seen.length = 0;
          const results = (await load(...keys)) as unknown[];
          const accepted = keys.filter((__, i) => !(results[i] instanceof Error));
          for (const result of results)
            if (result instanceof Error) expect(result).toMatchObject({ code: 'BAD_USER_INPUT' });
          expect(sent()).toHaveLength(accepted.length === 0 ? 0 : 1);
          const [request] = sent();
          if (request === undefined) return;
          expect(Object.values(request.variables).flat()).toEqual(accepted);
          const size = call === LIST ? 1 : accepted.length;
          expect(request.query).toBe(documents.get(size) ?? request.query);
          documents.set(size, request.query);
        },
      ),
      { numRuns: 100 },
    );
    for (const [size, document] of documents) expect(fieldsIn(parse(document))).toBe(size);
  });
});

/** The number of fields of an operation. */
function fieldsIn({ definitions }: DocumentNode): number {
  return definitions.reduce(
    (count, definition) =>
      'selectionSet' in definition ? count + definition.selectionSet.selections.length : count,
    0,
  );
}
