import { createHash } from 'node:crypto';
import type { Namespace } from '../declaration.js';

/**
 * The hash of an e-mail address, for sources that do not receive the address itself. It never links, because a hash does
 * not show whether the address belongs to a role.
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
      // The last character has two unused bits, so several texts decode to the same bytes. Only one is canonical.
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
