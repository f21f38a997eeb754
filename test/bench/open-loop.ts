import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';
import type { Body } from './load.js';

const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };
/** A request without an answer by then counts as not answered. */
const GIVE_UP_MS = 30_000;

export interface LoadRequest {
  body: Body;
  headers?: Readonly<Record<string, string>>;
}

/** Result of one request. */
export interface Outcome {
  number: number;
  /** When it was due to be sent, in milliseconds since the start of the load. */
  dueMs: number;
  /** When it ended, in milliseconds since the start of the load. */
  endMs: number;
  /** Time since it was due. Includes the wait for a free connection. */
  ms: number;
  /** Time between due and sent: the bench itself was late, or no connection was free. */
  lateMs: number;
  /** HTTP status. 0: not answered. */
  status: number;
  body: string;
}

/** Connections to one gateway, opened in advance. Each carries one request at a time. */
export interface Connections {
  /** Waits for a free connection. Never rejects. */
  send(request: LoadRequest): Promise<{ sentAt: number; status: number; body: string }>;
  close(): Promise<void>;
}

export async function openConnections(url: string, count: number): Promise<Connections> {
  const { origin, pathname } = new URL(url);
  const all = Array.from(
    { length: count },
    () =>
      new Client(origin, {
        headersTimeout: GIVE_UP_MS,
        bodyTimeout: GIVE_UP_MS,
        keepAliveTimeout: 600_000,
        keepAliveMaxTimeout: 600_000,
      }),
  );
  await Promise.all(
    all.map(async (client) => (await client.request({ method: 'GET', path: '/health/live' })).body.dump()),
  );
  const free = [...all];
  const waiting: ((client: Client) => void)[] = [];
  const take = (): Client | Promise<Client> => free.pop() ?? new Promise((resolve) => waiting.push(resolve));
  const giveBack = (client: Client): void => {
    const next = waiting.shift();
    if (next === undefined) free.push(client);
    else next(client);
  };
  return {
    send: async ({ body, headers }) => {
      const client = await take();
      const sentAt = performance.now();
      const answer = await exchange(client, pathname, body, { ...HEADERS, ...headers });
      giveBack(client);
      return { sentAt, ...answer };
    },
    close: async () => {
      await Promise.all(all.map((client) => client.destroy()));
    },
  };
}

/** Uses `dispatch`, the cheapest call of undici, to leave the CPU to the measured processes. */
function exchange(client: Client, path: string, body: Body, headers: Record<string, string>) {
  return new Promise<{ status: number; body: string }>((resolve) => {
    let status = 0;
    const chunks: Buffer[] = [];
    client.dispatch(
      { method: 'POST', path, headers, body },
      {
        // Without this method, undici treats the handler as one of its older interface.
        onRequestStart: () => undefined,
        onResponseStart: (_, code) => {
          status = code;
        },
        onResponseData: (_, chunk) => {
          chunks.push(chunk);
        },
        onResponseEnd: () => {
          resolve({ status, body: Buffer.concat(chunks).toString('utf8') });
        },
        onResponseError: (_, error) => {
          resolve({ status: 0, body: error.message });
        },
      },
    );
  });
}

export interface OpenLoad {
  perSecond: number;
  seconds: number;
  /** Creates the request with this number. */
  createRequest: (number: number) => LoadRequest;
  each: (outcome: Outcome) => void;
  /** Ends the load early. */
  signal?: AbortSignal;
}

/**
 * Sends requests at a rate and at random, independent moments, without waiting for answers. Resolves to the number of
 * requests sent, when the last one is answered.
 */
export async function openLoop(
  connections: Connections,
  { perSecond, seconds, createRequest, each, signal }: OpenLoad,
): Promise<number> {
  const started = performance.now();
  const inFlightRequests = new Set<Promise<void>>();
  let sent = 0;
  for (let due = started; due < started + seconds * 1_000; due += nextIn(perSecond)) {
    if (due > performance.now()) await sleep(due - performance.now());
    if (signal?.aborted === true) break;
    const number = sent;
    const inFlight = connections.send(createRequest(number)).then(({ sentAt, status, body }) => {
      const ended = performance.now();
      inFlightRequests.delete(inFlight);
      const [dueMs, endMs] = [due - started, ended - started];
      each({ number, dueMs, endMs, ms: ended - due, lateMs: sentAt - due, status, body });
    });
    inFlightRequests.add(inFlight);
    sent += 1;
  }
  await Promise.all(inFlightRequests);
  return sent;
}

function nextIn(perSecond: number): number {
  return (-Math.log(1 - Math.random()) * 1_000) / perSecond;
}
