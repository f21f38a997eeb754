import { InvalidInputError } from '../../errors.js';
import type { CallSignal } from '../../v8/call-signal.js';

/** Connections to one database. */
export interface Database {
  /** Returns the rows of a query. The query is cancelled at the server when the signal aborts. */
  query(text: string, parameters: readonly unknown[], signal: CallSignal): Promise<unknown>;
  close(): Promise<void>;
}

/** Column types, as in PostgreSQL. */
export type ColumnType = 'integer' | 'bigint' | 'text' | 'text[]' | 'timestamptz' | 'uuid';

export interface ForEach<Column extends string> {
  /**
   * The query that runs once for each of the values. `requested.page` is the value of `page`. Its columns
   * need names.
   */
  query: string;
  columns: Readonly<Record<Column, ColumnType>>;
  values: readonly Readonly<Record<Column, unknown>>[];
  /**
   * Values that are equal in all runs, such as `shared.size`. Their types are those of the columns that they
   * are compared with.
   */
  shared?: Readonly<Record<string, unknown>>;
  /** The columns of the query that sort all rows together. */
  orderBy: string;
}

/** SQL that differs between databases. */
export interface Dialect {
  /** One statement, with its parameters, that runs a query for each of several values. */
  forEach<Column extends string>(each: ForEach<Column>): [text: string, parameters: readonly unknown[]];
  /** A text column that is compared and sorted by its bytes instead of by a language's rules. */
  bytes(column: string): string;
}

/**
 * Refuses NUL, which databases cannot store in a text, and unpaired surrogates, which the encoding would
 * change.
 */
export function refuseImpossibleText(parameters: readonly unknown[]): void {
  for (const parameter of parameters.flat()) {
    if (typeof parameter === 'string' && (parameter.includes('\0') || /\p{Surrogate}/u.test(parameter)))
      throw new InvalidInputError(
        'A text in the query has an invalid character: a control character or half of a surrogate pair.',
      );
  }
}
