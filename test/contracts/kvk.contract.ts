import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { startKvk } from '../../sources/kvk/stand-in/index.js';
import {
  asList,
  asObject,
  contractFile,
  readContract,
  type Contract,
  type Exception,
  type Json,
} from './openapi.js';

/** The answers have the type hal+json. If both types are published, their bodies are the same. */
const bothTypes = (at: readonly string[]): Exception => ({
  at,
  because: 'the checks read application/json, and the service sends application/hal+json of the same shape',
  becomes: (published) => {
    const content = asObject(published);
    return { ...content, 'application/json': content['application/json'] ?? content['application/hal+json'] };
  },
});

const errors = ['BadRequest', 'Unauthorized', 'Forbidden', 'NotFound', 'NotAcceptable'].map((name) =>
  bothTypes(['components', 'responses', name, 'content']),
);

const contracts = {
  search: readContract(contractFile('kvk', 'openapi', 'zoeken-v2.openapi.yaml')),
  basic: readContract(contractFile('kvk', 'openapi', 'basisprofiel-v1.5.openapi.yaml'), errors),
  branch: readContract(contractFile('kvk', 'openapi', 'vestigingsprofiel-v1.openapi.yaml'), [
    bothTypes([
      'paths',
      '/v1/vestigingsprofielen/{vestigingsnummer}',
      'get',
      'responses',
      'default',
      'content',
    ]),
  ]),
};

const world = createWorld({ customers: 0 });
let standIn: StandIn;
let key: string;
beforeAll(async () => {
  standIn = await startKvk(world);
  key = standIn.settings(standIn.url)['KVK_API_KEY'] ?? '';
});
afterAll(() => standIn.close());

async function get(path: string, headers: Record<string, string> = {}, at = standIn) {
  const answer = await fetch(`${at.url}${path}`, {
    headers: { apikey: key, accept: 'application/hal+json', ...headers },
  });
  return {
    status: answer.status,
    type: answer.headers.get('content-type'),
    apiVersion: answer.headers.get('api-version'),
    cacheControl: answer.headers.get('cache-control'),
    body: asObject(await answer.json()),
  };
}

/** The prefix of the paths in each file. */
const PREFIX: Readonly<Record<keyof typeof contracts, string>> = {
  search: '/api/v2',
  basic: '/api/v1',
  branch: '/api',
};

async function expectAnswer(
  name: keyof typeof contracts,
  status: number,
  path: string,
  headers?: Record<string, string>,
): Promise<Json> {
  const contract: Contract = contracts[name];
  const { body, ...answer } = await get(path, headers);
  expect(answer.status, JSON.stringify(body).slice(0, 300)).toBe(status);
  const target = path.slice(PREFIX[name].length);
  expect(contract.problems({ method: 'GET', target, status, body })).toEqual([]);
  return body;
}

describe('The KvK', () => {
  test('returns every company and its parts as published', async () => {
    for (const { kvkNumber } of world.register) {
      const path = `/api/v1/basisprofielen/${kvkNumber}`;
      for (const part of ['', '/eigenaar', '/hoofdvestiging', '/vestigingen', '?geoData=true'])
        await expectAnswer('basic', 200, `${path}${part}`);
    }
  });

  test('returns branches as published', async () => {
    for (const { branches } of world.register)
      for (const { number } of branches.slice(0, 4))
        await expectAnswer('branch', 200, `/api/v1/vestigingsprofielen/${number}`);
  });

  test('searches by pages as published, and has no page after the last', async () => {
    const search = '/api/v2/zoeken?plaats=Utrecht&resultatenPerPagina=2';
    const first = await expectAnswer('search', 200, search);
    const { pathname, search: query } = new URL(String(first['volgende']));
    expect(pathname).toBe('/api/v2/zoeken');
    expect((await get(`${pathname}${query}`)).body).toMatchObject({ pagina: 2, resultatenPerPagina: 2 });
    await expectAnswer('search', 404, `${search}&pagina=999`);
    const [company] = world.register;
    const address = company?.branches[0]?.addresses[0];
    for (const by of [
      `kvkNummer=${String(company?.kvkNumber)}`,
      `naam=${encodeURIComponent(String(company?.name))}`,
      `vestigingsnummer=${String(company?.branches[0]?.number)}`,
      `postcode=${String(address?.postcode)}&huisnummer=${String(address?.houseNumber)}`,
      `naam=${encodeURIComponent(String(company?.name))}&type=hoofdvestiging`,
    ]) {
      const { resultaten } = await expectAnswer('search', 200, `/api/v2/zoeken?${by}`);
      for (const item of asList(resultaten)) expect(item).toMatchObject({ kvkNummer: company?.kvkNumber });
    }
  });

  test.each([
    ['search', 401, '/api/v2/zoeken?plaats=Utrecht', { apikey: 'wrong' }],
    ['basic', 401, '/api/v1/basisprofielen/69599084', { apikey: '' }],
    ['search', 400, '/api/v2/zoeken?kvkNummer=7', {}],
    ['search', 400, '/api/v2/zoeken?plaats=Utrecht&resultatenPerPagina=101', {}],
    ['search', 400, '/api/v2/zoeken?plaats=Utrecht&pagina=0', {}],
    ['basic', 400, '/api/v1/basisprofielen/7', {}],
    ['basic', 404, '/api/v1/basisprofielen/11111111', {}],
    ['basic', 406, '/api/v1/basisprofielen/69599084', { accept: 'text/html' }],
  ] as const)('refuses a %s with %d as published: %s', async (name, status, path, headers) => {
    const body = await expectAnswer(name, status, path, headers);
    expect(asList(body['fout']).length).toBe(1);
  });

  test('refuses requests above its limits', async () => {
    const limited = await startKvk(world, { requestsPerSecond: 1, now: () => 1_000 });
    expect((await get('/api/v1/basisprofielen/69599084', {}, limited)).status).toBe(200);
    expect((await get('/api/v1/basisprofielen/69599084', {}, limited)).status).toBe(429);
    await limited.close();
  });

  test.each([
    'basisprofiel_v1_200_69599084',
    'basisprofiel_v1_404_IPD0005',
    'vestigingsprofiel_v1_200_000038509504',
    'vestigingsprofiel_v1_400_IPD0006',
    'zoeken_v2_200_kvkNummer_69599084',
    'zoeken_v2_404_IPD5200',
  ])('answers as recorded: %s', async (file) => {
    const recorded = asObject(parse(readFileSync(contractFile('kvk', 'recorded', `${file}.yaml`), 'utf8')));
    const { request, response } = asObject(asList(recorded['interactions'])[0]);
    const uri = new URL(String(asObject(request)['uri']));
    const answered = await get(`${uri.pathname}${uri.search}`);
    const headers = asObject(asObject(response)['headers']);
    expect(answered.status).toBe(asObject(asObject(response)['status'])['code']);
    expect(answered.type).toBe(asList(headers['Content-Type'])[0]);
    expect(answered.cacheControl).toBe(asList(headers['Cache-Control'])[0]);
    if (answered.status === 200 && !file.startsWith('vestigingsprofiel'))
      expect(answered.apiVersion).toBe(asList(headers['API-Version'])[0]);
    const text = String(asObject(asObject(response)['body'])['string']);
    const body: unknown = JSON.parse(text.replaceAll('https://api.kvk.nl', standIn.url));
    expect(answered.body).toEqual(body);
  });
});
