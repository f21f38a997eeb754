import { z } from 'zod';
import { InvalidInputError } from '../../errors.js';
import { groupBy } from '../tables/table.js';
import type { Catalogue } from './catalogue.js';
import { mysqlEnumValues, mysqlValue } from './column-values.js';
import type { SqlSession } from './sql-session.js';

const COLUMNS = `
  SELECT c.TABLE_SCHEMA AS "schema", c.TABLE_NAME AS "table", c.COLUMN_NAME AS "column", c.COLUMN_TYPE AS "type",
    c.IS_NULLABLE AS nullable, c.COLLATION_NAME AS collation_name, c.COLUMN_COMMENT AS comment, c.PRIVILEGES AS privileges,
    t.TABLE_TYPE AS table_type, t.TABLE_ROWS AS row_count, t.TABLE_COMMENT AS table_comment,
    @@global.time_zone AS zone
  FROM information_schema.COLUMNS c
  JOIN information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
  WHERE c.TABLE_SCHEMA = DATABASE()
  ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION
  LIMIT 20000`;

/** An index of a part of a column, or of an expression, does not help a lookup by the whole column. */
const INDEXES = `
  SELECT TABLE_SCHEMA AS "schema", TABLE_NAME AS "table", INDEX_NAME AS index_name, NON_UNIQUE AS is_not_unique,
    COLUMN_NAME AS "column", SUB_PART AS sub_part
  FROM information_schema.STATISTICS
  WHERE TABLE_SCHEMA = DATABASE()
  ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX`;

const CONSTRAINTS = `
  SELECT 'key' AS kind, TABLE_SCHEMA AS "schema", TABLE_NAME AS "table", CONSTRAINT_NAME AS name, COLUMN_NAME AS "column",
    REFERENCED_TABLE_SCHEMA AS other_schema, REFERENCED_TABLE_NAME AS other_table, REFERENCED_COLUMN_NAME AS other_column,
    ORDINAL_POSITION AS place, NULL AS definition
  FROM information_schema.KEY_COLUMN_USAGE
  WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL
  UNION ALL
  SELECT 'view', TABLE_SCHEMA, TABLE_NAME, '', '', '', '', '', 0, VIEW_DEFINITION
  FROM information_schema.VIEWS
  WHERE TABLE_SCHEMA = DATABASE()
  ORDER BY 3, 4, 9`;

const columnRow = z.object({
  schema: z.string(),
  table: z.string(),
  column: z.string(),
  type: z.string(),
  nullable: z.string(),
  collation_name: z.string().nullable(),
  comment: z.string().nullable(),
  privileges: z.string().nullable(),
  table_type: z.string(),
  row_count: z.coerce.number().nullable(),
  table_comment: z.string().nullable(),
  zone: z.string().nullable(),
});
const indexRow = z.object({
  schema: z.string(),
  table: z.string(),
  index_name: z.string(),
  is_not_unique: z.coerce.number(),
  column: z.string().nullable(),
  sub_part: z.coerce.number().nullable(),
});
const constraintRow = z.object({
  kind: z.string(),
  schema: z.string(),
  table: z.string(),
  name: z.string(),
  column: z.string(),
  other_schema: z.string().nullable(),
  other_table: z.string().nullable(),
  other_column: z.string().nullable(),
  definition: z.string().nullable(),
});

/** Reads the catalogue of the database of a connection, with three statements. */
export async function mysqlCatalogue({ rows }: SqlSession): Promise<Catalogue> {
  const columns = await rows(columnRow, COLUMNS);
  if (columns.length === 0)
    throw new InvalidInputError(
      'The user sees no table. Name the database in the address, such as mysql://user@host/shop, and grant SELECT on its tables.',
    );
  const indexes = await rows(indexRow, INDEXES);
  const constraints = await rows(constraintRow, CONSTRAINTS);
  const inTable = ({ schema, table }: { schema: string; table: string }) => ({ schema, table });
  return {
    columns: columns.map((found) => ({
      ...inTable(found),
      ...{ column: found.column, type: found.type, value: mysqlValue(found.type) },
      isNullable: found.nullable !== 'NO',
      isReadable: (found.privileges ?? '').toLowerCase().split(',').includes('select'),
      ignoresCase: /_ci\b|_ci$/.test(found.collation_name ?? ''),
      values: mysqlEnumValues(found.type),
      isView: found.table_type !== 'BASE TABLE',
      rowCount: found.table_type === 'BASE TABLE' ? (found.row_count ?? undefined) : undefined,
      tableComment: textOf(found.table_type === 'BASE TABLE' ? found.table_comment : null),
      comment: textOf(found.comment),
    })),
    indexes: [
      ...groupBy(indexes, ({ table, index_name }) => JSON.stringify([table, index_name])).values(),
    ].flatMap((parts) => {
      const [first] = parts;
      const whole = parts.flatMap(({ column, sub_part }) => (sub_part === null ? (column ?? []) : []));
      return first === undefined || whole.length < parts.length
        ? []
        : [
            {
              ...inTable(first),
              columns: whole,
              isUnique: first.is_not_unique === 0,
              isPrimary: first.index_name === 'PRIMARY',
            },
          ];
    }),
    foreignKeys: [
      ...groupBy(
        constraints.filter(({ kind }) => kind === 'key'),
        ({ table, name }) => JSON.stringify([table, name]),
      ).values(),
    ].flatMap((parts) => {
      const [first] = parts;
      return first === undefined
        ? []
        : [
            {
              ...inTable(first),
              columns: parts.map(({ column }) => column),
              ...{ otherSchema: first.other_schema ?? '', otherTable: first.other_table ?? '' },
              references: parts.map(({ other_column }) => other_column ?? ''),
            },
          ];
    }),
    views: constraints.flatMap(({ kind, schema, table, definition }) =>
      kind === 'view' && definition !== null && definition !== '' ? [{ schema, table, definition }] : [],
    ),
    checks: [],
    zone: /^[A-Z][A-Za-z_]+\/[A-Za-z_/]+$|^UTC$/.test(columns[0]?.zone ?? '')
      ? (columns[0]?.zone ?? undefined)
      : undefined,
  };
}

function textOf(comment: string | null): string | undefined {
  return comment === null || comment.trim() === '' ? undefined : comment.trim();
}
