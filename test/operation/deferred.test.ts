import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { trace } from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { listen, type HttpServer } from '../../src/http/http.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { createPeople, type People } from '../gateway/people.js';
import { fetchIncremental, mergeParts } from '../support/answer-in-parts.js';
import { RecordingProvider } from '../support/spans.js';
import { sendRequest, post } from '../http/raw-client.js';

const folder = mkdtempSync(join(tmpdir(), 'deferred-'));
const operations = pathToFileURL(`${folder}/`);
writeFileSync(
  join(folder, 'later.graphql'),
  'query Later($by: CustomerKey!) { customer(by: $by) { quick ...Slow @defer(label: "slow") } }\nfragment Slow on Customer { slow }',
);
const documentId = readPersistedOperations(operations)[0]?.documentId ?? '';

interface Way {
  people: People;
  server: HttpServer;
  port: number;
}

async function openWay(environment: Record<string, string> = {}): Promise<Way> {
  const people = createPeople({ quick: {}, slow: {}, broken: {} }, environment, { operations });
  people.system('broken').isUnavailable = true;
  const server = await listen(people.gateway.handler, { host: '127.0.0.1', port: 0 });
  return { people, server, port: Number(new URL(server.url).port) };
}

/** Makes the slow system answer. */
function holdSlow({ people }: Way): () => void {
  let release: () => void = () => undefined;
  people.system('slow').answersAfter = new Promise<void>((resolve) => (release = resolve));
  return release;
}

function recordSpans(): RecordingProvider {
  const provider = new RecordingProvider();
  trace.setGlobalTracerProvider(provider);
  onTestFinished(() => {
    trace.disable();
  });
  return provider;
}

const opened: Way[] = [];
async function open(environment: Record<string, string> = {}): Promise<Way> {
  const way = await openWay(environment);
  opened.push(way);
  return way;
}
afterAll(async () => {
  rmSync(folder, { recursive: true });
  for (const { server, people } of opened) {
    await server.stop();
    await people.gateway.close();
  }
});

const JAN = { by: { email: 'jan@example.nl' } };
const CUSTOMER = 'customer(by: { email: "jan@example.nl" })';
const later = (selected: string, directive = '@defer') =>
  `{ ${CUSTOMER} { quick ... ${directive} { ${selected} } } }`;

describe.each(['planned', 'interpreted'])('a deferred fragment, with operations %s', (EXECUTION) => {
  let way: Way;
  beforeAll(async () => {
    way = await open({ EXECUTION });
  });
  beforeEach(() => {
    way.people.system('slow').answersAfter = Promise.resolve();
  });

  test('is sent when the slow system answers, after the other data', async () => {
    const release = holdSlow(way);
    const answer = await fetchIncremental(way.port, { query: later('slow') });
    expect(await answer.next()).toEqual({ data: { customer: { quick: 'quick' } }, hasNext: true });
    release();
    expect(await answer.rest()).toEqual([
      { incremental: [{ data: { slow: 'slow' }, path: ['customer'] }], hasNext: false },
    ]);
  });

  test('has its label, if it is a named fragment', async () => {
    const query = `query Later($by: CustomerKey!) { customer(by: $by) { quick ...Slow @defer(label: "slow") } } fragment Slow on Customer { slow }`;
    const release = holdSlow(way);
    const answer = await fetchIncremental(way.port, { query, variables: JAN });
    expect(await answer.next()).toMatchObject({ hasNext: true });
    release();
    expect(await answer.rest()).toMatchObject([
      { incremental: [{ data: { slow: 'slow' }, label: 'slow' }], hasNext: false },
    ]);
  });

  test('may be inside another deferred fragment', async () => {
    const query = `{ __typename ... @defer { ${CUSTOMER} { quick ... @defer { slow } } } }`;
    const release = holdSlow(way);
    const answer = await fetchIncremental(way.port, { query });
    expect(await answer.next()).toEqual({ data: { __typename: 'Query' }, hasNext: true });
    expect(await answer.next()).toEqual({
      incremental: [{ data: { customer: { quick: 'quick' } }, path: [] }],
      hasNext: true,
    });
    release();
    expect(await answer.rest()).toMatchObject([{ incremental: [{ data: { slow: 'slow' } }] }]);
  });

  test.each([
    ['false', {}],
    ['$later', { later: false }],
  ])('is sent with the other data if its condition is false: %s', async (condition, variables) => {
    const query = `query ($later: Boolean! = false) { ${CUSTOMER} { quick ... @defer(if: ${condition}) { slow } } __typename @include(if: $later) }`;
    const answer = await fetchIncremental(way.port, { query, variables });
    expect(await answer.rest()).toEqual([{ data: { customer: { quick: 'quick', slow: 'slow' } } }]);
  });

  test.each(['application/json, multipart/mixed', 'multipart/mixed'])(
    'is in the initial result if a field is named "then", for a client that accepts %s',
    async (accept) => {
      const query = later('slow').replace('quick', 'then: quick __proto__: id');
      const { people } = way;
      const response = await people.gateway.fetch('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body: JSON.stringify({ query }),
      });
      const text = await response.text();
      expect(text).toContain('"then":"quick"');
      expect(text).toContain('"slow":"slow"');
      expect(text).not.toContain('INTERNAL_SERVER_ERROR');
      expect(text).not.toContain('hasNext":true');
    },
  );

  test('fails with its code and path, without internal details', async () => {
    const answer = await fetchIncremental(way.port, { query: later('broken slow') });
    const parts = await answer.rest();
    const { data, errors } = mergeParts(parts);
    expect(data).toEqual({ customer: { quick: 'quick', slow: 'slow', broken: null } });
    expect(errors).toMatchObject([
      { path: ['customer', 'broken'], extensions: { code: 'SOURCE_UNAVAILABLE', source: 'broken' } },
    ]);
  });

  test('fails as a defect, with only the id of the request', async () => {
    const failure = Promise.reject(new Error('the password is hunter2'));
    failure.catch(() => undefined);
    way.people.system('slow').answersAfter = failure;
    const answer = await fetchIncremental(
      way.port,
      { query: later('slow') },
      { 'x-request-id': 'page-view.7' },
    );
    const parts = await answer.rest();
    expect(JSON.stringify(parts)).not.toContain('hunter2');
    expect(mergeParts(parts).errors).toMatchObject([
      {
        path: ['customer', 'slow'],
        extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'page-view.7' },
      },
    ]);
  });
});

describe('a client that does not accept incremental delivery', () => {
  let ways: Way[];
  beforeAll(async () => {
    ways = [await open({ HTTP_FRONT: 'on' }), await open({ HTTP_FRONT: 'off' })];
  });

  test.each([
    'application/json',
    'application/graphql-response+json',
    '*/*',
    'application/*;q=0.5',
    'multipart/mixed; charset=latin1, */*',
  ])('receives the same bytes as without the directive: %s', async (accept) => {
    const query = later('slow broken', '@defer(label: "x")');
    // Both have the same length, because errors contain positions in the document.
    const plain = query.replace(/@defer\(label: "x"\)/, (directive) => ' '.repeat(directive.length));
    const bodies = new Set<string>();
    for (const { port } of ways)
      for (const text of [query, plain]) {
        const rawRequest = post(JSON.stringify({ query: text }), { accept, 'x-request-id': '1' });
        const { status, headers, body } = await sendRequest(port, rawRequest);
        expect(body).toContain('SOURCE_UNAVAILABLE');
        const { date, connection, 'keep-alive': keepAliveHeader, ...otherHeaders } = headers;
        expect([date, connection ?? keepAliveHeader]).toHaveLength(2);
        bodies.add(JSON.stringify({ status, otherHeaders, body }));
      }
    expect(bodies.size).toBe(1);
  });

  test('also receives one result for a persisted operation', async () => {
    for (const { port } of ways) {
      const { body } = await sendRequest(port, post(JSON.stringify({ documentId, variables: JAN })));
      expect(JSON.parse(body)).toEqual({ data: { customer: { quick: 'quick', slow: 'slow' } } });
    }
  });
});

describe('an answer with incremental delivery', () => {
  let way: Way;
  beforeAll(async () => {
    way = await open();
  });

  test('is possible for a persisted operation, including by GET', async () => {
    const search = new URLSearchParams({ documentId, variables: JSON.stringify(JAN) });
    const { headers, body } = await sendRequest(way.port, {
      path: `/graphql?${search.toString()}`,
      headers: { accept: 'multipart/mixed' },
    });
    expect(headers['content-type']).toBe('multipart/mixed; boundary="-"');
    expect(body).toContain('"label":"slow"');
  });

  test('is sent as server-sent events to a client that accepts them', async () => {
    const { headers, body } = await sendRequest(
      way.port,
      post(JSON.stringify({ query: later('slow') }), { accept: 'text/event-stream' }),
    );
    expect(headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    expect(body.match(/event: \w+/g)).toEqual(['event: next', 'event: next', 'event: complete']);
  });

  test('forbids caching, has its request id, and ends with the sources of all parts', async () => {
    const answer = await fetchIncremental(
      way.port,
      { query: later('slow') },
      { 'x-sources': '1', 'x-request-id': 'r-1' },
    );
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-request-id': 'r-1' });
    const parts = await answer.rest();
    expect(parts.at(-1)).toMatchObject({
      extensions: { sources: { quick: { status: 'live' }, slow: { status: 'live' } } },
    });
  });

  test('counts as in flight until its last result, over a port', async () => {
    const inFlight = async () => {
      const text = await (await way.people.gateway.fetch('/metrics')).text();
      return /^stekkerdoos_requests_in_flight (\d+)/m.exec(text)?.[1];
    };
    for (const accept of ['multipart/mixed', 'text/event-stream']) {
      const release = holdSlow(way);
      const { body } = await fetch(`${way.server.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept },
        body: JSON.stringify({ query: later('slow') }),
      });
      const chunks = body?.pipeThrough(new TextDecoderStream()).getReader();
      let received = '';
      while (!received.includes('"quick"')) received += String((await chunks?.read())?.value);
      await expect.poll(inFlight, { timeout: 5_000 }).toBe('1');
      release();
      while ((await chunks?.read())?.done === false);
      await expect.poll(inFlight, { timeout: 5_000 }).toBe('0');
    }
  });

  test('has one span until its last result, which may set the error status', async () => {
    const { spans } = recordSpans();
    const spanOfRequest = () => spans.find(({ name }) => name === 'graphql query');
    const release = holdSlow(way);
    const answer = await fetchIncremental(way.port, { query: later('slow broken') });
    await answer.next();
    expect(spanOfRequest()).toMatchObject({ ends: 0 });
    release();
    await answer.rest();
    expect(spanOfRequest()).toMatchObject({ ends: 1, attributes: { 'stekkerdoos.outcome': 'errors' } });
  });

  test('ends at the deadline of the request', async () => {
    holdSlow(way);
    const started = performance.now();
    const answer = await fetchIncremental(way.port, { query: later('slow') }, { prefer: 'wait=1' });
    expect(mergeParts(await answer.rest()).errors).toMatchObject([
      { path: ['customer', 'slow'], extensions: { code: 'SOURCE_TIMEOUT' } },
    ]);
    // The default deadline is ten seconds.
    expect(performance.now() - started).toBeLessThan(9_000);
  });

  test('is complete for a thousand customers, each with its own result', { timeout: 30_000 }, async () => {
    const letters = 'abcdefghij';
    const by = Array.from({ length: 1_000 }, (_, i) => {
      const name = String(i).replaceAll(/\d/g, (digit) => letters[Number(digit)] ?? '');
      return { email: `${name}@example.nl` };
    });
    const query = (directive: string) =>
      `query ($by: [CustomerKey!]!) { customers(by: $by) { quick ... ${directive} { name slow } } }`;
    way.people.system('slow').answersAfter = Promise.resolve();
    const answer = await fetchIncremental(way.port, { query: query('@defer'), variables: { by } });
    const parts = await answer.rest();
    expect(parts[0]).toMatchObject({ hasNext: true });
    const { data, errors } = await way.people.gateway.query(query(''), { by });
    expect(errors).toEqual([]);
    expect(mergeParts(parts)).toEqual({ data, errors });
  });
});

describe('@defer', () => {
  let way: Way;
  beforeAll(async () => {
    way = await open({ MAX_ALIASES: '3', MAX_DEPTH: '5' });
  });

  test.each([
    [
      'that another directive has',
      `{ ${CUSTOMER} { ... @defer(label: "x") { slow } ... @defer(label: "x") { quick } } }`,
    ],
    ['from a variable', `query ($label: String) { ${CUSTOMER} { ... @defer(label: $label) { slow } } }`],
  ])('is refused with a label %s', async (_, query) => {
    const { errors } = await way.people.gateway.query(query);
    expect(errors).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
    expect(errors[0]?.message).toMatch(/label/);
  });

  test('does not bypass the limits', async () => {
    const aliases = 'a: slow b: slow c: slow d: slow';
    const { errors } = await way.people.gateway.query(later(aliases));
    expect(errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
  });

  test('is in the schema that clients see, and @stream is not', async () => {
    const { data } = await way.people.gateway.query(
      '{ __schema { directives { name locations args { name } } } }',
    );
    const { directives } = (data as { __schema: { directives: { name: string }[] } }).__schema;
    expect(directives).toContainEqual({
      name: 'defer',
      locations: ['FRAGMENT_SPREAD', 'INLINE_FRAGMENT'],
      args: [{ name: 'if' }, { name: 'label' }],
    });
    expect(directives.map(({ name }) => name)).not.toContain('stream');
  });
});
