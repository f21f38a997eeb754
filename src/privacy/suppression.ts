import { createHmac, hkdfSync } from 'node:crypto';
import { InvalidInputError } from '../errors.js';
import type { Erasures } from '../identity/erasures.js';
import type { Identifier } from '../identity/identifiers.js';
import type { Logger } from '../telemetry/logger.js';
import { openSuppressionFile } from './suppression-file.js';
import { openSuppressionSet } from './suppression-redis.js';

/** Makes of each identifier what stands for it in the list: nobody who reads the list learns who is on it. */
export interface Digests {
  of: (identifier: Identifier) => string;
  /** Stands in the list itself: with another secret nobody on it would be recognised, and it must not be believed. */
  readonly mark: string;
}

/** Where the list is kept. */
export interface SuppressionStore {
  /** Done when the list was read; fails when it cannot be. Undefined: it was read. */
  loading(): Promise<void> | undefined;
  /** The digests as they were read last, without the mark: another set each time that they change. */
  current(): ReadonlySet<string>;
  /** Done when they are where no crash of this process takes them away again. */
  add(digests: readonly string[]): Promise<void>;
  close(): void;
}

/** The customers whom nobody is shown any more. */
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

/** Opens the list. Throws a ConfigError when there is to be a file that cannot be read, or that another secret has made. */
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
  /** A list that was read stays in force while its place is away. */
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
    add: (identifiers) => store.add(identifiers.map((one) => digests.of(one))),
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
      new InvalidInputError('There is no list of erased customers: set SUPPRESSION_FILE or REDIS_URL.'),
    ),
  close: () => undefined,
};
