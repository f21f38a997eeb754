/** The variables of a request, defaults included. */
export type Variables = Readonly<Record<string, unknown>>;

/** A number that is known once the operation is, or a step that works it out from the variables. */
export type Points = number | { readonly step: number };

type Step = (variables: Variables, done: readonly number[]) => number;

/** More would not be exact, and no limit is so high. */
const MOST = Number.MAX_SAFE_INTEGER;

/**
 * Sums that are written down once and worked out for each request. What is known beforehand is worked out beforehand;
 * what two fields share is worked out once, since every step only looks at those before it: so an operation whose
 * fragments multiply costs no more time than its text is long.
 */
export class Sums {
  readonly #steps: Step[] = [];

  /** Something that the variables tell. */
  told(read: (variables: Variables) => number): Points {
    return this.#add(read);
  }

  plus(parts: readonly Points[]): Points {
    return this.#combine(parts, 0, (one, other) => one + other);
  }

  times(one: Points, other: Points): Points {
    return this.#combine([one, other], 1, (a, b) => a * b);
  }

  most(parts: readonly Points[]): Points {
    return this.#combine(parts, 0, (one, other) => Math.max(one, other));
  }

  /** Works everything out for the variables of one request. */
  run(variables: Variables): (points: Points) => number {
    const done: number[] = [];
    for (const step of this.#steps) done.push(step(variables, done));
    return (points) => valueOf(points, done);
  }

  #add(step: Step): Points {
    return { step: this.#steps.push(step) - 1 };
  }

  #combine(parts: readonly Points[], start: number, join: (one: number, other: number) => number): Points {
    let known = start;
    const unknown: number[] = [];
    for (const part of parts) {
      if (typeof part === 'number') known = Math.min(join(known, part), MOST);
      else unknown.push(part.step);
    }
    if (unknown.length === 0) return known;
    return this.#add((_, done) => {
      let total = known;
      for (const step of unknown) total = Math.min(join(total, done[step] ?? MOST), MOST);
      return total;
    });
  }
}

function valueOf(points: Points, done: readonly number[]): number {
  return typeof points === 'number' ? points : (done[points.step] ?? MOST);
}
