import { describe, expect, it } from 'vitest';
import { momentOf, nearestMoment } from '../../sources/buienradar/dutch-time.js';
import { measurementsNear, toCountry, toRain } from '../../sources/buienradar/mapping.js';
import { isInNetherlands, placeOfPostcode } from '../../sources/buienradar/places.js';
import { feed } from '../../sources/buienradar/wire.js';

const station = {
  stationname: 'De Bilt',
  lat: 52.1,
  lon: '5,18',
  timestamp: '2026-10-01T12:00:00',
  temperature: 1,
};
const day = { day: '2026-10-02T00:00:00' };
const country = (stationmeasurements: object[], fivedayforecast: object[] = []) =>
  toCountry(feed.parse({ actual: { stationmeasurements }, forecast: { fivedayforecast } }));

describe('a station of Buienradar', () => {
  it('has each field in its place', () => {
    const fields = {
      ...{ weatherdescription: 'Wolken', winddirection: 'ZZW', temperature: 0, feeltemperature: '-1,5' },
      ...{
        humidity: 90,
        windspeed: '3.2',
        windspeedBft: 2,
        windgusts: 5,
        airpressure: 1013,
        visibility: 9000,
      },
      rainFallLastHour: '0,4',
    };
    expect(country([{ ...station, ...fields }]).stations).toEqual([
      {
        ...{ station: 'De Bilt', latitude: 52.1, longitude: 5.18, measuredAt: '2026-10-01T10:00:00.000Z' },
        ...{ description: 'Wolken', temperatureCelsius: 0, feelsLikeCelsius: -1.5, humidityPercent: 90 },
        ...{ windDirection: 'SSW', windSpeedMs: 3.2, windForceBft: 2, windGustsMs: 5, airPressureHpa: 1013 },
        ...{ visibilityM: 9000, rainLastHourMm: 0.4 },
      },
    ]);
    expect(country([station]).stations[0]).toMatchObject({
      ...{ description: null, feelsLikeCelsius: null, humidityPercent: null, windDirection: null },
      ...{ windSpeedMs: null, windForceBft: null, windGustsMs: null, airPressureHpa: null },
      ...{ visibilityM: null, rainLastHourMm: null },
    });
  });

  it('is omitted without a temperature, and counts once if it is repeated', () => {
    const names = country([
      { ...station, temperature: null, stationname: 'Sea' },
      { ...station, temperature: '', stationname: 'Coast' },
      ...[station, station, { ...station, stationname: 'Ede' }],
    ]).stations.map((station) => station.station);
    expect(names).toEqual(['De Bilt', 'Ede']);
  });

  it.each([
    ['N', 'N'],
    ['o', 'E'],
    ['NNO', 'NNE'],
    ['ZO', 'SE'],
    ['WNW', 'WNW'],
    [' zw ', 'SW'],
    ['VAR', null],
    ['', null],
  ])('with wind from %j has %j', (winddirection, expected) => {
    expect(country([{ ...station, winddirection }]).stations[0]?.windDirection).toBe(expected);
  });

  it('provides the measurements if it is the nearest, or the first of two equally near stations', () => {
    const at = (stationname: string, lat: number, lon: number) => ({ ...station, stationname, lat, lon });
    const place = { latitude: 52, longitude: 5 };
    const far = at('Far', 53, 5);
    expect(
      measurementsNear(country([far, at('East', 52, 5.1), at('West', 52, 4.9), at('Farther', 51, 4)]), place),
    ).toMatchObject({ station: 'East', distanceKm: 6.8 });
    expect(measurementsNear(country([far]), place)).toMatchObject({ station: 'Far', distanceKm: 111.2 });
    expect(measurementsNear(country([]), place)).toBeNull();
  });
});

describe('a day of Buienradar', () => {
  it('has each field in its place', () => {
    const fields = {
      ...{ mintemperature: '9', maxtemperature: '19', mintemperatureMin: 3, maxtemperatureMax: 15 },
      ...{ rainChance: 10, sunChance: 20, windDirection: 'nw', wind: 4, mmRainMin: 0, mmRainMax: 1.5 },
      weatherdescription: 'Zon',
    };
    expect(country([], [{ ...day, ...fields }]).forecast).toEqual([
      {
        ...{ validOn: '2026-10-02', description: 'Zon', minTemperatureCelsius: 3, maxTemperatureCelsius: 15 },
        ...{ rainChancePercent: 10, sunChancePercent: 20, rainMinMm: 0, rainMaxMm: 1.5, windDirection: 'NW' },
        windForceBft: 4,
      },
    ]);
    expect(country([], [day, day]).forecast).toEqual([
      {
        ...{
          validOn: '2026-10-02',
          description: null,
          minTemperatureCelsius: null,
          maxTemperatureCelsius: null,
        },
        ...{ rainChancePercent: null, sunChancePercent: null, rainMinMm: null, rainMaxMm: null },
        ...{ windDirection: null, windForceBft: null },
      },
    ]);
  });

  it.each([
    ['3/5', 3, 5],
    ['5/3', 3, 5],
    ['-4 / -2', -4, -2],
    ['-1.5/0', -1.5, 0],
    ['7', 7, 7],
    [7, 7, 7],
    ['3/x', 3, 3],
    ['', null, null],
    ['x', null, null],
  ])('with the range %j is from %j to %j', (range, min, max) => {
    expect(country([], [{ ...day, mintemperature: range, maxtemperature: range }]).forecast[0]).toMatchObject(
      {
        ...{ minTemperatureCelsius: min, maxTemperatureCelsius: max },
      },
    );
  });
});

describe('the rain text of Buienradar', () => {
  const now = Date.parse('2026-10-01T10:00:00Z');
  const read = (text: string) =>
    toRain(text, now)?.map(({ startsAt, mmPerHour }) => [startsAt.slice(11, 16), mmPerHour]);

  it('covers two hours from the current period of five minutes', () => {
    expect(read('000|11:54\r\n000|11:55\n\n000|11:56\n000|12:00\n000|14:00\n000|14:01\n')).toEqual([
      ['09:56', 0],
      ['10:00', 0],
      ['12:00', 0],
    ]);
  });

  it.each([
    ['000', 0],
    ['0', 0],
    ['077', 0.1],
    ['109', 1],
    ['141', 10],
    ['109,0', 1],
    ['93.5', 0.33],
    ['255', 36_517.41],
  ])('of the strength %s is %j mm per hour', (strength, mmPerHour) => {
    expect(read(`${strength}|12:00`)).toEqual([['10:00', mmPerHour]]);
  });

  it.each(['<html>', '000|24:00', '000|12:60', '000|12:00\nfault', '1000|12:00', '|12:00'])(
    'is refused in another format: %j',
    (text) => {
      expect(toRain(text, now)).toBeNull();
    },
  );
  it('may be empty', () => {
    expect(toRain('', now)).toEqual([]);
  });
});

describe('a Dutch time', () => {
  it.each([
    ['2026-01-15T12:00:00', '2026-01-15T11:00:00.000Z'],
    ['2026-07-15T12:00:00', '2026-07-15T10:00:00.000Z'],
    ['2026-03-29T01:59:59', '2026-03-29T00:59:59.000Z'],
    ['2026-03-29T03:00:00', '2026-03-29T01:00:00.000Z'],
    ['2026-10-25T01:59:59', '2026-10-24T23:59:59.000Z'],
    ['2026-10-25T02:30:00', '2026-10-25T01:30:00.000Z'],
    ['2026-10-25T03:00:00', '2026-10-25T02:00:00.000Z'],
  ])('%s is %s', (local, utc) => {
    expect(new Date(momentOf(local)).toISOString()).toBe(utc);
  });

  it.each([
    ['23', '55', '2026-10-01T22:01:00Z', '2026-10-01T21:55:00.000Z'],
    ['00', '05', '2026-10-01T21:59:00Z', '2026-10-01T22:05:00.000Z'],
    ['12', '05', '2026-10-01T10:00:00Z', '2026-10-01T10:05:00.000Z'],
  ])('%s:%s nearest to %s is %s', (hour, minute, now, expected) => {
    expect(new Date(nearestMoment(hour, minute, Date.parse(now))).toISOString()).toBe(expected);
  });
});

describe('a postcode in the mapping of Buienradar', () => {
  it.each<[string | null | undefined, string | null | undefined, boolean]>([
    ['1012 AB', 'NL', true],
    ['1012ab', 'nl', true],
    [' 1012 AB ', null, true],
    ['1012', 'NL', true],
    ['1012', null, false],
    ['1012 AB', 'BE', false],
    ['0912 AB', 'NL', false],
    ['1012 A', 'NL', false],
    ['1012  AB', 'NL', false],
    ['11012 AB', 'NL', false],
    ['9999 ZZ', undefined, true],
    [null, 'NL', false],
  ])('%j in the country %j has a place: %j', (postcode, countryCode, expected) => {
    expect(placeOfPostcode(postcode, countryCode) !== null).toBe(expected);
  });

  it('has the place of its first two digits', () => {
    expect(placeOfPostcode('1099 AB', 'NL')).toEqual({ latitude: 52.37, longitude: 4.9 });
    expect(placeOfPostcode('1100 AB', 'NL')).toEqual({ latitude: 52.36, longitude: 4.93 });
    expect(placeOfPostcode('9999 AB', 'NL')).toEqual({ latitude: 53.34, longitude: 6.68 });
  });
});

it.each([
  ['Amsterdam', 52.37, 4.9, true],
  ['Maastricht', 50.85, 5.7, true],
  ['Groningen', 53.22, 6.57, true],
  ['Middelburg', 51.5, 3.61, true],
  ['Antwerp', 51.22, 4.4, false],
  ['Aachen', 50.78, 6.08, false],
  ['London', 51.5, -0.1, false],
  ['Bremen', 53.08, 8.8, false],
])('%s is in the Netherlands: %4$j', (_, latitude, longitude, expected) => {
  expect(isInNetherlands({ latitude, longitude })).toBe(expected);
});
