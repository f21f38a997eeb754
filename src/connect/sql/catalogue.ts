import type { Finding } from '../draft.js';
import { isDeclarable } from '../tables/declarable-name.js';
import { isSecretName, isSecretTable } from '../tables/table-names.js';
import {
  baseOf,
  groupBy,
  lowerOf,
  SECRET,
  shownList,
  type Column,
  type ColumnValue,
  type ForeignKey,
  type Index,
  type LeftOut,
  type Table,
} from '../tables/table.js';
import { simpleView, type SimpleView } from './view-columns.js';

/** The catalogue of a database, in the same form for every engine. */
export interface Catalogue {
  /** Columns in the order of tables and positions, also of listed tables that the user may not read. */
  columns: readonly CatalogueColumn[];
  indexes: readonly CatalogueIndex[];
  foreignKeys: readonly CatalogueForeignKey[];
  /** Definitions of views, as the database prints them. */
  views: readonly (InTable & { definition: string })[];
  /** The texts that a check constraint allows. */
  checks: readonly (InTable & { column: string; values: readonly string[] })[];
  /** The time zone of the server, if the database knows its name. */
  zone: string | undefined;
}

export interface InTable {
  schema: string;
  table: string;
}

export interface CatalogueColumn extends InTable {
  column: string;
  type: string;
  /** Undefined if its values cannot be declared. */
  value: ColumnValue | undefined;
  isNullable: boolean;
  isReadable: boolean;
  ignoresCase: boolean;
  values: readonly string[] | undefined;
  isView: boolean;
  rowCount: number | undefined;
  tableComment: string | undefined;
  comment: string | undefined;
}

export interface CatalogueIndex extends InTable {
  columns: readonly string[];
  isUnique: boolean;
  isPrimary: boolean;
}

export interface CatalogueForeignKey extends InTable {
  columns: readonly string[];
  otherSchema: string;
  otherTable: string;
  references: readonly string[];
}

export interface ReadableTables {
  tables: readonly Table[];
  findings: readonly Finding[];
}

/** The estimated rows of each table that the catalogue lists, also of tables that only a view reads. */
export function rowCounts({ columns }: Catalogue): ReadonlyMap<string, number> {
  return new Map(
    columns.flatMap((column) => (column.rowCount === undefined ? [] : [[baseOf(column), column.rowCount]])),
  );
}

/** The tables and views that the user may read, without the columns to leave out. */
export function readableTables(catalogue: Catalogue, defaultSchema: string): ReadableTables {
  const groups: CatalogueByTable = {
    columns: groupBy(catalogue.columns, baseOf),
    indexes: groupBy(catalogue.indexes, baseOf),
    checks: groupBy(catalogue.checks, baseOf),
    views: groupBy(catalogue.views, baseOf),
    foreignKeys: groupBy(catalogue.foreignKeys, baseOf),
  };
  const facts = new Map([...groups.columns.keys()].map((id) => [id, factsOf(groups, id)]));
  const refused: string[] = [];
  const secrets: string[] = [];
  const readable: { id: string; table: Table }[] = [];
  for (const [id, columns] of groups.columns) {
    const [first] = columns;
    if (first === undefined || !columns.some(({ isReadable }) => isReadable)) continue;
    const name = first.schema === defaultSchema ? first.table : `${first.schema}.${first.table}`;
    if (!isDeclarable(first.table) || !isDeclarable(first.schema)) {
      refused.push(name);
      continue;
    }
    if (isSecretTable(first.table)) {
      secrets.push(name);
      continue;
    }
    const table = tableOf(name, columns, facts.get(id));
    for (const { column, because } of table.leftOut)
      if (because === SECRET) secrets.push(`${name}.${column}`);
    if (table.columns.length > 0) readable.push({ id, table });
  }
  const findings: Finding[] = [
    {
      step: 'look',
      text: `The user may read ${readable.length} tables and views. ${readable.filter(({ table }) => table.isView).length} of them are views.`,
    },
  ];
  if (secrets.length > 0)
    findings.push({
      step: 'look',
      text: `Left out, because ${SECRET}: ${shownList(secrets, 20)}.`,
      isWarning: true,
    });
  if (refused.length > 0)
    findings.push({
      step: 'look',
      text: `Left out, because a declaration cannot name them: ${shownList(refused)}. Make a view with a plain name.`,
      isWarning: true,
    });
  return { tables: linked(groups, facts, readable), findings };
}

/** The constraints of a table, or of the table below a view. */
interface Facts {
  base: string;
  primaryKey: readonly string[];
  indexes: readonly Index[];
  required: ReadonlySet<string>;
  values: ReadonlyMap<string, readonly string[]>;
  rowCount: number | undefined;
  /** The columns of the view, by the columns of the table below it. */
  names: ReadonlyMap<string, string>;
}

/** The parts of a catalogue, by the name that `baseOf` gives their table. */
type CatalogueByTable = {
  [Part in 'columns' | 'indexes' | 'checks' | 'views' | 'foreignKeys']: ReadonlyMap<
    string,
    readonly Catalogue[Part][number][]
  >;
};

function factsOf(groups: CatalogueByTable, id: string): Facts {
  const [view] = groups.views.get(id) ?? [];
  const simple = view === undefined ? undefined : simpleView(view.definition);
  const base = tableOfView(simple, id, groups.columns);
  const baseColumns = groups.columns.get(base) ?? [];
  const names =
    simple === undefined || base === id
      ? new Map(baseColumns.map(({ column }) => [column, column]))
      : new Map([...simple.columns].map(([here, there]) => [there, here]));
  /** The columns under the names that they have in the view. Undefined if one is missing. */
  const renamed = (columns: readonly string[]): string[] | undefined => {
    const here = columns.map((column) => {
      const [, inner] = /^lower\((.*)\)$/.exec(column) ?? [];
      const name = names.get(inner ?? column);
      return name === undefined || inner === undefined ? name : lowerOf(name);
    });
    return here.some((name) => name === undefined) ? undefined : (here as string[]);
  };
  const indexes = groups.indexes.get(base) ?? [];
  return {
    ...{ base, names },
    primaryKey: renamed(indexes.find(({ isPrimary }) => isPrimary)?.columns ?? []) ?? [],
    indexes: indexes.flatMap(({ columns, isUnique }) => {
      const here = renamed(columns);
      return here === undefined || here.length === 0 ? [] : [{ columns: here, isUnique }];
    }),
    required: new Set(
      baseColumns.flatMap(({ column, isNullable }) => (isNullable ? [] : (names.get(column) ?? []))),
    ),
    values: new Map(
      (groups.checks.get(base) ?? []).flatMap((check) => {
        const here = names.get(check.column);
        return here === undefined ? [] : [[here, check.values] as const];
      }),
    ),
    rowCount: baseColumns[0]?.rowCount,
  };
}

function tableOfView(
  simple: SimpleView | undefined,
  id: string,
  groups: ReadonlyMap<string, readonly CatalogueColumn[]>,
): string {
  if (simple === undefined) return id;
  const { schema, name } = simple.table;
  if (schema !== undefined)
    return groups.has(baseOf({ schema, table: name })) ? baseOf({ schema, table: name }) : id;
  // PostgreSQL omits the schema of a table on the search path.
  const found = [...groups].filter(([, [first]]) => first?.table === name && !first.isView);
  const [only] = found.length === 1 ? found : [];
  return only?.[0] ?? id;
}

function tableOf(name: string, all: readonly CatalogueColumn[], facts: Facts | undefined): Table {
  const [first] = all;
  const leftOut: LeftOut[] = [];
  const columns: Column[] = [];
  for (const found of all) {
    const { column, type, value, ignoresCase, comment } = found;
    const because = isSecretName(column)
      ? SECRET
      : !found.isReadable
        ? 'the user may not read them'
        : !isDeclarable(column)
          ? 'a declaration cannot name them'
          : value === undefined
            ? 'their types cannot be mapped'
            : undefined;
    if (because !== undefined || value === undefined) {
      leftOut.push({ column, because: because ?? '' });
      continue;
    }
    const values = found.values ?? facts?.values.get(column);
    columns.push({
      ...{ name: column, type, value, ignoresCase },
      isNullable: found.isNullable && facts?.required.has(column) !== true,
      ...(values === undefined ? {} : { values }),
      ...(comment === undefined ? {} : { description: comment }),
    });
  }
  const isPresent = (names: readonly string[]) =>
    names.every((part) => columns.some((column) => column.name === part || lowerOf(column.name) === part));
  const { primaryKey = [], indexes = [], rowCount } = facts ?? {};
  return {
    ...{ name, columns, leftOut },
    schema: first?.schema ?? '',
    plainName: first?.table ?? name,
    isView: first?.isView === true,
    ...(rowCount === undefined ? {} : { rowCount }),
    ...(first?.tableComment === undefined ? {} : { description: first.tableComment }),
    primaryKey: isPresent(primaryKey) ? primaryKey : [],
    indexes: indexes.filter((index) => isPresent(index.columns)),
    foreignKeys: [],
    base: facts?.base ?? name,
  };
}

/** The tables with their foreign keys. A foreign key between two tables also joins their views. */
function linked(
  { foreignKeys }: CatalogueByTable,
  facts: ReadonlyMap<string, Facts>,
  readable: readonly { id: string; table: Table }[],
): Table[] {
  const byBase = groupBy(readable, ({ table }) => table.base);
  return readable.map(({ id, table }) => {
    const ofTable = facts.get(id);
    if (ofTable === undefined) return table;
    const keys = (foreignKeys.get(ofTable.base) ?? []).flatMap((key): ForeignKey[] => {
      const columns = key.columns.flatMap((column) => ofTable.names.get(column) ?? []);
      if (columns.length < key.columns.length || !columns.every((column) => hasColumn(table, column)))
        return [];
      const other = baseOf({ schema: key.otherSchema, table: key.otherTable });
      return (byBase.get(other) ?? []).flatMap((target) => {
        const there = facts.get(target.id);
        if (there === undefined) return [];
        const references = key.references.flatMap((column) => there.names.get(column) ?? []);
        return references.length === key.references.length &&
          references.every((column) => hasColumn(target.table, column))
          ? [{ columns, table: target.table.name, references }]
          : [];
      });
    });
    return { ...table, foreignKeys: keys };
  });
}

function hasColumn({ columns }: Table, name: string): boolean {
  return columns.some((column) => column.name === name);
}
