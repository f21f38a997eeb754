/** Keys that measure how a system finds a record: unknown keys, and parts of known keys. */

/** The start of an address without an account. */
const UNKNOWN_EMAIL = 'nobody.k7q2x';
/** A shorter number may be the key of a record. */
const MIN_DIGITS = 5;

/** An unknown key, in the form of a known key. `n` makes several. */
export function unknownKey(known: string | undefined, kind: string, n: number): string {
  if (known === undefined)
    return kind === 'email' ? `${UNKNOWN_EMAIL}${n}@example.com` : String(1_999_900_000 + n);
  if (known.includes('@')) return `${UNKNOWN_EMAIL}${n}@example.com`;
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(known))
    return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  const decoded = Buffer.from(known, 'base64').toString('utf8');
  const isBase64 =
    Buffer.from(decoded).toString('base64') === known && /^[\x20-\x7e]*[:/][\x20-\x7e]*\d$/.test(decoded);
  if (isBase64) return Buffer.from(unknownKey(decoded, kind, n)).toString('base64');
  if (/^\d+$/.test(known)) return known.length > 9 ? ofLength(known.length, n) : String(1_999_900_000 + n);
  const digits = /\d+(?=\D*$)/.exec(known);
  if (digits !== null) {
    const length = Math.max(digits[0].length, MIN_DIGITS);
    return `${known.slice(0, digits.index)}${ofLength(length, n)}${known.slice(digits.index + digits[0].length)}`;
  }
  const tail = n.toString(36).padStart(4, 'z');
  return `${known.slice(0, Math.max(1, known.length - tail.length))}${/[A-Z]/.test(known) ? tail.toUpperCase() : tail}`;
}

/** A number of a length, at its upper end. */
function ofLength(length: number, n: number): string {
  return (
    '9'.repeat(length - 4) +
    String(9_999 - (n % 9_000))
      .padStart(4, '0')
      .slice(-4)
  );
}

/** The key with the other case. Undefined if it has no letters. */
export function otherCase(key: string): string | undefined {
  const changed = key === key.toUpperCase() ? key.toLowerCase() : key.toUpperCase();
  return changed === key ? undefined : changed;
}

/** The key without its last character. An exact search does not find it. */
export function nearMiss(key: string): string | undefined {
  const [local = '', domain] = key.split('@');
  if (domain !== undefined) return local.length > 2 ? `${local.slice(0, -1)}@${domain}` : undefined;
  return key.length > 3 ? key.slice(0, -1) : undefined;
}

/**
 * The most values that one call accepts, up to a bound. `accepts` makes one call; `hint` is a number from the refusal, which is
 * tried first. `isExact` is false if no call was left before the limit was certain.
 */
export async function findLimit(
  most: number,
  accepts: (count: number) => Promise<{ isAccepted: boolean; hint?: number | undefined }>,
  hasCall: () => boolean,
  /** The limit in the description of the system. It is tried first. */
  expected?: number,
): Promise<{ limit: number; isExact: boolean }> {
  let accepted = 1;
  let refused = most + 1;
  let next = expected === undefined || expected >= most ? most : expected + 1;
  while (refused - accepted > 1) {
    if (!hasCall()) return { limit: accepted, isExact: false };
    const { isAccepted, hint } = await accepts(next);
    if (isAccepted) accepted = next;
    else refused = next;
    if (expected !== undefined && refused === expected + 1 && accepted < expected) {
      next = expected;
      continue;
    }
    if (accepted === (expected ?? most) + 1 && refused === most + 1) {
      next = most;
      continue;
    }
    const isHint = (n: number | undefined): n is number => n !== undefined && n > accepted && n < refused;
    next = isHint(hint) ? hint : middleOf(accepted, refused);
  }
  return { limit: accepted, isExact: true };
}

const COMMON_LIMITS = [5, 10, 20, 25, 30, 40, 50, 100, 200];

/** A common limit, or the number after it, is more probable than the middle. */
function middleOf(accepted: number, refused: number): number {
  const middle = Math.floor((accepted + refused) / 2);
  const candidates = COMMON_LIMITS.flatMap((limit) => [limit, limit + 1]).filter(
    (limit) => limit > accepted && limit < refused,
  );
  if (candidates.length === 0) return middle;
  // Bisects the remaining candidates.
  return candidates[Math.floor(candidates.length / 2)] ?? middle;
}
