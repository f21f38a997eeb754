import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { CustomerRecord } from './declaration.js';
import type { Lookup, Walk } from './walk.js';

/**
 * Finished walks, by the first answer that they got. While all answers are the very same objects, because they are
 * cached, so is what follows from them. A walk goes when that answer is dropped from the cache.
 */
const finished = fieldWeakMap<readonly CustomerRecord[], Map<string, Walk>>();

/** A finished walk that got the same answers up to here. */
export function findFinished(walk: Walk, newLookups: readonly Lookup[]): Walk | undefined {
  const [first] = walk.steps[0]?.lookups ?? newLookups;
  const earlier = first?.loaded && finished.get(first.loaded)?.get(walk.key);
  const then = earlier?.steps[walk.steps.length]?.lookups;
  return then?.length === newLookups.length &&
    walk.steps.every(({ lookups }, i) =>
      lookups.every((ask, j) => isSame(ask, earlier?.steps[i]?.lookups[j])),
    ) &&
    newLookups.every((ask, i) => isSame(ask, then[i]))
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
