import type { Load, RequestLoaders } from '../../src/loaders/registry.js';

/** The loaders of a request that load each key with `load`. */
export function loadersOf(load: Load): Pick<RequestLoaders, 'load' | 'loadMany'> {
  return {
    load,
    loadMany: (loader, keys) =>
      Promise.all(
        keys.map((key) =>
          load(loader, key).catch((error: unknown) => {
            if (error instanceof Error) return error;
            throw error;
          }),
        ),
      ),
  };
}
