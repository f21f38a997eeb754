import { describe, expect } from 'vitest';
import { buienradar } from '../../sources/buienradar/index.js';
import { hostileKeys } from '../connectors/contract.js';
import { at, listAt } from '../support/read.js';
import { knownPeople } from './known-people.js';
import { describeSource } from './source-contract.js';

/** Another system, which has the addresses of customers. */
const hundred = Array.from({ length: 100 }, (_, i) => [`customer-${i}@example.nl`, `${10 + (i % 4)}12 AB`]);
const withText = new Map(
  Object.values(hostileKeys).map((text, i) => [text, `text-${i}@example.nl`] as const),
);
const known = knownPeople(
  Object.fromEntries(
    [
      ...hundred.map(([email = '', postcode = '']) => [email, { postcode, country: 'NL' }] as const),
      ...[...withText].map(([postcode, email]) => [email, { postcode, country: 'NL' }] as const),
      ['utrecht@example.nl', { postcode: '3511 LX' }] as const,
      ['berlin@example.nl', { postcode: '1012 AB', country: 'DE' }] as const,
    ].map(([email, address]) => [email, { profile: { address } }]),
  ),
);

const ofCustomer = (email: string, fields = 'now { station }') => ({
  query: `query($by: CustomerKey!) { customer(by: $by) { weather { ${fields} } } }`,
  variables: { by: { email } },
});
const ofPlace = (latitude: number, longitude: number, fields = 'now { station }') => ({
  query: `query($latitude: Decimal!, $longitude: Decimal!) { weather(latitude: $latitude, longitude: $longitude) { ${fields} } }`,
  variables: { latitude: String(latitude), longitude: String(longitude) },
});
const nothing = { customer: { weather: null } };

const station = {
  stationname: 'Meetstation De Bilt',
  lat: 52.1,
  lon: 5.18,
  timestamp: '2026-07-01T21:00:00',
  temperature: 3.6,
};
const feedOf = (stations: unknown) => ({
  actual: { stationmeasurements: stations },
  forecast: { fivedayforecast: [] },
});

describe('the weather', () => {
  describeSource({
    source: buienradar,
    dependencies: { sources: [known.source], sdl: known.sdl, environment: known.environment },
    found: {
      'a place': {
        ...ofPlace(52.09, 5.12),
        data: { weather: { now: { station: 'Meetstation De Bilt' } } },
      },
      'the postcode of a customer': {
        ...ofCustomer('utrecht@example.nl'),
        data: { customer: { weather: { now: { station: 'Meetstation De Bilt' } } } },
      },
    },
    unknown: {
      'a place': { ...ofPlace(51.5, -0.12), data: { weather: null } },
      'a postcode': { ...ofCustomer('berlin@example.nl'), data: nothing },
    },
    batches: {
      // The calls are the feed of the country, and the rain of each of the four regions of the customers.
      'a hundred customers': {
        query:
          'query($by: [CustomerKey!]!) { customers(by: $by) { weather { now { station } rain { startsAt } } } }',
        variables: { by: hundred.map(([email]) => ({ email })) },
        calls: 1 + 4,
        expectData: (data) => {
          const customers = listAt(data, 'customers');
          expect(customers).toHaveLength(100);
          for (const customer of customers) {
            expect(at(customer, 'weather', 'now', 'station')).toEqual(expect.any(String));
            expect(listAt(customer, 'weather', 'rain')).toHaveLength(24);
          }
        },
      },
    },
    pages: { noneBecause: 'the feed is the whole country at once, and the rain text two hours of one place' },
    operation: ofPlace(52.09, 5.12),
    wrongCredentials: {
      noneBecause: 'Buienradar has no credentials',
    },
    byAnyText: {
      'the postcode of a customer': (text) => ({ ...ofCustomer(withText.get(text) ?? ''), nothing }),
    },
    http: {
      urlVariable: ['BUIENRADAR_URL', 'BUIENRADAR_RAIN_URL'],
      paths: /^\/(2\.0\/feed\/json|data\/raintext\?lat=\d\d\.\d\d&lon=\d\.\d\d)$/,
      nothing: ({ url }) => ({ body: url.includes('feed') ? feedOf([]) : '' }),
      // Buienradar publishes no limit and no header. A proxy in front of it may send Retry-After.
      rateLimit: { body: 'Too many requests', headers: { 'retry-after': '30' }, retryAfter: 30 },
      refusal: { status: 403, body: '<html>Forbidden</html>' },
      mismatches: [
        { answer: () => ({ something: 'secret' }), place: 'actual', value: 'secret' },
        {
          answer: () => feedOf([{ ...station, humidity: 'secret' }]),
          place: 'actual.stationmeasurements.0.humidity',
          value: 'secret',
        },
        {
          answer: () => feedOf([{ ...station, timestamp: 'secret' }]),
          place: 'actual.stationmeasurements.0.timestamp',
          value: 'secret',
        },
      ],
      // The feed of the country and the rain of the first place are valid. The second is malformed, and the third
      // unreadable.
      partial: {
        query: `{ ${[51.6, 52, 53]
          .map(
            (latitude, i) =>
              `p${i}: weather(latitude: "${latitude}", longitude: "5.5") { now { station } rain { mmPerHour } }`,
          )
          .join(' ')} }`,
        answer: ({ url }) => {
          if (url.includes('feed')) return { body: feedOf([station]) };
          if (url.includes('lat=53.00')) return { status: 400, body: 'secret' };
          return { body: url.includes('lat=52.00') ? '<html>secret</html>' : '' };
        },
        data: Object.fromEntries(
          [[], null, null].map((rain, i) => [`p${i}`, { now: { station: 'Meetstation De Bilt' }, rain }]),
        ),
        errors: [1, 2].map((i) => ({ path: [`p${i}`, 'rain'], code: 'SOURCE_CONTRACT' })),
      },
    },
  });
});
