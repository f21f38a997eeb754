import { createRandom } from './random.js';
import { before, dayMs, worldNow } from './seed-time.js';

/** A person's part of X: an account, and its posts of the last two weeks. */
export interface XPart {
  userId: string;
  /** In its owner's spelling. X shows capitals, but ignores them in comparisons. */
  username: string;
  description: string;
  location: string;
  followers: number;
  following: number;
  isVerified: boolean;
  createdAt: string;
  /** Newest first. Some mention the shop's account. */
  posts: { id: string; text: string; likes: number; replies: number; createdAt: string }[];
}

/** The username of the shop's account. */
export const organisationOnX = 'DemoWinkel';

const mentions = [
  `@${organisationOnX} waar blijft mijn pakket?`,
  `Top geholpen door @${organisationOnX}, bedankt!`,
  `@${organisationOnX} de maat klopt niet, kan ik ruilen?`,
];
const otherPosts = ['Weer regen vandaag.', 'Wie gaat er mee hardlopen?', 'Koffie eerst.'];

export function createXPart(place: number, username: string): XPart {
  const random = createRandom('x', place);
  const posts = Array.from({ length: random.integer(5, 9) }, (_, index) => ({
    // Above 2^53, as X's ids are.
    id: String(1_980_000_000_000_000_000n - BigInt(place) * 1_000n - BigInt(index)),
    text: index % 2 === 0 ? random.pick(mentions) : random.pick(otherPosts),
    likes: random.integer(0, 40),
    replies: random.integer(0, 5),
    createdAt: before(worldNow, Math.round((index + random.fraction()) * 1.5 * dayMs)),
  }));
  return {
    userId: String(1_400_000_000_000_000_000n + BigInt(place) * 7_919n),
    username,
    description: 'Mening is van mijzelf.',
    location: random.chance(0.7) ? 'Nederland' : '',
    followers: random.integer(3, 4_000),
    following: random.integer(10, 900),
    isVerified: random.chance(0.2),
    createdAt: before(worldNow, random.integer(200, 4_000) * dayMs),
    posts,
  };
}
