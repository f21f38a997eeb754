import type { Dialect } from './database.js';

export const mysqlDialect: Dialect = {
  // MariaDB has no LATERAL, and MySQL has no LIMIT by a column. So there is one query for each value, which both
  // support. It uses the indexes, because a value is compared by the collation of the column; a table of values would
  // have its own.
  forEach: ({ query, columns, values, shared = {}, orderBy }) => {
    const parameters: unknown[] = [];
    const types = columns as Readonly<Record<string, string>>;
    const queries = values.map((value: Readonly<Record<string, unknown>>) => {
      const queryOfValue = query.replace(/\b(requested|shared)\.(\w+)/g, (_, kind: string, name: string) => {
        const parameter = kind === 'shared' ? shared[name] : value[name];
        parameters.push(types[name] === 'timestamptz' ? toTimestamp(parameter) : parameter);
        return `$${parameters.length}`;
      });
      return `(${queryOfValue})`;
    });
    return [
      `SELECT found.* FROM (${queries.join('\nUNION ALL\n')}) AS found ORDER BY ${orderBy}`,
      parameters,
    ];
  },
  bytes: (column) => `CAST(${column} AS BINARY)`,
};

/** Converts a UTC timestamp to MySQL's form for a session in UTC: without a time zone. */
function toTimestamp(value: unknown): unknown {
  return typeof value === 'string' ? value.replace('T', ' ').replace(/(Z|\+00(:00)?)$/, '') : value;
}

/** Rewrites `$1` to `?` and `= ANY($1)` to `IN (?, ?)`. Returns the statement with its values in order. */
export function positional(
  text: string,
  parameters: readonly unknown[],
): { sql: string; values: readonly unknown[] } {
  const values: unknown[] = [];
  const place = (value: unknown): string => {
    values.push(value ?? null);
    return '?';
  };
  const sql = text.replace(
    /= ANY\(\$(\d+)\)|\$(\d+)/g,
    (_, list: string | undefined, single: string | undefined) => {
      const value = parameters[Number(list ?? single) - 1];
      if (list === undefined) return place(value);
      const keys = value as readonly unknown[];
      // No value is in a list that contains only NULL.
      return `IN (${keys.length === 0 ? 'NULL' : keys.map(place).join(', ')})`;
    },
  );
  return { sql, values };
}
