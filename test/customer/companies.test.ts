import { buildSchema, graphql, type GraphQLResolveInfo } from 'graphql';
import { describe, expect, it, test } from 'vitest';
import type { Client } from '../../src/connectors/connector.js';
import { createCompanies, type CompaniesOptions, type CompanyKey } from '../../src/customer/companies.js';
import type { CompanyDeclaration, CompanyRecord } from '../../src/customer/company.js';
import type { Context, Customer } from '../../src/customer/customer.js';
import { AmbiguousIdentityError, InvalidInputError, SourceTimeoutError } from '../../src/errors.js';
import type { CustomerRecord } from '../../src/identity/declaration.js';
import { commonNamespaces } from '../../src/identity/identifiers.js';
import type { Outcome } from '../../src/identity/identity-graph.js';

const VAT_NUMBER = 'NL858100009B14';

const account = (id: string, kvkNumber: string): CustomerRecord => ({
  id,
  identifiers: [
    { namespace: 'vatNumber', value: VAT_NUMBER },
    { namespace: 'kvkNumber', value: kvkNumber },
  ],
});

it.each([
  ['one number', ['07322969', '0732 2969'], '07322969'],
  ['different numbers', ['07322969', '69599084'], null],
])('a company that a system knows by accounts with %s', async (_, kvkNumbers, expected) => {
  const records = kvkNumbers.map((kvkNumber, i) => account(String(i), kvkNumber));
  const companies = createCompanies({
    rules: {
      namespaces: new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace])),
      limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 20 },
      sources: [
        {
          name: 'shop',
          identity: {
            recordKey: 'shopId',
            yields: { vatNumber: 'one', kvkNumber: 'one' },
            foundBy: {
              vatNumber: {
                uniqueness: 'usual',
                loader: { name: 'byVatNumber', load: () => Promise.resolve([records]) },
              },
            },
          },
        },
      ],
    },
    companies: [],
    sourceOfCompanyField: new Map(),
  });
  const customer = { identity: { findIn: () => Promise.resolve({ kind: 'found', records }) } };
  const context = { load: () => Promise.resolve(records) };
  const company = await companies.ofCustomer(customer as unknown as Customer, context as unknown as Context);
  expect(await company?.identifier('vatNumber')).toBe(VAT_NUMBER);
  expect(await company?.identifier('kvkNumber')).toBe(expected);
});

const KVK = '07322969';
const OTHER_KVK = '69599084';
const down = new SourceTimeoutError('register', 'The register did not answer in time.');
const recordOf = (kvkNumber: string | null, vatNumber: string | null = null): CompanyRecord => ({
  kvkNumber,
  vatNumber,
});

type Answer = CompanyRecord | null | Error;
interface Systems {
  /** By KvK number. */
  register?: Answer;
  /** By KvK number and by VAT number. */
  crm?: Answer;
  /** Of a name in a place. */
  register_names?: readonly CompanyRecord[] | Error;
  /** The company that the CRM holds of the customer. */
  employer?: Answer;
  /** What a shop with business accounts knows of the customer. */
  shop?: Outcome;
}

/** Companies over a register, a CRM and a shop, with the calls that they receive. */
function companiesOver({ register = null, crm = null, register_names = [], employer = null, shop }: Systems) {
  const calls: string[] = [];
  const settle = <T>(answer: T | Error): Promise<T> =>
    answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  const loader = (name: string) => ({ name, load: () => Promise.resolve([]) });
  const answers: Record<string, unknown> = { register, crmByKvk: crm, crmByVat: crm, names: register_names };
  const context = {
    load: ({ name }: { name: string }, key: unknown) => {
      calls.push(`${name} ${typeof key === 'string' ? key : JSON.stringify(key)}`);
      return settle(answers[name]);
    },
  } as unknown as Context;
  const ofRegister: CompanyDeclaration<Client> = {
    foundBy: { kvkNumber: loader('register') },
    byNameAndPlace: loader('names'),
    holds: ['kvkNumber'],
  };
  const ofCrm: CompanyDeclaration<Client> = {
    foundBy: { kvkNumber: loader('crmByKvk'), vatNumber: loader('crmByVat') },
    holds: ['kvkNumber', 'vatNumber'],
    ofCustomer: () => settle(employer),
  };
  const options: CompaniesOptions = {
    rules: {
      namespaces: new Map(commonNamespaces('NL').map((namespace) => [namespace.name, namespace])),
      limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 20 },
      sources: [
        { name: 'shop', identity: { recordKey: 'shopId', yields: { kvkNumber: 'one' }, foundBy: {} } },
        { name: 'desk', identity: { recordKey: 'deskId', yields: { email: 'one' }, foundBy: {} } },
      ],
    },
    companies: [
      { name: 'register', companies: ofRegister },
      { name: 'crm', companies: ofCrm },
    ],
    sourceOfCompanyField: new Map([
      ['registeredName', 'register'],
      ['domain', 'crm'],
    ]),
  };
  const companies = createCompanies(options);
  const schema = buildSchema(
    'type Query { company: Company } type Company { registeredName: String domain: String }',
  );
  return {
    calls,
    companies,
    options,
    ofRegister,
    ofCrm,
    find: async (key: CompanyKey, fields = '__typename') => {
      let found: unknown;
      const company = async (_: object, __: unknown, info: GraphQLResolveInfo) => {
        found = await companies.find(key, context, info).catch((error: unknown) => error);
        return null;
      };
      await graphql({ schema, source: `{ company { ${fields} } }`, rootValue: { company } });
      if (found instanceof Error) throw found;
      return found as Awaited<ReturnType<typeof companies.find>>;
    },
    ofCustomer: () => {
      const customer = { identity: { findIn: () => Promise.resolve(shop ?? { kind: 'unknown' }) } };
      return companies.ofCustomer(customer as unknown as Customer, context);
    },
  };
}

describe('a company by its number', () => {
  test.each<[string, Systems, string, string[], boolean | Error]>([
    [
      'is found by the system of the selected field alone',
      { register: recordOf(KVK) },
      'registeredName',
      ['register'],
      true,
    ],
    ['is found by another selected system alone', { crm: recordOf(KVK) }, 'domain', ['crmByKvk'], true],
    [
      'is looked for elsewhere if that does not know it',
      { crm: recordOf(KVK) },
      'registeredName',
      ['register', 'crmByKvk'],
      true,
    ],
    [
      'is looked for everywhere if nothing is selected',
      { crm: recordOf(KVK) },
      '__typename',
      ['register', 'crmByKvk'],
      true,
    ],
    [
      'is known though another system fails',
      { register: down, crm: recordOf(KVK) },
      '__typename',
      ['register', 'crmByKvk'],
      true,
    ],
    ['is not "unknown" while a system fails', { register: down }, 'domain', ['crmByKvk', 'register'], down],
    ['is null if no system knows it', {}, 'registeredName domain', ['register', 'crmByKvk'], false],
  ])('%s', async (_, systems, fields, called, expected) => {
    const { find, calls } = companiesOver(systems);
    const company = find({ kvkNumber: '0732 2969' }, fields);
    if (expected instanceof Error) await expect(company).rejects.toBe(expected);
    else expect((await company) !== null).toBe(expected);
    expect(calls).toEqual(called.map((loader) => `${loader} ${KVK}`));
  });

  test.each<[CompanyKey, string]>([
    [{}, 'Give exactly one key'],
    [{ kvkNumber: null }, 'Give exactly one key'],
    [{ kvkNumber: KVK, vatNumber: VAT_NUMBER }, 'Give exactly one key'],
    [{ kvkNumber: KVK, vatNumber: null }, 'Give exactly one key'],
    [{ kvkNumber: '7322969' }, 'This kvkNumber cannot identify a company'],
    [{ nameAndPlace: { name: ' ', place: 'Utrecht' } }, '1 to 500 characters'],
    [{ nameAndPlace: { name: 'x'.repeat(501), place: 'Utrecht' } }, '1 to 500 characters'],
    [{ nameAndPlace: { name: 'Bakkerij', place: '' } }, '1 to 500 characters'],
  ])('is refused for %j', async (key, message) => {
    const { find, calls } = companiesOver({});
    const company = find(key);
    await expect(company).rejects.toThrow(InvalidInputError);
    await expect(company).rejects.toThrow(message);
    expect(calls).toEqual([]);
  });

  test('has the other numbers of the systems, and the records of those that are found by them', async () => {
    const { find, calls, ofCrm, ofRegister } = companiesOver({ crm: recordOf('0732 2969', VAT_NUMBER) });
    const company = await find({ vatNumber: 'NL 8581.00009.B14' });
    expect(await company?.identifier('vatNumber')).toBe(VAT_NUMBER);
    expect(await company?.identifier('kvkNumber')).toBe(KVK);
    expect(await company?.record(ofCrm)).toEqual(recordOf('0732 2969', VAT_NUMBER));
    // The register is found by the number that the CRM holds.
    expect(await company?.record(ofRegister)).toBeNull();
    expect(calls.filter((call) => call.startsWith('register'))).toEqual([`register ${KVK}`]);
    await expect(company?.record({ ...ofCrm })).rejects.toThrow('a declaration that no source has');
  });

  test('has a number of the systems that may hold it, without a call to the others', async () => {
    const { find, calls } = companiesOver({ register: recordOf(KVK), crm: recordOf(KVK, VAT_NUMBER) });
    const company = await find({ kvkNumber: KVK }, 'domain');
    expect(await company?.identifier('vatNumber')).toBe(VAT_NUMBER);
    expect(new Set(calls)).toEqual(new Set([`crmByKvk ${KVK}`]));
  });

  test('has no other number that only a failed system may hold: its error is thrown', async () => {
    const { find } = companiesOver({ register: recordOf(KVK), crm: down });
    const company = await find({ kvkNumber: KVK }, 'registeredName');
    await expect(company?.identifier('vatNumber')).rejects.toBe(down);
    expect(await company?.identifier('kvkNumber')).toBe(KVK);
  });
});

describe('a company by name and place', () => {
  const key: CompanyKey = { nameAndPlace: { name: ' Bakkerij ', place: ' Utrecht' } };

  test.each<[string, Systems['register_names'], string | null | Error]>([
    ['is the one that is found', [recordOf(KVK)], KVK],
    ['is one, if it is found twice', [recordOf(KVK), recordOf(KVK)], KVK],
    ['is null if none is found', [], null],
    ['is null if what is found has no number', [recordOf(null)], null],
    [
      'is nobody of several',
      [recordOf(KVK), recordOf(OTHER_KVK)],
      new AmbiguousIdentityError(undefined, 2, 'companies'),
    ],
    ['is not "unknown" while the register fails', down, down],
  ])('%s', async (_, register_names, expected) => {
    const { find, calls } = companiesOver({ register_names: register_names ?? [] });
    const company = find(key);
    if (expected instanceof Error) await expect(company).rejects.toThrow(expected);
    else expect((await (await company)?.identifier('kvkNumber')) ?? null).toBe(expected);
    expect(calls).toEqual(['names {"name":"Bakkerij","place":"Utrecht"}']);
  });
});

describe('the company of a customer', () => {
  const account: Outcome = {
    kind: 'found',
    records: [{ id: '1', identifiers: [{ namespace: 'kvkNumber', value: '0732 2969' }] }],
  };
  const failed: Outcome = { kind: 'failed', error: down };

  test.each<[string, Systems, string | null | Error]>([
    ['is the one that they work for', { employer: recordOf(OTHER_KVK), shop: account }, OTHER_KVK],
    ['has its number in one way of writing', { employer: recordOf('6959 9084') }, OTHER_KVK],
    ['is the customer itself, who has a number', { shop: account }, KVK],
    ['is the customer itself while the CRM fails', { employer: down, shop: account }, KVK],
    ['is not "none" while the CRM fails', { employer: down }, down],
    ['is not "none" while the shop fails', { shop: failed }, down],
    ['is the one that they work for while the shop fails', { employer: recordOf(KVK), shop: failed }, KVK],
    [
      'is null of a customer without a number',
      { shop: { kind: 'found', records: [{ id: '1', identifiers: [] }] } },
      null,
    ],
    ['is null of a customer that no system knows', {}, null],
  ])('%s', async (_, systems, expected) => {
    const company = companiesOver(systems).ofCustomer();
    if (expected instanceof Error) await expect(company).rejects.toBe(expected);
    else expect((await (await company)?.identifier('kvkNumber')) ?? null).toBe(expected);
  });

  test('has the record that the CRM returned of the customer, without a further call', async () => {
    const { ofCustomer, ofCrm, ofRegister, calls } = companiesOver({
      employer: recordOf(KVK),
      register: recordOf(KVK, null),
    });
    const company = await ofCustomer();
    expect(await company?.record(ofCrm)).toEqual(recordOf(KVK));
    expect(calls).toEqual([]);
    await company?.record(ofRegister);
    expect(calls).toEqual([`register ${KVK}`]);
  });

  test('comes from the systems that declare so, or else from those whose customers have numbers', () => {
    const { companies, options } = companiesOver({});
    expect(companies.sourcesOfCustomer).toEqual(['crm']);
    const registers = options.companies.filter(({ name }) => name === 'register');
    for (const some of [registers, []])
      expect(createCompanies({ ...options, companies: some }).sourcesOfCustomer).toEqual(['shop']);
  });
});
