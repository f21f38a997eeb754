import { fieldWeakMap } from '../v8/field-weak-map.js';
import type { CustomerRecord } from './declaration.js';
import type { Ask, Walk } from './walk.js';

/**
 * Finished walks, by the first answer that they got. While all answers are the very same objects, because they are
 * cached, so is what follows from them. A walk goes when that answer is dropped from the cache.
 */
const finished = fieldWeakMap<readonly CustomerRecord[], Map<string, Walk>>();

/** A finished walk that got the same answers up to here. */
export function findFinished(walk: Walk, asked: readonly Ask[]): Walk | undefined {
  const [first] = walk.steps[0]?.asks ?? asked;
  const earlier = first?.given && finished.get(first.given)?.get(walk.key);
  const then = earlier?.steps[walk.steps.length]?.asks;
  return then?.length === asked.length &&
    walk.steps.every(({ asks }, i) => asks.every((ask, j) => isSame(ask, earlier?.steps[i]?.asks[j]))) &&
    asked.every((ask, i) => isSame(ask, then[i]))
    ? earlier
    : undefined;
}

export function rememberFinished(walk: Walk): void {
  const first = walk.steps[0]?.asks[0];
  if (first?.given === undefined || [...walk.asks].some(({ given }) => given === undefined)) return;
  const walks = finished.get(first.given) ?? new Map<string, Walk>();
  walks.set(walk.key, walk);
  finished.set(first.given, walks);
}

function isSame(one: Ask, other: Ask | undefined): boolean {
  return (
    one.given !== undefined &&
    one.given === other?.given &&
    one.source === other.source &&
    one.identifier.value === other.identifier.value
  );
}
