import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { kvk } from '../../sources/kvk/index.js';
import {
  branchDetails,
  branchesOfCompanies,
  companiesByNameAndPlace,
  registrations,
} from '../../sources/kvk/loaders.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { SeedRegistration } from '../../sources/stand-ins/seed-kvk.js';
import { encodeCursor } from '../../src/connection.js';
import type { RestClient } from '../../src/connectors/rest.js';
import { open, type Opened } from '../connectors/contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { directSettings, faultControl } from '../support/stand-ins.js';
import { describeSource } from './source-contract.js';

const world = createWorld({ customers: inject('customers') });
const { KVK_URL, KVK_API_KEY } = directSettings();
const settings = { KVK_URL, KVK_API_KEY };

function registration(kvkNumber: string): SeedRegistration {
  const found = world.register.find((registration) => registration.kvkNumber === kvkNumber);
  if (found === undefined) throw new Error(`No company has the number ${kvkNumber}.`);
  return found;
}

const withManyBranches = world.register.find(({ branches }) => branches.length > 100);
if (withManyBranches === undefined) throw new Error('No company has many branches.');
const leadingZero = world.register.find(({ kvkNumber }) => kvkNumber.startsWith('0'));
if (leadingZero === undefined) throw new Error('No number begins with a zero.');
const [eight = ''] = [leadingZero.branches[0]?.addresses[0]?.city];

const byNumber = (kvkNumber: string, fields = 'registeredName') => ({
  query: `query($by: CompanyKey!) { company(by: $by) { ${fields} } }`,
  variables: { by: { kvkNumber } },
});
const byName = (name: string, place: string, fields = 'kvkNumber') => ({
  query: `query($by: CompanyKey!) { company(by: $by) { ${fields} } }`,
  variables: { by: { nameAndPlace: { name, place } } },
});
const nothing = (code: string, status = 404) => ({
  status,
  body: { fout: [{ code, omschrijving: 'Niets.' }] },
});
const numberIn = ({ url }: SeenRequest) => /basisprofielen\/(\d+)/.exec(url)?.[1];

const ten = world.register.slice(0, 10);

describe('the trade register', () => {
  describeSource({
    source: kvk,
    found: {
      'the KvK number': {
        ...byNumber(leadingZero.kvkNumber, 'kvkNumber registeredName'),
        data: { company: { kvkNumber: leadingZero.kvkNumber, registeredName: leadingZero.name } },
      },
      'name and place': {
        ...byName(leadingZero.name.toUpperCase(), ` ${eight} `, 'kvkNumber legalForm'),
        data: { company: { kvkNumber: leadingZero.kvkNumber, legalForm: leadingZero.legalForm } },
      },
      'another name that it trades under': {
        ...byName('Tweede handelsnaam Vestiging2', 'Maastricht'),
        data: { company: { kvkNumber: '69599084' } },
      },
    },
    unknown: {
      'a KvK number': { ...byNumber('99999998'), data: { company: null } },
      'a name': { ...byName('Niemand & Zn.', 'Utrecht'), data: { company: null } },
      'a part of a name': { ...byName('Lunchroom De', 'Utrecht'), data: { company: null } },
      'a name and another place': { ...byName(leadingZero.name, 'Nergenshuizen'), data: { company: null } },
    },
    batches: {
      // Each number needs one call, because there are no batches. A repeated number needs no further call.
      'ten companies, twice': {
        query: `{ ${[...ten, ...ten].map(({ kvkNumber }, i) => `c${i}: company(by: { kvkNumber: "${kvkNumber}" }) { registeredName legalForm }`).join(' ')} }`,
        calls: 10,
        expectData: (data) => {
          expect([...ten, ...ten].map((_, i) => at(data, `c${i}`))).toEqual(
            [...ten, ...ten].map(({ name, legalForm }) => ({ registeredName: name, legalForm })),
          );
        },
      },
    },
    pages: {
      // The search finds 130 branches. The branch with this name is the last, on the second page.
      ...byName(withManyBranches.name, withManyBranches.branches[0]?.addresses[0]?.city ?? ''),
      data: { company: { kvkNumber: withManyBranches.kvkNumber } },
      calls: 2,
    },
    operation: byNumber(leadingZero.kvkNumber),
    wrongCredentials: { KVK_API_KEY: 'a-wrong-key' },
    byAnyText: {
      'a KvK number': (text) => ({ ...byNumber(text), nothing: { company: null } }),
      'a name': (text) => ({ ...byName(text, 'Utrecht'), nothing: { company: null } }),
      'a place': (text) => ({ ...byName(leadingZero.name, text), nothing: { company: null } }),
    },
    http: {
      urlVariable: 'KVK_URL',
      basePath: '/api',
      paths: /^\/(v2\/zoeken\?naam=[^&#]*&plaats=[^&#]*&resultatenPerPagina=100|v1\/basisprofielen\/\d{8})$/,
      nothing: ({ url }) => nothing(url.includes('zoeken') ? 'IPD5200' : 'IPD0005'),
      // The KvK sends no headers about the limit.
      rateLimit: { ...nothing('IPD1902', 429), retryAfter: undefined },
      mismatches: [
        { answer: () => ({ naam: 'secret' }), place: 'kvkNummer', value: 'secret' },
        {
          answer: (request) => ({ kvkNummer: numberIn(request), indNonMailing: 'secret' }),
          place: 'indNonMailing',
          value: 'secret',
        },
        {
          answer: (request) => ({ kvkNummer: numberIn(request), formeleRegistratiedatum: '20171340' }),
          place: 'formeleRegistratiedatum',
          value: '20171340',
        },
        {
          answer: () => ({ kvkNummer: '11111112', naam: 'secret' }),
          place: 'not requested',
          value: 'secret',
        },
      ],
      partial: {
        query: `{ a: company(by: { kvkNumber: "11111112" }) { registeredName }
                  b: company(by: { kvkNumber: "11111113" }) { registeredName }
                  c: company(by: { kvkNumber: "11111114" }) { registeredName } }`,
        answer: (request) =>
          numberIn(request) === '11111113'
            ? { status: 400, body: { fout: [{ code: 'IPD1999', omschrijving: 'x' }] } }
            : numberIn(request) === '11111114'
              ? nothing('IPD0005')
              : { body: { kvkNummer: numberIn(request), naam: 'Jan' } },
        data: { a: { registeredName: 'Jan' }, b: null, c: null },
        errors: [{ path: ['b'], code: 'SOURCE_CONTRACT' }],
      },
    },
  });

  it('shows all its fields of a company', async () => {
    const gateway = createTestGateway(settings);
    const { data, errors } = await gateway.query(
      `{ company(by: { kvkNumber: "69599084" }) {
        kvkNumber registeredName statutoryName tradeNames legalForm rsin registeredOn startedOn endedOn registeredEmployeeCount
        hasRefusedAdvertising websites activities { code description isMain }
        addresses { purpose text address { street houseNumber postcode city country } }
        owner { legalForm legalFormInFull rsin addresses { text } websites deregisteredOn }
        branchCount branches { nodes { number name isMain isCommercial address
          details { tradeNames employeeCount fullTimeEmployeeCount partTimeEmployeeCount registeredOn startedOn activities { code } } } }
      } }`,
    );
    await gateway.close();
    expect(errors).toEqual([]);
    const { branches } = registration('69599084');
    const line = 'Abebe Bikilalaan 17 M 1034WL Amsterdam';
    expect(at(data, 'company')).toEqual({
      kvkNumber: '69599084',
      registeredName: 'Test EMZ Dagobert',
      statutoryName: null,
      tradeNames: branches.flatMap(({ tradeNames }) => tradeNames),
      legalForm: 'Eenmanszaak',
      rsin: null,
      registeredOn: '2017-07-10',
      startedOn: '2017-01-08',
      endedOn: null,
      registeredEmployeeCount: 1,
      hasRefusedAdvertising: true,
      websites: [],
      activities: [
        {
          code: '10110',
          description: 'Verwerking en conservering van vlees, met uitzondering van vlees van gevogelte',
          isMain: true,
        },
        { code: '10120', description: 'Verwerking en conservering van vlees van gevogelte', isMain: false },
        { code: '10130', description: 'Vervaardiging van vleesproducten', isMain: false },
      ],
      addresses: [
        {
          purpose: 'VISITS',
          text: line,
          address: {
            street: 'Abebe Bikilalaan',
            houseNumber: '17M',
            postcode: '1034WL',
            city: 'Amsterdam',
            country: 'NL',
          },
        },
      ],
      owner: {
        legalForm: 'Eenmanszaak',
        legalFormInFull: 'Eenmanszaak',
        rsin: null,
        addresses: [],
        websites: [],
        deregisteredOn: null,
      },
      branchCount: 2,
      branches: {
        nodes: branches.map((branch, i) => ({
          number: branch.number,
          name: branch.tradeNames[0],
          isMain: i === 0,
          isCommercial: true,
          address: i === 0 ? line : 'Geneinde 1 6211AA Maastricht',
          details: {
            tradeNames: branch.tradeNames,
            employeeCount: branch.fullTime + branch.partTime,
            fullTimeEmployeeCount: branch.fullTime,
            partTimeEmployeeCount: branch.partTime,
            registeredOn: '2020-08-28',
            startedOn: '2015-08-28',
            activities: [{ code: '10110' }, { code: '10120' }, { code: '10130' }],
          },
        })),
      },
    });
  });

  it('shows no date for a company that began on an unknown day of a year', async () => {
    const old = world.register.filter(({ startedOn }) => startedOn.endsWith('0000'));
    expect(old.length).toBeGreaterThan(0);
    const gateway = createTestGateway(settings);
    const { data, errors } = await gateway.query(
      `{ ${old.map(({ kvkNumber }, i) => `c${i}: company(by: { kvkNumber: "${kvkNumber}" }) { startedOn }`).join(' ')} }`,
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(Object.values(data ?? {})).toEqual(old.map(() => ({ startedOn: null })));
  });

  it('does not show a shielded address', async () => {
    const shielded = world.register.find(
      ({ branches }) =>
        branches.length < 100 &&
        branches.some(({ addresses }) => addresses.some(({ isShielded }) => isShielded === true)),
    );
    const branch = shielded?.branches.find(({ addresses }) => addresses[0]?.isShielded === true);
    const gateway = createTestGateway(settings);
    const { data, errors } = await gateway.query(
      `{ company(by: { kvkNumber: "${String(shielded?.kvkNumber)}" }) { branches(first: 100) { nodes { number address details { addresses { text } } } } } }`,
    );
    await gateway.close();
    expect(errors).toEqual([]);
    expect(
      listAt(data, 'company', 'branches', 'nodes').find((node) => at(node, 'number') === branch?.number),
    ).toEqual({
      number: branch?.number,
      address: null,
      details: { addresses: [] },
    });
  });

  it('shows no company if two companies of one town have the name', async () => {
    const gateway = createTestGateway(settings);
    const { query, variables } = byName('lunchroom de hoek', 'utrecht');
    const { data, errors } = await gateway.query(query, variables);
    await gateway.close();
    expect(data).toEqual({ company: null });
    expect(errors.map(({ extensions }) => extensions)).toEqual([
      { code: 'AMBIGUOUS_IDENTITY', candidateCount: 2 },
    ]);
  });

  it('is called once a day for a company, and the last answer is used while it is unavailable', async () => {
    const clock = fakeClock();
    const control = await faultControl();
    const environment = { KVK_URL: control.settings.KVK_URL, KVK_API_KEY };
    const gateway = createTestGateway(environment, { clock });
    const { query, variables } = byNumber(ten[0]?.kvkNumber ?? '');
    const callsAfterQuery = async () => {
      const { data, errors } = await gateway.query(query, variables);
      expect(errors).toEqual([]);
      expect(data).toEqual({ company: { registeredName: ten[0]?.name } });
      return control.counters().kvk?.calls;
    };
    expect(await callsAfterQuery()).toBe(1);
    clock.advance(23 * 60 * 60_000);
    expect(await callsAfterQuery()).toBe(1);
    await control.set('kvk', { fault: 'down' });
    clock.advance(3 * 24 * 60 * 60_000);
    expect(await callsAfterQuery()).toBe(1);
    await gateway.close();
    await control.close();
  });

  it('is called at most once in 15 minutes by the health check', async () => {
    const control = await faultControl();
    const client = open<RestClient>(kvk.connector, { KVK_URL: control.settings.KVK_URL, KVK_API_KEY });
    for (let i = 0; i < 5; i += 1) await client.ping();
    expect(control.counters().kvk?.calls).toBe(1);
    await client.close();
    await control.close();
  });

  it('shows its branches page by page', async () => {
    const gateway = createTestGateway(settings);
    const read = async (page: string) => {
      const { query, variables } = byNumber(
        withManyBranches.kvkNumber,
        `branches(${page}) { nodes { number } pageInfo { hasNextPage endCursor } }`,
      );
      const { data, errors } = await gateway.query(query, variables);
      expect(errors).toEqual([]);
      return {
        numbers: listAt(data, 'company', 'branches', 'nodes').map((node) => at(node, 'number')),
        pageInfo: at(data, 'company', 'branches', 'pageInfo') as { hasNextPage: boolean; endCursor: string },
      };
    };
    const whole = await read('first: 100');
    const first = await read('first: 60');
    const second = await read(`first: 40, after: "${first.pageInfo.endCursor}"`);
    const last = await read(`first: 100, after: "${second.pageInfo.endCursor}"`);
    await gateway.close();
    expect([...first.numbers, ...second.numbers]).toEqual(whole.numbers);
    expect(new Set([...whole.numbers, ...last.numbers]).size).toBe(withManyBranches.branches.length);
    expect([whole, first, second, last].map(({ pageInfo }) => pageInfo.hasNextPage)).toEqual([
      ...[true, true, true],
      false,
    ]);
  });

  it.each(['-1', '1.5', 'all', '1234567'])('refuses a cursor at the position %s', async (position) => {
    const gateway = createTestGateway(settings);
    const after = encodeCursor('Company.branches', [position]);
    const { query, variables } = byNumber('69599084', `branches(after: "${after}") { nodes { number } }`);
    const { errors } = await gateway.query(query, variables);
    await gateway.close();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });

  it.each([0, 101, -1])('refuses a page of %d branches', async (first) => {
    const gateway = createTestGateway(settings);
    const { query, variables } = byNumber('69599084', `branches(first: ${first}) { nodes { number } }`);
    const { errors } = await gateway.query(query, variables);
    await gateway.close();
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['BAD_USER_INPUT']);
  });
});

describe('the trade register with unusual answers', () => {
  let server: SmallServer;
  let client: Opened<RestClient>;
  let answer: (request: SeenRequest) => { status?: number; body: unknown };

  beforeAll(async () => {
    server = await startServer((request, response) => {
      const { body, ...options } = answer(request);
      sendJson(response, body, options);
    });
    client = open<RestClient>(kvk.connector, { KVK_URL: `${server.url}/api`, KVK_API_KEY: 'k' });
  });
  afterEach(() => {
    server.seen.length = 0;
  });
  afterAll(async () => {
    await client.close();
    await server.close();
  });

  it('hides a shielded address of a branch, even if the service sends it', async () => {
    const branch = { vestigingsnummer: '000000000001', volledigAdres: 'Dorpsstraat 1 1234AB Utrecht' };
    answer = () => ({
      body: {
        kvkNummer: '11111112',
        vestigingen: [
          { ...branch, indAdresAfgeschermd: 'Ja' },
          { ...branch, vestigingsnummer: '000000000002', indAdresAfgeschermd: 'Nee' },
        ],
      },
    });
    expect(await branchesOfCompanies.load(['11111112'], client)).toMatchObject([
      { branches: [{ address: null }, { address: 'Dorpsstraat 1 1234AB Utrecht' }] },
    ]);
  });

  it('shows the number of branches that the register counts, even if its list has fewer', async () => {
    const vestigingen = [{ vestigingsnummer: '000000000001' }];
    answer = () => ({ body: { kvkNummer: '11111112', totaalAantalVestigingen: 3, vestigingen } });
    expect(await branchesOfCompanies.load(['11111112'], client)).toMatchObject([
      { count: 3, branches: [{ number: '000000000001' }] },
    ]);
    answer = () => ({ body: { kvkNummer: '11111112', vestigingen } });
    expect(await branchesOfCompanies.load(['11111112'], client)).toMatchObject([{ count: 1 }]);
  });

  it('shows no branches of another company', async () => {
    const branch = { vestigingsnummer: '000000000001', kvkNummer: '11111112' };
    for (const body of [
      { kvkNummer: '22222223', vestigingen: [] },
      { kvkNummer: '11111112', vestigingen: [branch, { ...branch, kvkNummer: '22222223' }] },
      { vestigingen: [{ ...branch, kvkNummer: '22222223' }] },
    ]) {
      answer = () => ({ body });
      const [found] = await branchesOfCompanies.load(['11111112'], client);
      expect(found).toMatchObject({ code: 'SOURCE_CONTRACT' });
    }
    answer = () => ({ body: { ...branch, kvkNummer: '22222223' } });
    expect(
      await branchDetails.load([{ number: '000000000001', kvkNumber: '11111112' }], client),
    ).toMatchObject([{ code: 'SOURCE_CONTRACT' }]);
  });

  it('accepts the links of the published files and those that the service sends', async () => {
    const profile = { kvkNummer: '11111112', naam: 'Jan' };
    answer = () => ({ body: { ...profile, links: [{ rel: 'self', href: 'https://api.kvk.nl/x' }] } });
    const [published] = await registrations.load(['11111112'], client);
    answer = () => ({ body: { ...profile, _links: { self: { href: 'https://api.kvk.nl/x' } } } });
    expect(await registrations.load(['11111112'], client)).toEqual([published]);
    expect(published).toMatchObject({ registeredName: 'Jan', tradeNames: [], owner: null });
    expect(server.seen[0]?.headers).toMatchObject({ apikey: 'k', accept: 'application/hal+json' });
  });

  it.each([
    ['IPD5200', 404, null],
    ['IPD0005', 404, null],
    ['IPD1003', 404, 'SOURCE_UNAVAILABLE'],
    ['IPD1003', 503, 'SOURCE_UNAVAILABLE'],
    ['IPD9999', 404, 'SOURCE_CONTRACT'],
    ['IPD1999', 400, 'SOURCE_CONTRACT'],
    ['IPD0001', 500, 'SOURCE_UNAVAILABLE'],
  ])('that returns %s with status %d has the result %s', async (code, status, expected) => {
    answer = () => nothing(code, status);
    const [found] = await registrations.load(['11111112'], client);
    if (expected === null) expect(found).toBeNull();
    else expect(found).toMatchObject({ code: expected });
  });

  it('at a wrong address has an error, not the result that a company is unknown', async () => {
    answer = () => ({ status: 404, body: 'Not Found' });
    expect(await registrations.load(['11111112'], client)).toMatchObject([{ code: 'SOURCE_CONTRACT' }]);
  });

  const page = (numbers: string[], naam: string, volgende?: string) => ({
    body: { resultaten: numbers.map((kvkNummer) => ({ kvkNummer, naam })), volgende },
  });

  it('is searched on later pages for the requested name', async () => {
    answer = ({ url }) =>
      url.includes('pagina=2')
        ? page(['11111113'], 'De Hoek')
        : page(['11111112'], 'De Hoekse Waard', `${server.url}/api/v2/zoeken?naam=x&pagina=2`);
    expect(await companiesByNameAndPlace.load([{ name: 'de  hoek', place: 'Utrecht' }], client)).toEqual([
      [{ kvkNumber: '11111113', vatNumber: null }],
    ]);
  });

  it.each([
    ['registered name', { naam: 'Bakker' }],
    ['statutory name', { statutaireNaam: 'Bakker' }],
    ['trade name', { handelsnamen: [{ naam: 'Bakker' }] }],
    ['name in other letters and spaces', { naam: ' BAKKER' }],
  ])('finds a company that the search shows by another name by its %s', async (_, profile) => {
    answer = (request) =>
      numberIn(request) === undefined
        ? page(['11111112'], 'Smit')
        : { body: { kvkNummer: '11111112', ...profile } };
    expect(await companiesByNameAndPlace.load([{ name: 'Bakker', place: 'Utrecht' }], client)).toEqual([
      [{ kvkNumber: '11111112', vatNumber: null }],
    ]);
  });

  it('finds a name with an accent, however the accent is encoded', async () => {
    answer = () => page(['11111112'], 'Caf\u0065\u0301');
    expect(await companiesByNameAndPlace.load([{ name: 'Caf\u00e9', place: 'Utrecht' }], client)).toEqual([
      [{ kvkNumber: '11111112', vatNumber: null }],
    ]);
    expect(server.seen).toHaveLength(1);
  });

  it('finds all companies that the search shows by the name, among more similar ones', async () => {
    const resultaten = Array.from({ length: 7 }, (_, i) => ({
      kvkNummer: `1111111${i}`,
      naam: i < 2 ? 'Bakker' : 'Bakkerij',
    }));
    answer = () => ({ body: { resultaten } });
    expect(await companiesByNameAndPlace.load([{ name: 'Bakker', place: 'Utrecht' }], client)).toEqual([
      ['11111110', '11111111'].map((kvkNumber) => ({ kvkNumber, vatNumber: null })),
    ]);
  });

  it.each([
    [5, 6],
    [6, 1],
  ])('reads the names of %i companies by %i calls', async (count, calls) => {
    const numbers = Array.from({ length: count }, (_, i) => `1111111${i}`);
    answer = (request) =>
      numberIn(request) === undefined
        ? page(numbers, 'Smit')
        : { body: { kvkNummer: numberIn(request), naam: 'Smit' } };
    expect(await companiesByNameAndPlace.load([{ name: 'Bakker', place: 'Utrecht' }], client)).toEqual([[]]);
    expect(server.seen).toHaveLength(calls);
  });

  it('does not take a company whose names cannot be read for another one', async () => {
    answer = (request) =>
      numberIn(request) === undefined ? page(['11111112', '11111113'], 'Smit') : nothing('IPD0001', 500);
    expect(await companiesByNameAndPlace.load([{ name: 'Bakker', place: 'Utrecht' }], client)).toMatchObject([
      { code: 'SOURCE_UNAVAILABLE' },
    ]);
  });

  it('is not read further after repeated or too many pages, or a link to another address', async () => {
    const key = { name: 'De Hoek', place: 'Utrecht' };
    answer = () => page(['11111112'], 'x', `${server.url}/api/v2/zoeken?pagina=${server.seen.length + 1}`);
    expect(await companiesByNameAndPlace.load([key], client)).toMatchObject([{ code: 'SOURCE_CONTRACT' }]);
    expect(server.seen).toHaveLength(3);
    answer = () => page(['11111112'], 'x', `${server.url}/api/v2/zoeken?pagina=2`);
    expect(await companiesByNameAndPlace.load([key], client)).toMatchObject([{ code: 'SOURCE_CONTRACT' }]);
    expect(server.seen).toHaveLength(5);
    answer = () => page(['11111112'], 'x', 'https://elsewhere.example/api/v2/zoeken?pagina=2');
    expect(await companiesByNameAndPlace.load([key], client)).toMatchObject([{ code: 'SOURCE_CONTRACT' }]);
    expect(server.seen).toHaveLength(6);
  });
});
