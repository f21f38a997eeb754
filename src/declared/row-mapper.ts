import type { z } from 'zod';
import { check } from '../connectors/http.js';

/** Maps the rows of one key of a declared call in code. */
export interface RowMapper<Value> {
  /** The members of a row that are read. */
  paths: readonly string[];
  toValue: (rows: readonly unknown[], source: string) => Value;
}

/** The value of a RowMapper. */
export type MappedBy<M> = M extends RowMapper<infer Value> ? Value : never;

/** The first row of a key, or null. A row that does not match the schema is SOURCE_CONTRACT. */
export function oneRow<Row, Value>(
  wire: z.ZodType<Row> & { shape: object },
  toValue: (row: Row) => Value,
): RowMapper<Value | null> {
  return {
    paths: Object.keys(wire.shape),
    toValue: ([row], source) => (row === undefined ? null : toValue(check(wire, row, source))),
  };
}

/** All rows of a key. A row that does not match the schema is SOURCE_CONTRACT. */
export function allRows<Row, Value>(
  wire: z.ZodType<Row> & { shape: object },
  toValue: (row: Row) => Value,
): RowMapper<readonly Value[]> {
  return {
    paths: Object.keys(wire.shape),
    toValue: (rows, source) => rows.map((row) => toValue(check(wire, row, source))),
  };
}
