import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { Fifo, type Queued } from '../resilience/fifo.js';
import type { Priority } from '../priority.js';
import { isWaitingForClient, SLOW_AFTER_MS } from './connections.js';
import { headersOf, type RequestHead } from './node-request.js';

export interface OverloadOptions {
  /** Number of in-flight requests. Above it, requests are refused with status 503. Default 1000. */
  maxInFlight?: number;
  /**
   * Event loop delay from which requests are refused. A request takes several iterations of the loop. So under
   * overload it takes five to ten times this delay. Default 100 ms.
   */
  maxDelayMs?: number;
  /**
   * Returns the priority of a request. It is called only under load, and must not throw. Default: `interactive` for
   * all.
   */
  priorityOf?: (request: Pick<RequestHead, 'headers'>) => Priority;
  /** Called for each refused request. */
  onShed?: (priority: Priority) => void;
  /** Default: `performance`. Timers must follow the same clock. */
  clock?: Clock;
}

/** Load shedding: under overload, some requests are refused at once, so that the others are answered in time. */
export interface OverloadGuard {
  /** Number of in-flight requests. Requests that are never refused are not counted. */
  inFlight: () => number;
  /**
   * Event loop delay: the least of three measurements in a row, or how long the current iteration has accepted
   * requests.
   */
  delayMs: () => number;
  /** Guards a handler for node:http. */
  guardHandler(handler: RequestListener): RequestListener;
  /** Guards a gateway without a port. */
  guardFetch(
    fetch: (request: Request) => Response | Promise<Response>,
  ): (request: Request) => Promise<Response>;
  /** Stops the measurements. */
  close(): void;
}

/** An in-flight request on a port. */
interface Exchange extends Queued<Exchange> {
  request: IncomingMessage;
  response: ServerResponse;
  at: number;
}

/** The share of each bound that a priority may use. The rest is reserved for higher priorities. */
const SHARES: Readonly<Record<Priority, number>> = { bulk: 0.5, automation: 0.75, interactive: 1 };

/** Paths that an operator needs most under overload. */
const NEVER_REFUSED: ReadonlySet<string> = new Set([
  '/health/live',
  '/health/ready',
  '/metrics',
  '/admin/forget',
]);

const DELAY_INTERVAL_MS = 20;

/** Bounds the expected wait of a request, as a multiple of `maxDelayMs`. */
const MAX_WAIT_PER_DELAY = 2.5;
/** From this utilization on, the event loop counts as saturated. */
const SATURATED_UTILIZATION = 0.9;
const UTILIZATION_INTERVAL_MS = 250;
/** Fewer in-flight requests do not count as a queue: a few may just take long. */
const MIN_QUEUE_LENGTH = 50;

const RETRY_AFTER_SECONDS = 1;

const BODY = JSON.stringify({
  errors: [
    {
      message: 'The gateway is overloaded. Send the request again in a second.',
      extensions: { code: 'OVERLOADED', retryable: true, retryAfter: RETRY_AFTER_SECONDS },
    },
  ],
});

/**
 * Creates the guard. It comes before all other handlers, so a refusal takes only microseconds: no Request is created,
 * no body is read, no plugin runs.
 */
export function createOverloadGuard({
  maxInFlight = 1_000,
  maxDelayMs = 100,
  priorityOf = () => 'interactive',
  onShed,
  clock = performance,
}: OverloadOptions = {}): OverloadGuard {
  let inFlight = 0;
  const loop = watchEventLoop(clock);
  const queue = watchQueue();
  const register = (): void => {
    inFlight++;
    loop.accepted();
  };

  const isFull = (priority: Priority): boolean => inFlight >= maxInFlight * SHARES[priority];
  const isOver = (priority: Priority): boolean =>
    isFull(priority) ||
    loop.delayMs() >= maxDelayMs * SHARES[priority] ||
    queue.waitMs(inFlight) >= maxDelayMs * MAX_WAIT_PER_DELAY * SHARES[priority];

  /** Reads the priority only when it matters: if the lowest priority is allowed, all priorities are. */
  const isRefused = (head: () => Pick<RequestHead, 'headers'>): boolean => {
    if (!isOver('bulk')) return false;
    const priority = priorityOf(head());
    if (isFull(priority)) disconnectSlowest();
    if (!isOver(priority)) return false;
    onShed?.(priority);
    return true;
  };

  // In the order of arrival, so that the slowest request is the first.
  const exchanges = new Fifo<Exchange>();
  // A client that disconnects ends all its in-flight requests. Node sends no event for responses that are queued behind
  // another on the same connection. So requests are also tracked by connection.
  const bySocket = new WeakMap<Socket, Set<Exchange>>();
  const exchangesOn = (socket: Socket): Set<Exchange> => {
    let ofConnection = bySocket.get(socket);
    if (ofConnection === undefined) {
      ofConnection = new Set();
      bySocket.set(socket, ofConnection);
      socket.once('close', () => {
        release(socket);
      });
    }
    return ofConnection;
  };
  const release = (socket: Socket): void => {
    const ofConnection = exchangesOn(socket);
    for (const exchange of ofConnection) exchanges.remove(exchange);
    inFlight -= ofConnection.size;
    ofConnection.clear();
  };
  const count = (request: IncomingMessage, response: ServerResponse): void => {
    const ofConnection = exchangesOn(request.socket);
    const exchange: Exchange = { request, response, at: clock.now() };
    ofConnection.add(exchange);
    exchanges.add(exchange);
    register();
    const answered = (): void => {
      if (!ofConnection.delete(exchange)) return;
      exchanges.remove(exchange);
      inFlight--;
      queue.answered();
    };
    response.once('close', answered);
    onStreamStart(response, answered);
  };
  /** Disconnects the slowest client, if the gateway waits for it. That ends all its in-flight requests. */
  const disconnectSlowest = (): void => {
    const slowest = exchanges.first;
    if (slowest === undefined || clock.now() - slowest.at < SLOW_AFTER_MS) return;
    const { request, response } = slowest;
    if (!isWaitingForClient(request, response)) return;
    release(request.socket);
    request.socket.destroy();
  };

  return {
    inFlight: () => inFlight,
    delayMs: loop.delayMs,
    guardHandler: (handler) => (request, response) => {
      const { method = '', url = '', headers } = request;
      if (isNeverRefused(method, pathOf(url), headers.accept)) handler(request, response);
      else if (isRefused(() => ({ headers: headersOf(request) }))) {
        response.writeHead(503, refusalHeaders(headers.accept)).end(BODY);
      } else {
        count(request, response);
        handler(request, response);
      }
    },
    guardFetch: (fetch) => async (request) => {
      const accept = request.headers.get('accept') ?? undefined;
      if (isNeverRefused(request.method, new URL(request.url).pathname, accept)) return fetch(request);
      if (isRefused(() => request))
        return new Response(BODY, { status: 503, headers: refusalHeaders(accept) });
      register();
      try {
        return await fetch(request);
      } finally {
        inFlight--;
        queue.answered();
      }
    },
    close: () => {
      loop.close();
      queue.close();
    },
  };
}

/**
 * Calls `onStart` when a subscription begins. A subscription may last for hours and is mostly idle, so it counts as
 * answered when it begins. Incremental delivery has `no-store` and counts as answered with its last result.
 */
function onStreamStart(response: ServerResponse, onStart: () => void): void {
  const writeHead = response.writeHead.bind(response) as (...all: unknown[]) => ServerResponse;
  response.writeHead = (...all: unknown[]) => {
    writeHead(...all);
    const isStream = /^text\/event-stream\b/.test(String(response.getHeader('content-type')));
    if (isStream && response.getHeader('cache-control') !== 'no-store') onStart();
    return response;
  };
}

interface EventLoopWatch {
  /** The delay of the event loop, which includes the current iteration. */
  delayMs: () => number;
  /** Registers an accepted request. */
  accepted: () => void;
  close: () => void;
}

/**
 * Measures how late a timer fires. Node's `monitorEventLoopDelay` collects a histogram over time. For the current
 * delay, a timer would have to read and reset it as well.
 */
function watchEventLoop(clock: Clock): EventLoopWatch {
  let [last, previous, beforePrevious] = [0, 0, 0];
  let measuredAt = clock.now();
  let firstAcceptedAt: number | undefined;
  const delaySince = (start: number): number => Math.max(0, clock.now() - start - DELAY_INTERVAL_MS);
  const timer = setInterval(() => {
    [beforePrevious, previous, last] = [previous, last, delaySince(measuredAt)];
    measuredAt = clock.now();
    firstAcceptedAt = undefined;
  }, DELAY_INTERVAL_MS).unref();
  return {
    delayMs: () => {
      // One late timer may be a garbage collection, or a machine that slept. So only three in a row count.
      const lasting = Math.min(last, previous, beforePrevious);
      // The current iteration counts by itself. Otherwise a burst would be accepted as a whole before the next
      // measurement.
      return firstAcceptedAt === undefined ? lasting : Math.max(lasting, delaySince(firstAcceptedAt));
    },
    accepted: () => {
      firstAcceptedAt ??= clock.now();
    },
    close: () => {
      clearInterval(timer);
    },
  };
}

interface QueueWatch {
  /** Registers an answered request. */
  answered(): void;
  /** The expected time to answer all in-flight requests; 0 while the event loop is not saturated. */
  waitMs(inFlight: number): number;
  close(): void;
}

/**
 * Estimates how long requests wait. A request takes many iterations of the event loop, so it may wait long although
 * each iteration is short. Requests that wait for a slow system are not load. So the estimate counts only if the event
 * loop was saturated in two measurements in a row.
 */
function watchQueue(): QueueWatch {
  let [utilization, answered, answeredPerMs, saturatedCount] = [performance.eventLoopUtilization(), 0, 0, 0];
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const share = performance.eventLoopUtilization(now, utilization).utilization;
    utilization = now;
    saturatedCount = share >= SATURATED_UTILIZATION ? saturatedCount + 1 : 0;
    // Smoothed with the previous rate, because answers come in bursts.
    answeredPerMs = (answeredPerMs + answered / UTILIZATION_INTERVAL_MS) / 2;
    answered = 0;
  }, UTILIZATION_INTERVAL_MS).unref();
  return {
    answered: () => {
      answered += 1;
    },
    waitMs: (inFlight) => {
      // Without answers there is no rate, for example while a thousand requests wait for the same call.
      const hasRate = answeredPerMs * UTILIZATION_INTERVAL_MS >= 1;
      return inFlight < MIN_QUEUE_LENGTH || saturatedCount < 2 || !hasRate ? 0 : inFlight / answeredPerMs;
    },
    close: () => {
      clearInterval(timer);
    },
  };
}

/** GraphiQL's page is never refused either. Its queries are separate requests, which may be refused. */
function isNeverRefused(method: string, path: string, accept: string | undefined): boolean {
  if (NEVER_REFUSED.has(path)) return true;
  return (method === 'GET' || method === 'HEAD') && accept?.includes('text/html') === true;
}

/** Does not normalise the path, so that another spelling of a path in `NEVER_REFUSED` is not exempt. */
function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

function refusalHeaders(accept: string | undefined): Record<string, string> {
  const isNewer = accept?.includes('application/graphql-response+json') === true;
  return {
    'content-type': `application/${isNewer ? 'graphql-response+json' : 'json'}; charset=utf-8`,
    'content-length': String(Buffer.byteLength(BODY)),
    'cache-control': 'no-store',
    'retry-after': String(RETRY_AFTER_SECONDS),
  };
}
