import type { SqlClient } from '../../connectors/sql/client.js';
import type { ColumnType } from '../../connectors/sql/database.js';
import type { Link, RowOrder } from '../tables/table-plan.js';
import type { Column, Table } from '../tables/table.js';

/** The statements that measure a database. Names are quoted, and values are parameters. */

type Statement = [text: string, parameters: readonly unknown[]];

/** A name of the catalogue. Names with quotation marks were left out before. */
export function quoted(name: string): string {
  return `"${name}"`;
}

export function quotedTable({ name }: Table): string {
  return name.split('.').map(quoted).join('.');
}

function columnList(columns: readonly Column[]): string {
  return columns.map(({ name }) => quoted(name)).join(', ');
}

/** Rows from both ends of the primary key, along its index. Without one, any rows. */
export function sampleStatement(table: Table, size: number): string {
  const select = `SELECT ${columnList(table.columns)} FROM ${quotedTable(table)}`;
  const [id, ...others] = table.primaryKey;
  if (id === undefined || others.length > 0) return `${select} LIMIT ${size}`;
  const half = Math.ceil(size / 2);
  const part = (direction: string) => `(${select} ORDER BY ${quoted(id)} ${direction} LIMIT ${half})`;
  return `${part('DESC')} UNION ALL ${part('ASC')}`;
}

/** Counts the rows of each table, up to one more than the bound. */
export function countStatement(tables: readonly Table[], bound: number): string {
  const counts = tables.map(
    (table, i) =>
      `(SELECT count(*) FROM (SELECT 1 AS found FROM ${quotedTable(table)} LIMIT ${bound + 1}) AS rows${i}) AS "c${i}"`,
  );
  return `SELECT ${counts.join(', ')}`;
}

/** The condition of a call by a key, as a declared source sends it. `$1` is the key, or with `takesMany` the keys. */
export function keyCondition(column: Column, isLower: boolean, takesMany: boolean): string {
  const compared = isLower ? `lower(${quoted(column.name)})` : quoted(column.name);
  return `WHERE ${compared} = ${takesMany ? 'ANY($1)' : '$1'}`;
}

/** Reads records by keys, as a declared source does. */
export function recordStatement(table: Table, column: Column, isLower: boolean): string {
  return `SELECT ${columnList(table.columns)} FROM ${quotedTable(table)} ${keyCondition(column, isLower, true)}`;
}

/** The query of a link over a table that pairs rows. In a declaration, the keys are `:keys`. */
export function pairQuery(
  { target, by, through }: Link,
  keys = ':keys',
): { query: string; keyColumn: string } | undefined {
  if (through === undefined) return undefined;
  const isTaken = (name: string) => target.columns.some((column) => column.name === name);
  let keyColumn = by.name;
  while (isTaken(keyColumn)) keyColumn = `pair_${keyColumn}`;
  const selected = [
    `p.${quoted(by.name)} AS ${quoted(keyColumn)}`,
    ...target.columns.map(({ name }) => `t.${quoted(name)}`),
  ];
  const query = [
    `SELECT ${selected.join(', ')}`,
    `FROM ${quotedTable(through.table)} p`,
    `JOIN ${quotedTable(target)} t ON t.${quoted(through.references)} = p.${quoted(through.targetColumn)}`,
    `WHERE p.${quoted(by.name)} = ANY(${keys})`,
  ].join(' ');
  return { query, keyColumn };
}

/** Reads the first rows for each key. */
export function linkStatement(
  { dialect }: Pick<SqlClient, 'dialect'>,
  link: Link,
  { keys, size, order }: { keys: readonly (string | number)[]; size: number; order: RowOrder | undefined },
): Statement {
  const pair = pairQuery(link, '$1');
  if (pair !== undefined) return [`${pair.query} LIMIT ${size * keys.length}`, [keys]];
  const { target, by } = link;
  const from = `FROM ${quotedTable(target)}`;
  if (!link.isList)
    return [`SELECT ${columnList(target.columns)} ${from} WHERE ${quoted(by.name)} = ANY($1)`, [keys]];
  const terms = (order?.columns ?? []).map((column) =>
    column.startsWith('-') ? `${quoted(column.slice(1))} DESC` : quoted(column),
  );
  const sorted = terms.length === 0 ? '' : ` ORDER BY ${terms.join(', ')}`;
  return dialect.forEach({
    query: `SELECT ${columnList(target.columns)} ${from} WHERE ${quoted(by.name)} = requested.key${sorted} LIMIT shared.size`,
    columns: { key: columnTypeOf(by) },
    values: keys.map((key) => ({ key })),
    shared: { size },
    orderBy: quoted(by.name),
  });
}

function columnTypeOf({ value: { keys } }: Column): ColumnType {
  return keys === 'integer' || keys === 'smallint' || keys === 'bigint' ? 'bigint' : (keys ?? 'text');
}
