import { uniqueById } from '../../src/index.js';
import { momentOf, nearestMoment } from './dutch-time.js';
import { distanceKm, type Place } from './places.js';
import type { CompassPoint, WeatherDay, WeatherNow, WeatherRain } from './schema.generated.js';
import { RAIN_LINE, type Day, type Feed, type Station } from './wire.js';

/** The weather of a place is loaded field by field. @public Generated types import it. */
export type WeatherRecord = Place;

/** The cached parts of the feed, from which the weather of every place is made. */
export interface Country {
  stations: readonly (Omit<WeatherNow, 'distanceKm'> & Place)[];
  forecast: readonly WeatherDay[];
}

/** Stations without a temperature are left out: they measure wind only, most of them at sea. */
export function toCountry({ actual, forecast }: Feed): Country {
  const stations = uniqueById(actual.stationmeasurements, ({ stationname }) => stationname);
  return {
    stations: stations.filter(({ temperature }) => temperature != null).map(toStation),
    forecast: uniqueById(forecast.fivedayforecast, ({ day }) => day).map(toDay),
  };
}

function toStation(station: Station): Country['stations'][number] {
  return {
    station: station.stationname,
    latitude: station.lat,
    longitude: station.lon,
    measuredAt: new Date(momentOf(station.timestamp)).toISOString(),
    description: station.weatherdescription ?? null,
    temperatureCelsius: station.temperature ?? null,
    feelsLikeCelsius: station.feeltemperature ?? null,
    humidityPercent: station.humidity ?? null,
    windDirection: toCompassPoint(station.winddirection),
    windSpeedMs: station.windspeed ?? null,
    windForceBft: station.windspeedBft ?? null,
    windGustsMs: station.windgusts ?? null,
    airPressureHpa: station.airpressure ?? null,
    visibilityM: station.visibility ?? null,
    rainLastHourMm: station.rainFallLastHour ?? null,
  };
}

function toDay(day: Day): WeatherDay {
  return {
    validOn: day.day.slice(0, 10),
    description: day.weatherdescription ?? null,
    minTemperatureCelsius: day.mintemperatureMin ?? endOf(Math.min, day.mintemperature),
    maxTemperatureCelsius: day.maxtemperatureMax ?? endOf(Math.max, day.maxtemperature),
    rainChancePercent: day.rainChance ?? null,
    sunChancePercent: day.sunChance ?? null,
    rainMinMm: day.mmRainMin ?? null,
    rainMaxMm: day.mmRainMax ?? null,
    windDirection: toCompassPoint(day.windDirection),
    windForceBft: day.wind ?? null,
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

/** The lowest or highest number of a range such as "3/5", for when its separate members are missing. */
function endOf(choose: (...ends: number[]) => number, range: Day['mintemperature']): number | null {
  const ends = String(range ?? '')
    .split('/')
    .flatMap((end) => (/^\s*-?\d+(\.\d+)?\s*$/.test(end) ? [Number(end)] : []));
  return ends.length === 0 ? null : choose(...ends);
}

/** The measurements of the nearest station. Null if there is no station. */
export function measurementsNear({ stations }: Country, place: Place): WeatherNow | null {
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

const RAIN_STEP_MS = 5 * 60_000;
const RAIN_FORECAST_MS = 2 * 60 * 60_000;

/** The rain from now on. Null if the text has another format. Buienradar sends an empty text for a place without a forecast. */
export function toRain(text: string, now: number): WeatherRain[] | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const rain: { at: number; mmPerHour: number }[] = [];
  for (const line of lines) {
    const [, strength, hour, minute] = RAIN_LINE.exec(line.trim()) ?? [];
    if (strength === undefined || hour === undefined || minute === undefined) return null;
    rain.push({ at: nearestMoment(hour, minute, now), mmPerHour: toMmPerHour(strength) });
  }
  return rain
    .filter(({ at }) => at > now - RAIN_STEP_MS && at <= now + RAIN_FORECAST_MS)
    .map(({ at, mmPerHour }) => ({ startsAt: new Date(at).toISOString(), mmPerHour }));
}

/** 0 is dry, 77 is 0.1 mm per hour, and 255 is a cloudburst. The scale is logarithmic. */
function toMmPerHour(strength: string): number {
  const value = Number(strength.replace(',', '.'));
  return value === 0 ? 0 : Math.round(10 ** ((value - 109) / 32) * 100) / 100;
}
