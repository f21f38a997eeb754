import { describe, expect, it } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import { addConsentLoader, createConsents, type ConsentSource } from '../../src/customer/consents.js';
import type { Context, Customer } from '../../src/customer/customer.js';
import type { Consent, ConsentStatus } from '../../src/customer/schema.generated.js';
import type { CustomerRecord } from '../../src/identity/declaration.js';
import type { LoadedSource, LoaderRegistry } from '../../src/loaders/registry.js';

const run = (status: ConsentStatus): Consent[] => [{ purpose: 'MARKETING', source: 'crm', status }];
const crm: ConsentSource = {
  name: 'crm',
  purposes: ['MARKETING'],
  ofRecord: { name: 'consents', load: () => Promise.resolve([]) },
  notesOf: () => Promise.resolve([]),
};

/** A customer with these records in the CRM. The first `cachedCount` are cached. */
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

describe('what a customer with several records allows', () => {
  it.each([0, 1, 2])('is what all of them say, when %d are cached', async (cachedCount) => {
    const answers = await createConsents([crm]).answersFor(
      'MARKETING',
      ...requestFor(['GRANTED', 'REVOKED'], cachedCount),
    );
    expect(answers).toEqual([{ statements: [...run('GRANTED'), ...run('REVOKED')] }]);
  });

  it('is known at once of one record that is cached', () => {
    const answers = createConsents([crm]).answersFor('MARKETING', ...requestFor(['REVOKED'], 1));
    expect(answers).toEqual([{ statements: run('REVOKED') }]);
  });
});

it('what a system notes beside consent is shown, and does not decide', async () => {
  const note: Consent = { purpose: 'MARKETING', source: 'crm', status: 'GRANTED', topic: 'Newsletter' };
  const consents = createConsents([{ ...crm, notesOf: () => Promise.resolve([note]) }]);
  const request = requestFor(['REVOKED'], 1);
  expect(await consents.ofCustomer(...request)).toEqual([...run('REVOKED'), note]);
  expect(await consents.answersFor('MARKETING', ...request)).toEqual([{ statements: run('REVOKED') }]);
});

it('what a system notes beside consent is not shown to a caller who may not read the relation with the customer', async () => {
  const note: Consent = {
    purpose: 'MARKETING',
    source: 'crm',
    status: 'UNKNOWN',
    evidence: 'Legitimate interest',
  };
  const consents = createConsents([{ ...crm, notesOf: () => Promise.resolve([note]) }]);
  expect(await consents.ofCustomer(...requestFor(['REVOKED'], 1, false))).toEqual(run('REVOKED'));
});

it('what a system says of consent is forgotten with its record of the customer', () => {
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
