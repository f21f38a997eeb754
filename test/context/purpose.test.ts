import { expect, test } from 'vitest';
import type { Caller } from '../../src/context/caller.js';
import { purposeOf } from '../../src/context/purpose.js';
import { ROLES } from '../../src/context/roles.js';
import { ForbiddenError, InvalidInputError } from '../../src/errors.js';
import { createTestAuthentication } from '../support/authentication.js';

const campaign: Caller = { ...ROLES.campaign, name: 'campaign', roles: ['campaign'], origins: [] };
const asked = (caller: Caller, purpose?: string) =>
  purposeOf(new Headers(purpose === undefined ? {} : { 'x-purpose': purpose }), caller);

test('a request is for what it says, if its caller may ask for that', () => {
  expect(asked(campaign, 'SERVICE')).toBe('SERVICE');
  expect(asked(campaign, ' service ')).toBe('SERVICE');
});

test('a request that does not say is for what its caller usually asks for', () => {
  expect(asked(campaign)).toBe('MARKETING');
});

test('a purpose that the caller may not use is refused, and the error names the allowed ones', () => {
  expect(() => asked(campaign, 'CUSTOMER_CARE')).toThrow(
    new ForbiddenError('This caller may not use the purpose CUSTOMER_CARE. It may use MARKETING, SERVICE.', {
      purposes: ['MARKETING', 'SERVICE'],
    }),
  );
  expect(() => asked({ ...campaign, purposes: ['SERVICE'] }, 'MARKETING')).toThrow(ForbiddenError);
});

test('what is no purpose is refused, and not repeated', () => {
  for (const said of ['', 'SERVICE, MARKETING', 'curiosity', 'constructor']) {
    expect(() => asked(campaign, said)).toThrow(InvalidInputError);
    expect(() => asked(campaign, said)).toThrow(
      /^Data-Purpose names no purpose: it must be one of SERVICE, [A-Z_, ]+\.$/,
    );
  }
});

test('where nobody says who they are a request may be for anything, and by default is for nothing in particular', async () => {
  const anybody = await createTestAuthentication({ AUTH: 'off' }).as('anything');
  expect(asked(anybody)).toBeUndefined();
  expect(asked(anybody, 'MARKETING')).toBe('MARKETING');
});
