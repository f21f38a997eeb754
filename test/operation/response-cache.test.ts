import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SpanKind, trace as api } from '@opentelemetry/api';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Caller } from '../../src/context/caller.js';
import { ROLES } from '../../src/context/roles.js';
import { NO_ERASURES } from '../../src/identity/erasures.js';
import type { Audience } from '../../src/privacy/access.js';
import type { Principal } from '../../src/operation/principal.js';
import { listen, type HttpServer } from '../../src/http/http.js';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import { createResponseCache, type ComputedAnswer } from '../../src/operation/response-cache.js';
import type { Environment } from '../../src/settings.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { createPeople, type People } from '../gateway/people.js';
import { CALLER_SETTINGS, headersOf, visitorToken } from '../support/callers.js';
import { RecordingProvider } from '../support/spans.js';
import { sendRequest, post, type RawRequest, type RawAnswer } from '../http/raw-client.js';
import { runCount } from '../support/thorough.js';

const folder = mkdtempSync(join(tmpdir(), 'response-cache-'));
const operations = pathToFileURL(`${folder}/`);
for (const field of ['quick', 'slow', 'broken'])
  writeFileSync(
    join(folder, `${field}.graphql`),
    `query ${field}($by: CustomerKey!) { customer(by: $by) { id primaryEmail ${field} } }`,
  );
writeFileSync(join(folder, 'me.graphql'), 'query me { me { id primaryEmail quick } }');
const documentIds = new Map(
  readPersistedOperations(operations).map(({ name, documentId }) => [name, documentId]),
);

interface RunningGateway {
  people: People;
  server: HttpServer;
  /** Number of in-flight requests. */
  inFlight: () => number;
  sendRequest(rawRequest: RawRequest): Promise<RawAnswer>;
}

const openGateways: RunningGateway[] = [];

async function openGateway(environment: Environment = {}): Promise<RunningGateway> {
  const people = createPeople(
    { quick: { maxAge: '10 s' }, slow: { maxAge: '5 minutes' }, broken: { maxAge: '10 s' } },
    environment,
    { operations },
  );
  let inFlight = 0;
  const handler: RequestListener = (request, response) => {
    inFlight += 1;
    response.once('close', () => (inFlight -= 1));
    people.gateway.handler(request, response);
  };
  const server = await listen(handler, { host: '127.0.0.1', port: 0 });
  const port = Number(new URL(server.url).port);
  const running = {
    people,
    server,
    inFlight: () => inFlight,
    sendRequest: (rawRequest: RawRequest) => sendRequest(port, rawRequest),
  };
  openGateways.push(running);
  return running;
}

afterEach(async () => {
  vi.useRealTimers();
  api.disable();
  for (const { server, people } of openGateways.splice(0)) {
    await server.stop();
    await people.gateway.close();
  }
});

function register(): RecordingProvider {
  const provider = new RecordingProvider();
  api.setGlobalTracerProvider(provider);
  return provider;
}

const pageQuery = (
  selection: string,
  email = 'jan@example.nl',
  headers: Record<string, string> = {},
): RawRequest =>
  post(
    JSON.stringify({ query: `query Page { customer(by: { email: "${email}" }) { ${selection} } }` }),
    headers,
  );

const persisted = (name: string, headers: Record<string, string>, email = 'jan@example.nl'): RawRequest =>
  post(JSON.stringify({ documentId: documentIds.get(name), variables: { by: { email } } }), headers);

async function countOf({ people }: RunningGateway, answer: 'hit' | 'shared'): Promise<number> {
  const text = await (await people.gateway.fetch('/metrics')).text();
  return Number(
    new RegExp(`stekkerdoos_response_cache_answers_total\\{answer="${answer}"\\} (\\d+)`).exec(text)?.[1],
  );
}

const dataOf = ({ body }: RawAnswer) =>
  (JSON.parse(body) as { data?: { customer?: Record<string, unknown> | null } | null }).data?.customer;

/** Sends a request twice. The systems answer the first request, and the response cache answers the second. */
async function warm(running: RunningGateway, rawRequest: RawRequest): Promise<void> {
  await running.sendRequest(rawRequest);
  await running.sendRequest(rawRequest);
}

describe('a repeated request', () => {
  test('receives the same bytes, with a higher age', async () => {
    const running = await openGateway();
    await warm(running, pageQuery('quick'));
    running.people.clock.advance(3_000);
    const again = await running.sendRequest(pageQuery('quick'));
    expect(dataOf(again)).toEqual({ quick: 'quick' });
    expect(again.headers).toMatchObject({ age: '3', 'cache-control': 'private, max-age=10' });
    expect(await countOf(running, 'hit')).toBe(1);
    expect(running.people.system('quick').calls).toHaveLength(1);
  });

  test('calls the systems as soon as a part of the answer is stale', async () => {
    const running = await openGateway();
    await warm(running, pageQuery('quick slow'));
    running.people.system('quick').text = 'new';
    running.people.system('slow').text = 'new, too';
    running.people.clock.advance(10_000);
    expect(dataOf(await running.sendRequest(pageQuery('quick slow')))).toEqual({
      quick: 'new',
      slow: 'slow',
    });
  });

  test('is executed again with cached records after a minute, even if the records are fresh for longer', async () => {
    const running = await openGateway();
    await warm(running, pageQuery('slow'));
    running.people.clock.advance(60_000);
    await running.sendRequest(pageQuery('slow'));
    expect(await countOf(running, 'hit')).toBe(0);
    expect(running.people.system('slow').calls).toHaveLength(1);
  });

  test('calls the systems only if a part of the answer was forgotten', async () => {
    const running = await openGateway();
    await warm(running, pageQuery('quick slow'));
    await warm(running, pageQuery('primaryEmail', 'piet@example.nl'));
    for (const name of ['quick', 'slow']) running.people.system(name).text = 'new';
    await running.people.gateway.forget({ identifier: { namespace: 'email', value: 'jan@example.nl' } });
    await running.sendRequest(pageQuery('primaryEmail', 'piet@example.nl'));
    expect(await countOf(running, 'hit')).toBe(1);
    expect(dataOf(await running.sendRequest(pageQuery('quick slow')))).toEqual({ quick: 'new', slow: 'new' });
  });

  test.each<[string, Record<string, string>]>([
    ['freshness', { 'cache-control': 'no-cache' }],
    ['its sources', { 'x-sources': '1' }],
    ['a priority', { 'x-priority': 'bulk' }],
    ['a deadline', { prefer: 'wait=1' }],
  ])('is executed again if its headers request %s', async (_, headers) => {
    const running = await openGateway();
    await warm(running, pageQuery('quick'));
    await running.sendRequest(pageQuery('quick', 'jan@example.nl', headers));
    expect(await countOf(running, 'hit')).toBe(0);
  });

  test('never receives an answer with an error from the cache', async () => {
    const running = await openGateway();
    running.people.system('broken').isUnavailable = true;
    await warm(running, pageQuery('quick broken'));
    running.people.system('broken').isUnavailable = false;
    expect(dataOf(await running.sendRequest(pageQuery('quick broken')))).toEqual({
      quick: 'quick',
      broken: 'broken',
    });
  });

  test('does not show a customer that another instance has erased', async () => {
    const list = join(folder, 'suppressed');
    writeFileSync(list, '');
    const [running, other] = await Promise.all([
      openGateway({ SUPPRESSION_FILE: list }),
      openGateway({ SUPPRESSION_FILE: list }),
    ]);
    await warm(running, pageQuery('quick'));
    await other.people.gateway.forget({
      identifier: { namespace: 'email', value: 'jan@example.nl' },
      suppress: true,
    });
    running.people.clock.advance(5_000);
    const { body } = await running.sendRequest(pageQuery('quick'));
    expect(JSON.parse(body)).toMatchObject({ errors: [{ extensions: { code: 'ERASED' } }] });
  });

  test('is executed each time if the response cache is disabled', async () => {
    const running = await openGateway({ ANSWERS_MAX_MB: '0' });
    await warm(running, pageQuery('quick'));
    await running.sendRequest(pageQuery('quick'));
    expect(await countOf(running, 'hit')).toBe(0);
  });
});

describe('the caller of a repeated request', () => {
  const audit = join(folder, 'audit.jsonl');
  const settings = { ...CALLER_SETTINGS, AUDIT_FILE: audit };

  test('is audited and counted for each request', async () => {
    writeFileSync(audit, '');
    const running = await openGateway(settings);
    const headers = await headersOf('frontend', { purpose: 'SERVICE' });
    for (const id of ['one', 'two', 'three'])
      await running.sendRequest(persisted('quick', { ...headers, 'x-request-id': id }));
    expect(await countOf(running, 'hit')).toBe(1);
    const lines = readFileSync(audit, 'utf8').trim().split('\n');
    const read = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(read.map(({ requestId, cached }) => [requestId, cached])).toEqual([
      ['one', false],
      ['two', true],
      ['three', true],
    ]);
    const [, second, third] = read;
    expect(third).toMatchObject({
      caller: 'frontend',
      operation: { name: 'quick', id: documentIds.get('quick') },
      customers: second?.['customers'],
      categories: second?.['categories'],
      sources: { people: 'cached', quick: 'cached' },
    });
    const metrics = await (await running.people.gateway.fetch('/metrics')).text();
    expect(metrics).toContain('stekkerdoos_operations_total{operation="quick",outcome="ok"} 3');
    expect(metrics).toContain('stekkerdoos_cache_answers_total{source="quick",answer="hit"} 2');
  });

  test('is charged for each request, and refused after the budget is spent', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2030-05-06T07:08:09Z') });
    const [key] = JSON.parse(CALLER_SETTINGS['API_KEYS'] ?? '') as [Record<string, unknown>];
    const running = await openGateway({
      ...settings,
      API_KEYS: JSON.stringify([{ ...key, costPerMinute: 30 }]),
    });
    const headers = await headersOf('frontend', { purpose: 'SERVICE' });
    const statuses: number[] = [];
    for (let i = 0; i < 40; i += 1)
      statuses.push((await running.sendRequest(persisted('quick', headers))).status);
    expect(await countOf(running, 'hit')).toBeGreaterThan(0);
    expect(statuses.at(-1)).toBe(429);
  });

  test(
    'receives the same answer as without the cache, for any callers in any order',
    { timeout: 120_000 },
    async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: new Date('2030-05-06T07:08:09Z') });
      const [withCache, withoutCache] = await Promise.all([
        openGateway({ ...settings, AUDIT_FILE: '/dev/null' }),
        openGateway({ ...settings, AUDIT_FILE: '/dev/null', ANSWERS_MAX_MB: '0' }),
      ]);
      const emails = ['jan@example.nl', 'piet@example.nl'];
      // Callers that see the cost of their answers do not use the cache.
      const [frontend, jan, piet] = [
        await headersOf('frontend', { purpose: 'SERVICE' }),
        { authorization: `Bearer ${await visitorToken('jan@example.nl')}` },
        { authorization: `Bearer ${await visitorToken('piet@example.nl')}` },
      ];
      const callers = [
        ...[frontend, frontend, frontend, jan, jan, piet, piet],
        await headersOf('frontend'),
        await headersOf('campaign', { purpose: 'SERVICE' }),
        await headersOf('operator'),
      ];
      const step = fc.oneof(
        {
          weight: 60,
          arbitrary: fc.record({
            kind: fc.constant('request' as const),
            name: fc.constantFrom('quick', 'slow', 'broken', 'me'),
            email: fc.constantFrom(...emails),
            caller: fc.constantFrom(...callers),
          }),
        },
        {
          weight: 2,
          arbitrary: fc.record({
            kind: fc.constant('advance' as const),
            ms: fc.integer({ min: 1, max: 20_000 }),
          }),
        },
        {
          weight: 1,
          arbitrary: fc.record({ kind: fc.constant('forget' as const), email: fc.constantFrom(...emails) }),
        },
        {
          weight: 1,
          arbitrary: fc.record({
            kind: fc.constant('text' as const),
            name: fc.constantFrom('quick', 'slow'),
            text: fc.string(),
          }),
        },
        {
          weight: 1,
          arbitrary: fc.record({ kind: fc.constant('breaks' as const), isUnavailable: fc.boolean() }),
        },
      );
      let hitCount = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
          vi.setSystemTime(Date.now() + 60_000);
          for (const step of steps) {
            if (step.kind === 'request') {
              const { name, email, caller } = step;
              const rawRequest = persisted(name, { ...caller, 'x-request-id': 'same' }, email);
              const [cachedAnswer, expectedAnswer] = await Promise.all([
                withCache.sendRequest(rawRequest),
                withoutCache.sendRequest(rawRequest),
              ]);
              for (const { headers } of [cachedAnswer, expectedAnswer]) delete headers.date;
              expect(cachedAnswer).toEqual(expectedAnswer);
              continue;
            }
            for (const { people } of [withCache, withoutCache]) {
              if (step.kind === 'advance') people.clock.advance(step.ms);
              else if (step.kind === 'text') people.system(step.name).text = step.text;
              else if (step.kind === 'breaks') people.system('broken').isUnavailable = step.isUnavailable;
              else await people.gateway.forget({ identifier: { namespace: 'email', value: step.email } });
            }
          }
          hitCount = await countOf(withCache, 'hit');
        }),
        { numRuns: runCount(120) },
      );
      expect(hitCount).toBeGreaterThan(runCount(100));
    },
  );
});

describe('the key of a cached answer', () => {
  const caller: Caller = {
    ...ROLES.frontend,
    ...{ name: 'shop', roles: ['frontend'], origins: [] },
  };
  const principal: Principal = {
    caller,
    audience: { scopes: new Set(['profile:read']), sees: 'clear', purpose: 'SERVICE' },
    permissions: { findsBy: 'all', maySee: () => true, seesErased: false, seesMasked: false },
  };
  const cache = createResponseCache({
    maxBytes: 1_000_000,
    registry: { version: 0 },
    erasures: NO_ERASURES,
    limits: { chargeAgain: () => true },
    auditor: undefined,
    metrics: { responseCacheAnswered: () => undefined, cacheAnswered: () => undefined },
    errorLog: { logger: createLogger('silent'), failures: { report: () => undefined } },
    clock: performance,
  });
  const keyOf = (sender: Principal, body = 'a request'): string => cache.keyOf(sender, Buffer.from(body));
  const ofCaller = (change: Partial<Caller>): Principal => ({
    ...principal,
    caller: { ...caller, ...change },
  });
  const ofAudience = (change: Partial<Audience>): Principal => ({
    ...principal,
    audience: { ...principal.audience, ...change },
  });

  test.each<[string, Principal]>([
    ['may find customers only by some identifiers', ofCaller({ findsBy: new Set(['email']) })],
    ['may not find customers', ofCaller({ findsBy: new Set() })],
    // Callers that may send any operation see its cost, so they share no answers, except with AUTH=off.
    ['may send any operation', ofCaller({ operations: 'any', name: 'anonymous' })],
    ['has a lower priority', ofCaller({ priority: 'bulk' })],
    [
      'is a customer',
      {
        ...principal,
        permissions: {
          ...principal.permissions,
          ownIdentifier: { namespace: 'email', value: 'a@example.nl' },
        },
      },
    ],
    ['has another purpose', ofAudience({ purpose: 'MARKETING' })],
    ['has no purpose', ofAudience({ purpose: undefined })],
    ['sees masked values', ofAudience({ sees: 'masked' })],
    ['has more scopes', ofAudience({ scopes: new Set(['profile:read', 'orders:read']) })],
    ['has other scopes', ofAudience({ scopes: new Set(['orders:read']) })],
  ])('differs for a caller that %s', (_, other) => {
    expect(keyOf(principal)).toEqual(expect.any(String));
    expect(keyOf(other)).toEqual(expect.any(String));
    expect(keyOf(other)).not.toBe(keyOf(principal));
  });

  test('finds the request in flight, even if an earlier, cancelled request ends after it began', async () => {
    const client = new AbortController();
    const requester = { principal, requestId: 'r' };
    const notShared = { answer: { result: { data: null } }, operationName: undefined } as ComputedAnswer;
    const ends: (() => void)[] = [];
    const compute = vi.fn(
      () =>
        new Promise<ComputedAnswer>((resolve) => {
          ends.push(() => {
            resolve(notShared);
          });
        }),
    );
    const cancelled = cache.coalesce('key', { ...requester, signal: client.signal }, compute);
    client.abort();
    const current = cache.coalesce('key', requester, compute);
    ends[0]?.();
    await cancelled;
    const joined = cache.coalesce('key', requester, compute);
    expect(compute).toHaveBeenCalledTimes(2);
    ends[1]?.();
    await current;
    await vi.waitFor(() => {
      expect(ends).toHaveLength(3);
    });
    ends[2]?.();
    await joined;
  });

  test('differs for another request and for another customer', () => {
    const principalFor = (value: string): Principal => ({
      ...principal,
      permissions: { ...principal.permissions, ownIdentifier: { namespace: 'email', value } },
    });
    expect(keyOf(principal, 'another request')).not.toBe(keyOf(principal));
    expect(keyOf(principalFor('a@example.nl'))).not.toBe(keyOf(principalFor('b@example.nl')));
    expect(keyOf(ofCaller({ findsBy: new Set(['email']) }))).not.toBe(
      keyOf(ofCaller({ findsBy: new Set(['phone']) })),
    );
  });

  test('finds an answer whose use counts as a read of each of its records', async () => {
    const entryStates = [1, 2].map((reads) => ({ reads, isDropped: false }));
    const provenance = {
      freshness: () => ({ ageMs: 0, freshMs: 60_000 }),
      parts: () => entryStates.map((entryState) => ({ source: 'shop', entryState })),
    };
    const answer = { result: { data: {} }, cost: { requested: 1, actual: 1 }, provenance };
    const requester = { principal, requestId: 'r' };
    const computed = { answer, operationName: undefined } as unknown as ComputedAnswer;
    const { store } = await cache.coalesce('read', requester, () => Promise.resolve(computed));
    store?.('{}');
    expect(await cache.cached('read', requester)).toMatchObject({ text: Buffer.from('{}') });
    expect(entryStates.map(({ reads }) => reads)).toEqual([2, 3]);
  });

  test('does not depend on the name or the budget of the caller', () => {
    expect(keyOf(ofCaller({ name: 'another shop', costPerMinute: 7 }))).toBe(keyOf(principal));
  });
});

describe('a request that several callers send at the same time', () => {
  /** Pauses a system. It answers when the returned function is called. */
  function pauseSystem({ people }: RunningGateway, name: string): () => void {
    let answer: () => void = () => undefined;
    people.system(name).answersAfter = new Promise<void>((resolve) => (answer = resolve));
    return answer;
  }

  const callCount = ({ people }: RunningGateway) =>
    expect.poll(() => people.system('quick').calls.length, { timeout: 5_000, interval: 5 });

  test('is executed once, and audited for each caller', async () => {
    const audit = join(folder, 'shared.jsonl');
    const running = await openGateway({ ...CALLER_SETTINGS, AUDIT_FILE: audit });
    const headers = await headersOf('frontend', { purpose: 'SERVICE' });
    const answer = pauseSystem(running, 'quick');
    const all = ['one', 'two', 'three'].map((id) =>
      running.sendRequest(persisted('quick', { ...headers, 'x-request-id': id })),
    );
    await expect.poll(running.inFlight).toBe(3);
    answer();
    const answers = await Promise.all(all);
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(answers.map(({ headers }) => headers['x-request-id'])).toEqual(['one', 'two', 'three']);
    expect(await countOf(running, 'shared')).toBe(2);
    const lines = readFileSync(audit, 'utf8').trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { requestId: string }).requestId).sort()).toEqual([
      'one',
      'three',
      'two',
    ]);
  });

  test('has a span for each caller', async () => {
    const { spans } = register();
    const running = await openGateway();
    const answer = pauseSystem(running, 'quick');
    const both = [running.sendRequest(pageQuery('quick')), running.sendRequest(pageQuery('quick'))];
    await expect.poll(running.inFlight).toBe(2);
    answer();
    await Promise.all(both);
    expect(await countOf(running, 'shared')).toBe(1);
    const ofRequests = spans.filter(({ kind }) => kind === SpanKind.SERVER);
    expect(ofRequests).toHaveLength(2);
    for (const { attributes, ends } of ofRequests) {
      expect(attributes).toMatchObject({ 'graphql.operation.name': 'Page', 'stekkerdoos.outcome': 'ok' });
      expect(ends).toBe(1);
    }
  });

  test('is executed for the others if the first client disconnects', async () => {
    const running = await openGateway();
    pauseSystem(running, 'quick');
    const { body = '', headers = {} } = pageQuery('quick');
    const socket = connect(Number(new URL(running.server.url).port), '127.0.0.1');
    const lines = Object.entries({ host: 'localhost', ...headers, 'content-length': body.length });
    socket.write(
      `POST /graphql HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${String(body)}`,
    );
    await callCount(running).toBe(1);
    const others = [running.sendRequest(pageQuery('quick')), running.sendRequest(pageQuery('quick'))];
    await expect.poll(running.inFlight).toBe(3);
    // The system answers all further calls, but never the first call.
    running.people.system('quick').answersAfter = Promise.resolve();
    socket.destroy();
    for (const answer of await Promise.all(others)) expect(dataOf(answer)).toEqual({ quick: 'quick' });
  });

  test('is not shared with a request after a forget', async () => {
    const running = await openGateway();
    const answer = pauseSystem(running, 'quick');
    const before = running.sendRequest(pageQuery('quick'));
    await callCount(running).toBe(1);
    await running.people.gateway.forget({ identifier: { namespace: 'email', value: 'jan@example.nl' } });
    const after = running.sendRequest(pageQuery('quick'));
    await callCount(running).toBe(2);
    answer();
    await Promise.all([before, after]);
    expect(await countOf(running, 'shared')).toBe(0);
  });

  test('is not shared with a request after another instance has erased the customer', async () => {
    const list = join(folder, 'suppressed-meanwhile');
    writeFileSync(list, '');
    const [running, other] = await Promise.all([
      openGateway({ SUPPRESSION_FILE: list }),
      openGateway({ SUPPRESSION_FILE: list }),
    ]);
    const answer = pauseSystem(running, 'quick');
    const before = running.sendRequest(pageQuery('quick'));
    await callCount(running).toBe(1);
    await other.people.gateway.forget({
      identifier: { namespace: 'email', value: 'jan@example.nl' },
      suppress: true,
    });
    // After this time, the list is read again.
    running.people.clock.advance(1_500);
    // The new request does not wait for the request in flight.
    const { body } = await running.sendRequest(pageQuery('quick'));
    expect(JSON.parse(body)).toMatchObject({ errors: [{ extensions: { code: 'ERASED' } }] });
    answer();
    await before;
    expect(await countOf(running, 'shared')).toBe(0);
  });
});

process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
