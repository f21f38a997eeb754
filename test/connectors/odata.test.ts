import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { setting, urlSetting } from '../../src/settings.js';
import { bearer } from '../../src/connectors/auth.js';
import {
  odata,
  odataDecimalText,
  type OdataClient,
  type OdataOptions,
} from '../../src/connectors/odata/client.js';
import {
  cut,
  filterText,
  odataDate,
  odataDecimal,
  odataGuid,
  type OdataValue,
} from '../../src/connectors/odata/query.js';
import { invoicesAccessToken } from '../../sources/invoices/stand-in/index.js';
import { parseFilter } from '../../sources/invoices/stand-in/filter.js';
import { describeContract, failure, hostileKeys, open, type Opened } from './contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from './server.js';

const card = z.object({ number: z.string(), email: z.string() });

describeContract<OdataClient>({
  connector: odata({
    baseUrl: urlSetting('INVOICES_URL', 'https://api.businesscentral.dynamics.com'),
    auth: bearer(setting('INVOICES_TOKEN', z.string().default(invoicesAccessToken), 'a token')),
    pingPath: '/customers?$top=1',
    lists: 'in',
    parameters: { $schemaversion: '2.1' },
  }),
  source: 'invoices',
  wrongCredentials: { INVOICES_TOKEN: 'a-wrong-token' },
  call: (client) => client.list(card, 'customers', { top: 1 }),
  callForMismatch: (client) =>
    client.list(z.object({ email: z.number() }), 'customers', {
      keys: { field: 'email', values: ['everywhere@example.nl'] },
    }),
  mismatch: { place: 'value.0.email', value: 'everywhere@example.nl' },
  find: async (client, key) =>
    (await client.list(card, 'customers', { keys: { field: 'email', values: [key] } })).flatMap(
      ({ records }) => records,
    ),
  knownKey: 'everywhere@example.nl',
  nothing: [],
  codes: {
    down: 'SOURCE_UNAVAILABLE',
    status: 'SOURCE_UNAVAILABLE',
    garbage: 'SOURCE_CONTRACT',
    reset: 'SOURCE_UNAVAILABLE',
    'rate-limit': 'SOURCE_RATE_LIMITED',
    hang: 'SOURCE_TIMEOUT',
    drip: 'SOURCE_TIMEOUT',
  },
  retryAfter: 2,
  maxConnections: 64,
});

describe('a connection to an OData system', () => {
  let server: SmallServer;
  let client: Opened<OdataClient>;

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  const connect = async (
    answer: (request: SeenRequest, response: ServerResponse) => void,
    options: Partial<OdataOptions> = {},
  ): Promise<void> => {
    server = await startServer(answer);
    const connector = odata({
      baseUrl: urlSetting('URL', 'https://example.nl'),
      auth: bearer(setting('TOKEN')),
      pingPath: '/things?$top=1',
      ...options,
    });
    client = open(connector, { URL: `${server.url}/api/v4`, TOKEN: 't' });
  };
  const answering = (body: unknown, options: Partial<OdataOptions> = {}) =>
    connect((_, response) => {
      sendJson(response, body);
    }, options);
  const thing = z.object({ id: z.number() });
  const requestedPaths = (i = -1): URL => new URL(server.seen.at(i)?.url ?? '', server.url);
  const optionOf = (name: string, i = -1) => requestedPaths(i).searchParams.get(name);

  it('requests records as the protocol defines', async () => {
    await answering({ value: [{ id: 1 }] });
    const found = await client.list(thing, 'things', {
      keys: { field: 'number', values: ['A', 7] },
      where: [
        ['status', 'ne', "d'Artagnan"],
        ['on', 'ge', odataDate('2026-11-01')],
        ['ref', 'eq', odataGuid('0b39f3a1-3d32-4a5f-9d8b-1d2a3b4c5d6e')],
        ['amount', 'lt', odataDecimal('12.50')],
        ['open', 'eq', true],
        ['kind', 'in', ['x', 'y']],
      ],
      select: ['id', 'name'],
      expand: ['lines', 'customer'],
      orderBy: ['on desc', 'id'],
      top: 5,
    });
    expect(found).toEqual([{ values: ['A', 7], records: [{ id: 1 }], isComplete: true }]);
    expect(requestedPaths().pathname).toBe('/api/v4/things');
    expect(Object.fromEntries(requestedPaths().searchParams)).toEqual({
      $filter:
        "(number eq 'A' or number eq 7) and status ne 'd''Artagnan' and on ge 2026-11-01 " +
        'and ref eq 0b39f3a1-3d32-4a5f-9d8b-1d2a3b4c5d6e and amount lt 12.50 and open eq true ' +
        "and (kind eq 'x' or kind eq 'y')",
      $select: 'id,name',
      $expand: 'lines,customer',
      $orderby: 'on desc,id',
      $top: '5',
    });
  });

  it('writes "in" lists for a system that supports them, with the options of the vendor', async () => {
    await answering({ value: [] }, { lists: 'in', parameters: { $schemaversion: '2.1' } });
    await client.list(thing, 'things', { keys: { field: 'number', values: ['A', 'B'] } });
    expect(optionOf('$filter')).toBe("number in ('A','B')");
    expect(optionOf('$schemaversion')).toBe('2.1');
  });

  it('makes no call without keys', async () => {
    await answering({ value: [] });
    expect(await client.list(thing, 'things', { keys: { field: 'number', values: [] } })).toEqual([]);
    expect(server.seen).toEqual([]);
  });

  it.each([
    ['by the length of the address', { maxUrlLength: 500 }, undefined],
    ['by the number of values', { maxValues: 30 }, 4],
  ])('divides a long list into several calls %s, with all keys', async (_, options, calls) => {
    await connect(({ url }, response) => {
      const filter = new URL(url, 'http://x').searchParams.get('$filter') ?? '';
      sendJson(response, { value: [...filter.matchAll(/'k(\d+)'/g)].map(([, id]) => ({ id: Number(id) })) });
    }, options);
    const values = Array.from({ length: 100 }, (_value, i) => `k${i}`);
    const parts = await client.list(thing, 'things', { keys: { field: 'number', values } });
    expect(parts.flatMap((part) => part.values)).toEqual(values);
    expect(parts.flatMap(({ records }) => records.map(({ id }) => `k${id}`))).toEqual(values);
    for (const { url } of server.seen) expect(`${server.url}${url}`.length).toBeLessThanOrEqual(4_000);
    if ('maxUrlLength' in options)
      for (const { url } of server.seen) expect(`${server.url}${url}`.length).toBeLessThanOrEqual(500);
    if (calls !== undefined) expect(server.seen).toHaveLength(calls);
    expect(server.seen.length).toBeGreaterThan(1);
  });

  it('uses as few lists as possible', () => {
    const lengthOf = (values: readonly string[]) => values.join(',').length;
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 12 })),
        fc.integer({ min: 12, max: 60 }),
        fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constant(Infinity)),
        (values, maxLength, maxValues) => {
          const parts = cut(values, { maxLength, maxValues, lengthOf });
          expect(parts.flat()).toEqual(values);
          for (const [i, part] of parts.entries()) {
            expect(part.length).toBeGreaterThan(0);
            expect(part.length).toBeLessThanOrEqual(maxValues);
            expect(lengthOf(part)).toBeLessThanOrEqual(maxLength);
            const [first] = parts[i + 1] ?? [];
            if (first !== undefined && part.length < maxValues)
              expect(lengthOf([...part, first])).toBeGreaterThan(maxLength);
          }
        },
      ),
    );
  });

  it('refuses a value that is too long for an address, and makes no call', async () => {
    await answering({ value: [] });
    const requests = client.list(thing, 'things', {
      keys: { field: 'number', values: ['x'.repeat(10_000)] },
    });
    expect((await failure(requests)).code).toBe('BAD_USER_INPUT');
    expect(server.seen).toEqual([]);
  });

  it.each(Object.entries(hostileKeys))('treats %s as a value only', async (_, key) => {
    await answering({ value: [] }, { lists: 'in' });
    const requests = client.list(thing, 'things', {
      keys: { field: 'number', values: ['a', key] },
      where: [['name', 'eq', key]],
    });
    const error = await requests.then(
      () => undefined,
      (request: unknown) => request,
    );
    if (error !== undefined) {
      expect(error).toMatchObject({ code: 'BAD_USER_INPUT' });
      expect(server.seen).toEqual([]);
      return;
    }
    expect(requestedPaths().pathname).toBe('/api/v4/things');
    expect([...requestedPaths().searchParams.keys()]).toEqual(['$filter']);
    const quoted = `'${key.replaceAll("'", "''")}'`;
    expect(optionOf('$filter')).toBe(`number in ('a',${quoted}) and name eq ${quoted}`);
    expect(server.seen[0]?.headers).not.toHaveProperty('x-injected');
  });

  it('sends values that are parsed to the same value, for any value', () => {
    client = { close: () => Promise.resolve() } as Opened<OdataClient>;
    server = { url: '', seen: [], close: () => Promise.resolve() };
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom("'", '"', '(', ')', ',', ' ', 'or', 'eq', 'in', '%', '\\', '&', '#', 'a'),
      }),
    );
    fc.assert(
      fc.property(text, text, text, (text, other, requests) => {
        fc.pre(!requests.includes('\0'));
        for (const lists of ['in', 'or'] as const) {
          const filter = filterText(
            [['name', 'in', [text, other].map((value) => value.replaceAll('\0', ''))]],
            {
              version: 4,
              lists,
            },
          );
          const isFound = parseFilter(filter ?? '', { filterable: { name: 'text' }, knowsIn: true });
          expect(isFound({ name: requests })).toBe(
            [text, other].some((value) => value.replaceAll('\0', '') === requests),
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each(['a/b', '..', "x') or (1 eq 1", '?$top=1', '#'])(
    'escapes a key, so that it cannot address other records: %s',
    async (key) => {
      await connect((_, response) => {
        sendJson(response, {}, { status: 404 });
      });
      expect(await client.getByKey(thing, 'things', key)).toBeNull();
      const { pathname, search } = requestedPaths();
      expect(search).toBe('');
      expect(decodeURIComponent(pathname)).toBe(`/api/v4/things('${key.replaceAll("'", "''")}')`);
      expect(pathname.split('/')).toHaveLength(4);
    },
  );

  it.each([
    ['a day', () => odataDate('2026-11-01T00:00:00')],
    ['a GUID', () => odataGuid("0b39f3a1-3d32-4a5f-9d8b-1d2a3b4c5d6e' or 1 eq 1")],
    ['a decimal', () => odataDecimal('1e3')],
  ])('refuses a key that is not %s', (_, make: () => OdataValue) => {
    client = { close: () => Promise.resolve() } as Opened<OdataClient>;
    server = { url: '', seen: [], close: () => Promise.resolve() };
    expect(make).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  });

  describe('reading page by page', () => {
    const inPages = (nextOf: (page: number) => unknown) =>
      connect(({ url }, response) => {
        const page = Number(new URL(url, 'http://x').searchParams.get('$skiptoken') ?? 0);
        sendJson(response, {
          value: [{ id: page }],
          ...(page < 4 && { '@odata.nextLink': nextOf(page + 1) }),
        });
      });

    it.each([
      ['whole', (page: number) => `${server.url}/api/v4/things?$skiptoken=${page}`],
      ['from the top', (page: number) => `/elsewhere?$skiptoken=${page}`],
      ['beside', (page: number) => `things?$skiptoken=${page}`],
    ])("follows the system's own links, written %s", async (_, nextOf) => {
      await inPages(nextOf);
      const [part] = await client.list(thing, 'things', { pageSize: 1 });
      expect(part).toEqual({ values: [], records: [0, 1, 2, 3, 4].map((id) => ({ id })), isComplete: true });
      expect(server.seen.map(({ headers }) => headers.prefer)).toEqual(
        Array.from({ length: 5 }, () => 'odata.maxpagesize=1'),
      );
    });

    it('stops at its limit, or when it has enough records, and reports that there are more', async () => {
      await inPages((page) => `things?$skiptoken=${page}`);
      expect(await client.list(thing, 'things', { maxPages: 2 })).toMatchObject([
        { records: [{ id: 0 }, { id: 1 }], isComplete: false },
      ]);
      const enough = { isEnough: (records: readonly unknown[]) => records.length === 3 };
      expect(await client.list(thing, 'things', enough)).toMatchObject([
        { records: [{ id: 0 }, { id: 1 }, { id: 2 }], isComplete: false },
      ]);
      expect(server.seen).toHaveLength(5);
    });

    it.each([
      ['another host', 'https://secret.example/api/v4/things'],
      ['another port', 'http://127.0.0.1:1/api/v4/things'],
      ['another host, by two slashes', '//secret.example/things'],
      ['a user name before its own host', 'http://secret.example\\@127.0.0.1/'],
      ['no address', 'http://'],
      ['a script', 'javascript:secret'],
    ])('never follows a link to %s', async (_, link) => {
      await inPages(() => link);
      const error = await failure(client.list(thing, 'things', {}));
      expect(error.code).toBe('SOURCE_CONTRACT');
      expect(error.message).not.toContain('secret');
      expect(server.seen).toHaveLength(1);
    });
  });

  it('counts the matches over all parts of a list', async () => {
    await answering({ value: [], '@odata.count': 3 }, { maxValues: 1 });
    const choice = { keys: { field: 'number', values: ['a', 'b'] } };
    expect(await client.count('things', choice)).toBe(6);
    expect(Object.fromEntries(requestedPaths().searchParams)).toMatchObject({ $count: 'true', $top: '0' });
  });

  it('requests sums from a system that supports them', async () => {
    await answering({ value: [{ customer: 'a', total: '12.50' }] });
    const group = z.object({ customer: z.string(), total: odataDecimalText });
    expect(
      await client.aggregate(group, 'things', {
        keys: { field: 'customer', values: ['a'] },
        where: [['open', 'eq', true]],
        groupBy: ['customer'],
        sums: { total: 'amount' },
      }),
    ).toEqual([{ customer: 'a', total: '12.50' }]);
    expect(optionOf('$apply')).toBe(
      "filter((customer eq 'a') and open eq true)/groupby((customer),aggregate(amount with sum as total))",
    );
  });

  it('refuses a link to another origin only if it needs the next page', async () => {
    await answering({ value: [{ id: 1 }], '@odata.nextLink': 'https://elsewhere.example/things' });
    const enough = { isEnough: (records: readonly unknown[]) => records.length > 0 };
    for (const bound of [enough, { maxPages: 1 }])
      expect(await client.list(thing, 'things', bound)).toEqual([
        { values: [], records: [{ id: 1 }], isComplete: false },
      ]);
    expect((await failure(client.list(thing, 'things', {}))).code).toBe('SOURCE_CONTRACT');
  });

  it('fails if the sums are incomplete', async () => {
    await answering({ value: [], '@odata.nextLink': 'things?$skiptoken=1' });
    const requests = client.aggregate(thing, 'things', { groupBy: ['a'], sums: { b: 'c' } });
    expect((await failure(requests)).code).toBe('SOURCE_CONTRACT');
  });

  it('requests decimals as text, and accepts a number only if it loses no digits', async () => {
    const amounts = z.object({ amount: odataDecimalText });
    await connect((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        '{"value":[{"amount":"123456789012345678.90"},{"amount":1000.8},{"amount":-0.00000000012}, {"amount":100}]}'.replace(
          '-0.00000000012',
          '-0.05',
        ),
      );
    });
    const [part] = await client.list(amounts, 'things', {});
    expect(part?.records.map(({ amount }) => amount)).toEqual([
      '123456789012345678.90',
      '1000.8',
      '-0.05',
      '100',
    ]);
    expect(server.seen[0]?.headers.accept).toContain('IEEE754Compatible=true');
    for (const lost of [1e16 / 3, 1e21, 1e-9, Number.NaN, '12,50', '1e3'])
      expect(odataDecimalText.safeParse(lost).success, String(lost)).toBe(false);
  });

  describe('in version 2 of the protocol', () => {
    const version = { version: 2 } as const;

    it('reads the content of "d", and follows its links', async () => {
      await connect(({ url }, response) => {
        const isFirst = !url.includes('skiptoken');
        sendJson(response, {
          d: isFirst
            ? { results: [{ id: 1 }], __next: `${server.url}/api/v4/things?$skiptoken=1` }
            : { results: [{ id: 2 }] },
        });
      }, version);
      expect(
        await client.list(thing, 'things', {
          where: [
            ['on', 'ge', odataDate('2026-11-01')],
            ['amount', 'lt', odataDecimal('12.50')],
            ['ref', 'eq', odataGuid('0b39f3a1-3d32-4a5f-9d8b-1d2a3b4c5d6e')],
          ],
        }),
      ).toEqual([{ values: [], records: [{ id: 1 }, { id: 2 }], isComplete: true }]);
      expect(optionOf('$filter', 0)).toBe(
        "on ge datetime'2026-11-01T00:00:00' and amount lt 12.50M and ref eq guid'0b39f3a1-3d32-4a5f-9d8b-1d2a3b4c5d6e'",
      );
      expect(server.seen[0]?.headers.accept).toBe('application/json');
    });

    it('reads a list without pages, one record, and a count', async () => {
      await connect(({ url }, response) => {
        if (url.includes('(1)')) sendJson(response, { d: { id: 1 } });
        else if (url.includes('inlinecount')) sendJson(response, { d: { results: [], __count: '12' } });
        else sendJson(response, { d: [{ id: 1 }] });
      }, version);
      expect(await client.list(thing, 'things', {})).toMatchObject([
        { records: [{ id: 1 }], isComplete: true },
      ]);
      expect(await client.getByKey(thing, 'things', 1)).toEqual({ id: 1 });
      expect(await client.count('things', {})).toBe(12);
    });

    it('refuses a link to another origin', async () => {
      await answering({ d: { results: [], __next: 'https://secret.example/' } }, version);
      expect((await failure(client.list(thing, 'things', {}))).code).toBe('SOURCE_CONTRACT');
    });
  });
});
