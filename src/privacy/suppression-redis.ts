import type { Redis } from 'ioredis';
import { SuppressionUnavailableError } from '../errors.js';
import { connectToRedis, reasonOf, type RedisConnection } from '../redis.js';
import type { Logger } from '../telemetry/logger.js';
import type { SuppressionStore } from './suppression.js';

/** The set in Redis. It has no time to live, because suppressions never expire. */
const SET = 'stekkerdoos:1:suppressed';
const CHANNEL = 'stekkerdoos:1:suppressed:changed';

/** Milliseconds that the first requests wait for the list. */
const FIRST_READ_TIMEOUT_MS = 1_000;
/** Milliseconds between reads, which detect manual changes and data loss in Redis. */
const READ_INTERVAL_MS = 30_000;

export interface SuppressionSetOptions {
  url: string;
  mark: string;
  logger: Logger;
}

/**
 * The list in a set in Redis. It is read at the start, after a change message, after each reconnection and periodically.
 * While Redis is unavailable, the last list that was read stays in force. If Redis has lost the set, an instance that has
 * the list restores it.
 */
export function openSuppressionSet(options: SuppressionSetOptions): SuppressionStore {
  return new SuppressionSet(options);
}

class SuppressionSet implements SuppressionStore {
  readonly #mark: string;
  readonly #logger: Logger;
  #entries: ReadonlySet<string> | undefined;
  #state: 'opening' | 'failed' | 'loaded' = 'opening';
  /** Whether the current failure is already in the log. */
  #isLogged = false;
  /** Resolves when the list was read, or when the first read has failed. */
  readonly #settled: Promise<void>;
  #settle: () => void = () => undefined;
  readonly #firstReadTimer: NodeJS.Timeout;
  readonly #polling: NodeJS.Timeout;
  readonly #redis: RedisConnection<Redis>;
  #isReading = false;
  #readAgain = false;
  #isClosed = false;

  constructor({ url, mark, logger }: SuppressionSetOptions) {
    this.#mark = mark;
    this.#logger = logger;
    this.#settled = new Promise<void>((resolve) => {
      this.#settle = resolve;
    });
    this.#firstReadTimer = setTimeout(() => {
      this.#fail('Redis does not answer');
    }, FIRST_READ_TIMEOUT_MS).unref();
    this.#redis = connectToRedis<Redis>({
      url,
      user: 'The suppression list',
      channel: CHANNEL,
      onMessage: this.#read,
      prepare: ({ commands }) => commands,
      onOpen: this.#read,
      onDown: ({ reason }) => {
        this.#fail(reason);
      },
    });
    this.#polling = setInterval(this.#read, READ_INTERVAL_MS).unref();
  }

  loading(): Promise<void> | undefined {
    if (this.#state === 'loaded') return undefined;
    return (this.#state === 'opening' ? this.#settled : Promise.resolve()).then(() => {
      if (this.#state !== 'loaded') throw new SuppressionUnavailableError('read');
    });
  }

  current(): ReadonlySet<string> {
    return this.#entries ?? NOTHING;
  }

  async add(digests: readonly string[]): Promise<void> {
    await this.#settled;
    const redis = this.#redis.link;
    // Only the mark, which is read with the list, shows that it belongs to this ID_SECRET.
    if (redis === undefined || this.#state !== 'loaded') throw new SuppressionUnavailableError('write');
    try {
      await redis.sadd(SET, this.#mark, ...digests);
      this.#entries = new Set([...(this.#entries ?? []), ...digests]);
      await redis.publish(CHANNEL, 'changed');
    } catch (error) {
      throw new SuppressionUnavailableError('write', { cause: error });
    }
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#firstReadTimer);
    clearInterval(this.#polling);
    this.#settle();
    this.#redis.close();
  }

  /** Reads the list. If a read is in progress, another one follows it, because the list may have changed meanwhile. */
  readonly #read = (): void => {
    this.#readAgain = true;
    if (this.#isReading) return;
    this.#isReading = true;
    void this.#readUntilCurrent()
      .catch((error: unknown) => {
        this.#fail(reasonOf(error));
      })
      .finally(() => {
        this.#isReading = false;
      });
  };

  async #readUntilCurrent(): Promise<void> {
    while (this.#readAgain) {
      this.#readAgain = false;
      // Without a connection, commands would only fail. The list is read when the connection opens.
      const redis = this.#redis.link;
      if (redis !== undefined) await this.#readOnce(redis);
    }
  }

  async #readOnce(redis: Redis): Promise<void> {
    const members = await redis.smembers(SET);
    if (members.length > 0 && !members.includes(this.#mark)) {
      this.#fail('it was written with another ID_SECRET');
      return;
    }
    if (members.length === 0 && this.#entries !== undefined && this.#entries.size > 0) {
      this.#logger.error('Redis has lost the suppression list; this instance restores it');
      await redis.sadd(SET, this.#mark, ...this.#entries);
    } else this.#entries = new Set(members.filter((member) => member !== this.#mark));
    this.#state = 'loaded';
    this.#isLogged = false;
    clearTimeout(this.#firstReadTimer);
    this.#settle();
  }

  #fail(reason: string): void {
    if (this.#isClosed) return;
    if (!this.#isLogged)
      this.#logger.error(
        { reason },
        this.#state === 'loaded'
          ? 'the suppression list cannot be read; the last list that was read stays in force'
          : 'the suppression list cannot be read; no customer is shown until it is',
      );
    this.#isLogged = true;
    if (this.#state === 'opening') this.#state = 'failed';
    this.#settle();
  }
}

const NOTHING: ReadonlySet<string> = new Set();
