import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import type { Clock } from '../clock.js';
import { Fifo, type Queued } from '../resilience/fifo.js';
import type { Priority } from '../priority.js';
import { isWaitingForClient, SLOW_AFTER_MS } from './connections.js';
import { headersOf, type RequestHead } from './node-request.js';

export interface OverloadOptions {
  /** Requests under way at a time. The next one is refused with status 503. Default 1000. */
  maxInFlight?: number;
  /**
   * How late the event loop may come round before requests are refused. One request takes several turns of the loop,
   * so under overload it is answered in some five to ten times this. Default 100 ms.
   */
  maxDelayMs?: number;
  /** How urgent a request is; asked only when it matters, and must not throw. Default: every one is `interactive`. */
  priorityOf?: (request: Pick<RequestHead, 'headers'>) => Priority;
  /** Told of every request that is refused. */
  onShed?: (priority: Priority) => void;
  /** Default: `performance`. It must be the one that the event loop goes by. */
  clock?: Clock;
}

/** Refuses requests at once when there are more than can be answered in time, instead of answering all of them late. */
export interface OverloadGuard {
  /** The number of requests under way; those that are never refused are not counted. */
  inFlight: () => number;
  /** How late the event loop is: the least of three looks in a row, or how long this turn has been taking requests. */
  delayMs: () => number;
  /** Stands in front of a handler for node:http. */
  guardHandler(handler: RequestListener): RequestListener;
  /** Stands in front of a gateway without a port. */
  guardFetch(
    fetch: (request: Request) => Response | Promise<Response>,
  ): (request: Request) => Promise<Response>;
  /** Stops looking at the event loop. */
  close(): void;
}

/** A request under way on a port. */
interface Exchange extends Queued<Exchange> {
  request: IncomingMessage;
  response: ServerResponse;
  at: number;
}

/** How much of each bound a priority may use. The rest is kept for those that are more urgent. */
const SHARES: Readonly<Record<Priority, number>> = { bulk: 0.5, automation: 0.75, interactive: 1 };

/** What an operator needs most when there is too much to do. */
const NEVER_REFUSED: ReadonlySet<string> = new Set([
  '/health/live',
  '/health/ready',
  '/metrics',
  '/admin/forget',
]);

const LOOK_EVERY_MS = 20;

/** So many times as long as the loop may be late may a request take for no other reason than that there are many. */
const WAITS_PER_DELAY = 2.5;
/** A processor that works for so much of the time can do no more. */
const BUSY = 0.9;
const MEASURE_EVERY_MS = 250;
/** A few that each take long are no queue. */
const FEW = 50;

const RETRY_AFTER_SECONDS = 1;

const BODY = JSON.stringify({
  errors: [
    {
      message: 'The gateway has more to do than it can. Ask again in a second.',
      extensions: { code: 'OVERLOADED', retryable: true, retryAfter: RETRY_AFTER_SECONDS },
    },
  ],
});

/**
 * It stands in front of everything else, so that a refusal costs a few microseconds: no Request is made, no body is
 * read, no plugin runs.
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
  const take = (): void => {
    inFlight++;
    loop.taken();
  };

  const isFull = (priority: Priority): boolean => inFlight >= maxInFlight * SHARES[priority];
  const isOver = (priority: Priority): boolean =>
    isFull(priority) ||
    loop.delayMs() >= maxDelayMs * SHARES[priority] ||
    queue.waitMs(inFlight) >= maxDelayMs * WAITS_PER_DELAY * SHARES[priority];

  /** The priority is asked only when it decides: where even the least urgent may pass, all may. */
  const isRefused = (head: () => Pick<RequestHead, 'headers'>): boolean => {
    if (!isOver('bulk')) return false;
    const priority = priorityOf(head());
    if (isFull(priority)) cutSlowest();
    if (!isOver(priority)) return false;
    onShed?.(priority);
    return true;
  };

  // In the order that they came: whoever is slow comes to stand in front of all that are answered.
  const exchanges = new Fifo<Exchange>();
  // A client that hangs up ends all that it has under way at once. The answers that wait in line behind another on the
  // same connection are not even told, so this goes by connections, and not by answers alone.
  const underWay = new WeakMap<Socket, Set<Exchange>>();
  const underWayOn = (socket: Socket): Set<Exchange> => {
    let ofConnection = underWay.get(socket);
    if (ofConnection === undefined) {
      ofConnection = new Set();
      underWay.set(socket, ofConnection);
      socket.once('close', () => {
        release(socket);
      });
    }
    return ofConnection;
  };
  const release = (socket: Socket): void => {
    const ofConnection = underWayOn(socket);
    for (const exchange of ofConnection) exchanges.remove(exchange);
    inFlight -= ofConnection.size;
    ofConnection.clear();
  };
  const count = (request: IncomingMessage, response: ServerResponse): void => {
    const ofConnection = underWayOn(request.socket);
    const exchange: Exchange = { request, response, at: clock.now() };
    ofConnection.add(exchange);
    exchanges.add(exchange);
    take();
    const answered = (): void => {
      if (!ofConnection.delete(exchange)) return;
      exchanges.remove(exchange);
      inFlight--;
      queue.answered();
    };
    response.once('close', answered);
    whenStreaming(response, answered);
  };
  /** A client that keeps us waiting makes place for one that does not. Its connection ends, and all it has under way. */
  const cutSlowest = (): void => {
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
      take();
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
 * A subscription lasts as long as its client likes, and takes nothing while nothing happens: it is answered when it begins.
 * An answer in parts, which is for this moment only, is answered with the last.
 */
function whenStreaming(response: ServerResponse, begun: () => void): void {
  const writeHead = response.writeHead.bind(response) as (...all: unknown[]) => ServerResponse;
  response.writeHead = (...all: unknown[]) => {
    writeHead(...all);
    const isStream = /^text\/event-stream\b/.test(String(response.getHeader('content-type')));
    if (isStream && response.getHeader('cache-control') !== 'no-store') begun();
    return response;
  };
}

interface EventLoopWatch {
  /** How late the loop is. A request that is taken while it is in time may be the first of a long turn. */
  delayMs: () => number;
  /** A request was taken. */
  taken: () => void;
  close: () => void;
}

/**
 * Looks how late a timer comes. Node's own `monitorEventLoopDelay` gathers a histogram over a time; to tell what is the
 * case now it would have to be read and emptied by a timer as well.
 */
function watchEventLoop(clock: Clock): EventLoopWatch {
  let [last, previous, beforePrevious] = [0, 0, 0];
  let lookedAt = clock.now();
  let firstTakenAt: number | undefined;
  const since = (start: number): number => Math.max(0, clock.now() - start - LOOK_EVERY_MS);
  const timer = setInterval(() => {
    [beforePrevious, previous, last] = [previous, last, since(lookedAt)];
    lookedAt = clock.now();
    firstTakenAt = undefined;
  }, LOOK_EVERY_MS).unref();
  return {
    delayMs: () => {
      // One late look is a garbage collection, or a machine that slept: only three in a row count.
      const lasting = Math.min(last, previous, beforePrevious);
      // A turn that began to take requests and has not ended since counts by itself: else a burst would be taken whole,
      // in one turn, before anybody has looked.
      return firstTakenAt === undefined ? lasting : Math.max(lasting, since(firstTakenAt));
    },
    taken: () => {
      firstTakenAt ??= clock.now();
    },
    close: () => {
      clearInterval(timer);
    },
  };
}

interface QueueWatch {
  answered(): void;
  /** How long it takes to answer as many as are under way; 0 while there is time to rest. */
  waitMs(inFlight: number): number;
  close(): void;
}

/**
 * The loop may come round in time and each request still wait long, because each takes many turns. Requests that wait
 * for a slow system are no load, so this counts only while the processor has had no rest for two looks in a row.
 */
function watchQueue(): QueueWatch {
  let [utilization, answered, perMs, busyFor] = [performance.eventLoopUtilization(), 0, 0, 0];
  const timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const share = performance.eventLoopUtilization(now, utilization).utilization;
    utilization = now;
    busyFor = share >= BUSY ? busyFor + 1 : 0;
    // Half of it from before: a look may fall between two lots of answers.
    perMs = (perMs + answered / MEASURE_EVERY_MS) / 2;
    answered = 0;
  }, MEASURE_EVERY_MS).unref();
  return {
    answered: () => {
      answered += 1;
    },
    waitMs: (inFlight) => {
      // From hardly any answer nothing can be told, as when a thousand ask for the same and wait for one call.
      const isTold = perMs * MEASURE_EVERY_MS >= 1;
      return inFlight < FEW || busyFor < 2 || !isTold ? 0 : inFlight / perMs;
    },
    close: () => {
      clearInterval(timer);
    },
  };
}

/** GraphiQL's page is what a browser gets that opens an address; it asks for its data separately. */
function isNeverRefused(method: string, path: string, accept: string | undefined): boolean {
  if (NEVER_REFUSED.has(path)) return true;
  return (method === 'GET' || method === 'HEAD') && accept?.includes('text/html') === true;
}

/** Addresses written in another way than the plain one are no exception, so nobody gets round the bound by them. */
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
