import { afterEach, describe, expect, it } from 'vitest';
import type { ServerResponse } from 'node:http';
import { exhaustedFor, throttledFor } from '../../sources/webshop/wire.js';
import { setting, urlSetting } from '../../src/settings.js';
import { apiKey } from '../../src/connectors/auth.js';
import { graphql, type GraphqlClient } from '../../src/connectors/graphql/client.js';
import { describeContract, failure, open, sourceFailure, type Opened } from './contract.js';
import { sendJson, sendWithoutEnd, startServer, type SmallServer } from './server.js';

const FIND = `query($email: String!) {
  customerByIdentifier(identifier: { emailAddress: $email }) { id email }
}`;

const connectorTo = (url: string, token: string) =>
  graphql({
    url: urlSetting(url, 'https://example.myshopify.com/graphql.json'),
    auth: apiKey('x-shopify-access-token', setting(token)),
    throttledFor,
    exhaustedFor,
  });

describeContract<GraphqlClient>({
  connector: connectorTo('WEBSHOP_URL', 'WEBSHOP_ACCESS_TOKEN'),
  source: 'webshop',
  wrongCredentials: { WEBSHOP_ACCESS_TOKEN: 'a-wrong-token' },
  call: (client) => client.query('{ __typename }', {}),
  // The GraphQL envelope is checked here. The data is checked where it is read.
  callForMismatch: async () => {
    const server = await startServer((_, response) => {
      sendJson(response, { data: 'everywhere@example.nl' });
    });
    const client = open(connectorTo('URL', 'TOKEN'), { URL: server.url, TOKEN: 't' });
    try {
      return await client.query('{ __typename }', {});
    } finally {
      await client.close();
      await server.close();
    }
  },
  mismatch: { place: 'at: data', value: 'everywhere@example.nl' },
  find: async (client, email) => (await client.query(FIND, { email })).data?.customerByIdentifier,
  knownKey: 'everywhere@example.nl',
  nothing: null,
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

describe('a connection to a GraphQL system', () => {
  let server: SmallServer;
  let client: Opened<GraphqlClient>;

  const answered = async (body: object, path = '/graphql'): Promise<GraphqlClient> =>
    serving((response) => {
      sendJson(response, body);
    }, path);

  const serving = async (answer: (response: ServerResponse) => void, path = '/graphql') => {
    server = await startServer((_, response) => {
      answer(response);
    });
    client = open(connectorTo('URL', 'TOKEN'), { URL: `${server.url}${path}`, TOKEN: 't' });
    return client;
  };

  afterEach(async () => {
    await client.close();
    await server.close();
  });

  it('posts the operation with its variables, and keys only as variables', async () => {
    await answered({ data: { a: 1 } });
    const key = '"} mutation { delete }';
    await client.query('query($key: ID!) { a(key: $key) }', { key });
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({ method: 'POST', url: '/graphql' });
    expect(JSON.parse(server.seen[0]?.body ?? '')).toEqual({
      query: 'query($key: ID!) { a(key: $key) }',
      variables: { key },
    });
  });

  it('sends a variable that is a setting with the operations that declare it, and with no others', async () => {
    server = await startServer((_, response) => {
      sendJson(response, { data: { a: 1 } });
    });
    const connector = graphql({
      url: urlSetting('URL', 'https://example.nl/graphql'),
      auth: apiKey('x-key', setting('TOKEN')),
      settings: { country: setting('COUNTRY') },
    });
    client = open(connector, { URL: server.url, TOKEN: 't', COUNTRY: 'BE' });
    await client.query('query($country: CountryCode!, $key: ID!) { a(in: $country, key: $key) }', {
      key: '1',
    });
    await client.query('query($key: ID!) { a(key: $key) }', { key: '1' });
    expect(server.seen.map(({ body }) => (JSON.parse(body) as { variables: unknown }).variables)).toEqual([
      { country: 'BE', key: '1' },
      { key: '1' },
    ]);
  });

  it('calls a system whose address has no path', async () => {
    await answered({ data: { a: 1 } }, '');
    expect(await client.query('{ a }', {})).toEqual({ data: { a: 1 }, errors: [] });
    expect(server.seen[0]?.url).toBe('/');
  });

  it.each([
    ['without extensions', {}],
    ['with extensions', { extensions: { anything: 1 } }],
    ['with null for extensions', { extensions: null }],
  ])('accepts an answer %s', async (_, more) => {
    await answered({ data: { a: 1 }, ...more });
    expect(await client.query('{ a }', {})).toEqual({ data: { a: 1 }, errors: [] });
  });

  it('returns the errors of single fields with their paths, and the data of the others', async () => {
    await answered({
      data: { a: 1, b: null, list: [null, { c: 2 }] },
      errors: [
        { message: 'jan@example.nl is not known', path: ['b'] },
        { message: 'no', path: ['list', 0], extensions: { code: 'INTERNAL' } },
      ],
    });
    const { data, errors } = await client.query('{ a b list { c } }', {});
    expect(data).toEqual({ a: 1, b: null, list: [null, { c: 2 }] });
    expect(errors.map(({ path, error }) => [path, error.extensions])).toEqual([
      [['b'], { code: 'SOURCE_UNAVAILABLE', source: 'tested', retryable: true }],
      [['list', 0], { code: 'SOURCE_UNAVAILABLE', source: 'tested', retryable: true }],
    ]);
    expect(JSON.stringify(errors.map(({ error }) => [error.message, error.extensions]))).not.toContain('jan');
  });

  it.each([
    ['there is no data', { errors: [{ message: 'jan@example.nl broke it', path: ['a'] }] }],
    ['data is null', { data: null, errors: [{ message: 'jan@example.nl broke it', path: ['a'] }] }],
    ['no error has a place', { data: { a: null }, errors: [{ message: 'jan@example.nl broke it' }] }],
  ])('fails the whole request if %s, and never returns the message of the system', async (_, body) => {
    await answered(body);
    const error = await failure(client.query('{ a }', {}));
    expect(error.code).toBe('SOURCE_UNAVAILABLE');
    expect(JSON.stringify([error.message, error.extensions])).not.toContain('jan');
  });

  it.each([
    ['a list', []],
    ['errors that are not a list', { errors: 'broken' }],
    ['an error with an invalid path', { data: {}, errors: [{ path: [{}] }] }],
  ])('refuses an answer of another shape: %s', async (_, body) => {
    await answered(body);
    expect((await failure(client.query('{ a }', {}))).code).toBe('SOURCE_CONTRACT');
  });

  it('returns numbers that Shopify writes as text unchanged', async () => {
    await answered({ data: { id: 'gid://shopify/Customer/9007199254740993' } });
    expect((await client.query('{ id }', {})).data).toEqual({
      id: 'gid://shopify/Customer/9007199254740993',
    });
  });

  const throttled = (cost?: unknown) => ({
    errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }],
    ...(cost === undefined ? {} : { extensions: { cost } }),
  });
  const cost = (requestedQueryCost: number, currentlyAvailable: number, restoreRate: number) => ({
    requestedQueryCost,
    actualQueryCost: null,
    throttleStatus: { maximumAvailable: 2_000, currentlyAvailable, restoreRate },
  });

  it.each([
    ['has enough left', cost(100, 100, 50), []],
    ['lacks some', cost(100, 40, 50), [{ retryAfterMs: 1_200 }]],
    ['does not say', undefined, []],
  ])('gets no more calls while its budget is too low, if it %s', async (_, input, expected) => {
    const reported: unknown[] = [];
    server = await startServer((_request, response) => {
      sendJson(response, { data: {}, ...(input === undefined ? {} : { extensions: { cost: input } }) });
    });
    const scope = { slowDown: (rateLimitInfo: object) => void reported.push(rateLimitInfo) };
    client = open(connectorTo('URL', 'TOKEN'), { URL: server.url, TOKEN: 't' }, { scope });
    await client.query('{ a }', {});
    expect(reported).toEqual(expected);
  });

  it.each([
    ['the missing points divided by the restore rate', cost(500, 100, 100), 4],
    ['rounded up to whole seconds', cost(501, 100, 100), 5],
    ['at least one second', cost(100, 100, 100), 1],
    ['one second without a cost', undefined, 1],
    ['one second with a cost of another shape', { throttleStatus: 'full' }, 1],
  ])('waits while the shop throttles: %s', async (_, input, seconds) => {
    await answered(throttled(input));
    const error = await sourceFailure(client.query('{ a }', {}));
    expect(error.extensions).toEqual({
      code: 'SOURCE_RATE_LIMITED',
      source: 'tested',
      retryable: true,
      retryAfter: seconds,
    });
  });

  it('does not treat the cost of an ordinary answer as a refusal', async () => {
    await answered({ data: { a: 1 }, extensions: { cost: cost(10, 0, 1) } });
    expect(await client.query('{ a }', {})).toEqual({ data: { a: 1 }, errors: [] });
  });

  it('refuses an answer above the size limit without reading it to the end', async () => {
    let sent: Promise<number> | undefined;
    await serving((response) => {
      sent = sendWithoutEnd(response);
    });
    expect((await failure(client.query('{ a }', {}))).code).toBe('SOURCE_CONTRACT');
    expect(await sent).toBeLessThan(24 * 1024 * 1024);
  });
});
