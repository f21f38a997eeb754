import { createHmac } from 'node:crypto';

/** Random numbers that depend only on a seed and a text. */
export class Random {
  readonly #seed: string;
  readonly #text: string;
  #block = Buffer.alloc(0);
  #blocks = 0;
  #at = 0;

  constructor(seed: number, text: string) {
    this.#seed = String(seed);
    this.#text = text;
  }

  /** A whole number from 0 to below the limit. The limit is at most 65,536. */
  below(limit: number): number {
    if (this.#at + 2 > this.#block.length) {
      this.#block = createHmac('sha256', this.#seed).update(`${this.#blocks}:${this.#text}`).digest();
      this.#blocks += 1;
      this.#at = 0;
    }
    const number = this.#block.readUInt16BE(this.#at);
    this.#at += 2;
    return number % limit;
  }

  /** One character of the text. */
  of(characters: string): string {
    return characters.charAt(this.below(characters.length));
  }
}
