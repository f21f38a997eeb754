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
    // The id of a branch has the form of a number too.
    { namespace: 'branchId', value: '69599085' },
  ],
});

it.each([
  ['one number', ['07322969', '0732 2969'], '07322969'],
  ['different numbers', ['07322969', '69599084'], null],
])(
  'reads the KvK number of a company whose accounts in a system have %s',
  async (_, kvkNumbers, expected) => {
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
    const company = await companies.ofCustomer(
      customer as unknown as Customer,
      context as unknown as Context,
    );
    expect(await company?.identifier('vatNumber')).toBe(VAT_NUMBER);
    expect(await company?.identifier('kvkNumber')).toBe(expected);
  },
);

const KVK = '07322969';
const OTHER_KVK = '69599084';
const down = new SourceTimeoutError('register', 'The register did not answer in time.');
const recordOf = (kvkNumber: string | null, vatNumber: string | null = null): CompanyRecord => ({
  kvkNumber,
  vatNumber,
});

type Answer = CompanyRecord | null | Error;
interface Systems {
  /** The record that the register finds by KvK number. */
  register?: Answer;
  /** The record that the CRM finds by KvK number or VAT number. */
  crm?: Answer;
  /** The records that the register finds by name and place. */
  register_names?: readonly CompanyRecord[] | Error;
  /** The employer of the customer in the CRM. */
  employer?: Answer;
  /** The accounts of the customer in a shop with business accounts. */
  shop?: Outcome;
}

/** Creates companies over a register, a CRM and a shop. Returns the calls that the systems receive. */
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
      'is loaded only from the system of the selected field',
      { register: recordOf(KVK) },
      'registeredName',
      ['register'],
      true,
    ],
    ['is loaded only from another selected system', { crm: recordOf(KVK) }, 'domain', ['crmByKvk'], true],
    [
      'is loaded from another system if the first one does not know it',
      { crm: recordOf(KVK) },
      'registeredName',
      ['register', 'crmByKvk'],
      true,
    ],
    [
      'is loaded from all systems if no field is selected',
      { crm: recordOf(KVK) },
      '__typename',
      ['register', 'crmByKvk'],
      true,
    ],
    [
      'is found even if another system fails',
      { register: down, crm: recordOf(KVK) },
      '__typename',
      ['register', 'crmByKvk'],
      true,
    ],
    [
      'is an error, not null, while a system fails',
      { register: down },
      'domain',
      ['crmByKvk', 'register'],
      down,
    ],
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

  test('may be found by a name of 500 characters', async () => {
    const { find } = companiesOver({ register_names: [recordOf(KVK)] });
    expect(await find({ nameAndPlace: { name: 'x'.repeat(500), place: 'Utrecht' } })).not.toBeNull();
  });

  test.each<[CompanyKey, string]>([
    [{ kvkNumber: KVK }, 'No plugged-in system finds companies by kvkNumber.'],
    [
      { nameAndPlace: { name: 'Bakkerij', place: 'Utrecht' } },
      'No plugged-in system finds companies by name and place.',
    ],
  ])('is refused for %j if no plugged-in system can find it', async (key, message) => {
    const companies = createCompanies({ ...companiesOver({}).options, companies: [] });
    const info = { fieldNodes: [], returnType: buildSchema('type Query { a: Int }').getQueryType() };
    const found = companies.find(key, {} as Context, info as unknown as GraphQLResolveInfo);
    await expect(found).rejects.toThrow(new InvalidInputError(message));
  });

  test('has the other numbers that the systems hold, and the records that are found by those numbers', async () => {
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

  test('loads a number only from systems that may hold it', async () => {
    const { find, calls } = companiesOver({ register: recordOf(KVK), crm: recordOf(KVK, VAT_NUMBER) });
    const company = await find({ kvkNumber: KVK }, 'domain');
    expect(await company?.identifier('vatNumber')).toBe(VAT_NUMBER);
    expect(new Set(calls)).toEqual(new Set([`crmByKvk ${KVK}`]));
  });

  test('throws the error of a failed system for a number that only this system may hold', async () => {
    const { find } = companiesOver({ register: recordOf(KVK), crm: down });
    const company = await find({ kvkNumber: KVK }, 'registeredName');
    await expect(company?.identifier('vatNumber')).rejects.toBe(down);
    expect(await company?.identifier('kvkNumber')).toBe(KVK);
  });
});

describe('a company by name and place', () => {
  const key: CompanyKey = { nameAndPlace: { name: ' Bakkerij ', place: ' Utrecht' } };

  test.each<[string, Systems['register_names'], string | null | Error]>([
    ['is the company that is found', [recordOf(KVK)], KVK],
    ['is one company if it is found twice', [recordOf(KVK), recordOf(KVK)], KVK],
    ['is null if none is found', [], null],
    ['is null if the company that is found has no number', [recordOf(null)], null],
    [
      'is null if several companies are found',
      [recordOf(KVK), recordOf(OTHER_KVK)],
      new AmbiguousIdentityError(undefined, 2, 'companies'),
    ],
    ['is an error, not null, while the register fails', down, down],
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
    ['is their employer', { employer: recordOf(OTHER_KVK), shop: account }, OTHER_KVK],
    ['has a normalised number', { employer: recordOf('6959 9084') }, OTHER_KVK],
    ['is the customer itself if the customer has a number', { shop: account }, KVK],
    ['is the customer itself while the CRM fails', { employer: down, shop: account }, KVK],
    ['is an error, not null, while the CRM fails', { employer: down }, down],
    ['is an error, not null, while the shop fails', { shop: failed }, down],
    ['is their employer while the shop fails', { employer: recordOf(KVK), shop: failed }, KVK],
    [
      'is null for a customer without a number',
      { shop: { kind: 'found', records: [{ id: '1', identifiers: [] }] } },
      null,
    ],
    ['is null for a customer that no system knows', {}, null],
  ])('%s', async (_, systems, expected) => {
    const company = companiesOver(systems).ofCustomer();
    if (expected instanceof Error) await expect(company).rejects.toBe(expected);
    else if (expected === null) expect(await company).toBeNull();
    else expect(await (await company)?.identifier('kvkNumber')).toBe(expected);
  });

  test('has the record that the CRM returned for the customer, without another call', async () => {
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

  test('comes from the systems that declare companies, or else from systems whose customers have numbers', () => {
    const { companies, options } = companiesOver({});
    expect(companies.sourcesOfCustomer).toEqual(['crm']);
    const registers = options.companies.filter(({ name }) => name === 'register');
    for (const some of [registers, []])
      expect(createCompanies({ ...options, companies: some }).sourcesOfCustomer).toEqual(['shop']);
  });
});
