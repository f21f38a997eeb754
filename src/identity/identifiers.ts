import { LRUCache } from 'lru-cache';
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

/** An identifier in canonical form. */
export interface Identifier {
  readonly namespace: string;
  readonly value: string;
}

export function isSame(a: Identifier, b: Identifier): boolean {
  return a === b || (a.value === b.value && a.namespace === b.namespace);
}

/** Sorts by namespace, then by value. */
export function compareIdentifiers(a: Identifier, b: Identifier): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}

/** The namespaces with the same meaning in every system. */
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

/** A namespace for one system's own ids: any text that matches the pattern. Only blanks around it are removed. */
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

/** White space and invisible characters, which are often copied together with a value. They are removed around it. */
const IGNORED = '\\s\\p{Cf}\\p{Default_Ignorable_Code_Point}';
const AROUND = new RegExp(`^[${IGNORED}]+|[${IGNORED}]+$`, 'gu');
/** Invisible characters make two values look equal. Control characters and lone surrogates are never part of a value. */
const REFUSED = /[\p{C}\p{Default_Ignorable_Code_Point}]/u;
const MAX_VALUE_CHARACTERS = 1_000;

/** An identifier, or the reason why a value is none: the end of a sentence, without the value. */
type ReadIdentifier = Identifier | { refusal: string };

/** The values of a namespace that are remembered in canonical form: parsing a phone number takes long. */
const MAX_REMEMBERED_VALUES = 5_000;
const MAX_REMEMBERED_CHARACTERS = 100;
const remembered = new WeakMap<Namespace, LRUCache<string, ReadIdentifier>>();

/** Returns the identifier, or null if the value is none. */
export function normalise(namespace: Namespace, value: string): Identifier | null {
  const read = readIdentifier(namespace, value);
  return 'refusal' in read ? null : read;
}

/** Like `normalise`, by the name of the namespace. Null too if no plugged-in source declares the namespace. */
export function normaliseIn(
  { namespaces }: { namespaces: ReadonlyMap<string, Namespace> },
  name: string,
  value: string | null | undefined,
): Identifier | null {
  const namespace = namespaces.get(name);
  return namespace === undefined || value == null ? null : normalise(namespace, value);
}

export function readIdentifier(namespace: Namespace | undefined, value: string): ReadIdentifier {
  if (namespace === undefined) return { refusal: 'no plugged-in system knows such identifiers' };
  if (value.length > MAX_REMEMBERED_CHARACTERS) return parseIdentifier(namespace, value);
  let values = remembered.get(namespace);
  if (values === undefined)
    remembered.set(namespace, (values = new LRUCache({ max: MAX_REMEMBERED_VALUES })));
  let read = values.get(value);
  if (read === undefined) values.set(value, (read = parseIdentifier(namespace, value)));
  return read;
}

function parseIdentifier(namespace: Namespace, value: string): ReadIdentifier {
  if (value.length > MAX_VALUE_CHARACTERS)
    return { refusal: `it has more than ${MAX_VALUE_CHARACTERS} characters` };
  const text = value.replace(AROUND, '');
  if (REFUSED.test(text)) return { refusal: 'it contains an invisible character or a control character' };
  const { name, description, blockedValues = DEFAULT_BLOCKLISTS.values } = namespace;
  const isPlaceholder = placeholderIn(text, blockedValues);
  if (isPlaceholder !== undefined) return { refusal: isPlaceholder };
  const normalised = namespace.normalise(text);
  if (normalised === null) return { refusal: `it does not have the expected form: ${description}` };
  const refusal = placeholderIn(normalised, blockedValues) ?? namespace.refusal?.(normalised);
  return refusal === undefined ? { namespace: name, value: normalised } : { refusal };
}

/** Returns the identifier. Throws an InvalidInputError that names the rule that rejects the value, without the value. */
export function identifierIn(
  { namespaces }: { namespaces: ReadonlyMap<string, Namespace> },
  name: string,
  value: string,
  subject: 'customer' | 'company' = 'customer',
): Identifier {
  const read = readIdentifier(namespaces.get(name), value);
  if ('refusal' in read)
    throw new InvalidInputError(
      `This ${name} cannot identify a ${subject}: ${read.refusal.replace(/\.$/, '')}.`,
    );
  return read;
}

/** Whether a value has blanks or invisible characters around it, which `normalise` removes. */
export function isPadded(value: string): boolean {
  return value.replace(AROUND, '') !== value;
}

/** Masks a value for callers that may not see it. */
export function mask(namespace: Namespace, value: string): string {
  if (namespace.mask !== undefined) return namespace.mask(value);
  // Two characters would reveal most of a short value.
  return value.length < 4 ? '***' : `${value.slice(0, 1)}***${value.slice(-1)}`;
}
