import { z } from 'zod';
import { SourceError } from '../../errors.js';

/** A table that a query scans completely. */
export interface TableScan {
  /** The name of the table, or its alias in the query. */
  table: string;
  /** How many rows the table has, by the estimate of the database. */
  rows: number;
}

/** Runs a statement, and returns its validated rows. */
type Run = <T>(schema: z.ZodType<T>, text: string, parameters: readonly unknown[]) => Promise<T[]>;

/** The tables that the database would scan for a query. The query itself does not run. */
export type FindTableScans = (text: string, parameters: readonly unknown[], run: Run) => Promise<TableScan[]>;

/** A step of a plan of PostgreSQL (the manual, "Using EXPLAIN"). */
export interface PlanStep {
  'Node Type': string;
  /** The estimated cost of all rows, in the unit of the planner. */
  'Total Cost': number;
  /** A query in WITH has its name, such as `CTE k0`. */
  'Subplan Name'?: string;
  'Relation Name'?: string;
  Schema?: string;
  /** Without a condition, every entry of the index is read. */
  'Index Cond'?: string;
  Plans?: readonly PlanStep[];
}
const step: z.ZodType<PlanStep> = z.lazy(() =>
  z.object({
    'Node Type': z.string(),
    'Total Cost': z.number(),
    'Subplan Name': z.string().exactOptional(),
    'Relation Name': z.string().exactOptional(),
    Schema: z.string().exactOptional(),
    'Index Cond': z.string().exactOptional(),
    Plans: z.array(step).exactOptional(),
  }),
);
/** The answer to EXPLAIN (VERBOSE, FORMAT JSON). */
export const postgresPlan = z.object({ 'QUERY PLAN': z.array(z.object({ Plan: step })) });
const estimate = z.object({ rows: z.coerce.number() });

export const postgresTableScans: FindTableScans = async (text, parameters, run) => {
  const plans = await run(postgresPlan, `EXPLAIN (VERBOSE, FORMAT JSON) ${text}`, parameters);
  const scanned = plans.flatMap((row) => row['QUERY PLAN'].flatMap(({ Plan }) => scannedIn(Plan)));
  return Promise.all(
    scanned.map(async ({ schema, table }) => {
      const [found] = await run(
        estimate,
        // Minus one means that the table was never analysed.
        'SELECT reltuples AS rows FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relname = $1 AND nspname = $2',
        [table, schema],
      );
      return { table, rows: found?.rows ?? 0 };
    }),
  );
};

/** The tables that a plan scans. */
export function scannedIn(plan: PlanStep): { schema: string; table: string }[] {
  const {
    'Node Type': type,
    'Relation Name': table,
    Schema: schema,
    'Index Cond': condition,
    Plans = [],
  } = plan;
  const isScan = type === 'Seq Scan' || (type.startsWith('Index') && condition === undefined);
  return [
    ...(isScan && table !== undefined && schema !== undefined ? [{ schema, table }] : []),
    ...Plans.flatMap(scannedIn),
  ];
}

/** A row of a plan of MySQL or MariaDB (the manual of MySQL, "EXPLAIN Output Format"). */
export const mysqlStep = z.object({
  /** The number of the query in the statement. */
  id: z.coerce.number().nullable(),
  table: z.string().nullable(),
  type: z.string().nullable(),
  rows: z.coerce.number().nullable(),
});
/** `ALL` reads every row, `index` every entry of an index. */
export const READS_ALL: ReadonlySet<string | null> = new Set(['ALL', 'index']);

/** The error number of a plan that would show tables which the user may not read, because a view hides them. */
export const HIDDEN_BY_VIEW = '1345';

/** Finds no tables in a view whose plan the database does not show to this user. */
export const mysqlTableScans: FindTableScans = async (text, parameters, run) => {
  const steps = await run(mysqlStep, `EXPLAIN ${text}`, parameters).catch((error: unknown) => {
    if (error instanceof SourceError && error.received.databaseError === HIDDEN_BY_VIEW) return [];
    throw error;
  });
  return steps.flatMap(({ table, type, rows }) =>
    // The name of a result of another step begins with "<".
    READS_ALL.has(type) && table !== null && !table.startsWith('<') ? [{ table, rows: rows ?? 0 }] : [],
  );
};
