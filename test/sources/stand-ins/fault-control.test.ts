import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Pool as SqlPool } from 'pg';
import { Pool, type Dispatcher } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startOrderSystem } from '../../../sources/order-system/stand-in/index.js';
import { createFaultControl, type FaultControl } from '../../../sources/stand-ins/fault-control.js';
import { createWorld } from '../../../sources/stand-ins/seed.js';
import type { StandIn } from '../../../sources/stand-ins/world.js';

let shop: StandIn & { hungUp: number };
let orders: StandIn;
let control: FaultControl;

beforeAll(async () => {
  [shop, orders] = await Promise.all([startTinyShop(), startOrderSystem(createWorld({ customers: 5 }))]);
  control = await createFaultControl([shop, orders]);
});

afterAll(async () => {
  await control.close();
  await Promise.all([shop.close(), orders.close()]);
});

beforeEach(async () => {
  await control.heal();
});

/** Starts a server that echoes its requests. `/wait` never answers, and `/large` answers with a megabyte. */
async function startTinyShop(): Promise<StandIn & { hungUp: number }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/wait') {
        response.on('close', () => {
          standIn.hungUp += 1;
        });
      } else if (request.url === '/large') {
        response.setHeader('Content-Length', 1_000_000);
        response.end(Buffer.alloc(1_000_000, 'x'));
      } else if (request.url === '/short') {
        response.end('abc');
      } else {
        const { method, url, headers } = request;
        response.writeHead(url === '/missing' ? 404 : 200, {
          'Content-Type': 'application/json',
          'X-Shop': 'yes',
        });
        response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(chunks).toString() }));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const standIn: StandIn & { hungUp: number } = {
    name: 'webshop',
    url: `http://127.0.0.1:${address.port}`,
    hungUp: 0,
    settings: (url) => ({ SHOP_URL: `${url}/admin`, SHOP_TOKEN: 'token' }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
  return standIn;
}

async function text(answer: Promise<Dispatcher.ResponseData>): Promise<string> {
  return (await answer).body.text();
}

describe('the fault control in front of an HTTP system', () => {
  let gateway: Pool;

  beforeEach(() => {
    gateway = new Pool(control.sources['webshop']?.url ?? '');
  });
  afterEach(async () => {
    await gateway.destroy();
  });

  const get = (path = '/'): Promise<Dispatcher.ResponseData> => gateway.request({ method: 'GET', path });

  it('forwards requests and answers unchanged', async () => {
    const answer = await gateway.request({
      method: 'POST',
      path: '/orders?first=2&q=%C3%A9',
      headers: { 'X-Token': 'abc', 'Content-Type': 'application/json' },
      body: '{"name":"Zoë"}',
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'x-shop': 'yes' });
    expect(await answer.body.json()).toMatchObject({
      method: 'POST',
      url: '/orders?first=2&q=%C3%A9',
      headers: { 'x-token': 'abc', host: new URL(control.sources['webshop']?.url ?? '').host },
      body: '{"name":"Zoë"}',
    });
    expect((await get('/missing')).statusCode).toBe(404);
  });

  it('forwards large bodies and answers unchanged', async () => {
    const body = 'y'.repeat(1_000_000);
    const echo = await gateway.request({ method: 'POST', path: '/', body });
    expect(await echo.body.json()).toMatchObject({ body });
    expect(await text(get('/large'))).toHaveLength(1_000_000);
    const head = await gateway.request({ method: 'HEAD', path: '/large' });
    expect(head.headers['content-length']).toBe('1000000');
  });

  it('closes its connection to the system if the gateway closes its own', async () => {
    const before = shop.hungUp;
    const waiting = gateway.request({ method: 'GET', path: '/wait', signal: AbortSignal.timeout(50) });
    await expect(waiting).rejects.toThrow('timeout');
    await expect.poll(() => shop.hungUp).toBe(before + 1);
  });

  it('adds latency to each answer separately', async () => {
    await control.set('webshop', { latencyMs: 200 });
    const start = performance.now();
    await Promise.all(Array.from({ length: 50 }, () => text(get())));
    expect(performance.now() - start).toBeGreaterThanOrEqual(198);
    // In sequence, they would take 10 s.
    expect(performance.now() - start).toBeLessThan(8_000);
  });

  it('refuses connections and closes open ones while "down", and then uses the same port', async () => {
    const waiting = get('/wait');
    await expect.poll(() => control.counters()['webshop']?.connections).toBe(1);
    await control.set('webshop', { fault: 'down' });
    await expect(waiting).rejects.toThrow(/other side closed|ECONNRESET/);
    await expect(get()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(control.counters()['webshop']?.connections).toBe(0);
    await control.set('webshop', { fault: null });
    expect((await get()).statusCode).toBe(200);
  });

  it('applies the last of two concurrent changes', async () => {
    await Promise.all([control.set('webshop', { fault: 'down' }), control.set('webshop', { fault: null })]);
    expect((await get()).statusCode).toBe(200);
  });

  it('sends no answer while "hanging", and closes the waiting connections at the end', async () => {
    await text(get());
    await control.set('webshop', { fault: 'hang' });
    const hanging = get();
    const outcome = await Promise.race([hanging.then(() => 'answered'), delay(150, 'silence')]);
    expect(outcome).toBe('silence');
    await Promise.all([control.set('webshop', { fault: null }), expect(hanging).rejects.toThrow()]);
    expect((await get()).statusCode).toBe(200);
  });

  it('answers with the chosen status, by default 500, on open connections', async () => {
    const single = new Pool(control.sources['webshop']?.url ?? '', { connections: 1 });
    const getOnce = async (): Promise<[number, unknown]> => {
      const { statusCode, body } = await single.request({ method: 'GET', path: '/' });
      return [statusCode, await body.json()];
    };
    expect(await getOnce()).toMatchObject([200, { url: '/' }]);
    await control.set('webshop', { fault: 'status' });
    expect(await getOnce()).toMatchObject([500, { error: expect.any(String) as unknown }]);
    await control.set('webshop', { fault: 'status', status: 503 });
    expect(await getOnce()).toMatchObject([503, {}]);
    await control.set('webshop', { fault: null });
    expect(await getOnce()).toMatchObject([200, {}]);
    expect(control.counters()['webshop']).toEqual({ calls: 4, connections: 1 });
    await single.destroy();
  });

  it('can send invalid bytes with the content type of JSON', async () => {
    await control.set('webshop', { fault: 'garbage' });
    const answer = await get();
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    await expect(answer.body.json()).rejects.toThrow();
  });

  it('can send the correct answer very slowly', async () => {
    await control.set('webshop', { fault: 'drip' });
    const start = performance.now();
    expect(await text(get('/short'))).toBe('abc');
    expect(performance.now() - start).toBeGreaterThan(990);
  });

  it('sends the remaining bytes at once when the fault ends', async () => {
    await control.set('webshop', { fault: 'drip' });
    const answer = await get('/large');
    await Promise.all([
      control.set('webshop', { fault: null }),
      expect(answer.body.text()).rejects.toThrow(),
    ]);
    expect((await get()).statusCode).toBe(200);
  });

  it('can reset the connection when a request arrives', async () => {
    await text(get());
    await control.set('webshop', { fault: 'reset' });
    await expect(get()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it('limits the rate in the same way as vendors', async () => {
    await control.set('webshop', { fault: 'rate-limit' });
    const answer = await get();
    expect(answer.statusCode).toBe(429);
    expect(answer.headers['retry-after']).toBe('2');
    expect(await answer.body.json()).toEqual({ error: 'rate limited' });
  });

  it('counts all requests, including those with a fault', async () => {
    await Promise.all([text(get()), text(get()), text(get('/missing'))]);
    await control.set('webshop', { fault: 'rate-limit' });
    await text(get());
    expect(control.counters()['webshop']?.calls).toBe(4);
    await control.heal();
    expect(control.counters()['webshop']?.calls).toBe(0);
  });
});

describe('the fault control in front of an SQL system', () => {
  let gateway: SqlPool;

  beforeEach(() => {
    gateway = new SqlPool({ connectionString: control.settings['ORDER_SYSTEM_URL'], max: 20 });
    gateway.on('error', () => undefined);
  });
  afterEach(async () => {
    await gateway.end();
  });

  const run = async (): Promise<unknown> =>
    (await gateway.query<{ one: number }>('select $1::int as one', [1])).rows;

  it('forwards simple, parametrised and prepared queries', async () => {
    expect((await gateway.query('select 1 as a; select 2 as b')) as unknown).toMatchObject([
      { rows: [{ a: 1 }] },
      { rows: [{ b: 2 }] },
    ]);
    for (let round = 0; round < 3; round++) {
      const named = { name: 'by-email', text: 'select cust_no from customers where lower(email) = $1' };
      const { rows } = await gateway.query({ ...named, values: ['everywhere@example.nl'] });
      expect(rows).toEqual([{ cust_no: expect.stringMatching(/^K\d{6}$/) as unknown }]);
    }
    await expect(gateway.query('select no_such_column')).rejects.toMatchObject({ code: '42703' });
    expect(await run()).toEqual([{ one: 1 }]);
  });

  it('forwards large answers and parameters completely', async () => {
    const { rows } = await gateway.query<{ n: number; t: string }>(
      'select n, $1 as t from generate_series(1, 20000) n',
      ['z'.repeat(100)],
    );
    expect(rows).toHaveLength(20_000);
    expect(rows.at(-1)).toEqual({ n: 20_000, t: 'z'.repeat(100) });
    const long = 'q'.repeat(3_000_000);
    expect((await gateway.query<{ length: number }>('select length($1) as length', [long])).rows).toEqual([
      { length: 3_000_000 },
    ]);
  });

  it('permits the gateway only to read', async () => {
    await expect(gateway.query('delete from payments')).rejects.toMatchObject({ code: '25006' });
    await expect(
      gateway.query('set default_transaction_read_only = off; delete from payments'),
    ).rejects.toThrow();
  });

  it('forwards the cancellation of a query', async () => {
    const client = await gateway.connect();
    const cancel = Buffer.alloc(16);
    cancel.writeInt32BE(16, 0);
    cancel.writeInt32BE(80877102, 4);
    cancel.writeInt32BE(Number(Reflect.get(client, 'processID')), 8);
    cancel.writeInt32BE(Number(Reflect.get(client, 'secretKey')), 12);
    const sleeping = client.query('select pg_sleep(10)');
    // PostgreSQL ignores a cancellation before the start of its query, so the test waits until the query runs.
    await expect
      .poll(() =>
        gateway.query(
          "select from pg_stat_activity where state = 'active' and query = 'select pg_sleep(10)'",
        ),
      )
      .toMatchObject({ rowCount: 1 });
    const port = Number(new URL(control.sources['order-system']?.url ?? '').port);
    connect(port, '127.0.0.1').end(cancel);
    await expect(sleeping).rejects.toMatchObject({ code: '57014' });
    client.release();
  });

  it('counts queries, not messages', async () => {
    await gateway.query('select 1');
    await run();
    await gateway.query({ name: 'two', text: 'select 2' });
    expect(control.counters()['order-system']).toEqual({ calls: 3, connections: 1 });
  });

  it('adds latency to each query once and separately', async () => {
    await Promise.all(Array.from({ length: 20 }, () => run()));
    await control.set('order-system', { latencyMs: 200 });
    let start = performance.now();
    await Promise.all(Array.from({ length: 20 }, () => run()));
    expect(performance.now() - start).toBeGreaterThanOrEqual(198);
    // In sequence, they would take 4 s.
    expect(performance.now() - start).toBeLessThan(3_500);
    start = performance.now();
    // Two exchanges follow each other, each with several messages.
    await run();
    await run();
    expect(performance.now() - start).toBeGreaterThanOrEqual(396);
    // A latency for each message would double the time.
    expect(performance.now() - start).toBeLessThan(790);
  });

  it('refuses connections and closes open ones while "down", and then uses the same port', async () => {
    const sleeping = gateway.query('select pg_sleep(10)');
    await expect.poll(() => control.counters()['order-system']?.calls).toBe(1);
    await Promise.all([
      control.set('order-system', { fault: 'down' }),
      expect(sleeping).rejects.toThrow('Connection terminated unexpectedly'),
    ]);
    await expect(run()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await control.set('order-system', { fault: null });
    expect(await run()).toEqual([{ one: 1 }]);
  });

  it('sends no answer while "hanging", and closes the waiting connections at the end', async () => {
    await run();
    await control.set('order-system', { fault: 'hang' });
    const onOpen = run();
    const onNew = run();
    const outcome = await Promise.race([onOpen, onNew, delay(150, 'silence')]);
    expect(outcome).toBe('silence');
    await Promise.all([
      control.set('order-system', { fault: null }),
      expect(onOpen).rejects.toThrow(),
      expect(onNew).rejects.toThrow(),
    ]);
    expect(await run()).toEqual([{ one: 1 }]);
  });

  it.each([
    ['status', '57P03'],
    ['rate-limit', '53300'],
  ] as const)(
    'answers every query with an error under "%s", and the connection remains open',
    async (fault, code) => {
      const client = await gateway.connect();
      await control.set('order-system', { fault });
      await expect(client.query('select 1')).rejects.toMatchObject({ code, severity: 'ERROR' });
      await expect(client.query('select $1::int', [1])).rejects.toMatchObject({ code });
      await expect(client.query({ name: 'three', text: 'select 3 as three' })).rejects.toMatchObject({
        code,
      });
      await expect(run()).rejects.toMatchObject({ code, severity: 'FATAL' });
      await control.set('order-system', { fault: null });
      expect((await client.query({ name: 'three', text: 'select 3 as three' })).rows).toEqual([{ three: 3 }]);
      expect(control.counters()['order-system']?.connections).toBe(1);
      client.release();
    },
  );

  it('does not change the state of a transaction when it answers with an error', async () => {
    const client = await gateway.connect();
    await client.query('begin');
    await client.query("set local application_name = 'unchanged'");
    await control.set('order-system', { fault: 'status' });
    await expect(client.query('select $1::int', [1])).rejects.toThrow();
    await control.set('order-system', { fault: null });
    expect((await client.query('show application_name')).rows).toEqual([{ application_name: 'unchanged' }]);
    await client.query('rollback');
    client.release();
  });

  it('can send bytes that are not PostgreSQL', async () => {
    await run();
    await control.set('order-system', { fault: 'garbage' });
    await expect(run()).rejects.toThrow('invalid response');
    await control.set('order-system', { fault: null });
    expect(await run()).toEqual([{ one: 1 }]);
  });

  it('can send the correct answer very slowly, until the fault ends', async () => {
    const client = new Client({ connectionString: control.settings['ORDER_SYSTEM_URL'] });
    client.on('error', () => undefined);
    await client.connect();
    await control.set('order-system', { fault: 'drip' });
    const dripping = client.query('select 1');
    expect(await Promise.race([dripping, delay(700, 'not yet')])).toBe('not yet');
    await Promise.all([control.set('order-system', { fault: null }), expect(dripping).rejects.toThrow()]);
    expect(await run()).toEqual([{ one: 1 }]);
  });

  it('can reset the connection when a query arrives', async () => {
    await run();
    await control.set('order-system', { fault: 'reset' });
    await expect(run()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('the HTTP API of the fault control', () => {
  async function call(
    method: string,
    path: string,
    body?: string,
  ): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(control.url + path, { method, ...(body !== undefined && { body }) });
    return { status: answer.status, body: await answer.json() };
  }

  it('shows every source with its address, its counters and its fault', async () => {
    expect(await call('GET', '/')).toEqual({
      status: 200,
      body: {
        sources: {
          webshop: { ...control.sources['webshop'], calls: 0, connections: 0, latencyMs: 0, fault: null },
          'order-system': {
            ...control.sources['order-system'],
            calls: 0,
            connections: 0,
            latencyMs: 0,
            fault: null,
          },
        },
      },
    });
  });

  it('changes only the members of the body', async () => {
    await call('PUT', '/webshop', '{"latencyMs":100}');
    await call('PUT', '/webshop', '{"fault":"status","status":503}');
    expect(await call('PUT', '/webshop', '{"latencyMs":120}')).toMatchObject({
      status: 200,
      body: { latencyMs: 120, fault: 'status', status: 503 },
    });
    expect(await call('PUT', '/webshop', '{"fault":null}')).toMatchObject({
      body: { latencyMs: 120, fault: null },
    });
    expect((await call('GET', '/order-system')).body).toMatchObject({ latencyMs: 0, fault: null });
  });

  it('accepts a status with any fault, so that clients can use one body for all faults', async () => {
    for (const fault of ['reset', 'garbage']) {
      const answer = await call('PUT', '/webshop', JSON.stringify({ fault, status: 500 }));
      expect(answer).toMatchObject({ status: 200, body: { fault } });
    }
    await call('DELETE', '/');
  });

  it('ends all faults and resets the counters on DELETE', async () => {
    await call('PUT', '/webshop', '{"latencyMs":10,"fault":"rate-limit"}');
    await fetch(control.sources['webshop']?.url ?? '').then((answer) => answer.text());
    expect((await call('GET', '/webshop')).body).toMatchObject({ calls: 1 });
    const { status, body } = await call('DELETE', '/');
    expect(status).toBe(200);
    expect(body).toMatchObject({ sources: { webshop: { calls: 0, latencyMs: 0, fault: null } } });
  });

  it.each([
    ['nothing', ''],
    ['no JSON', 'latencyMs=5'],
    ['no change', '{}'],
    ['no object', '[1]'],
    ['an unknown fault', '{"fault":"tired"}'],
    ['an unknown word', '{"latency":5}'],
    ['a negative latency', '{"latencyMs":-1}'],
    ['a latency of more than a minute', '{"latencyMs":60001}'],
    ['a status that is not an error', '{"fault":"status","status":200}'],
    ['a very long body', `{"fault":"${'x'.repeat(20_000)}"}`],
  ])('refuses %s with 400 and a reason', async (_what, body) => {
    const answer = await call('PUT', '/webshop', body);
    expect(answer).toEqual({ status: 400, body: { error: expect.any(String) as unknown } });
  });

  it('lists the sources if a request names an unknown one', async () => {
    const answer = await call('PUT', '/warehouse', '{"fault":"down"}');
    expect(answer.status).toBe(404);
    expect(answer.body).toEqual({ error: 'no source "warehouse" here, only webshop, order-system' });
    await expect(control.set('warehouse', { fault: 'down' })).rejects.toThrow('no source "warehouse"');
  });

  it.each([
    ['POST', '/', 'GET, DELETE'],
    ['DELETE', '/webshop', 'GET, PUT'],
  ])('refuses %s %s with 405', async (method, path, allowed) => {
    const answer = await fetch(control.url + path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe(allowed);
    expect(await answer.json()).toHaveProperty('error');
  });
});

describe('the start and end of the fault control', () => {
  it('provides the addresses of the proxies for the gateway', () => {
    expect(control.settings).toEqual({
      SHOP_URL: `${control.sources['webshop']?.url ?? ''}/admin`,
      SHOP_TOKEN: 'token',
      ORDER_SYSTEM_URL: expect.stringContaining(
        new URL(control.sources['order-system']?.url ?? '').host,
      ) as unknown,
      ORDER_SYSTEM_OUTBOX_URL: expect.stringContaining(
        new URL(control.sources['order-system']?.url ?? '').host,
      ) as unknown,
    });
    expect(control.sources['webshop']?.url).not.toBe(shop.url);
  });

  it('ends at once, even with open connections and waiting requests', async () => {
    const other = await createFaultControl([shop, orders]);
    const client = new Client({ connectionString: other.settings['ORDER_SYSTEM_URL'] });
    client.on('error', () => undefined);
    await client.connect();
    await other.set('webshop', { fault: 'hang' });
    const hanging = fetch(other.sources['webshop']?.url ?? '');
    await expect.poll(() => other.counters()['webshop']?.calls).toBe(1);
    await Promise.all([other.close(), expect(hanging).rejects.toThrow()]);
  });

  it('does not start on a port in use, and closes what it has opened', async () => {
    await expect(
      createFaultControl([shop], { port: Number(new URL(control.url).port) }),
    ).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
  });
});
