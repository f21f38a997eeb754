import { domainToASCII, domainToUnicode } from 'node:url';
import type { Blocklists } from '../../blocklists.js';
import type { Namespace } from '../declaration.js';
import { placeholderIn } from './blocked.js';

/** Trimmed, lower case, domain in ASCII (IDNA), nothing more. What dots or a plus mean is the mailbox's own business. */
export function email({ values, domains, roleMailboxes }: Blocklists): Namespace {
  return {
    name: 'email',
    shownBy: 'Customer.emails',
    description: 'E-mail address. Case and surrounding blanks do not matter.',
    normalise: (value) => {
      if (!isComposed(value)) return null;
      // Lower case before NFC: some letters have a composed form in lower case only.
      const [, local, domain] =
        /^([^\s@"(),:;<>[\]\\]{1,64})@([^\s@]{1,253})$/.exec(value.toLowerCase().normalize('NFC')) ?? [];
      const ascii = domain === undefined ? null : asciiDomain(domain);
      return local === undefined || ascii === null ? null : `${local}@${ascii}`;
    },
    refusal: (value) => {
      const [local = '', domain = ''] = value.split('@');
      if (domains.size > 0 && parentsOf(domain).some((one) => domains.has(one)))
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
 * Whether NFC only composes, and replaces no character by another. The Kelvin sign, for example, becomes a plain k, and the
 * address would be another person's.
 */
function isComposed(value: string): boolean {
  return /^[ -~]*$/.test(value) || Array.from(value).every((one) => one === one.normalize('NFC'));
}

/**
 * The domain in ASCII, or null when it is none. `domainToASCII` is made for addresses of web pages: it stops at `/ ? # \` and
 * maps characters to others, so each label must be the one that was given, or its punycode.
 */
function asciiDomain(domain: string): string | null {
  // Nearly all are in plain letters already, and asking costs more than all the rest here.
  const ascii = /^[a-z0-9.-]*$/.test(domain) && !domain.includes('xn--') ? domain : domainToASCII(domain);
  // The last label begins with a letter, else it is an IP address.
  if (!/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])$/.test(ascii)) return null;
  if (ascii === domain) return ascii;
  const given = domain.split('.');
  const labels = ascii.split('.');
  const isGiven = labels.every((label, i) => label === given[i] || domainToUnicode(label) === given[i]);
  return isGiven && labels.length === given.length ? ascii : null;
}

/** `a.b.nl`, `b.nl` and `nl`. */
function parentsOf(domain: string): string[] {
  const labels = domain.split('.');
  return labels.map((_, i) => labels.slice(i).join('.'));
}
