import { describe, expect, test } from 'vitest';
import type { ExportDocument } from '../../src/privacy/export-document.js';
import type { ExportPlan } from '../../src/privacy/export-plan.js';
import { exportCustomer, type ExportResult } from '../../src/privacy/export.js';

/** Tests how an export reports a live, stale, cached or missing answer of a system. */

const EMPTY: ExportDocument = {
  format: 'stekkerdoos export 2',
  exportedAt: '',
  customerId: null,
  by: 'digest of the identifier',
  complete: false,
  notAnswered: [],
  notExported: [],
  sources: {},
  data: {},
  sections: {},
  identifiers: [],
};
const START_MS = Date.parse('2026-12-01T12:00:00.000Z');
const IDENTIFIERS = [{ namespace: 'email', value: 'eva@example.nl' }];

type Sources = Record<string, { status: string; age: number }>;
interface Fake {
  customer?: object | null;
  errors?: { message: string; extensions: object }[];
  sources?: Sources;
}
const error = (code: string, extensions: object = {}) => ({
  message: code,
  extensions: { code, ...extensions },
});

interface World {
  /** The answers to the first query, in order. The last answer repeats. */
  firstAnswer?: Fake[];
  /** The answers by field, in order. */
  answers?: Record<string, Fake[]>;
  sections?: { field: string; isPaged?: boolean; slices?: { path: string[]; size: number }[] }[];
  owners?: Record<string, string>;
  begun?: Partial<ExportDocument>;
  /** The duration of each query, in milliseconds. */
  takesMs?: number;
}

async function run({
  firstAnswer = [{ customer: { id: 'one', identifiers: IDENTIFIERS } }],
  answers = {},
  sections = Object.keys(answers).map((field) => ({ field })),
  owners = {},
  begun = {},
  takesMs = 0,
}: World): Promise<{
  result: ExportResult;
  queries: { field: string; variables: object; maxAgeMs: number }[];
  saved: ExportDocument[];
  progress: object[];
}> {
  const queries: { field: string; variables: object; maxAgeMs: number }[] = [];
  const saved: ExportDocument[] = [];
  const progress: object[] = [];
  const counts = new Map<string, number>();
  let nowMs = START_MS;
  const plan: ExportPlan = {
    sections: sections.map(({ field, isPaged = false, slices = [] }) => ({
      field,
      query: field,
      isPaged,
      slices,
    })),
    notExported: [{ field: 'weather', reason: 'it needs an argument' }],
  };
  const result = await exportCustomer({
    plan,
    by: { email: 'eva@example.nl' },
    sourceOfField: new Map(Object.entries(owners)),
    digestOf: ({ namespace, value }) => `digest of ${namespace} ${value}`,
    begun: { ...EMPTY, ...begun },
    save: (document) => saved.push(structuredClone(document)),
    onProgress: (update) => progress.push(update),
    now: () => nowMs,
    execute: (query, variables, maxAgeMs) => {
      nowMs += takesMs;
      const field = query.startsWith('query Export') ? 'firstAnswer' : query;
      queries.push({ field, variables, maxAgeMs });
      const count = counts.get(field) ?? 0;
      counts.set(field, count + 1);
      const all = field === 'firstAnswer' ? firstAnswer : (answers[field] ?? []);
      const { customer, errors, sources } = all[Math.min(count, all.length - 1)] ?? {};
      return Promise.resolve({
        data: customer === undefined ? null : { customer },
        ...(errors === undefined ? {} : { errors }),
        ...(sources === undefined ? {} : { extensions: { sources } }),
      });
    },
  });
  return { result, queries, saved, progress };
}

async function documentOf(world: World): Promise<ExportDocument> {
  const { result } = await run(world);
  if (result.kind !== 'exported') throw new Error('Nothing was exported.');
  return result.document;
}

const orders = (parts: Fake): World => ({
  answers: { orders: [{ customer: { orders: ['1'] }, ...parts }] },
  owners: { orders: 'shop' },
});

describe('the completeness of an export', () => {
  test.each<[string, Sources, { source: string; code: string }[]]>([
    ['is confirmed if the system answered live', { shop: { status: 'live', age: 0 } }, []],
    ['is confirmed if the system answered from the cache', { shop: { status: 'cached', age: 5 } }, []],
    [
      'is denied if the answer is stale',
      { shop: { status: 'stale', age: 60 } },
      [{ source: 'shop', code: 'STALE' }],
    ],
    [
      'is denied if the system failed',
      { shop: { status: 'failed', age: 0 } },
      [{ source: 'shop', code: 'SOURCE_UNAVAILABLE' }],
    ],
    [
      'is confirmed if only another system is stale',
      { shop: { status: 'live', age: 0 }, crm: { status: 'stale', age: 60 } },
      [],
    ],
    [
      'is confirmed if only another system failed',
      { shop: { status: 'live', age: 0 }, crm: { status: 'failed', age: 0 } },
      [],
    ],
    [
      'is confirmed if only another system was skipped',
      { shop: { status: 'live', age: 0 }, crm: { status: 'skipped', age: 0 } },
      [],
    ],
  ])('%s', async (_, sources, failures) => {
    const document = await documentOf(orders({ sources }));
    expect(document.complete).toBe(failures.length === 0);
    expect(document.notAnswered).toEqual(failures.map((failure) => ({ ...failure, fields: ['orders'] })));
    expect(document.sections['orders']?.failures).toEqual(
      failures.map((failure) => ({ ...failure, isFinal: false })),
    );
  });

  test('is denied if any system of a field failed or was stale', async () => {
    for (const status of ['failed', 'stale']) {
      const world = orders({ sources: { shop: { status: 'live', age: 0 }, crm: { status, age: 1 } } });
      expect((await documentOf({ ...world, owners: {} })).complete).toBe(false);
    }
  });

  test.each<[string, object, object]>([
    ['can be retried', { source: 'shop', retryable: true }, { source: 'shop', code: 'X', isFinal: false }],
    [
      'must not be retried',
      { source: 'shop', retryable: false },
      { source: 'shop', code: 'X', isFinal: false },
    ],
    ['comes from no system', {}, { source: null, code: 'X', isFinal: true }],
  ])('is denied for an error that %s', async (_, extensions, failure) => {
    const document = await documentOf(orders({ errors: [error('X', extensions)] }));
    expect(document.complete).toBe(false);
    expect(document.sections['orders']?.failures).toEqual([failure]);
  });

  test('is denied if a section has neither a value nor an error', async () => {
    const document = await documentOf({ answers: { orders: [{}] } });
    expect(document.sections['orders']?.failures).toEqual([
      { source: null, code: 'UNKNOWN', isFinal: false },
    ]);
    expect(document.complete).toBe(false);
    // If the section has an error, that error is reported instead.
    const failed = await documentOf({ answers: { orders: [{ errors: [error('X')] }] } });
    expect(failed.sections['orders']?.failures).toEqual([{ source: null, code: 'X', isFinal: true }]);
  });

  test('is denied if the value itself names missing systems', async () => {
    const timeline = { nodes: [], missing: [{ source: 'calls', code: 'SOURCE_TIMEOUT' }] };
    const document = await documentOf({ answers: { timeline: [{ customer: { timeline } }] } });
    expect(document.notAnswered).toEqual([{ source: 'calls', code: 'SOURCE_TIMEOUT', fields: ['timeline'] }]);
  });

  test('is denied until every section is present', async () => {
    const { saved } = await run({ answers: { a: [{ customer: { a: 1 } }], b: [{ customer: { b: 2 } }] } });
    expect(saved.map(({ complete, data }) => [complete, data])).toEqual([
      [false, { a: 1 }],
      [true, { a: 1, b: 2 }],
    ]);
  });

  test('is denied with each failed system once, with the first error and all fields of that system', async () => {
    const failed = {
      errors: [
        error('FIRST', { source: 'shop', retryable: true }),
        error('SECOND', { source: 'shop', retryable: true }),
      ],
      sources: { shop: { status: 'failed', age: 0 } },
    };
    const document = await documentOf({
      answers: {
        orders: [{ customer: { orders: null }, ...failed }],
        cart: [{ customer: { cart: null }, ...failed }],
      },
    });
    expect(document.notAnswered).toEqual([{ source: 'shop', code: 'FIRST', fields: ['orders', 'cart'] }]);
  });

  test('is denied with the code of each error without a system', async () => {
    const document = await documentOf(orders({ errors: [error('X'), error('Y'), error('X')] }));
    expect(document.sections['orders']?.failures.map(({ code }) => code)).toEqual(['X', 'Y']);
  });
});

describe('the systems of an export', () => {
  test('have their worst status and their oldest answer', async () => {
    const status = (orders_: Sources, cart: Sources): World => ({
      answers: {
        orders: [{ customer: { orders: [] }, sources: orders_ }],
        cart: [{ customer: { cart: null }, sources: cart }],
      },
    });
    const at = (secondsBefore: number) => new Date(START_MS - secondsBefore * 1000).toISOString();
    const pairs: [string, string, string][] = [
      ['live', 'cached', 'cached'],
      ['cached', 'live', 'cached'],
      ['stale', 'cached', 'stale'],
      ['stale', 'failed', 'failed'],
      ['failed', 'live', 'failed'],
    ];
    for (const [first, second, worst] of pairs) {
      const { sources } = await documentOf(
        status({ shop: { status: first, age: 3 } }, { shop: { status: second, age: 9 } }),
      );
      expect(sources).toEqual({ shop: { status: worst, asOf: at(9) } });
      const nextPage = await documentOf(
        status({ shop: { status: first, age: 9 } }, { shop: { status: second, age: 3 } }),
      );
      expect(nextPage.sources).toEqual({ shop: { status: worst, asOf: at(9) } });
    }
  });

  test('do not include a skipped system', async () => {
    const { sources } = await documentOf(orders({ sources: { crm: { status: 'skipped', age: 0 } } }));
    expect(sources).toEqual({});
  });
});

describe('the lists of an export', () => {
  const page = (nodes: number[], endCursor: string | null, more = {}) => ({
    customer: { orders: { nodes, pageInfo: { hasNextPage: endCursor !== null, endCursor }, ...more } },
  });
  const paged = { sections: [{ field: 'orders', isPaged: true }] };

  test('are read in pages to their end', async () => {
    const { result, queries } = await run({
      ...paged,
      answers: { orders: [page([1, 2], 'a'), page([3], 'b'), page([4], null)] },
    });
    expect(queries.slice(1).map(({ variables }) => variables)).toEqual(
      [null, 'a', 'b'].map((after) => ({ by: { email: 'eva@example.nl' }, after })),
    );
    expect(result).toMatchObject({ document: { complete: true, data: { orders: { nodes: [1, 2, 3, 4] } } } });
    expect(JSON.stringify(result)).not.toContain('pageInfo');
  });

  test('end if a system returns the same cursor again', async () => {
    const { queries } = await run({ ...paged, answers: { orders: [page([1], 'a'), page([1], 'a')] } });
    expect(queries).toHaveLength(3);
  });

  test('contain the pages that were read before a page failed', async () => {
    const answers = { orders: [page([1], 'a'), { customer: { orders: null }, errors: [error('X')] }] };
    const document = await documentOf({ ...paged, answers });
    expect(document.data).toMatchObject({ orders: { nodes: [1] } });
    expect(document.complete).toBe(false);
  });

  test('name the systems that are missing on any of their pages', async () => {
    const missing = (source: string) => ({ missing: [{ source, code: 'X' }] });
    const answers = { orders: [page([1], 'a', missing('one')), page([2], null, missing('two'))] };
    const document = await documentOf({ ...paged, answers });
    expect(document.notAnswered.map(({ source }) => source)).toEqual(['one', 'two']);
  });

  test('are reported as truncated if they are full and cannot be paged', async () => {
    const deals = { answers: { deals: [{ customer: { deals: [{ lines: [1, 2] }, { lines: [1] }] } }] } };
    const truncatedLists = async (...slices: { path: string[]; size: number }[]) =>
      (await documentOf({ ...deals, sections: [{ field: 'deals', slices }] })).sections['deals']
        ?.truncatedLists;
    expect(await truncatedLists({ path: ['deals'], size: 2 })).toEqual([{ field: 'deals', maxItems: 2 }]);
    expect(await truncatedLists({ path: ['deals'], size: 3 })).toEqual([]);
    expect(await truncatedLists({ path: ['deals', 'lines'], size: 2 })).toEqual([
      { field: 'deals.lines', maxItems: 2 },
    ]);
    expect(
      await truncatedLists({ path: ['deals', 'lines'], size: 3 }, { path: ['deals', 'no', 'such'], size: 1 }),
    ).toEqual([]);
  });
});

describe('the customer of an export', () => {
  const partial = {
    customer: { id: 'one', identifiers: [] },
    sources: { crm: { status: 'failed', age: 0 } },
  };
  const whole = { customer: { id: 'one', identifiers: IDENTIFIERS } };

  test('is queried at most three times while a system fails', async () => {
    const firstAnswers = async (...firstAnswer: Fake[]) => (await run({ firstAnswer })).queries.length;
    expect(await firstAnswers(whole)).toBe(1);
    expect(await firstAnswers(partial, whole)).toBe(2);
    expect(await firstAnswers(partial, partial, whole)).toBe(3);
    expect(await firstAnswers(partial)).toBe(3);
  });

  test('is not exported if the identifier is ambiguous, and the reasons are reported', async () => {
    const { result, saved } = await run({
      firstAnswer: [
        {
          customer: null,
          errors: [error('AMBIGUOUS_IDENTITY'), error('DOWN', { source: 'crm', retryable: true })],
        },
      ],
      answers: { orders: [{ customer: { orders: [] } }] },
    });
    expect(result).toEqual({
      kind: 'notFound',
      failures: [
        { source: null, code: 'AMBIGUOUS_IDENTITY', isFinal: true, message: 'AMBIGUOUS_IDENTITY' },
        { source: 'crm', code: 'DOWN', isFinal: false, message: 'DOWN' },
      ],
    });
    expect(saved).toEqual([]);
  });

  test('is identified in the document by digests only', async () => {
    const document = await documentOf(orders({}));
    expect(document).toMatchObject({
      customerId: 'one',
      identifiers: ['digest of email eva@example.nl'],
      notExported: [{ field: 'weather' }],
      exportedAt: '2026-12-01T12:00:00.000Z',
    });
  });
});

describe('a continued export', () => {
  const section = (failures: ExportDocument['sections'][string]['failures'] = []) => ({
    fetchedAt: '2026-11-30T12:00:00.000Z',
    sources: { shop: { status: 'live', asOf: '2026-11-30T12:00:00.000Z' } },
    failures,
    truncatedLists: [],
  });
  const begun = {
    customerId: 'before',
    identifiers: ['digest of email eva@example.nl'],
    data: { orders: ['old'], cart: null },
    sections: { orders: section(), cart: section([{ source: 'shop', code: 'X', isFinal: false }]) },
  };
  const answers = { orders: [{ customer: { orders: ['new'] } }], cart: [{ customer: { cart: 'new' } }] };

  test('queries only the missing sections', async () => {
    const { result, queries, progress } = await run({ begun, answers });
    expect(queries.map(({ field }) => field)).toEqual(['firstAnswer', 'cart']);
    expect(progress).toEqual([{ field: 'cart', number: 1, of: 1 }]);
    expect(result).toMatchObject({
      document: { complete: true, customerId: 'one', data: { orders: ['old'], cart: 'new' } },
    });
  });

  test('queries all sections again if a further identifier was found', async () => {
    const more = [...IDENTIFIERS, { namespace: 'phone', value: '+31612345678' }];
    const { result, queries } = await run({
      begun,
      answers,
      firstAnswer: [{ customer: { id: null, identifiers: more } }],
    });
    expect(queries.map(({ field }) => field)).toEqual(['firstAnswer', 'orders', 'cart']);
    expect(result).toMatchObject({
      document: {
        customerId: 'before',
        data: { orders: ['new'], cart: 'new' },
        identifiers: ['digest of email eva@example.nl', 'digest of phone +31612345678'],
      },
    });
  });

  test('retains its data if the identifiers cannot be read', async () => {
    const { queries } = await run({
      begun,
      answers,
      firstAnswer: [{ customer: { id: 'one', identifiers: null } }],
    });
    expect(queries.map(({ field }) => field)).toEqual(['firstAnswer', 'cart']);
  });
});

test('an export accepts cached answers that it has queried itself', async () => {
  const { queries } = await run({
    answers: { a: [{ customer: {} }], b: [{ customer: {} }] },
    takesMs: 1_500,
  });
  // The age is rounded up to seconds, so that an answer from the start of the export is accepted.
  expect(queries.map(({ maxAgeMs }) => maxAgeMs)).toEqual([0, 2_000, 3_000]);
});
