import { z } from 'zod';
import { databaseUrl, sql, type SqlClient } from '../connectors/sql/client.js';
import { SourceContractError } from '../errors.js';
import { isSameByCollation } from '../loaders/align.js';
import type {
  RowsRequest,
  CompileContext,
  ConnectorKind,
  ListMember,
  ListOrder,
  ListPart,
  PageReader,
} from './connector-kind.js';
import { firstMember } from './path.js';
import { variableIn } from './setting-name.js';
import {
  sqlCall,
  sqlConnect,
  type KeyType,
  type SqlCall,
  type SqlConnect,
  type TableCall,
} from './sql-grammar.js';
import { compileQueryCall, compileTableRequest, list, quoted } from './statements.js';
import { toText } from './text-value.js';

/** Sources in PostgreSQL, MySQL and MariaDB. All of them read `"name"` as a name. */
export const sqlKind: ConnectorKind<SqlConnect, SqlCall, SqlClient> = {
  connect: sqlConnect,
  call: sqlCall,
  compileConnector: ({ sql: url }) => sql(databaseUrl(variableIn(url))),
  compileCall: (call, context) =>
    'from' in call
      ? compileTableCall(call, context)
      : { ...compileQueryCall(call, context, planCheck(call)), matching: 'collation' },
};

/** Large tables need an index for the call, unless it is allowed to read them as a whole. */
function planCheck({ readsWholeTable }: SqlCall) {
  return readsWholeTable === true
    ? undefined
    : (client: SqlClient, statement: string, parameters: readonly unknown[]) =>
        client.checkPlan(statement, parameters);
}

function compileTableCall(call: TableCall, context: CompileContext): RowsRequest<SqlClient> {
  const { by, keys: type = 'text', order, readsWholeTable = false } = call;
  const table = call.from.split('.').map(quoted).join('.');
  const { request, key, send, columns } = compileTableRequest(call, table, context, planCheck(call));
  return {
    ...request,
    matching: 'collation',
    pages: (listOrder) => {
      if (order !== undefined)
        context.report(
          [...context.place, 'order'],
          'The order of pages belongs to the field.',
          'Move it there, with the names of fields.',
        );
      return compilePages({
        ...{ source: context.source, table, key, by, type, send, columns, readsWholeTable },
        order: listOrder,
      });
    },
  };
}

interface PagesOptions {
  source: string;
  /** The quoted name of the table. */
  table: string;
  /** The expression that is compared with a key. */
  key: string;
  /** The column of the key. */
  by: string;
  type: KeyType;
  send: (key: string) => string | number;
  /** All columns that are read: complete when the first page is read. */
  columns: ReadonlySet<string>;
  /** Whether the pages may be found without an index. */
  readsWholeTable: boolean;
  order: ListOrder;
}

/** The index of a page in its batch. No table has a column of this name. */
const PAGE = 'page of the batch';

/**
 * Each page is read along the index of key and order, from its own position. PostgreSQL finds the position in the index by the
 * comparison of pairs, MySQL and MariaDB by that of the first column.
 */
function compilePages({
  source,
  table,
  key,
  by,
  type,
  send,
  columns,
  readsWholeTable,
  order,
}: PagesOptions): PageReader<SqlClient> {
  const { members, isDescending } = order;
  const [first, second] = members.map(({ path }) => quoted(firstMember(path) ?? '')) as [string, string];
  const direction = isDescending ? ' DESC' : '';
  const compared = isDescending ? '<' : '>';
  const orderBy = `${first}${direction}, ${second}${direction}`;
  const columnType = type === 'integer' || type === 'smallint' ? 'bigint' : type;
  const read: PageReader<SqlClient>['read'] = async (parts, after, client) => {
    const position = after?.map((value, i) => valueIn(value, members[i]));
    const rest =
      position === undefined
        ? ''
        : `AND ${first} ${compared}= shared.first AND (${first}, ${second}) ${compared} (shared.first, shared.second)`;
    const statementOf = (pages: readonly ListPart[]) =>
      client.dialect.forEach({
        query: `SELECT requested.page AS "${PAGE}", ${list(columns)} FROM ${table}
        WHERE ${key} = requested.key ${rest} ORDER BY ${orderBy} LIMIT shared.size`,
        columns: { page: 'bigint', key: columnType },
        values: pages.map((part) => ({ page: part.page, key: send(part.key) })),
        shared: {
          size: Math.max(...pages.map(({ size }) => size)),
          ...(position === undefined ? {} : { first: position[0], second: position[1] }),
        },
        orderBy: `"${PAGE}", ${orderBy}`,
      });
    if (!readsWholeTable) await client.checkPlan(...statementOf(parts.slice(0, 1)));
    const [statement, parameters] = statementOf(parts);
    const keysOf = new Map<number, string[]>();
    for (const { page, key: requested } of parts) keysOf.set(page, [...(keysOf.get(page) ?? []), requested]);
    const rows = await client.rows(z.record(z.string(), z.unknown()), statement, parameters);
    return rows.map((row) => {
      const page = Number(row[PAGE]);
      const key = toText(row[by], by) ?? '';
      if (keysOf.get(page)?.some((requested) => isSameByCollation(requested, key)) !== true)
        throw new SourceContractError(source, `${source} returned a record that was not requested.`, {
          kind: 'wrong-record',
        });
      return [page, row] as const;
    });
  };
  return { read };
}

/** The sessions have the zone UTC, and MySQL reads no zone. */
function valueIn(value: string, member: ListMember | undefined): string {
  return member?.type === 'DateTime' ? value.replace(/\+00$/, '') : value;
}
