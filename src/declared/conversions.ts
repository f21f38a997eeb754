import { plainDecimal } from '../connectors/decimal.js';
import type { Mapping, TextConversion } from './grammar.js';
import { Mismatch } from './path.js';
import type { Place, Report } from './problems.js';
import { zonedTime } from './zoned-time.js';

/** Converts a value of the system, which is not null, to the value of a field. Throws a Mismatch. */
export type Convert = (value: unknown) => unknown;

/** The conversions that each scalar may have. */
const CONVERSIONS: Readonly<Record<string, readonly (keyof Mapping)[]>> = {
  String: ['text'],
  ID: ['text'],
  Int: ['number'],
  Float: ['number'],
  BigInt: ['number'],
  Decimal: ['number'],
  Boolean: ['boolean'],
  Date: ['date'],
  DateTime: ['dateTime'],
  Duration: [],
};
export const ALL_CONVERSIONS = ['text', 'number', 'money', 'date', 'dateTime', 'boolean', 'enum'] as const;

/** Compiles the conversion to a scalar. Reports a conversion that the scalar cannot have. */
export function scalarConversion(
  scalar: string,
  mapping: Mapping,
  path: string,
  { place, report }: { place: Place; report: Report },
): Convert {
  const allowed = CONVERSIONS[scalar];
  if (allowed === undefined) {
    report(
      place,
      `A value of the type ${scalar} cannot be mapped.`,
      `Use one of ${Object.keys(CONVERSIONS).join(', ')}.`,
    );
    return (value) => value;
  }
  for (const name of ALL_CONVERSIONS)
    if (mapping[name] !== undefined && !allowed.includes(name))
      report(
        [...place, name],
        `The conversion "${name}" does not make a value of the type ${scalar}.`,
        allowed.length === 0 ? 'Remove it.' : `For ${scalar}, use ${allowed.join(' or ')}.`,
      );
  switch (scalar) {
    case 'ID':
      return textConversion(['fromNumber', ...textOperations(mapping.text)], path);
    case 'String':
      return textConversion(textOperations(mapping.text), path);
    case 'Boolean':
      return booleanConversion(mapping.boolean, path);
    case 'Date':
      return dateConversion(mapping.date, path, { place: [...place, 'date'], report });
    case 'DateTime':
      return dateTimeConversion(mapping.dateTime, path, { place: [...place, 'dateTime'], report });
    case 'Duration':
      return matching(/^P(?!$)(\d+D)?(T(?!$)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/, path, 'an ISO 8601 duration');
    default:
      return numberConversion(scalar, mapping.number, path);
  }
}

function textOperations(
  text: TextConversion | undefined,
): readonly Exclude<TextConversion, readonly unknown[]>[] {
  return text === undefined ? [] : [text].flat();
}

/** `trim` makes an empty text null. */
export function textConversion(operations: readonly string[], path: string): Convert {
  const [trims, lowers, uppers, takesNumbers] = ['trim', 'lower', 'upper', 'fromNumber'].map((operation) =>
    operations.includes(operation),
  );
  return (value) => {
    let text = value;
    if (takesNumbers === true && typeof text === 'number' && Number.isSafeInteger(text)) text = String(text);
    if (typeof text !== 'string')
      throw new Mismatch(path, takesNumbers === true ? 'a text or a whole number' : 'a text');
    let result: string = text;
    if (trims === true) result = result.trim();
    if (lowers === true) result = result.toLowerCase();
    if (uppers === true) result = result.toUpperCase();
    return trims === true && result === '' ? null : result;
  };
}

function matching(pattern: RegExp, path: string, expected: string): Convert {
  return (value) => {
    if (typeof value !== 'string' || !pattern.test(value)) throw new Mismatch(path, expected);
    return value;
  };
}

function numberConversion(scalar: string, number: Mapping['number'], path: string): Convert {
  const read = number === undefined ? undefined : numberReader(number, path);
  const convert = numberTo(scalar, path);
  return read === undefined ? convert : (value) => convert(read(value));
}

/** Reads a number that the system sends as text. */
function numberReader(number: NonNullable<Mapping['number']>, path: string): Convert {
  const { decimal, group } = number === 'fromText' ? { decimal: '.', group: undefined } : number;
  return (value) => {
    if (typeof value !== 'string') throw new Mismatch(path, 'a number as text');
    const ungrouped = group === undefined ? value : value.replaceAll(group, '');
    const plain = plainDecimal(decimal === '.' ? ungrouped.trim() : ungrouped.trim().replace(decimal, '.'));
    if (plain === null) throw new Mismatch(path, 'a number as text');
    return plain;
  };
}

function numberTo(scalar: string, path: string): Convert {
  switch (scalar) {
    case 'Int':
      return (value) => {
        const number = typeof value === 'string' && /^-?\d{1,10}$/.test(value) ? Number(value) : value;
        if (typeof number !== 'number' || (number | 0) !== number)
          throw new Mismatch(path, 'a whole number of 32 bits');
        return number;
      };
    case 'Float':
      return (value) => {
        const number = typeof value === 'string' ? Number(value) : value;
        if (typeof number !== 'number' || !Number.isFinite(number) || value === '')
          throw new Mismatch(path, 'a number');
        return number;
      };
    case 'BigInt':
      return (value) => {
        if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
        if (typeof value === 'string' && /^-?\d{1,40}$/.test(value)) return value;
        throw new Mismatch(path, 'a whole number');
      };
    default:
      return (value) => decimalOf(value, path);
  }
}

/** An exact decimal. The parser of the connector returns numbers that JavaScript would round as text. */
export function decimalOf(value: unknown, path: string): string {
  const plain = typeof value === 'string' || typeof value === 'number' ? plainDecimal(String(value)) : null;
  if (plain === null) throw new Mismatch(path, 'a decimal number');
  return plain;
}

/** The decimal of a number of minor units: 1250 with two digits is 12.50. */
export function fromMinorUnits(value: unknown, digits: number, path: string): string {
  const units = decimalOf(value, path);
  if (units.includes('.')) throw new Mismatch(path, 'a whole number of minor units');
  if (digits === 0) return units;
  const [, sign = '', number = ''] = /^(-?)(\d+)$/.exec(units) ?? [];
  const padded = number.padStart(digits + 1, '0');
  return `${sign}${padded.slice(0, -digits)}.${padded.slice(-digits)}`;
}

function booleanConversion(boolean: Mapping['boolean'], path: string): Convert {
  if (boolean === undefined)
    return (value) => {
      if (typeof value !== 'boolean') throw new Mismatch(path, 'true or false');
      return value;
    };
  const values = new Map([
    ...boolean.true.map((value) => [String(value), true] as const),
    ...boolean.false.map((value) => [String(value), false] as const),
  ]);
  return (value) => {
    const isScalar = typeof value === 'string' || typeof value === 'number';
    const result = isScalar ? values.get(String(value)) : undefined;
    if (result === undefined) throw new Mismatch(path, 'one of the declared values of a boolean');
    return result;
  };
}

interface At {
  place: Place;
  report: Report;
}

function dateConversion(format: string | undefined, path: string, { place, report }: At): Convert {
  const parts =
    format === undefined || format === 'dateTime'
      ? ['yyyy', 'mm', 'dd']
      : (format.match(/yyyy|mm|dd/g) ?? []);
  if ([...parts].sort().join() !== 'dd,mm,yyyy')
    report(
      place,
      `"${format ?? ''}" is not a format of dates.`,
      'Write dateTime, or yyyy, mm and dd once each, such as dd-mm-yyyy.',
    );
  const text = format === undefined || format === 'dateTime' ? 'yyyy-mm-dd' : format;
  const escaped = text
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replace('yyyy', '(\\d{4})')
    .replace(/mm|dd/g, '(\\d{2})');
  const pattern = new RegExp(
    `^${escaped}${format === 'dateTime' ? '[T ][\\d:.]+(?:Z|[+-]\\d\\d(?::?\\d\\d)?)?' : ''}$`,
  );
  const [year, month, day] = ['yyyy', 'mm', 'dd'].map((part) => parts.indexOf(part) + 1);
  return (value) => {
    if (format === undefined && typeof value === 'string' && PLAIN_DATE.test(value)) return value;
    const found = typeof value === 'string' ? pattern.exec(value) : null;
    const date = `${found?.[year ?? 0] ?? ''}-${found?.[month ?? 0] ?? ''}-${found?.[day ?? 0] ?? ''}`;
    if (!isDay(date)) throw new Mismatch(path, 'a date');
    return date;
  };
}

/** Whether a text such as `2026-02-28` is a day. JavaScript reads 30 February as 2 March. */
function isDay(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).getUTCDate() === Number(date.slice(8, 10));
}

const EVERY_MONTH_DAY = '\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\\d|2[0-8])';
/** A day up to the 28th. Such a value needs no conversion. */
const PLAIN_DATE = new RegExp(`^${EVERY_MONTH_DAY}$`);
/** A moment in UTC with milliseconds, on a day up to the 28th. Such a value needs no conversion. */
const PLAIN_DATE_TIME = new RegExp(`^${EVERY_MONTH_DAY}T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}Z$`);

/** Databases write the zone UTC as +00. */
const WITH_ZONE = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d|([+-]\d\d))$/;

/** Older services write `/Date(1767225600000)/`. The zone in it, if any, does not change the moment. */
const MILLISECONDS = /^(?:(\d{1,15})|\/Date\((-?\d{1,15})(?:[+-]\d{1,4})?\)\/)$/;

function dateTimeConversion(dateTime: Mapping['dateTime'], path: string, { place, report }: At): Convert {
  if (dateTime === 'seconds' || dateTime === 'milliseconds') {
    const factor = dateTime === 'seconds' ? 1_000 : 1;
    const pattern = dateTime === 'seconds' ? /^(\d{1,15})$/ : MILLISECONDS;
    return (value) => {
      const text = typeof value === 'string' ? pattern.exec(value)?.slice(1).find(Boolean) : undefined;
      const number = text === undefined ? value : Number(text);
      const moment = new Date(typeof number === 'number' ? number * factor : Number.NaN);
      if (Number.isNaN(moment.valueOf())) throw new Mismatch(path, `${dateTime} since 1970`);
      return moment.toISOString();
    };
  }
  const withoutZone = dateTime === undefined ? undefined : zonedTime(dateTime.zone);
  if (dateTime !== undefined && withoutZone === undefined)
    report(
      [...place, 'zone'],
      `"${dateTime.zone}" is not a time zone.`,
      'Write a name of the IANA time zone database, such as Europe/Amsterdam.',
    );
  return (value) => {
    if (typeof value === 'string') {
      if (PLAIN_DATE_TIME.test(value)) return value;
      const found = WITH_ZONE.exec(value);
      if (found !== null) {
        if (!isDay(value.slice(0, 10))) throw new Mismatch(path, 'a date and time with a zone');
        const moment = new Date(`${value.replace(' ', 'T')}${found[1] === undefined ? '' : ':00'}`);
        if (!Number.isNaN(moment.valueOf())) return moment.toISOString();
      } else {
        const moment = withoutZone?.(value);
        if (moment !== undefined) return moment;
      }
    }
    throw new Mismatch(path, 'a date and time with a zone');
  };
}

/** Compiles the conversion to an enum of the schema. */
export function enumConversion(
  { name, values }: { name: string; values: readonly string[] },
  declared: Mapping['enum'],
  path: string,
  { place, report }: At,
): Convert {
  const known = new Map<string, string>(
    declared === undefined ? values.map((value) => [value, value]) : Object.entries(declared),
  );
  for (const [from, to] of known)
    if (!values.includes(to))
      report(
        [...place, 'enum', from],
        `"${to}" is not a value of ${name}.`,
        `Use one of ${values.join(', ')}.`,
      );
  return (value) => {
    const isScalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    const result = isScalar ? known.get(String(value)) : undefined;
    if (result === undefined) throw new Mismatch(path, `a value of ${name}`);
    return result;
  };
}
