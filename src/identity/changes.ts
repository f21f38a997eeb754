interface Wait {
  isMet: () => boolean;
  resolve: () => void;
  reject: (error: unknown) => void;
  isOver: boolean;
}

/** Something of one request that changes while others wait for it: a lookup until it is answered, a walk until it ends. */
export class Changing {
  #waits: Wait[] = NONE;

  /**
   * Resolves when the condition is met. Rejects if the condition throws. The condition is checked at once, and after each
   * change of one of the parts. A wait is one promise, for any number of parts.
   */
  static until(parts: Iterable<Changing>, isMet: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const wait = { isMet, resolve, reject, isOver: false };
      if (isOver(wait)) return;
      // Most parts have one wait. An array that grows by `push` would have room for seventeen.
      for (const part of parts)
        if (part.#waits.length === 0) part.#waits = [wait];
        else part.#waits.push(wait);
    });
  }

  /** Checks the conditions that depend on this, and no others: with thousands of lookups, each change must cost little. */
  notify(): void {
    if (this.#waits.length > 0) this.#waits = this.#waits.filter((wait) => !isOver(wait));
  }
}

const NONE: Wait[] = [];

function isOver(wait: Wait): boolean {
  if (wait.isOver) return true;
  try {
    wait.isOver = wait.isMet();
    if (wait.isOver) wait.resolve();
  } catch (error) {
    wait.isOver = true;
    wait.reject(error);
  }
  return wait.isOver;
}
