import { InvalidInputError } from '../../errors.js';

/** Supported OData versions: 4, and 2 for older systems (Exact Online, SAP). */
export type OdataVersion = 2 | 4;

/** A value whose type its JavaScript type does not determine. */
export interface TypedValue {
  readonly 2: string;
  readonly 4: string;
}

/** A value to search for. It is always written as a literal. */
export type OdataValue = string | number | boolean | TypedValue;

export type Comparison = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';

/** A condition on a record: its field compares with a value, or is in a list of values. */
export type Condition =
  | readonly [field: string, comparison: Comparison, value: OdataValue]
  | readonly [field: string, comparison: 'in', values: readonly OdataValue[]];

/** Edm.Guid. */
export function odataGuid(text: string): TypedValue {
  const guid = required(text, /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i, 'a GUID');
  return { 2: `guid'${guid}'`, 4: guid };
}

/** Edm.Date: a day without a time zone. OData 2 has only timestamps, so the start of the day is used. */
export function odataDate(text: string): TypedValue {
  const day = required(text, /^\d{4}-\d\d-\d\d$/, 'a day such as 2026-11-01');
  return { 2: `datetime'${day}T00:00:00'`, 4: day };
}

/** Edm.Decimal, exact. */
export function odataDecimal(text: string): TypedValue {
  const decimal = required(text, /^-?\d+(\.\d+)?$/, 'a decimal number such as 12.50');
  return { 2: `${decimal}M`, 4: decimal };
}

function required(text: string, pattern: RegExp, what: string): string {
  if (pattern.test(text)) return text;
  throw new InvalidInputError(`A value to look for must be ${what}.`);
}

/** The value as an OData literal, not yet encoded for an address. */
export function literal(value: OdataValue, version: OdataVersion): string {
  if (typeof value === 'object') return value[version];
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new InvalidInputError('A number to look for must be finite.');
    return String(value);
  }
  if (/[\p{Surrogate}\0]/u.test(value))
    throw new InvalidInputError(
      'A text in the query has an invalid character: a control character or half of a surrogate pair.',
    );
  return `'${value.replaceAll("'", "''")}'`;
}

/** How a system writes lists of values. */
export interface ListStyle {
  version: OdataVersion;
  /** `in (...)`, which came with OData 4.01, or comparisons with `or` between. */
  lists: 'in' | 'or';
}

/** All conditions as a `$filter`; undefined without any. */
export function filterText(conditions: readonly Condition[], style: ListStyle): string | undefined {
  return conditions.length === 0
    ? undefined
    : conditions.map((condition) => conditionText(condition, style)).join(' and ');
}

function conditionText([field, comparison, expected]: Condition, { version, lists }: ListStyle): string {
  if (comparison !== 'in') return `${field} ${comparison} ${literal(expected, version)}`;
  const values = expected.map((value) => literal(value, version));
  if (values.length === 0) throw new RangeError('An "in" condition needs at least one value.');
  if (lists === 'in') return `${field} in (${values.join(',')})`;
  return `(${values.map((value) => `${field} eq ${value}`).join(' or ')})`;
}

/** The query string, encoded, without the question mark. */
export function optionsText(options: Readonly<Record<string, string | number | undefined>>): string {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join('&');
}

/**
 * Splits the values into as few lists as possible so that `lengthOf` each stays within its bound. Refuses a value
 * that is too long alone.
 */
export function cut<V>(
  values: readonly V[],
  {
    maxLength,
    maxValues,
    lengthOf,
  }: { maxLength: number; maxValues: number; lengthOf: (values: readonly V[]) => number },
): V[][] {
  const parts: V[][] = [];
  for (let at = 0; at < values.length; at += parts.at(-1)?.length ?? 0) {
    const rest = values.slice(at, at + Math.min(maxValues, values.length));
    const fits = (count: number): boolean => lengthOf(rest.slice(0, count)) <= maxLength;
    if (!fits(1)) throw new InvalidInputError('A value to look for is too long.');
    let [most, tooMany] = fits(rest.length) ? [rest.length, rest.length + 1] : [1, rest.length];
    while (tooMany - most > 1) {
      const half = Math.floor((most + tooMany) / 2);
      if (fits(half)) most = half;
      else tooMany = half;
    }
    parts.push(rest.slice(0, most));
  }
  return parts;
}
