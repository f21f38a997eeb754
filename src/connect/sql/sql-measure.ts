import { z } from 'zod';
import { InvalidInputError } from '../../errors.js';
import type { Finding } from '../draft.js';
import { nearMiss, otherCase, unknownKey } from '../probe-keys.js';
import type { MeasuredKey, MeasuredLink } from '../tables/table-draft.js';
import { isSecretValue } from '../tables/table-names.js';
import {
  changeTables,
  hasIndex,
  orderOf,
  plannedKeys,
  shownLink,
  tablesOf,
  type Link,
  type PlannedKey,
  type TablePlan,
} from '../tables/table-plan.js';
import {
  baseOf,
  isComputedView,
  SECRET,
  shown,
  shownList,
  type Column,
  type Row,
  type Table,
} from '../tables/table.js';
import { lookupPlans, queryCost, type Lookup } from './lookup-plans.js';
import { StatementTimeoutError, type SqlSession } from './sql-session.js';
import {
  countStatement,
  keyCondition,
  keyParameter,
  linkStatement,
  pairQuery,
  quoted,
  quotedTable,
  recordStatement,
  sampleStatement,
} from './sql-statements.js';

/** A declared source does not read a larger table as a whole. */
const MAX_SCANNED_ROWS = 10_000;
const SAMPLE_SIZE = 50;
/** Rows that are read of each list. */
const ROWS_OF_LIST = 4;
/** Keys of owners whose rows are read. */
const MAX_OWNERS = 50;
/** The planner's estimate for reading some ten thousand pages. A sample of a view that costs more would load the database. */
const MAX_SAMPLE_COST = 50_000;

const anyRow = z.record(z.string(), z.unknown());
const countRow = z.record(z.string(), z.coerce.number());

export interface MeasuredTables {
  plan: TablePlan;
  persons: readonly Row[];
  keys: readonly MeasuredKey[];
  links: readonly MeasuredLink[];
}

/** How a key is compared. */
interface KeyLookup {
  key: PlannedKey;
  isLower: boolean;
  /** A sampled value. */
  known: unknown;
}

/** Measures the tables of a plan. Each statement reads, and is bounded in its rows and its time. */
export class SqlMeasurer {
  readonly findings: Finding[] = [];
  readonly #session: SqlSession;
  #plan: TablePlan;
  readonly #counts = new Map<string, number>();

  constructor(session: SqlSession, plan: TablePlan) {
    this.#session = session;
    this.#plan = plan;
  }

  async measure(): Promise<MeasuredTables> {
    const persons = this.#withoutSecrets(await this.#sample());
    await this.#count();
    const { person } = this.#plan;
    const lookups = this.#plan.keys.flatMap((key) => this.#lookupOf(key, persons) ?? []);
    const allowed = await this.#allowed(lookups, persons);
    const keys: MeasuredKey[] = [];
    for (const lookup of allowed.keys) keys.push(await this.#measureKey(lookup));
    if (keys.length === 0)
      throw new InvalidInputError(
        `No column of ${shown(person.name)} finds one person: ${this.findings
          .filter(({ isWarning }) => isWarning)
          .map(({ text }) => text)
          .join(' ')}`,
      );
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

  /** Removes columns with values such as digests of passwords. */
  #withoutSecrets(rows: readonly Row[]): Row[] {
    const { person } = this.#plan;
    const secret = person.columns.filter(({ name }) => rows.some((row) => isSecretValue(row[name])));
    if (secret.length === 0) return [...rows];
    const names = new Set(secret.map(({ name }) => name));
    this.#find(
      `Left out, because their values look like secrets: ${shownList([...names].map((name) => `${person.name}.${name}`))}.`,
      true,
    );
    const left = withoutColumns(person, names);
    const changed = changeTables(this.#plan, (table) => (table.name === person.name ? left : table));
    this.#plan = {
      ...changed,
      keys: plannedKeys(left),
      links: changed.links.filter(({ owner, ownerColumn }) => owner !== left || !names.has(ownerColumn)),
    };
    return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !names.has(name))));
  }

  /** Counts the tables that are small by the catalogue, or not known in it. */
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

  /** How a column is compared with keys. Undefined if no sampled value shows that it can be found by. */
  #lookupOf(key: PlannedKey, persons: readonly Row[]): KeyLookup | undefined {
    const { person } = this.#plan;
    const { column, kind } = key;
    const values = persons.map((row) => row[column.name]).filter((value) => value != null && value !== '');
    const texts = values.map(String);
    const known = values.find((value) => otherCase(String(value)) !== undefined) ?? values[0];
    const place = `${shown(person.name)}.${shown(column.name)}`;
    if (known === undefined) {
      this.#find(`${place} has no value in the samples, so nobody is found by it.`);
      return undefined;
    }
    if (kind === 'number' && new Set(texts).size < texts.length && !key.isUnique) {
      this.#find(`${place} repeats in the samples, so nobody is found by it.`);
      return undefined;
    }
    if (kind === 'phone' && !texts.every((text) => /^\+\d{8,15}$/.test(text))) {
      this.#find(
        `${place} has phone numbers that are not in the form +31201234567, so nobody is found by it. It is shown.`,
      );
      return undefined;
    }
    if (texts.some((text) => text !== text.trim())) {
      this.#find(`${place} has values with blanks around them, so nobody is found by it.`, true);
      return undefined;
    }
    const isCaseOpen = kind === 'email' && !column.ignoresCase && column.value.keys === 'text';
    const hasCapitals = texts.some((text) => text !== text.toLowerCase());
    const isLower =
      isCaseOpen &&
      (hasIndex(person, column.name, true) ||
        (!this.#isLarge(person) && (hasCapitals || !hasIndex(person, column.name))));
    if (isCaseOpen && !isLower && hasCapitals)
      this.#find(
        `${place} has addresses with capitals, and no index on lower(${shown(column.name)}). These people are not found by their address until there is one, and the call has matching: lower.`,
        true,
      );
    if (isLower && !hasIndex(person, column.name, true))
      this.#find(
        `${place} is compared as lower(${shown(column.name)}), which has no index. Create one before the table has more than ${MAX_SCANNED_ROWS} rows.`,
        true,
      );
    return { key, isLower, known };
  }

  /** Requests the plans of all lookups, and leaves out those that read a large table as a whole. */
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
        key: keyParameter(link.by, value ?? unknownOf(link.by)),
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
    const isAllowed = (i: number, what: string, column: string): boolean => {
      const large = plans[i]?.find(
        ({ schema, table, rows }) => this.#sizeOf(schema, table, rows) > MAX_SCANNED_ROWS,
      );
      if (large === undefined) return true;
      this.#find(
        `${what} reads every row of ${shown(large.table)}, which is large, so it is left out. Create an index on ${shown(column)}, or declare readsWholeTable: true.`,
        true,
      );
      return false;
    };
    const allowedKeys = keys.filter(({ key }, i) =>
      isAllowed(i, `Finding a person by ${shown(person.name)}.${shown(key.column.name)}`, key.column.name),
    );
    const allowedLinks = links.filter((link, i) =>
      isAllowed(keys.length + i, `Reading ${shownLink(link)}`, link.by.name),
    );
    const withIndex = plans.filter((scans) => scans.length === 0).length;
    this.#find(
      `The plans of ${plans.length} lookups were requested: ${withIndex} use an index, and ${plans.length - withIndex} read a table row by row, which is allowed up to ${MAX_SCANNED_ROWS} rows.`,
    );
    return { keys: allowedKeys, links: allowedLinks };
  }

  /** How many rows a scanned table has. */
  #sizeOf(schema: string | undefined, table: string, estimate: number | undefined): number {
    const found = tablesOf(this.#plan).filter(
      (known) =>
        known.plainName === table || (schema !== undefined && known.base === baseOf({ schema, table })),
    );
    return Math.max(estimate ?? 0, ...found.map(({ name }) => this.#counts.get(name) ?? 0));
  }

  /** Sends the call with a known key, and with keys that nobody has. */
  async #measureKey({ key, isLower, known }: KeyLookup): Promise<MeasuredKey> {
    const { person } = this.#plan;
    const { column } = key;
    const place = `${shown(person.name)}.${shown(column.name)}`;
    const text = String(known);
    const isText = column.value.keys === 'text';
    const changed = isText ? otherCase(text) : undefined;
    const near = isText ? nearMiss(text) : undefined;
    const unknown = unknownOf(column, text);
    // The changed key takes the place of the known one: if it finds the person, case is ignored.
    const sent = [changed ?? known, ...(near === undefined ? [] : [near]), unknown].map((value) =>
      isLower ? String(value).toLowerCase() : keyParameter(column, value),
    );
    const rows = await this.#read(person, recordStatement(person, column, isLower), [sent]);
    const held = rows.map((row) => String(row[column.name]));
    const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
    if (
      held.some((value) => !same(value, String(unknown)) && !same(value, text) && !same(value, near ?? text))
    )
      throw new InvalidInputError(
        `${place} finds people by a key that nobody has, so it is refused. Choose another table with --by.`,
      );
    const ignoresCase = changed !== undefined && held.some((value) => value === text);
    const several = held.filter((value) => value === text).length > 1;
    this.#find(
      `${place} finds nobody by an unknown key or by a part of a key${changed === undefined ? '' : ignoresCase ? ', and ignores upper and lower case' : ', and upper and lower case differ'}.`,
    );
    if (several) this.#find(`${place}: several rows have the same key.`, true);
    const { keys } = column.value;
    const call = {
      ...{ from: person.name, by: column.name },
      ...(keys === undefined || keys === 'text' ? {} : { keys }),
      ...(isLower ? { matching: 'lower' } : {}),
    };
    return { key, call };
  }

  /** Reads some rows of a link. Undefined if none was found. */
  async #measureLink(
    link: Link,
    persons: readonly Row[],
    before: readonly MeasuredLink[],
  ): Promise<MeasuredLink | undefined> {
    const { person } = this.#plan;
    const owners =
      link.owner.name === person.name
        ? persons
        : before.flatMap((measured) => (measured.link.target.name === link.owner.name ? measured.rows : []));
    const values = [...new Set(owners.map((row) => row[link.ownerColumn]).filter((value) => value != null))];
    const keys = values.slice(0, MAX_OWNERS).map((value) => keyParameter(link.by, value));
    // Rows of an owner that was left out are not read.
    if (keys.length === 0) return undefined;
    const order = link.isList ? orderOf(link) : undefined;
    const [text, parameters] = linkStatement(this.#session, link, { keys, size: ROWS_OF_LIST, order });
    const rows = await this.#read(link.target, text, parameters).catch((error: unknown) => {
      if (!(error instanceof StatementTimeoutError)) throw error;
      this.#find(`Reading ${shownLink(link)} took too long, so it is left out.`, true);
      return undefined;
    });
    if (rows === undefined) return undefined;
    if (rows.length === 0) {
      this.#find(`None of ${keys.length} sampled rows has one in ${shownLink(link)}, so it is left out.`);
      return undefined;
    }
    const secret = link.target.columns.find(({ name }) => rows.some((row) => isSecretValue(row[name])));
    if (secret !== undefined) {
      this.#find(
        `${shown(link.target.name)} is left out, because the values of ${shown(secret.name)} look like secrets. Make a view without them.`,
        true,
      );
      return undefined;
    }
    const pair = pairQuery(link);
    const keyColumn = pair?.keyColumn ?? link.by.name;
    const found = new Set(rows.map((row) => String(row[keyColumn]))).size;
    this.#find(
      `${shownLink(link)}: ${found} of ${keys.length} sampled keys have rows${link.isInferred ? '. No foreign key says so, only the names' : ''}.`,
      link.isInferred,
    );
    return { link, call: callOf(link, order), order, rows, keyColumn };
  }
}

/** The call of a link in the words of the declaration. */
function callOf(link: Link, order: ReturnType<typeof orderOf>): Record<string, unknown> {
  const { target, by } = link;
  const keys = by.value.keys === 'text' ? {} : { keys: by.value.keys };
  const pair = pairQuery(link);
  if (pair !== undefined) return { query: pair.query, key: pair.keyColumn, ...keys };
  return {
    ...{ from: target.name, by: by.name, ...keys },
    // The order of pages belongs to the field.
    ...(order === undefined || order.hasPages ? {} : { order: [...order.columns] }),
  };
}

function withoutColumns(table: Table, names: ReadonlySet<string>): Table {
  const isLeft = (columns: readonly string[]) => columns.every((name) => !names.has(name));
  return {
    ...table,
    columns: table.columns.filter(({ name }) => !names.has(name)),
    indexes: table.indexes.filter(({ columns }) => isLeft(columns)),
    leftOut: [...table.leftOut, ...[...names].map((column) => ({ column, because: SECRET }))],
  };
}

const LARGEST: Readonly<Record<string, number>> = {
  smallint: 32_749,
  integer: 2_147_483_629,
  bigint: 9_007_199_254_740_881,
};

/** A key that nobody has, of the type of the column. */
function unknownOf({ value: { keys = 'text' } }: Column, known?: string): string | number {
  return (
    LARGEST[keys] ?? (keys === 'uuid' ? '00000000-0000-4000-8000-000000000001' : unknownKey(known, 'text', 1))
  );
}
