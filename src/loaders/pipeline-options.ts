import type { Cache } from '../cache/cache.js';
import type { Freshness } from '../cache/freshness.js';
import type { Subject, Tags } from '../cache/invalidation.js';
import type { RecentlyForgotten } from '../cache/recently-forgotten.js';
import type { SharedCache } from '../cache/shared-cache.js';
import type { Clock } from '../clock.js';
import type { CallScope } from '../connectors/connector.js';
import type { BatchGroup } from './batches.js';

/** Counts what happens while keys are loaded. */
export interface LoadingObserver {
  cacheAnswered(source: string, how: 'hit' | 'stale' | 'miss' | 'shared'): void;
  batchDispatched(source: string, loader: string, size: number): void;
  /** A key or a complete batch could not be loaded. */
  loadFailed?(loader: string, error: unknown): void;
}

/** How one loader's answers are cached and requested. All keys of all requests share it. */
export interface PipelineOptions {
  source: string;
  loader: string;
  freshness: Freshness;
  /** The most keys in one batch. */
  maxBatch: number;
  /** The group of a key: one call can load only keys of one group. Undefined: all keys are one group. */
  batchOf: ((key: unknown) => BatchGroup) | undefined;
  /** Whether its answers identify customers. */
  isIdentity: boolean;
  /** Whether it identifies customers in a system that holds consent. */
  holdsConsent: boolean;
  /**
   * Milliseconds that a batch waits for keys of other requests. 0: it takes the keys of one iteration of the event
   * loop.
   */
  windowMs: number;
  /** The cache key of an answer, by the text of its key. */
  digest: (text: string) => string;
  /** Returns a value, an error or a promise for each key. */
  load: (keys: readonly unknown[], scope: CallScope) => Promise<readonly unknown[]>;
  /** The subjects of an answer, by which it is forgotten. Undefined: the answer may be about any customer. */
  about: ((key: unknown, value: unknown) => readonly Subject[] | undefined) | undefined;
  isComplete: (value: unknown) => boolean;
  /** Called with every answer before it is cached, and with the milliseconds it can be cached for. */
  onAnswer: (key: unknown, value: unknown, retentionMs: number) => void;
}

/** The parts that the pipelines of all loaders share. */
export interface PipelineDependencies {
  cache: Cache;
  tags: Tags;
  recentlyForgotten: RecentlyForgotten;
  clock: Clock;
  /** The cache in Redis; undefined without `REDIS_URL`. */
  shared: SharedCache | undefined;
  observer: LoadingObserver | undefined;
  /** Milliseconds that a background refresh may wait for its slot. */
  refreshMs: number;
}
