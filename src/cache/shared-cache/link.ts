import type { Redis, RedisOptions } from 'ioredis';
import { ConfigError } from '../../errors.js';
import { CHANNEL, GREET, PREFIX, SCRIPTS, type Script } from './scripts.js';
import { within } from './within.js';

/** A Redis that has not greeted us by then is not there. */
const OPEN_WITHIN_MS = 5_000;
const HEARTBEAT_MS = 1_000;
const MISSED_HEARTBEATS = 4;

/** Two connections to one Redis, one of them to be told what is forgotten. They live and die together. */
export interface Link {
  /** Less than any `since` that is read over this link, and greater than any that was read before. */
  readonly since: number;
  /** How long Redis took to greet. */
  readonly greetingMs: number;
  run(script: Script, ...parameters: readonly Parameter[]): Promise<unknown>;
  /** In one round trip. What became of each, in their order; rejects when the link breaks. */
  runAll(script: Script, calls: readonly (readonly Parameter[])[]): Promise<(Error | undefined)[]>;
  ping(): Promise<void>;
  /** Also for whoever finds that it is of no use. `onBroken` is told. */
  close(reason: string): void;
}

export type Parameter = string | number | Buffer;

export interface LinkOptions {
  url: string;
  /** The greatest `since` that was read so far. */
  lastSince: () => number;
  onMessage: (message: string) => void;
  /** Once, after the link was opened. Commands under way are rejected. */
  onBroken: (reason: string) => void;
  /** The link is not wanted any more, opened or not. */
  signal: AbortSignal;
}

const STATE = `${PREFIX}state`;

/** Connects, subscribes and greets; rejects when any of these fails. */
export async function openLink(options: LinkOptions): Promise<Link> {
  const { url, lastSince, onMessage, onBroken, signal } = options;
  const driver = await import('ioredis').catch((error: unknown) => {
    throw new ConfigError([
      `The shared cache needs the package "ioredis": npm install ioredis. (${String(error)})`,
    ]);
  });
  const settings: RedisOptions = {
    lazyConnect: true,
    // A command that cannot be sent now fails now, and one that was not answered is not sent again.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    autoResendUnfulfilledCommands: false,
    // Connecting anew is our own affair: what is kept in memory may then be old, and both connections must go.
    retryStrategy: () => null,
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: OPEN_WITHIN_MS,
    keepAlive: 10_000,
  };
  const data = new driver.Redis(url, settings);
  const listener = new driver.Redis(url, settings);
  const connections = [data, listener];

  let broken: string | undefined;
  let opened = false;
  let unanswered = 0;
  const close = (reason: string): void => {
    if (broken !== undefined) return;
    broken = reason;
    clearInterval(heartbeat);
    for (const connection of connections) connection.disconnect();
    if (opened) onBroken(reason);
  };
  // A connection that nothing is heard on may be gone without a word, and with it what it would have told.
  const heartbeat = setInterval(() => {
    if (!opened) return;
    unanswered += 1;
    if (unanswered > MISSED_HEARTBEATS) close('it does not answer');
    Promise.all(connections.map((connection) => connection.ping())).then(
      () => (unanswered = 0),
      () => undefined,
    );
  }, HEARTBEAT_MS).unref();

  for (const connection of connections) {
    connection.on('error', (error: Error) => {
      close(reasonOf(error));
    });
    connection.on('end', () => {
      close('the connection was closed');
    });
  }
  signal.addEventListener('abort', () => {
    close('the gateway is stopping');
  });
  listener.on('message', (_channel, message) => {
    onMessage(message);
  });

  const run = async (script: Script, ...parameters: readonly Parameter[]): Promise<unknown> => {
    try {
      return await data.callBuffer('EVALSHA', script.sha, 1, STATE, ...parameters);
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      return data.callBuffer('EVAL', script.source, 1, STATE, ...parameters);
    }
  };

  const greet = async (): Promise<{ since: number; greetingMs: number }> => {
    await Promise.all(connections.map((connection) => connection.connect()));
    const [life, other] = await Promise.all(connections.map(lifeOf));
    // While one Redis takes over from another, each connection may have met a different one.
    if (life === undefined || life !== other) throw new Error('Redis does not say which one it is.');
    await listener.subscribe(CHANNEL);
    await Promise.all(SCRIPTS.map(({ source }) => data.script('LOAD', source)));
    const startedAt = performance.now();
    const since = numberIn(await run(GREET, life, lastSince()));
    if (since === undefined) throw new Error('Redis gave an answer that makes no sense.');
    return { since, greetingMs: performance.now() - startedAt };
  };

  try {
    signal.throwIfAborted();
    const greeting = await within(OPEN_WITHIN_MS, greet());
    if (broken !== undefined) throw new Error(broken);
    opened = true;
    return {
      ...greeting,
      run,
      runAll: async (script, calls) => {
        const pipeline = data.pipeline();
        for (const parameters of calls) pipeline.callBuffer('EVALSHA', script.sha, 1, STATE, ...parameters);
        const results = (await pipeline.exec()) ?? [];
        return Promise.all(
          results.map(async ([error], index) => {
            if (!isUnknownScript(error)) return error ?? undefined;
            return run(script, ...(calls[index] ?? [])).then(
              () => undefined,
              (again: unknown) => (again instanceof Error ? again : new Error(String(again))),
            );
          }),
        );
      },
      ping: async () => {
        await data.ping();
      },
      close,
    };
  } catch (error) {
    const reason = broken;
    close('it could not be opened');
    // What the connection said is why the command failed.
    throw reason === undefined ? error : new Error(reason, { cause: error });
  }
}

/** Which run of which Redis this is; another after every start and every change to a replica. */
async function lifeOf(connection: Redis): Promise<string | undefined> {
  return /^run_id:(\w+)/m.exec(await connection.info('server'))?.[1];
}

/** For the log: never the error itself, which carries the command with all that was sent. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `${code} ${error.message}` : error.message || error.name;
}

/** Redis answered, and said no. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError';
}

/** It has no room, or cannot reach its disk, and takes nothing more. It can still be read. */
export function isFull(error: unknown): boolean {
  return isRefusal(error) && /^(OOM|MISCONF)/.test(error.message);
}

function isUnknownScript(error: unknown): boolean {
  return isRefusal(error) && error.message.startsWith('NOSCRIPT');
}

/** A number as the scripts write it. */
export function numberIn(reply: unknown): number | undefined {
  const number = Buffer.isBuffer(reply) ? Number(reply.toString()) : reply;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
}
