import type { Dialect } from './database.js';

export const mysqlDialect: Dialect = {
  // MariaDB knows no LATERAL, MySQL no LIMIT by a column. A query for each value has both, and uses the indexes: a value
  // is compared by the rules of the column, while a table of values would have rules of its own.
  forEach: ({ query, columns, values, orderBy }) => {
    const parameters: unknown[] = [];
    const types = columns as Readonly<Record<string, string>>;
    const queries = values.map((value: Readonly<Record<string, unknown>>) => {
      const own = query.replace(/\basked\.(\w+)/g, (_, name: string) => {
        parameters.push(types[name] === 'timestamptz' ? toMoment(value[name]) : value[name]);
        return `$${parameters.length}`;
      });
      return `(${own})`;
    });
    return [
      `SELECT found.* FROM (${queries.join('\nUNION ALL\n')}) AS found ORDER BY ${orderBy}`,
      parameters,
    ];
  },
  bytes: (column) => `CAST(${column} AS BINARY)`,
};

/** Moments in UTC as MySQL takes them in a session of that time zone: without a zone. */
function toMoment(value: unknown): unknown {
  return typeof value === 'string' ? value.replace('T', ' ').replace(/(Z|\+00(:00)?)$/, '') : value;
}

/** The statement with `?` for `$1` and `IN (?, ?)` for `= ANY($1)`, and what stands for each. */
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
    (_, list: string | undefined, one: string | undefined) => {
      const value = parameters[Number(list ?? one) - 1];
      if (list === undefined) return place(value);
      const keys = value as readonly unknown[];
      // Nothing is in a list of null.
      return `IN (${keys.length === 0 ? 'NULL' : keys.map(place).join(', ')})`;
    },
  );
  return { sql, values };
}
