import type { Finding } from '../draft.js';

/** The tables of a database or of a folder of files, as the readers know them before they read rows. */

export interface Table {
  /** The name in the syntax of a declaration, such as `lesson` or `planning.lesson`. */
  name: string;
  /** The schema in the catalogue, and the name in it. */
  schema: string;
  plainName: string;
  isView: boolean;
  /** An estimate. Undefined if nothing is known. */
  rowCount?: number;
  description?: string;
  /** The columns that can be read and declared, in the order of the table. */
  columns: readonly Column[];
  primaryKey: readonly string[];
  indexes: readonly Index[];
  foreignKeys: readonly ForeignKey[];
  /** The table that stores the rows: for a view of one table that table, otherwise this one. */
  base: string;
  /** Columns that are neither read nor declared, and why. */
  leftOut: readonly LeftOut[];
  /** The pattern of the files in the folder. Undefined for a database. */
  files?: string;
}

export interface LeftOut {
  column: string;
  because: string;
}

export const SECRET = 'they look like secrets';

export interface Column {
  name: string;
  /** The type in the catalogue, such as `character varying(80)`. */
  type: string;
  /** How its values are read. */
  value: ColumnValue;
  isNullable: boolean;
  description?: string;
  /** The values that an enum or a check constraint allows. */
  values?: readonly string[];
  /** Whether comparisons ignore upper and lower case. */
  ignoresCase: boolean;
}

export interface ColumnValue {
  /** `LocalDateTime` is a date and time without a zone, and `DateTimeMilliseconds` one as a number since 1970. */
  scalar:
    | 'String'
    | 'Int'
    | 'BigInt'
    | 'Decimal'
    | 'Float'
    | 'Boolean'
    | 'Date'
    | 'DateTime'
    | 'LocalDateTime'
    | 'DateTimeMilliseconds';
  isList: boolean;
  /** The type of the column as a key, in the syntax of a declaration. Undefined if it cannot be a key. */
  keys?: KeyType;
}

export type KeyType = 'text' | 'smallint' | 'integer' | 'bigint' | 'uuid';

export interface Index {
  /** Columns, or expressions such as `lower(mail)`. */
  columns: readonly string[];
  isUnique: boolean;
}

export interface ForeignKey {
  columns: readonly string[];
  /** The name of the other table. */
  table: string;
  references: readonly string[];
  /** Whether it is inferred from names, without a constraint. */
  isInferred?: boolean;
}

export type Row = Readonly<Record<string, unknown>>;

/** The key in a column, as text. Undefined if the row has none. */
export function keyIn(row: Row, column: string): string | undefined {
  const value = row[column];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** Whether a view computes its rows, so that the constraints of a table do not apply to it. */
export function isComputedView({ isView, base, schema, plainName }: Table): boolean {
  return isView && base === baseOf({ schema, table: plainName });
}

/** A unique text for a table in the catalogue. */
export function baseOf({ schema, table }: { schema: string; table: string }): string {
  return JSON.stringify([schema, table]);
}

export function columnOf(table: Table, name: string | undefined): Column | undefined {
  return table.columns.find((column) => column.name === name);
}

/** The path of a column in a row. */
export function pathOfColumn(name: string): string {
  return /[[\]]/.test(name) ? `"${name}"` : name;
}

/** Whether a constraint makes the column unique. */
export function isUnique(table: Table, column: string): boolean {
  const isOnly = ([first, ...others]: readonly string[]) =>
    others.length === 0 && (first === column || first === lowerOf(column));
  return isOnly(table.primaryKey) || table.indexes.some((index) => index.isUnique && isOnly(index.columns));
}

/** The expression of a case-insensitive index, in the form of `Index`. */
export function lowerOf(column: string): string {
  return `lower(${column})`;
}

/** A name for findings. It may have any characters. */
export function shown(name: string): string {
  const plain = name.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
  return plain.length > 80 ? `${plain.slice(0, 79)}…` : plain;
}

/** Names for findings, as many as fit on a line. */
export function shownList(names: readonly string[], most = 8): string {
  const rest = names.length - most;
  return `${names.slice(0, most).map(shown).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** Groups items by a text, in the order of the first occurrence. */
export function groupBy<T>(items: readonly T[], textOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const text = textOf(item);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [item]);
    else group.push(item);
  }
  return groups;
}

/** Findings about columns that were left out. Secrets are reported for all tables. */
export function leftOutFindings(tables: readonly Table[]): Finding[] {
  const all = tables.flatMap(({ name, leftOut }) =>
    leftOut.map(({ column, because }) => ({ because, column: `${name}.${column}` })),
  );
  return [...groupBy(all, ({ because }) => because)]
    .filter(([because]) => because !== SECRET)
    .map(([because, found]) => ({
      step: 'measure',
      text: `Left out, because ${shown(because)}: ${shownList(found.map(({ column }) => column))}.`,
      isWarning: true,
    }));
}
