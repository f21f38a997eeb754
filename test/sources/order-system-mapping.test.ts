import { expect, it } from 'vitest';
import { toConsent } from '../../sources/order-system/mapping.js';

it.each([
  ['GIVEN', 'GRANTED', 'EXPIRED'],
  ['ASKED', 'REQUESTED', 'EXPIRED'],
  ['REFUSED', 'DENIED', 'DENIED'],
  ['WITHDRAWN', 'REVOKED', 'REVOKED'],
] as const)('a consent that stands as %s is %s, and %s when its time is over', (status, before, after) => {
  const row = {
    cust_no: 'K000001',
    purpose: 'MARKETING' as const,
    channel: null,
    status,
    changed_at: '2026-01-02 03:04:05.000000+00',
    evidence: null,
  };
  expect(toConsent({ ...row, is_over: 0 }).status).toBe(before);
  expect(toConsent({ ...row, is_over: 1 }).status).toBe(after);
});
