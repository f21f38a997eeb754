import { DEFAULT_BLOCKLISTS, type Blocklists } from '../blocklists.js';
import { InvalidInputError } from '../errors.js';
import type { Namespace } from './declaration.js';
import { placeholderIn } from './namespaces/blocked.js';
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
export function commonNamespaces(
  defaultRegion: string,
  blocklists: Blocklists = DEFAULT_BLOCKLISTS,
): Namespace[] {
  return [
    email(blocklists),
    emailHash(blocklists.values),
    phone(defaultRegion),
    ...[visitorId, kvkNumber, vatNumber, xUsername, facebookUserId],
  ].map((namespace) => ({ ...namespace, blockedValues: blocklists.values }));
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

/** White space and invisible characters come along when a value is copied, so they do not count around it. */
const IGNORED = '\\s\\p{Cf}\\p{Default_Ignorable_Code_Point}';
const AROUND = new RegExp(`^[${IGNORED}]+|[${IGNORED}]+$`, 'gu');
/** Inside a value an invisible character makes two values look like one. Control and half characters are part of no value. */
const REFUSED = /[\p{C}\p{Default_Ignorable_Code_Point}]/u;
const MAX_LENGTH = 1_000;

/** The identifier, or null when the value identifies nobody. */
export function normalise(namespace: Namespace, value: string): Identifier | null {
  const read = readIdentifier(namespace, value);
  return 'refusal' in read ? null : read;
}

/** The identifier, or why the value identifies nobody: the end of a sentence that does not repeat the value. */
export function readIdentifier(
  namespace: Namespace | undefined,
  value: string,
): Identifier | { refusal: string } {
  if (namespace === undefined) return { refusal: 'no system here knows such identifiers' };
  if (value.length > MAX_LENGTH) return { refusal: `it has more than ${MAX_LENGTH} characters` };
  const text = value.replace(AROUND, '');
  if (REFUSED.test(text)) return { refusal: 'it contains an invisible character or a control character' };
  const { name, description, blockedValues = DEFAULT_BLOCKLISTS.values } = namespace;
  const isPlaceholder = placeholderIn(text, blockedValues);
  if (isPlaceholder !== undefined) return { refusal: isPlaceholder };
  const normalised = namespace.normalise(text);
  if (normalised === null) return { refusal: `it does not have the form that is expected: ${description}` };
  const refusal = placeholderIn(normalised, blockedValues) ?? namespace.refusal?.(normalised);
  return refusal === undefined ? { namespace: name, value: normalised } : { refusal };
}

/** The identifier. Throws an InvalidInputError that says which rule refuses the value, and does not repeat the value. */
export function identifierIn(
  { namespaces }: { namespaces: ReadonlyMap<string, Namespace> },
  name: string,
  value: string,
  what: 'customer' | 'company' = 'customer',
): Identifier {
  const read = readIdentifier(namespaces.get(name), value);
  if ('refusal' in read)
    throw new InvalidInputError(
      `The ${name} given cannot identify a ${what}: ${read.refusal.replace(/\.$/, '')}.`,
    );
  return read;
}

/** Whether something stands around a value that `normalise` leaves out. Who issued the value may tell the two apart. */
export function isPadded(value: string): boolean {
  return value.replace(AROUND, '') !== value;
}

/** A value as it may be shown to who may not see it. */
export function mask(namespace: Namespace, value: string): string {
  if (namespace.mask !== undefined) return namespace.mask(value);
  // Of a short one, two characters would be most of it.
  return value.length < 4 ? '***' : `${value.slice(0, 1)}***${value.slice(-1)}`;
}
