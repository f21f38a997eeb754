import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toCountry, toRain } from '../../sources/buienradar/mapping.js';
import { isInNetherlands } from '../../sources/buienradar/places.js';
import { startBuienradar } from '../../sources/buienradar/stand-in/index.js';
import { feed, RAIN_LINE } from '../../sources/buienradar/wire.js';
import type { StandIn } from '../../sources/stand-ins/world.js';
import { asList, asObject, contractFile, type Json } from './openapi.js';

const recorded = asObject(JSON.parse(readFileSync(contractFile('buienradar', 'feed-2.0.json'), 'utf8')));
const recordedRain = readFileSync(contractFile('buienradar', 'raintext.txt'), 'utf8');

let standIn: StandIn;
let answered: Json;
beforeAll(async () => {
  standIn = await startBuienradar();
  answered = asObject(await fetch(`${standIn.url}/2.0/feed/json`).then((answer) => answer.json()));
});
afterAll(() => standIn.close());

/** Every path in a value, with the kinds of the values there. All items of a list share one path. */
function kindsOf(
  value: unknown,
  path = '',
  kinds = new Map<string, Set<string>>(),
): Map<string, Set<string>> {
  const kind = value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;
  kinds.set(path, (kinds.get(path) ?? new Set()).add(kind));
  if (Array.isArray(value)) for (const item of asList(value)) kindsOf(item, `${path}[]`, kinds);
  else if (kind === 'object')
    for (const [name, member] of Object.entries(asObject(value))) kindsOf(member, `${path}.${name}`, kinds);
  return kinds;
}

describe('Buienradar', () => {
  test('is imitated with the members of the recorded response, each with a recorded kind of value', () => {
    const known = kindsOf(recorded);
    for (const [path, kinds] of kindsOf(answered)) {
      expect(known.has(path), path).toBe(true);
      for (const kind of kinds) expect([...(known.get(path) ?? [])], `${kind} at ${path}`).toContain(kind);
    }
    // A member that one station lacks is present for another station.
    expect([...known.keys()].filter((path) => !kindsOf(answered).has(path))).toEqual([]);
  });

  test('is imitated with a rain text like the recorded one', async () => {
    const text = await fetch(`${standIn.url}/data/raintext?lat=52.1&lon=5.18`).then((answer) =>
      answer.text(),
    );
    for (const rainText of [text, recordedRain]) {
      expect(rainText.endsWith('\r\n')).toBe(true);
      for (const line of rainText.trim().split('\r\n')) expect(line).toMatch(RAIN_LINE);
    }
    expect(toRain(recordedRain, Date.now())).not.toBeNull();
  });

  test('is read correctly from the recorded response: stations and days', () => {
    const { stations, forecast } = toCountry(feed.parse(recorded));
    expect(stations).toHaveLength(35);
    expect(stations.filter((place) => !isInNetherlands(place)).map(({ station }) => station)).toEqual([
      'Meetstation Zeeplatform F-3',
    ]);
    expect(forecast.map(({ minTemperatureCelsius }) => minTemperatureCelsius)).toEqual([2, 3, 6, 3, 3]);
  });
});
