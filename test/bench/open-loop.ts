import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';
import type { Body } from './load.js';

const HEADERS = { 'content-type': 'application/json', accept: 'application/json' };
/** Who has no answer by then is not answered. */
const GIVE_UP_MS = 30_000;

export interface Asked {
  body: Body;
  headers?: Readonly<Record<string, string>>;
}

/** What became of one request. */
export interface Outcome {
  number: number;
  /** When it was due to be sent, and until when it took, in milliseconds since the load began. */
  dueMs: number;
  endMs: number;
  /** From when it was due: what it waited for a free connection counts. */
  ms: number;
  /** How much of that it was not even sent: the bench itself was late, or had no free connection. */
  lateMs: number;
  /** 0: it was not answered. */
  status: number;
  body: string;
}

/** Connections to one gateway, opened beforehand; each carries one request at a time. */
export interface Connections {
  /** Waits for a free connection. Never rejects. */
  send(asked: Asked): Promise<{ sentAt: number; status: number; body: string }>;
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

/** By `dispatch`, which leaves most of the machine to those who are measured. */
function exchange(client: Client, path: string, body: Body, headers: Record<string, string>) {
  return new Promise<{ status: number; body: string }>((resolve) => {
    let status = 0;
    const chunks: Buffer[] = [];
    client.dispatch(
      { method: 'POST', path, headers, body },
      {
        // Without it undici takes the others for those of its older kind.
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
  /** What the request with this number asks. */
  ask: (number: number) => Asked;
  each: (outcome: Outcome) => void;
  /** Ends it before its time. */
  signal?: AbortSignal;
}

/**
 * Sends requests at a rate, answered or not, as people do: at random moments, independent of each other. Resolves to
 * the number sent, when the last one has been answered.
 */
export async function openLoop(
  connections: Connections,
  { perSecond, seconds, ask, each, signal }: OpenLoad,
): Promise<number> {
  const started = performance.now();
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  for (let due = started; due < started + seconds * 1_000; due += nextIn(perSecond)) {
    if (due > performance.now()) await sleep(due - performance.now());
    if (signal?.aborted === true) break;
    const number = sent;
    const one = connections.send(ask(number)).then(({ sentAt, status, body }) => {
      const ended = performance.now();
      underWay.delete(one);
      const [dueMs, endMs] = [due - started, ended - started];
      each({ number, dueMs, endMs, ms: ended - due, lateMs: sentAt - due, status, body });
    });
    underWay.add(one);
    sent += 1;
  }
  await Promise.all(underWay);
  return sent;
}

function nextIn(perSecond: number): number {
  return (-Math.log(1 - Math.random()) * 1_000) / perSecond;
}
