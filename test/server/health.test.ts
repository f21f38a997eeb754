import { buildSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { Client } from '../../src/connectors/connector.js';
import { useHealth } from '../../src/server/health.js';
import { turnedClock } from '../support/clock.js';
import { createTestGateway, type TestGateway } from '../support/gateway.js';
import { faultControl } from '../support/stand-ins.js';

const ALL_UP = { 'order-system': 'up', webshop: 'up', 'contact-centre': 'up', 'crm-hubspot': 'up' };

describe('the health of the gateway', () => {
  let control: FaultControl;
  let gateway: TestGateway;

  beforeAll(async () => {
    control = await faultControl();
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
    expect(await response.json()).toEqual({ status: 'ready', sources: ALL_UP });
  });

  test('is ready with a source down, and says which', async () => {
    const other = createTestGateway(control.settings);
    await control.set('contact-centre', { fault: 'down' });
    const response = await other.fetch('/health/ready');
    await control.heal();
    await other.close();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
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
    close: () => Promise.resolve(),
  };
  const yoga = createYoga({
    schema: buildSchema('type Query { a: Int }'),
    logging: false,
    plugins: [useHealth(new Map([['only', client]]), clock)],
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
