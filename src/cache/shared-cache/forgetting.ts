import type { Logger } from '../../telemetry/logger.js';
import type { Connection } from './connection.js';
import { reasonOf } from '../../redis.js';
import { numberIn, type Link } from './link.js';
import { ENTRIES_PER_SCRIPT, FORGET, FORGET_EVERYTHING, SWEEP } from './scripts.js';
import { within } from './within.js';

const FORGET_TIMEOUT_MS = 1_000;
const RETRY_MS = 250;
/** If more tags than this are pending, everything is forgotten. */
const MAX_PENDING_TAGS = 10_000;

export interface Forgetting {
  forget(tags: readonly string[]): Promise<void>;
  /** Tags of calls of `forget` that have not settled. */
  inProgress(): Iterable<string>;
  /** Whether nothing is pending from an outage of Redis. */
  isSettled(): boolean;
  /** Forgets all pending tags over the new link. */
  settle(): void;
  close(): void;
}

export interface ForgettingOptions {
  connection: Connection;
  logger: Logger;
}

export function createForgetting({ connection, logger }: ForgettingOptions): Forgetting {
  const inProgress = new Set<readonly string[]>();
  /** Tags that Redis has not forgotten yet. Undefined means all. */
  let pending: Set<string> | undefined = new Set();
  let settling = false;
  let retry: NodeJS.Timeout | undefined;
  let whenSettled: (() => void)[] = [];

  const isSettled = (): boolean => pending?.size === 0 && !settling;

  const forgetOverLink = async (link: Link, tags: readonly string[]): Promise<void> => {
    for (let start = 0; start < tags.length; start += ENTRIES_PER_SCRIPT) {
      const some = tags.slice(start, start + ENTRIES_PER_SCRIPT);
      const unswept = await link.run(FORGET, JSON.stringify(some), ...some);
      if (Array.isArray(unswept)) for (const set of unswept as unknown[]) void sweep(link, set);
    }
  };

  /** Removes entries that cannot be read any more, to free their memory before they expire. */
  const sweep = async (link: Link, set: unknown): Promise<void> => {
    try {
      const [name, tag] = Array.isArray(set) ? (set as unknown[]) : [];
      if (!Buffer.isBuffer(name) || !Buffer.isBuffer(tag)) return;
      while (numberIn(await link.run(SWEEP, name, tag)) !== 0);
    } catch (error) {
      logger.info(
        { reason: reasonOf(error) },
        'forgotten answers stay in Redis until they expire; they are not read',
      );
    }
  };

  const addPending = (tags: Iterable<string> | undefined): void => {
    if (tags === undefined) pending = undefined;
    else for (const tag of tags) pending?.add(tag);
    if (pending !== undefined && pending.size > MAX_PENDING_TAGS) pending = undefined;
  };

  const settle = async (): Promise<void> => {
    const { link } = connection;
    // Without a link, this runs again when one is opened.
    if (link === undefined || settling || isSettled()) return;
    const tagsToForget = pending;
    pending = new Set();
    settling = true;
    try {
      await (tagsToForget === undefined
        ? link.run(FORGET_EVERYTHING)
        : forgetOverLink(link, [...tagsToForget]));
    } catch (error) {
      logger.debug(
        { reason: reasonOf(error) },
        'pending invalidations could not be sent to the shared cache; they are sent again',
      );
      addPending(tagsToForget);
    }
    settling = false;
    if (isSettled()) {
      logger.info('all pending invalidations were sent to the shared cache');
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
      const until = performance.now() + FORGET_TIMEOUT_MS;
      inProgress.add(tags);
      try {
        const { link } = connection;
        if (link === undefined) throw new Error('Redis is not connected.');
        await within(FORGET_TIMEOUT_MS, forgetOverLink(link, tags));
      } catch (error) {
        if (isSettled())
          logger.warn(
            { reason: reasonOf(error) },
            'the shared cache could not be reached to forget answers; it is not read until they are forgotten',
          );
        addPending(tags);
        const settled = new Promise<void>((resolve) => whenSettled.push(resolve));
        void settle();
        await within(Math.max(0, until - performance.now()), settled).catch(() => {
          throw new Error(
            'The shared cache has not forgotten the answers yet: Redis was not reached. This instance retries.',
            { cause: error },
          );
        });
      } finally {
        inProgress.delete(tags);
      }
    },
    inProgress: function* () {
      for (const tags of inProgress) yield* tags;
    },
    isSettled,
    settle: () => void settle(),
    close: () => {
      clearTimeout(retry);
    },
  };
}
