import type { Logger } from '../../telemetry/logger.js';
import type { Connection } from './connection.js';
import { reasonOf } from '../../redis.js';
import { numberIn, type Link } from './link.js';
import { CHUNK, FORGET, FORGET_EVERYTHING, SWEEP } from './scripts.js';
import { within } from './within.js';

const FORGET_WITHIN_MS = 1_000;
const RETRY_MS = 250;
/** When more tags than this are owed, everything is. */
const MAX_OWED = 10_000;

export interface Forgetting {
  forget(tags: readonly string[]): Promise<void>;
  /** Tags that `forget` was called for and has not settled. */
  underWay(): Iterable<string>;
  /** Nothing is left to be forgotten from when Redis was away. */
  isSettled(): boolean;
  /** Forgets what is owed, now that there is a link. */
  settle(): void;
  close(): void;
}

export interface ForgettingOptions {
  connection: Connection;
  logger: Logger;
}

export function createForgetting({ connection, logger }: ForgettingOptions): Forgetting {
  const underWay = new Set<readonly string[]>();
  /** Undefined: everything is owed. */
  let owed: Set<string> | undefined = new Set();
  let settling = false;
  let retry: NodeJS.Timeout | undefined;
  let whenSettled: (() => void)[] = [];

  const isSettled = (): boolean => owed?.size === 0 && !settling;

  const forgetOver = async (link: Link, tags: readonly string[]): Promise<void> => {
    for (let start = 0; start < tags.length; start += CHUNK) {
      const some = tags.slice(start, start + CHUNK);
      const left = await link.run(FORGET, JSON.stringify(some), ...some);
      if (Array.isArray(left)) for (const set of left as unknown[]) void sweep(link, set);
    }
  };

  /** Nobody can read these any more; they only take room until they expire. */
  const sweep = async (link: Link, set: unknown): Promise<void> => {
    try {
      const [name, tag] = Array.isArray(set) ? (set as unknown[]) : [];
      if (!Buffer.isBuffer(name) || !Buffer.isBuffer(tag)) return;
      while (numberIn(await link.run(SWEEP, name, tag)) !== 0);
    } catch (error) {
      logger.info({ reason: reasonOf(error) }, 'forgotten answers stay in Redis, unread, until they expire');
    }
  };

  const owe = (tags: Iterable<string> | undefined): void => {
    if (tags === undefined) owed = undefined;
    else for (const tag of tags) owed?.add(tag);
    if (owed !== undefined && owed.size > MAX_OWED) owed = undefined;
  };

  const settle = async (): Promise<void> => {
    const { link } = connection;
    // Without a link, the next one settles.
    if (link === undefined || settling || isSettled()) return;
    const debt = owed;
    owed = new Set();
    settling = true;
    try {
      await (debt === undefined ? link.run(FORGET_EVERYTHING) : forgetOver(link, [...debt]));
    } catch (error) {
      logger.debug({ reason: reasonOf(error) }, 'what is to be forgotten in the shared cache still is');
      owe(debt);
    }
    settling = false;
    if (isSettled()) {
      logger.info('all that was to be forgotten in the shared cache is forgotten');
      for (const call of whenSettled) call();
      whenSettled = [];
    } else {
      clearTimeout(retry);
      retry = setTimeout(() => void settle(), RETRY_MS).unref();
    }
  };

  return {
    forget: async (tags) => {
      if (tags.length === 0) return;
      const until = performance.now() + FORGET_WITHIN_MS;
      underWay.add(tags);
      try {
        const { link } = connection;
        if (link === undefined) throw new Error('Redis is not there.');
        await within(FORGET_WITHIN_MS, forgetOver(link, tags));
      } catch (error) {
        if (isSettled())
          logger.warn(
            { reason: reasonOf(error) },
            'the shared cache was not reached to forget; it is not read before that is done',
          );
        owe(tags);
        const settled = new Promise<void>((resolve) => whenSettled.push(resolve));
        void settle();
        await within(Math.max(0, until - performance.now()), settled).catch(() => {
          throw new Error('The shared cache cannot forget yet: Redis was not reached.', { cause: error });
        });
      } finally {
        underWay.delete(tags);
      }
    },
    underWay: function* () {
      for (const tags of underWay) yield* tags;
    },
    isSettled,
    settle: () => void settle(),
    close: () => {
      clearTimeout(retry);
    },
  };
}
