import { z } from 'zod';

/** The parts of Buienradar's answers that are read. There is no published specification: see README.md. */

/** A number may be a number or a text, with a comma, or empty. */
const measured = z
  .union([
    z.number(),
    z
      .string()
      .trim()
      .regex(/^(-?\d+([.,]\d+)?)?$/)
      .transform((text) => (text === '' ? null : Number(text.replace(',', '.')))),
  ])
  .nullish();
const degrees = measured.refine((value) => value != null && Number.isFinite(value)).transform(Number);

/** Local Dutch time, without a zone. */
const localTime = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/);

export const station = z.object({
  stationname: z.string(),
  lat: degrees,
  lon: degrees,
  timestamp: localTime,
  weatherdescription: z.string().nullish(),
  winddirection: z.string().nullish(),
  temperature: measured,
  feeltemperature: measured,
  humidity: measured,
  windspeed: measured,
  windspeedBft: measured,
  windgusts: measured,
  airpressure: measured,
  visibility: measured,
  rainFallLastHour: measured,
});
export type Station = z.infer<typeof station>;

/** A range of temperatures such as "3/5". Two numeric members beside it have its ends. */
const range = z.union([z.string(), z.number()]).nullish();

export const day = z.object({
  day: localTime,
  mintemperature: range,
  maxtemperature: range,
  mintemperatureMin: measured,
  maxtemperatureMax: measured,
  rainChance: measured,
  sunChance: measured,
  windDirection: z.string().nullish(),
  wind: measured,
  mmRainMin: measured,
  mmRainMax: measured,
  weatherdescription: z.string().nullish(),
});
export type Day = z.infer<typeof day>;

export const feed = z.object({
  actual: z.object({ stationmeasurements: z.array(station) }),
  forecast: z.object({ fivedayforecast: z.array(day) }),
});
export type Feed = z.infer<typeof feed>;

/** `077|13:05`: strength, and local Dutch time. Since 2022 the strength may have decimals and no leading zeros. */
export const RAIN_LINE = /^(\d{1,3}(?:[.,]\d+)?)\|([01]\d|2[0-3]):([0-5]\d)$/;
