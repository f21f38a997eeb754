import { createHash } from 'node:crypto';
import type { Namespace } from '../declaration.js';

/** What systems make of a field that was empty, or that their own language wrote so. */
const NOTHING_HASHED = new Set(
  ['', 'null', 'undefined', 'none', 'nan', 'unknown', 'n/a'].map((text) =>
    createHash('sha256').update(text).digest('hex'),
  ),
);

/**
 * An address as a source knows it that was never told the address itself. Whether it was a role's or a placeholder cannot
 * be seen, so it never links.
 */
export const emailHash: Namespace = {
  name: 'emailHash',
  shownBy: 'Customer.emails',
  description: 'SHA-256 of the e-mail address, trimmed and in lower case: as hex, base64 or base64url.',
  normalise: (value) => {
    const hex = /^[\da-f]{64}$/i.test(value)
      ? value.toLowerCase()
      : /^[\w+/-]{43}=?$/.test(value)
        ? Buffer.from(value, 'base64').toString('hex')
        : null;
    return hex === null || NOTHING_HASHED.has(hex) ? null : hex;
  },
  mayLink: () => false,
};
