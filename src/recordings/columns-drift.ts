import type { Drift } from './drift.js';
import type { LiveColumns } from './live-system.js';
import type { Recording } from './recording.js';

/** Compares the columns of the recorded tables with the live ones. The path of a difference is `table.column`. */
export function compareColumns({ tables = {} }: Recording, live: LiveColumns): Drift[] {
  return [...live].flatMap(([name, columns]) => {
    const table = tables[name];
    if (table === undefined) return [];
    const known = new Set([...table.columns.map((column) => column.name), ...(table.leftOut ?? [])]);
    return [
      ...table.columns.flatMap((column) =>
        compareColumn(`${name}.${column.name}`, column.type, columns.get(column.name), table.files),
      ),
      ...[...columns].flatMap(([column, type]): Drift[] =>
        known.has(column) || type === NO_TYPE
          ? []
          : [
              {
                severity: 'harmless',
                path: `${name}.${column}`,
                text: `is new: ${type}`,
                // The source does not read the column.
                apply: ({ tables: recorded }) => {
                  const found = recorded?.[name];
                  if (found !== undefined) found.leftOut = [...(found.leftOut ?? []), column];
                },
              },
            ],
      ),
    ];
  });
}

/** The type of an optional column that no file has. */
const NO_TYPE = '"NULL"';

function compareColumn(path: string, before: string, now: string | undefined, files = ''): Drift[] {
  if (now === undefined) return [{ severity: 'breaking', path, text: `is missing; it was ${before}` }];
  // All columns of CSV are texts, whose values are compared.
  const isText = /\.csv(\.gz)?$/.test(files);
  return isText || baseOf(now) === baseOf(before)
    ? []
    : [{ severity: 'breaking', path, text: `is ${now}; it was ${before}` }];
}

/** A type without its precision, or without the values of an enum. */
function baseOf(type: string): string {
  return type.replace(/\([^)]*\)/, '');
}
