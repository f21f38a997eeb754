import { InvalidInputError } from '../../errors.js';
import type { CallSignal } from '../../v8/call-signal.js';

/** Connections to one database. */
export interface Database {
  /** The rows of a query; it is stopped at the server when the signal aborts. */
  query(text: string, parameters: readonly unknown[], signal: CallSignal): Promise<unknown>;
  close(): Promise<void>;
}

/** In PostgreSQL's words. */
export type ColumnType = 'integer' | 'text' | 'text[]' | 'timestamptz';

export interface ForEach<Column extends string> {
  /** Asked for each of the values: `asked.page` is the value of `page`. Its columns have names. */
  query: string;
  columns: Readonly<Record<Column, ColumnType>>;
  values: readonly Readonly<Record<Column, unknown>>[];
  /** By which of the query's columns all rows together are ordered. */
  orderBy: string;
}

/** What databases write differently. */
export interface Dialect {
  /** One statement, and its parameters, that asks a query for each of several values. */
  forEach<Column extends string>(each: ForEach<Column>): [text: string, parameters: readonly unknown[]];
  /** A text column, compared and ordered by its bytes and not as the words of a language. */
  bytes(column: string): string;
}

/** No database has a text with a NUL in it, and half a character would become another one on its way there. */
export function refuseImpossibleText(parameters: readonly unknown[]): void {
  for (const parameter of parameters.flat()) {
    if (typeof parameter === 'string' && (parameter.includes('\0') || /\p{Surrogate}/u.test(parameter)))
      throw new InvalidInputError('A text to look for has a character in it that no text can have.');
  }
}
