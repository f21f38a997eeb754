import { expect, it } from 'vitest';
import { createCustomer, type CustomerDirectory } from '../../src/customer/customer.js';
import { SourceTimeoutError } from '../../src/errors.js';
import type { CustomerRecord, IdentityDeclaration } from '../../src/identity/declaration.js';
import { commonNamespaces } from '../../src/identity/identifiers.js';
import type { Identity, Outcome } from '../../src/identity/identity-graph.js';

const down = new SourceTimeoutError('crm', 'The CRM did not answer in time.');
const failed: Outcome = { kind: 'failed', error: down };
const unknown: Outcome = { kind: 'unknown' };

const holding = (...phones: (string | null)[]): CustomerRecord => ({
  id: '1',
  identifiers: [
    ...phones.map((value) => ({ namespace: 'phone', value })),
    { namespace: 'email', value: '0612345678@example.nl' },
    { namespace: 'fax', value: '030-1234567' },
  ],
});
const found = (...records: CustomerRecord[]): Outcome => ({ kind: 'found', records });

/** A customer over a CRM and a shop that hold phone numbers, and a desk without them. */
function customerWith(outcomes: Partial<Record<'crm' | 'shop' | 'desk', Outcome>>) {
  const called: string[] = [];
  const sources = ['crm', 'shop', 'desk'].map((name) => ({
    name,
    identity: {
      recordKey: `${name}Id`,
      yields: name === 'desk' ? { email: 'one' } : { phone: 'shown' },
      foundBy: {},
    } satisfies IdentityDeclaration<never>,
  }));
  const directory: CustomerDirectory = {
    sourceOf: new Map(sources.map(({ name, identity }) => [identity.recordKey, name])),
    rules: {
      sources,
      namespaces: new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace])),
      limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 20 },
    },
    survivorship: { ADDRESS: { strategy: 'MOST_RECENT', sources: [] } },
  };
  const identity = {
    foundIn: () => undefined,
    findIn: (name: 'crm' | 'shop' | 'desk') => {
      called.push(name);
      return Promise.resolve(outcomes[name] ?? unknown);
    },
  };
  const customer = createCustomer(identity as unknown as Identity, {} as never, directory);
  return { customer, called, identityOf: (place: number) => sources[place]?.identity };
}

const PHONE = '+31612345678';

it.each<[string, Parameters<typeof customerWith>[0], readonly string[] | Error]>([
  ['of one system', { crm: found(holding('06-12345678')) }, [PHONE]],
  [
    'of several records, each once',
    { crm: found(holding('0612345678', '+31612345679')), shop: found(holding(PHONE)) },
    [PHONE, '+31612345679'],
  ],
  ['without invalid ones', { crm: found(holding('unknown', null)), shop: found(holding(PHONE)) }, [PHONE]],
  ['none if no system holds any', { crm: found(holding()) }, []],
  ['the known ones while another system fails', { crm: failed, shop: found(holding(PHONE)) }, [PHONE]],
  ['an error if only a failed system may hold any', { crm: failed, shop: found(holding()) }, down],
])('the values of a customer in a namespace: %s', async (_, outcomes, expected) => {
  const { customer, called } = customerWith(outcomes);
  const values = customer.heldValues('phone');
  if (expected instanceof Error) await expect(values).rejects.toBe(expected);
  else expect(await values).toEqual(expected);
  expect(called).toEqual(['crm', 'shop']);
});

it('a customer has no values in a namespace that no plugged-in source declares', async () => {
  const { customer, called } = customerWith({});
  expect(await customer.heldValues('passport')).toEqual([]);
  expect(called).toEqual([]);
});

it('the records of a source are the records that identify the customer, or its error', async () => {
  const [first, second] = [holding(), { ...holding(), id: '2' }];
  const { customer, identityOf } = customerWith({ crm: found(first, second), desk: failed });
  const [crm, shop, desk] = [0, 1, 2].map(identityOf);
  if (crm === undefined || shop === undefined || desk === undefined) throw new Error('three sources');
  expect(await customer.records(crm)).toEqual([first, second]);
  expect(await customer.record(crm)).toBe(first);
  expect(await customer.identifiers('crmId')).toEqual(['1', '2']);
  expect(await customer.identifier('crmId')).toBe('1');
  expect(await customer.record(shop)).toBeNull();
  expect(await customer.identifiers('shopId')).toEqual([]);
  await expect(customer.record(desk)).rejects.toBe(down);
  await expect(customer.identifiers('deskId')).rejects.toBe(down);
  expect(await customer.identifiers('tillId')).toEqual([]);
  await expect(customer.records({ ...crm })).rejects.toThrow('an identity that no source declares');
});
