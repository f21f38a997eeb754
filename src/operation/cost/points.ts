/** The variables of a request, defaults included. */
export type Variables = Readonly<Record<string, unknown>>;

/** A number of points, or the step that computes it from the variables. */
export type Points = number | { readonly step: number };

type Step = (variables: Variables, done: readonly number[]) => number;

/** Sums are capped here: larger numbers are not exact, and every limit is lower. */
const MAX_POINTS = Number.MAX_SAFE_INTEGER;

/**
 * Formulas that are built once and computed for each request. Known numbers are added when the formula is built. A
 * step uses only earlier steps, so a shared term is computed once. So the time is linear in the length of the
 * document, even if fragments multiply.
 */
export class Sums {
  readonly #steps: Step[] = [];

  /** Adds a step that reads a number from the variables. */
  fromVariables(read: (variables: Variables) => number): Points {
    return this.#add(read);
  }

  plus(parts: readonly Points[]): Points {
    return this.#combine(parts, 0, (a, b) => a + b);
  }

  times(left: Points, right: Points): Points {
    return this.#combine([left, right], 1, (a, b) => a * b);
  }

  max(parts: readonly Points[]): Points {
    return this.#combine(parts, 0, (a, b) => Math.max(a, b));
  }

  /** Computes all steps with the variables of one request. */
  run(variables: Variables): (points: Points) => number {
    const done: number[] = [];
    for (const step of this.#steps) done.push(step(variables, done));
    return (points) => valueOf(points, done);
  }

  #add(step: Step): Points {
    return { step: this.#steps.push(step) - 1 };
  }

  #combine(parts: readonly Points[], start: number, join: (a: number, b: number) => number): Points {
    let known = start;
    const unknown: number[] = [];
    for (const part of parts) {
      if (typeof part === 'number') known = Math.min(join(known, part), MAX_POINTS);
      else unknown.push(part.step);
    }
    if (unknown.length === 0) return known;
    return this.#add((_, done) => {
      let total = known;
      for (const step of unknown) total = Math.min(join(total, done[step] ?? MAX_POINTS), MAX_POINTS);
      return total;
    });
  }
}

function valueOf(points: Points, done: readonly number[]): number {
  return typeof points === 'number' ? points : (done[points.step] ?? MAX_POINTS);
}
