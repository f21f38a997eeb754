import { z } from 'zod';
import { InvalidInputError } from '../../errors.js';
import type { Finding } from '../draft.js';
import { keyLookup, MAX_SCANNED_ROWS, withoutSecretValues, type KeyLookup } from '../tables/key-lookup.js';
import {
  keyParameter,
  keyProbe,
  linkFinding,
  linkKeys,
  ROWS_OF_LIST,
  unknownKeyOf,
} from '../tables/probes.js';
import type { MeasuredKey, MeasuredLink } from '../tables/table-draft.js';
import {
  changeTables,
  orderOf,
  shownLink,
  tablesOf,
  type Link,
  type TablePlan,
} from '../tables/table-plan.js';
import { baseOf, isComputedView, shown, type Row, type Table } from '../tables/table.js';
import { lookupPlans, queryCost, type Lookup } from './lookup-plans.js';
import { StatementTimeoutError, type SqlSession } from './sql-session.js';
import {
  countStatement,
  keyCondition,
  linkStatement,
  pairQuery,
  quoted,
  quotedTable,
  recordStatement,
  sampleStatement,
} from './sql-statements.js';

const SAMPLE_SIZE = 50;
/**
 * In units of the planner: about ten thousand pages. A sample of a view with a higher cost would load the
 * database too much.
 */
const MAX_SAMPLE_COST = 50_000;

const anyRow = z.record(z.string(), z.unknown());
const countRow = z.record(z.string(), z.coerce.number());

export interface MeasuredTables {
  plan: TablePlan;
  persons: readonly Row[];
  keys: readonly MeasuredKey[];
  links: readonly MeasuredLink[];
}

/** Measures the tables of a plan. Each statement reads, and is bounded in its rows and its time. */
export class SqlMeasurer {
  readonly findings: Finding[] = [];
  readonly #session: SqlSession;
  #plan: TablePlan;
  readonly #counts = new Map<string, number>();

  readonly #estimates: ReadonlyMap<string, number>;

  /** `estimates` has the estimated rows of each table, by the name that `baseOf` gives it. */
  constructor(session: SqlSession, plan: TablePlan, estimates: ReadonlyMap<string, number>) {
    this.#session = session;
    this.#estimates = estimates;
    this.#plan = plan;
  }

  async measure(): Promise<MeasuredTables> {
    const { plan, rows: persons, findings } = withoutSecretValues(this.#plan, await this.#sample());
    this.#plan = plan;
    this.findings.push(...findings);
    await this.#count();
    const { person } = this.#plan;
    const lookups = this.#plan.keys.flatMap((key) => {
      const options = { table: person, rows: persons, isLarge: this.#isLarge(person), hasIndexes: true };
      const { lookup, findings } = keyLookup(key, options);
      this.findings.push(...findings);
      return lookup ?? [];
    });
    const before = this.findings.length;
    const allowed = await this.#allowed(lookups, persons);
    const keys: MeasuredKey[] = [];
    for (const lookup of allowed.keys) keys.push(await this.#measureKey(lookup));
    if (keys.length === 0) {
      const refusals = this.findings.slice(before).filter(({ isWarning }) => isWarning);
      const why = refusals.map(({ text }) => text).join(' ');
      throw new InvalidInputError(
        `No column of ${shown(person.name)} finds one person: ${why === '' ? 'no sampled value can be a key. Choose another table with --by.' : why}`,
      );
    }
    const links: MeasuredLink[] = [];
    for (const link of allowed.links) {
      const measured = await this.#measureLink(link, persons, links);
      if (measured !== undefined) links.push(measured);
    }
    return { plan: this.#plan, persons, keys, links };
  }

  #find(text: string, isWarning = false): void {
    this.findings.push({ step: 'measure', text, ...(isWarning ? { isWarning } : {}) });
  }

  async #sample(): Promise<Row[]> {
    const { person } = this.#plan;
    const statement = sampleStatement(person, SAMPLE_SIZE);
    if (
      isComputedView(person) &&
      this.#session.engine === 'postgresql' &&
      (await queryCost(this.#session, statement)) > MAX_SAMPLE_COST
    )
      throw new InvalidInputError(
        `${shown(person.name)} is a view that computes all its rows before the first one. Choose a table with --by.`,
      );
    const rows = await this.#read(person, statement);
    const unique = [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
    if (unique.length === 0)
      throw new InvalidInputError(
        `${shown(person.name)} has no rows that this user may read, so nothing can be measured. Choose another table with --by.`,
      );
    this.#find(`${unique.length} rows of ${shown(person.name)} were read as samples.`);
    return unique;
  }

  /** Rows of a table. MySQL returns the booleans of a UNION as numbers. */
  async #read({ columns }: Table, statement: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    const rows = await this.#session.rows(anyRow, statement, parameters);
    const booleans = columns.filter(({ value }) => value.scalar === 'Boolean' && !value.isList);
    return rows.map((row) => ({
      ...row,
      ...Object.fromEntries(
        booleans.flatMap(({ name }) => (typeof row[name] === 'number' ? [[name, row[name] !== 0]] : [])),
      ),
    }));
  }

  /** Counts the tables that the catalogue lists as small, or without a number of rows. */
  async #count(): Promise<void> {
    const tables = tablesOf(this.#plan);
    const uncertain = tables.filter(
      (table) => (table.rowCount ?? 0) <= MAX_SCANNED_ROWS && !isComputedView(table),
    );
    for (const { name, rowCount } of tables) if (rowCount !== undefined) this.#counts.set(name, rowCount);
    if (uncertain.length > 0) {
      const [counts = {}] = await this.#session.rows(countRow, countStatement(uncertain, MAX_SCANNED_ROWS));
      for (const [i, { name }] of uncertain.entries()) this.#counts.set(name, counts[`c${i}`] ?? 0);
    }
    this.#plan = changeTables(this.#plan, (table) => {
      const rowCount = this.#counts.get(table.name);
      return rowCount === undefined ? table : { ...table, rowCount };
    });
    const shownCounts = tables.map(({ name }) => {
      const count = this.#counts.get(name);
      const text =
        count === undefined ? 'unknown' : count > MAX_SCANNED_ROWS ? `about ${count}` : String(count);
      return `${shown(name)} ${text}`;
    });
    this.#find(`Rows: ${shownCounts.join(', ')}.`);
  }

  #isLarge({ name }: Table): boolean {
    return (this.#counts.get(name) ?? 0) > MAX_SCANNED_ROWS;
  }

  /** Explains all lookups, and leaves out those that scan a large table. */
  async #allowed(
    keys: readonly KeyLookup[],
    persons: readonly Row[],
  ): Promise<{ keys: KeyLookup[]; links: Link[] }> {
    const { person, links } = this.#plan;
    const ofKeys = keys.map(({ key, isLower, known }): Lookup => ({
      statement: `FROM ${quotedTable(person)} ${keyCondition(key.column, isLower, false)}`,
      key: isLower ? String(known).toLowerCase() : keyParameter(key.column, known),
    }));
    const ofLinks = links.map((link): Lookup => {
      const value =
        link.owner === person
          ? persons.map((row) => row[link.ownerColumn]).find((found) => found != null)
          : undefined;
      const from = link.through?.table ?? link.target;
      return {
        statement: `FROM ${quotedTable(from)} WHERE ${quoted(link.by.name)} = $1`,
        key: keyParameter(link.by, value ?? unknownKeyOf(link.by)),
      };
    });
    const plans = await lookupPlans(this.#session, [...ofKeys, ...ofLinks]);
    if (plans === undefined) {
      this.#find(
        'The database does not show the plans of its views to this user, so indexes were not checked.',
        true,
      );
      return { keys: [...keys], links: [...links] };
    }
    const isAllowed = (i: number, from: Table, what: string, column: string): boolean => {
      const large = plans[i]?.find(
        ({ schema, table, rows }) => this.#sizeOf(from, schema, table, rows) > MAX_SCANNED_ROWS,
      );
      if (large === undefined) return true;
      this.#find(
        `${what} scans every row of the large table ${shown(large.table)}, so it is left out. Create an index on ${shown(column)}, or declare readsWholeTable: true.`,
        true,
      );
      return false;
    };
    const allowedKeys = keys.filter(({ key }, i) =>
      isAllowed(
        i,
        person,
        `Finding a person by ${shown(person.name)}.${shown(key.column.name)}`,
        key.column.name,
      ),
    );
    const allowedLinks = links.filter((link, i) =>
      isAllowed(
        keys.length + i,
        link.through?.table ?? link.target,
        `Reading ${shownLink(link)}`,
        link.by.name,
      ),
    );
    const withIndex = plans.filter((scans) => scans.length === 0).length;
    this.#find(
      `The plans of ${plans.length} lookups were requested: ${withIndex} use an index, and ${plans.length - withIndex} scan a table, which is allowed up to ${MAX_SCANNED_ROWS} rows.`,
    );
    return { keys: allowedKeys, links: allowedLinks };
  }

  /** The number of rows of a scanned table. */
  #sizeOf(from: Table, schema: string | undefined, table: string, estimate: number | undefined): number {
    const found = tablesOf(this.#plan).filter(
      (known) =>
        known.plainName === table || (schema !== undefined && known.base === baseOf({ schema, table })),
    );
    const known = schema === undefined ? 0 : this.#estimates.get(baseOf({ schema, table }));
    // The catalogue does not list a partition of a table.
    const ofUnknown = found.length === 0 && known === undefined ? (this.#counts.get(from.name) ?? 0) : 0;
    return Math.max(
      estimate ?? 0,
      known ?? 0,
      ofUnknown,
      ...found.map(({ name }) => this.#counts.get(name) ?? 0),
    );
  }

  /** Sends the call with a known key, and with unknown keys. */
  async #measureKey(lookup: KeyLookup): Promise<MeasuredKey> {
    const { person } = this.#plan;
    const { key, isLower } = lookup;
    const probe = keyProbe(person, lookup);
    const rows = await this.#read(person, recordStatement(person, key.column, isLower), [probe.keys]);
    this.findings.push(...probe.findings(rows));
    const { keys } = key.column.value;
    const call = {
      ...{ from: person.name, by: key.column.name },
      ...(keys === undefined || keys === 'text' ? {} : { keys }),
      ...(isLower ? { matching: 'lower' } : {}),
    };
    return { key, call };
  }

  /** Reads some rows of a link. Undefined if it is left out. */
  async #measureLink(
    link: Link,
    persons: readonly Row[],
    before: readonly MeasuredLink[],
  ): Promise<MeasuredLink | undefined> {
    const keys = linkKeys(link, this.#plan.person, persons, before);
    if (keys.length === 0) return undefined;
    const order = link.isList ? orderOf(link) : undefined;
    const [text, parameters] = linkStatement(this.#session, link, { keys, size: ROWS_OF_LIST, order });
    const rows = await this.#read(link.target, text, parameters).catch((error: unknown) => {
      if (!(error instanceof StatementTimeoutError)) throw error;
      this.#find(`Reading ${shownLink(link)} took too long, so it is left out.`, true);
      return undefined;
    });
    if (rows === undefined) return undefined;
    const keyColumn = pairQuery(link)?.keyColumn ?? link.by.name;
    const { isUsed, finding } = linkFinding(link, { keys, rows, keyColumn });
    this.findings.push(finding);
    return isUsed ? { link, call: callOf(link, order), order, rows, keyColumn } : undefined;
  }
}

/** The call of a link in the syntax of a declaration. */
function callOf(link: Link, order: ReturnType<typeof orderOf>): Record<string, unknown> {
  const { target, by } = link;
  const keys = by.value.keys === 'text' ? {} : { keys: by.value.keys };
  const pair = pairQuery(link);
  if (pair !== undefined) return { query: pair.query, key: pair.keyColumn, ...keys };
  return {
    ...{ from: target.name, by: by.name, ...keys },
    // The field declares the order if it has pages.
    ...(order === undefined || order.hasPages ? {} : { order: [...order.columns] }),
  };
}
