import type { Candidate } from '../reader.js';
import { isOfDocument, keyKindOf, personSign, personWordScore } from './table-names.js';
import { columnOf, isComputedView, isUnique, shownList, type Column, type Table } from './table.js';

/** Finds the tables whose rows are persons or organisations. */

const SIGN_SCORES = { 'e-mail': 3, phone: 2, name: 2, birth: 2, address: 1 } as const;
type Sign = keyof typeof SIGN_SCORES;

/** A table without a name for persons needs at least this many signs. */
const MIN_SIGNS = 7;
/** The score of a view without a key, which is used only if no table is better. */
const COMPUTED_VIEW_SCORE = -3;

export interface PersonTable {
  table: Table;
  candidate: Candidate;
}

/** The tables of persons, the best first. */
export function personTables(tables: readonly Table[]): PersonTable[] {
  const scored = tables.flatMap((table) => {
    const found = scoreOf(table, tables);
    return found === undefined ? [] : [{ table, ...found }];
  });
  // A view is designed for readers, so it is preferred to its table.
  const ofTable = new Map(
    scored.filter(({ table }) => !table.isView).map(({ table, score }) => [table.base, score]),
  );
  return scored
    .map((found) =>
      found.table.isView
        ? { ...found, score: Math.max(found.score, (ofTable.get(found.table.base) ?? 0) + 1) }
        : found,
    )
    .toSorted((a, b) => b.score - a.score || a.table.name.localeCompare(b.table.name))
    .map(({ table, evidence }) => ({ table, candidate: { name: table.name, evidence } }));
}

function scoreOf(table: Table, tables: readonly Table[]): { score: number; evidence: string } | undefined {
  const named = personWordScore(table.plainName);
  const signs = new Map<Sign, string[]>();
  for (const { name } of table.columns) {
    const sign = personSign(name);
    if (sign !== undefined) signs.set(sign, [...(signs.get(sign) ?? []), name]);
  }
  const held = [...signs.keys()].reduce((total, sign) => total + SIGN_SCORES[sign], 0);
  const isDocument = table.columns.some(({ name }) => isOfDocument(name));
  if (named === 0 ? held < MIN_SIGNS || isDocument : held === 0) return undefined;
  const key = idColumnOf(table);
  const referring = new Set(
    tables.flatMap((other) =>
      other.base !== table.base && other.foreignKeys.some((foreign) => foreign.table === table.name)
        ? [other.base]
        : [],
    ),
  ).size;
  const hasKey = key !== undefined && isUnique(table, key.name);
  const score =
    named +
    held +
    Math.min(3, referring) +
    (hasKey ? 2 : 0) +
    (isComputedView(table) ? COMPUTED_VIEW_SCORE : 0);
  const evidence = [
    ...(table.isView ? ['a view'] : []),
    ...(named > 0 ? ['its name suggests persons or organisations'] : []),
    ...[...signs].map(([sign, names]) => `${sign}: ${shownList(names, 3)}`),
    ...(hasKey ? [`unique: ${shownList([key.name])}`] : []),
    ...(referring > 0 ? [`${referring} ${referring === 1 ? 'table refers' : 'tables refer'} to it`] : []),
  ].join('; ');
  return { score, evidence };
}

/** The column with the id of a row: the primary key, another unique column, or one with a suitable name. */
export function idColumnOf(table: Table): Column | undefined {
  const [only, ...others] = table.primaryKey;
  const primary = others.length === 0 ? columnOf(table, only) : undefined;
  if (primary?.value.keys !== undefined) return primary;
  const keys = table.columns.filter(({ value }) => value.keys !== undefined);
  const isEmail = (column: Column) =>
    keyKindOf(column.name) === 'email' || keyKindOf(column.name) === 'phone';
  return (
    keys.find((column) => !column.isNullable && isUnique(table, column.name) && !isEmail(column)) ??
    keys.find((column) => isNamedId(column.name, table))
  );
}

function isNamedId(name: string, table: Table): boolean {
  const plain = name.toLowerCase().replace(/[^a-z\d]/g, '');
  const tableName = table.plainName.toLowerCase().replace(/[^a-z\d]/g, '');
  return (
    ['id', 'uuid', 'guid'].includes(plain) ||
    [`${tableName}id`, `${tableName.replace(/s$/, '')}id`].includes(plain)
  );
}
