/** A stream of pseudo-random choices that depends only on its topic and number. */
export interface Random {
  /** 0 <= x < 1 */
  fraction(): number;
  /** Both ends included. */
  integer(from: number, to: number): number;
  pick<T>(choices: readonly T[]): T;
  /** True with the given probability. */
  chance(probability: number): boolean;
}

/** Mulberry32, seeded with an FNV-1a hash of the topic and number. */
export function createRandom(topic: string, number: number): Random {
  let state = 0x811c9dc5;
  for (const character of `${topic}/${number}`) {
    state = Math.imul(state ^ character.charCodeAt(0), 0x01000193);
  }

  const fraction = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  return {
    fraction,
    integer: (from, to) => from + Math.floor(fraction() * (to - from + 1)),
    pick: (choices) => {
      const choice = choices[Math.floor(fraction() * choices.length)];
      if (choice === undefined) throw new RangeError('nothing to choose from');
      return choice;
    },
    chance: (probability) => fraction() < probability,
  };
}
