import { domainToASCII } from 'node:url';
import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/min';
import type { Namespace } from '../source.js';

/** An identifier in its one way to be written. */
export interface Identifier {
  readonly namespace: string;
  readonly value: string;
}

/** Values that systems hold where nobody knew the real one; they never identify anyone. */
const BLOCKED = new Set([
  '',
  '0',
  '00',
  '000',
  '0000',
  '-',
  '-1',
  'null',
  'undefined',
  'none',
  'n/a',
  'unknown',
  'onbekend',
  'anonymous',
  'anoniem',
  'test',
]);

/** Mailboxes of a role, not of a person: they never lead to another system's record. */
const ROLES = new Set([
  'abuse',
  'accounts',
  'admin',
  'administratie',
  'billing',
  'boekhouding',
  'contact',
  'facturen',
  'finance',
  'help',
  'helpdesk',
  'hello',
  'hostmaster',
  'info',
  'inkoop',
  'klantenservice',
  'mail',
  'marketing',
  'no-reply',
  'noreply',
  'office',
  'postmaster',
  'receptie',
  'root',
  'sales',
  'secretariaat',
  'service',
  'support',
  'team',
  'verkoop',
  'webmaster',
]);

/** E-mail: trimmed, lower case, domain in ASCII (IDNA), nothing more. What dots or a plus mean is the mailbox's own business. */
const email: Namespace = {
  name: 'email',
  description: 'E-mail address. Case and surrounding blanks do not matter.',
  normalise: (value) => {
    const [, local, domain] =
      /^([^\s@"]{1,64})@([^\s@]{1,253})$/.exec(value.normalize('NFC').trim().toLowerCase()) ?? [];
    const ascii = domain === undefined ? '' : domainToASCII(domain);
    return local === undefined || !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(ascii) ? null : `${local}@${ascii}`;
  },
  mayLink: (value) => !ROLES.has(value.slice(0, value.indexOf('@'))),
};

/** Phone: E.164, so that 06-12345678, 0031612345678 and +31 6 1234 5678 are one. */
function phone(defaultRegion: string): Namespace {
  return {
    name: 'phone',
    description: `Phone number in any usual way of writing; without country code it is one of ${defaultRegion}.`,
    normalise: (value) => {
      const number = parsePhoneNumberFromString(value, defaultRegion as CountryCode);
      return number?.isValid() === true ? number.number : null;
    },
  };
}

/** The namespaces that mean the same in every system. */
export function commonNamespaces(defaultRegion: string): Namespace[] {
  return [email, phone(defaultRegion)];
}

/** A namespace whose values are one system's own ids: text that fits a pattern, nothing to normalise but blanks. */
export function idNamespace(name: string, description: string, pattern: RegExp): Namespace {
  return {
    name,
    description,
    normalise: (value) => {
      const trimmed = value.trim();
      return pattern.test(trimmed) ? trimmed : null;
    },
  };
}

/** The identifier, or null when the value identifies nobody. */
export function normalise(namespace: Namespace, value: string): Identifier | null {
  if (value.length > 1_000 || BLOCKED.has(value.trim().toLowerCase())) return null;
  const normalised = namespace.normalise(value);
  return normalised === null || BLOCKED.has(normalised)
    ? null
    : { namespace: namespace.name, value: normalised };
}
