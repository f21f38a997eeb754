/** An element of a queue. Only the queue sets its links. */
export interface Queued<T> {
  before?: T | undefined;
  after?: T | undefined;
}

/**
 * A first-in, first-out queue from which any element can be removed. Each operation takes constant time. (A Set does
 * not: finding its first element skips all that were deleted before it.)
 */
export class Fifo<T extends Queued<T>> {
  first: T | undefined;
  private last: T | undefined;
  length = 0;

  add(entry: T): void {
    entry.before = this.last;
    if (this.last === undefined) this.first = entry;
    else this.last.after = entry;
    this.last = entry;
    this.length += 1;
  }

  /** Whether the entry is in this queue. It must not be in another one. */
  has(entry: T): boolean {
    return this.first === entry || entry.before !== undefined;
  }

  /** The entry must be in this queue. */
  remove(entry: T): void {
    const { before, after } = entry;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.last = before;
    else after.before = before;
    entry.before = entry.after = undefined;
    this.length -= 1;
  }
}
