import { describe, expect, test, vi } from 'vitest';
import { coversEntry, createAuditor, type Audited } from '../../src/operation/audit.js';
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
  ])('if it contains %s', (_, difference) => {
    expect(coversEntry(LINE, { ...LINE, ...difference })).toBe(false);
  });

  test('if no line was written before', () => {
    expect(coversEntry(undefined, LINE)).toBe(false);
  });

  test.each<[string, Partial<AuditEntry>]>([
    ['the same', {}],
    [
      'less',
      { customers: ['other'], sources: { letters: 'live' }, categories: { ...categories, masked: [] } },
    ],
    ['the same content with another status', { sources: { shop: 'stale', letters: 'live' }, cached: true }],
  ])('but not if it contains %s', (_, difference) => {
    expect(coversEntry(LINE, { ...LINE, ...difference })).toBe(true);
  });
});

describe('an answer', () => {
  const auditor = createAuditor({
    log: vi.fn() as never,
    required: true,
    permissions: { outcomesOf: () => new Map() },
    customersOf: () => ['one'],
    logger: vi.fn() as never,
  });
  const entryWith = (sources: AuditEntry['sources']) =>
    auditor.entryOf({
      prepared: { audited: { name: null, id: '' } },
      disclosure: { of: () => LINE.categories, forbidden: () => [] },
      context: { requestId: 'request' },
      principal: { caller: { name: 'test' }, audience: { purpose: 'SERVICE' } },
      provenance: { statuses: () => sources },
      about: undefined,
      because: undefined,
    } as unknown as Audited);

  test.each<[boolean, AuditEntry['sources']]>([
    [true, { shop: 'cached', letters: 'stale' }],
    [false, { shop: 'live', letters: 'cached' }],
    [false, { shop: 'failed', letters: 'cached' }],
  ])('is audited as cached: %s, if its sources are %j', (cached, sources) => {
    expect(entryWith(sources)).toMatchObject({ cached, sources, customers: ['one'] });
  });
});
