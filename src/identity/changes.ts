interface Waiting {
  isMet: () => boolean;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Waits for conditions of one request: one promise for each wait, however many lookups or walks it waits for. */
export class Changes {
  #waiting: Waiting[] = [];

  /** Resolves when the condition is met. Rejects if it throws. It is checked now and after each change. */
  until(isMet: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const one = { isMet, resolve, reject };
      if (!isOver(one)) this.#waiting.push(one);
    });
  }

  /** Checks all conditions. */
  notify(): void {
    this.#waiting = this.#waiting.filter((one) => !isOver(one));
  }
}

function isOver({ isMet, resolve, reject }: Waiting): boolean {
  try {
    if (!isMet()) return false;
    resolve();
  } catch (error) {
    reject(error);
  }
  return true;
}
