import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bearer } from '../../src/connectors/auth.js';
import { graphql } from '../../src/connectors/graphql/client.js';
import { oauth2 } from '../../src/connectors/oauth2.js';
import { odata } from '../../src/connectors/odata/client.js';
import { countNotedValues, templateOf } from '../../src/connectors/path-template.js';
import { pathPart, rest, type RestClient } from '../../src/connectors/rest.js';
import { soap } from '../../src/connectors/soap/client.js';
import { nameIn, tablesIn } from '../../src/connectors/sql/statement.js';
import { safeCode } from '../../src/diagnosis.js';
import { setting, urlSetting } from '../../src/settings.js';
import { open, sourceFailure } from './contract.js';
import { sendJson, startServer, type SmallServer } from './server.js';
import { fault, sendXml, service } from './soap-service.js';

/** A personal value in every request and in every text of the answers. It must not occur in a diagnosis. */
const MARKER = 'jan-de-vries@example.nl';
const anything = z.unknown();
const baseUrl = urlSetting('URL', 'https://example.nl');
const auth = bearer(setting('TOKEN'));

let server: SmallServer;
let close: () => Promise<void> = () => Promise.resolve();

afterEach(async () => {
  await close();
  await server.close();
});

let others = 0;
function noteOthers(count: number): void {
  for (let i = 0; i < count; i += 1) pathPart(`other-${(others += 1)}`);
}

const restTo = async (answer: Parameters<typeof startServer>[0]): Promise<RestClient> => {
  server = await startServer(answer);
  const client = open(rest({ baseUrl, auth, pingPath: '/' }), { URL: `${server.url}/api/v2`, TOKEN: 't' });
  close = () => client.close();
  return client;
};

/** The diagnosis of an error. Fails the test if it contains the marker. */
async function diagnosis(call: Promise<unknown>): Promise<object> {
  const { code, kind, requested, received, message } = await sourceFailure(call);
  const details = { code, kind, requested, received };
  expect(JSON.stringify({ ...details, message })).not.toMatch(/jan-de-vries/i);
  return details;
}

describe('the diagnosis of a REST system', () => {
  it.each([
    [403, { category: 'MISSING_SCOPES', message: MARKER }, 'SOURCE_FORBIDDEN', 'forbidden', 'MISSING_SCOPES'],
    [
      401,
      [{ errorCode: 'INVALID_SESSION_ID' }],
      'SOURCE_UNAUTHENTICATED',
      'credentials',
      'INVALID_SESSION_ID',
    ],
    [404, { error: 'RecordNotFound' }, 'SOURCE_CONTRACT', 'not-found', 'RecordNotFound'],
    [400, { error: { code: 190, message: MARKER } }, 'SOURCE_CONTRACT', 'request-refused', '190'],
    [400, { fout: [{ code: 'IPD0004' }] }, 'SOURCE_CONTRACT', 'request-refused', 'IPD0004'],
    [500, { error: MARKER, code: MARKER }, 'SOURCE_UNAVAILABLE', 'server-error', undefined],
    [
      429,
      { type: 'https://api.x.com/2/problems/usage-capped' },
      'SOURCE_RATE_LIMITED',
      'rate-limited',
      'usage_capped',
    ],
  ])('has the status %d and the code of the vendor', async (status, body, code, kind, vendorCode) => {
    const client = await restTo((_, response) => {
      sendJson(response, body, { status });
    });
    const call = client.post(anything, `/people/${pathPart(MARKER)}?q=${MARKER}`, { email: MARKER });
    expect(await diagnosis(call)).toEqual({
      code,
      kind,
      requested: { method: 'POST', path: '/api/v2/people/{}?q={}' },
      received: { status, vendorCode },
    });
  });

  it('contains the place that does not match the schema, and the expected type', async () => {
    const client = await restTo((_, response) => {
      sendJson(response, { people: [{ email: MARKER, born: MARKER }] });
    });
    const schema = z.object({ people: z.array(z.object({ email: z.number(), born: z.iso.date() })) });
    expect(await diagnosis(client.get(schema, '/people', { email: MARKER }))).toEqual({
      code: 'SOURCE_CONTRACT',
      kind: 'wrong-shape',
      requested: { method: 'GET', path: '/api/v2/people?email={}' },
      received: {
        mismatches: [
          { path: 'people.0.email', expected: 'number' },
          { path: 'people.0.born', expected: 'text of the format date' },
        ],
      },
    });
  });

  it('leaves out a value that looks like a word, even if many other values were sent before the answer', async () => {
    const client = await restTo((_, response) => {
      noteOthers(2_000);
      sendJson(response, {}, { status: 500 });
    });
    expect(await diagnosis(client.get(anything, `/people/${pathPart('jansen')}`))).toMatchObject({
      requested: { method: 'GET', path: '/api/v2/people/{}' },
    });
  });

  it('reports that an answer is not JSON', async () => {
    const client = await restTo((_, response) => response.end(`<html>${MARKER}</html>`));
    expect(await diagnosis(client.get(anything, '/'))).toMatchObject({ kind: 'wrong-format' });
  });

  it('reports why there is no connection', async () => {
    const client = await restTo((_, response) => response.end());
    await server.close();
    expect(await diagnosis(client.get(anything, '/'))).toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      kind: 'unreachable',
      received: { networkCode: 'ECONNREFUSED' },
    });
  });

  it('reads the code of an error of at most 64 kB', async () => {
    let size = 0;
    const client = await restTo((_, response) => {
      const body = { code: 'TOO_MANY', more: '' };
      sendJson(response, { ...body, more: 'x'.repeat(size - JSON.stringify(body).length) }, { status: 400 });
    });
    for (const [bytes, vendorCode] of [
      [64 * 1024, 'TOO_MANY'],
      [64 * 1024 + 1, undefined],
    ] as const) {
      size = bytes;
      expect(await diagnosis(client.get(anything, '/'))).toMatchObject({
        received: { status: 400, vendorCode },
      });
    }
  });

  it('leaves out a code that repeats a value of the request', async () => {
    const client = await restTo((_, response) => {
      sendJson(response, { error: 'DE_VRIES' }, { status: 400 });
    });
    expect(await diagnosis(client.get(anything, '/people', { name: 'de_vries' }))).toMatchObject({
      received: { status: 400, vendorCode: undefined },
    });
  });
});

describe('the diagnosis of a refused token', () => {
  it('has the code of the standard, and the address of the token endpoint', async () => {
    server = await startServer((_, response) => {
      sendJson(response, { error: 'invalid_client', error_description: MARKER }, { status: 400 });
    });
    const token = {
      tokenUrl: baseUrl,
      tokenPath: '/oauth/token',
      clientId: setting('ID'),
      clientSecret: setting('KEY'),
    };
    const client = open(rest({ baseUrl, auth: oauth2(token), pingPath: '/' }), {
      URL: server.url,
      ID: MARKER,
      KEY: MARKER,
    });
    close = () => client.close();
    const expected = {
      code: 'SOURCE_UNAUTHENTICATED',
      kind: 'token-refused',
      requested: { method: 'POST', path: '/oauth/token' },
      received: { status: 400, vendorCode: 'invalid_client' },
    };
    expect(await diagnosis(client.get(anything, '/people'))).toEqual(expected);
    // The token is not requested again for a while. The reason is still reported.
    expect(await diagnosis(client.get(anything, '/people'))).toEqual(expected);
  });
});

describe('the diagnosis of a GraphQL system', () => {
  it.each([
    ['ACCESS_DENIED', 'SOURCE_FORBIDDEN', 'forbidden', 'ACCESS_DENIED'],
    ['UNAUTHENTICATED', 'SOURCE_UNAUTHENTICATED', 'credentials', 'UNAUTHENTICATED'],
    ['undefinedField', 'SOURCE_CONTRACT', 'request-refused', 'undefinedField'],
    ['INTERNAL_SERVER_ERROR', 'SOURCE_UNAVAILABLE', 'graphql-error', 'INTERNAL_SERVER_ERROR'],
    [MARKER, 'SOURCE_UNAVAILABLE', 'graphql-error', undefined],
  ])('has the code %s', async (sent, code, kind, vendorCode) => {
    server = await startServer((_, response) => {
      sendJson(response, {
        data: { customer: null },
        errors: [{ message: MARKER, path: ['customer'], extensions: { code: sent, value: MARKER } }],
      });
    });
    const client = open(graphql({ url: baseUrl, auth }), { URL: `${server.url}/graphql`, TOKEN: 't' });
    close = () => client.close();
    const { errors } = await client.query('query ($email: String) { customer(email: $email) { id } }', {
      email: MARKER,
    });
    const [only] = errors;
    expect(await diagnosis(Promise.reject(only?.error ?? new Error('none')))).toEqual({
      code,
      kind,
      requested: { method: 'POST', path: '/graphql' },
      received: { vendorCode },
    });
  });
});

describe('the diagnosis of a SOAP service', () => {
  it.each([
    ['its fault code', fault(MARKER, 'e:Server'), 'SOURCE_UNAVAILABLE', 'fault', 'e:Server'],
    [
      'a code in the text of a fault',
      fault('DATABASE_IS_FULL', 'e:Server'),
      'SOURCE_UNAVAILABLE',
      'fault',
      'DATABASE_IS_FULL',
    ],
    ['our own fault', fault(MARKER, 'e:Client'), 'SOURCE_CONTRACT', 'request-refused', 'e:Client'],
    ['text that is not a code', fault(MARKER, MARKER), 'SOURCE_UNAVAILABLE', 'fault', undefined],
  ])('has %s', async (_, body, code, kind, faultCode) => {
    server = await startServer(
      service((request, response) => {
        expect(request.body).toContain(MARKER);
        sendXml(response, body, { status: 500 });
      }, undefined),
    );
    const connector = soap({
      baseUrl,
      path: '/parcels',
      wsdl: '/parcels?wsdl',
      ping: { operation: 'track', input: { customer: '' } },
    });
    const client = open(connector, { URL: `${server.url}/api` });
    close = () => client.close();
    expect(await diagnosis(client.call(anything, 'track', { customer: MARKER }))).toEqual({
      code,
      kind,
      requested: { method: 'POST', path: '/api/parcels', operation: 'track' },
      received: { status: 500, faultCode },
    });
  });
});

describe('the diagnosis of an OData system', () => {
  it('has its code, and the set without the key', async () => {
    server = await startServer((_, response) => {
      sendJson(
        response,
        { error: { code: 'Internal_DataNotFoundFilter', message: MARKER } },
        { status: 400 },
      );
    });
    const client = open(odata({ baseUrl, auth, pingPath: '/' }), {
      URL: `${server.url}/v2.0/api`,
      TOKEN: 't',
    });
    close = () => client.close();
    expect(await diagnosis(client.getByKey(anything, 'customers', MARKER))).toEqual({
      code: 'SOURCE_CONTRACT',
      kind: 'request-refused',
      requested: { method: 'GET', path: '/v2.0/api/customers({})' },
      received: { status: 400, vendorCode: 'Internal_DataNotFoundFilter' },
    });
  });
});

describe('the template of a path', () => {
  it.each([
    ['/v1/basisprofielen/69599084/vestigingen', '/v1/basisprofielen/{}/vestigingen'],
    ['/services/data/v59.0/query?q=SELECT%20Id', '/services/data/v59.0/query?q={}'],
    ['/companies(0b5e)/customers?%24filter=x&$top=1', '/companies({})/customers?%24filter={}&$top={}'],
    ['/people/jan@example.nl', '/people/{}'],
    ['/people/%6a', '/people/{}'],
    ['', '/'],
    ['/?jan@example.nl', '/?{}={}'],
  ])('is found for %s', (path, template) => {
    expect(templateOf(path)).toBe(template);
  });

  it('leaves out recent and earlier values that were inserted into paths', () => {
    pathPart('jansen');
    noteOthers(1_999);
    pathPart('jansen');
    noteOthers(1_999);
    expect(templateOf('/v1/customers/jansen')).toBe('/v1/customers/{}');
  });

  it('leaves out all parts of a path if its inserted values may have been dropped from memory', () => {
    noteOthers(1_999);
    pathPart('jansen');
    const before = countNotedValues();
    noteOthers(2_000);
    expect(templateOf('/v1/customers/jansen', before)).toBe('/v1/customers/{}');
    noteOthers(1);
    expect(templateOf('/v1/customers/jansen', before)).toBe('/{}');
  });

  it('contains no value that was inserted into a path', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z]{3,12}$/),
        fc.string({ unit: 'grapheme', minLength: 1 }),
        (word, value) => {
          fc.pre(!['.', '..'].includes(value) && !/\p{Surrogate}/u.test(value) && value.length > 2);
          const encoded = pathPart(value);
          expect(templateOf(`/letters/${encoded}?${word}=${encoded}`)).toBe(
            // A word that was inserted as a value in an earlier run is left out too.
            templateOf(`/letters/{}?${word}={}`),
          );
        },
      ),
    );
  });
});

describe('a code that may be logged', () => {
  it.each([
    'invalid_grant',
    'MISSING_SCOPES',
    'RecordNotFound',
    'env:Server',
    'IPD5200',
    'BadRequest_ResourceNotFound',
    '42P01',
    'Client.Authentication',
  ])('may be %s', (code) => {
    expect(safeCode(code)).toBe(code);
  });

  it.each([
    'jan@example.nl',
    'jandevries',
    'Jansen',
    'anne-marie',
    'Jan de Vries',
    '0612345678',
    '+31612345678',
    '',
    'a'.repeat(65),
    "it's",
    'a\nb',
    12.5,
    null,
    {},
    3_161_234_567,
  ])('is never %s', (value) => {
    expect(safeCode(value)).toBeUndefined();
  });

  it('never has spaces, an @, or more than six digits', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const code = safeCode(text);
        expect(code ?? '').toMatch(/^[\w.:-]{0,64}$/);
        expect((code ?? '').replace(/\D/g, '').length).toBeLessThanOrEqual(6);
      }),
    );
  });
});

describe('the names in an SQL statement', () => {
  const STATEMENT = `WITH recent AS (SELECT * FROM orders WHERE cust_no = ANY($1))
    SELECT o.order_no FROM recent AS o LEFT JOIN shop.order_lines ON true CROSS JOIN LATERAL (SELECT 1) AS one
    JOIN json_to_recordset($2) AS requested ON true`;

  it('are its tables, without its aliases', () => {
    expect(tablesIn(STATEMENT)).toEqual(['orders', 'shop.order_lines']);
  });

  it.each([
    ['relation "orders" does not exist', 'orders'],
    ['permission denied for table orders', 'orders'],
    ['toegang geweigerd voor tabel orders', 'orders'],
    ["Table 'test.orders' doesn't exist", 'orders'],
    ["SELECT command denied to user 'jan'@'localhost' for table `test`.`orders`", 'orders'],
    ["SELECT command denied to user 'jan'@'localhost' for table `shop`.`order_lines`", 'shop.order_lines'],
    ['column o.order_no does not exist', 'o.order_no'],
    ['column "order_no" does not exist', 'order_no'],
    ["Unknown column 'o.order_no' in 'SELECT'", 'o.order_no'],
    ['relation "jan" does not exist', undefined],
    [`invalid input syntax: "${MARKER}"`, undefined],
  ])('are found in a message: %s', (message, name) => {
    expect(nameIn(message, STATEMENT)).toBe(name);
  });
});
