import { describe, expect, test, vi } from 'vitest';
import { coversEntry, createAuditor, notAudited, type Audited } from '../../src/operation/audit.js';
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
  interface Answered {
    sources: AuditEntry['sources'];
    customers: string[];
    categories: AuditEntry['categories'] | undefined;
    purpose: string | undefined;
    because: string | undefined;
    /** The terms of a search. */
    searched: string[];
  }
  const LIVE: Answered = {
    sources: { shop: 'live' },
    customers: ['one'],
    categories: LINE.categories,
    purpose: 'SERVICE',
    because: undefined,
    searched: [],
  };
  const entryOf = (answered: Partial<Answered>) => {
    const { sources, customers, categories, purpose, because, searched } = { ...LIVE, ...answered };
    const auditor = createAuditor({
      log: vi.fn() as never,
      required: true,
      permissions: { outcomesOf: () => new Map() },
      customersOf: () => customers,
      logger: vi.fn() as never,
    });
    return auditor.entryOf({
      prepared: { audited: { name: null, id: '' } },
      disclosure: { of: () => categories, forbidden: () => [] },
      context: { requestId: 'request', searchTerms: new Set(searched) },
      principal: { caller: { name: 'test' }, audience: { purpose } },
      provenance: { statuses: () => sources },
      about: undefined,
      because,
    } as unknown as Audited);
  };
  test('has the terms of a search, and none without a search', () => {
    expect(entryOf({ searched: ['NAME', 'PHONE'] })).toMatchObject({ terms: ['NAME', 'PHONE'] });
    expect(entryOf({})).not.toHaveProperty('terms');
  });
  const entryWith = (sources: AuditEntry['sources']) => entryOf({ sources });

  test.each<[string, Partial<Answered>]>([
    ['contains no personal data', { categories: undefined }],
    ['was refused before any system was called', { sources: {}, customers: [] }],
  ])('is not audited if it %s', (_, answered) => {
    expect(entryOf(answered)).toBeUndefined();
  });

  test.each<[string, Partial<Answered>, Partial<AuditEntry>]>([
    ['is about no customer, although a system was called', { customers: [] }, { customers: [] }],
    ['has a customer, without a call', { sources: {} }, { customers: ['one'], sources: {} }],
    ['has no purpose', { purpose: undefined }, { purpose: 'NONE' }],
    ['is withheld', { because: 'CONSENT_REQUIRED' }, { because: 'CONSENT_REQUIRED' }],
  ])('is audited if it %s', (_, answered, expected) => {
    expect(entryOf(answered)).toMatchObject({ requestId: 'request', caller: 'test', ...expected });
  });

  test.each<[boolean, AuditEntry['sources']]>([
    [true, { shop: 'cached', letters: 'stale' }],
    [false, { shop: 'live', letters: 'cached' }],
    [false, { shop: 'failed', letters: 'cached' }],
  ])('is audited as cached: %s, if its sources are %j', (cached, sources) => {
    expect(entryWith(sources)).toMatchObject({ cached, sources, customers: ['one'] });
  });
});

describe('an audit line', () => {
  const auditorWith = (append: () => Promise<void>, required: boolean) => {
    const error = vi.fn();
    const auditor = createAuditor({
      log: { append } as never,
      required,
      permissions: { outcomesOf: () => new Map() },
      customersOf: () => [],
      logger: { error } as never,
    });
    return { write: () => auditor.write(LINE), error };
  };

  test.each([true, false])('that is written lets the answer be sent (required: %s)', async (required) => {
    const { write, error } = auditorWith(() => Promise.resolve(), required);
    expect(await write()).toBe(true);
    expect(error).not.toHaveBeenCalled();
  });

  test.each([true, false])(
    'that cannot be written withholds the answer if it is required: %s',
    async (required) => {
      const { write, error } = auditorWith(() => Promise.reject(new TypeError('of a person')), required);
      expect(await write()).toBe(!required);
      expect(error.mock.lastCall?.[0]).toEqual({
        requestId: 'request',
        reason: 'TypeError',
        isWithheld: required,
      });
    },
  );

  test('that withholds an answer is reported to the client with status 503', () => {
    expect(notAudited().extensions).toMatchObject({ code: 'AUDIT_UNAVAILABLE', http: { status: 503 } });
  });
});
