import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { CustomerRecord } from './declaration.js';
import type { Lookup, Walk } from './walk.js';

/**
 * Finished walks by their first answer. If all answers of a new walk are the same cached objects, its result is the same
 * too. An entry is released when its first answer is dropped from the cache.
 */
const finished = fieldWeakMap<readonly CustomerRecord[], Map<string, Walk>>();

/** A finished walk with the same answers in all rounds until now; undefined if there is none. */
export function findFinished(walk: Walk, newLookups: readonly Lookup[]): Walk | undefined {
  const [first] = walk.steps[0]?.lookups ?? newLookups;
  const earlier = first?.loaded && finished.get(first.loaded)?.get(walk.key);
  const then = earlier?.steps[walk.steps.length]?.lookups;
  return then?.length === newLookups.length &&
    walk.steps.every(({ lookups }, i) =>
      lookups.every((lookup, j) => isSame(lookup, earlier?.steps[i]?.lookups[j])),
    ) &&
    newLookups.every((lookup, i) => isSame(lookup, then[i]))
    ? earlier
    : undefined;
}

export function rememberFinished(walk: Walk): void {
  const first = walk.steps[0]?.lookups[0];
  if (first?.loaded === undefined || [...walk.lookups].some(({ loaded }) => loaded === undefined)) return;
  const walks = finished.get(first.loaded) ?? new Map<string, Walk>();
  walks.set(walk.key, walk);
  finished.set(first.loaded, walks);
}

function isSame(one: Lookup, other: Lookup | undefined): boolean {
  return (
    one.loaded !== undefined &&
    one.loaded === other?.loaded &&
    one.source === other.source &&
    one.identifier.value === other.identifier.value
  );
}
