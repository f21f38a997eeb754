import { describe, expect, it, vi } from 'vitest';
import type { Caller } from '../../src/context/caller.js';
import { permissionsOf } from '../../src/context/roles.js';
import { createPrincipals } from '../../src/operation/principal.js';

const needsConsent = (purpose?: string) => purpose === 'MARKETING';

const caller = (role: string, more: Partial<Caller> = {}): Caller => ({
  ...permissionsOf([role]),
  name: role,
  roles: [role],
  origins: [],
  ...more,
});

describe('a principal', () => {
  it('is the same for the same caller and purpose, and another for any other', () => {
    const principalOf = createPrincipals({ maySee: () => true, needsConsent });
    const [shop, office] = [caller('frontend'), caller('frontend')];
    const service = principalOf(shop, 'SERVICE');
    expect(principalOf(shop, 'SERVICE')).toBe(service);
    expect(principalOf(shop, 'PERSONALISATION').audience.purpose).toBe('PERSONALISATION');
    expect(principalOf(shop, undefined).audience.purpose).toBeUndefined();
    expect(principalOf(office, 'SERVICE')).not.toBe(service);
    expect(principalOf(office, 'SERVICE').caller).toBe(office);
  });

  it('has the permissions of its caller', () => {
    const maySee = vi.fn(() => true);
    const customer = { namespace: 'email', value: 'jan@example.nl' };
    const { audience, permissions } = createPrincipals({ maySee, needsConsent })(
      caller('visitor', { customer }),
      'SERVICE',
    );
    expect(permissions).toMatchObject({ ownIdentifier: customer, findsBy: new Set(), seesErased: false });
    permissions.maySee('Customer.orders');
    expect(maySee).toHaveBeenCalledWith(audience, 'Customer.orders');
  });

  it.each([
    ['operator', true],
    ['analyst', false],
    ['campaign', false],
  ])('of the role %s sees erased customers: %s', (role, expected) => {
    const { permissions } = createPrincipals({ maySee: () => true, needsConsent })(
      caller(role),
      'CUSTOMER_CARE',
    );
    expect(permissions).toMatchObject({ findsBy: 'all', seesErased: expected });
    expect(permissions).not.toHaveProperty('ownIdentifier');
  });
});
