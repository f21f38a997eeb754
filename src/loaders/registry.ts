import DataLoader from 'dataloader';
import type { Cache } from '../cache/cache.js';
import { freshness, type FreshnessOptions } from '../cache/freshness.js';
import { cacheKey } from '../cache/keys.js';
import type { Client } from '../connectors/connector.js';
import type { Deadline } from '../resilience/deadline.js';
import type { Loader } from './loader.js';

/** One answer for each key, in order; a key that failed has its error and does not fail the others. */
type Batch = (keys: readonly unknown[]) => Promise<unknown[]>;

interface Pipeline {
  source: string;
  keyText: (key: unknown) => string;
  batch: Batch;
}

/** Asks the loaders of all sources on behalf of one request. */
export type Load = <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, key: Key) => Promise<Value>;

/** All loaders of all sources, each with what stands between it and its system. */
export interface LoaderRegistry {
  add<C extends Client, Key, Value>(
    source: { name: string; client: C; freshness?: FreshnessOptions | undefined },
    loader: Loader<C, Key, Value>,
  ): void;
  /** A request's own loaders: the keys that it asks for in one tick become one batch. */
  forRequest(deadline: Deadline): Load;
}

export function createLoaderRegistry(cache: Cache): LoaderRegistry {
  // Loaders differ in their keys and values; what goes in by `add` comes out by the same loader in `load`.
  const pipelines = new Map<unknown, Pipeline>();
  const names = new Set<string>();
  return {
    add: ({ name: source, client, freshness: ofSource }, loader) => {
      // They would share their cached answers.
      if (names.has(`${source} ${loader.name}`))
        throw new Error(`The source "${source}" has two loaders named "${loader.name}".`);
      names.add(`${source} ${loader.name}`);
      const { maxAgeMs } = freshness(loader.freshness, ofSource);
      const keyText = (loader.keyText?.bind(loader) ?? String) as (key: unknown) => string;
      const ask = inChunks(loader.maxBatch ?? Infinity, (keys) => loader.load(keys as never[], client));
      const batch: Batch = (keys) => {
        const missing = gather(ask);
        return Promise.all(
          keys.map((key) =>
            cache
              .fetch({
                key: cacheKey(source, loader.name, keyText(key)),
                maxAgeMs,
                load: () => missing.add(key),
              })
              .catch((error: unknown) =>
                error instanceof Error ? error : new Error('A loader failed.', { cause: error }),
              ),
          ),
        );
      };
      pipelines.set(loader, { source, keyText, batch });
    },
    forRequest: (deadline) => {
      const dataLoaders = new Map<
        unknown,
        { source: string; loader: DataLoader<unknown, unknown, string> }
      >();
      return <C extends Client, Key, Value>(loader: Loader<C, Key, Value>, key: Key): Promise<Value> => {
        let bound = dataLoaders.get(loader);
        if (bound === undefined) {
          const pipeline = pipelines.get(loader);
          if (pipeline === undefined)
            throw new Error(`The loader "${loader.name}" is not listed in its source's loaders.`);
          const { source, keyText, batch } = pipeline;
          bound = { source, loader: new DataLoader(batch, { cacheKeyFn: keyText }) };
          dataLoaders.set(loader, bound);
        }
        return deadline.race(bound.source, bound.loader.load(key)) as Promise<Value>;
      };
    },
  };
}

/** Gathers the keys that the cache could not answer in this turn into one call. */
function gather(ask: Batch): { add(key: unknown): Promise<unknown> } {
  const keys: unknown[] = [];
  let answers: Promise<unknown[]> | undefined;
  return {
    add: async (key) => {
      const position = keys.push(key) - 1;
      // The cache asks for all of them before the first microtask runs.
      answers ??= Promise.resolve().then(() => ask(keys));
      const answer = (await answers)[position];
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

/** Cuts a batch to what the system takes in one call; the calls run side by side, and one that fails fails only its own keys. */
function inChunks(size: number, ask: (keys: readonly unknown[]) => Promise<readonly unknown[]>): Batch {
  const askOne = async (keys: readonly unknown[]): Promise<readonly unknown[]> => {
    const values = await ask(keys);
    if (values.length !== keys.length) throw new Error('A loader must give one value for each key.');
    return values;
  };
  return async (keys) => {
    if (keys.length <= size) return [...(await askOne(keys))];
    const chunks = Array.from({ length: Math.ceil(keys.length / size) }, (_, i) =>
      keys.slice(i * size, (i + 1) * size),
    );
    const answers = await Promise.all(
      chunks.map((chunk) =>
        askOne(chunk).catch((error: unknown) =>
          chunk.map(() => (error instanceof Error ? error : new Error(String(error)))),
        ),
      ),
    );
    return answers.flat();
  };
}
