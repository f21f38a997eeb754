import { isSafeNumber, parse } from 'lossless-json';
import { z } from 'zod';
import { InvalidInputError } from '../errors.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Decodes a body, without a byte order mark. Throws an InvalidInputError if it is not UTF-8. */
export function readText(body: Uint8Array): string {
  try {
    return utf8.decode(body);
  } catch (error) {
    throw new InvalidInputError('The body is not text in UTF-8.', { cause: error });
  }
}

/**
 * Parses and validates a JSON body. Numbers that JavaScript would round become text, so that ids stay exact. Throws an
 * InvalidInputError that names the invalid places, without their values.
 */
export function readJson<T>(body: Uint8Array, schema: z.ZodType<T>): T {
  const text = readText(body);
  let value: unknown;
  try {
    value = parse(text, undefined, (number) => (isSafeNumber(number) ? Number(number) : number));
  } catch {
    // No cause: it quotes the body.
    throw new InvalidInputError('The body is not JSON.');
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const places = checked.error.issues.map(({ path }) => path.map(String).join('.') || 'the body');
  throw new InvalidInputError(`The body is not what the system sends: ${placesIn(places)}.`);
}

/** Lists up to three places. A key that does not look like a field name may be personal, so it is omitted. */
function placesIn(places: readonly string[]): string {
  const known = places.filter((place) => /^[\w. ]{1,80}$/.test(place));
  return [...new Set(known)].slice(0, 3).join(', ') || 'somewhere in it';
}

/** An id, which is a number in some systems and a text in others. */
export const recordId = z
  .union([z.string(), z.int()])
  .transform(String)
  .pipe(z.string().regex(/^\S{1,200}$/));

/** A time with a zone, converted to UTC. */
export const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());

/** A time in milliseconds since 1970, as a number or a text. */
export const epochMs = z
  .union([z.string().regex(/^\d{1,15}$/), z.int().nonnegative()])
  .transform((value) => new Date(Number(value)))
  .refine((date) => !Number.isNaN(date.valueOf()))
  .transform((date) => date.toISOString());
