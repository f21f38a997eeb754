import { uniqueById } from '../../src/index.js';
import { momentOf, nearestMoment } from './dutch-time.js';
import { distanceKm, type Place } from './places.js';
import type { CompassPoint, WeatherDay, WeatherNow, WeatherRain } from './schema.generated.js';
import { RAIN_LINE, type Day, type Feed, type Station } from './wire.js';

/** The weather of a place, which is loaded field by field. @public Generated types import it. */
export type WeatherRecord = Place;

/** What is kept of the feed: what every place's weather is made from. */
export interface Country {
  stations: readonly (Omit<WeatherNow, 'distanceKm'> & Place)[];
  forecast: readonly WeatherDay[];
}

/** Those that measure no temperature are poles for wind, most of them at sea. */
export function toCountry({ actual, forecast }: Feed): Country {
  const stations = uniqueById(actual.stationmeasurements, ({ stationname }) => stationname);
  return {
    stations: stations.filter(({ temperature }) => temperature != null).map(toStation),
    forecast: uniqueById(forecast.fivedayforecast, ({ day }) => day).map(toDay),
  };
}

function toStation(one: Station): Country['stations'][number] {
  return {
    station: one.stationname,
    latitude: one.lat,
    longitude: one.lon,
    measuredAt: new Date(momentOf(one.timestamp)).toISOString(),
    description: one.weatherdescription ?? null,
    temperatureCelsius: one.temperature ?? null,
    feelsLikeCelsius: one.feeltemperature ?? null,
    humidityPercent: one.humidity ?? null,
    windDirection: toCompassPoint(one.winddirection),
    windSpeedMs: one.windspeed ?? null,
    windForceBft: one.windspeedBft ?? null,
    windGustsMs: one.windgusts ?? null,
    airPressureHpa: one.airpressure ?? null,
    visibilityM: one.visibility ?? null,
    rainLastHourMm: one.rainFallLastHour ?? null,
  };
}

function toDay(one: Day): WeatherDay {
  return {
    validOn: one.day.slice(0, 10),
    description: one.weatherdescription ?? null,
    minTemperatureCelsius: one.mintemperatureMin ?? outermost(Math.min, one.mintemperature),
    maxTemperatureCelsius: one.maxtemperatureMax ?? outermost(Math.max, one.maxtemperature),
    rainChancePercent: one.rainChance ?? null,
    sunChancePercent: one.sunChance ?? null,
    rainMinMm: one.mmRainMin ?? null,
    rainMaxMm: one.mmRainMax ?? null,
    windDirection: toCompassPoint(one.windDirection),
    windForceBft: one.wind ?? null,
  };
}

const COMPASS_POINTS: ReadonlySet<string> = new Set<CompassPoint>([
  ...(['N', 'NNE', 'NE', 'ENE', 'E', 'ESE', 'SE', 'SSE'] as const),
  ...(['S', 'SSW', 'SW', 'WSW', 'W', 'WNW', 'NW', 'NNW'] as const),
]);

function isCompassPoint(text: string): text is CompassPoint {
  return COMPASS_POINTS.has(text);
}

/** Translates a Dutch compass point such as `ZZW` (SSW). Null for any other text. */
function toCompassPoint(dutch: string | null | undefined): CompassPoint | null {
  const point = (dutch ?? '').trim().toUpperCase().replaceAll('O', 'E').replaceAll('Z', 'S');
  return isCompassPoint(point) ? point : null;
}

/** Of a span such as "3/5", where the numbers beside it are missing. */
function outermost(choose: (...of: number[]) => number, span: Day['mintemperature']): number | null {
  const ends = String(span ?? '')
    .split('/')
    .flatMap((end) => (/^\s*-?\d+(\.\d+)?\s*$/.test(end) ? [Number(end)] : []));
  return ends.length === 0 ? null : choose(...ends);
}

/** What the nearest station measures; null when there is none. */
export function nearest({ stations }: Country, place: Place): WeatherNow | null {
  const [first, ...others] = stations;
  if (first === undefined) return null;
  let station = first;
  let leastKm = distanceKm(place, first);
  for (const other of others) {
    const km = distanceKm(place, other);
    if (km < leastKm) [station, leastKm] = [other, km];
  }
  return { ...station, distanceKm: Math.round(leastKm * 10) / 10 };
}

const STEP_MS = 5 * 60_000;
const AHEAD_MS = 2 * 60 * 60_000;

/** The rain from now on; null when the text is something else. Nothing at all is what is told of a place without a forecast. */
export function toRain(text: string, now: number): WeatherRain[] | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const rain: { at: number; mmPerHour: number }[] = [];
  for (const line of lines) {
    const [, strength, hour, minute] = RAIN_LINE.exec(line.trim()) ?? [];
    if (strength === undefined || hour === undefined || minute === undefined) return null;
    rain.push({ at: nearestMoment(hour, minute, now), mmPerHour: toMmPerHour(strength) });
  }
  return rain
    .filter(({ at }) => at > now - STEP_MS && at <= now + AHEAD_MS)
    .map(({ at, mmPerHour }) => ({ startsAt: new Date(at).toISOString(), mmPerHour }));
}

/** 0 is dry, 77 is 0.1 mm an hour, 255 a cloudburst: the scale is logarithmic. */
function toMmPerHour(strength: string): number {
  const value = Number(strength.replace(',', '.'));
  return value === 0 ? 0 : Math.round(10 ** ((value - 109) / 32) * 100) / 100;
}
