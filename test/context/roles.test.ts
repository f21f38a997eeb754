import { expect, test } from 'vitest';
import { isRole, permissionsOf, ROLES, SCOPES } from '../../src/context/roles.js';

test('a caller with several roles has the permissions of all, and the default purpose of the first role', () => {
  expect(permissionsOf(['campaign', 'analyst'])).toEqual({
    scopes: new Set([...ROLES.campaign.scopes, ...ROLES.analyst.scopes]),
    purposes: ['MARKETING', 'SERVICE', 'ANALYTICS'],
    defaultPurpose: 'MARKETING',
    priority: 'interactive',
    maxCost: 1_000_000,
    costPerMinute: 20_000_000,
    operations: 'any',
    sees: 'clear',
    findsBy: 'all',
  });
  expect(permissionsOf(['analyst', 'campaign'])).toMatchObject({
    defaultPurpose: 'ANALYTICS',
    sees: 'clear',
  });
  expect(permissionsOf(['visitor', 'frontend'])).toMatchObject({ operations: 'persisted', findsBy: 'all' });
});

test('a caller with one role has the permissions of that role', () => {
  for (const role of Object.keys(ROLES).filter(isRole)) expect(permissionsOf([role])).toBe(ROLES[role]);
});

test('a visitor finds only itself, an analyst sees no unmasked values, and only an operator can forget', () => {
  expect(ROLES.visitor.findsBy).toEqual(new Set());
  expect(ROLES.visitor.scopes.has('customers:find')).toBe(false);
  expect(ROLES.analyst.sees).toBe('masked');
  const holders = (scope: string) =>
    Object.keys(ROLES).filter((role) => isRole(role) && ROLES[role].scopes.has(scope));
  expect(holders('admin:forget')).toEqual(['operator']);
  expect(holders('me:read')).toEqual(['visitor']);
  for (const { scopes } of Object.values(ROLES)) for (const scope of scopes) expect(SCOPES).toContain(scope);
});

test('the default purpose of each role is one of its purposes', () => {
  for (const { purposes, defaultPurpose } of Object.values(ROLES)) expect(purposes).toContain(defaultPurpose);
});

test('the name of an object property, such as constructor, is not a role', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'Operator', 'operator ', ''])
    expect(isRole(name)).toBe(false);
});
