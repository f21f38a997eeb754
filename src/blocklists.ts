import { z } from 'zod';

/** What identifies no customer. All in lower case; each list is a setting of the gateway. */
export interface Blocklists {
  /** Placeholders: texts that systems and people write if a value is unknown. */
  values: ReadonlySet<string>;
  /** Domains whose addresses belong to no customer, subdomains included. */
  domains: ReadonlySet<string>;
  /** Mailboxes of a role. Such an address identifies, but never links one record to another. */
  roleMailboxes: ReadonlySet<string>;
}

export const DEFAULT_BLOCKLISTS: Blocklists = {
  values: new Set([
    ...['-1', 'n/a', '#n/a', 'na', 'n.v.t.', 'nvt', 'nil', 'null', '(null)', 'none', 'nan', 'undefined'],
    ...[
      '[object object]',
      'unknown',
      'onbekend',
      'geen',
      'leeg',
      'empty',
      'anonymous',
      'anoniem',
      'guest',
      'gast',
    ],
    ...['test', 'tester', 'dummy', 'fake', 'asdf', 'xxx'],
    ...['geen-email', 'geenemail', 'geenmail', 'no-email', 'no-mail', 'noemail', 'nomail', 'no.email'],
  ]),
  // Reserved for addresses that must not work (RFC 2606, RFC 6761). `test` and `example` are reserved too, and left out:
  // staging systems use them for people, each with their own address.
  domains: new Set(['invalid', 'localhost']),
  roleMailboxes: new Set([
    ...[
      'abuse',
      'accounts',
      'admin',
      'administratie',
      'billing',
      'boekhouding',
      'contact',
      'directie',
      'facturatie',
    ],
    ...[
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
    ],
    ...[
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
    ],
    ...['security', 'service', 'support', 'team', 'verkoop', 'webmaster'],
  ]),
};

/** A comma-separated list, converted to lower case. The word `default` inserts the default values, so a list can extend them. */
export const blockedList = (fallback: ReadonlySet<string>, item: RegExp) =>
  z
    .string()
    .default('default')
    .transform((text) =>
      text
        .toLowerCase()
        .split(',')
        .map((part) => part.trim()),
    )
    .pipe(z.array(z.string().regex(item)))
    .transform((parts) => new Set(parts.flatMap((part) => (part === 'default' ? [...fallback] : [part]))));
