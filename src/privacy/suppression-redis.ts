import type { Redis } from 'ioredis';
import { SuppressionUnavailableError } from '../errors.js';
import { connectToRedis, reasonOf, type RedisConnection } from '../redis.js';
import type { Logger } from '../telemetry/logger.js';
import type { SuppressionStore } from './suppression.js';

/** Without a time to live: unlike what is cached it is never let go. */
const SET = 'stekkerdoos:1:suppressed';
const CHANNEL = 'stekkerdoos:1:suppressed:changed';

/** The first requests wait so long for the list. */
const PATIENCE_MS = 1_000;
/** For what an operator changed by hand, or Redis lost. */
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
export function openSuppressionSet(options: SuppressionSetOptions): SuppressionStore {
  return new SuppressionSet(options);
}

class SuppressionSet implements SuppressionStore {
  readonly #mark: string;
  readonly #logger: Logger;
  #entries: ReadonlySet<string> | undefined;
  #state: 'opening' | 'failed' | 'loaded' = 'opening';
  /** Whether the log says already that the list cannot be read. */
  #isLogged = false;
  /** Resolves when the list was read, or it is clear that it cannot be for now. */
  readonly #settled: Promise<void>;
  #settle: () => void = () => undefined;
  readonly #patience: NodeJS.Timeout;
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
    this.#patience = setTimeout(() => {
      this.#fail('it does not answer');
    }, PATIENCE_MS).unref();
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
    this.#polling = setInterval(this.#read, READ_EVERY_MS).unref();
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
    // Before it was read it is not known whether it is ours to write to.
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
    clearTimeout(this.#patience);
    clearInterval(this.#polling);
    this.#settle();
    this.#redis.close();
  }

  /** Reads the list. If it is being read, it is read once more, since it may have changed meanwhile. */
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
      // While Redis is down, commands would fail, which says nothing about the list. It is read when the link opens.
      const redis = this.#redis.link;
      if (redis !== undefined) await this.#readOnce(redis);
    }
  }

  async #readOnce(redis: Redis): Promise<void> {
    const members = await redis.smembers(SET);
    if (members.length > 0 && !members.includes(this.#mark)) {
      this.#fail('it was not written with this ID_SECRET');
      return;
    }
    if (members.length === 0 && this.#entries !== undefined && this.#entries.size > 0) {
      this.#logger.error('Redis has lost the suppression list; it is written there again');
      await redis.sadd(SET, this.#mark, ...this.#entries);
    } else this.#entries = new Set(members.filter((one) => one !== this.#mark));
    this.#state = 'loaded';
    this.#isLogged = false;
    clearTimeout(this.#patience);
    this.#settle();
  }

  #fail(reason: string): void {
    if (this.#isClosed) return;
    if (!this.#isLogged)
      this.#logger.error(
        { reason },
        this.#state === 'loaded'
          ? 'the suppression list cannot be read; it stays as it was read before'
          : 'the suppression list cannot be read; nobody is shown before it is',
      );
    this.#isLogged = true;
    if (this.#state === 'opening') this.#state = 'failed';
    this.#settle();
  }
}

const NOTHING: ReadonlySet<string> = new Set();
