import type { Redis, RedisOptions } from 'ioredis';
import { ConfigError, SuppressionUnavailableError } from '../errors.js';
import type { Logger } from '../telemetry/logger.js';
import type { SuppressionStore } from './suppression.js';

/** Without a time to live: unlike what is cached it is never let go. */
const SET = 'stekkerdoos:1:suppressed';
const CHANNEL = 'stekkerdoos:1:suppressed:changed';

/** The first requests wait so long for the list. */
const PATIENCE_MS = 1_000;
const LONGEST_PAUSE_MS = 2_000;
/** For word that went astray while a connection was lost without anybody noticing. */
const READ_EVERY_MS = 30_000;

export interface SuppressionSetOptions {
  url: string;
  mark: string;
  logger: Logger;
}

/**
 * The list in a set in Redis, read whole at the start, when told that it has changed, and whenever the connection was
 * lost. While Redis is away the list stays in force as it was read last. When Redis has lost it, an instance that knows
 * it writes it there again.
 */
export function openSuppressionSet({ url, mark, logger }: SuppressionSetOptions): SuppressionStore {
  let entries: ReadonlySet<string> | undefined;
  let state: 'opening' | 'failed' | 'loaded' = 'opening';
  let complained = false;
  const closing = new AbortController();
  let data: Redis | undefined;
  let listener: Redis | undefined;
  let reading: Promise<void> | undefined;
  let readAgain = false;
  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const patience = setTimeout(() => {
    failed('it does not answer');
  }, PATIENCE_MS).unref();

  const failed = (reason: string): void => {
    if (closing.signal.aborted) return;
    if (!complained)
      logger.error(
        { reason },
        state === 'loaded'
          ? 'the suppression list cannot be read; it stays as it was read before'
          : 'the suppression list cannot be read; nobody is shown before it is',
      );
    complained = true;
    if (state === 'opening') state = 'failed';
    settle();
  };

  const readOnce = async (redis: Redis): Promise<void> => {
    const members = await redis.smembers(SET);
    if (members.length > 0 && !members.includes(mark)) {
      failed('it was not written with this ID_SECRET');
      return;
    }
    if (members.length === 0 && entries !== undefined && entries.size > 0) {
      logger.error('Redis has lost the suppression list; it is written there again');
      await redis.sadd(SET, mark, ...entries);
    } else entries = new Set(members.filter((one) => one !== mark));
    state = 'loaded';
    complained = false;
    clearTimeout(patience);
    settle();
  };
  /** Of all that ask while it is being read, the last may have been told of something newer. */
  const read = (): void => {
    readAgain = true;
    reading ??= (async () => {
      while (readAgain) {
        readAgain = false;
        // When it connects, it is read again. Before, commands would fail, which says nothing about the list.
        if (data?.status === 'ready') await readOnce(data);
      }
    })()
      .catch((error: unknown) => {
        failed(reasonOf(error));
      })
      .finally(() => {
        reading = undefined;
      });
  };

  const opened = (async () => {
    const driver = await import('ioredis').catch((error: unknown) => {
      throw new ConfigError([
        `The suppression list needs the package "ioredis": npm install ioredis. (${String(error)})`,
      ]);
    });
    const settings: RedisOptions = {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      commandTimeout: 5_000,
      disableClientInfo: true,
      retryStrategy: (times) => Math.min(times * 100, LONGEST_PAUSE_MS),
    };
    const connections = [new driver.Redis(url, settings), new driver.Redis(url, settings)] as const;
    [data, listener] = connections;
    for (const connection of connections)
      connection.on('error', (error: Error) => {
        failed(reasonOf(error));
      });
    data.on('ready', read);
    listener.on('ready', () => {
      // What was said before nobody here has heard.
      connections[1].subscribe(CHANNEL).then(read, (error: unknown) => {
        failed(reasonOf(error));
      });
    });
    listener.on('message', read);
    if (closing.signal.aborted) for (const connection of connections) connection.disconnect();
    else for (const connection of connections) connection.connect().catch(() => undefined);
  })().catch((error: unknown) => {
    failed(reasonOf(error));
  });
  const again = setInterval(read, READ_EVERY_MS).unref();

  return {
    loading: () => {
      if (state === 'loaded') return undefined;
      return (state === 'opening' ? settled : Promise.resolve()).then(() => {
        if (state !== 'loaded') throw new SuppressionUnavailableError('read');
      });
    },
    current: () => entries ?? NOTHING,
    add: async (digests) => {
      await opened;
      await settled;
      // Before it was read nobody knows whether it is ours to write to.
      if (data === undefined || state !== 'loaded') throw new SuppressionUnavailableError('write');
      try {
        await data.sadd(SET, mark, ...digests);
        entries = new Set([...(entries ?? []), ...digests]);
        await data.publish(CHANNEL, 'changed');
      } catch (error) {
        throw new SuppressionUnavailableError('write', { cause: error });
      }
    },
    close: () => {
      closing.abort();
      clearTimeout(patience);
      clearInterval(again);
      settle();
      data?.disconnect();
      listener?.disconnect();
    },
  };
}

const NOTHING: ReadonlySet<string> = new Set();

function reasonOf(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
