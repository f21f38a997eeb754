import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { listen, type HttpServer } from '../../src/http/http.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { createPeople, type People } from '../gateway/people.js';
import { CALLER_SETTINGS, headersOf, KEY_ROLES, visitorToken } from '../support/callers.js';
import { generateOperations } from '../support/operations.js';
import { sendRequest, post, type RawRequest } from './raw-client.js';
import { runCount } from '../support/thorough.js';

const MAX_BODY_KB = 4;
const JAN = { email: 'jan@example.nl' };

const folder = mkdtempSync(join(tmpdir(), 'operations-'));
const operations = pathToFileURL(`${folder}/`);
writeFileSync(
  join(folder, 'who.graphql'),
  'query Who($by: CustomerKey!) { customer(by: $by) { id quick slow } }',
);
const [persisted] = readPersistedOperations(operations);
const documentId = persisted?.documentId ?? '';

interface RunningGateway {
  people: People;
  server: HttpServer;
  port: number;
}

async function openGateway(httpFront: 'on' | 'off'): Promise<RunningGateway> {
  const people = createPeople(
    { quick: { maxAge: '10 s' }, slow: {}, broken: {} },
    { ...CALLER_SETTINGS, HTTP_FRONT: httpFront, MAX_BODY_KB: String(MAX_BODY_KB), AUDIT_FILE: '/dev/null' },
    { operations },
  );
  people.system('broken').isUnavailable = true;
  const server = await listen(people.gateway.handler, { host: '127.0.0.1', port: 0 });
  return { people, server, port: Number(new URL(server.url).port) };
}

let front: RunningGateway;
let yoga: RunningGateway;
let authorizations: string[];
beforeAll(async () => {
  // The clock is fixed, because answers contain the remaining budget of a minute, and tokens expire.
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2030-05-06T07:08:09Z') });
  const roles = await Promise.all(KEY_ROLES.map((role) => headersOf(role)));
  authorizations = [
    ...roles.map(({ authorization = '' }) => authorization),
    `Bearer ${await visitorToken(JAN.email)}`,
    'Bearer nobody',
    'Basic bm9ib2R5Og==',
  ];
  [front, yoga] = await Promise.all([openGateway('on'), openGateway('off')]);
});
afterAll(async () => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
  for (const { server, people } of [front, yoga]) {
    await server.stop();
    await people.gateway.close();
  }
});

/** Headers that belong to the connection, not to the answer. */
const OF_CONNECTION = ['date', 'connection', 'keep-alive'];

async function answerOf({ port }: RunningGateway, rawRequest: RawRequest) {
  const { status, headers, body } = await sendRequest(port, rawRequest);
  for (const name of OF_CONNECTION) Reflect.deleteProperty(headers, name);
  return { status, headers, body };
}

const CUSTOMER = `customer(by: { email: "${JAN.email}" })`;
const BY = { by: JAN };

const written: object[] = [
  { query: `{ ${CUSTOMER} { quick slow broken } }` },
  { query: `{ ${CUSTOMER} { broken again: broken } }`, variables: null },
  { query: '{ __typename }', extensions: { any: 1 } },
  { query: 'query One { __typename } query Other { __typename }', operationName: 'Other' },
  { query: 'query One { __typename } query Other { __typename }' },
  { query: '{ __schema { queryType { name } } }' },
  { query: `{ __schema { queryType { name } } ${CUSTOMER} { quick } }` },
  { query: `{ ${CUSTOMER} { quick` },
  { query: `{ ${CUSTOMER} { nothing } }` },
  { query: 'query Refused { nothing', operationName: 'Refused' },
  { query: `{ ${CUSTOMER} { ... @defer { quick } slow } }` },
  {
    query: 'query Who($by: CustomerKey!) { customer(by: $by) { quick } }',
    variables: BY,
    operationName: 'Who',
  },
  { query: 'query Who($by: CustomerKey!) { customer(by: $by) { quick } }', variables: { by: { email: 1 } } },
  { query: 'query Who($by: CustomerKey!) { customer(by: $by) { quick } }' },
  { query: 'mutation { nothing }' },
  { query: 'subscription { nothing }' },
  { query: `{ ${'customers: '.repeat(3)}${CUSTOMER} { quick } }` },
  { query: `{ ${'a { '.repeat(40)}${'} '.repeat(40)}}` },
  { query: `# ${'x'.repeat(MAX_BODY_KB * 1024)}\n{ __typename }` },
  { query: '' },
  { documentId, variables: BY },
  { documentId, variables: BY, operationName: 'Who' },
  { documentId, variables: {} },
  { documentId: 'sha256:none' },
  { documentId, query: '{ __typename }' },
  {},
  [{ query: '{ __typename }' }],
];

const optional = (values: readonly string[]): fc.Arbitrary<string | undefined> =>
  fc.option(fc.constantFrom(...values), { nil: undefined, freq: 2 });

/** Optional headers of a request. Each request has an id, because a generated id would differ each time. */
const headers = fc
  .record({
    'x-request-id': fc.constantFrom('page-view.7', 'other'),
    authorization: fc.nat().map((n) => authorizations[n % authorizations.length]),
    accept: optional([
      'application/json',
      'application/graphql-response+json',
      'application/graphql-response+json, application/json;q=0.9',
      'application/json, application/graphql-response+json; charset=utf-8',
      'APPLICATION/*',
      'application/json; charset=latin1, */*',
      'application/json, text/event-stream, multipart/mixed',
      'text/plain',
      'text/html',
      'text/event-stream',
      ',',
      '',
    ]),
    'x-purpose': optional(['SERVICE', 'marketing', 'CURIOSITY', '']),
    'x-sources': optional(['1', '0']),
    'x-priority': optional(['bulk', 'interactive']),
    'cache-control': optional(['no-cache', 'only-if-cached', 'max-age=5']),
    prefer: optional(['wait=1']),
    origin: optional(['https://evil.example', 'null']),
    traceparent: optional(['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'x']),
    cookie: optional(['a=b']),
    expect: optional(['100-continue']),
  })
  .map((all) =>
    Object.fromEntries(
      Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
  );

/** Generates POST requests. Most of them are ordinary requests. */
const postRequests = (bodies: fc.Arbitrary<string>): fc.Arbitrary<RawRequest> =>
  fc
    .record({
      path: fc.oneof(
        { weight: 9, arbitrary: fc.constant('/graphql') },
        fc.constantFrom('/graphql/', '/graphql?a=b', '/other'),
      ),
      method: fc.oneof(
        { weight: 9, arbitrary: fc.constant('POST') },
        fc.constantFrom('PUT', 'OPTIONS', 'GET'),
      ),
      headers,
      type: fc.oneof(
        { weight: 9, arbitrary: fc.constant('application/json') },
        fc.constantFrom(
          'application/json; charset=utf-8',
          'application/json;charset=latin1',
          'application/jsonx',
          'text/plain',
          'application/x-www-form-urlencoded',
        ),
      ),
      encoding: fc.oneof(
        { weight: 9, arbitrary: fc.constant({}) },
        fc.constantFrom(
          { 'content-encoding': 'identity' },
          { 'content-encoding': 'gzip' },
          { 'transfer-encoding': 'chunked' },
        ),
      ),
      body: bodies,
    })
    .map(({ headers: sent, type, encoding, ...rawRequest }) => ({
      ...rawRequest,
      headers: { ...sent, 'content-type': type, ...encoding },
    }));

const getRequests: fc.Arbitrary<RawRequest> = fc
  .record({
    headers,
    method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD'),
    parameters: fc.constantFrom<Record<string, string>>(
      { documentId, variables: JSON.stringify(BY) },
      { documentId, variables: JSON.stringify(BY), operationName: 'Who', extensions: '{}' },
      { documentId, variables: '{' },
      { documentId, variables: '[]' },
      { documentId: 'sha256:none' },
      { documentId, query: '{ __typename }' },
      { query: '{ __typename }' },
      {},
    ),
    end: fc.constantFrom('', '', '&', '#part', '&variables=%ZZ'),
  })
  .map(({ parameters, end, ...rawRequest }) => ({
    ...rawRequest,
    path: `/graphql?${new URLSearchParams(parameters).toString()}${end}`,
  }));

const json = fc.constantFrom(...written).map((params) => JSON.stringify(params));
const garbage = fc.constantFrom('', '{', 'null', '1', '"x"', '\u0000', `{"query":"${'x'.repeat(5_000)}`);

const expectEqualAnswers = (requests: fc.Arbitrary<RawRequest>, numRuns: number) =>
  fc.assert(
    fc.asyncProperty(requests, async (rawRequest) => {
      expect(await answerOf(front, rawRequest)).toEqual(await answerOf(yoga, rawRequest));
    }),
    { numRuns: runCount(numRuns) },
  );

describe('the front answers with the same status, headers and bytes as Yoga', { timeout: 120_000 }, () => {
  test('handwritten operations, with all headers and methods', () =>
    expectEqualAnswers(postRequests(json), 1_000));

  test('operations generated from the schema', () => {
    const options = { maxDepth: 6, maxFields: 4, pages: [1, 2], customers: [JAN], customer: JAN };
    const generated = generateOperations(front.people.gateway.schema, options);
    return expectEqualAnswers(postRequests(generated.map((params) => JSON.stringify(params))), 300);
  });

  test('bodies without an operation', () => expectEqualAnswers(postRequests(garbage), 200));

  test('GET requests', () => expectEqualAnswers(getRequests, 500));

  test('a subscription of a client that accepts only JSON', async () => {
    const query = `subscription { customerChanged(by: { email: "${JAN.email}" }) { id } }`;
    const statuses = new Set<number>();
    for (const authorization of authorizations) {
      const rawRequest = post(JSON.stringify({ query }), {
        authorization,
        accept: 'application/json',
        'x-request-id': '1',
      });
      const { status } = await answerOf(yoga, rawRequest);
      expect(await answerOf(front, rawRequest)).toMatchObject({ status });
      statuses.add(status);
    }
    expect([...statuses].sort()).toEqual([401, 403, 406]);
  });

  test('requests of different callers on one connection', async () => {
    // A proxy sends such requests. A key with one wrong character must be refused.
    const almostEqual = authorizations.map((authorization) =>
      authorization.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    );
    const body = JSON.stringify({ query: `{ ${CUSTOMER} { id quick } }` });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { minLength: 2, maxLength: 12 }), async (picks) => {
        const all = ['', ...authorizations, ...almostEqual];
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        for (const pick of picks) {
          const authorization = all[pick % all.length] ?? '';
          const rawRequest = post(body, { authorization, 'x-request-id': '1' });
          expect(await answerOf(front, { ...rawRequest, agent })).toEqual(await answerOf(yoga, rawRequest));
        }
        agent.destroy();
      }),
      { numRuns: runCount(40) },
    );
  });

  test('and produces the same metrics', async () => {
    const counted = async ({ people }: RunningGateway) => {
      const text = await (await people.gateway.fetch('/metrics')).text();
      return text.split('\n').filter((line) => line.startsWith('stekkerdoos_operation'));
    };
    const lines = await counted(front);
    for (const outcome of ['ok', 'errors', 'refused'])
      expect(lines).toContainEqual(expect.stringMatching(new RegExp(`outcome="${outcome}"`)));
    expect(lines).toEqual(await counted(yoga));
  });
});
