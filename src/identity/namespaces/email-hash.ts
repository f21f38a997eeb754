import { createHash } from 'node:crypto';
import type { Namespace } from '../declaration.js';

/**
 * An address as a source knows it that was never told the address itself. Whether it was a role's or a placeholder cannot
 * be seen, so it never links.
 */
export function emailHash(blockedValues: ReadonlySet<string>): Namespace {
  const blocked = new Set(
    ['', ...blockedValues].map((text) => createHash('sha256').update(text).digest('hex')),
  );
  return {
    name: 'emailHash',
    shownBy: 'Customer.emails',
    description: 'SHA-256 of the e-mail address, trimmed and in lower case: as hex, base64 or base64url.',
    normalise: (value) => {
      if (/^[\da-f]{64}$/i.test(value)) return value.toLowerCase();
      if (!/^[\w+/-]{43}=?$/.test(value)) return null;
      // The last character has two bits to spare, so other texts decode to the same bytes.
      const bytes = Buffer.from(value, 'base64');
      const isCanonical = [bytes.toString('base64').slice(0, -1), bytes.toString('base64url')].includes(
        value.slice(0, 43),
      );
      return isCanonical ? bytes.toString('hex') : null;
    },
    refusal: (value) =>
      blocked.has(value) ? 'it is the hash of a placeholder (IDENTITY_BLOCKED_VALUES)' : undefined,
    mayLink: () => false,
  };
}
