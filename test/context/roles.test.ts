import { expect, test } from 'vitest';
import { isRole, permissionsOf, ROLES, SCOPES } from '../../src/context/roles.js';

test("who has several roles may what any of them gives, by default for the first one's purpose", () => {
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

test('a role alone gives what is its own', () => {
  for (const role of Object.keys(ROLES).filter(isRole)) expect(permissionsOf([role])).toBe(ROLES[role]);
});

test('a visitor finds nobody but itself, an analyst sees nothing in the clear, and only an operator makes forget', () => {
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

test('nothing is a role that is only a name that all objects know', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'Operator', 'operator ', ''])
    expect(isRole(name)).toBe(false);
});
