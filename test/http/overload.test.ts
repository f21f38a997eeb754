import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { buildSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createOverloadGuard, type OverloadGuard, type OverloadOptions } from '../../src/http/overload.js';
import type { RequestHead } from '../../src/http/node-request.js';
import type { Priority } from '../../src/priority.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway } from '../support/gateway.js';
import { directSettings } from '../support/stand-ins.js';

const HEADER = 'x-test-priority';
const byHeader = ({ headers }: Pick<RequestHead, 'headers'>): Priority =>
  (headers.get(HEADER) ?? 'interactive') as Priority;

const guards: OverloadGuard[] = [];
afterEach(() => {
  for (const guard of guards.splice(0)) guard.close();
});

function guardOf(options: OverloadOptions): OverloadGuard {
  // The limits are high, because the machine may be busy.
  const guard = createOverloadGuard({ priorityOf: byHeader, clock: fakeClock(), ...options });
  guards.push(guard);
  return guard;
}

interface TestRequest {
  priority?: Priority;
  method?: string;
  body?: string;
  headers?: Record<string, string>;
}

function request(
  path: string,
  { priority = 'interactive', headers = {}, ...init }: TestRequest = {},
): Request {
  return new Request(`http://gateway${path}`, { ...init, headers: { ...headers, [HEADER]: priority } });
}

/** A gateway that answers one request each time the test calls `answerNext`. */
function pausedGateway(guard: OverloadGuard) {
  const heldResponses: ((response: Response) => void)[] = [];
  const fetch = guard.guardFetch(() => new Promise<Response>((resolve) => heldResponses.push(resolve)));
  return {
    fetch,
    hold: (amount: number): void => {
      for (let i = 0; i < amount; i++) void fetch(request('/graphql'));
    },
    answerNext: async (): Promise<void> => {
      heldResponses.shift()?.(new Response('answered'));
      await Promise.resolve();
      await Promise.resolve();
    },
    receivedCount: () => heldResponses.length,
  };
}

describe('a gateway with too many in-flight requests', () => {
  test('refuses the next request at once, with the time of a retry', async () => {
    const gateway = pausedGateway(guardOf({ maxInFlight: 4 }));
    gateway.hold(4);
    const response = await gateway.fetch(request('/graphql', { method: 'POST', body: '{}' }));
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('1');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.json()).toEqual({
      errors: [
        {
          message: 'The gateway is overloaded. Send the request again in a second.',
          extensions: { code: 'OVERLOADED', retryable: true, retryAfter: 1 },
        },
      ],
    });
    expect(gateway.receivedCount()).toBe(4);
  });

  test('answers as application/graphql-response+json if the client accepts it', async () => {
    const gateway = pausedGateway(guardOf({ maxInFlight: 1 }));
    gateway.hold(1);
    const headers = { accept: 'application/graphql-response+json, application/json;q=0.9' };
    const response = await gateway.fetch(request('/graphql', { headers }));
    expect(response.headers.get('content-type')).toBe('application/graphql-response+json; charset=utf-8');
  });

  test('does not read the body of a refused request', async () => {
    const gateway = pausedGateway(guardOf({ maxInFlight: 1 }));
    gateway.hold(1);
    const refused = request('/graphql', { method: 'POST', body: '{}' });
    await gateway.fetch(refused);
    expect(refused.bodyUsed).toBe(false);
  });

  test('accepts the next request as soon as one is answered', async () => {
    const gateway = pausedGateway(guardOf({ maxInFlight: 4 }));
    gateway.hold(4);
    await gateway.answerNext();
    gateway.hold(1);
    expect(gateway.receivedCount()).toBe(4);
  });

  test('counts a request that fails as answered', async () => {
    const guard = guardOf({ maxInFlight: 1 });
    const fetch = guard.guardFetch(() => Promise.reject(new Error('broken')));
    await expect(fetch(request('/graphql'))).rejects.toThrow('broken');
    expect(guard.inFlight()).toBe(0);
  });

  const refused: [number, Priority[]][] = [
    [3, []],
    [4, ['bulk']],
    [5, ['bulk']],
    [6, ['bulk', 'automation']],
    [7, ['bulk', 'automation']],
    [8, ['bulk', 'automation', 'interactive']],
  ];
  test.each(refused)('with %i of 8 in flight refuses %j', async (inFlightCount, expected) => {
    const shed: Priority[] = [];
    const guard = guardOf({ maxInFlight: 8, onShed: (priority) => shed.push(priority) });
    for (const priority of ['bulk', 'automation', 'interactive'] as const) {
      const gateway = pausedGateway(guard);
      gateway.hold(inFlightCount - guard.inFlight());
      const before = gateway.receivedCount();
      void gateway.fetch(request('/graphql', { priority }));
      if (gateway.receivedCount() > before) await gateway.answerNext();
    }
    expect(shed).toEqual(expected);
  });

  test('reads the priority of a request only if it matters', () => {
    const priorityOf = vi.fn(() => 'interactive' as const);
    const gateway = pausedGateway(guardOf({ maxInFlight: 8, priorityOf }));
    gateway.hold(4);
    expect(priorityOf).not.toHaveBeenCalled();
    gateway.hold(1);
    expect(priorityOf).toHaveBeenCalledOnce();
  });

  test.each<[string, string, TestRequest]>([
    ['health', '/health/ready', {}],
    ['liveness', '/health/live', {}],
    ['metrics', '/metrics', {}],
    ['forgetting', '/admin/forget', { method: 'POST', body: '{}' }],
    ["GraphiQL's page", '/graphql', { headers: { accept: 'text/html,*/*' } }],
  ])('never refuses %s, nor counts it', async (_, path, init) => {
    const guard = guardOf({ maxInFlight: 1 });
    pausedGateway(guard).hold(1);
    const answer = vi.fn(() => new Response('answered'));
    const response = await guard.guardFetch(answer)(request(path, init));
    expect(response.status).toBe(200);
    expect(guard.inFlight()).toBe(1);
  });

  test.each<[string, string, TestRequest]>([
    ['an operation in a form of a browser', '/graphql', { method: 'POST', headers: { accept: 'text/html' } }],
    ['a URL that only contains the path of health', '/graphql?/health/ready', {}],
    ['a path that only begins like the path of health', '/health/ready/../../graphql', {}],
  ])('can refuse %s', async (_, path, init) => {
    const guard = guardOf({ maxInFlight: 1 });
    pausedGateway(guard).hold(1);
    const response = await guard.guardFetch(() => new Response())(request(path, init));
    expect(response.status).toBe(503);
  });

  test('counts refused requests in the metrics', async () => {
    const metrics = createMetrics();
    const guard = guardOf({ maxInFlight: 2, onShed: metrics.shed });
    metrics.readAtScrape({ requestsInFlight: guard.inFlight, eventLoopDelayMs: guard.delayMs });
    const gateway = pausedGateway(guard);
    gateway.hold(1);
    await gateway.fetch(request('/graphql', { priority: 'bulk' }));
    const text = await metrics.text();
    expect(text).toContain('stekkerdoos_requests_shed_total{priority="bulk"} 1');
    expect(text).toContain('stekkerdoos_requests_in_flight 1');
  });
});

describe('a gateway with a saturated event loop', () => {
  let utilization: number;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    vi.spyOn(performance, 'eventLoopUtilization').mockImplementation(() => ({
      utilization,
      idle: 0,
      active: 0,
    }));
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  /** Answers four hundred requests in a second, with this number of further requests in flight. */
  async function afterASecond(busy: number | readonly number[], inFlightCount: number) {
    const gateway = pausedGateway(guardOf({ maxInFlight: 1_000 }));
    gateway.hold(400 + inFlightCount);
    for (let quarter = 0; quarter < 4; quarter += 1) {
      utilization = typeof busy === 'number' ? busy : (busy[quarter] ?? 0);
      for (let i = 0; i < 100; i += 1) await gateway.answerNext();
      vi.advanceTimersByTime(250);
    }
    const receivedCount = gateway.receivedCount();
    for (const priority of ['bulk', 'automation', 'interactive'] as const)
      void gateway.fetch(request('/graphql', { priority }));
    return gateway.receivedCount() - receivedCount;
  }

  test.each([
    [40, 3],
    [60, 2],
    [75, 1],
    [100, 0],
  ])(
    'accepts only requests that it can answer soon: with %i in flight, %i of three',
    async (inFlightCount, taken) => {
      expect(await afterASecond(1, inFlightCount)).toBe(taken);
    },
  );

  test('accepts requests if it answered none for a while', async () => {
    utilization = 1;
    const gateway = pausedGateway(guardOf({ maxInFlight: 1_000 }));
    gateway.hold(300);
    await gateway.answerNext();
    vi.advanceTimersByTime(5_000);
    const receivedCount = gateway.receivedCount();
    void gateway.fetch(request('/graphql', { priority: 'bulk' }));
    expect(gateway.receivedCount()).toBe(receivedCount + 1);
  });

  test('accepts all requests while it only waits for systems', async () => {
    expect(await afterASecond(0.5, 300)).toBe(3);
  });

  test.each([
    ['one busy quarter of a second', [0.5, 0.5, 0.5, 1], 3],
    ['busy quarters that do not follow each other', [1, 0.5, 0.5, 1], 3],
    ['two busy quarters in a row', [0.5, 0.5, 1, 1], 0],
  ])('counts as such after %s', async (_, quarters, taken) => {
    expect(await afterASecond(quarters, 300)).toBe(taken);
  });
});

describe('a gateway whose event loop is delayed', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A guard, and a function that delays the event loop by a number of milliseconds. */
  function lateLoop() {
    const clock = fakeClock();
    const guard = guardOf({ clock });
    return {
      guard,
      clock,
      comeLateBy: (...delays: number[]): void => {
        for (const delay of delays) {
          clock.advance(20 + delay);
          vi.advanceTimersByTime(20);
        }
      },
      statusOf: async (priority: Priority): Promise<number> =>
        (await guard.guardFetch(() => new Response())(request('/graphql', { priority }))).status,
    };
  }

  test('tolerates a single pause', async () => {
    const { comeLateBy, statusOf } = lateLoop();
    comeLateBy(5_000, 300, 0, 300);
    expect(await statusOf('bulk')).toBe(200);
  });

  test('tolerates two pauses in a row, and not a third', async () => {
    const { comeLateBy, statusOf } = lateLoop();
    comeLateBy(0, 300, 300);
    expect(await statusOf('bulk')).toBe(200);
    comeLateBy(300);
    expect(await statusOf('interactive')).toBe(503);
  });

  test('refuses requests if the delay lasts', async () => {
    const { guard, comeLateBy, statusOf } = lateLoop();
    comeLateBy(0, 150, 200, 120);
    expect(guard.delayMs()).toBe(120);
    expect(await statusOf('interactive')).toBe(503);
  });

  test('refuses requests in an iteration that has accepted requests for too long', async () => {
    const { clock, comeLateBy, statusOf } = lateLoop();
    expect(await statusOf('interactive')).toBe(200);
    clock.advance(20 + 99);
    expect(await statusOf('interactive')).toBe(200);
    clock.advance(1);
    expect(await statusOf('interactive')).toBe(503);
    comeLateBy(0);
    expect(await statusOf('interactive')).toBe(200);
  });

  test('accepts the first request after a pause of any length', async () => {
    const { clock, statusOf } = lateLoop();
    clock.advance(5_000);
    expect(await statusOf('bulk')).toBe(200);
  });

  test.each([
    [49, [200, 200, 200]],
    [50, [503, 200, 200]],
    [75, [503, 503, 200]],
    [100, [503, 503, 503]],
  ])('by %i ms refuses requests of low priority first', async (delay, statuses) => {
    const { comeLateBy, statusOf } = lateLoop();
    comeLateBy(delay, delay, delay);
    expect([await statusOf('bulk'), await statusOf('automation'), await statusOf('interactive')]).toEqual(
      statuses,
    );
  });

  test('accepts requests again as soon as the delay ends', async () => {
    const { comeLateBy, statusOf } = lateLoop();
    comeLateBy(300, 300, 300, 0);
    expect(await statusOf('bulk')).toBe(200);
  });

  test('stops its measurements when it is closed', () => {
    const { guard } = lateLoop();
    guard.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the gateway', () => {
  test('refuses requests above its limit, and answers them later', async () => {
    const gateway = createTestGateway({ ...directSettings(), MAX_IN_FLIGHT: '1' });
    const query = '{ customer(by: { email: "everywhere@example.nl" }) { name } }';
    const [first, second] = await Promise.all([gateway.query(query), gateway.query(query)]);
    expect(first).toMatchObject({ status: 200, errors: [] });
    expect(second).toMatchObject({ status: 503, errors: [{ extensions: { code: 'OVERLOADED' } }] });
    expect(await gateway.query(query)).toMatchObject({ status: 200, errors: [] });
    await gateway.close();
  });
});

describe('a guard of a handler', () => {
  /** Sends a request on a connection of its own, without a port. */
  function send(
    guard: OverloadGuard,
    { isComplete = true, priority = 'interactive' }: { isComplete?: boolean; priority?: Priority } = {},
  ) {
    const socket = Object.assign(new EventEmitter(), { destroy: vi.fn() });
    const headers = new Map<string, unknown>();
    const end = vi.fn();
    const response = Object.assign(new EventEmitter(), {
      writableEnded: false,
      writableNeedDrain: false,
      getHeader: (name: string) => headers.get(name),
      writeHead: vi.fn((_status: number, all: object) => {
        for (const [name, value] of Object.entries(all)) headers.set(name, value);
        return { end };
      }),
    });
    const incoming = {
      method: 'POST',
      url: '/graphql',
      headers: { [HEADER]: priority },
      complete: isComplete,
      socket,
    };
    const handler = vi.fn<RequestListener>();
    guard.guardHandler(handler)(incoming as never, response as never);
    return { socket, response, isHandled: handler.mock.calls.length === 1 };
  }

  test.each([
    ['an event stream', 'text/event-stream', undefined, 0],
    ['an answer in parts', 'text/event-stream', 'no-store', 1],
    ['an answer', 'application/json', undefined, 1],
  ])('counts %s as in flight when it begins: %s %s %i', (_, type, cacheControl, inFlight) => {
    const guard = guardOf({});
    const { response } = send(guard);
    response.writeHead(200, { 'content-type': type, 'cache-control': cacheControl });
    expect(guard.inFlight()).toBe(inFlight);
    response.emit('close');
    expect(guard.inFlight()).toBe(0);
  });

  test.each<[string, number, object, boolean]>([
    ['has not sent its whole request for two seconds', 2_000, { isComplete: false }, true],
    ['has not sent its whole request for less', 1_999, { isComplete: false }, false],
    ['waits for the gateway', 60_000, {}, false],
  ])(
    'at its limit disconnects the slowest client only if that client %s',
    (_, waitMs, slowest, isDisconnected) => {
      const clock = fakeClock();
      const guard = guardOf({ maxInFlight: 2, clock, maxDelayMs: 1_000_000 });
      const first = send(guard, slowest);
      clock.advance(waitMs);
      const second = send(guard);
      const third = send(guard);
      expect(first.socket.destroy).toHaveBeenCalledTimes(isDisconnected ? 1 : 0);
      expect([second.isHandled, third.isHandled]).toEqual([true, isDisconnected]);
      expect(guard.inFlight()).toBe(2);
      // Node reports the end of the connection, and of each response, later.
      if (isDisconnected) first.socket.emit('close');
      if (isDisconnected) first.response.emit('close');
      expect(guard.inFlight()).toBe(2);
      second.response.emit('close');
      expect(guard.inFlight()).toBe(1);
    },
  );

  test('never disconnects a client that was answered or is gone', () => {
    const clock = fakeClock();
    const guard = guardOf({ maxInFlight: 1, clock, maxDelayMs: 1_000_000 });
    const answered = send(guard, { isComplete: false });
    answered.response.emit('close');
    const gone = send(guard, { isComplete: false });
    gone.socket.emit('close');
    const slow = send(guard, { isComplete: false });
    clock.advance(2_000);
    expect(send(guard).isHandled).toBe(true);
    expect([answered, gone, slow].map(({ socket }) => socket.destroy.mock.calls.length)).toEqual([0, 0, 1]);
  });
});

describe('a guard on a port', () => {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function listen(handler: RequestListener): Promise<number> {
    const server = createServer(handler).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closers.push(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    });
    return (server.address() as AddressInfo).port;
  }

  async function heldServer(options: OverloadOptions) {
    const guard = guardOf(options);
    const heldResponses: ServerResponse[] = [];
    const port = await listen(guard.guardHandler((_, response) => heldResponses.push(response)));
    return { guard, heldResponses, port, url: `http://127.0.0.1:${port}` };
  }

  const GET = 'GET /graphql HTTP/1.1\r\nHost: gateway\r\n\r\n';

  async function opened(port: number, text: string): Promise<Socket> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  }

  test('counts a request as in flight until its answer is sent', async () => {
    const { guard, heldResponses, url } = await heldServer({});
    const answer = fetch(`${url}/graphql`);
    await vi.waitFor(() => {
      expect(heldResponses).toHaveLength(1);
    });
    expect(guard.inFlight()).toBe(1);
    heldResponses[0]?.end('answered');
    expect(await (await answer).text()).toBe('answered');
    await expect.poll(() => guard.inFlight()).toBe(0);
  });

  test('counts no in-flight requests of a client that disconnected', async () => {
    const { guard, heldResponses, port } = await heldServer({});
    const socket = await opened(port, GET);
    await expect.poll(() => guard.inFlight()).toBe(1);
    socket.destroy();
    await expect.poll(() => guard.inFlight()).toBe(0);
    // The gateway may detect the disconnection later than the test.
    heldResponses[0]?.end('answered');
    expect(guard.inFlight()).toBe(0);
  });

  test('counts no in-flight requests of a client that sent many at once and disconnected', async () => {
    const { guard, heldResponses, port } = await heldServer({});
    const socket = await opened(port, GET.repeat(20));
    await expect.poll(() => guard.inFlight()).toBe(20);
    heldResponses[0]?.end('answered');
    await expect.poll(() => guard.inFlight()).toBe(19);
    socket.destroy();
    await expect.poll(() => guard.inFlight()).toBe(0);
    for (const response of heldResponses) response.end();
    expect(guard.inFlight()).toBe(0);
  });

  test('can use a connection again after a refused request with any body', async () => {
    const { heldResponses, port } = await heldServer({ maxInFlight: 1 });
    const first = await opened(port, GET);
    await vi.waitFor(() => {
      expect(heldResponses).toHaveLength(1);
    });
    const body = 'x'.repeat(300_000);
    const socket = await opened(
      port,
      `POST /graphql HTTP/1.1\r\nHost: gateway\r\nContent-Length: ${body.length}\r\n\r\n${body}GET /metrics HTTP/1.1\r\nHost: gateway\r\n\r\n`,
    );
    const received: string[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk.toString()));
    await vi.waitFor(() => {
      expect(heldResponses).toHaveLength(2);
    });
    heldResponses[1]?.end('answered');
    await vi.waitFor(() => {
      expect(received.join('')).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 1[^]*HTTP\/1\.1 200 [^]*answered/);
    });
    first.destroy();
    socket.destroy();
  });

  test('reads the priority from the headers', async () => {
    const { heldResponses, url } = await heldServer({ maxInFlight: 2 });
    const first = fetch(`${url}/graphql`);
    await vi.waitFor(() => {
      expect(heldResponses).toHaveLength(1);
    });
    expect((await fetch(`${url}/graphql`, { headers: { [HEADER]: 'bulk' } })).status).toBe(503);
    const second = fetch(`${url}/graphql`);
    await vi.waitFor(() => {
      expect(heldResponses).toHaveLength(2);
    });
    expect((await fetch(`${url}/graphql`)).status).toBe(503);
    for (const response of heldResponses) response.end();
    await Promise.all([first, second]);
  });

  test('a gateway without load answers as without the guard', async () => {
    const yoga = createYoga({ schema: buildSchema('type Query { a: Int }'), logging: false });
    const guard = guardOf({});
    const port = await listen(
      guard.guardHandler((incoming, response) => {
        void yoga(incoming, response);
      }),
    );
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ __typename }' }),
    });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
    await expect.poll(() => guard.inFlight()).toBe(0);
  });
});
