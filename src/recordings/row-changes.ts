/** Finds the paths of values in a row, and makes rows with other values at them. */

/** A path to a value: names of members and indexes. */
export type Leaf = readonly (string | number)[];

/** Limits the paths of a large row. */
const MAX_LEAVES = 80;

/** The paths of all texts, numbers and booleans in a row. Of a list, only its first item counts. */
export function leavesOf(row: unknown): Leaf[] {
  const leaves: Leaf[] = [];
  collect(row, [], leaves);
  return leaves.slice(0, MAX_LEAVES);
}

function collect(value: unknown, path: Leaf, leaves: Leaf[]): void {
  if (leaves.length >= MAX_LEAVES) return;
  if (Array.isArray(value)) {
    if (value.length > 0) collect(value[0], [...path, 0], leaves);
  } else if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value)) collect(inner, [...path, name], leaves);
  else if (value !== null && path.length > 0) leaves.push(path);
}

export function valueAt(row: unknown, path: Leaf): unknown {
  return path.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined),
    row,
  );
}

/** A copy of the row with another value at the path. */
export function withValue(row: unknown, path: Leaf, value: unknown): unknown {
  const copy = structuredClone(row);
  const parent = valueAt(copy, path.slice(0, -1));
  const last = path.at(-1);
  if (typeof parent === 'object' && parent !== null && last !== undefined) Reflect.set(parent, last, value);
  return copy;
}
