/** What can stand in a queue. The links are the queue's own. */
export interface Queued<T> {
  before?: T | undefined;
  after?: T | undefined;
}

/**
 * First in, first out, where anybody may also leave from the middle; every step takes the same time however long the
 * queue is. (A Set cannot: finding its first element passes all that were deleted before it.)
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

  /** For an entry of this queue, or of none. */
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
