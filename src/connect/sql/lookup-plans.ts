import {
  HIDDEN_BY_VIEW,
  mysqlStep,
  postgresPlan,
  READS_ALL,
  scannedIn,
  type PlanStep,
} from '../../connectors/sql/table-scan.js';
import { StatementError, type SqlSession } from './sql-session.js';

/** A lookup of rows by a key, to be explained by the database. */
export interface Lookup {
  /** The clauses FROM and WHERE, with `$1` as the key. */
  statement: string;
  key: unknown;
}

/** A table that a lookup scans. */
export interface ScannedTable {
  /** Undefined if the plan does not name it. */
  schema: string | undefined;
  table: string;
  /** The estimate in the plan, if it has one. */
  rows: number | undefined;
}

/**
 * The tables that each lookup would scan. One EXPLAIN statement returns the plans of all lookups, and runs
 * none of them. Undefined if the database does not show the plans to this user.
 */
export async function lookupPlans(
  session: SqlSession,
  lookups: readonly Lookup[],
): Promise<readonly (readonly ScannedTable[])[] | undefined> {
  if (lookups.length === 0) return [];
  return session.engine === 'postgresql' ? postgresPlans(session, lookups) : mysqlPlans(session, lookups);
}

async function postgresPlans({ rows }: SqlSession, lookups: readonly Lookup[]): Promise<ScannedTable[][]> {
  const queries = lookups.map(
    ({ statement }, i) =>
      `k${i} AS MATERIALIZED (SELECT 1 AS found ${statement.replaceAll('$1', `$${i + 1}`)})`,
  );
  const counts = lookups.map((_, i) => `(SELECT count(*) FROM k${i})`);
  const plans = await rows(
    postgresPlan,
    `EXPLAIN (VERBOSE, FORMAT JSON) WITH ${queries.join(', ')} SELECT ${counts.join(', ')}`,
    lookups.map(({ key }) => key),
  );
  const steps = plans.flatMap((row) => row['QUERY PLAN'].flatMap(({ Plan }) => stepsIn(Plan)));
  return lookups.map((_, i) =>
    steps
      .filter((step) => step['Subplan Name'] === `CTE k${i}`)
      .flatMap(scannedIn)
      .map(({ schema, table }) => ({ schema, table, rows: undefined })),
  );
}

function stepsIn(step: PlanStep): PlanStep[] {
  return [step, ...(step.Plans ?? []).flatMap(stepsIn)];
}

async function mysqlPlans(
  { rows }: SqlSession,
  lookups: readonly Lookup[],
): Promise<ScannedTable[][] | undefined> {
  const queries = lookups.map(
    ({ statement }, i) => `SELECT 1 AS found ${statement.replaceAll('$1', `$${i + 1}`)}`,
  );
  const steps = await rows(
    mysqlStep,
    `EXPLAIN ${queries.join(' UNION ALL ')}`,
    lookups.map(({ key }) => key),
  ).catch((error: unknown) => {
    if (error instanceof StatementError && error.databaseCode === HIDDEN_BY_VIEW) return undefined;
    throw error;
  });
  if (steps === undefined) return undefined;
  /** The steps of a query and of the subqueries that are computed first. */
  const stepsOf = (id: number): typeof steps =>
    steps
      .filter((step) => step.id === id)
      .flatMap((step) => {
        const [, derived] = /^<derived(\d+)>$/.exec(step.table ?? '') ?? [];
        return derived === undefined ? [step] : stepsOf(Number(derived));
      });
  return lookups.map((_, i) =>
    stepsOf(i + 1).flatMap(({ table, type, rows: estimate }) =>
      READS_ALL.has(type) && table !== null && !table.startsWith('<')
        ? [{ schema: undefined, table, rows: estimate ?? 0 }]
        : [],
    ),
  );
}

/** The estimated cost of a query of PostgreSQL, without running it. */
export async function queryCost({ rows }: SqlSession, statement: string): Promise<number> {
  const plans = await rows(postgresPlan, `EXPLAIN (VERBOSE, FORMAT JSON) ${statement}`);
  return Math.max(0, ...plans.flatMap((row) => row['QUERY PLAN'].map(({ Plan }) => Plan['Total Cost'])));
}
