import { PRIORITIES } from '../priority.js';
import type { RolePermissions, Role } from './caller.js';
import { PURPOSES } from './purpose.js';

/** All that `@requiresScopes` can ask for. */
export const SCOPES = [
  'customers:find',
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
export type Scope = (typeof SCOPES)[number];

const allBut = (...left: Scope[]) => new Set(SCOPES.filter((scope) => !left.includes(scope)));
const only = (...scopes: Scope[]) => new Set(scopes);

/**
 * What each role may. Costs are in points (`@cost`): `maxCost` is about the largest thing that such a caller has to
 * do, `costPerMinute` what all who share its name do in a busy minute; of a visitor it is each one's own.
 */
export const ROLES: Readonly<Record<Role, Required<RolePermissions>>> = {
  /** A browser, for the one person that its token names. */
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
  /** A server that personalises pages. What sales thinks of somebody, and what they owe, has no place on a page. */
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
  /** A person who explores, in GraphiQL, and has no business with any one customer. */
  analyst: {
    scopes: allBut('me:read', 'admin:forget'),
    purposes: ['ANALYTICS'],
    defaultPurpose: 'ANALYTICS',
    priority: 'interactive',
    maxCost: 10_000,
    costPerMinute: 200_000,
    operations: 'any',
    sees: 'masked',
    findsBy: 'all',
  },
  /** A tool that fetches thousands of profiles, and has time. */
  campaign: {
    scopes: only(
      'customers:find',
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
  /** Whoever runs the gateway, and helps customers with their rights. */
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

/** All that one of the roles gives. The default purpose is that of the first. */
export function permissionsOf([first, ...others]: readonly [Role, ...Role[]]): Required<RolePermissions> {
  return others.map((role) => ROLES[role]).reduce(together, ROLES[first]);
}

function together(
  one: Required<RolePermissions>,
  other: Required<RolePermissions>,
): Required<RolePermissions> {
  const urgent = (rights: RolePermissions) => PRIORITIES.indexOf(rights.priority);
  return {
    scopes: new Set([...one.scopes, ...other.scopes]),
    purposes: [...new Set([...one.purposes, ...other.purposes])],
    defaultPurpose: one.defaultPurpose,
    priority: urgent(one) <= urgent(other) ? one.priority : other.priority,
    maxCost: Math.max(one.maxCost, other.maxCost),
    costPerMinute: Math.max(one.costPerMinute, other.costPerMinute),
    operations: one.operations === 'any' ? 'any' : other.operations,
    sees: one.sees === 'clear' ? 'clear' : other.sees,
    findsBy:
      one.findsBy === 'all' || other.findsBy === 'all' ? 'all' : new Set([...one.findsBy, ...other.findsBy]),
  };
}
