import { stringify } from 'csv-stringify/sync';
import {
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { selectedFields, type Fragments, type OperationParts } from '../selections.js';
import type { Row } from './run-bulk.js';

/** Writes rows in one media type. */
export interface RowWriter {
  mediaType: string;
  /** The first text, before all rows. */
  head: string;
  write(row: Row): string;
}

/** One JSON object a line, nested as in GraphQL. */
export const jsonRows: RowWriter = {
  mediaType: 'application/x-ndjson',
  head: '',
  write: (row) => `${JSON.stringify(row)}\n`,
};

/**
 * A CSV (RFC 4180). Its columns follow from the operation alone: `line`, the values of the line as `input.<name>`, one column for
 * each selected field by its path in the customer, such as `lastOrder.total.amount`, then `errors` with the codes, and `asOf`. A
 * list is one column with its JSON. `inputs` has the columns of the request. Undefined: the request has none, and the column `input`
 * has the JSON of its line.
 */
export function csvRows(
  operation: OperationParts,
  inputs: readonly string[] | undefined,
  schema: GraphQLSchema,
): RowWriter {
  const columns = columnsOf(operation, schema);
  const text = (cells: readonly unknown[]): string => stringify([cells.map(cellOf)]);
  return {
    mediaType: 'text/csv',
    head: text([
      'line',
      ...(inputs?.map((name) => `input.${name}`) ?? ['input']),
      ...columns.map((path) => path.slice(1).join('.')),
      'errors',
      'asOf',
    ]),
    write: ({ line, input = {}, data, errors = [], asOf }) =>
      text([
        line,
        ...(inputs?.map((name) => input[name]) ?? [input]),
        ...columns.map((path) => valueAt(data, path)),
        [...new Set(errors.map(({ extensions }) => String(extensions['code'])))].join(' '),
        asOf,
      ]),
  };
}

/** The first characters with which spreadsheets begin a formula, also in their full-width forms. */
const FORMULA = /^[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;
/** A telephone number or an amount. It has no letters, so as a formula it can only calculate with its own digits. */
const SIGNED_NUMBER = /^[+-][\d .,()/-]+$/;

/** The text of a cell. A `'` before a formula prevents a spreadsheet from executing it. */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return FORMULA.test(text) && !SIGNED_NUMBER.test(text) ? `'${text}` : text;
}

function valueAt(data: unknown, path: readonly string[]): unknown {
  let value = data;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([key]) => key === name)?.[1];
  }
  return value;
}

/** The paths of the selected values in the result. */
function columnsOf({ operation, fragments }: OperationParts, schema: GraphQLSchema): string[][] {
  const root = schema.getQueryType();
  if (root == null) return [];
  const paths = new Map<string, string[]>();
  for (const path of pathsIn(operation, root, fragments)) paths.set(path.join('.'), path);
  return [...paths.values()];
}

function* pathsIn(
  { selectionSet }: Pick<FieldNode, 'selectionSet'>,
  type: GraphQLObjectType,
  fragments: Fragments,
): Generator<string[]> {
  if (selectionSet === undefined) return;
  for (const field of selectedFields(selectionSet, fragments)) {
    const name = field.alias?.value ?? field.name.value;
    const fieldType = type.getFields()[field.name.value]?.type;
    const named = fieldType === undefined ? undefined : getNamedType(fieldType);
    if (fieldType === undefined || isListType(getNullableType(fieldType)) || !isObjectType(named))
      yield [name];
    else for (const path of pathsIn(field, named, fragments)) yield [name, ...path];
  }
}
