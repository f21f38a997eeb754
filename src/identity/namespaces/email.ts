import { domainToASCII } from 'node:url';
import type { Namespace } from '../declaration.js';
import { standsForNobody } from './blocked.js';

/** Mailboxes of a role, not of a person: they never lead to another system's record. */
const ROLES = new Set([
  'abuse',
  'accounts',
  'admin',
  'administratie',
  'billing',
  'boekhouding',
  'contact',
  'directie',
  'facturatie',
  'facturen',
  'finance',
  'hello',
  'help',
  'helpdesk',
  'hostmaster',
  'hr',
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
  'security',
  'service',
  'support',
  'team',
  'verkoop',
  'webmaster',
]);

/** What is typed before or after the @ where an address is asked for and there is none. */
const NO_ADDRESS = new Set([
  'geen-email',
  'geenemail',
  'geenmail',
  'no-email',
  'no-mail',
  'noemail',
  'nomail',
  'no.email',
]);

/** Trimmed, lower case, domain in ASCII (IDNA), nothing more. What dots or a plus mean is the mailbox's own business. */
export const email: Namespace = {
  name: 'email',
  shownBy: 'Customer.emails',
  description: 'E-mail address. Case and surrounding blanks do not matter.',
  normalise: (value) => {
    // Lower case before NFC: some letters have a composed form in lower case only.
    const [, local, domain] =
      /^([^\s@"(),:;<>[\]\\]{1,64})@([^\s@%]{1,253})$/.exec(value.toLowerCase().normalize('NFC')) ?? [];
    if (local === undefined || domain === undefined) return null;
    // Nearly all are in plain letters already, and asking costs more than all the rest here.
    const ascii = /^[a-z0-9.-]*$/.test(domain) && !domain.includes('xn--') ? domain : domainToASCII(domain);
    // The last label begins with a letter, else it is an IP address.
    if (!/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])$/.test(ascii)) return null;
    return isPlaceholder(local, ascii) ? null : `${local}@${ascii}`;
  },
  mayLink: (value) => !ROLES.has(value.slice(0, value.indexOf('@'))),
  mask: (value) => value.replace(/^(.).*@/u, '$1***@'),
};

/** `noemail@shop.nl`, `test@test.nl`, `jan@none.nl`; and domains that can never receive mail (RFC 2606). */
function isPlaceholder(local: string, domain: string): boolean {
  const name = domain.split('.').at(-2) ?? '';
  return (
    [local, name].some((part) => NO_ADDRESS.has(part) || standsForNobody(part)) ||
    /\.(invalid|test|localhost)$/.test(domain)
  );
}
