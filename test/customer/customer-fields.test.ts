import { expect, test } from 'vitest';
import type { Companies } from '../../src/customer/companies.js';
import { customerFields } from '../../src/customer/customer-fields.js';
import type { CustomerOptions } from '../../src/customer/resolvers.js';
import { SourceTimeoutError } from '../../src/errors.js';
import type { CustomerRecord } from '../../src/identity/declaration.js';
import { commonNamespaces, idNamespace } from '../../src/identity/identifiers.js';
import type { Outcome } from '../../src/identity/identity-graph.js';
import { noteFetchedAt } from '../../src/loaders/fetched-at.js';

const failed: Outcome = {
  kind: 'failed',
  error: new SourceTimeoutError('crm', 'The CRM did not answer in time.'),
};

/** Resolves a field of a customer over a CRM and a shop. The caller may see all fields but `hidden`. */
function resolve(
  field: 'id' | 'emails' | 'phones' | 'provenance',
  outcomes: Readonly<Record<string, Outcome>>,
  { args = {}, hidden = '' } = {},
): unknown {
  const namespaces = [
    ...commonNamespaces('NL'),
    idNamespace('crmId', 'An id.', /^\w+$/),
    { ...idNamespace('shopId', 'An id.', /^\w+$/), shownBy: 'Customer.shop' },
  ];
  const sources = ['crm', 'shop'].map((name) => ({ name, identity: { recordKey: `${name}Id` } }));
  const options = {
    rules: { sources, namespaces: new Map(namespaces.map((namespace) => [namespace.name, namespace])) },
    survivorship: { NAME: { strategy: 'MOST_RECENT', sources: ['crm', 'shop'] } },
    ids: { seal: ({ namespace, value }: { namespace: string; value: string }) => `${namespace} ${value}` },
  };
  const fields = customerFields(options as unknown as CustomerOptions, {} as Companies);
  const identity = {
    foundIn: (name: string) => outcomes[name],
    findIn: (name: string) => Promise.resolve(outcomes[name]),
  };
  const context = { permissions: { maySee: (place: string) => place !== hidden } };
  return (fields[field] as (...all: unknown[]) => unknown)({ identity }, args, context, {});
}

const found = (...records: CustomerRecord[]): Outcome => ({ kind: 'found', records });
const record = (id: string, name?: string): CustomerRecord => ({
  id,
  identifiers: [],
  profile: { name: name ?? null, updatedAt: `2026-11-0${id}T12:00:00Z` },
});

test('the id of a customer with several records in a system is the same in each order of the records', () => {
  const unknown: Outcome = { kind: 'unknown' };
  for (const records of [
    [record('1'), record('2')],
    [record('2'), record('1')],
  ])
    expect(resolve('id', { crm: found(...records), shop: unknown })).toBe('crmId 1');
});

test.each(['emails', 'phones'] as const)(
  'the %s are an error if a system fails and no other knows the customer',
  async (field) => {
    await expect(resolve(field, { crm: failed, shop: { kind: 'unknown' } })).rejects.toBe(failed.error);
    expect(await resolve(field, { crm: failed, shop: found(record('1')) })).toEqual([]);
  },
);

test('a verified address stays verified if the system has it again without a verification', async () => {
  const email = (value: string, verified: boolean) => ({ namespace: 'email', value, verified });
  const records = [{ id: '1', identifiers: [email('a@example.nl', true), email('A@example.nl', false)] }];
  expect(await resolve('emails', { crm: found(...records), shop: { kind: 'unknown' } })).toEqual([
    { value: 'a@example.nl', source: 'crm', isVerified: true },
  ]);
});

test.each([
  ['shown', '', ['2', ['1']]],
  ['hidden from a caller that may not see the system', 'Customer.shop', ['***', ['1']]],
])('the ids of records in the provenance are %s', async (_, hidden, expected) => {
  const [ofCrm, ofShop] = [record('1', 'Eva'), record('2', 'Eva de Vries')];
  noteFetchedAt([ofCrm, ofShop], 0);
  const [name] = (await Promise.all(
    resolve(
      'provenance',
      { crm: found(ofCrm), shop: found(ofShop) },
      { args: { fields: ['NAME'] }, hidden },
    ) as readonly unknown[],
  )) as { chosen: { recordId: string }; alternatives: { recordId: string }[] }[];
  expect([name?.chosen.recordId, name?.alternatives.map(({ recordId }) => recordId)]).toEqual(expected);
});
