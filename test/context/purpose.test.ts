import { expect, test } from 'vitest';
import type { Caller } from '../../src/context/caller.js';
import { purposeOf } from '../../src/context/purpose.js';
import { ROLES } from '../../src/context/roles.js';
import { ForbiddenError, InvalidInputError } from '../../src/errors.js';
import { createTestAuthentication } from '../support/authentication.js';

const campaign: Caller = { ...ROLES.campaign, name: 'campaign', roles: ['campaign'], origins: [] };
const purposeOfCaller = (caller: Caller, purpose?: string) =>
  purposeOf(new Headers(purpose === undefined ? {} : { 'x-purpose': purpose }), caller);

test('a request has the purpose of its header if its caller may use it', () => {
  expect(purposeOfCaller(campaign, 'SERVICE')).toBe('SERVICE');
  expect(purposeOfCaller(campaign, ' service ')).toBe('SERVICE');
});

test('a request without a purpose has the default of its caller', () => {
  expect(purposeOfCaller(campaign)).toBe('MARKETING');
});

test('a purpose that the caller may not use is refused, and the error names the allowed ones', () => {
  expect(() => purposeOfCaller(campaign, 'CUSTOMER_CARE')).toThrow(
    new ForbiddenError('This caller may not use the purpose CUSTOMER_CARE. It may use MARKETING, SERVICE.', {
      purposes: ['MARKETING', 'SERVICE'],
    }),
  );
  expect(() => purposeOfCaller({ ...campaign, purposes: ['SERVICE'] }, 'MARKETING')).toThrow(ForbiddenError);
});

test('an unknown purpose is refused, and not quoted in the error', () => {
  for (const text of ['', 'SERVICE, MARKETING', 'curiosity', 'constructor']) {
    expect(() => purposeOfCaller(campaign, text)).toThrow(InvalidInputError);
    expect(() => purposeOfCaller(campaign, text)).toThrow(
      /^The header Data-Purpose is not a purpose. It must be one of SERVICE, [A-Z_, ]+\.$/,
    );
  }
});

test('without authentication, a request may have any purpose and has none by default', async () => {
  const anybody = await createTestAuthentication({ AUTH: 'off' }).callerOf('anything');
  expect(purposeOfCaller(anybody)).toBeUndefined();
  expect(purposeOfCaller(anybody, 'MARKETING')).toBe('MARKETING');
});
