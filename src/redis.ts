import { ConfigError } from './errors.js';
import type { Redis } from 'ioredis';
import { missingPackage } from './missing-package.js';

/** Redis is unavailable if it is not connected and prepared within this time. */
const OPEN_WITHIN_MS = 5_000;
const HEARTBEAT_MS = 1_000;
const MISSED_HEARTBEATS = 4;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 2_000;
/** If a connection has lasted this long, the next pause is the shortest again. */
const STABLE_AFTER_MS = 10_000;

/** Two connections to one Redis: one for commands, and one that is subscribed. They are closed together. */
export interface RedisLink {
  readonly commands: Redis;
  /** The id of this Redis process. It changes when Redis restarts, and when a replica takes over. */
  readonly runId: string;
  /** Closes both connections as if they were lost. The gateway then connects again. */
  drop: (reason: string) => void;
}

export interface RedisOptions<L> {
  url: string;
  /** The part of the gateway that needs Redis, for the message if the package is not installed: "The shared cache". */
  user: string;
  channel: string;
  onMessage: (message: string) => void;
  /** Prepares a new link. The connection is open when the promise resolves. */
  prepare: (link: RedisLink) => L | Promise<L>;
  onOpen: (prepared: L) => void;
  /**
   * Called for each failed attempt and each lost link: Redis cannot be reached, a connection is closed, or one has not answered
   * for four seconds. `wasOpen`: the link was open before. `isFinal`: the package is missing, so there are no more attempts.
   */
  onDown: (down: { reason: string; wasOpen: boolean; isFinal: boolean }) => void;
}

/** A link to Redis that reconnects when it is lost. */
export interface RedisConnection<L> {
  /** Undefined while Redis is unavailable. */
  readonly link: L | undefined;
  close: () => void;
}

export function connectToRedis<L>(options: RedisOptions<L>): RedisConnection<L> {
  const { prepare, onOpen, onDown } = options;
  const pauses = createPauses(FIRST_PAUSE_MS);
  const closing = new AbortController();
  let link: L | undefined;
  let timer: NodeJS.Timeout | undefined;

  const retry = (): void => {
    timer = setTimeout(() => void open(), pauses.next()).unref();
  };
  const onLost = (reason: string): void => {
    link = undefined;
    if (closing.signal.aborted) return;
    onDown({ reason, wasOpen: true, isFinal: false });
    retry();
  };
  const open = async (): Promise<void> => {
    try {
      link = await openLink(options, prepare, onLost, closing.signal);
    } catch (error) {
      if (closing.signal.aborted) return;
      const isFinal = error instanceof ConfigError;
      onDown({ reason: reasonOf(error), wasOpen: false, isFinal });
      if (!isFinal) retry();
      return;
    }
    pauses.good();
    onOpen(link);
  };

  void open();
  return {
    get link() {
      return link;
    },
    close: () => {
      closing.abort();
      clearTimeout(timer);
    },
  };
}

async function openLink<L>(
  { url, user, channel, onMessage }: RedisOptions<L>,
  prepare: (link: RedisLink) => L | Promise<L>,
  onLost: (reason: string) => void,
  signal: AbortSignal,
): Promise<L> {
  const driver = await import('ioredis').catch(missingPackage('ioredis', user));
  signal.throwIfAborted();
  const connect = () =>
    new driver.Redis(url, {
      lazyConnect: true,
      // A command that cannot be sent fails at once, and a command without an answer is not sent again.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      autoResendUnfulfilledCommands: false,
      // Both connections are replaced together, because messages to the lost subscriber are lost.
      retryStrategy: () => null,
      enableReadyCheck: false,
      disableClientInfo: true,
      connectTimeout: OPEN_WITHIN_MS,
      keepAlive: 10_000,
    });
  const commands = connect();
  const listener = connect();
  const both = [commands, listener];

  let dropped: string | undefined;
  let isOpen = false;
  let unanswered = 0;
  const drop = (reason: string): void => {
    if (dropped !== undefined) return;
    dropped = reason;
    clearTimeout(opening);
    clearInterval(heartbeat);
    signal.removeEventListener('abort', stop);
    for (const redis of both) redis.disconnect();
    if (isOpen) onLost(reason);
  };
  const stop = (): void => {
    drop('the gateway is stopping');
  };
  const opening = setTimeout(() => {
    // Data that arrived while the event loop was blocked is read first.
    setImmediate(() => {
      if (!isOpen) drop(`it did not answer within ${OPEN_WITHIN_MS} ms`);
    });
  }, OPEN_WITHIN_MS);
  // A connection can be lost without an event, and its messages with it.
  const heartbeat = setInterval(() => {
    if (!isOpen) return;
    unanswered += 1;
    if (unanswered > MISSED_HEARTBEATS) drop('it does not answer');
    Promise.all(both.map((redis) => redis.ping())).then(
      () => (unanswered = 0),
      () => undefined,
    );
  }, HEARTBEAT_MS).unref();
  for (const redis of both) {
    redis.on('error', (error: Error) => {
      drop(reasonOf(error));
    });
    redis.on('end', () => {
      drop('the connection was closed');
    });
  }
  signal.addEventListener('abort', stop);
  listener.on('message', (_channel, message) => {
    onMessage(message);
  });

  try {
    await Promise.all(both.map((redis) => redis.connect()));
    const [runId, other] = await Promise.all(both.map(runIdOf));
    // During a failover, the two connections may have reached different servers.
    if (runId === undefined || runId !== other) throw new Error('Redis does not report one run_id.');
    await listener.subscribe(channel);
    const prepared = await prepare({ commands, runId, drop });
    clearTimeout(opening);
    if (dropped !== undefined) throw new Error(dropped);
    isOpen = true;
    return prepared;
  } catch (error) {
    const reason = dropped;
    drop('it could not be opened');
    // The command failed because the connection was closed, so report why it was closed.
    throw reason === undefined ? error : new Error(reason, { cause: error });
  }
}

async function runIdOf(connection: Redis): Promise<string | undefined> {
  return /^run_id:(\w+)/m.exec(await connection.info('server'))?.[1];
}

/** Pauses between attempts: exponential, and the shortest again after a stable connection. */
export function createPauses(firstMs: number): { next: () => number; good: () => void } {
  let pause = firstMs;
  let goodSince: number | undefined;
  return {
    next: () => {
      if (goodSince !== undefined && performance.now() - goodSince > STABLE_AFTER_MS) pause = firstMs;
      goodSince = undefined;
      const current = pause;
      pause = Math.min(2 * pause, MAX_PAUSE_MS);
      return current;
    },
    good: () => {
      goodSince = performance.now();
    },
  };
}

/** The reason of a failure, for the log. The error itself is not logged: it contains the command with its arguments. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `${code} ${error.message}` : error.message || error.name;
}
