/** Things of one request that are worked off before others get their turn: of what a thousand need, some milliseconds. */
const A_TURN = 25;

const inLine: (() => void)[] = [];

/**
 * Waits until whoever else is to be served has been. Those who wait take turns, since all together would make others wait
 * as long as one who takes none.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    inLine.push(resolve);
    if (inLine.length === 1) setImmediate(next);
  });
}

const RESOLVED = Promise.resolve();

function next(): void {
  inLine.shift()?.();
  if (inLine.length > 0) setImmediate(next);
}

/**
 * Lets other requests in between, where one has so much to be worked off that they would all stand still. What is asked
 * for in any of its turns is asked together all the same, once the last is over.
 */
export class Turns {
  #underWay = 0;
  #afterwards: (() => void)[] = [];
  /** To be called back together: a promise and a tick for each of a dozen loaders is a part of every answer's time. */
  #soon: (() => void)[] = [];

  /** Works on each, in their order. Resolves when all are done; rejects as soon as the work throws. */
  async each<T>(all: readonly T[], work: (one: T, at: number) => void): Promise<void> {
    if (all.length <= A_TURN) {
      all.forEach(work);
      return;
    }
    this.#underWay += 1;
    try {
      for (let at = 0; at < all.length; at += A_TURN) {
        await turn();
        for (const [i, one] of all.slice(at, at + A_TURN).entries()) work(one, at + i);
      }
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) for (const then of this.#afterwards.splice(0)) this.whenDone(then);
    }
  }

  /** The same values, of which all but the first few are promised for later turns; then an error rejects its promise. */
  handOut(values: readonly unknown[]): readonly unknown[] {
    if (values.length <= A_TURN) return values;
    const tells: (() => void)[] = [];
    const promised = values.slice(A_TURN).map((value) =>
      new Promise<void>((resolve) => tells.push(resolve)).then(() => {
        if (value instanceof Error) throw value;
        return value;
      }),
    );
    void this.each(tells, (tell) => {
      tell();
    });
    return [...values.slice(0, A_TURN), ...promised];
  }

  /** Calls back when nothing is being worked off, and what follows from it at once has been asked for. */
  whenDone(then: () => void): void {
    if (this.#underWay > 0) {
      this.#afterwards.push(then);
      return;
    }
    this.#soon.push(then);
    if (this.#soon.length > 1) return;
    void RESOLVED.then(() => {
      process.nextTick(() => {
        const all = this.#soon;
        this.#soon = [];
        if (this.#underWay > 0) this.#afterwards.push(...all);
        else for (const one of all) one();
      });
    });
  }
}
