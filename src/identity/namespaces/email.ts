import { domainToASCII, domainToUnicode } from 'node:url';
import type { Blocklists } from '../../blocklists.js';
import type { Namespace } from '../declaration.js';
import { placeholderIn } from './blocked.js';

/** Trimmed, lower case, domain in ASCII (IDNA). Dots and plus signs are not changed: their meaning depends on the mailbox. */
export function email({ values, domains, roleMailboxes }: Blocklists): Namespace {
  return {
    name: 'email',
    shownBy: 'Customer.emails',
    description: 'E-mail address. Case and surrounding blanks do not matter.',
    normalise: (value) => {
      if (!isComposed(value)) return null;
      // Lower case comes before NFC: some letters have a composed form in lower case only.
      const [, local, domain] =
        /^([^\s@"(),:;<>[\]\\]{1,64})@([^\s@]{1,253})$/.exec(value.toLowerCase().normalize('NFC')) ?? [];
      const ascii = domain === undefined ? null : asciiDomain(domain);
      return local === undefined || ascii === null ? null : `${local}@${ascii}`;
    },
    refusal: (value) => {
      const [local = '', domain = ''] = value.split('@');
      if (domains.size > 0 && parentsOf(domain).some((parent) => domains.has(parent)))
        return 'its domain is blocked (IDENTITY_BLOCKED_DOMAINS)';
      const name = domain.split('.').at(-2) ?? '';
      const isBlocked = [local, name].some((part) => placeholderIn(part, values) !== undefined);
      return isBlocked ? 'its mailbox or domain is a placeholder (IDENTITY_BLOCKED_VALUES)' : undefined;
    },
    mayLink: (value) => !roleMailboxes.has(value.slice(0, value.indexOf('@'))),
    mask: (value) => value.replace(/^(.).*@/u, '$1***@'),
  };
}

/**
 * Whether NFC only composes characters, without replacing one by another. For example, NFC replaces the Kelvin sign by a
 * plain K, which would give another person's address.
 */
function isComposed(value: string): boolean {
  return (
    /^[ -~]*$/.test(value) || Array.from(value).every((character) => character === character.normalize('NFC'))
  );
}

/**
 * The domain in ASCII, or null if it is invalid. `domainToASCII` is made for URLs: it stops at `/ ? # \` and replaces
 * characters. Therefore each label must equal the input label or its punycode.
 */
function asciiDomain(domain: string): string | null {
  // Most domains are ASCII already, and the conversion is the most expensive step.
  const ascii = /^[a-z0-9.-]*$/.test(domain) && !domain.includes('xn--') ? domain : domainToASCII(domain);
  // The last label begins with a letter; otherwise it is an IP address.
  if (!/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])$/.test(ascii)) return null;
  if (ascii === domain) return ascii;
  const inputLabels = domain.split('.');
  const labels = ascii.split('.');
  const isUnchanged = labels.every(
    (label, i) => label === inputLabels[i] || domainToUnicode(label) === inputLabels[i],
  );
  return isUnchanged && labels.length === inputLabels.length ? ascii : null;
}

/** The domain and its parent domains: `a.b.nl`, `b.nl` and `nl`. */
function parentsOf(domain: string): string[] {
  const labels = domain.split('.');
  return labels.map((_, i) => labels.slice(i).join('.'));
}
