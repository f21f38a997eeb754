import { afterEach, describe, expect, it } from 'vitest';
import { createCallBudget, type CallBudget } from '../../../src/connect/call-budget.js';
import type { Draft, DraftType, Finding } from '../../../src/connect/draft.js';
import { odataReaderKind } from '../../../src/connect/odata/odata-kind.js';
import type { Look, Measured, ReaderOptions } from '../../../src/connect/reader.js';
import type { SmallServer } from '../../../src/testing/small-server.js';
import { openConnected } from '../connected-gateway.js';
import { startOdataService, type ServiceData, type ServiceRules } from './odata-service.js';
import { CLIENTS, OLD_SHOP, WORKSHOP } from './workshop.js';

let server: SmallServer | undefined;
afterEach(() => server?.close());

async function open(data: ServiceData, rules: ServiceRules, options: Partial<ReaderOptions> = {}) {
  server = await startOdataService(data, rules);
  const what = `${server.url}/service/`;
  return odataReaderKind.open({
    ...{
      source: 'workshop',
      target: { what, url: new URL(what) },
      environment: { WORKSHOP_TOKEN: 'secret' },
    },
    budget: createCallBudget({ intervalMs: 0 }),
    questions: { keys: () => Promise.resolve([]) },
    ...options,
  });
}

async function connect(
  data: ServiceData,
  rules: ServiceRules = {},
  { by, ...options }: Partial<ReaderOptions> & { by?: string } = {},
): Promise<Measured & { look: Look; budget: CallBudget }> {
  const budget = createCallBudget({ intervalMs: 0 });
  const reader = await open(data, rules, { budget, ...options });
  const look = await reader.look();
  const candidate = look.candidates.find(({ name }) => by === undefined || name === by);
  if (candidate === undefined) throw new Error('There is no candidate.');
  return { look, budget, ...(await reader.measure(candidate)) };
}

const textsOf = (findings: readonly Finding[]) => findings.map(({ text }) => text).join('\n');
const callsOf = ({ calls }: Draft) =>
  Object.fromEntries(Object.entries(calls).map(([name, { call }]) => [name, call]));
const shapeOf = (type: DraftType | undefined) =>
  type?.fields.map(({ name, from, type: of, isList, isNullable }) =>
    [name, from, isList ? `[${of}]` : of, isNullable ? '' : '!'].join(' ').trim(),
  );
const identity = {
  recordKey: 'workshopClientNumber',
  foundBy: {
    workshopClientNumber: { call: 'byNumber', uniqueness: 'enforced' },
    email: { call: 'byEmail', uniqueness: 'usual' },
  },
  yields: { email: 'Email' },
} as const;

describe('connecting an OData service', () => {
  it('finds the entity sets of persons, the best first', async () => {
    const reader = await open(WORKSHOP, {});
    const { candidates, findings } = await reader.look();
    expect(candidates.map(({ name }) => name)).toEqual(['Clients', 'Employees']);
    expect(candidates[0]?.evidence).toContain('e-mail: Email');
    expect(candidates[0]?.evidence).toContain('unique: Number');
    expect(textsOf(findings)).toContain('OData 4 and has 4 entity sets');
  });

  it('drafts the source with at most 19 calls that only read', async () => {
    const { draft, findings, budget } = await connect(WORKSHOP, {
      ...{ token: 'secret', maxComparisons: 37, pageSize: 30, honoursPreference: true },
      headers: { 'ratelimit-policy': '120;w=60', 'ratelimit-remaining': '90' },
    });
    expect(budget.used).toBeLessThanOrEqual(19);
    expect(server?.seen).toHaveLength(budget.used);
    expect(new Set(server?.seen.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(draft.connect).toEqual({
      ...{ odata: '${WORKSHOP_URL}', auth: { bearer: '${WORKSHOP_TOKEN}' } },
      ...{ ping: '/Clients?$top=1&$select=Number', lists: 'in', maxValues: 37 },
    });
    expect(callsOf(draft)).toEqual({
      byNumber: { set: 'Clients', by: 'Number', maxKeyLength: 20, maxBatch: 37 },
      byEmail: { set: 'Clients', by: 'Email', maxKeyLength: 80, maxBatch: 37 },
      byPhone: { set: 'Clients', by: 'Phone', maxKeyLength: 20, maxBatch: 37 },
      repairs: {
        ...{ set: 'Repairs', by: 'ClientNumber', order: ['-StartedAt', 'Id'] },
        ...{ page: { size: 100, maxPages: 20 }, maxBatch: 37 },
      },
      parts: {
        ...{ set: 'Parts', by: 'RepairId', keys: 'number', order: ['-Line', 'Line'] },
        ...{ page: { size: 100, maxPages: 20 }, maxBatch: 37 },
      },
    });
    expect(draft.calls['byNumber']).toMatchObject({ key: 'Number', findsCustomers: true, isUnique: true });
    expect(draft.limits).toMatchObject({ rate: { calls: 60, per: '1 minute', burst: 30 } });
    expect(draft.system?.rateLimit).toEqual({
      headers: { 'ratelimit-policy': '120;w=60', 'ratelimit-remaining': '90' },
      perMinute: 120,
    });
    const texts = textsOf(findings);
    expect(texts).toContain('Clients.Number: an unknown key is answered with an empty list.');
    expect(texts).toContain('Clients.Number accepts 37 keys in one call.');
    expect(texts).toContain('Clients.Number finds no record by a part of a key, and is case-sensitive.');
    expect(texts).toContain(
      'Repairs by ClientNumber continues by a link: a page has 17 records, as requested',
    );
    expect(texts).toContain('The records have an ETag.');
    expect(texts).toContain('Left out, because they look like secrets: Clients.Password.');
    expect(texts).toContain('values of the type Edm.Binary cannot be declared: Clients.Photo');
    for (const { url } of server?.seen ?? []) expect(url).not.toContain('Password');
  });

  it('makes the types of the records', async () => {
    const { draft } = await connect(WORKSHOP);
    expect(shapeOf(draft.customer)).toEqual([
      'number Number ID !',
      'email Email String',
      'phone Phone String',
      'givenName GivenName String',
      'familyName FamilyName String',
      'birthDate BirthDate Date',
      'kind Kind Enum !',
      'visits Visits Int !',
      'addressStreet Address.Street String',
      'addressCity Address.City String',
      'tags Tags [String] !',
      'repairs . [WorkshopRepair]',
    ]);
    expect(draft.customer.fields.find(({ name }) => name === 'email')?.description).toBe(
      'Where letters are sent.',
    );
    expect(draft.customer.fields.find(({ name }) => name === 'kind')?.values).toEqual(['Private', 'Company']);
    expect(draft.types['WorkshopRepair']?.fields.find(({ name }) => name === 'cost')).toMatchObject({
      type: 'Money',
      conversion: { money: { currency: { from: 'Currency' } } },
    });
  });

  it('records the records without the members of the protocol', async () => {
    const { draft } = await connect(WORKSHOP);
    const { Password, Photo, ...first } = CLIENTS[0] ?? {};
    expect([Password, Photo]).not.toContain(undefined);
    expect(draft.calls['byNumber']?.recorded?.answers['W-1001']).toEqual([first]);
    expect(Object.keys(draft.calls['byEmail']?.recorded?.answers ?? {})).toHaveLength(19);
    expect(draft.calls['repairs']?.recorded?.answers['W-1001']).toHaveLength(5);
    expect(draft.system?.description).toBe(WORKSHOP.metadata);
  });

  it('drafts a source that answers from the service, over several pages and calls', async () => {
    const { draft, values, findings } = await connect(WORKSHOP, {
      maxComparisons: 12,
      pageSize: 7,
      ignoresCase: true,
    });
    expect(textsOf(findings)).toContain(
      'Clients.Email finds no record by a part of a key, and is case-insensitive.',
    );
    const gateway = openConnected(draft, identity, values);
    const { data, errors } = await gateway.query(
      `query($by: CustomerKey!) { customer(by: $by) {
        person { number givenName addressCity kind tags birthDate }
        repairs(first: 2) { nodes { startedAt cost { amount currency } parts(first: 5) { nodes { name } } } }
      } }`,
      { by: { email: 'client8@workshop.example' } },
    );
    expect(errors).toEqual([]);
    const repair = (month: number) => ({
      startedAt: `2026-0${month}-09T10:00:00.000Z`,
      cost: { amount: `${month + 9}.50`, currency: 'EUR' },
      parts: { nodes: [{ name: 'Part 1' }, { name: 'Part 0' }] },
    });
    expect(data).toEqual({
      customer: {
        person: {
          ...{ number: 'W-1009', givenName: 'Given8', addressCity: 'Leiden', kind: 'PRIVATE' },
          ...{ tags: ['bike', 'e-bike'], birthDate: '1968-02-03' },
        },
        repairs: { nodes: [repair(5), repair(4)] },
      },
    });
    await gateway.close();
  });

  it('drafts a service of OData 2, with its dates and large numbers', async () => {
    const { draft, values } = await connect(OLD_SHOP, { version: 2, ignoresCase: true });
    expect(draft.connect).toEqual({
      ...{ odata: '${WORKSHOP_URL}', auth: { bearer: '${WORKSHOP_TOKEN}' } },
      ...{ ping: '/Customers?$top=1&$select=ID', version: 2 },
    });
    expect(callsOf(draft)).toMatchObject({
      byId: { set: 'Customers', by: 'ID', keys: 'guid' },
      byEMail: { set: 'Customers', by: 'EMail', matching: 'collation' },
      invoices: { set: 'Invoices', by: 'InvoicedTo', keys: 'guid', order: ['-No', 'No'] },
    });
    expect(draft.customer.fields.find(({ name }) => name === 'name')?.description).toBe('The whole name.');
    const gateway = openConnected(
      draft,
      {
        recordKey: 'oldId',
        foundBy: {
          oldId: { call: 'byId', uniqueness: 'enforced' },
          email: { call: 'byEMail', uniqueness: 'usual' },
        },
        yields: { email: 'EMail' },
      },
      values,
    );
    const { data, errors } = await gateway.query(
      'query($by: CustomerKey!) { customer(by: $by) { person { name since } invoices(first: 5) { nodes { no total } } } }',
      { by: { email: 'old2@shop.example' } },
    );
    expect(errors).toEqual([]);
    expect(data).toEqual({
      customer: {
        person: { name: 'Old Name2', since: '2023-11-14T22:13:20.002Z' },
        invoices: {
          nodes: [
            { no: '9008', total: '8.25' },
            { no: '9002', total: '2.25' },
          ],
        },
      },
    });
    await gateway.close();
  });

  it.each<[string, ServiceRules, { connect?: object; calls?: object; text?: string }]>([
    [
      'lists of keys with "or"',
      { understandsIn: false, maxComparisons: 20 },
      { connect: { maxValues: 20 }, calls: { byNumber: { maxBatch: 20 } }, text: 'lists of keys with "or"' },
    ],
    [
      'one key in a call',
      { understandsIn: false, maxComparisons: 1 },
      { connect: { maxValues: 1 }, calls: { byNumber: { maxBatch: 1 } }, text: 'accepts one key in a call' },
    ],
    [
      'as many keys as fit in an address',
      {},
      { calls: { byNumber: { maxBatch: 250 } }, text: 'at least 250 keys in one call; no more were tried' },
    ],
    [
      'the longest address',
      { maxAddress: 3_000 },
      { connect: { maxUrlLength: expect.any(Number) as number }, text: 'keys in one call' },
    ],
    [
      'a property that cannot be filtered',
      { notFilterable: ['Email'] },
      { text: 'Clients.Email cannot be filtered (status 400). It is not used.' },
    ],
    [
      'pages of another size',
      { pageSize: 9 },
      { calls: { repairs: { page: { maxPages: 20 }, maxBatch: 9 } } },
    ],
    [
      'a list that is truncated without a link',
      { pageSize: 9, hasNoLinks: true },
      { text: 'Repairs by ClientNumber ends after 9 of 35 records without a link to the next page' },
    ],
    [
      'a service that counts no records',
      { countsRecords: false },
      { calls: { repairs: { set: 'Repairs' } } },
    ],
    [
      'capitals in addresses that are compared exactly',
      {},
      { text: 'These people are not found by their address, because it is sent in lower case.' },
    ],
  ])('measures %s', async (_, rules, expected) => {
    const { draft, findings, budget } = await connect(WORKSHOP, rules);
    expect(budget.used).toBeLessThanOrEqual(19);
    expect(draft.connect).toMatchObject(expected.connect ?? {});
    expect(callsOf(draft)).toMatchObject(expected.calls ?? {});
    expect(textsOf(findings)).toContain(expected.text ?? '');
  });

  it.each<[string, ServiceRules, RegExp]>([
    ['returns a record for an unknown key', { ignoresFilter: true }, /returned a record for an unknown key/],
    ['answers an unknown key with status 404', { answersNobodyWith404: true }, /answered with status 404/],
    [
      'cannot be filtered',
      { notFilterable: ['Number', 'Email', 'Phone'] },
      /No property of Clients finds one person/,
    ],
    [
      'refuses the credentials',
      { token: 'other' },
      /refuses the credentials \(status 401\). Set WORKSHOP_TOKEN/,
    ],
  ])('refuses a service that %s', async (_, rules, message) => {
    await expect(connect(WORKSHOP, rules)).rejects.toThrow(message);
  });

  it('requests the key of a person if none is listed', async () => {
    const empty = { ...WORKSHOP, sets: { ...WORKSHOP.sets, Clients: [] } };
    const requested: string[] = [];
    const keys = (kind: string) => {
      requested.push(kind);
      return Promise.resolve([]);
    };
    await expect(connect(empty, {}, { questions: { keys } })).rejects.toThrow(
      'Clients.Email needs a key of a person. Pass one with --key email=...',
    );
    expect(requested).toEqual(['id', 'email', 'phone']);
  });

  it('reads a file, and needs the address in the environment', async () => {
    const target = { what: 'shop.xml', path: '/shop.xml', text: WORKSHOP.metadata };
    expect(odataReaderKind.recognises(target)).toBe(true);
    await expect(open(WORKSHOP, {}, { target, environment: {} })).rejects.toThrow(
      'its address. Set WORKSHOP_URL to it',
    );
    const reader = await odataReaderKind.open({
      ...{
        source: 'workshop',
        target,
        environment: { WORKSHOP_URL: `${server?.url ?? ''}/service/$metadata` },
      },
      ...{ budget: createCallBudget({ intervalMs: 0 }), questions: { keys: () => Promise.resolve([]) } },
    });
    const { candidates } = await reader.look();
    const { values } = await reader.measure({ name: candidates[0]?.name ?? '', evidence: '' });
    expect(values['WORKSHOP_URL']).toBe(`${server?.url ?? ''}/service`);
    expect(server?.seen.some(({ url }) => url.includes('$metadata'))).toBe(false);
  });

  it.each([
    ['is not XML', '<Edmx', /\$metadata cannot be read: it is not XML/],
    ['has a document type', '<!DOCTYPE a [<!ENTITY b "c">]><Edmx/>', /it has a document type/],
    ['is something else', '<html><Edmx/></html>', /is not \$metadata of OData/],
  ])('refuses a description that %s', async (_, text, message) => {
    const reader = await open({ ...WORKSHOP, metadata: text }, {});
    await expect(reader.look()).rejects.toThrow(message);
  });

  it('prints no value of a record', async () => {
    const { look, findings } = await connect(WORKSHOP, { pageSize: 9, honoursPreference: true });
    const output = JSON.stringify([look, findings]);
    for (const { Number: number, Email, Phone, GivenName, Address } of CLIENTS)
      for (const value of [number, Email, Phone, GivenName, Address.Street])
        if (value !== null) expect(output).not.toContain(value);
  });

  it.each([
    ['https://host.example/odata/v4/shop', true],
    ['https://host.example/Northwind.svc/', true],
    ['https://host.example/shop/$metadata', true],
    ['https://host.example/graphql', false],
    ['postgres://host.example/odata', false],
  ])('recognises the form of %s: %s', (what, isRecognised) => {
    expect(odataReaderKind.recognises({ what, url: new URL(what) })).toBe(isRecognised);
  });
});
