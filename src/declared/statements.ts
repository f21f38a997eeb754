import { z } from 'zod';
import type { Client } from '../connectors/connector.js';
import type { CompileContext, RowsRequest } from './connector-kind.js';
import { firstMember, Mismatch } from './path.js';
import { columnName, type KeyType } from './sql-grammar.js';
import { compileQuery } from './sql-query.js';

/** A client that answers SELECT statements, of a database or of files. */
export interface StatementClient extends Client {
  rows<T>(
    schema: z.ZodType<T>,
    text: string,
    parameters: readonly (string | number | readonly (string | number)[])[],
  ): Promise<T[]>;
}

/** Rows are checked by their mapping. */
const anyRow = z.unknown();

/**
 * The keys that a column of each type can have. Any other key would make a database refuse the whole batch, or compare
 * it loosely.
 */
const KEYS: Readonly<Record<KeyType, (key: string) => boolean>> = {
  text: (key) => !/[\0\p{Surrogate}]/u.test(key),
  smallint: (key) => isWholeNumber(key) && Number(key) === (Number(key) << 16) >> 16,
  integer: (key) => isWholeNumber(key) && Number(key) === (Number(key) | 0),
  bigint: (key) => isWholeNumber(key) && BigInt.asIntN(64, BigInt(key)) === BigInt(key),
  uuid: (key) => z.guid().safeParse(key).success && key === key.toLowerCase(),
};

function isWholeNumber(key: string): boolean {
  return /^(0|-?[1-9]\d{0,18})$/.test(key);
}

/** How keys are sent: MySQL compares numbers and texts loosely, and without an index. */
function parameterOf(type: KeyType): (key: string) => string | number {
  if (type === 'text' || type === 'uuid') return (key) => key;
  return (key) => (Number.isSafeInteger(Number(key)) ? Number(key) : key);
}

/** The request of a call that has a query. `prepare` is called before each statement, with the parameters of one key. */
export function compileQueryCall<C extends StatementClient>(
  { query, keys: type = 'text' }: { query: string; keys?: KeyType },
  context: CompileContext,
  prepare?: (client: C, statement: string, parameters: readonly unknown[]) => Promise<void>,
): Omit<RowsRequest<C>, 'matching'> {
  const { statement, takes } = compileQuery(query, context);
  const send = parameterOf(type);
  let columns: readonly string[] = [];
  return {
    takes,
    rowsPlace: '.',
    canSend: KEYS[type],
    reads: (paths) => {
      columns = columnsOf(paths, context);
    },
    rows: async (keys, client) => {
      const parametersOf = (values: readonly (string | number)[]) => (takes === 'keys' ? [values] : values);
      await prepare?.(client, statement, parametersOf(keys.slice(0, 1).map(send)));
      const rows = await client.rows(anyRow, statement, parametersOf(keys.map(send)));
      checkColumns(rows[0], columns);
      return rows;
    },
  };
}

/** The parts of a call that reads the rows of a table by the column of the key. */
export interface TableRequest<C extends StatementClient> {
  request: Omit<RowsRequest<C>, 'matching'>;
  /** The expression that is compared with a key. */
  key: string;
  send: (key: string) => string | number;
  /** All columns that are read. It is complete when `request.reads` has been called. */
  columns: ReadonlySet<string>;
}

/** `table` is the text after FROM. `prepare` is called before each statement, with the parameters of one key. */
export function compileTableRequest<C extends StatementClient>(
  call: {
    by: string;
    keys?: KeyType;
    order?: readonly string[];
    matching?: 'exact' | 'lower' | 'collation' | 'loose';
  },
  table: string,
  context: CompileContext,
  prepare?: (client: C, statement: string, parameters: readonly unknown[]) => Promise<void>,
): TableRequest<C> {
  const { by, keys: type = 'text', order, matching } = call;
  const { place, report } = context;
  const isLower = matching === 'lower';
  if (isLower && type !== 'text')
    report([...place, 'keys'], `Keys of the type ${type} have no lower case.`, 'Remove matching: lower.');
  const send = isLower ? (key: string) => key.toLowerCase() : parameterOf(type);
  const key = isLower ? `lower(${quoted(by)})` : quoted(by);
  const columns = new Set([by]);
  let statement = '';
  const request: TableRequest<C>['request'] = {
    takes: 'keys',
    rowsPlace: '.',
    key: pathOf(by),
    canSend: KEYS[type],
    reads: (paths) => {
      for (const column of columnsOf(paths, context)) columns.add(column);
      statement = `SELECT ${list(columns)} FROM ${table} WHERE ${key} = ANY($1)${orderedBy(order)}`;
    },
    rows: async (keys, client) => {
      // The plan for one key: for many, a database may prefer to read all rows although it has an index.
      await prepare?.(client, statement, [keys.slice(0, 1).map(send)]);
      return client.rows(anyRow, statement, [keys.map(send)]);
    },
  };
  return { request, key, send, columns };
}

/** All rows have the same columns. A column that the query does not select would be null in each row. */
function checkColumns(row: unknown, columns: readonly string[]): void {
  if (typeof row !== 'object' || row === null) return;
  const missing = columns.find((column) => !(column in row));
  if (missing !== undefined) throw new Mismatch(missing, 'a column that the query selects');
}

/** The columns that the paths read. */
function columnsOf(paths: readonly string[], { place, report }: CompileContext): string[] {
  const columns = new Set<string>();
  for (const path of new Set(paths)) {
    const column = firstMember(path);
    if (column !== undefined && columnName.safeParse(column).success) columns.add(column);
    else
      report(
        place,
        `"${path}" is read from a row, and names no column.`,
        'Map the fields to columns, such as { from: starts_at }.',
      );
  }
  return [...columns];
}

export function quoted(name: string): string {
  return `"${name}"`;
}

export function list(columns: Iterable<string>): string {
  return [...columns].map(quoted).join(', ');
}

/** ORDER BY with the columns; `-paid_on` is descending. */
function orderedBy(columns: readonly string[] | undefined): string {
  if (columns === undefined) return '';
  const terms = columns.map((column) =>
    column.startsWith('-') ? `${quoted(column.slice(1))} DESC` : quoted(column),
  );
  return ` ORDER BY ${terms.join(', ')}`;
}

/** The path of a column in a row. */
function pathOf(column: string): string {
  return /[[\]]/.test(column) ? `"${column}"` : column;
}
