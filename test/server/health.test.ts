import { buildSchema } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { Client } from '../../src/connectors/connector.js';
import { useHealth } from '../../src/server/health.js';
import { createOperationTimes, useMetrics } from '../../src/server/metrics.js';
import { inOrder, useRequestSteps } from '../../src/server/request-steps.js';
import { createMetrics, type BreakerState } from '../../src/telemetry/metrics.js';
import { turnedClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { faultControl, FOUR_SYSTEMS } from '../support/stand-ins.js';

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

  test('is live without asking a source', async () => {
    const response = await gateway.fetch('/health/live');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: 'live' });
    expect(Object.values(control.counters()).map(({ calls }) => calls)).toEqual([0, 0, 0, 0]);
  });

  test('is ready, and says that every source is up', async () => {
    const response = await gateway.fetch('/health/ready');
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({ status: 'ready', sources: ALL_UP, breakers: ALL_CLOSED });
  });

  test('is ready with a source down, and says which', async () => {
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

  test('is told without a body to who asks for the head only', async () => {
    const response = await gateway.fetch('/health/live', { method: 'HEAD' });
    expect(response.status).toBe(200);
  });

  test('is not there to be changed', async () => {
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
    test(`is not told at ${path}, and neither is anything else`, async () => {
      const response = await gateway.fetch(path);
      expect(response.status).toBe(404);
      expect(response.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
    });
  }

  test('is told in numbers too, of the systems and of nobody in them', async () => {
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

  test('is no longer ready when it is told to take no more', async () => {
    const other = createTestGateway(control.settings);
    other.drain();
    const response = await other.fetch('/health/ready');
    await other.close();
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ status: 'stopping' });
  });

  test('does not stand in the way of an operation that ends in its name', async () => {
    const query = new URLSearchParams({ query: '{ __typename }', operationName: '' }).toString();
    const response = await gateway.fetch(`/graphql?${query}/health`);
    expect(response.headers.get('content-type')).toContain('json');
  });
});

describe('the look at the sources', () => {
  const clock = turnedClock();
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
  const look = async (): Promise<unknown> => (await yoga.fetch('http://gateway/health/ready')).json();

  afterEach(() => {
    state = 'up';
    pings = 0;
    clock.turn(10_000);
  });

  test('is good for five seconds', async () => {
    expect(await look()).toMatchObject({ sources: { only: 'up' } });
    state = 'down';
    clock.turn(4_999);
    expect(await look()).toMatchObject({ sources: { only: 'up' } });
    clock.turn(1);
    expect(await look()).toMatchObject({ sources: { only: 'down' } });
    expect(pings).toBe(2);
  });

  test('is shared by all who ask at the same time', async () => {
    await Promise.all([look(), look(), look()]);
    expect(pings).toBe(1);
  });
});

describe('a gateway that knows more of itself', () => {
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

  test('says of each source whether its breaker lets calls through, as it is now', async () => {
    const look = async (): Promise<unknown> => (await yoga.fetch('http://gateway/health/ready')).json();
    expect(await look()).toEqual({ status: 'ready', sources: { only: 'up' }, breakers: { only: 'closed' } });
    breakers.set('only', 'half-open');
    expect(await look()).toMatchObject({ breakers: { only: 'half-open' } });
  });

  test('is not ready when it is stopping, but lives', async () => {
    stopping = true;
    const ready = await yoga.fetch('http://gateway/health/ready');
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({ status: 'stopping' });
    expect((await yoga.fetch('http://gateway/health/live')).status).toBe(200);
  });
});

describe('the metrics', () => {
  const clock = turnedClock();
  const metrics = createMetrics();
  const times = createOperationTimes(metrics, clock);
  const yoga = createYoga({
    schema: createSchema({
      typeDefs: 'type Query { a: Int, broken: Int }',
      resolvers: {
        Query: {
          a: () => {
            clock.turn(30);
            return 1;
          },
          broken: () => {
            throw new Error('broken');
          },
        },
      },
    }),
    logging: false,
    plugins: [useMetrics(metrics, clock), useRequestSteps(inOrder([times])), times],
  });
  const text = async (): Promise<string> => (await yoga.fetch('http://gateway/metrics')).text();

  afterEach(() => {
    clock.turn(1_000);
  });

  const ask = (body: object): Response | Promise<Response> =>
    yoga.fetch('http://gateway/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  test('are told as text', async () => {
    const response = await yoga.fetch('http://gateway/metrics');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(metrics.contentType);
    expect(await response.text()).toContain('# TYPE stekkerdoos_source_calls_total counter');
  });

  test('are not there to be changed', async () => {
    const response = await yoga.fetch('http://gateway/metrics', { method: 'POST', body: '{}' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  test('tell how long operations took and how they ended, by name', async () => {
    await ask({ query: 'query PageView { a }' });
    await ask({ query: 'query PageView { broken } query Other { a }', operationName: 'PageView' });
    await ask({ query: 'query PageView { unknown }', operationName: 'PageView' });
    await ask({ query: '{ a }' });
    const lines = await text();
    for (const outcome of ['ok', 'errors', 'refused'])
      expect(lines).toContain(`stekkerdoos_operations_total{operation="PageView",outcome="${outcome}"} 1`);
    expect(lines).toContain('stekkerdoos_operations_total{operation="anonymous",outcome="ok"} 1');
    expect(lines).toContain('stekkerdoos_operation_duration_seconds_sum{operation="PageView"} 0.03');
  });

  test('count an operation that cannot even be read', async () => {
    await ask({ query: '{' });
    await yoga.fetch('http://gateway/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{',
    });
    expect(await text()).toContain('stekkerdoos_operations_total{operation="anonymous",outcome="refused"} 2');
  });

  test('are written once a second, however many ask', async () => {
    const before = await text();
    metrics.retried('only');
    clock.turn(999);
    expect(await text()).toBe(before);
    clock.turn(1);
    expect(await text()).toContain('stekkerdoos_source_retries_total{source="only"} 1');
  });

  test('hold nothing of what was asked', async () => {
    await ask({
      query: 'query Find($email: String = "jan@example.nl") { a }',
      variables: { email: 'jan@example.nl' },
    });
    expect(await text()).not.toContain('jan');
  });
});
