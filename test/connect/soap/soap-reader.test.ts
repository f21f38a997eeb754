import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createCallBudget, type CallBudget } from '../../../src/connect/call-budget.js';
import type { Draft, DraftType, Finding } from '../../../src/connect/draft.js';
import type { Look, Measured, ReaderOptions } from '../../../src/connect/reader.js';
import { soapReaderKind } from '../../../src/connect/soap/soap-kind.js';
import type { SmallServer } from '../../../src/testing/small-server.js';
import { openConnected } from '../connected-gateway.js';
import { CLIENTS, startGarage, type GarageRules } from './garage.js';

let server: SmallServer | undefined;
afterEach(() => server?.close());

const KEYS: Readonly<Record<string, readonly string[]>> = {
  clientNumber: ['G501', 'G502'],
  email: ['Driver1@garage.example'],
};

async function connect(
  rules: GarageRules = {},
  { by, ...options }: Partial<ReaderOptions> & { by?: string } = {},
): Promise<Measured & { look: Look; budget: CallBudget }> {
  server = await startGarage(rules);
  const what = `${server.url}/api/garage?wsdl`;
  const budget = createCallBudget({ intervalMs: 0 });
  const reader = await soapReaderKind.open({
    ...{ source: 'garage', target: { what, url: new URL(what) }, environment: {}, budget },
    questions: { keys: (kind) => Promise.resolve(KEYS[kind] ?? []) },
    ...options,
  });
  const look = await reader.look();
  const name = by ?? look.candidates[0]?.name ?? '';
  return { look, budget, ...(await reader.measure({ name, evidence: '' })) };
}

const textsOf = (findings: readonly Finding[]) => findings.map(({ text }) => text).join('\n');
const callsOf = ({ calls }: Draft) =>
  Object.fromEntries(Object.entries(calls).map(([name, { call }]) => [name, call]));
const shapeOf = (type: DraftType | undefined) =>
  type?.fields.map(({ name, from, type: of, isList, isNullable }) =>
    [name, from, isList ? `[${of}]` : of, isNullable ? '' : '!'].join(' ').trim(),
  );

describe('connecting a SOAP service', () => {
  it('finds the operations that read a person by one key', async () => {
    const { look } = await connect();
    expect(look.candidates.map(({ name }) => name)).toEqual(['getClientByEmail', 'getClientByNumber']);
    expect(textsOf(look.findings)).toContain('its name does not show that it only reads: saveClient');
    expect(textsOf(look.findings)).toContain('none of its parts is a key: getPrice');
  });

  it('drafts the source with calls that only read', async () => {
    const { draft, findings, budget } = await connect({ unknownKey: 'fault', ignoresCase: true });
    expect(budget.used).toBeLessThanOrEqual(19);
    expect(server?.seen).toHaveLength(budget.used);
    for (const { body } of server?.seen ?? []) expect(body).not.toContain('saveClient');
    expect(draft.connect).toEqual({
      ...{ soap: '${GARAGE_URL}', path: '/api/garage', wsdl: '/api/garage?wsdl' },
      faults: { NO_SUCH_CLIENT: 'nothing' },
      ping: { operation: 'getClientByEmail', parts: { email: 'nobody.k7q2x0@example.com' } },
    });
    expect(callsOf(draft)).toEqual({
      byEmail: {
        ...{ operation: 'getClientByEmail', parts: { email: '{key}' }, rows: 'client' },
        ...{ key: 'email', matching: 'lower' },
      },
      byClientNumber: {
        ...{ operation: 'getClientByNumber', parts: { clientNumber: '{key}' }, rows: 'client' },
        ...{ key: 'number', matching: 'lower' },
      },
    });
    expect(draft.calls['byClientNumber']).toMatchObject({
      key: 'number',
      findsCustomers: true,
      isUnique: true,
    });
    expect(draft.calls['byEmail']).toMatchObject({ key: 'email', isUnique: false });
    expect(textsOf(findings)).toContain('is answered with the fault NO_SUCH_CLIENT.');
    expect(textsOf(findings)).toContain('The command "stekkerdoos test" cannot imitate a SOAP service.');
  });

  it('makes the types of the record from the schema', async () => {
    const { draft, findings } = await connect();
    expect(draft.customer).toMatchObject({ name: 'GarageClient', id: 'number' });
    expect(shapeOf(draft.customer)).toEqual([
      'number number ID !',
      'email email String',
      'givenName givenName String',
      'familyName familyName String',
      'born born Date',
      'since since DateTime',
      'balance balance Decimal',
      'status status Enum !',
      'addressCity address.city String',
      'car car [GarageCar]',
    ]);
    expect(shapeOf(draft.types['GarageCar'])).toEqual(['plate plate String !', 'doors doors Int !']);
    expect(draft.customer.fields[0]?.description).toBe('The number of the client.');
    expect(textsOf(findings)).toContain('they look like secrets: password');
    expect(textsOf(findings)).toContain('values of the type base64Binary cannot be declared: photo');
  });

  it('drafts a source that answers from the service', async () => {
    const { draft, values } = await connect({ unknownKey: 'fault', ignoresCase: true });
    const gateway = openConnected(
      draft,
      {
        recordKey: 'garageClient',
        foundBy: {
          garageClient: { call: 'byClientNumber', uniqueness: 'enforced' },
          email: { call: 'byEmail', uniqueness: 'usual' },
        },
        yields: { email: 'email' },
      },
      values,
    );
    const query = `query($by: CustomerKey!) { customer(by: $by) {
      person { number givenName born since balance status addressCity car { plate doors } } } }`;
    const { data, errors } = await gateway.query(query, { by: { email: 'driver4@garage.example' } });
    expect(errors).toEqual([]);
    expect(data).toEqual({
      customer: {
        person: {
          ...{ number: 'G504', givenName: 'Given4', born: '1974-05-06', since: '2020-01-05T08:00:00.000Z' },
          ...{ balance: '4.50', status: 'KNOWN', addressCity: 'City 4' },
          car: [
            { plate: 'AB-1', doors: 4 },
            { plate: 'CD-2', doors: 4 },
          ],
        },
      },
    });
    const missing = await gateway.query(query, { by: { garageClient: 'G999' } });
    expect(missing).toMatchObject({ data: { customer: null }, errors: [] });
    await gateway.close();
  });

  it.each<[string, GarageRules, object]>([
    ['no record', { unknownKey: 'nothing' }, { byEmail: { rows: 'client' } }],
    ['a status', { unknownKey: 'status' }, { byEmail: { notFound: { at: 'client.status', is: 'UNKNOWN' } } }],
  ])('measures a service that answers an unknown key with %s', async (_, rules, calls) => {
    const { draft } = await connect(rules);
    expect(callsOf(draft)).toMatchObject(calls);
  });

  it.each<[string, GarageRules, RegExp]>([
    ['returns a record for an unknown key', { unknownKey: 'other record' }, /a record for an unknown key/],
    [
      'answers an unknown key with a general fault',
      { unknownKey: 'general fault' },
      /general fault \(e:Server\)/,
    ],
    [
      'answers an unknown key with an empty record',
      { unknownKey: 'empty' },
      /an empty record, and no element marks/,
    ],
    ['finds people by a part of their key', { findsSimilar: true }, /finds a person by a part of the key/],
    ['refuses the credentials', { password: 'secret' }, /refuses/],
  ])('refuses a service that %s', async (_, rules, message) => {
    await expect(connect(rules)).rejects.toThrow(message);
  });

  it('drafts without samples if no key is known', async () => {
    const { draft, findings } = await connect({}, { questions: { keys: () => Promise.resolve([]) } });
    expect(draft.customer.fields.every(({ samples }) => samples.length === 0)).toBe(true);
    expect(textsOf(findings)).toContain('Pass one with --key email=...');
  });

  it('reads a WSDL file with its imports, from the folder of the declarations', async () => {
    server = await startGarage({ unknownKey: 'fault' });
    const folder = await mkdtemp(join(tmpdir(), 'garage-'));
    const sources = join(folder, 'sources');
    await mkdir(sources);
    const [wsdl, xsd] = await Promise.all(
      ['/api/garage?wsdl', '/api/garage.xsd'].map(async (path) =>
        (await fetch(`${server?.url ?? ''}${path}`)).text(),
      ),
    );
    const open = async (path: string) => {
      const environment = { GARAGE_URL: `${server?.url ?? ''}/api/garage` };
      const reader = await soapReaderKind.open({
        ...{ source: 'garage', target: { what: path, path, text: wsdl ?? '' }, environment },
        ...{ budget: createCallBudget({ intervalMs: 0 }) },
        questions: { keys: (kind) => Promise.resolve(KEYS[kind] ?? []) },
      });
      await reader.look();
      return reader.measure({ name: 'getClientByNumber', evidence: '' });
    };
    for (const place of [folder, sources]) {
      await writeFile(join(place, 'garage.wsdl'), wsdl ?? '');
      await writeFile(join(place, 'garage.xsd'), xsd ?? '');
    }
    await expect(open(join(folder, 'garage.wsdl'))).rejects.toThrow(
      'Save it in the folder sources of the project',
    );
    const { draft } = await open(join(sources, 'garage.wsdl'));
    expect(draft.connect).toMatchObject({ soap: '${GARAGE_URL}', wsdl: 'garage.wsdl' });
    expect(Object.keys(draft.calls['byClientNumber']?.recorded?.answers ?? {})).toEqual(['G501', 'G502']);
    await rm(folder, { recursive: true });
  });

  it('prints no value of a record', async () => {
    const { look, findings } = await connect({ unknownKey: 'status', ignoresCase: true });
    const output = JSON.stringify([look, findings]);
    for (const { number, email, givenName, familyName, city } of CLIENTS)
      for (const value of [number, email, givenName, familyName, city]) expect(output).not.toContain(value);
  });

  it.each([
    ['https://host.example/parcels?wsdl', true],
    ['https://host.example/checkVatService.wsdl', true],
    ['https://host.example/Service.svc?singleWsdl', true],
    ['https://host.example/odata/v4', false],
  ])('recognises the form of %s: %s', (what, isRecognised) => {
    expect(soapReaderKind.recognises({ what, url: new URL(what) })).toBe(isRecognised);
  });
});
