import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { getOperationAST, OperationTypeNode, parse } from 'graphql';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { exampleOperations } from '../../src/http/graphiql/page.js';
import { listen, type HttpServer } from '../../src/http/http.js';
import { linesIn } from '../privacy/audit-entries.js';
import { fetchIncremental, mergeParts, type AnswerInParts } from '../support/answer-in-parts.js';
import { CALLER_SETTINGS, headersOf } from '../support/callers.js';
import { readEventStream } from '../support/event-stream.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { startDelayingProxy } from '../support/delaying-proxy.js';
import { generateOperations } from '../support/operations.js';
import { payInWebshop } from '../support/pay-in-webshop.js';
import { at } from '../support/read.js';
import { directSettings } from '../support/stand-ins.js';
import { runCount } from '../support/thorough.js';

const settings = directSettings();
const contactCentre = await startDelayingProxy(settings['CONTACT_CENTRE_URL'] ?? '');
const webshop = await startDelayingProxy(settings['WEBSHOP_URL'] ?? '');
const folder = mkdtempSync(join(tmpdir(), 'slow-part-later-'));

interface Open {
  gateway: TestGateway;
  server: HttpServer;
  port: number;
}
const opened: Open[] = [];
async function open(more: Record<string, string> = {}): Promise<Open> {
  const gateway = createTestGateway({
    ...settings,
    CONTACT_CENTRE_URL: contactCentre.url,
    WEBSHOP_URL: `${webshop.url}${new URL(settings['WEBSHOP_URL'] ?? '').pathname}`,
    DEADLINE_MS: '20000',
    CONTACT_CENTRE_TIMEOUT_MS: '20000',
    // The patience is long, so that a wait for the wrong system makes the test fail.
    IDENTITY_PATIENCE_MS: '20000',
    ...more,
  });
  const server = await listen(gateway.handler, { host: '127.0.0.1', port: 0 });
  const listening = { gateway, server, port: Number(new URL(server.url).port) };
  opened.push(listening);
  return listening;
}
const anybody = await open({
  WEBHOOK_FILE: join(folder, 'webhooks.db'),
  WEBHOOK_SECRET: 'a secret of the tests of later parts',
});
const auditFile = join(folder, 'audit.log');
const known = await open({
  ...CALLER_SETTINGS,
  AUDIT_FILE: auditFile,
  AUDIT_SECRET: 'a secret of the tests',
});

afterEach(() => {
  contactCentre.release();
});
afterAll(async () => {
  for (const { server, gateway } of opened) {
    await server.stop();
    await gateway.close();
  }
  await contactCentre.close();
  await webshop.close();
  rmSync(folder, { recursive: true });
});

const EVERYWHERE = 'customer(by: { email: "everywhere@example.nl" })';
const TICKETS_LATER = `{ ${EVERYWHERE} { orders(first: 1) { nodes { number } } ... @defer { tickets(first: 1) { nodes { subject } } } } }`;
const without = (query: string) => query.replaceAll(/@defer(\([^)]*\))?/g, '');

const byPath = (answer: {
  data?: unknown;
  errors?: readonly { path?: readonly unknown[] | undefined }[];
}) => ({
  data: answer.data,
  errors: (answer.errors ?? [])
    .map((error) => ({ ...error, locations: undefined }))
    .toSorted((a, b) => (JSON.stringify(a.path) < JSON.stringify(b.path) ? -1 : 1)),
});

/** The functions resolve when the first part has arrived. */
async function beginOverPort(query: string): Promise<() => Promise<void>> {
  const answer = await fetchIncremental(anybody.port, { query });
  await answer.next();
  return () => {
    answer.hangUp();
    return Promise.resolve();
  };
}

async function beginWithoutPort(query: string): Promise<() => Promise<void>> {
  const { body } = await anybody.gateway.fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'multipart/mixed' },
    body: JSON.stringify({ query }),
  });
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (!text.includes('"orders"')) text += decoder.decode((await reader?.read())?.value);
  return async () => reader?.cancel();
}

describe('a page that defers its slow part', () => {
  test('receives its fast part even if the slow system does not answer the identification', async () => {
    contactCentre.hold();
    const answer = await fetchIncremental(anybody.port, { query: TICKETS_LATER });
    const first = await answer.next();
    expect(at(first, 'data', 'customer', 'orders', 'nodes')).toHaveLength(1);
    expect(first).toMatchObject({ hasNext: true });
    contactCentre.release();
    const rest = await answer.rest();
    const { data } = await anybody.gateway.query(without(TICKETS_LATER));
    expect(mergeParts([first ?? {}, ...rest])).toEqual({ data, errors: [] });
  });

  test('receives the customer that only the slow system knows', async () => {
    const query =
      '{ customer(by: { email: "info@bakkerij.example.nl" }) { orders(first: 1) { nodes { number } } ... @defer { tickets(first: 1) { nodes { subject } } } } }';
    const answer = await fetchIncremental(anybody.port, { query });
    expect(byPath(mergeParts(await answer.rest()))).toEqual(
      byPath(await anybody.gateway.query(without(query))),
    );
  });

  test('sends a GraphQL system the same query as without the directive', async () => {
    const query = `query ($later: Boolean!) { ${EVERYWHERE} { cart { name } ... @defer(if: $later) { ...Cart @defer } } } fragment Cart on Customer { cart { lines { nodes { quantity } } } }`;
    const sentFor = async (later: boolean, query: string) => {
      webshop.seen.length = 0;
      const answer = await fetchIncremental(anybody.port, { query, variables: { later } });
      return { result: mergeParts(await answer.rest()), sent: webshop.seen.map(({ body }) => body).sort() };
    };
    const { result, sent } = await sentFor(true, query);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.join()).not.toMatch(/defer|later/);
    const { result: complete, sent: sentAtOnce } = await sentFor(
      true,
      without(query).replace('($later: Boolean!)', ''),
    );
    expect(result).toEqual(complete);
    const ofCarts = (all: readonly string[]) => all.filter((value) => value.includes('cart_fields'));
    expect(ofCarts(sent)).toEqual(ofCarts(sentAtOnce));
  });

  test.each(['over a port', 'without one'])(
    'cancels the calls that no other request waits for when it disconnects: %s',
    async (way) => {
      contactCentre.hold();
      const { abortedCount: givenUp } = contactCentre;
      const query = TICKETS_LATER.replace('everywhere@', 'customer-7@');
      const calls = contactCentre.seen.length;
      const hangUp = await (way === 'over a port' ? beginOverPort(query) : beginWithoutPort(query));
      await expect.poll(() => contactCentre.seen.length).toBeGreaterThan(calls);
      await hangUp();
      await expect.poll(() => contactCentre.abortedCount, { timeout: 700 }).toBe(givenUp + 1);
    },
  );
});

describe('the merged parts equal the response without @defer', () => {
  const examples = exampleOperations().filter(
    ({ query }) => getOperationAST(parse(query))?.operation === OperationTypeNode.QUERY,
  );

  test.each(examples)('$name', async ({ query }) => {
    // The selections of the first field are deferred, and so are the selections below them.
    const deferred = query
      .replace(/ \{\n {4}/, ' {\n __typename ... @defer {\n    ')
      .replace(/\n {2}\}/, '\n }\n }')
      .replaceAll(/\.\.\.(\w+)/g, '...$1 @defer');
    expect(deferred).toContain('@defer');
    const answer = await fetchIncremental(anybody.port, { query: deferred });
    const whole = await anybody.gateway.query(without(deferred));
    expect(byPath(mergeParts(await answer.rest()))).toEqual(byPath(whole));
  });

  test('of random operations', { timeout: 60_000 }, () => {
    const operation = generateOperations(anybody.gateway.schema, {
      maxDepth: 5,
      maxFields: 4,
      pages: [1, 2],
      customers: [{ email: 'everywhere@example.nl' }, { email: 'customer-3@example.nl' }],
      customer: { email: 'everywhere@example.nl' },
    }).map(({ query, variables }) => ({
      query: query
        .replaceAll(/\.\.\.(F\d+)/g, '...$1 @defer')
        .replaceAll(/\.\.\. on (\w+) \{/g, '... on $1 @defer {'),
      variables,
    }));
    return fc.assert(
      fc.asyncProperty(operation, async ({ query, variables }) => {
        fc.pre(query.includes('@defer'));
        const answer = await fetchIncremental(anybody.port, { query, variables });
        const whole = await anybody.gateway.query(without(query), variables);
        expect(byPath(mergeParts(await answer.rest())).data).toEqual(whole.data);
      }),
      { numRuns: runCount(40) },
    );
  });
});

describe('a deferred part', () => {
  const fetchParts = async (query: string, headers: Record<string, string>, open = known) =>
    fetchIncremental(open.port, { query }, headers);
  const restOf = async (answer: AnswerInParts) => mergeParts(await answer.rest());

  test('is masked and refused as without @defer', async () => {
    const query = `{ ${EVERYWHERE} { __typename ... @defer { name primaryEmail } ... @defer { invoices { nodes { number } } } } }`;
    for (const role of ['analyst', 'campaign', 'frontend'] as const) {
      const headers = await headersOf(role);
      const { data, errors } = await restOf(await fetchParts(query, headers));
      const whole = await known.gateway.query(without(query), {}, headers);
      expect(byPath({ data, errors: errors ?? [] })).toEqual(byPath(whole));
    }
  });

  test('is audited before it is sent, if it has further fields', async () => {
    const headers = { ...(await headersOf('operator', { purpose: 'SERVICE' })), 'x-request-id': 'in-parts' };
    const lines = () => linesIn(auditFile).filter(({ requestId }) => requestId === 'in-parts');
    contactCentre.hold();
    const answer = await fetchParts(TICKETS_LATER, headers);
    await answer.next();
    expect(lines()).toHaveLength(1);
    const [first] = lines();
    expect(at(first, 'categories', 'granted')).toEqual(['IDENTITY', 'TRANSACTION']);
    expect(at(first, 'sources')).not.toHaveProperty('contact-centre');
    contactCentre.release();
    await answer.rest();
    expect(lines()).toHaveLength(2);
    const [, second] = lines();
    expect(at(second, 'categories', 'granted')).toEqual(['COMMUNICATION', 'IDENTITY', 'TRANSACTION']);
    expect(at(second, 'sources')).toHaveProperty('contact-centre');
    expect(at(second, 'operation')).toEqual(at(first, 'operation'));
    expect(second?.customers).toEqual(first?.customers);
  });

  test('needs no audit line without further fields', async () => {
    const headers = { ...(await headersOf('operator', { purpose: 'SERVICE' })), 'x-request-id': 'no-more' };
    const query = `{ ${EVERYWHERE} { orders(first: 1) { nodes { number } } ... @defer { orders(first: 1) { nodes { placedAt } } } } }`;
    await (await fetchParts(query, headers)).rest();
    expect(linesIn(auditFile).filter(({ requestId }) => requestId === 'no-more')).toHaveLength(1);
  });

  test('is not sent if its audit line cannot be written, and neither are later parts', async () => {
    const full = await open({ ...CALLER_SETTINGS, AUDIT_FILE: '/dev/full' });
    const headers = await headersOf('operator', { purpose: 'SERVICE' });
    const query = `{ __typename ... @defer { ${EVERYWHERE} { orders(first: 1) { nodes { number } } ... @defer { tickets(first: 1) { nodes { subject } } } } } }`;
    const answer = await fetchParts(query, headers, full);
    expect(await answer.rest()).toMatchObject([
      { data: { __typename: 'Query' }, hasNext: true },
      {
        incremental: [{ data: null, path: [], errors: [{ extensions: { code: 'AUDIT_UNAVAILABLE' } }] }],
        hasNext: false,
      },
    ]);
    const { status, headers: received } = await fetchParts(TICKETS_LATER, headers, full);
    expect(status).toBe(503);
    expect(received['cache-control']).toBe('no-store');
  });

  test('costs the same as without @defer, and the last part reports the cost', async () => {
    const headers = await headersOf('operator', { purpose: 'SERVICE' });
    const parts = await (await fetchParts(TICKETS_LATER, headers)).rest();
    const { extensions } = await known.gateway.query(without(TICKETS_LATER), {}, headers);
    const { requested, actual } = extensions?.['cost'] as { requested: number; actual: number };
    expect(actual).toBeLessThanOrEqual(requested);
    expect(parts[0]).not.toHaveProperty('extensions');
    expect(parts.at(-1)).toMatchObject({ extensions: { cost: { requested, actual } } });
  });

  test('is charged even if the client disconnects before it is sent', async () => {
    const headers = await headersOf('operator', { purpose: 'SERVICE' });
    const remaining = async () => {
      const { extensions } = await known.gateway.query('{ __typename }', {}, headers);
      return Number(at(extensions, 'cost', 'remaining'));
    };
    const before = await remaining();
    contactCentre.hold();
    const query = TICKETS_LATER.replace('everywhere@', 'customer-9@');
    const answer = await fetchParts(query, headers);
    await answer.next();
    const whileUnderWay = await remaining();
    answer.hangUp();
    await expect.poll(remaining).toBeGreaterThan(whileUnderWay);
    expect(await remaining()).toBeLessThan(before);
  });
});

test('a subscription sends complete results', async () => {
  await anybody.gateway.opened;
  const stream = await readEventStream(
    await anybody.gateway.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream, multipart/mixed' },
      body: JSON.stringify({
        query: 'subscription { orderPaid { source ... @defer { customer { ... @defer { name } } } } }',
      }),
    }),
  );
  expect(await payInWebshop(anybody.gateway, 'everywhere@example.nl')).toBe(204);
  expect(await stream.next()).toMatchObject({
    data: { orderPaid: { customer: { name: 'Eva van der Meer' } } },
  });
  await stream.close();
});
