import { describe, expect, test } from 'vitest';
import { coversEntry } from '../../src/operation/audit.js';
import type { AuditEntry } from '../../src/privacy/audit-line.js';

const LINE: AuditEntry = {
  requestId: 'request',
  caller: 'test',
  purpose: 'SERVICE',
  operation: { name: null, id: '' },
  customers: ['one', 'other'],
  categories: { granted: ['IDENTITY'], masked: ['CONTACT'], withheld: ['TRANSACTION'] },
  sources: { shop: 'live', letters: 'cached' },
  cached: false,
};

describe('a subsequent result gets a new audit line', () => {
  const { categories } = LINE;

  test.each<[string, Partial<AuditEntry>]>([
    ['another customer', { customers: ['one', 'third'] }],
    ['another source', { sources: { shop: 'live', register: 'live' } }],
    ['another category that is shown', { categories: { ...categories, granted: ['IDENTITY', 'TRAIT'] } }],
    ['another category that is masked', { categories: { ...categories, masked: ['TRAIT'] } }],
    ['another category that is withheld', { categories: { ...categories, withheld: ['TRAIT'] } }],
    ['a category that is shown and was masked', { categories: { ...categories, granted: ['CONTACT'] } }],
  ])('when it contains %s', (_, difference) => {
    expect(coversEntry(LINE, { ...LINE, ...difference })).toBe(false);
  });

  test('when no line was written before', () => {
    expect(coversEntry(undefined, LINE)).toBe(false);
  });

  test.each<[string, Partial<AuditEntry>]>([
    ['the same', {}],
    [
      'less',
      { customers: ['other'], sources: { letters: 'live' }, categories: { ...categories, masked: [] } },
    ],
    ['the same by another status', { sources: { shop: 'stale', letters: 'live' }, cached: true }],
  ])('but not when it contains %s', (_, difference) => {
    expect(coversEntry(LINE, { ...LINE, ...difference })).toBe(true);
  });
});
