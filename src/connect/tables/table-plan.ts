import type { Finding } from '../draft.js';
import { idColumnOf } from './person-tables.js';
import {
  isPartOfName,
  isSecretTable,
  keyKindOf,
  momentScore,
  nameWords,
  personSign,
  personWordScore,
  tableWords,
  type KeyKind,
} from './table-names.js';
import {
  columnOf,
  isUnique,
  lowerOf,
  shown,
  shownList,
  type Column,
  type ForeignKey,
  type Table,
} from './table.js';

/** Plans how to find the rows of a customer, and which tables to read from them. No row is read yet. */

export interface TablePlan {
  person: Table;
  keys: readonly PlannedKey[];
  /**
   * The nearest to the customer first. The owner of each link is the person or the target of an earlier link.
   */
  links: readonly Link[];
  findings: readonly Finding[];
}

/** A column that can find a customer. */
export interface PlannedKey {
  column: Column;
  kind: 'id' | KeyKind;
  isUnique: boolean;
}

/** A link from a row to the rows of another table that belong to it. */
export interface Link {
  owner: Table;
  /** The column of the owner with the key. */
  ownerColumn: string;
  target: Table;
  /** The column with the key: of the target, or of the table between them. */
  by: Column;
  isList: boolean;
  isInferred: boolean;
  /** A join table between the owner and the target. */
  through?: { table: Table; targetColumn: string; references: string };
}

const MAX_KEYS = 5;
const MAX_DEPTH = 3;
const MAX_LINKS_OF_TABLE = 6;

/** The columns that can find a person, the id of the row first. */
export function plannedKeys(table: Table): PlannedKey[] {
  const id = idColumnOf(table);
  const ranks = { id: 0, email: 1, number: 2, phone: 3 } as const;
  return table.columns
    .flatMap((column): PlannedKey[] => {
      if (column.value.keys === undefined || column.value.isList) return [];
      const of = { column, isUnique: isUnique(table, column.name) };
      if (column === id) return [{ ...of, kind: 'id' }];
      if (table.foreignKeys.some(({ columns }) => columns.includes(column.name))) return [];
      const kind = keyKindOf(column.name);
      if (kind !== undefined) return [{ ...of, kind }];
      return of.isUnique ? [{ ...of, kind: 'number' }] : [];
    })
    .toSorted((a, b) => ranks[a.kind] - ranks[b.kind] || Number(b.isUnique) - Number(a.isUnique))
    .slice(0, MAX_KEYS);
}

/** Plans at most `maxLinks` tables that belong to a person. */
export function planTables(person: Table, tables: readonly Table[], maxLinks: number): TablePlan {
  const all = withInferredKeys(tables);
  const customer = all.find(({ name }) => name === person.name) ?? person;
  const links: Link[] = [];
  const leftOut = new Map<string, Set<string>>();
  const leave = (table: Table, because: string): void => {
    leftOut.set(because, (leftOut.get(because) ?? new Set()).add(table.name));
  };
  let owners: { table: Table; above: readonly string[] }[] = [{ table: customer, above: [customer.base] }];
  const planned = new Set([customer.name]);
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const next: typeof owners = [];
    for (const { table, above } of owners) {
      const leaveOther = (other: Table, because: string): void => {
        if (!above.includes(other.base)) leave(other, because);
      };
      const found = linksOf(table, all, leaveOther)
        .filter(({ target }) => !above.includes(target.base))
        .toSorted((a, b) => valueOf(b) - valueOf(a));
      for (const link of found.slice(0, MAX_LINKS_OF_TABLE)) {
        // At the last level, lists are left out, and only rows that a row refers to are read.
        if (depth === MAX_DEPTH - 1 && link.isList) continue;
        if (links.length >= maxLinks) {
          leave(link.target, 'the calls do not suffice to measure them. Allow more with --calls');
          continue;
        }
        links.push(link);
        if (planned.has(link.target.name)) continue;
        planned.add(link.target.name);
        next.push({ table: link.target, above: [...above, link.target.base] });
      }
    }
    owners = next;
  }
  return {
    person: customer,
    keys: plannedKeys(customer),
    links,
    findings: [...leftOut].map(([because, names]) => ({
      step: 'measure',
      text: `Left out, because ${because}: ${shownList([...names])}.`,
    })),
  };
}

/** Events of the customer have priority over other rows, and constraints over names. */
function valueOf(link: Link): number {
  const order = link.isList ? orderOf(link) : undefined;
  const hasMoment = order?.hasPages === true && order.columns[0]?.replace(/^-/, '') !== order.columns[1];
  return (hasMoment ? 2 : 0) + (link.isList ? 1 : 0) - (link.isInferred ? 2 : 0);
}

/** The plan with other tables of the same names. */
export function changeTables(plan: TablePlan, change: (table: Table) => Table): TablePlan {
  const changed = new Map<string, Table>();
  const changeOnce = (table: Table): Table => {
    const found = changed.get(table.name) ?? change(table);
    changed.set(table.name, found);
    return found;
  };
  return {
    ...plan,
    person: changeOnce(plan.person),
    links: plan.links.map((link) => ({
      ...link,
      owner: changeOnce(link.owner),
      target: changeOnce(link.target),
      ...(link.through === undefined
        ? {}
        : { through: { ...link.through, table: changeOnce(link.through.table) } }),
    })),
  };
}

/** The tables of a plan, each once. */
export function tablesOf({ person, links }: TablePlan): Table[] {
  const all = [
    person,
    ...links.flatMap(({ target, through }) => [target, ...(through === undefined ? [] : [through.table])]),
  ];
  return [...new Map(all.map((table) => [table.name, table])).values()];
}

function linksOf(
  owner: Table,
  tables: readonly Table[],
  leave: (table: Table, because: string) => void,
): Link[] {
  const lists = preferred(
    tables.flatMap((target) =>
      target.foreignKeys.flatMap((key) => {
        if (key.table !== owner.name || target.base === owner.base) return [];
        const link = listLink(owner, target, key, tables, leave);
        return link === undefined ? [] : [link];
      }),
    ),
  );
  const references = preferred(
    owner.foreignKeys.flatMap((key) => {
      const target = tables.find(({ name }) => name === key.table);
      const [ownerColumn, ...others] = key.columns;
      const by = target === undefined ? undefined : columnOf(target, key.references[0]);
      if (target === undefined || by?.value.keys === undefined || ownerColumn === undefined) return [];
      if (target.base === owner.base || others.length > 0 || isUnwanted(target, leave)) return [];
      if (isOfPerson(target)) {
        leave(target, OF_OTHERS);
        return [];
      }
      return [{ owner, ownerColumn, target, by, isList: false, isInferred: key.isInferred === true }];
    }),
  );
  return [...lists, ...references];
}

function listLink(
  owner: Table,
  target: Table,
  key: ForeignKey,
  tables: readonly Table[],
  leave: (table: Table, because: string) => void,
): Link | undefined {
  const by = columnOf(target, key.columns[0]);
  const [ownerColumn, ...others] = key.references;
  if (others.length > 0) {
    leave(target, 'their foreign keys have several columns, and a call has one key');
    return undefined;
  }
  if (by?.value.keys === undefined || ownerColumn === undefined) return undefined;
  const base = { owner, ownerColumn, by, isInferred: key.isInferred === true };
  const pair = pairedKey(target, key);
  if (pair !== undefined) {
    const [targetColumn = '', references = ''] = [pair.columns[0], pair.references[0]];
    const other = tables.find(({ name }) => name === pair.table);
    if (other === undefined || other.base === owner.base || isUnwanted(other, leave)) return undefined;
    return { ...base, target: other, isList: true, through: { table: target, targetColumn, references } };
  }
  if (isUnwanted(target, leave)) return undefined;
  return { ...base, target, isList: !isUnique(target, by.name) };
}

const OF_OTHERS = 'their rows are other persons or organisations';

/** Rows about other people and rows with secrets are left out. */
function isUnwanted(target: Table, leave: (table: Table, because: string) => void): boolean {
  if (isSecretTable(target.plainName)) return true;
  if (personWordScore(target.plainName) === 0) return false;
  leave(target, OF_OTHERS);
  return true;
}

/** Whether a row that another one refers to is about a person, such as a teacher. */
function isOfPerson({ columns }: Table): boolean {
  return columns.some(({ name }) => /^(e-mail|birth)$/.test(personSign(name) ?? '') || isPartOfName(name));
}

/** The other foreign key of a join table. */
function pairedKey(table: Table, key: ForeignKey): ForeignKey | undefined {
  const keys = table.foreignKeys.filter(({ columns }) => columns.length === 1);
  const others = keys.filter((other) => other.columns[0] !== key.columns[0]);
  const columns = new Set(others.map((other) => other.columns[0]));
  if (columns.size !== 1) return undefined;
  const keyColumns = new Set([...columns, key.columns[0]]);
  const rest = table.columns.filter(
    ({ name, value }) =>
      !keyColumns.has(name) &&
      !/Date/.test(value.scalar) &&
      !(table.primaryKey.length === 1 && table.primaryKey[0] === name),
  );
  return rest.length === 0 ? others.toSorted((a, b) => a.table.localeCompare(b.table))[0] : undefined;
}

/** One link for each column of the same table: a view is preferred to its table. */
function preferred(links: readonly Link[]): Link[] {
  const best = new Map<string, Link>();
  for (const link of links) {
    const id = JSON.stringify([link.target.base, link.through?.table.base, link.by.name, link.ownerColumn]);
    const other = best.get(id);
    if (other === undefined || (link.target.isView && !other.target.isView)) best.set(id, link);
  }
  return [...best.values()];
}

/** The tables with foreign keys inferred from names: `customer_id` refers to the id of `customers`. */
function withInferredKeys(tables: readonly Table[]): Table[] {
  const targets = tables.flatMap((table) => {
    const id = idColumnOf(table);
    return id === undefined ? [] : [{ table, id, names: keyNamesOf(table, id) }];
  });
  return tables.map((table) => {
    const inferred = table.columns.flatMap((column): ForeignKey[] => {
      if (table.foreignKeys.some(({ columns }) => columns.includes(column.name))) return [];
      if (table.primaryKey.length === 1 && table.primaryKey[0] === column.name) return [];
      const name = nameWords(column.name).join('_');
      return targets.flatMap(({ table: target, id, names }) =>
        target.base !== table.base &&
        names.has(name) &&
        (isSameKey(column, id) || isTextFile(table) || isTextFile(target))
          ? [{ columns: [column.name], table: target.name, references: [id.name], isInferred: true }]
          : [],
      );
    });
    return { ...table, foreignKeys: [...table.foreignKeys, ...inferred] };
  });
}

function keyNamesOf(table: Table, id: Column): Set<string> {
  const words = tableWords(table.plainName);
  const idWords = nameWords(id.name);
  return new Set(
    [
      [...words, ...idWords],
      [...words, 'id'],
      // A column called only id may refer to any table.
      ...(idWords.length > 1 ? [idWords] : []),
      ...(idWords.length === 1 && isOfTable(idWords[0] ?? '', words) ? [idWords] : []),
    ].map((name) => name.join('_')),
  );
}

/** Whether one word names a table and its key, such as `klantnr`. */
function isOfTable(word: string, words: readonly string[]): boolean {
  const last = words.at(-1) ?? '';
  return last.length > 2 && word.startsWith(last) && word.length > last.length;
}

/** Whether all columns are texts. */
function isTextFile({ files = '' }: Table): boolean {
  return /\.csv(\.gz)?$/.test(files);
}

function isSameKey(a: Column, b: Column): boolean {
  const isText = ({ value }: Column) => value.keys === 'text' || value.keys === 'uuid';
  return a.value.keys !== undefined && b.value.keys !== undefined && isText(a) === isText(b);
}

/** The order of the rows of a link. */
export interface RowOrder {
  /** The columns, with `-` for a descending order. */
  columns: readonly string[];
  /** Whether pages can be read in this order: both columns have a value in each row, and the second is unique among the rows. */
  hasPages: boolean;
}

/**
 * The order with the newest row first. Undefined if no column sorts the rows. If the gateway sorts them
 * itself, a value may be missing, and numbers are compared as text.
 */
export function orderOf({ target, by, through }: Link, isSortedByGateway = false): RowOrder | undefined {
  if (through !== undefined) return undefined;
  const moments = target.columns
    .filter(({ value, name }) => !value.isList && /Date/.test(value.scalar) && momentScore(name) > 0)
    .toSorted((a, b) => momentScore(b.name) - momentScore(a.name));
  const [unique, ...others] = target.primaryKey.filter((name) => name !== by.name);
  const second = others.length === 0 ? columnOf(target, unique) : undefined;
  const isPart = target.primaryKey.length === 1 || target.primaryKey.includes(by.name);
  if (second === undefined || !isPart || second.value.keys === undefined || second.isNullable) {
    const [moment] = moments;
    return moment === undefined ? undefined : { columns: [`-${moment.name}`], hasPages: false };
  }
  const moment = moments.find(({ isNullable }) => isSortedByGateway || !isNullable);
  const isNumber = second.value.scalar !== 'String';
  const first = moment === undefined ? (isNumber ? `-${second.name}` : second.name) : `-${moment.name}`;
  return { columns: [first, second.name], hasPages: true };
}

/** Whether an index begins with the column, or with its text in lower case. */
export function hasIndex(table: Table, column: string, isLower = false): boolean {
  const wanted = isLower ? lowerOf(column) : column;
  return (
    (!isLower && table.primaryKey[0] === column) || table.indexes.some(({ columns }) => columns[0] === wanted)
  );
}

/** The name of a link in findings. */
export function shownLink({ target, by, through }: Link): string {
  return `${shown((through?.table ?? target).name)} by ${shown(by.name)}`;
}
