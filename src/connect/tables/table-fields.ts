import { decimalOf, fromMinorUnits, scalarConversion } from '../../declared/conversions.js';
import type { Mapping } from '../../declared/grammar.js';
import { Mismatch } from '../../declared/path.js';
import type { DraftField } from '../draft.js';
import { fieldName, isAmountName, isCode, isCurrencyName, isInCents } from './table-names.js';
import { pathOfColumn, type Column, type Row, type Table } from './table.js';

/** Decides the type and the conversion of each column, and checks them with the sampled values. */

/** The zone that is assumed for times without one, and its origin. */
export interface ZoneGuess {
  zone: string;
  because: string;
}

export interface TableFieldsOptions {
  table: Table;
  rows: readonly Row[];
  /** Columns with keys, whose fields are IDs. */
  ids: ReadonlySet<string>;
  /** Columns without a field, because a link uses their key. */
  omitted: ReadonlySet<string>;
  zone: ZoneGuess;
  /** Whether all values are texts, as in CSV files. */
  isText: boolean;
}

export interface TableFields {
  fields: readonly DraftField[];
  /** The column of each field. */
  columns: ReadonlyMap<string, string>;
  /** Columns whose values fit no type. */
  leftOut: readonly string[];
}

const MAX_SAMPLES = 50;
/** A column with more distinct values is not an enum. */
const MAX_ENUM_VALUES = 40;

export function tableFields({ table, rows, ids, omitted, zone, isText }: TableFieldsOptions): TableFields {
  const fields: DraftField[] = [];
  const columns = new Map<string, string>();
  const leftOut: string[] = [];
  for (const [i, column] of table.columns.entries()) {
    if (omitted.has(column.name)) continue;
    const samples = samplesOf(column.name, rows);
    const decided = decide(column, samples, { isId: ids.has(column.name), table, rows, zone, isText });
    if (decided === undefined) {
      leftOut.push(column.name);
      continue;
    }
    const name = uniqueName(fieldName(column.name, i + 1), columns);
    columns.set(name, column.name);
    fields.push({
      ...{
        name,
        from: pathOfColumn(column.name),
        isList: column.value.isList,
        isNullable: column.isNullable,
      },
      ...(column.description === undefined ? {} : { description: column.description }),
      ...decided,
      // A text of only blanks becomes null.
      ...(decided.conversion?.['text'] === 'trim' ? { isNullable: true } : {}),
      samples: samples.slice(0, MAX_SAMPLES),
    });
  }
  return { fields, columns, leftOut };
}

function samplesOf(column: string, rows: readonly Row[]): unknown[] {
  return rows.map((row) => row[column]).filter((value) => value != null);
}

/** A unique name that is not a member of every JavaScript object. */
export function uniqueName(name: string, taken: { has(name: string): boolean }): string {
  const safe = name in Object.prototype ? `${name}Value` : name;
  let unique = safe;
  for (let n = 2; taken.has(unique); n += 1) unique = `${safe}${n}`;
  return unique;
}

type Decided = Pick<DraftField, 'type' | 'conversion' | 'values' | 'check'>;
interface DecisionContext {
  isId: boolean;
  table: Table;
  rows: readonly Row[];
  zone: ZoneGuess;
  isText: boolean;
}

/** The type of a field. Undefined if no type fits the sampled values. */
function decide(column: Column, samples: readonly unknown[], context: DecisionContext): Decided | undefined {
  const candidates = [
    ...(context.isId ? [{ type: 'ID' }] : []),
    ...moneyOf(column, samples, context),
    ...enumOf(column, samples),
    ...scalarsOf(column, samples, context),
    ...(context.isText ? wordsOfBoolean(samples) : []),
    { type: 'String', ...(isPadded(samples) ? { conversion: { text: 'trim' } } : {}) },
  ];
  return candidates.find(({ type, conversion }) => fits(type, conversion, samples));
}

/** The database pads `character(5)` with blanks. */
function isPadded(samples: readonly unknown[]): boolean {
  return samples.some((value) => typeof value === 'string' && value.endsWith(' '));
}

function scalarsOf(
  column: Column,
  samples: readonly unknown[],
  { zone, isText }: DecisionContext,
): Decided[] {
  const { scalar } = column.value;
  switch (scalar) {
    case 'Int':
    case 'BigInt':
    case 'Float':
    case 'Decimal': {
      // In a text file, numbers other than amounts may be phone numbers and codes, which would lose their
      // leading zeros.
      if (isText && (isCode(column.name) || samples.some((value) => /^[+-]?0\d/.test(String(value)))))
        return [];
      const conversion = isText ? { conversion: { number: 'fromText' } } : {};
      const type = scalar === 'Float' && isText ? 'Decimal' : scalar;
      const check =
        type !== 'Int' && isAmountName(column.name)
          ? {
              check:
                'If this is an amount of money in one currency, map it such as money: { currency: EUR }.',
            }
          : {};
      return [{ type, ...conversion, ...check }];
    }
    case 'Boolean':
      return [
        {
          type: 'Boolean',
          ...(isText
            ? { conversion: { boolean: { true: ['true', 'TRUE'], false: ['false', 'FALSE'] } } }
            : {}),
        },
      ];
    case 'LocalDateTime':
      return [
        {
          type: 'DateTime',
          conversion: { dateTime: { zone: zone.zone } },
          check: `The times have no zone. ${zone.zone} is ${zone.because}.`,
        },
      ];
    case 'DateTimeMilliseconds':
      return [{ type: 'DateTime', conversion: { dateTime: 'milliseconds' } }];
    case 'Date':
      return [
        { type: 'Date' },
        ...(isText ? DATE_FORMATS : []).map((date) => ({
          ...{ type: 'Date', conversion: { date } },
          check: `The dates are read as ${date}.`,
        })),
      ];
    case 'DateTime':
      return [{ type: scalar }];
    default:
      return [];
  }
}

const DATE_FORMATS = [
  'dd-mm-yyyy',
  'dd/mm/yyyy',
  'dd.mm.yyyy',
  'mm/dd/yyyy',
  'mm-dd-yyyy',
  'yyyy/mm/dd',
  'yyyymmdd',
];

/** Words for true and false in text files. */
const YES_AND_NO: readonly (readonly [yes: string, no: string])[] = [
  ['true', 'false'],
  ['yes', 'no'],
  ['ja', 'nee'],
  ['ja', 'nein'],
  ['oui', 'non'],
  ['y', 'n'],
  ['j', 'n'],
  ['t', 'f'],
];
/** With fewer values, the column may have more than two words. */
const MIN_BOOLEANS = 5;

function wordsOfBoolean(samples: readonly unknown[]): Decided[] {
  const texts = new Set(samples.map((value) => String(value).toLowerCase()));
  const found = YES_AND_NO.find((pair) => texts.size === 2 && pair.every((word) => texts.has(word)));
  if (found === undefined || samples.length < MIN_BOOLEANS) return [];
  const [yes, no] = found.map((word) => [
    word,
    word.toUpperCase(),
    word.replace(/^./, (first) => first.toUpperCase()),
  ]);
  return [{ type: 'Boolean', conversion: { boolean: { true: [...new Set(yes)], false: [...new Set(no)] } } }];
}

/** An enum, if a constraint allows only a few texts. */
function enumOf({ values, value }: Column, samples: readonly unknown[]): Decided[] {
  if (values === undefined || value.isList || values.length > MAX_ENUM_VALUES) return [];
  const names = new Set(
    values.map((text) =>
      text
        .toUpperCase()
        .replace(/[^A-Z\d]+/g, '_')
        .replace(/^_|_$/g, ''),
    ),
  );
  const isDistinct = names.size === values.length && !names.has('');
  return isDistinct && samples.every((sample) => values.includes(String(sample)))
    ? [{ type: 'Enum', values }]
    : [];
}

/** An amount beside a currency. */
function moneyOf(
  { name, value }: Column,
  samples: readonly unknown[],
  { table, rows, isText }: DecisionContext,
): Decided[] {
  const isNumber = /^(Decimal|Float)$/.test(value.scalar) || (value.scalar !== 'Boolean' && isInCents(name));
  if (!isNumber || value.isList || !isAmountName(name) || samples.length === 0 || (isText && isInCents(name)))
    return [];
  const currency = table.columns.find(
    (column) =>
      isCurrencyName(column.name) &&
      column.value.scalar === 'String' &&
      rows.every((row) => row[name] == null || /^[A-Z]{3}$/.test(String(row[column.name]))),
  );
  if (currency === undefined) return [];
  const money = {
    currency: { from: pathOfColumn(currency.name) },
    ...(isInCents(name) ? { minorUnits: 2 } : {}),
  };
  return [{ type: 'Money', conversion: { money } }];
}

/** Whether the gateway can convert all sampled values with this conversion. */
function fits(type: string, conversion: Mapping | undefined, samples: readonly unknown[]): boolean {
  if (type === 'Enum') return true;
  const minorUnits = conversion?.money?.minorUnits;
  const problems: string[] = [];
  const convert =
    type === 'Money'
      ? (value: unknown) =>
          minorUnits === undefined ? decimalOf(value, '.') : fromMinorUnits(value, minorUnits, '.')
      : scalarConversion(type, conversion ?? {}, '.', {
          place: [],
          report: (_, problem) => problems.push(problem),
        });
  if (problems.length > 0) return false;
  try {
    for (const value of samples.flat()) if (value !== null) convert(value);
    return true;
  } catch (error) {
    if (error instanceof Mismatch) return false;
    throw error;
  }
}
