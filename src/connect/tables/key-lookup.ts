import type { Finding } from '../draft.js';
import { otherCase } from '../probe-keys.js';
import { isSecretValue } from './table-names.js';
import { changeTables, hasIndex, plannedKeys, type PlannedKey, type TablePlan } from './table-plan.js';
import { SECRET, shown, shownList, type Row, type Table } from './table.js';

/** Decides from sampled rows how a column is compared with keys, and which columns are secrets. */

/** Larger tables need an index. */
export const MAX_SCANNED_ROWS = 10_000;
/** A key finds no record whose value has blanks around it. With a larger share of them, a column is not used. */
const MAX_PADDED_SHARE = 0.2;

/** How a key is compared. */
export interface KeyLookup {
  key: PlannedKey;
  isLower: boolean;
  /** A sampled value. */
  known: unknown;
}

export interface KeyLookupOptions {
  table: Table;
  rows: readonly Row[];
  isLarge: boolean;
  /** Whether the system has indexes. Files have none. */
  hasIndexes: boolean;
}

/** How a column finds a person. Without a lookup, the samples do not show that it can. */
export function keyLookup(
  key: PlannedKey,
  { table, rows, isLarge, hasIndexes }: KeyLookupOptions,
): { lookup?: KeyLookup; findings: readonly Finding[] } {
  const { column, kind } = key;
  const place = `${shown(table.name)}.${shown(column.name)}`;
  const values = rows.map((row) => row[column.name]).filter((value) => value != null && value !== '');
  const texts = values.map(String);
  const trimmed = values.filter((value) => String(value) === String(value).trim());
  const known = trimmed.find((value) => otherCase(String(value)) !== undefined) ?? trimmed[0] ?? values[0];
  const refuse = (text: string, isWarning = false) => ({
    findings: [{ step: 'measure', text, ...(isWarning ? { isWarning } : {}) } satisfies Finding],
  });
  if (known === undefined) return refuse(`${place} has no value in the samples, so it is not used as a key.`);
  if (kind === 'number' && !key.isUnique && new Set(texts).size < texts.length)
    return refuse(`${place} repeats in the samples, so it is not used as a key.`);
  if (kind === 'phone' && !texts.every((text) => /^\+\d{8,15}$/.test(text)))
    return refuse(
      `${place} has phone numbers that are not in the form +31201234567, so it is not used as a key. It is shown.`,
    );
  const padded = texts.length - trimmed.length;
  if (padded > texts.length * MAX_PADDED_SHARE)
    return refuse(`${place} has values with blanks around them, so it is not used as a key.`, true);
  const warnings =
    padded === 0
      ? []
      : [
          `${padded} of ${texts.length} values of ${place} have blanks around them. These records are not found by it. Remove the blanks, or connect a view that does.`,
        ];
  const findingsOf = (): Finding[] => warnings.map((text) => ({ step: 'measure', text, isWarning: true }));
  const isCaseOpen = kind === 'email' && !column.ignoresCase && column.value.keys === 'text';
  if (!isCaseOpen) return { lookup: { key, isLower: false, known }, findings: findingsOf() };
  if (!hasIndexes || hasIndex(table, column.name, true))
    return { lookup: { key, isLower: true, known }, findings: findingsOf() };
  const hasCapitals = texts.some((text) => text !== text.toLowerCase());
  const isLower = !isLarge && (hasCapitals || !hasIndex(table, column.name));
  if (isLower)
    warnings.push(
      `${place} is compared as lower(${shown(column.name)}), which has no index. Create one before the table has more than ${MAX_SCANNED_ROWS} rows.`,
    );
  else if (hasCapitals)
    warnings.push(
      `${place} has addresses with capitals, and no index on lower(${shown(column.name)}). These people are not found by their address until the index exists and the call has matching: lower.`,
    );
  return { lookup: { key, isLower, known }, findings: findingsOf() };
}

/** Removes columns of the person's table with values such as digests of passwords. */
export function withoutSecretValues(
  plan: TablePlan,
  rows: readonly Row[],
): { plan: TablePlan; rows: Row[]; findings: readonly Finding[] } {
  const { person } = plan;
  const names = new Set(
    person.columns.map(({ name }) => name).filter((name) => rows.some((row) => isSecretValue(row[name]))),
  );
  if (names.size === 0) return { plan, rows: [...rows], findings: [] };
  const left = withoutColumns(person, names);
  const changed = changeTables(plan, (table) => (table.name === person.name ? left : table));
  return {
    plan: {
      ...changed,
      keys: plannedKeys(left),
      links: changed.links.filter(({ owner, ownerColumn }) => owner !== left || !names.has(ownerColumn)),
    },
    rows: rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !names.has(name)))),
    findings: [
      {
        step: 'measure',
        text: `Left out, because their values look like secrets: ${shownList([...names].map((name) => `${person.name}.${name}`))}.`,
        isWarning: true,
      },
    ],
  };
}

function withoutColumns(table: Table, names: ReadonlySet<string>): Table {
  return {
    ...table,
    columns: table.columns.filter(({ name }) => !names.has(name)),
    indexes: table.indexes.filter(({ columns }) => columns.every((name) => !names.has(name))),
    leftOut: [...table.leftOut, ...[...names].map((column) => ({ column, because: SECRET }))],
  };
}

/** A column of linked rows with values that look like secrets. */
export function secretColumn({ columns }: Table, rows: readonly Row[]): string | undefined {
  return columns.find(({ name }) => rows.some((row) => isSecretValue(row[name])))?.name;
}
