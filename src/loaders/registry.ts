import DataLoader from 'dataloader';
import { freshness, keepMs, type FreshnessOptions } from '../cache/freshness.js';
import type { Forgettable, Subject } from '../cache/invalidation.js';
import type { Keys } from '../cache/keys.js';
import type { Client, Connection } from '../connectors/connector.js';
import type { Protection } from '../resilience/protection.js';
import type { Loader } from './loader.js';
import type { RequestScope } from './flight.js';
import { createPipeline, type Pipeline, type Surroundings } from './pipeline.js';

/** Asks the loaders of all sources on behalf of one request. */
export type Load = <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, key: Key) => Promise<Value>;

/** A source, as far as asking it goes. */
export interface LoadedSource<C extends Client> {
  name: string;
  connection: Connection<C>;
  protection: Protection;
  freshness?: FreshnessOptions | undefined;
  /** Of loaders that do not say. */
  maxBatch?: number | undefined;
  windowMs?: number | undefined;
}

/** All loaders of all sources, each with what stands between it and its system. */
export interface LoaderRegistry {
  /** `link` tells from an answer which identifiers are one customer's, for what says who somebody is. */
  add<C extends Client, Key, Value>(
    source: LoadedSource<C>,
    loader: Loader<C, Key, Value>,
    link?: (key: Key, value: Value) => readonly (readonly Subject[])[],
    /** What it is asked by, when it was made from another one. Default: itself. */
    askedAs?: Loader<C, Key, Value>,
  ): void;
  remove(loader: unknown): void;
  /** Whether the source has a loader of that name. */
  has(source: string, loader: string): boolean;
  /** A request's own loaders: the keys that it asks for in one tick become one batch. */
  forRequest(request: RequestScope): Load;
  /**
   * Drops all answers about any of these, here and on every instance, and keeps nothing of what is under way. Rejects
   * when other instances could not be told.
   */
  forget(what: readonly Forgettable[]): Promise<void>;
  /** Does so for tags that another instance has forgotten. */
  forgetTags(tags: readonly string[]): void;
  /** Starts anew with nothing kept. */
  clear(): void;
}

interface Bound {
  pipeline: Pipeline;
  keyText: (key: unknown) => string;
  name: string;
}

export function createLoaderRegistry(surroundings: Surroundings, keys: Keys): LoaderRegistry {
  const { cache, tags, shared } = surroundings;
  // Loaders differ in their keys and values; what goes in by `add` comes out by the same loader in `load`.
  const bounds = new Map<unknown, Bound>();
  const names = new Set<string>();
  const connections = new Set<Connection<Client>>();
  /** What is linked must be known for as long as anything may be kept. */
  let longestMs = 0;

  const abandon = (): void => {
    for (const { pipeline } of bounds.values()) pipeline.abandon();
    for (const connection of connections) connection.forget?.();
  };

  return {
    add: (source, loader, link, askedAs = loader) => {
      const name = `${source.name} ${loader.name}`;
      // They would share their cached answers.
      if (names.has(name))
        throw new Error(`The source "${source.name}" has two loaders named "${loader.name}".`);
      names.add(name);
      connections.add(source.connection);
      const policy = freshness(loader.freshness, source.freshness);
      longestMs = Math.max(longestMs, keepMs(policy.maxAgeMs, policy));
      const keyText = (loader.keyText?.bind(loader) ?? String) as (key: unknown) => string;
      const pipeline = createPipeline(
        {
          source: source.name,
          loader: loader.name,
          freshness: policy,
          maxBatch: loader.maxBatch ?? source.maxBatch ?? Infinity,
          isIdentity: link !== undefined,
          windowMs: source.windowMs ?? 0,
          digest: (key) => keys.answer(source.name, loader.name, keyText(key)),
          load: async (all, scope) => loader.load(all as never[], source.connection.client(scope)),
          about: loader.about?.bind(loader) as
            ((key: unknown, value: unknown) => readonly Subject[]) | undefined,
          isWhole: (value) => loader.isWhole?.(value as never) ?? true,
          onAnswer: (key, value) => {
            for (const linked of link?.(key as never, value as never) ?? []) tags.link(linked, longestMs);
          },
        },
        surroundings,
        source.protection,
      );
      bounds.set(askedAs, { pipeline, keyText, name });
    },
    remove: (loader) => {
      const bound = bounds.get(loader);
      if (bound === undefined) return;
      // What is under way could not be told to forget any more.
      bound.pipeline.abandon();
      names.delete(bound.name);
      bounds.delete(loader);
    },
    has: (source, loader) => names.has(`${source} ${loader}`),
    forRequest: (request) => {
      const dataLoaders = new Map<unknown, DataLoader<unknown, unknown, string>>();
      return <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, key: Key): Promise<Value> => {
        let dataLoader = dataLoaders.get(loader);
        if (dataLoader === undefined) {
          const bound = bounds.get(loader);
          if (bound === undefined)
            throw new Error(`The loader "${loader.name}" is not listed in its source's loaders.`);
          const { pipeline, keyText } = bound;
          dataLoader = new DataLoader(
            (all) => Promise.all(all.map((one) => settled(pipeline.answer(one, request)))),
            {
              cacheKeyFn: keyText,
            },
          );
          dataLoaders.set(loader, dataLoader);
        }
        return dataLoader.load(key) as Promise<Value>;
      };
    },
    forget: async (what) => {
      const all = [...new Set(what.flatMap((one) => tags.toForget(one)))];
      cache.forget(all);
      abandon();
      await shared?.forget(all);
    },
    forgetTags: (all) => {
      cache.forget(all);
      abandon();
    },
    clear: () => {
      cache.clear();
      abandon();
    },
  };
}

/** A key that failed has its error, and does not fail the others of its batch. */
function settled(answer: unknown): unknown {
  return answer instanceof Promise
    ? answer.catch((error: unknown) =>
        error instanceof Error ? error : new Error('A loader failed.', { cause: error }),
      )
    : answer;
}
