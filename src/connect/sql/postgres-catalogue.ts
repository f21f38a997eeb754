import { z } from 'zod';
import type { Catalogue } from './catalogue.js';
import { checkedValues, postgresValue } from './column-values.js';
import type { SqlSession } from './sql-session.js';

/** Of a larger catalogue, only this many columns are read. */
const MAX_COLUMNS = 20_000;

/** Excludes the tables of the database itself and of its extensions. */
const OF_USERS = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`;

const COLUMNS = `
  SELECT n.nspname AS schema, c.relname AS "table", c.relkind IN ('v', 'm') AS is_view,
    CASE WHEN c.relkind IN ('r', 'm', 'p') AND c.reltuples >= 0 THEN c.reltuples END AS row_count,
    obj_description(c.oid, 'pg_class') AS table_comment, col_description(c.oid, a.attnum) AS comment,
    a.attname AS "column",
    CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE format_type(a.atttypid, a.atttypmod) END AS type,
    a.attnotnull OR t.typnotnull AS is_required,
    has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT') AS is_readable,
    b.typname = 'citext' OR NOT coalesce(l.collisdeterministic, true) AS ignores_case,
    b.typtype = 'e' AS is_enum,
    (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = b.oid) AS labels
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_type b ON b.oid = CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END
  LEFT JOIN pg_collation l ON l.oid = a.attcollation
  WHERE c.relkind IN ('r', 'v', 'm', 'p') AND NOT c.relispartition AND ${OF_USERS}
  ORDER BY n.nspname, c.relname, a.attnum
  LIMIT ${MAX_COLUMNS}`;

/** Valid indexes, without partial ones. */
const INDEXES = `
  SELECT n.nspname AS schema, c.relname AS "table", i.indisunique AND i.indimmediate AS is_unique, i.indisprimary AS is_primary,
    (SELECT json_agg(json_build_object('column', a.attname, 'expression',
        CASE WHEN a.attname IS NULL THEN pg_get_indexdef(i.indexrelid, k, false) END) ORDER BY k)
      FROM generate_series(1, i.indnkeyatts) k
      LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[k - 1] AND a.attnum > 0) AS parts
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE i.indisvalid AND i.indpred IS NULL AND ${OF_USERS}`;

const CONSTRAINTS = `
  SELECT k.contype::text AS kind, n.nspname AS schema, c.relname AS "table",
    (SELECT json_agg(a.attname ORDER BY p.place) FROM unnest(k.conkey) WITH ORDINALITY p (number, place)
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.number) AS columns,
    o.nspname AS other_schema, r.relname AS other_table,
    (SELECT json_agg(a.attname ORDER BY p.place) FROM unnest(k.confkey) WITH ORDINALITY p (number, place)
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = p.number) AS other_columns,
    CASE k.contype WHEN 'c' THEN pg_get_constraintdef(k.oid) END AS definition
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_class r ON r.oid = k.confrelid
  LEFT JOIN pg_namespace o ON o.oid = r.relnamespace
  WHERE k.contype IN ('f', 'c') AND k.convalidated AND ${OF_USERS}
  UNION ALL
  SELECT 'view', n.nspname, c.relname, NULL::json, NULL, NULL, NULL::json, pg_get_viewdef(c.oid)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'v' AND ${OF_USERS}
  UNION ALL
  SELECT 'zone', '', '', NULL::json, NULL, NULL, NULL::json, current_setting('log_timezone', true)`;

const names = z.array(z.string());
const columnRow = z.object({
  schema: z.string(),
  table: z.string(),
  is_view: z.boolean(),
  row_count: z.coerce.number().nullable(),
  table_comment: z.string().nullable(),
  comment: z.string().nullable(),
  column: z.string(),
  type: z.string(),
  is_required: z.boolean(),
  is_readable: z.boolean(),
  ignores_case: z.boolean(),
  is_enum: z.boolean(),
  labels: names.nullable(),
});
const indexRow = z.object({
  schema: z.string(),
  table: z.string(),
  is_unique: z.boolean(),
  is_primary: z.boolean(),
  parts: z.array(z.object({ column: z.string().nullable(), expression: z.string().nullable() })).nullable(),
});
const constraintRow = z.object({
  kind: z.string(),
  schema: z.string(),
  table: z.string(),
  columns: names.nullable(),
  other_schema: z.string().nullable(),
  other_table: z.string().nullable(),
  other_columns: names.nullable(),
  definition: z.string().nullable(),
});

/** Reads the catalogue of PostgreSQL with three statements. */
export async function postgresCatalogue({ rows }: SqlSession): Promise<Catalogue> {
  const columns = await rows(columnRow, COLUMNS);
  const indexes = await rows(indexRow, INDEXES);
  const constraints = await rows(constraintRow, CONSTRAINTS);
  return {
    columns: columns.map((found) => ({
      ...{ schema: found.schema, table: found.table, column: found.column, type: found.type },
      value: found.is_enum ? { scalar: 'String', isList: false } : postgresValue(found.type),
      isNullable: !found.is_required,
      isReadable: found.is_readable,
      ignoresCase: found.ignores_case,
      values: found.labels ?? undefined,
      isView: found.is_view,
      rowCount: found.row_count ?? undefined,
      tableComment: found.table_comment ?? undefined,
      comment: found.comment ?? undefined,
    })),
    indexes: indexes.map(({ schema, table, is_unique, is_primary, parts }) => ({
      ...{ schema, table, isUnique: is_unique, isPrimary: is_primary },
      columns: (parts ?? []).map(({ column, expression }) => column ?? loweredColumn(expression ?? '')),
    })),
    foreignKeys: constraints.flatMap(
      ({ kind, schema, table, columns: found, other_schema, other_table, other_columns }) =>
        kind === 'f' && other_schema !== null && other_table !== null
          ? [
              {
                ...{ schema, table, columns: found ?? [], references: other_columns ?? [] },
                ...{ otherSchema: other_schema, otherTable: other_table },
              },
            ]
          : [],
    ),
    views: constraints.flatMap(({ kind, schema, table, definition }) =>
      kind === 'view' && definition !== null ? [{ schema, table, definition }] : [],
    ),
    checks: constraints.flatMap(({ kind, schema, table, columns: found, definition }) => {
      const [column, ...others] = found ?? [];
      const values = kind === 'c' && definition !== null ? checkedValues(definition) : undefined;
      return column === undefined || others.length > 0 || values === undefined
        ? []
        : [{ schema, table, column, values }];
    }),
    zone: constraints.find(({ kind }) => kind === 'zone')?.definition ?? undefined,
  };
}

/** `lower((mail)::text)` is `lower(mail)`. Other expressions stay unchanged. */
function loweredColumn(expression: string): string {
  const [, quoted, plain] =
    /^lower\(\(?(?:"((?:[^"]|"")+)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))\)?(?:::text)?\)$/.exec(
      expression,
    ) ?? [];
  const column = quoted?.replaceAll('""', '"') ?? plain;
  // An expression in brackets is not the name of a column.
  return column === undefined ? `(${expression})` : `lower(${column})`;
}
