import { hash, hkdfSync } from 'node:crypto';

/** Makes the names that answers are kept under. They are digests: nobody who sees one can tell whom it is about. */
export interface Keys {
  /** Of one answer. */
  answer(source: string, loader: string, key: string): string;
  /** Of something that answers are about, by which they are forgotten. */
  tag(...parts: readonly string[]): string;
}

/** Instances that have the same secret make the same names, so that they can share what they keep. */
export function createKeys(secret: string): Keys {
  // Not the secret itself, which also makes the ids that are shown to callers.
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'names in the cache', 32)).toString('base64');
  // The parts are told apart by a character that no name has.
  // Made for every key of every request: an HMAC would take three times as long, and protects what nobody attacks here.
  const digest = (text: string) => {
    const whole = `${key}\n${text}`;
    // UTF-8 would make all halves of characters one.
    return hash('sha256', whole.isWellFormed() ? whole : Buffer.from(whole, 'utf16le'), 'hex');
  };
  return {
    answer: (source, loader, argument) => digest(`${source}\n${loader}\n${argument}`),
    tag: (...parts) => digest(`about\n${parts.join('\n')}`),
  };
}
