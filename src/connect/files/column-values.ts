import type { ColumnValue } from '../tables/table.js';

/** How the connector returns the values of each type of DuckDB. Undefined if it cannot be declared. */
export function duckDbValue(type: string): ColumnValue | undefined {
  if (type.endsWith('[]')) {
    const value = duckDbValue(type.slice(0, -2));
    return value === undefined || value.isList ? undefined : { scalar: value.scalar, isList: true };
  }
  const isList = false;
  switch (type.replace(/\(.*$/, '')) {
    case 'TINYINT':
    case 'SMALLINT':
    case 'INTEGER':
    case 'UTINYINT':
    case 'USMALLINT':
      return { scalar: 'Int', isList, keys: 'integer' };
    case 'BIGINT':
    case 'UINTEGER':
      return { scalar: 'BigInt', isList, keys: 'integer' };
    case 'UBIGINT':
    case 'HUGEINT':
    case 'UHUGEINT':
      return { scalar: 'BigInt', isList };
    case 'DECIMAL':
      return { scalar: 'Decimal', isList };
    case 'FLOAT':
    case 'DOUBLE':
      return { scalar: 'Float', isList };
    case 'BOOLEAN':
      return { scalar: 'Boolean', isList };
    case 'DATE':
      return { scalar: 'Date', isList };
    case 'TIMESTAMP WITH TIME ZONE':
      return { scalar: 'DateTime', isList };
    case 'TIMESTAMP':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_NS':
      return { scalar: 'LocalDateTime', isList };
    case 'VARCHAR':
    case 'ENUM':
      return { scalar: 'String', isList, keys: 'text' };
    case 'UUID':
    case 'TIME':
      return { scalar: 'String', isList };
    default:
      return undefined;
  }
}
