import { describe, expect, it, test } from 'vitest';
import { freshness } from '../../src/cache/freshness.js';
import type { Client } from '../../src/connectors/connector.js';
import type { ConsentDeclaration } from '../../src/customer/consent-declaration.js';
import { addConsentLoader, createConsents, type ConsentSource } from '../../src/customer/consents.js';
import type { Context, Customer } from '../../src/customer/customer.js';
import type { Consent, ConsentStatus } from '../../src/customer/schema.generated.js';
import { ConfigError, SourceUnavailableError } from '../../src/errors.js';
import type { CustomerRecord } from '../../src/identity/declaration.js';
import type { Outcome } from '../../src/identity/identity-graph.js';
import type { LoadedSource, LoaderRegistry } from '../../src/loaders/registry.js';

const run = (status: ConsentStatus): Consent[] => [{ purpose: 'MARKETING', source: 'crm', status }];
const crm: ConsentSource = {
  name: 'crm',
  purposes: ['MARKETING'],
  ofRecord: { name: 'consents', load: () => Promise.resolve([]) },
  notesOf: () => Promise.resolve([]),
};

/** A request for a customer with these records in the CRM. The first `cachedCount` records are cached. */
function requestFor(
  statuses: readonly ConsentStatus[],
  cachedCount: number,
  seesNotes = true,
): [Customer, Context] {
  const records = statuses.map((_, i): CustomerRecord => ({ id: String(i), identifiers: [] }));
  const outcome = { kind: 'found', records } as const;
  const statements = (id: unknown) => run(statuses[Number(id)] ?? 'UNKNOWN');
  const customer = { identity: { foundIn: () => outcome, findIn: () => Promise.resolve(outcome) } };
  const context = {
    cached: (_: unknown, id: unknown) => (Number(id) < cachedCount ? statements(id) : undefined),
    load: (_: unknown, id: unknown) => Promise.resolve(statements(id)),
    permissions: { maySee: (place: string) => seesNotes && place === 'Consent.topic' },
  };
  return [customer as unknown as Customer, context as unknown as Context];
}

describe('the consent of a customer with several records', () => {
  it.each([0, 1, 2])('is granted only if all records grant it, when %d are cached', async (cachedCount) => {
    const answers = await createConsents([crm]).answersFor(
      'MARKETING',
      ...requestFor(['GRANTED', 'REVOKED'], cachedCount),
    );
    expect(answers).toEqual([{ statements: [...run('GRANTED'), ...run('REVOKED')] }]);
  });

  it('is known at once if the only record is cached', () => {
    const answers = createConsents([crm]).answersFor('MARKETING', ...requestFor(['REVOKED'], 1));
    expect(answers).toEqual([{ statements: run('REVOKED') }]);
  });
});

it('notes about consent are shown, and have no effect', async () => {
  const note: Consent = { purpose: 'MARKETING', source: 'crm', status: 'GRANTED', topic: 'Newsletter' };
  const consents = createConsents([{ ...crm, notesOf: () => Promise.resolve([note]) }]);
  const request = requestFor(['REVOKED'], 1);
  expect(await consents.ofCustomer(...request)).toEqual([...run('REVOKED'), note]);
  expect(await consents.answersFor('MARKETING', ...request)).toEqual([{ statements: run('REVOKED') }]);
});

it('notes about consent are not shown to a caller without permission for the category RELATION', async () => {
  const note: Consent = {
    purpose: 'MARKETING',
    source: 'crm',
    status: 'UNKNOWN',
    evidence: 'Legitimate interest',
  };
  const consents = createConsents([{ ...crm, notesOf: () => Promise.resolve([note]) }]);
  expect(await consents.ofCustomer(...requestFor(['REVOKED'], 1, false))).toEqual(run('REVOKED'));
});

describe('the consent statements of the systems about a customer', () => {
  const down = new SourceUnavailableError('crm', 'The CRM cannot be reached.');
  const oneRecord: Outcome = { kind: 'found', records: [{ id: '1', identifiers: [] }] };
  const twoRecords: Outcome = {
    kind: 'found',
    records: [...oneRecord.records, { id: '2', identifiers: [] }],
  };

  test.each<[string, () => Outcome | undefined, () => Promise<Outcome>, () => Promise<Consent[]>, object]>([
    [
      'are returned if the CRM knows the customer',
      () => undefined,
      () => Promise.resolve(oneRecord),
      () => Promise.resolve(run('DENIED')),
      {},
    ],
    [
      'are UNKNOWN if the CRM does not know the customer',
      () => undefined,
      () => Promise.resolve({ kind: 'unknown' }),
      () => Promise.reject(new Error('Unexpected call without a record.')),
      { statements: [] },
    ],
    [
      'are UNKNOWN without a call if it is known that the CRM has no such customer',
      () => ({ kind: 'unknown' }),
      () => Promise.reject(new Error('Unexpected search.')),
      () => Promise.reject(new Error('Unexpected call without a record.')),
      { statements: [] },
    ],
    [
      'are an error if the CRM cannot find the customer',
      () => ({ kind: 'failed', error: down }),
      () => Promise.resolve({ kind: 'failed', error: down }),
      () => Promise.resolve(run('GRANTED')),
      { statements: [], error: down },
    ],
    [
      'are an error if the search for the customer fails',
      () => undefined,
      () => Promise.reject(down),
      () => Promise.resolve(run('GRANTED')),
      { statements: [], error: down },
    ],
    [
      'are an error if the customer is erased',
      () => {
        throw down;
      },
      () => Promise.reject(new Error('Unexpected search.')),
      () => Promise.resolve(run('GRANTED')),
      { statements: [], error: down },
    ],
    [
      'are an error if the CRM cannot return the consent',
      () => oneRecord,
      () => Promise.resolve(oneRecord),
      () => Promise.reject(down),
      { statements: [], error: down },
    ],
    [
      'are an error for several records while the CRM is unavailable',
      () => twoRecords,
      () => Promise.resolve(twoRecords),
      () => Promise.reject(down),
      { statements: [], error: down },
    ],
  ])('%s', async (_, foundIn, findIn, load, answer) => {
    const customer = { identity: { foundIn, findIn } } as unknown as Customer;
    const permissions = { maySee: () => true };
    const context = { cached: () => undefined, load, permissions } as unknown as Context;
    const consents = createConsents([crm]);
    expect(await consents.answersFor('MARKETING', customer, context)).toEqual([
      { statements: run('DENIED'), ...answer },
    ]);
    // A statement that could not be read may be a withdrawal.
    const shown = consents.ofCustomer(customer, context);
    if ('error' in answer) await expect(shown).rejects.toBe(down);
    else expect(await shown).toEqual({ statements: run('DENIED'), ...answer }.statements);
  });

  test('are loaded from all sources that hold consent for the purpose, and from no others', async () => {
    const named = (name: string, purposes: ConsentSource['purposes']): ConsentSource => ({
      ...crm,
      name,
      purposes,
    });
    const consents = createConsents([
      named('crm', ['MARKETING']),
      named('shop', ['MARKETING', 'PERSONALISATION']),
      named('desk', ['PERSONALISATION']),
    ]);
    expect(consents.sources).toEqual(['crm', 'shop', 'desk']);
    const called: string[] = [];
    const foundIn = (name: string): Outcome => {
      called.push(name);
      return { kind: 'unknown' };
    };
    for (const [purpose, sources] of [
      ['MARKETING', ['crm', 'shop']],
      ['PERSONALISATION', ['shop', 'desk']],
      ['ANALYTICS', []],
    ] as const) {
      called.length = 0;
      const answers = await consents.answersFor(
        purpose,
        { identity: { foundIn } } as unknown as Customer,
        {} as Context,
      );
      expect(called).toEqual(sources);
      expect(answers).toHaveLength(sources.length);
    }
  });
});

describe('the loader of consent', () => {
  /** The loader that is registered for a declaration. */
  function registered(parts: Partial<ConsentDeclaration['ofRecord']> = {}) {
    const loaders: ConsentSource['ofRecord'][] = [];
    const registry = { add: (_: unknown, loader: ConsentSource['ofRecord']) => loaders.push(loader) };
    const ofRecord = { ...crm.ofRecord, freshness: { maxAge: '1 day' } as const, ...parts };
    const source = addConsentLoader(
      { name: 'crm' } as LoadedSource<Client>,
      { purposes: ['MARKETING'], ofRecord },
      'crmContactId',
      registry as unknown as LoaderRegistry,
    );
    return { loader: loaders[0], source, ofRecord };
  }

  test('caches for five seconds and never returns stale answers, even if the source declares otherwise', () => {
    const { loader } = registered();
    expect(freshness(loader?.freshness, { maxAge: '1 hour', staleIfError: '1 day' })).toEqual({
      maxAgeMs: 5_000,
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: 0,
      notFoundMaxAgeMs: 5_000,
      hasMaxAge: true,
    });
    // The loader has its own values, because otherwise the policy of the source would apply.
    expect(Object.keys(loader?.freshness ?? {}).sort()).toEqual([
      'maxAge',
      'notFoundMaxAge',
      'staleIfError',
      'staleWhileRevalidate',
    ]);
  });

  test('has the name and the batch size that the source declares', () => {
    expect(registered({ maxBatch: 7 }).loader).toMatchObject({ name: 'consents', maxBatch: 7 });
    expect(registered().loader).not.toHaveProperty('maxBatch');
    const { source, ofRecord } = registered();
    expect(source.ofRecord).toBe(ofRecord);
  });

  test('names the source in each statement, and returns errors unchanged', async () => {
    const failed = new Error('no answer');
    const { loader } = registered({
      load: () => Promise.resolve([[{ purpose: 'MARKETING', status: 'GRANTED' }], failed, []]),
    });
    expect(await loader?.load(['1', '2', '3'], {} as Client)).toEqual([
      [
        {
          purpose: 'MARKETING',
          channel: null,
          topic: null,
          status: 'GRANTED',
          source: 'crm',
          updatedAt: null,
          evidence: null,
        },
      ],
      failed,
      [],
    ]);
  });

  test('reads each part of a statement and of a note', async () => {
    const statement = {
      purpose: 'MARKETING',
      channel: 'EMAIL',
      topic: 'Newsletter',
      status: 'GRANTED',
      updatedAt: '2026-11-01T12:00:00.000Z',
      evidence: 'Double opt-in',
    } as const;
    const { loader } = registered({ load: () => Promise.resolve([[statement]]) });
    expect(await loader?.load(['1'], {} as Client)).toEqual([[{ ...statement, source: 'crm' }]]);
    const source = addConsentLoader(
      { name: 'crm' } as LoadedSource<Client>,
      { purposes: [], ofRecord: crm.ofRecord, notesOf: () => Promise.resolve([statement]) },
      'crmContactId',
      { add: () => undefined } as unknown as LoaderRegistry,
    );
    expect(await source.notesOf({} as Customer, {} as Context)).toEqual([{ ...statement, source: 'crm' }]);
  });

  test('returns no notes if the source declares none', async () => {
    expect(await registered().source.notesOf({} as Customer, {} as Context)).toEqual([]);
  });

  test('needs a source that identifies its customers', () => {
    const add = () =>
      addConsentLoader(
        { name: 'crm' } as LoadedSource<Client>,
        { purposes: ['MARKETING'], ofRecord: crm.ofRecord },
        undefined,
        {} as LoaderRegistry,
      );
    expect(add).toThrow(ConfigError);
  });
});

it('consent statements are forgotten together with the record of the customer', () => {
  const abouts: unknown[] = [];
  const registry = {
    add: (_: unknown, loader: ConsentSource['ofRecord']) => abouts.push(loader.about?.('7', [])),
  };
  addConsentLoader(
    { name: 'crm' } as LoadedSource<Client>,
    { purposes: ['MARKETING'], ofRecord: crm.ofRecord },
    'crmContactId',
    registry as unknown as LoaderRegistry,
  );
  expect(abouts).toEqual([[{ namespace: 'crmContactId', value: '7' }]]);
});
