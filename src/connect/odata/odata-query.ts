import { filterText, odataGuid, optionsText, type OdataValue } from '../../connectors/odata/query.js';
import type { ListStyle } from '../../connectors/odata/query.js';
import { withoutProtocol } from '../../recordings/odata-rows.js';
import type { Column, KeyType, Row, Table } from '../tables/table.js';

/** Writes the requests that measure a call, as a declared source sends them. */

export interface ListRequest {
  table: Table;
  keys?: { column: Column; values: readonly string[]; style: ListStyle };
  top?: number;
  order?: readonly string[];
  /** Whether the number of all matching records is requested. The member has the version of the protocol. */
  count?: 2 | 4;
}

/** The path of a list, relative to the address of the entity sets. */
export function listPath({ table, keys, top, order, count }: ListRequest): string {
  const filter =
    keys === undefined
      ? undefined
      : filterText(
          [
            [
              keys.column.name.replaceAll('.', '/'),
              'in',
              keys.values.map((value) => literalOf(keys.column, value)),
            ],
          ],
          keys.style,
        );
  const options = optionsText({
    $filter: filter,
    $select: membersOf(table).join(','),
    $orderby: order?.map((name) => (name.startsWith('-') ? `${name.slice(1)} desc` : name)).join(','),
    $top: top,
    $count: count === 4 ? 'true' : undefined,
    $inlinecount: count === 2 ? 'allpages' : undefined,
  });
  return `${table.name}?${options}`;
}

function literalOf({ value }: Column, key: string): OdataValue {
  const kind = keysOf(value.keys);
  return kind === 'number' ? Number(key) : kind === 'guid' ? odataGuid(key) : key;
}

/** The type of a key in the syntax of a declaration. */
export function keysOf(keys: KeyType | undefined): 'text' | 'number' | 'guid' {
  return keys === 'uuid' ? 'guid' : keys === undefined || keys === 'text' ? 'text' : 'number';
}

/** The members of a record that the columns need. */
export function membersOf(table: Table): string[] {
  return [...new Set(table.columns.map(({ name }) => name.split('.')[0] ?? name))];
}

/** The record with its columns as members. The name of a nested property is its path. */
export function flatRow(table: Table, record: Row): Row {
  return Object.fromEntries(table.columns.map(({ name }) => [name, valueAt(record, name)]));
}

function valueAt(record: Row, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null
          ? (value as Readonly<Record<string, unknown>>)[name]
          : undefined,
      record,
    );
}

/**
 * The record for the recording: only the members that are read, without links and other members of the
 * protocol.
 */
export function recordedRow(table: Table, record: Row): Row {
  return Object.fromEntries(
    membersOf(table).flatMap((name) => (name in record ? [[name, withoutProtocol(record[name])]] : [])),
  );
}
