import { createHmac, randomBytes } from 'node:crypto';

/** Known to this process alone, so that nobody who sees a key can try addresses until one fits. */
const secret = randomBytes(32);

/** The cache key of one answer. A digest: keys hold no personal data in the clear. */
export function cacheKey(source: string, loader: string, key: string): string {
  // The parts are told apart by a character that no name has. UTF-8 would make all halves of characters one.
  const text = `${source}\n${loader}\n${key}`;
  return createHmac('sha256', secret).update(text, 'utf16le').digest('base64url');
}
