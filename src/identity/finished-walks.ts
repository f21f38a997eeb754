import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { CustomerRecord } from './declaration.js';
import { isSame } from './identifiers.js';
import type { Lookup, Walk } from './walk.js';

/**
 * Finished walks by their first answer. If all answers of a new walk are the same cached objects, its result is the same
 * too. An entry is released when its first answer is dropped from the cache.
 */
const finished = fieldWeakMap<readonly CustomerRecord[], readonly Walk[]>();

/** A finished walk with the same answers in all rounds until now; undefined if there is none. */
export function findFinished({ start, relevant, lookups, steps }: Walk): Walk | undefined {
  const [first] = lookups;
  const walks = first?.loaded && finished.get(first.loaded);
  return walks?.find(
    (earlier) =>
      earlier.relevant === relevant &&
      isSame(earlier.start, start) &&
      earlier.steps[steps.length]?.lookups === lookups.length &&
      steps.every((step, i) => step.lookups === earlier.steps[i]?.lookups) &&
      lookups.every((lookup, i) => hasSameAnswer(lookup, earlier.lookups[i])),
  );
}

export function rememberFinished(walk: Walk): void {
  const first = walk.lookups[0]?.loaded;
  if (first === undefined || walk.lookups.some(({ loaded }) => loaded === undefined)) return;
  const others = (finished.get(first) ?? []).filter(
    ({ start, relevant }) => relevant !== walk.relevant || !isSame(start, walk.start),
  );
  finished.set(first, [...others, walk]);
}

function hasSameAnswer(a: Lookup, b: Lookup | undefined): boolean {
  return (
    a.loaded !== undefined &&
    a.loaded === b?.loaded &&
    a.source === b.source &&
    isSame(a.identifier, b.identifier)
  );
}
