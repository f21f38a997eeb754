import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { sources } from '../../sources/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { CallScope, Client } from '../../src/connectors/connector.js';
import { setting, SourceForbiddenError } from '../../src/index.js';
import { pinger, useHealth } from '../../src/http/health.js';
import { useMetrics } from '../../src/http/metrics.js';
import { createMetrics, type BreakerState } from '../../src/telemetry/metrics.js';
import { createTestApp } from '../support/app.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { localSource } from '../support/local-source.js';
import { directSettings, faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';

const ALL_UP = { 'order-system': 'up', webshop: 'up', 'contact-centre': 'up', 'crm-hubspot': 'up' };
const ALL_CLOSED = Object.fromEntries(Object.keys(ALL_UP).map((source) => [source, 'closed']));

describe('the health of the gateway', () => {
  let control: FaultControl;
  let gateway: TestGateway;

  beforeAll(async () => {
    control = await faultControl([], FOUR_SYSTEMS);
    gateway = createTestGateway(control.settings);
  });

  afterAll(async () => {
    await gateway.close();
    await control.close();
  });

  test('is live without a call to a source', async () => {
    const response = await gateway.fetch('/health/live');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'live' });
    expect(Object.values(control.counters()).map(({ calls }) => calls)).toEqual([0, 0, 0, 0]);
  });

  test('is ready, and shows that every source is up', async () => {
    const response = await gateway.fetch('/health/ready');
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({ status: 'ready', sources: ALL_UP, breakers: ALL_CLOSED });
  });

  test('is ready with an unavailable source, and shows which', async () => {
    const other = createTestGateway(control.settings);
    await control.set('contact-centre', { fault: 'down' });
    const response = await other.fetch('/health/ready');
    await control.heal();
    await other.close();
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      status: 'ready',
      sources: { ...ALL_UP, 'contact-centre': 'down' },
    });
  });

  test('has no body for a HEAD request', async () => {
    const response = await gateway.fetch('/health/live', { method: 'HEAD' });
    expect(response.status).toBe(200);
  });

  test('cannot be changed', async () => {
    const response = await gateway.fetch('/health/ready', { method: 'POST', body: '{}' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  for (const path of [
    '/health',
    '/health/',
    '/health/unknown',
    '/',
    '/graphql/more',
    '/more/graphql',
    '/more?x=/graphql',
  ]) {
    test(`is not shown at ${path}`, async () => {
      const response = await gateway.fetch(path);
      expect(response.status).toBe(404);
      expect(response.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    });
  }

  test('is shown in metrics too, without personal data', async () => {
    const { errors } = await gateway.query(
      'query Find($email: String!) { customer(by: { email: $email }) { name orders { nodes { number } } } }',
      { email: 'everywhere@example.nl' },
    );
    expect(errors).toEqual([]);
    const response = await gateway.fetch('/metrics');
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toMatch(/^stekkerdoos_source_calls_total\{source="order-system",outcome="ok"\} [1-9]/m);
    expect(text).toContain('stekkerdoos_operations_total{operation="Find",outcome="ok"} 1');
    expect(text).not.toMatch(/@|everywhere/i);
  });

  test('is not ready while it drains', async () => {
    const other = createTestGateway(control.settings);
    other.drain();
    const response = await other.fetch('/health/ready');
    await other.close();
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: 'stopping' });
  });

  test('does not answer operations whose path ends in its name', async () => {
    const query = new URLSearchParams({ query: '{ __typename }', operationName: '' }).toString();
    const response = await gateway.fetch(`/graphql?${query}/health`);
    expect(response.headers.get('content-type')).toContain('json');
  });
});

describe('the readiness of the gateway', { timeout: 60_000 }, () => {
  const opened: TestGateway[] = [];
  const folders: string[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((gateway) => gateway.close()));
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  const open = (environment: Record<string, string>, options = {}): TestGateway => {
    const gateway = createTestGateway(environment, options);
    opened.push(gateway);
    return gateway;
  };
  const ready = async (gateway: TestGateway): Promise<Record<string, unknown>> => {
    const response = await gateway.fetch('/health/ready');
    return { code: response.status, ...((await response.json()) as Record<string, unknown>) };
  };

  test('shows that all sources are up', async () => {
    // A ping times out after a second, and the machine may be busy.
    const patient = sources.map((source) => ({
      ...source,
      limits: { ...source.limits, timeout: '30 s' as const },
    }));
    const answer = await ready(
      open({ ...directSettings(), CLICKSTREAM_TIMEOUT_MS: '30000' }, { sources: patient }),
    );
    expect(answer['reasons'] ?? {}).toEqual({});
    expect(answer).toMatchObject({
      sources: Object.fromEntries(sources.map(({ name }) => [name, 'up'])),
    });
  });

  test('shows the kind of failure of an unavailable source', async () => {
    const { source, environment } = localSource('local', {
      connector: {
        settings: () => [setting('LOCAL_URL')],
        connect: () => ({
          client: () => ({
            ping: () => Promise.reject(new SourceForbiddenError('local', 'no', { kind: 'missing-grant' })),
          }),
          close: () => Promise.resolve(),
        }),
      },
    });
    const sdl = { local: 'type Query { "Nothing." nothing: String @personalData(category: NONE) }' };
    expect(await ready(open(environment, { sources: [source], sdl }))).toMatchObject({
      code: 200,
      sources: { local: 'down' },
      reasons: { local: 'missing-grant' },
    });
  });

  test('is false until the list of erased customers was read', async () => {
    const answer = await ready(open({ ...directSettings(['kvk']), REDIS_URL: 'redis://127.0.0.1:1' }));
    expect(answer).toMatchObject({ code: 503, status: 'unready', parts: { suppressionList: 'down' } });
  });

  test('is false while the webhook store does not answer', async () => {
    const settings = {
      ...directSettings(['kvk']),
      WEBHOOK_POSTGRES_URL: 'postgres://postgres@127.0.0.1:1/webhooks',
      WEBHOOK_SECRET: 'a secret of the webhooks',
    };
    const gateway = open(settings);
    gateway.opened.catch(() => undefined);
    expect(await ready(gateway)).toMatchObject({
      code: 503,
      status: 'unready',
      parts: { webhookStore: 'down' },
    });
    expect(await (await gateway.fetch('/metrics')).text()).toContain('stekkerdoos_webhook_store_up 0');
  });

  test('is true with a webhook store that answers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-health-'));
    folders.push(folder);
    const gateway = open({
      ...directSettings(['kvk']),
      WEBHOOK_FILE: join(folder, 'webhooks.db'),
      WEBHOOK_SECRET: 'a secret of the webhooks',
    });
    await gateway.opened;
    expect(await ready(gateway)).toMatchObject({ code: 200, status: 'ready', parts: { webhookStore: 'up' } });
    const text = await (await gateway.fetch('/metrics')).text();
    expect(text).toContain('stekkerdoos_webhook_store_up 1');
    expect(text).toContain('stekkerdoos_webhook_events{state="waiting"} 0');
  });
});

describe('the check of the sources', () => {
  const clock = fakeClock();
  let state: 'up' | 'down' = 'up';
  let pings = 0;
  const client: Client = {
    ping: () => {
      pings++;
      return state === 'up' ? Promise.resolve() : Promise.reject(new Error('down'));
    },
  };
  const yoga = createYoga({
    schema: buildSchema('type Query { a: Int }'),
    logging: false,
    plugins: [useHealth(new Map([['only', client]]), { clock })],
  });
  const check = async (): Promise<unknown> => (await yoga.fetch('http://gateway/health/ready')).json();

  afterEach(() => {
    state = 'up';
    pings = 0;
    clock.advance(10_000);
  });

  test('is reused for five seconds', async () => {
    expect(await check()).toMatchObject({ sources: { only: 'up' } });
    state = 'down';
    clock.advance(4_999);
    expect(await check()).toMatchObject({ sources: { only: 'up' } });
    clock.advance(1);
    expect(await check()).toMatchObject({ sources: { only: 'down' } });
    expect(pings).toBe(2);
  });

  test('reports a part whose check fails as unavailable', async () => {
    const parts = {
      works: () => Promise.resolve('up' as const),
      fails: () => Promise.reject(new Error('gone')),
    };
    const plugins = [useHealth(new Map(), { clock, parts })];
    const withParts = createYoga({ schema: buildSchema('type Query { a: Int }'), logging: false, plugins });
    const response = await withParts.fetch('http://gateway/health/ready');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: 'unready', parts: { works: 'up', fails: 'down' } });
  });

  test('is not ready if only some of its parts work', async () => {
    const parts = {
      works: () => Promise.resolve('up' as const),
      fails: () => Promise.resolve('down' as const),
    };
    const plugins = [useHealth(new Map(), { parts })];
    const withParts = createYoga({ schema: buildSchema('type Query { a: Int }'), logging: false, plugins });
    expect((await withParts.fetch('http://gateway/health/ready')).status).toBe(503);
  });

  test.each([true, false])(
    'reports a failed ping, and shows the failures to an operator only: %s',
    async (isOperator) => {
      const error = new SourceForbiddenError('only', 'no', { kind: 'missing-grant' });
      const failures = { report: vi.fn(), recent: () => [] };
      const plugins = [
        useHealth(new Map([['only', { ping: () => Promise.reject(error) }]]), {
          failures,
          isOperator: () => Promise.resolve(isOperator),
        }),
      ];
      const failing = createYoga({ schema: buildSchema('type Query { a: Int }'), logging: false, plugins });
      const response = await failing.fetch('http://gateway/health/ready', { method: 'HEAD' });
      expect(response.status).toBe(200);
      expect(await (await failing.fetch('http://gateway/health/ready')).json()).toEqual({
        status: 'ready',
        sources: { only: 'down' },
        reasons: { only: 'missing-grant' },
        ...(isOperator ? { failures: [] } : {}),
      });
      expect(failures.report.mock.calls).toEqual([[error, 'ping']]);
    },
  );

  test('calls each system within its limits, before bulk requests, and never caches the answer', async () => {
    const scope = { run: vi.fn((call: () => unknown) => call()), slowDown: vi.fn() };
    const protection = { scope: vi.fn(() => scope) };
    const connection = {
      client: (limits: CallScope) => ({
        ping: async () => {
          limits.slowDown({ remaining: 1 });
          await limits.run(() => Promise.resolve());
        },
      }),
    };
    await pinger({ connection, protection } as never).ping();
    expect(protection.scope).toHaveBeenCalledExactlyOnceWith({ priority: 'interactive' });
    expect(scope.run).toHaveBeenCalledTimes(1);
    expect(scope.slowDown).toHaveBeenCalledWith({ remaining: 1 });
  });

  test('is shared by concurrent requests', async () => {
    await Promise.all([check(), check(), check()]);
    expect(pings).toBe(1);
  });
});

describe('a gateway with breakers', () => {
  const client: Client = { ping: () => Promise.resolve() };
  const breakers = new Map<string, BreakerState>([['only', 'closed']]);
  let stopping = false;
  const yoga = createYoga({
    schema: buildSchema('type Query { a: Int }'),
    logging: false,
    plugins: [
      useHealth(new Map([['only', client]]), { breakers: () => breakers, isStopping: () => stopping }),
    ],
  });

  afterEach(() => {
    stopping = false;
  });

  test('shows the current state of the breaker of each source', async () => {
    const check = async (): Promise<unknown> => (await yoga.fetch('http://gateway/health/ready')).json();
    expect(await check()).toEqual({ status: 'ready', sources: { only: 'up' }, breakers: { only: 'closed' } });
    breakers.set('only', 'half-open');
    expect(await check()).toMatchObject({ breakers: { only: 'half-open' } });
  });

  test('is not ready while it stops, but live', async () => {
    stopping = true;
    const ready = await yoga.fetch('http://gateway/health/ready');
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({ status: 'stopping' });
    expect((await yoga.fetch('http://gateway/health/live')).status).toBe(200);
  });
});

describe('the metrics', () => {
  const clock = fakeClock();
  const metrics = createMetrics();
  const schema = createSchema({
    typeDefs: 'type Query { a: Int, broken: Int }',
    resolvers: {
      Query: {
        a: () => {
          clock.advance(30);
          return 1;
        },
        broken: () => {
          throw new Error('broken');
        },
      },
    },
  });
  const yoga = createTestApp(schema, { metrics, clock, pages: [useMetrics(metrics, clock)] });
  afterAll(() => {
    yoga.close();
  });
  const text = async (): Promise<string> => (await yoga.fetch(new Request('http://gateway/metrics'))).text();

  afterEach(() => {
    clock.advance(1_000);
  });

  const sendRequest = (body: object): Response | Promise<Response> =>
    yoga.fetch(
      new Request('http://gateway/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    );

  test('are text', async () => {
    const response = await yoga.fetch(new Request('http://gateway/metrics'));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(metrics.contentType);
    expect(await response.text()).toContain('# TYPE stekkerdoos_source_calls_total counter');
  });

  test('cannot be changed', async () => {
    const response = await yoga.fetch(new Request('http://gateway/metrics', { method: 'POST', body: '{}' }));
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  test('have the durations and outcomes of operations, by name', async () => {
    await sendRequest({ query: 'query PageView { a }' });
    await sendRequest({ query: 'query PageView { broken } query Other { a }', operationName: 'PageView' });
    await sendRequest({ query: 'query PageView { unknown }', operationName: 'PageView' });
    await sendRequest({ query: '{ a }' });
    const lines = await text();
    for (const outcome of ['ok', 'errors', 'refused'])
      expect(lines).toContain(`stekkerdoos_operations_total{operation="PageView",outcome="${outcome}"} 1`);
    expect(lines).toContain('stekkerdoos_operations_total{operation="anonymous",outcome="ok"} 1');
    expect(lines).toContain('stekkerdoos_operation_duration_seconds_sum{operation="PageView"} 0.03');
  });

  test('count a request that cannot be parsed', async () => {
    await sendRequest({ query: '{' });
    await yoga.fetch(
      new Request('http://gateway/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{',
      }),
    );
    expect(await text()).toContain('stekkerdoos_operations_total{operation="anonymous",outcome="refused"} 2');
  });

  test('are written once a second, for any number of requests', async () => {
    const before = await text();
    metrics.retried('only');
    clock.advance(999);
    expect(await text()).toBe(before);
    clock.advance(1);
    expect(await text()).toContain('stekkerdoos_source_retries_total{source="only"} 1');
  });

  test('contain no content of the requests', async () => {
    await sendRequest({
      query: 'query Find($email: String = "jan@example.nl") { a }',
      variables: { email: 'jan@example.nl' },
    });
    expect(await text()).not.toContain('jan');
  });
});
