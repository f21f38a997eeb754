import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { momentOf, nearestMoment } from '../../sources/buienradar/dutch-time.js';
import { buienradar } from '../../sources/buienradar/index.js';
import { country, rainOfPlaces, type BuienradarClient } from '../../sources/buienradar/loaders.js';
import { measurementsNear, toRain } from '../../sources/buienradar/mapping.js';
import { isInNetherlands, placeOfPostcode } from '../../sources/buienradar/places.js';
import { startBuienradar } from '../../sources/buienradar/stand-in/index.js';
import type { FaultControl } from '../../sources/stand-ins/fault-control.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import type { SourceDefinition } from '../../src/index.js';
import { failure, hostileKeys, open } from '../connectors/contract.js';
import { sendJson, startServer, type SeenRequest, type SmallServer } from '../connectors/server.js';
import { fakeClock } from '../support/clock.js';
import { createTestGateway, LONG_TIMEOUT, type TestGateway } from '../support/gateway.js';
import { at, listAt } from '../support/read.js';
import { faultControl } from '../support/stand-ins.js';
import { knownPeople } from './known-people.js';

const UTRECHT = { latitude: 52.09, longitude: 5.12 };
const ALL = `attribution { name url }
  now { station distanceKm measuredAt description temperatureCelsius humidityPercent airPressureHpa }
  forecast { validOn description minTemperatureCelsius maxTemperatureCelsius rainChancePercent windDirection }
  rain { startsAt mmPerHour }`;

type Address = { postcode?: string; country?: string } | null;

describe('the weather of a customer', () => {
  let standIn: StandIn;
  let control: FaultControl;
  let gateway: TestGateway;
  const clock = fakeClock();

  const gatewayWith = (
    addresses: Record<string, Address> = {},
    change: Partial<SourceDefinition['limits']> = {},
  ): TestGateway => {
    const known = knownPeople(
      Object.fromEntries(
        Object.entries(addresses).map(([email, address]) => [email, { profile: { address } }]),
      ),
    );
    const weather = {
      ...buienradar,
      limits: { ...buienradar.limits, timeout: LONG_TIMEOUT, ...change },
    } as SourceDefinition;
    gateway = createTestGateway(
      { ...standIn.settings(control.sources['buienradar']?.url ?? ''), ...known.environment },
      {
        sources: [known.source, weather],
        sdl: known.sdl,
        clock,
      },
    );
    return gateway;
  };
  const calls = () => control.counters()['buienradar']?.calls;

  beforeEach(async () => {
    standIn = await startBuienradar();
    control = await faultControl([standIn]);
  });
  afterEach(async () => {
    await gateway.close();
    await control.close();
    await standIn.close();
  });

  it('is about the requested place, with the name and link that Buienradar requires', async () => {
    const { data, errors } = await gatewayWith().query(
      `query($latitude: Decimal!, $longitude: Decimal!) { weather(latitude: $latitude, longitude: $longitude) { ${ALL} } }`,
      { latitude: String(UTRECHT.latitude), longitude: String(UTRECHT.longitude) },
    );
    expect(errors).toEqual([]);
    expect(at(data, 'weather', 'attribution')).toEqual({
      name: 'Buienradar',
      url: 'https://www.buienradar.nl',
    });
    expect(at(data, 'weather', 'now')).toMatchObject({ station: 'Meetstation De Bilt', distanceKm: 4.2 });
    const measuredAt = Date.parse(String(at(data, 'weather', 'now', 'measuredAt')));
    expect(Math.abs(Date.now() - measuredAt)).toBeLessThan(11 * 60_000);
    expect(listAt(data, 'weather', 'forecast')).toHaveLength(5);
    const rain = listAt(data, 'weather', 'rain').map((item) => Date.parse(String(at(item, 'startsAt'))));
    expect(rain).toHaveLength(24);
    expect(Math.abs((rain[0] ?? 0) - Date.now())).toBeLessThan(6 * 60_000);
    expect(rain.map((moment, i) => moment - (rain[i - 1] ?? moment - 300_000))).toEqual(
      rain.map(() => 300_000),
    );
  });

  it('loads one feed for all customers, and the rain of each region once', async () => {
    const emails = Array.from({ length: 100 }, (_, i) => `customer-${i}@example.nl`);
    const addresses = Object.fromEntries(
      emails.map((email, i) => [email, { postcode: `${10 + (i % 4)}12 AB`, country: 'NL' }]),
    );
    const { data, errors } = await gatewayWith(addresses).query(
      `query($by: [CustomerKey!]!) { customers(by: $by) { weather { ${ALL} } } }`,
      { by: emails.map((email) => ({ email })) },
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toHaveLength(100);
    for (const item of listAt(data, 'customers')) expect(listAt(item, 'weather', 'rain')).toHaveLength(24);
    expect(calls()).toBe(1 + 4);
  });

  it('is cached for five minutes, and then loaded again', async () => {
    const query = `{ weather(latitude: "52.09", longitude: "5.12") { now { station } rain { startsAt } } }`;
    await gatewayWith().query(query);
    clock.advance(4 * 60_000);
    await gateway.query(query);
    expect(calls()).toBe(2);
    clock.advance(61_000);
    await gateway.query(query);
    expect(calls()).toBe(4);
  });

  it('is null without a call for customers in other countries or without a known place', async () => {
    const addresses = {
      'de@example.nl': { postcode: '1012 AB', country: 'DE' },
      'be@example.nl': { postcode: '1000' },
      'nowhere@example.nl': null,
      'blanks@example.nl': { postcode: '  ' },
    };
    const { data, errors } = await gatewayWith(addresses).query(
      'query($by: [CustomerKey!]!) { customers(by: $by) { weather { now { station } } } }',
      { by: Object.keys(addresses).map((email) => ({ email })) },
    );
    expect(errors).toEqual([]);
    expect(listAt(data, 'customers')).toEqual(Object.keys(addresses).map(() => ({ weather: null })));
    expect(calls()).toBe(0);
  });

  it.each([
    ['Brussels', 50.85, 4.35],
    ['Antwerp', 51.22, 4.4],
    ['Duisburg', 51.43, 6.76],
    ['Aachen', 50.77, 6.09],
    ['London', 51.5, -0.12],
    ['the south pole', -90, 0],
    ['an invalid place', 1_000, -1_000],
  ])('is null without a call for %s', async (_, latitude, longitude) => {
    const { data, errors } = await gatewayWith().query(
      `query($latitude: Decimal!, $longitude: Decimal!) { weather(latitude: $latitude, longitude: $longitude) { ${ALL} } }`,
      { latitude: String(latitude), longitude: String(longitude) },
    );
    expect(errors).toEqual([]);
    expect(data).toEqual({ weather: null });
    expect(calls()).toBe(0);
  });

  it.each([
    ['status', 403, 'SOURCE_FORBIDDEN', false],
    ['status', 500, 'SOURCE_UNAVAILABLE', true],
    ['rate-limit', 429, 'SOURCE_RATE_LIMITED', true],
    ['garbage', 200, 'SOURCE_CONTRACT', false],
    ['hang', 0, 'SOURCE_TIMEOUT', true],
  ] as const)(
    'fails only its own fields if Buienradar has the fault %s %d',
    async (fault, status, code, retryable) => {
      gatewayWith({}, { timeout: '250 ms', retries: 0 });
      await control.set('buienradar', { fault, ...(status >= 400 ? { status } : {}) });
      const { data, errors } = await gateway.query(
        '{ weather(latitude: "52.09", longitude: "5.12") { attribution { name } now { station } rain { startsAt } } }',
      );
      expect(data).toEqual({ weather: { attribution: { name: 'Buienradar' }, now: null, rain: null } });
      expect(errors.map(({ path, extensions }) => [path, extensions.code, extensions.retryable])).toEqual([
        [['weather', 'now'], code, retryable],
        [['weather', 'rain'], code, retryable],
      ]);
    },
  );
});

describe('an answer of Buienradar', () => {
  let server: SmallServer;
  let client: ReturnType<typeof open<BuienradarClient>>;
  let answer: (request: SeenRequest, response: ServerResponse) => void = () => undefined;

  beforeEach(async () => {
    server = await startServer((request, response) => {
      answer(request, response);
    });
    client = open<BuienradarClient>(
      buienradar.connector,
      { BUIENRADAR_URL: server.url, BUIENRADAR_RAIN_URL: server.url },
      { source: 'buienradar', timeoutMs: 400 },
    );
  });
  afterEach(async () => {
    await client.close();
    await server.close();
  });

  const station = {
    stationname: 'Meetstation De Bilt',
    lat: 52.1,
    lon: 5.18,
    timestamp: '2026-07-01T21:00:00',
    temperature: 3.6,
  };
  const feedOf = (stations: object[], days: object[] = []) => ({
    actual: { stationmeasurements: stations },
    forecast: { fivedayforecast: days },
  });
  const sends = (body: unknown) => {
    answer = (_, response) => {
      sendJson(response, body);
    };
  };

  it('may have numbers as texts, with a comma, empty, null or missing', async () => {
    sends(
      feedOf([
        {
          ...station,
          temperature: '3,6',
          feeltemperature: '-0.8',
          humidity: '',
          windspeed: null,
          airpressure: 1022.62,
        },
      ]),
    );
    const [found] = await country.load(['NL'], client);
    expect(found).toMatchObject({
      stations: [
        {
          temperatureCelsius: 3.6,
          feelsLikeCelsius: -0.8,
          humidityPercent: null,
          windSpeedMs: null,
          visibilityM: null,
          airPressureHpa: 1022.62,
          // In summer, Dutch time is two hours ahead of UTC.
          measuredAt: '2026-07-01T19:00:00.000Z',
        },
      ],
    });
  });

  it('may have only ranges as the temperatures of a day', async () => {
    const day = { day: '2026-11-02T00:00:00', mintemperature: '-3/-1', maxtemperature: '9/10' };
    const withNumbers = { ...day, mintemperatureMin: -4, maxtemperatureMax: 11, windDirection: 'zzw' };
    sends(feedOf([], [day, { ...withNumbers, day: '2026-11-03T00:00:00' }, { day: '2026-11-04T00:00:00' }]));
    const [found] = await country.load(['NL'], client);
    expect(found).toMatchObject({
      forecast: [
        { validOn: '2026-11-02', minTemperatureCelsius: -3, maxTemperatureCelsius: 10, windDirection: null },
        { minTemperatureCelsius: -4, maxTemperatureCelsius: 11, windDirection: 'SSW' },
        { minTemperatureCelsius: null, maxTemperatureCelsius: null },
      ],
    });
  });

  it('may have a nearer station without a thermometer, which is skipped', async () => {
    sends(feedOf([{ ...station, stationname: 'pole', temperature: null, lat: 52.09, lon: 5.12 }, station]));
    const [found] = await country.load(['NL'], client);
    if (found === undefined || found instanceof Error) throw new Error('no feed');
    expect(measurementsNear(found, UTRECHT)?.station).toBe('Meetstation De Bilt');
    expect(measurementsNear({ ...found, stations: [] }, UTRECHT)).toBeNull();
  });

  it.each([
    ['an invalid feed', { something: 'secret' }, 'actual'],
    [
      'an invalid number',
      feedOf([{ ...station, humidity: 'secret' }]),
      'actual.stationmeasurements.0.humidity',
    ],
    ['an invalid time', feedOf([{ ...station, timestamp: 'secret' }]), 'timestamp'],
    ['a station without a place', feedOf([{ ...station, lat: null }]), 'lat'],
  ])('is refused with its place and without its values if it is %s', async (_, body, place) => {
    sends(body);
    const error = await failure(country.load(['NL'], client));
    expect(error.code).toBe('SOURCE_CONTRACT');
    expect(error.message).toContain(place);
    expect(error.message).not.toContain('secret');
  });

  it('about several places fails only for the place with an error', async () => {
    answer = ({ url }, response) => {
      const latitude = new URL(url, server.url).searchParams.get('lat');
      if (latitude === '53.00') response.writeHead(500).end('secret');
      else if (latitude === '52.00') response.end('<html>secret</html>');
      else response.end('');
    };
    const [none, mismatch, broken] = await rainOfPlaces.load(
      [51, 52, 53].map((latitude) => ({ latitude, longitude: 5.000001 })),
      client,
    );
    expect(none).toEqual([]);
    expect(mismatch).toMatchObject({ code: 'SOURCE_CONTRACT' });
    expect(broken).toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    expect(mismatch instanceof Error && mismatch.message).not.toContain('secret');
    expect(server.seen.map(({ url }) => url).sort()).toEqual(
      ['51', '52', '53'].map((degrees) => `/data/raintext?lat=${degrees}.00&lon=5.00`),
    );
  });

  it('is awaited until the timeout', async () => {
    answer = () => undefined;
    expect((await failure(country.load(['NL'], client))).code).toBe('SOURCE_TIMEOUT');
  });
});

describe('the rain text', () => {
  const now = Date.parse('2026-11-01T22:58:00Z');

  it('may have decimals, and numbers without leading zeros', () => {
    expect(toRain('000|23:55\r\n77|00:00\r\n77.5|00:05\r\n255|00:10\r\n', now)).toEqual([
      { startsAt: '2026-11-01T22:55:00.000Z', mmPerHour: 0 },
      { startsAt: '2026-11-01T23:00:00.000Z', mmPerHour: 0.1 },
      { startsAt: '2026-11-01T23:05:00.000Z', mmPerHour: 0.1 },
      { startsAt: '2026-11-01T23:10:00.000Z', mmPerHour: 36517.41 },
    ]);
  });

  it('continues past midnight, and covers only the next two hours', () => {
    const lines = Array.from({ length: 288 }, (_, i) => {
      const [hour, minute] = [Math.floor(i / 12), (i % 12) * 5].map((number) =>
        String(number).padStart(2, '0'),
      );
      return `000|${hour ?? ''}:${minute ?? ''}`;
    });
    const rain = toRain(lines.join('\r\n'), now) ?? [];
    const moments = rain.map(({ startsAt: moment }) => moment).sort();
    expect(moments[0]).toBe('2026-11-01T22:55:00.000Z');
    expect(moments.at(-1)).toBe('2026-11-02T00:55:00.000Z');
    expect(moments).toHaveLength(25);
  });

  it.each(['<html>', '12', '12|25:00', '1234|12:00', 'x|12:00', '-5|12:00'])(
    'is refused if a line is "%s"',
    (line) => {
      expect(toRain(`000|23:55\r\n${line}`, now)).toBeNull();
    },
  );
});

describe('a Dutch time of the rain text', () => {
  it.each([
    ['2026-01-15T12:00:00', '2026-01-15T11:00:00.000Z'],
    ['2026-07-15T12:00:00', '2026-07-15T10:00:00.000Z'],
    ['2026-03-29T01:59:00', '2026-03-29T00:59:00.000Z'],
    ['2026-03-29T03:00:00', '2026-03-29T01:00:00.000Z'],
    ['2026-10-25T01:59:00', '2026-10-24T23:59:00.000Z'],
    ['2026-10-25T02:30:00', '2026-10-25T01:30:00.000Z'],
    ['2026-10-25T03:00:00', '2026-10-25T02:00:00.000Z'],
  ])('%s is %s', (local, moment) => {
    expect(new Date(momentOf(local)).toISOString()).toBe(moment);
  });

  it('belongs to the nearest day', () => {
    const midnight = Date.parse('2026-11-01T23:00:00Z');
    expect(new Date(nearestMoment('23', '55', midnight)).toISOString()).toBe('2026-11-01T22:55:00.000Z');
    expect(new Date(nearestMoment('00', '05', midnight)).toISOString()).toBe('2026-11-01T23:05:00.000Z');
  });
});

describe('the table of postcodes', () => {
  it('has a place in the Netherlands for every region', () => {
    for (let region = 10; region <= 99; region += 1) {
      const place = placeOfPostcode(`${region}12 AB`, 'NL');
      expect(place && isInNetherlands(place), `${region}`).toBe(true);
    }
  });

  it.each([
    ['1012 AB', 52.37, 4.9],
    ['3511lx', 52.09, 5.11],
    [' 9711 LM ', 53.22, 6.57],
    ['6211 AB', 50.85, 5.71],
  ])('has the approximate place of %s', (postcode, latitude, longitude) => {
    expect(placeOfPostcode(postcode, null)).toEqual({ latitude, longitude });
  });

  it.each(['0012 AB', '12 AB', '1012', '1012 ABC', '101 AB'])('has no place for "%s"', (postcode) => {
    expect(placeOfPostcode(postcode, null)).toBeNull();
  });

  it.each(Object.entries(hostileKeys))('has no place for %s, in any country', (_, postcode) => {
    for (const country of [null, 'NL', postcode]) expect(placeOfPostcode(postcode, country)).toBeNull();
  });
});
