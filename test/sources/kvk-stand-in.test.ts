import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startKvk } from '../../sources/kvk/stand-in/index.js';
import { createWorld } from '../../sources/stand-ins/seed.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { at, listAt, textAt } from '../support/read.js';

const world = createWorld({ customers: 0 });
let standIn: StandIn;
let apikey: string;
beforeAll(async () => {
  standIn = await startKvk(world);
  apikey = standIn.settings(standIn.url).KVK_API_KEY ?? '';
});
afterAll(() => standIn.close());

async function get(path: string, headers: Record<string, string> = { apikey }, item = standIn) {
  const answer = await fetch(path.startsWith('http') ? path : `${item.url}/api${path}`, { headers });
  const text = await answer.text();
  const type = answer.headers.get('content-type');
  return {
    status: answer.status,
    type,
    body: type?.includes('json') === true ? (JSON.parse(text) as unknown) : text,
  };
}
const codeOf = ({ body }: { body: unknown }) => at(body, 'fout', 0, 'code');

describe('the stand-in of the trade register', () => {
  test('returns a company with its main branch and owner, without empty fields', async () => {
    const { status, type, body } = await get('/v1/basisprofielen/69599084');
    expect([status, type]).toEqual([200, 'application/hal+json']);
    expect(body).toMatchObject({
      kvkNummer: '69599084',
      indNonMailing: 'Ja',
      formeleRegistratiedatum: '20170710',
    });
    expect(body).not.toHaveProperty('statutaireNaam');
    expect(at(body, '_embedded', 'eigenaar')).not.toHaveProperty('rsin');
    expect(textAt(body, '_links', 'vestigingen', 'href')).toBe(
      `${standIn.url}/api/v1/basisprofielen/69599084/vestigingen`,
    );
  });

  test('returns the leading zeros of numbers', async () => {
    const number = world.register.find(({ kvkNumber }) => kvkNumber.startsWith('0'))?.kvkNumber ?? '';
    expect(at((await get(`/v1/basisprofielen/${number}`)).body, 'kvkNummer')).toBe(number);
    expect(codeOf(await get(`/v1/basisprofielen/${Number(number)}`))).toBe('IPD0006');
  });

  test('answers an unknown number with a 404 and a code, as plain JSON', async () => {
    const search = await get('/v2/zoeken?naam=niemand');
    expect([search.status, search.type, codeOf(search)]).toEqual([404, 'application/json', 'IPD5200']);
    const number = await get('/v1/basisprofielen/11111111');
    expect([number.status, number.type, codeOf(number)]).toEqual([404, 'application/json', 'IPD0005']);
  });

  test('returns linked pages of a search, with parameters in any case', async () => {
    const company = world.register.find(({ branches }) => branches.length > 100);
    const seen: unknown[] = [];
    let next: string | undefined =
      `/v2/zoeken?KVKNUMMER=${String(company?.kvkNumber)}&resultatenPerPagina=50`;
    while (next !== undefined) {
      const { body } = await get(next);
      seen.push(...listAt(body, 'resultaten').map((hit) => at(hit, 'vestigingsnummer')));
      const link = at(body, 'volgende');
      next = typeof link === 'string' ? link : undefined;
    }
    const branches = company?.branches.map(({ number }) => number) ?? [];
    // The legal person has no branch number.
    expect(seen.filter((number) => number !== undefined).sort()).toEqual(branches.sort());
  });

  test('finds a company by each of its names, by a part of a name, and only in its town', async () => {
    for (const name of ['Tweede handelsnaam Vestiging2', 'nevenvestiging govert']) {
      const query = `naam=${encodeURIComponent(name)}&plaats=Maastricht`;
      expect(listAt((await get(`/v2/zoeken?${query}`)).body, 'resultaten')).toMatchObject([
        { kvkNummer: '69599084' },
      ]);
      expect((await get(`/v2/zoeken?${query.replace('Maastricht', 'Utrecht')}`)).status).toBe(404);
    }
  });

  test('returns only street and town of an address unless postcode and number are requested', async () => {
    const short = await get('/v2/zoeken?kvkNummer=69599084&plaats=Amsterdam');
    expect(at(short.body, 'resultaten', 0, 'adres', 'binnenlandsAdres')).toEqual({
      type: 'bezoekadres',
      straatnaam: 'Abebe Bikilalaan',
      plaats: 'Amsterdam',
    });
    const full = await get('/v2/zoeken?postcode=1034WL&huisnummer=17');
    expect(at(full.body, 'resultaten', 0, 'adres', 'binnenlandsAdres')).toMatchObject({
      huisnummer: 17,
      postcode: '1034WL',
    });
  });

  test('returns only that a shielded address exists', async () => {
    const branch = world.register
      .flatMap(({ branches }) => branches)
      .find(({ addresses }) => addresses[0]?.isShielded === true);
    const { body } = await get(`/v1/vestigingsprofielen/${String(branch?.number)}`);
    expect(at(body, 'adressen', 0)).toEqual({ type: 'bezoekadres', indAfgeschermd: 'Ja' });
  });

  test('refuses a request without a key, for an unknown path, or above the rate', async () => {
    expect((await get('/v2/zoeken?plaats=Utrecht', {})).status).toBe(401);
    expect((await get('/v2/zoeken?plaats=Utrecht', { apikey: 'wrong' })).status).toBe(401);
    expect(codeOf(await get('/v2/zoeken?stad=Utrecht'))).toBe('IPD1999');
    expect((await get('/v9/zoeken')).status).toBe(404);
    let now = 0;
    const limited = await startKvk(world, { requestsPerSecond: 1, requestsPerMonth: 3, now: () => now });
    const statuses: number[] = [];
    for (const moment of [0, 0, 1_000, 2_000, 3_000]) {
      now = moment;
      statuses.push((await get('/v1/basisprofielen/69599084', { apikey }, limited)).status);
    }
    await limited.close();
    expect(statuses).toEqual([200, 429, 200, 200, 429]);
  });
});
