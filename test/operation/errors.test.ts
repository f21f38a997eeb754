import { GraphQLObjectType, GraphQLScalarType, GraphQLSchema } from 'graphql';
import { pino } from 'pino';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { sources } from '../../sources/index.js';
import { setting } from '../../src/settings.js';
import { InvalidInputError } from '../../src/errors.js';
import { listen } from '../../src/http/http.js';
import type { SourceDefinition } from '../../src/source.js';
import { createOperationRunner, createTestApp } from '../support/app.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

const PRIVATE = 'piet@example.nl';
const BROKEN_SETTING = setting('BROKEN_URL');

/** A source whose resolvers have defects. */
const broken: SourceDefinition = {
  name: 'broken',
  connector: {
    settings: () => [BROKEN_SETTING],
    connect: () => ({
      client: () => ({ ping: () => Promise.resolve() }),
      close: () => Promise.resolve(),
    }),
  },
  resolvers: {
    Query: {
      throwing: () => {
        throw new TypeError(`cannot read ${PRIVATE}`);
      },
      throwingText: () => {
        // oxlint-disable-next-line typescript/only-throw-error -- a library may throw something that is not an Error, and its text must not reach the client either
        throw PRIVATE;
      },
      notANumber: () => PRIVATE,
      noList: () => PRIVATE,
      nothing: () => null,
      refusing: () => {
        throw new InvalidInputError('Not that.');
      },
    },
  },
};
const SDL = `
  type Query @personalData(category: NONE) {
    throwing: String
    throwingText: String
    notANumber: Int
    noList: [String]
    nothing: String!
    refusing: String
  }
`;

const logged: string[] = [];
const logger = pino({ level: 'info' }, { write: (line) => logged.push(line) });
const gateway = createTestGateway(
  { ...directSettings(), BROKEN_URL: 'anything' },
  { sources: [...sources, broken], sdl: { broken: SDL }, logger },
);
afterAll(() => gateway.close());
afterEach(() => {
  logged.length = 0;
});

async function sendQuery(query: string, headers: Record<string, string> = {}) {
  const response = await gateway.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  const text = await response.text();
  const body = JSON.parse(text) as {
    data?: unknown;
    errors: { message: string; extensions: Record<string, unknown> }[];
  };
  return { status: response.status, requestId: response.headers.get('x-request-id'), text, ...body };
}

describe('a defect', () => {
  for (const field of ['throwing', 'throwingText', 'notANumber', 'noList']) {
    test(`shows only the id of the request: ${field}`, async () => {
      const { status, requestId, errors, data, text } = await sendQuery(`{ ${field} __typename }`);
      expect(status).toBe(200);
      expect(data).toEqual({ [field]: null, __typename: 'Query' });
      expect(errors).toEqual([
        {
          message: 'The gateway has a defect. Report the request id to its operator.',
          locations: [{ line: 1, column: 3 }],
          path: [field],
          extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
        },
      ]);
      expect(text).not.toContain(PRIVATE);
    });

    test(`is logged with the id of the request, without values: ${field}`, async () => {
      const { requestId } = await sendQuery(`{ written_by_a_client: ${field} }`, {
        'x-request-id': 'page-view.7',
      });
      expect(requestId).toBe('page-view.7');
      const [line] = logged.map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(line).toMatchObject({ level: 50, msg: 'defect', requestId: 'page-view.7', field });
      expect(logged.join('')).not.toContain(PRIVATE);
      // An alias may be any text of any length.
      expect(logged.join('')).not.toContain('written_by_a_client');
    });
  }

  test('makes the data null if the field must not be null', async () => {
    const { data, errors } = await sendQuery('{ nothing }');
    expect(data).toBeNull();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['INTERNAL_SERVER_ERROR']);
  });

  test('before execution results in an answer without data', async () => {
    const { contextOptions } = createOperationRunner(gateway.schema).options;
    const registry = {
      ...contextOptions.registry,
      forRequest: () => {
        throw new TypeError(`cannot read ${PRIVATE}`);
      },
    };
    const app = createTestApp(gateway.schema, {
      logger,
      parts: { contextOptions: { ...contextOptions, registry } },
    });
    const response = await app.fetch(new Request('http://gateway/graphql?query={__typename}'));
    const text = await response.text();
    app.close();
    expect(response.status).toBe(500);
    expect(text).toContain('INTERNAL_SERVER_ERROR');
    expect(text).not.toContain('"data"');
    expect(text + logged.join('')).not.toContain(PRIVATE);
  });

  test('is reported if an answer cannot be written as JSON', async () => {
    const Exact = new GraphQLScalarType({ name: 'Exact', serialize: () => 1n });
    const schema = new GraphQLSchema({
      query: new GraphQLObjectType({
        name: 'Query',
        fields: { exact: { type: Exact, resolve: () => PRIVATE } },
      }),
    });
    const app = createTestApp(schema, { logger });
    const server = await listen(app.listener, { host: '127.0.0.1', port: 0 });
    const response = await fetch(`${server.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ exact }"}',
    });
    const text = await response.text();
    await server.stop();
    app.close();
    expect(response.status).toBe(500);
    expect(text).toContain('INTERNAL_SERVER_ERROR');
    expect(logged.join('')).toContain('defect');
  });

  test('is logged with its place in the code', async () => {
    await sendQuery('{ throwing }');
    expect(logged[0]).toContain('TypeError');
    expect(logged[0]).toContain('errors.test.ts');
  });
});

describe('a request', () => {
  test('that is refused has its id in the answer and in the log, without values', async () => {
    const { requestId } = await sendQuery(`{ customer(by: "${PRIVATE}") }`);
    expect(requestId).toMatch(/^[\w-]{36}$/);
    expect(logged.join('')).toContain(requestId ?? 'no id');
    expect(logged.join('')).toContain('GRAPHQL_VALIDATION_FAILED');
    expect(logged.join('')).not.toContain(PRIVATE);
  });

  test('that fails with a gateway error returns its code and message', async () => {
    const { errors } = await sendQuery('{ refusing }');
    expect(errors).toMatchObject([{ message: 'Not that.', extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  test('that is answered without errors is not logged', async () => {
    await sendQuery('{ __typename }');
    expect(logged).toEqual([]);
  });

  test('with an id of special characters receives another id', async () => {
    const { requestId } = await sendQuery('{ __typename }', { 'x-request-id': `<${PRIVATE}>` });
    expect(requestId).toMatch(/^[\w-]{36}$/);
  });

  test('has an answer that must not be cached', async () => {
    const response = await gateway.fetch('/graphql?query={__typename}');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-powered-by')).toBeNull();
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });
});
