import { connectionOfList } from '../../connection.js';
import type { Matching } from '../../declared/call-loader.js';
import { decimalOf, enumConversion, fromMinorUnits, scalarConversion } from '../../declared/conversions.js';
import type { Mapping } from '../../declared/grammar.js';
import { compilePath, Mismatch } from '../../declared/path.js';
import { recordedRows } from '../../recordings/recorded-rows.js';
import type { Recording } from '../../recordings/recording.js';
import type { DraftCall } from '../draft.js';
import type { WrittenField, WrittenType } from './written-source.js';

/**
 * Makes queries of records and the data that they should return. It uses the mapping of the draft, not the
 * written declaration.
 */

/** Levels of objects below the customer. */
const MAX_LEVELS = 3;
/** Columns whose numbers may be sent as text. */
const NUMERIC_TYPE = /^(bigint|numeric|decimal)/i;
const LARGE_NUMBER = 1e15;
/** Texts of numbers, padded to this length, sort like numbers. */
const NUMBER_CHARACTERS = 30;
/** The page size of a list of the customer, and of a list inside a list. */
const PAGE_SIZES = [100, 10];

/** A type with its selected fields. */
export interface Selection {
  fields: readonly { field: WrittenField; inner?: Selection; pageSize: number }[];
}

export interface RecordedRows {
  draftCalls: Readonly<Record<string, DraftCall>>;
  recorded: Pick<Recording, 'kind' | 'calls' | 'tables'>;
}

/** Selects the fields of a type. A list is left out if only the system knows its rows or its order. */
export function selectionOf(
  type: WrittenType,
  rows: RecordedRows,
  levels = MAX_LEVELS,
  lists = 0,
): Selection {
  const fields = type.fields.flatMap((field) => {
    const pageSize = PAGE_SIZES[Math.min(lists, PAGE_SIZES.length - 1)] ?? 10;
    if (field.object === undefined) return [{ field, pageSize }];
    const { call } = field.draft;
    if (levels === 0 || (call !== undefined && !isServed(call.name, field, rows))) return [];
    const inner = selectionOf(field.object, rows, levels - 1, lists + (field.draft.isList ? 1 : 0));
    return inner.fields.length === 0 ? [] : [{ field, inner, pageSize }];
  });
  return { fields };
}

function isServed(
  call: string,
  { isConnection }: WrittenField,
  { recorded, draftCalls }: RecordedRows,
): boolean {
  if (recorded.kind !== 'sql' && recorded.kind !== 'files') return true;
  const { from, order } = draftCalls[call]?.call ?? {};
  return typeof from === 'string' && (order === undefined || isConnection);
}

export function selectionText({ fields }: Selection): string {
  return fields
    .map(({ field, inner, pageSize }) => {
      if (inner === undefined)
        return field.type === 'Money' ? `${field.name} { amount currency }` : field.name;
      const text = `{ ${selectionText(inner)} }`;
      return field.isConnection
        ? `${field.name}(first: ${pageSize}) { nodes ${text} }`
        : `${field.name} ${text}`;
    })
    .join(' ');
}

/** The data of a record. Throws a Mismatch if it does not fit the draft. */
export function dataOf({ fields }: Selection, row: unknown, rows: RecordedRows): Record<string, unknown> {
  return Object.fromEntries(
    fields.map(({ field, inner, pageSize }) => [
      field.name,
      inner === undefined ? leafOf(field, row) : objectsOf(field, { inner, pageSize }, row, rows),
    ]),
  );
}

function objectsOf(
  { draft, object, isConnection }: WrittenField,
  { inner, pageSize }: { inner: Selection; pageSize: number },
  row: unknown,
  rows: RecordedRows,
): unknown {
  const { call, from, isList } = draft;
  const found = call === undefined ? readPath(from, row) : rowsOf(call.name, textAt(call.key, row), rows);
  if (found == null) return null;
  const items = [found].flat().map((item: unknown) => ({ row: item, data: dataOf(inner, item, rows) }));
  if (!isList) return items[0]?.data ?? null;
  const order = call?.order;
  if (!isConnection || order === undefined) return items.map(({ data }) => data);
  const table = rows.draftCalls[call?.name ?? '']?.call['from'];
  const columns = typeof table === 'string' ? rows.recorded.tables?.[table]?.columns : undefined;
  const [first = '', second = ''] = order.map((name) => name.replace(/^-/, ''));
  const positionOf = (name: string, item: (typeof items)[number]): string => {
    const field = object?.fields.find(({ draft: { name: drafted } }) => drafted === name);
    const raw = field === undefined ? undefined : readPath(field.draft.from, item.row);
    // A database orders by its columns, and the gateway by the texts of the fields.
    const type = columns?.find((column) => column.name === field?.draft.from)?.type;
    return rows.recorded.kind === 'sql' && (typeof raw === 'number' || NUMERIC_TYPE.test(type ?? ''))
      ? numberText(Number(raw))
      : textIn(item.data, field?.name);
  };
  const { nodes } = connectionOfList(
    items,
    { first: pageSize },
    {
      name: draft.name,
      order: order[0].startsWith('-') ? 'DESCENDING' : 'ASCENDING',
      positionOf: (item) => [positionOf(first, item), positionOf(second, item)],
    },
  );
  return { nodes: nodes.map(({ data }) => data) };
}

/** A text that is in order as the number is. */
function numberText(value: number): string {
  // A negative number is before all others, the smallest first.
  const isNegative = value < 0;
  const text = (isNegative ? value + LARGE_NUMBER : value).toFixed(6).padStart(NUMBER_CHARACTERS, '0');
  return `${isNegative ? '-' : '0'}${text}`;
}

function textIn(item: Readonly<Record<string, unknown>>, name: string | undefined): string {
  const value = item[name ?? ''];
  return typeof value === 'string' ? value : '';
}

/** The recorded rows of a call by a key. */
function rowsOf(
  name: string,
  key: string | null,
  { draftCalls, recorded }: RecordedRows,
): readonly unknown[] {
  if (key === null) return [];
  const call = draftCalls[name]?.call ?? {};
  const table = typeof call['from'] === 'string' ? recorded.tables?.[call['from']] : undefined;
  const { by } = call;
  if (table !== undefined && typeof by === 'string')
    return table.rows.filter((row) => row[by] != null && textOf(row[by]) === key);
  const answers = recorded.calls[name];
  return answers === undefined ? [] : recordedRows({ matching: matchingOf(call) }, answers, [key]);
}

function matchingOf({ matching }: Readonly<Record<string, unknown>>): Matching {
  return matching === 'lower' || matching === 'collation' || matching === 'loose' ? matching : 'exact';
}

export function readPath(path: string, row: unknown): unknown {
  return compilePath(path)?.(row);
}

/** A text or a number at a path, as text. Null if there is none. */
export function textAt(path: string, row: unknown): string | null {
  const value = readPath(path, row);
  return value == null || value === '' ? null : textOf(value);
}

function textOf(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new Mismatch('.', 'a text or a number');
}

function leafOf({ draft, type, enum: written }: WrittenField, row: unknown): unknown {
  const { from, samples } = draft;
  const conversion: Mapping = { ...draft.conversion };
  if (written !== undefined) conversion.enum = Object.fromEntries(written.values);
  else delete conversion.enum;
  if (
    type === 'String' &&
    conversion.text === undefined &&
    samples.some((value) => typeof value === 'number')
  )
    conversion.text = 'fromNumber';
  const convert = converterOf(type, conversion, from, row);
  const converted = (value: unknown): unknown => (value == null ? null : convert(value));
  const found = readPath(from, row);
  if (!draft.isList || found == null) return converted(found);
  if (!Array.isArray(found)) throw new Mismatch(from, 'a list');
  return found.map(converted);
}

function converterOf(
  type: string,
  conversion: Mapping,
  from: string,
  row: unknown,
): (value: unknown) => unknown {
  const { money, enum: values } = conversion;
  const options = { place: [], report: reportToDraft };
  if (values !== undefined)
    return enumConversion({ name: type, values: Object.values(values) }, values, from, options);
  if (money === undefined) return scalarConversion(type, ofType(type, conversion), from, options);
  const { currency, minorUnits } = money;
  return (value) => ({
    amount: minorUnits === undefined ? decimalOf(value, from) : fromMinorUnits(value, minorUnits, from),
    currency: typeof currency === 'string' ? currency : (readPath(currency.from, row) ?? null),
  });
}

/** A number that is written as an ID because of its mask is not converted as a number. */
function ofType(type: string, conversion: Mapping): Mapping {
  const others = { ...conversion };
  if (type === 'ID') delete others.number;
  return others;
}

function reportToDraft(_: unknown, problem: string): never {
  throw new Mismatch('.', problem);
}
