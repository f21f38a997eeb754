/** The result of a comparison. `UNKNOWN`: the data that decides it is missing. */
export type Truth = 'TRUE' | 'FALSE' | 'UNKNOWN';

/** A condition over the customer view. `Leaf` is a comparison of one value. */
export type Condition<Leaf> =
  | { kind: 'all' | 'any'; of: readonly Condition<Leaf>[] }
  | { kind: 'not'; of: Condition<Leaf> }
  | { kind: 'leaf'; leaf: Leaf };

/** Evaluates a condition in three-valued logic: UNKNOWN, unless the known comparisons decide it. */
export function evaluate<Leaf>(condition: Condition<Leaf>, truthOf: (leaf: Leaf) => Truth): Truth {
  switch (condition.kind) {
    case 'leaf':
      return truthOf(condition.leaf);
    case 'not': {
      const truth = evaluate(condition.of, truthOf);
      return truth === 'UNKNOWN' ? truth : truth === 'TRUE' ? 'FALSE' : 'TRUE';
    }
    default: {
      const truths = condition.of.map((part) => evaluate(part, truthOf));
      const decisive = condition.kind === 'all' ? 'FALSE' : 'TRUE';
      if (truths.includes(decisive)) return decisive;
      if (truths.includes('UNKNOWN')) return 'UNKNOWN';
      return decisive === 'TRUE' ? 'FALSE' : 'TRUE';
    }
  }
}

/** The comparisons of a condition, in the order in which they are written. */
export function leavesOf<Leaf>(condition: Condition<Leaf>): Leaf[] {
  switch (condition.kind) {
    case 'leaf':
      return [condition.leaf];
    case 'not':
      return leavesOf(condition.of);
    default:
      return condition.of.flatMap((part) => leavesOf(part));
  }
}

/** The comparisons that every customer meets who meets the condition. A list by one of them has all of these customers. */
export function impliedLeaves<Leaf>(condition: Condition<Leaf>): Leaf[] {
  switch (condition.kind) {
    case 'leaf':
      return [condition.leaf];
    case 'not':
      return [];
    case 'all':
      return condition.of.flatMap((part) => impliedLeaves(part));
    default: {
      const [only, ...others] = condition.of;
      return only === undefined || others.length > 0 ? [] : impliedLeaves(only);
    }
  }
}
