import DataLoader from 'dataloader';
import { freshness, retentionMs, overridden, type FreshnessOptions } from '../cache/freshness.js';
import type { Forgettable, Subject } from '../cache/invalidation.js';
import type { Keys } from '../cache/keys.js';
import type { Client, Connection } from '../connectors/connector.js';
import type { Protection } from '../resilience/protection.js';
import type { BatchGroup } from './batches.js';
import type { Loader, LoaderSettings } from './loader.js';
import { toError, type RequestScope } from './in-flight-request.js';
import { Pipeline } from './pipeline.js';
import type { PipelineDependencies } from './pipeline-options.js';

/** Asks the loaders of all sources on behalf of one request. */
export type Load = <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, key: Key) => Promise<Value>;

/** Returns a cached answer that is fresh enough for the request, without calling the system; undefined if there is none. */
export type ReadCached = <C extends Client, Key, Value>(
  loader: Loader<C, Key, Value>,
  key: Key,
) => Value | undefined;

/** A source, as far as asking it goes. */
export interface LoadedSource<C extends Client> {
  name: string;
  connection: Connection<C>;
  protection: Protection;
  freshness?: FreshnessOptions | undefined;
  /** What settings say of its loaders, by name. */
  loaderSettings?: Readonly<Record<string, LoaderSettings>> | undefined;
  /** Whether it is asked what customers allow. Default false. */
  holdsConsent?: boolean;
  /** Of all of its loaders. */
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
    registeredAs?: Loader<C, Key, Value>,
  ): void;
  /** Whether the source has a loader of that name. */
  has(source: string, loader: string): boolean;
  /** A request's own loaders: the keys that it asks for in one tick become one batch. */
  forRequest(request: RequestScope): Load;
  /** For what nothing is asked for in turn: it need not wait until all that is asked together is known. */
  readCachedFor(request: RequestScope): ReadCached;
  /**
   * Drops all answers about any of these, here and on every instance, and keeps none that is on its way. Rejects
   * when other instances could not be told. Gives what asks anew, behind all else, for those that were read often here.
   */
  forget(what: readonly Forgettable[]): Promise<() => void>;
  /** Does so for tags that another instance has forgotten. */
  forgetTags(tags: readonly string[]): void;
  /** Starts anew with nothing kept. */
  clear(): void;
  /** Another one each time that anything was forgotten. */
  readonly version: number;
}

interface Bound {
  pipeline: Pipeline;
  keyText: (key: unknown) => string;
  /** Whether it has a promise for each key. */
  isEach: boolean;
}

export function createLoaderRegistry(dependencies: PipelineDependencies, keys: Keys): LoaderRegistry {
  const { cache, tags, recentlyForgotten, shared } = dependencies;
  // Loaders differ in their keys and values; what goes in by `add` comes out by the same loader in `load`.
  const bounds = new Map<unknown, Bound>();
  const names = new Set<string>();
  const connections = new Set<Connection<Client>>();
  /** What is linked must be known for as long as anything may be kept. */
  let longestMs = 0;
  let version = 0;
  /** As long as no policy and no system has let anything be kept, there is nothing to be found by what is linked. */
  let mayKeep = shared !== undefined;

  const boundOf = (loader: { readonly name: string }): Bound => {
    const bound = bounds.get(loader);
    if (bound === undefined)
      throw new Error(`The loader "${loader.name}" is not listed in its source's loaders.`);
    return bound;
  };

  /** What is under way may be answered as it was before: nobody joins it, and nothing of that is kept. */
  const abandon = (forgotten: readonly string[] | undefined): void => {
    version += 1;
    recentlyForgotten.add(forgotten);
    for (const { pipeline } of bounds.values()) pipeline.abandon();
    for (const connection of connections) connection.forget?.();
  };

  return {
    add: (source, loader, link, registeredAs = loader) => {
      const name = `${source.name} ${loader.name}`;
      // They would share their cached answers.
      if (names.has(name))
        throw new Error(`The source "${source.name}" has two loaders named "${loader.name}".`);
      names.add(name);
      connections.add(source.connection);
      const set = source.loaderSettings?.[loader.name];
      const policy = freshness(overridden(loader.freshness ?? {}, set?.freshness), source.freshness);
      const maxBatches = [loader.maxBatch, set?.maxBatch, source.maxBatch].map((most) => most ?? Infinity);
      longestMs = Math.max(longestMs, retentionMs(policy.maxAgeMs, policy));
      mayKeep ||= longestMs > 0;
      const keyText = (loader.keyText?.bind(loader) ?? String) as (key: unknown) => string;
      const pipeline = new Pipeline(
        {
          source: source.name,
          loader: loader.name,
          freshness: policy,
          maxBatch: Math.min(...maxBatches),
          batchOf: loader.batchOf?.bind(loader) as ((key: unknown) => BatchGroup) | undefined,
          isIdentity: link !== undefined,
          holdsConsent: link !== undefined && source.holdsConsent === true,
          windowMs: source.windowMs ?? 0,
          digest: (text) => keys.answer(source.name, loader.name, text),
          load: async (all, scope) => {
            const client = source.connection.client(scope);
            return loader.loadEach?.(all as never[], client) ?? loader.load(all as never[], client);
          },
          about: loader.about?.bind(loader) as
            ((key: unknown, value: unknown) => readonly Subject[] | undefined) | undefined,
          isComplete: (value) => loader.isComplete?.(value as never) ?? true,
          onAnswer: (key, value, forMs) => {
            if (forMs > 0) mayKeep = true;
            if (!mayKeep) return;
            for (const linked of link?.(key as never, value as never) ?? []) tags.link(linked, longestMs);
          },
        },
        dependencies,
        source.protection,
      );
      bounds.set(registeredAs, { pipeline, keyText, isEach: loader.loadEach !== undefined });
    },
    has: (source, loader) => names.has(`${source} ${loader}`),
    forRequest: (request) => {
      const asked = new Map<unknown, (key: unknown) => Promise<unknown>>();
      return <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, key: Key): Promise<Value> => {
        let load = asked.get(loader);
        if (load === undefined) asked.set(loader, (load = loadOnce(boundOf(loader), request)));
        return load(key) as Promise<Value>;
      };
    },
    readCachedFor:
      (request) =>
      <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, key: Key): Value | undefined => {
        const { pipeline, keyText } = boundOf(loader);
        return pipeline.kept(keyText(key), request) as Value | undefined;
      },
    forget: async (what) => {
      const all = [...new Set(what.flatMap((one) => tags.tagsToForget(one)))];
      const hot = cache.forget(all);
      abandon(all);
      await shared?.forget(all);
      return () => {
        for (const renew of hot) renew();
      };
    },
    forgetTags: (all) => {
      cache.forget(all);
      abandon(all);
    },
    clear: () => {
      cache.clear();
      abandon(undefined);
    },
    get version() {
      return version;
    },
  };
}

/**
 * What is asked for in one turn comes together, be it kept or not: what follows from it is then asked for together too. The keys
 * of a loader with a promise for each have their answers one by one.
 * Keys that were asked for already are looked up before DataLoader, which makes promises of its own for each.
 */
function loadOnce(
  { pipeline, keyText, isEach }: Bound,
  request: RequestScope,
): (key: unknown) => Promise<unknown> {
  const { chunks } = request;
  const answers = new Map<string, Promise<unknown>>();
  const gather = new DataLoader<{ key: unknown; text: string }, unknown>(
    async (all) => {
      const given = all.map(({ key, text }) => pipeline.answer(key, text, request));
      if (isEach) {
        // Some are handed out later, and one that was rejected by then would count as unhandled.
        for (const answer of given) if (answer instanceof Promise) answer.catch(() => undefined);
        return chunks.spread(given);
      }
      const found = given.map(settled);
      return chunks.spread(found.some((one) => one instanceof Promise) ? await Promise.all(found) : found);
    },
    {
      cache: false,
      batchScheduleFn: (dispatch) => {
        chunks.whenDone(dispatch);
      },
    },
  );
  return (key) => {
    const text = keyText(key);
    let answer = answers.get(text);
    if (answer === undefined) answers.set(text, (answer = gather.load({ key, text })));
    return answer;
  };
}

/** A key that failed has its error, and does not fail the others of its batch. */
function settled(answer: unknown): unknown {
  return answer instanceof Promise ? answer.catch(toError) : answer;
}
