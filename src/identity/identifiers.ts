import type { Namespace } from './declaration.js';
import { standsForNobody } from './namespaces/blocked.js';
import { email } from './namespaces/email.js';
import { emailHash } from './namespaces/email-hash.js';
import { facebookUserId } from './namespaces/facebook-user-id.js';
import { kvkNumber } from './namespaces/kvk-number.js';
import { phone } from './namespaces/phone.js';
import { vatNumber } from './namespaces/vat-number.js';
import { visitorId } from './namespaces/visitor-id.js';
import { xUsername } from './namespaces/x-username.js';

/** An identifier in its one way to be written. */
export interface Identifier {
  readonly namespace: string;
  readonly value: string;
}

/** The namespaces that mean the same in every system. */
export function commonNamespaces(defaultRegion: string): Namespace[] {
  return [email, emailHash, phone(defaultRegion), visitorId, kvkNumber, vatNumber, xUsername, facebookUserId];
}

/** A namespace whose values are one system's own ids: text that fits a pattern, nothing to normalise but blanks. */
export function idNamespace(
  name: string,
  description: string,
  pattern: RegExp,
  options: Pick<Namespace, 'perCustomer'> = {},
): Namespace {
  return {
    name,
    description,
    normalise: (value) => (pattern.test(value) ? value : null),
    ...options,
  };
}

/** Control characters, half characters, and what is invisible. */
const JUNK = '\\p{C}\\p{Default_Ignorable_Code_Point}';
const AROUND = new RegExp(`^[\\s${JUNK}]+|[\\s${JUNK}]+$`, 'gu');
const INSIDE = new RegExp(`[${JUNK}]`, 'u');

/** The identifier, or null when the value identifies nobody. */
export function normalise(namespace: Namespace, value: string): Identifier | null {
  if (value.length > 1_000) return null;
  // Copied from a page or a spreadsheet they come along around a value; inside it, two values would look like one.
  const text = value.replace(AROUND, '');
  if (INSIDE.test(text) || standsForNobody(text)) return null;
  const normalised = namespace.normalise(text);
  return normalised === null || standsForNobody(normalised)
    ? null
    : { namespace: namespace.name, value: normalised };
}

/** A value as it may be shown to who may not see it. */
export function mask(namespace: Namespace, value: string): string {
  if (namespace.mask !== undefined) return namespace.mask(value);
  // Of a short one, two characters would be most of it.
  return value.length < 4 ? '***' : `${value.slice(0, 1)}***${value.slice(-1)}`;
}
