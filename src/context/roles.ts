import { PRIORITIES } from '../priority.js';
import type { RolePermissions, Role } from './caller.js';
import { PURPOSES } from './purpose.js';

/** The scopes of the gateway. Sources may list more. */
export const SCOPES = [
  'customers:find',
  'customers:search',
  'audiences:read',
  'me:read',
  'identity:explore',
  'companies:read',
  'profile:read',
  'contact:read',
  'orders:read',
  'invoices:read',
  'tickets:read',
  'tickets:others',
  'behaviour:read',
  'relation:read',
  'social:read',
  'timeline:read',
  'events:read',
  'admin:forget',
] as const;
type Scope = (typeof SCOPES)[number];

const allBut = (...excluded: Scope[]) => new Set(SCOPES.filter((scope) => !excluded.includes(scope)));
const only = (...scopes: Scope[]) => new Set(scopes);

/** The permissions of all roles, by name. */
export type Roles = ReadonlyMap<string, Required<RolePermissions>>;

/**
 * The permissions of each built-in role. The setting ROLES can change them. Costs are in points (`@cost`). `maxCost` is about
 * the cost of the largest operation that such a caller needs. `costPerMinute` is about the load of a busy minute from all
 * callers with the same name; for visitors it applies to each visitor.
 */
export const ROLES: Readonly<Record<Role, Required<RolePermissions>>> = {
  /** A browser, for the person in its token. */
  visitor: {
    scopes: only(
      'me:read',
      'profile:read',
      'contact:read',
      'orders:read',
      'invoices:read',
      'tickets:read',
      'behaviour:read',
      'timeline:read',
    ),
    purposes: ['SERVICE', 'PERSONALISATION'],
    defaultPurpose: 'SERVICE',
    priority: 'interactive',
    maxCost: 2_000,
    costPerMinute: 20_000,
    operations: 'persisted',
    sees: 'clear',
    findsBy: new Set(),
  },
  /** A server that personalises pages. It has no access to sales notes or invoices, which do not belong on a page. */
  frontend: {
    scopes: only(
      'customers:find',
      'profile:read',
      'contact:read',
      'orders:read',
      'tickets:read',
      'behaviour:read',
      'timeline:read',
      'events:read',
    ),
    purposes: ['PERSONALISATION', 'SERVICE'],
    defaultPurpose: 'PERSONALISATION',
    priority: 'interactive',
    maxCost: 5_000,
    costPerMinute: 6_000_000,
    operations: 'persisted',
    sees: 'clear',
    findsBy: 'all',
  },
  /** A person who explores data in GraphiQL, and does not need to know who a customer is. */
  analyst: {
    scopes: allBut('me:read', 'admin:forget', 'customers:search'),
    purposes: ['ANALYTICS'],
    defaultPurpose: 'ANALYTICS',
    priority: 'interactive',
    maxCost: 10_000,
    costPerMinute: 200_000,
    operations: 'any',
    sees: 'masked',
    findsBy: 'all',
  },
  /** A tool that fetches thousands of profiles, without urgency. */
  campaign: {
    scopes: only(
      'customers:find',
      'audiences:read',
      'companies:read',
      'profile:read',
      'contact:read',
      'orders:read',
      'behaviour:read',
      'relation:read',
      'social:read',
      'events:read',
    ),
    purposes: ['MARKETING', 'SERVICE'],
    defaultPurpose: 'MARKETING',
    priority: 'automation',
    maxCost: 1_000_000,
    costPerMinute: 20_000_000,
    operations: 'any',
    sees: 'clear',
    findsBy: 'all',
  },
  /** The team that runs the gateway and handles customers' privacy requests. */
  operator: {
    scopes: allBut('me:read'),
    purposes: ['CUSTOMER_CARE', ...PURPOSES.filter((purpose) => purpose !== 'CUSTOMER_CARE')],
    defaultPurpose: 'CUSTOMER_CARE',
    priority: 'interactive',
    maxCost: 1_000_000,
    costPerMinute: 20_000_000,
    operations: 'any',
    sees: 'clear',
    findsBy: 'all',
  },
};

export function isRole(text: string): text is Role {
  return Object.hasOwn(ROLES, text);
}

/** The combined permissions of several roles. The first role determines the default purpose. */
export function permissionsOf(
  [first, ...others]: readonly [string, ...string[]],
  roles: Roles = BUILT_IN,
): Required<RolePermissions> {
  return others.map((role) => permissionsIn(roles, role)).reduce(combine, permissionsIn(roles, first));
}

const BUILT_IN: Roles = new Map(Object.entries(ROLES));

function permissionsIn(roles: Roles, role: string): Required<RolePermissions> {
  const permissions = roles.get(role);
  if (permissions === undefined) throw new Error(`There is no role "${role}".`);
  return permissions;
}

function combine(a: Required<RolePermissions>, b: Required<RolePermissions>): Required<RolePermissions> {
  const rankOf = ({ priority }: RolePermissions) => PRIORITIES.indexOf(priority);
  return {
    scopes: new Set([...a.scopes, ...b.scopes]),
    purposes: [...new Set([...a.purposes, ...b.purposes])],
    defaultPurpose: a.defaultPurpose,
    priority: rankOf(a) <= rankOf(b) ? a.priority : b.priority,
    maxCost: Math.max(a.maxCost, b.maxCost),
    costPerMinute: Math.max(a.costPerMinute, b.costPerMinute),
    operations: a.operations === 'any' ? 'any' : b.operations,
    sees: a.sees === 'clear' ? 'clear' : b.sees,
    findsBy: a.findsBy === 'all' || b.findsBy === 'all' ? 'all' : new Set([...a.findsBy, ...b.findsBy]),
  };
}
