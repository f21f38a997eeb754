import { hash, hkdfSync } from 'node:crypto';

/** Computes cache keys and tags. They are digests, so they do not reveal which customer they are about. */
export interface Keys {
  /** The cache key of one answer. */
  answer(source: string, loader: string, key: string): string;
  /** The tag of a subject of answers. */
  tag(...parts: readonly string[]): string;
}

/** Instances with the same secret compute the same keys, so they can share a cache. */
export function createKeys(secret: string): Keys {
  // A derived key is used, because the secret itself also protects the ids that callers see.
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'names in the cache', 32)).toString('base64');
  // A line break separates the parts, because no name contains one. A plain hash is used because it runs for every
  // key of every request: an HMAC would take three times as long, and no attack on these digests is known that it
  // would prevent.
  const digest = (text: string) => {
    const input = `${key}\n${text}`;
    // UTF-8 would encode all unpaired surrogates as the same character.
    return hash('sha256', input.isWellFormed() ? input : Buffer.from(input, 'utf16le'), 'hex');
  };
  return {
    answer: (source, loader, argument) => digest(`${source}\n${loader}\n${argument}`),
    tag: (...parts) => digest(`about\n${parts.join('\n')}`),
  };
}
