import { z } from 'zod';
import { InvalidInputError } from '../../errors.js';
import type { Finding } from '../draft.js';
import { keyLookup, withoutSecretValues, type KeyLookup } from '../tables/key-lookup.js';
import { keyProbe, linkFinding, linkKeys, ROWS_OF_LIST } from '../tables/probes.js';
import type { MeasuredKey, MeasuredLink } from '../tables/table-draft.js';
import { isSecretTable, personSign } from '../tables/table-names.js';
import {
  orderOf,
  shownLink,
  type Link,
  type PlannedKey,
  type RowOrder,
  type TablePlan,
} from '../tables/table-plan.js';
import { shown, type Column, type Row, type Table } from '../tables/table.js';
import { UnreadableFilesError, type FilesSession } from './files-session.js';

const SAMPLE_SIZE = 50;
/** In larger tables, distinct values are estimated, because counting them takes much memory. */
const MAX_COUNTED_BYTES = 50 * 1024 * 1024;
/** The maximum relative error of an estimate of distinct values. */
const MAX_ESTIMATE_ERROR = 0.05;
/** The number of columns of a table whose distinct values are counted. */
const MAX_KEY_COLUMNS = 12;

const anyRow = z.record(z.string(), z.unknown());
const countedRow = z.object({
  table: z.string(),
  column: z.string(),
  rows: z.coerce.number(),
  present: z.coerce.number(),
  distinct: z.coerce.number(),
});

/** Counts the rows, and finds the columns with unique values, which replace a primary key. */
export async function withKeys(
  { rows }: FilesSession,
  tables: readonly Table[],
  bytesOf: (table: Table) => number,
): Promise<Table[]> {
  const counted = tables.flatMap((table) => {
    const columns = table.columns.filter(isKeyColumn).slice(0, MAX_KEY_COLUMNS);
    const isSmall = bytesOf(table) <= MAX_COUNTED_BYTES;
    const count = ({ name }: Column) =>
      isSmall ? `count(DISTINCT ${quoted(name)})` : `approx_count_distinct(${quoted(name)})`;
    const first = table.columns[0];
    const all = columns.length > 0 ? columns : first === undefined ? [] : [first];
    return all.map(
      (column) =>
        `SELECT '${table.name}' AS "table", '${column.name.replaceAll("'", "''")}' AS "column", count(*) AS "rows", count(${quoted(column.name)}) AS present, ${count(column)} AS "distinct" FROM ${table.name}()`,
    );
  });
  if (counted.length === 0) return [...tables];
  const found = await rows(countedRow, counted.join(' UNION ALL '));
  return tables.map((table) => {
    const ofTable = found.filter((row) => row.table === table.name);
    const [first] = ofTable;
    const isExact = bytesOf(table) <= MAX_COUNTED_BYTES;
    const unique = ofTable.filter(
      ({ rows: count, present, distinct }) =>
        count > 0 && present === count && distinct >= count * (isExact ? 1 : 1 - MAX_ESTIMATE_ERROR),
    );
    const present = new Set(
      ofTable.flatMap((row) => (row.present === row.rows && row.rows > 0 ? [row.column] : [])),
    );
    const id = table.columns.find(
      (column) => personSign(column.name) === undefined && unique.some((row) => row.column === column.name),
    );
    return {
      ...table,
      ...(first === undefined ? {} : { rowCount: first.rows }),
      primaryKey: id === undefined ? [] : [id.name],
      columns: table.columns.map((column) =>
        column.name === id?.name && present.has(column.name) ? { ...column, isNullable: false } : column,
      ),
    };
  });
}

/** Whether a column may be a key: a measure, a time or a long text may not. */
function isKeyColumn({ name, value }: Column): boolean {
  return (
    !value.isList &&
    value.keys !== undefined &&
    !/^(Date|DateTime|LocalDateTime|Boolean|Float|Decimal)$/.test(value.scalar) &&
    /(^|_|[a-z])(id|nr|no|num|number|nummer|key|code|uuid|guid|ref|reference|sku|e?mail|email_address)$/i.test(
      name,
    )
  );
}

function quoted(name: string): string {
  return `"${name}"`;
}

function selectFrom({ columns, name }: Table): string {
  return `SELECT ${columns.map((column) => quoted(column.name)).join(', ')} FROM ${name}()`;
}

export interface MeasuredFiles {
  plan: TablePlan;
  persons: readonly Row[];
  keys: readonly MeasuredKey[];
  links: readonly MeasuredLink[];
}

/**
 * Measures the tables of a plan. Each query is the same as that of a declared source, with a limit on its
 * rows.
 */
export class FilesMeasurer {
  readonly findings: Finding[] = [];
  readonly #session: FilesSession;
  #plan: TablePlan;

  constructor(session: FilesSession, plan: TablePlan) {
    this.#session = session;
    this.#plan = plan;
  }

  async measure(): Promise<MeasuredFiles> {
    const sample = await this.#session.rows(anyRow, `${selectFrom(this.#plan.person)} LIMIT ${SAMPLE_SIZE}`);
    if (sample.length === 0)
      throw new InvalidInputError(
        `The files of ${shown(this.#plan.person.name)} have no rows, so nothing can be measured. Choose another table with --by.`,
      );
    const { plan, rows: persons, findings } = withoutSecretValues(this.#plan, sample);
    this.#plan = plan;
    this.findings.push(...findings);
    this.#find(`${persons.length} rows of ${shown(plan.person.name)} were read as samples.`);
    const keys: MeasuredKey[] = [];
    for (const key of plan.keys) {
      const measured = await this.#measureKey(key, persons);
      if (measured !== undefined) keys.push(measured);
    }
    if (keys.length === 0)
      throw new InvalidInputError(
        `No column of ${shown(plan.person.name)} finds one person. Choose another table with --by.`,
      );
    const links: MeasuredLink[] = [];
    for (const link of plan.links) {
      const measured = await this.#measureLink(link, persons, links);
      if (measured !== undefined) links.push(measured);
    }
    return { plan, persons, keys, links };
  }

  #find(text: string, isWarning = false): void {
    this.findings.push({ step: 'measure', text, ...(isWarning ? { isWarning } : {}) });
  }

  async #measureKey(key: PlannedKey, persons: readonly Row[]): Promise<MeasuredKey | undefined> {
    const { person } = this.#plan;
    const { lookup, findings } = keyLookup(key, {
      table: person,
      rows: persons,
      isLarge: false,
      hasIndexes: false,
    });
    this.findings.push(...findings);
    if (lookup === undefined || !this.#canSend(lookup, persons)) return undefined;
    const probe = keyProbe(person, lookup);
    const name = quoted(key.column.name);
    const compared = lookup.isLower ? `lower(${name})` : name;
    const rows = await this.#session.rows(anyRow, `${selectFrom(person)} WHERE ${compared} = ANY($1)`, [
      probe.keys,
    ]);
    this.findings.push(...probe.findings(rows));
    const call = {
      ...{ from: person.name, by: key.column.name },
      ...(key.column.value.keys === 'integer' ? { keys: 'integer' } : {}),
      ...(lookup.isLower ? { matching: 'lower' } : {}),
    };
    // Files have no constraints that make a key unique.
    return { key: { ...key, isUnique: false }, call };
  }

  /** A call cannot have keys of more than 32 bits. */
  #canSend({ key: { column } }: KeyLookup, persons: readonly Row[]): boolean {
    if (column.value.keys !== 'integer' || persons.every((row) => isInteger(row[column.name]))) return true;
    this.#find(
      `${shown(this.#plan.person.name)}.${shown(column.name)} has numbers of more than 32 bits, which cannot be keys. Write them as text.`,
      true,
    );
    return false;
  }

  async #measureLink(
    link: Link,
    persons: readonly Row[],
    before: readonly MeasuredLink[],
  ): Promise<MeasuredLink | undefined> {
    const keys = linkKeys(link, this.#plan.person, persons, before);
    if (keys.length === 0) return undefined;
    if (link.by.value.keys === 'integer' && !keys.every(isInteger)) return undefined;
    const order = link.isList ? orderOf(link, true) : undefined;
    const { query, keyColumn } = linkQuery(link, order, ':keys');
    const measured = linkQuery(link, order, '$1').query;
    const statement = `SELECT * FROM (${measured}) AS found QUALIFY row_number() OVER (PARTITION BY ${quoted(keyColumn)}) <= ${ROWS_OF_LIST}`;
    const rows = await this.#session.rows(anyRow, statement, [keys]).catch((error: unknown) => {
      if (!(error instanceof UnreadableFilesError)) throw error;
      this.#find(`${shownLink(link)} is left out: ${error.message}`, true);
      return undefined;
    });
    if (rows === undefined) return undefined;
    const { isUsed, finding } = linkFinding(link, { keys, rows, keyColumn });
    this.findings.push(finding);
    if (!isUsed) return undefined;
    const keyType = link.by.value.keys === 'integer' ? { keys: 'integer' } : {};
    const call =
      link.through === undefined
        ? {
            ...{ from: link.target.name, by: link.by.name, ...keyType },
            ...(order === undefined || order.hasPages ? {} : { order: [...order.columns] }),
          }
        : { query, key: keyColumn, ...keyType };
    return { link, call, order, rows, keyColumn };
  }
}

function isInteger(value: unknown): boolean {
  if (value == null) return true;
  return /^(string|number)$/.test(typeof value) && Number(value) === (Number(value) | 0);
}

/** The query of a link. In a declaration, the keys are `:keys`. */
function linkQuery(
  link: Link,
  order: RowOrder | undefined,
  keys: string,
): { query: string; keyColumn: string } {
  const { target, by, through } = link;
  if (through === undefined) {
    const terms = (order?.columns ?? []).map((column) =>
      column.startsWith('-') ? `${quoted(column.slice(1))} DESC` : quoted(column),
    );
    const sorted = terms.length === 0 ? '' : ` ORDER BY ${terms.join(', ')}`;
    return {
      query: `${selectFrom(target)} WHERE ${quoted(by.name)} = ANY(${keys})${sorted}`,
      keyColumn: by.name,
    };
  }
  let keyColumn = by.name;
  while (target.columns.some(({ name }) => name === keyColumn)) keyColumn = `pair_${keyColumn}`;
  const columns = target.columns.map(({ name }) => `t.${quoted(name)}`);
  return {
    query: `SELECT p.${quoted(by.name)} AS ${quoted(keyColumn)}, ${columns.join(', ')} FROM ${through.table.name}() p JOIN ${target.name}() t ON t.${quoted(through.references)} = p.${quoted(through.targetColumn)} WHERE p.${quoted(by.name)} = ANY(${keys})`,
    keyColumn,
  };
}

/** Whether the table can be used. */
export function isUsable({ name, columns }: Table): boolean {
  return columns.length > 0 && !isSecretTable(name);
}
