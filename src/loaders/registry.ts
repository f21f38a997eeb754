import DataLoader from 'dataloader';
import { freshness, retentionMs, overridden, type FreshnessOptions } from '../cache/freshness.js';
import type { Forgettable, Subject } from '../cache/invalidation.js';
import type { Keys } from '../cache/keys.js';
import type { Client, Connection } from '../connectors/connector.js';
import type { Protection } from '../resilience/protection.js';
import type { BatchGroup } from './batches.js';
import type { Loader, LoaderSettings } from './loader.js';
import { toError, type RequestScope } from './in-flight-batch.js';
import { KeyGroup, PendingField } from './key-group.js';
import { Pipeline } from './pipeline.js';
import type { PipelineDependencies } from './pipeline-options.js';

/** Loads a key with any loader of any source, on behalf of one request. */
export type Load = <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, key: Key) => Promise<Value>;

/**
 * Loads a key, and returns the result of `read` for its value, synchronously if the value is already loaded. For a list, it
 * needs much less memory than a promise for each field of each object.
 */
export type LoadField = <C extends Client, Key, Value, Field>(
  loader: Loader<C, Key, Value>,
  key: Key,
  read: (value: Value) => Field,
) => Field | PromiseLike<Field>;

/**
 * Loads many keys with one loader, on behalf of one request. Resolves to a value or an error for each key, in the order of
 * the keys, when all of them are loaded. So it does not suit loaders with `loadEach`, whose slow keys should delay no others.
 */
export type LoadMany = <C extends Client, Key, Value>(
  loader: Loader<C, Key, Value>,
  keys: readonly Key[],
) => Promise<readonly (Value | Error)[]>;

/**
 * Returns a cached answer that is fresh enough for the request, without calling the system; undefined if there is none.
 */
export type ReadCached = <C extends Client, Key, Value>(
  loader: Loader<C, Key, Value>,
  key: Key,
) => Value | undefined;

/** The loaders of one request. Keys that it requests in one iteration of the event loop become one batch. */
export interface RequestLoaders {
  load: Load;
  loadField: LoadField;
  loadMany: LoadMany;
  /** Reads cached answers, without waiting for a batch. */
  readCached: ReadCached;
}

/** The part of a source that loaders need. */
export interface LoadedSource<C extends Client> {
  name: string;
  connection: Connection<C>;
  protection: Protection;
  freshness?: FreshnessOptions | undefined;
  /** Overrides from settings, by the name of the loader. */
  loaderSettings?: Readonly<Record<string, LoaderSettings>> | undefined;
  /** Whether the system holds consents of customers. Default false. */
  holdsConsent?: boolean;
  /** The maximum batch size of all loaders of the source. */
  maxBatch?: number | undefined;
  windowMs?: number | undefined;
}

/** All loaders of all sources, each with its cache and its protection. */
export interface LoaderRegistry {
  /** `link` is for loaders that identify customers: it returns the identifiers that belong to one customer. */
  add<C extends Client, Key, Value>(
    source: LoadedSource<C>,
    loader: Loader<C, Key, Value>,
    link?: (key: Key, value: Value) => readonly (readonly Subject[])[],
    /** The loader that requests pass to `load`, when `loader` was derived from it. Default: `loader`. */
    registeredAs?: Loader<C, Key, Value>,
  ): void;
  /** Whether the source has a loader of that name. */
  has(source: string, loader: string): boolean;
  forRequest(request: RequestScope): RequestLoaders;
  /**
   * Drops all answers about any of these, here and on every instance. Answers that are being loaded are not
   * cached. Rejects when other instances could not be reached. Returns a function that reloads answers that were
   * read often, at the lowest priority.
   */
  forget(what: readonly Forgettable[]): Promise<() => void>;
  /** Drops the answers with these tags after another instance has forgotten them. */
  forgetTags(tags: readonly string[]): void;
  /** Drops all answers. */
  clear(): void;
  /** Changes each time that anything is forgotten. */
  readonly version: number;
}

interface Bound {
  pipeline: Pipeline;
  keyText: (key: unknown) => string;
  /** Whether the loader has a promise for each key. */
  isEach: boolean;
}

export function createLoaderRegistry(dependencies: PipelineDependencies, keys: Keys): LoaderRegistry {
  const { cache, tags, recentlyForgotten, shared } = dependencies;
  // Loaders have different types of keys and values. `add` and `load` find the pipeline by the same loader, so
  // the types match.
  const bounds = new Map<unknown, Bound>();
  const names = new Set<string>();
  const connections = new Set<Connection<Client>>();
  /** The longest time that any answer may be cached, in milliseconds. Links between identifiers must live as long. */
  let longestMs = 0;
  let version = 0;
  /** Whether any policy or system has allowed caching. Until then links are not needed. */
  let mayCache = shared !== undefined;

  const boundOf = (loader: { readonly name: string }): Bound => {
    const bound = bounds.get(loader);
    if (bound === undefined)
      throw new Error(`The loader "${loader.name}" is not listed in its source's loaders.`);
    return bound;
  };

  /** Answers that are being loaded may be outdated: later requests do not join them, and they are not cached. */
  const abandon = (forgotten: readonly string[] | undefined): void => {
    version += 1;
    recentlyForgotten.add(forgotten);
    for (const { pipeline } of bounds.values()) pipeline.abandon();
    for (const connection of connections) connection.forget?.();
  };

  return {
    add: (source, loader, link, registeredAs = loader) => {
      const name = `${source.name} ${loader.name}`;
      // Two loaders with one name would share cached answers.
      if (names.has(name))
        throw new Error(`The source "${source.name}" has two loaders named "${loader.name}".`);
      names.add(name);
      connections.add(source.connection);
      const settings = source.loaderSettings?.[loader.name];
      const policy = freshness(overridden(loader.freshness ?? {}, settings?.freshness), source.freshness);
      const maxBatches = [loader.maxBatch, settings?.maxBatch, source.maxBatch].map(
        (most) => most ?? Infinity,
      );
      longestMs = Math.max(longestMs, retentionMs(policy.maxAgeMs, policy));
      mayCache ||= longestMs > 0;
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
            if (forMs > 0) mayCache = true;
            if (!mayCache) return;
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
      const requestLoaders = new Map<unknown, RequestLoader>();
      const requestLoaderOf = (loader: { readonly name: string }) => {
        let requestLoader = requestLoaders.get(loader);
        if (requestLoader === undefined)
          requestLoaders.set(loader, (requestLoader = new RequestLoader(boundOf(loader), request)));
        return requestLoader;
      };
      return {
        load: <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, key: Key) =>
          requestLoaderOf(loader).load(key) as Promise<Value>,
        loadField: (loader, key, read) =>
          requestLoaderOf(loader).loadField(key, read as (value: unknown) => ReturnType<typeof read>),
        loadMany: <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, all: readonly Key[]) =>
          requestLoaderOf(loader).loadMany(all) as Promise<readonly (Value | Error)[]>,
        readCached: <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, key: Key) => {
          const { pipeline, keyText } = boundOf(loader);
          return pipeline.readCached(keyText(key), request) as Value | undefined;
        },
      };
    },
    forget: async (what) => {
      const all = [...new Set(what.flatMap((forgettable) => tags.tagsToForget(forgettable)))];
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
 * One loader for one request. Keys that are requested in one iteration of the event loop resolve together, cached or not. So the
 * keys that depend on them form one batch again. The keys of a loader with a promise for each resolve one by one. A key that was
 * requested before is looked up here, because DataLoader would create a promise for each lookup.
 */
class RequestLoader {
  readonly #bound: Bound;
  readonly #request: RequestScope;
  readonly #answers = new Map<string, Promise<unknown> | KeyGroup>();
  /** The keys of fields that are requested in this iteration of the event loop. */
  #fieldKeys: KeyGroup | undefined;
  #dataLoader: DataLoader<{ key: unknown; text: string }, unknown> | undefined;

  constructor(bound: Bound, request: RequestScope) {
    this.#bound = bound;
    this.#request = request;
  }

  load(key: unknown): Promise<unknown> {
    const text = this.#bound.keyText(key);
    const known = this.#answers.get(text);
    if (known instanceof Promise) return known;
    if (known !== undefined) return known.loaded.then(() => known.valueOf(text));
    const answer = (this.#dataLoader ??= this.#createDataLoader()).load({ key, text });
    this.#answers.set(text, answer);
    return answer;
  }

  loadField<Field>(key: unknown, read: (value: unknown) => Field): Field | PromiseLike<Field> {
    const { keyText, isEach } = this.#bound;
    const text = keyText(key);
    let group = this.#answers.get(text);
    if (isEach || group instanceof Promise) return this.load(key).then(read);
    if (group === undefined) {
      group = this.#fieldKeys ??= this.#startGroup();
      group.add(key, text);
      this.#answers.set(text, group);
    }
    return group.answers === undefined ? new PendingField(group, text, read) : read(group.valueOf(text));
  }

  loadMany(keys: readonly unknown[]): Promise<readonly unknown[]> {
    const { keyText, isEach } = this.#bound;
    const texts = keys.map(keyText);
    if (isEach || new Set(texts).size < texts.length || texts.some((text) => this.#answers.has(text)))
      return Promise.all(keys.map((key) => this.load(key).catch(toError)));
    const group = this.#startGroup();
    texts.forEach((text, i) => {
      group.add(keys[i], text);
      this.#answers.set(text, group);
    });
    return group.loaded;
  }

  #createDataLoader(): DataLoader<{ key: unknown; text: string }, unknown> {
    const { pipeline, isEach } = this.#bound;
    const { chunks } = this.#request;
    return new DataLoader(
      async (all) => {
        const answers = isEach
          ? all.map(({ key, text }) => onlyOne(pipeline.answer([key], [text], this.#request)))
          : await pipeline.answer(
              all.map(({ key }) => key),
              all.map(({ text }) => text),
              this.#request,
            );
        return chunks.spread(answers);
      },
      {
        cache: false,
        batchScheduleFn: (dispatch) => {
          chunks.whenDone(dispatch);
        },
      },
    );
  }

  #startGroup(): KeyGroup {
    return new KeyGroup((group) => {
      if (this.#fieldKeys === group) this.#fieldKeys = undefined;
      return this.#bound.pipeline.answer(group.keys, group.texts, this.#request);
    }, this.#request.chunks);
  }
}

/** The answer to one key, or a promise of it. */
function onlyOne(answers: readonly unknown[] | Promise<readonly unknown[]>): unknown {
  if (!(answers instanceof Promise)) return answers[0];
  const answer = answers.then(([value]) => valueOrThrow(value));
  // It may be returned later. If it rejects before then, it would count as unhandled.
  answer.catch(() => undefined);
  return answer;
}

function valueOrThrow(value: unknown): unknown {
  if (value instanceof Error) throw value;
  return value;
}
