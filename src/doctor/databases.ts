import { z } from 'zod';
import type { Client } from '../connectors/connector.js';
import { databaseUrl, sql, type SqlClient } from '../connectors/sql/client.js';
import { postgresDialect } from '../connectors/sql/postgres.js';
import { timeout } from '../resilience/timeout.js';
import { SettingsReader } from '../settings.js';
import { createLogger } from '../telemetry/logger.js';
import { clockFinding } from './clocks.js';
import { failedCall, type Finding } from './finding.js';

const CALL_TIMEOUT_MS = 5_000;
const MAX_NAMED = 5;

const CLOCK = 'SELECT extract(epoch FROM now()) AS seconds';
const MYSQL_CLOCK = 'SELECT UNIX_TIMESTAMP(NOW(3)) AS seconds';
const clockRow = z.object({ seconds: z.coerce.number() });

const ROLE = `SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls AS administers
  FROM pg_roles WHERE rolname = current_user`;
const roleRow = z.object({ administers: z.boolean() });

const WRITABLE = `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
  ORDER BY 1 LIMIT ${MAX_NAMED}`;
/** MySQL and MariaDB list the grants of the current user only. */
const MYSQL_WRITABLE = `SELECT DISTINCT privilege_type AS name FROM (
    SELECT privilege_type FROM information_schema.user_privileges
    UNION ALL SELECT privilege_type FROM information_schema.schema_privileges
    UNION ALL SELECT privilege_type FROM information_schema.table_privileges
  ) AS granted WHERE privilege_type NOT IN ('SELECT', 'USAGE', 'SHOW VIEW', 'SHOW DATABASES', 'PROCESS', 'EXECUTE')
  ORDER BY 1 LIMIT ${MAX_NAMED}`;
const nameRow = z.object({ name: z.string() });

/** Whether a client calls a relational database. */
export function isSqlClient(client: Client): client is SqlClient {
  return 'checkPlan' in client;
}

/** Checks the clock of a database, and that the role of the gateway may only read. */
export async function databaseFindings(where: string, database: SqlClient): Promise<Finding[]> {
  const isPostgres = database.dialect === postgresDialect;
  const [clock] = await database.rows(clockRow, isPostgres ? CLOCK : MYSQL_CLOCK, []);
  const [role] = isPostgres ? await database.rows(roleRow, ROLE, []) : [];
  const writable = await database.rows(nameRow, isPostgres ? WRITABLE : MYSQL_WRITABLE, []);
  const names = writable.map(({ name }) => name).join(', ');
  const tooMany = (seen: string): Finding => ({
    check: 'permissions',
    severity: 'warning',
    where,
    seen,
    remedy: 'Use a role that has only SELECT on the tables which the README of the source lists.',
  });
  return [
    ...clockFinding(where, clock === undefined ? undefined : clock.seconds * 1_000 - Date.now()),
    ...(role?.administers === true
      ? [
          tooMany(
            'The role of the gateway may administer the server, create databases or bypass row security.',
          ),
        ]
      : []),
    ...(names === ''
      ? []
      : [tooMany(`The role of the gateway may write: ${isPostgres ? 'tables' : 'privileges'} ${names}.`)]),
  ];
}

const OUTBOX = `SELECT to_regclass($1) IS NOT NULL AS exists,
  coalesce(has_table_privilege(to_regclass($1), 'SELECT') AND has_table_privilege(to_regclass($1), 'UPDATE')
    AND has_table_privilege(to_regclass($1), 'DELETE'), false) AS may`;
const outboxRow = z.object({ exists: z.boolean(), may: z.boolean() });

/** Checks that an outbox exists, and that the gateway may take rows from it. */
export function outboxFindings(where: string, address: string, table: string): Promise<Finding[]> {
  return withDatabase(where, address, async (database) => {
    if (database.dialect !== postgresDialect) {
      await database.rows(z.unknown(), `SELECT 1 FROM ${table} WHERE 1 = 0`, []);
      return [];
    }
    const [found] = await database.rows(outboxRow, OUTBOX, [table]);
    if (found?.may === true) return [];
    return [
      {
        check: 'permissions',
        severity: 'error',
        where,
        seen:
          found?.exists === true
            ? `The role may not take rows from the table ${table}.`
            : `There is no table ${table}.`,
        remedy:
          found?.exists === true
            ? `Grant SELECT, UPDATE and DELETE on ${table} to the role.`
            : `Create the table ${table}: the README of the source has the statement.`,
      },
    ];
  });
}

const STORE = `SELECT coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may`;
const storeRow = z.object({ may: z.boolean() });

/** Checks that the database of the webhook store can be used. */
export function storeFindings(where: string, address: string): Promise<Finding[]> {
  return withDatabase(where, address, async (database) => {
    const [found] = await database.rows(storeRow, STORE, []);
    if (found?.may === true) return [];
    return [
      {
        check: 'webhook store',
        severity: 'error',
        where,
        seen: 'The role may not create the tables of the store.',
        remedy: 'Grant CREATE on the schema to the role.',
      },
    ];
  });
}

/** Opens a connection that only reads, for one check. */
async function withDatabase(
  where: string,
  address: string,
  use: (database: SqlClient) => Promise<Finding[]>,
): Promise<Finding[]> {
  const connection = sql(databaseUrl(where)).connect(new SettingsReader({ [where]: address }), {
    source: where,
    timeoutMs: CALL_TIMEOUT_MS,
    concurrency: 1,
    maxAnswerBytes: 1024 * 1024,
    logger: createLogger('silent'),
  });
  const database = connection.client({
    run: (call) => timeout(where, CALL_TIMEOUT_MS, call),
    slowDown: () => undefined,
    limitMaxAge: () => undefined,
    headers: {},
  });
  try {
    return await use(database);
  } catch (error) {
    return [failedCall(where, error)];
  } finally {
    await connection.close();
  }
}
