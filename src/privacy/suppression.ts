import { createHmac, hkdfSync } from 'node:crypto';
import { InvalidInputError } from '../errors.js';
import type { Erasures } from '../identity/erasures.js';
import type { Identifier } from '../identity/identifiers.js';
import type { Logger } from '../telemetry/logger.js';
import { openSuppressionFile } from './suppression-file.js';
import { openSuppressionSet } from './suppression-redis.js';

/** Computes the digests of the list. A reader of the list cannot learn who is on it. */
export interface Digests {
  of: (identifier: Identifier) => string;
  /**
   * Identifies the secret in the list. A list of another secret would match no customer, so it is refused.
   */
  readonly mark: string;
}

/** The storage of the list. */
export interface SuppressionStore {
  /** Resolves when the list was read; rejects if it cannot be read. Undefined if it was read already. */
  loading(): Promise<void> | undefined;
  /** The digests of the last read, without the mark. After each change it is a new set object. */
  current(): ReadonlySet<string>;
  /** Adds digests. Resolves when the end of this process cannot lose them. */
  add(digests: readonly string[]): Promise<void>;
  close(): void;
}

/** The list of suppressed customers, which are no longer shown. */
export interface Suppression extends Erasures {
  add(identifiers: readonly Identifier[]): Promise<void>;
  digests: Digests;
  /** Whether the list can be used, for the health of the gateway. Empty when there is no list. */
  health: Readonly<Record<string, () => Promise<'up' | 'down'>>>;
  close(): void;
}

export interface SuppressionOptions {
  /** The list can be used with this secret alone. */
  secret: string;
  file: string | undefined;
  redisUrl: string | undefined;
  logger: Logger;
  clock: { now(): number };
}

/** Opens the list. Throws a ConfigError if its file cannot be read or belongs to another secret. */
export function createSuppression({
  secret,
  file,
  redisUrl,
  logger,
  clock,
}: SuppressionOptions): Suppression {
  const digests = createDigests(secret);
  const { mark } = digests;
  const store =
    file !== undefined
      ? openSuppressionFile({ path: file, mark, logger, clock })
      : redisUrl !== undefined
        ? openSuppressionSet({ url: redisUrl, mark, logger })
        : NO_LIST;
  /** A list that was read counts as up while its storage is unavailable, because it stays in force. */
  const stateOf = async (): Promise<'up' | 'down'> => {
    try {
      await store.loading();
      return 'up';
    } catch {
      return 'down';
    }
  };
  let last: ReadonlySet<string> | undefined;
  let version = 0;
  return {
    loading: () => store.loading(),
    has: (identifier) => store.current().has(digests.of(identifier)),
    get isEmpty() {
      return store.current().size === 0;
    },
    get version() {
      const now = store.current();
      if (now !== last) version += 1;
      last = now;
      return version;
    },
    add: (identifiers) => store.add(identifiers.map((identifier) => digests.of(identifier))),
    digests,
    health: store === NO_LIST ? {} : { suppressionList: stateOf },
    close: () => {
      store.close();
    },
  };
}

export function createDigests(secret: string): Digests {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'stekkerdoos suppression list', 32));
  const digest = (text: string) => createHmac('sha256', key).update(text).digest('base64url');
  return {
    of: ({ namespace, value }) => digest(`${namespace}\n${value}`),
    mark: `key:${digest('the key of this list')}`,
  };
}

const NOTHING: ReadonlySet<string> = new Set();

const NO_LIST: SuppressionStore = {
  loading: () => undefined,
  current: () => NOTHING,
  add: () =>
    Promise.reject(
      new InvalidInputError('No suppression list is configured: set SUPPRESSION_FILE or REDIS_URL.'),
    ),
  close: () => undefined,
};
