import type { Database, Statement } from '../webhooks/store-database.js';

/**
 * The tables of jobs, in SQL that SQLite and PostgreSQL share. Times are milliseconds since 1970. `sealed` and `input` are
 * encrypted with the secret of the store, `result` with the key of the job, and `owner` is a digest. `notify` names the endpoint that
 * still has to be notified of the end. The result of a part that was sent to an endpoint is empty.
 *
 * | table        | a row is                                            | until                                             |
 * | ------------ | --------------------------------------------------- | ------------------------------------------------- |
 * | `bulk_jobs`  | a job and its state                                 | a day after it expired, then without its content  |
 * | `bulk_parts` | some lines of a job: first `input`, then `result`   | the job is deleted, or expires                    |
 */
export function jobTables({ dialect }: Database): Statement[] {
  return [
    // Only one of several starting instances creates the tables.
    ...(dialect.forUpdate === '' ? [] : [{ sql: 'SELECT pg_advisory_xact_lock(7405118)' }]),
    {
      sql: `CREATE TABLE IF NOT EXISTS bulk_jobs (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        public_key TEXT NOT NULL,
        sealed TEXT NOT NULL,
        notify TEXT NOT NULL,
        line_count BIGINT NOT NULL,
        part_count INTEGER NOT NULL,
        created_at BIGINT NOT NULL,
        started_at BIGINT,
        finished_at BIGINT,
        expires_at BIGINT NOT NULL
      )`,
    },
    {
      sql: `CREATE TABLE IF NOT EXISTS bulk_parts (
        job_id TEXT NOT NULL,
        part INTEGER NOT NULL,
        line_count INTEGER NOT NULL,
        input TEXT,
        result TEXT,
        failed_count INTEGER NOT NULL,
        errors TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        refusals INTEGER NOT NULL,
        leased_until BIGINT NOT NULL,
        holder TEXT NOT NULL,
        finished_at BIGINT,
        PRIMARY KEY (job_id, part)
      )`,
    },
    {
      sql: `CREATE INDEX IF NOT EXISTS bulk_parts_waiting ON bulk_parts (part, job_id) WHERE input IS NOT NULL`,
    },
    { sql: `CREATE INDEX IF NOT EXISTS bulk_jobs_notify ON bulk_jobs (expires_at) WHERE notify <> ''` },
    { sql: `CREATE INDEX IF NOT EXISTS bulk_parts_holder ON bulk_parts (holder) WHERE input IS NOT NULL` },
  ];
}

/** id, owner, public key, now, expires at, the most jobs of an owner. Returns no row if the owner has that many. */
export const createJob = `
  INSERT INTO bulk_jobs (id, owner, state, reason, public_key, sealed, notify, line_count, part_count, created_at, expires_at)
  SELECT $1, $2, 'receiving', '', $3, '', '', 0, 0, $4, $5
  WHERE (SELECT COUNT(*) FROM bulk_jobs WHERE owner = $2 AND state NOT IN ('cancelled', 'expired')) < $6
  RETURNING id`;

/** job, part, number of lines, input. */
export const addPart = `
  INSERT INTO bulk_parts (job_id, part, line_count, input, failed_count, errors, attempts, refusals, leased_until, holder)
  VALUES ($1, $2, $3, $4, 0, '[]', 0, 0, 0, '')`;

/** id, sealed, number of lines, number of parts, notify. */
export const queueJob = `
  UPDATE bulk_jobs SET state = 'queued', sealed = $2, line_count = $3, part_count = $4, notify = $5
  WHERE id = $1 AND state = 'receiving'`;

/**
 * now, leased until, holder, limit. The earliest part of all jobs is first, so a long job does not delay a short one.
 */
export const leaseParts = ({ dialect }: Database): string => `
  UPDATE bulk_parts SET leased_until = $2, holder = $3, attempts = attempts + 1 WHERE (job_id, part) IN (
    SELECT p.job_id, p.part FROM bulk_parts p
    WHERE p.input IS NOT NULL AND p.leased_until <= $1 AND EXISTS (
      SELECT 1 FROM bulk_jobs j WHERE j.id = p.job_id AND j.state IN ('queued', 'running') AND j.expires_at > $1)
    ORDER BY p.part, p.job_id LIMIT $4 ${dialect.skipLocked})`;

/** holder, now. */
export const startJobs = `
  UPDATE bulk_jobs SET state = 'running', started_at = $2
  WHERE state = 'queued' AND id IN (SELECT job_id FROM bulk_parts WHERE holder = $1 AND input IS NOT NULL)`;

/** holder. */
export const leasedParts = `
  SELECT p.job_id, p.part, p.input, p.attempts, p.refusals, j.sealed, j.public_key, j.part_count
  FROM bulk_parts p JOIN bulk_jobs j ON j.id = p.job_id
  WHERE p.holder = $1 AND p.input IS NOT NULL ORDER BY p.part, p.job_id`;

/** job, part, holder, leased until. Returns no row if the lease was lost, or if the job was deleted. */
export const renewLease = `
  UPDATE bulk_parts SET leased_until = $4 WHERE job_id = $1 AND part = $2 AND holder = $3 AND input IS NOT NULL
  RETURNING part`;

/** job, part, holder. The attempt does not count. */
export const releaseLease = `
  UPDATE bulk_parts SET leased_until = 0, holder = '', attempts = attempts - 1
  WHERE job_id = $1 AND part = $2 AND holder = $3 AND input IS NOT NULL`;

/** job, part, holder, not before, number of refusals to add. The attempt does not count. */
export const postponePart = `
  UPDATE bulk_parts SET leased_until = $4, holder = '', attempts = attempts - 1, refusals = refusals + $5
  WHERE job_id = $1 AND part = $2 AND holder = $3 AND input IS NOT NULL`;

/** id. Of two instances that finish the last parts of a job, the second sees the part of the first. */
export const lockJob = ({ dialect }: Database): string =>
  `SELECT id FROM bulk_jobs WHERE id = $1 ${dialect.forUpdate}`;

/** job, part, holder, result, number of lines with an error, errors, now. The input is deleted. */
export const finishPart = `
  UPDATE bulk_parts SET input = NULL, result = $4, failed_count = $5, errors = $6, finished_at = $7, holder = ''
  WHERE job_id = $1 AND part = $2 AND holder = $3 AND input IS NOT NULL`;

/** id, now. */
export const finishJob = `
  UPDATE bulk_jobs SET state = 'finished', finished_at = $2
  WHERE id = $1 AND state IN ('queued', 'running', 'paused')
    AND NOT EXISTS (SELECT 1 FROM bulk_parts WHERE job_id = $1 AND input IS NOT NULL)`;

/** id, reason, now. */
export const failJob = `
  UPDATE bulk_jobs SET state = 'failed', reason = $2, finished_at = $3 WHERE id = $1 AND state IN ('queued', 'running', 'paused')`;
/** id. */
export const deleteInput = `UPDATE bulk_parts SET input = NULL WHERE job_id = $1 AND input IS NOT NULL`;

/** id, owner. */
export const findJob = `SELECT * FROM bulk_jobs WHERE id = $1 AND owner = $2 AND state <> 'receiving'`;

/** id, start of the period for the rate. */
export const progressOfJob = `
  SELECT COUNT(*) AS parts, COALESCE(SUM(line_count), 0) AS answered, COALESCE(SUM(failed_count), 0) AS failed,
    COALESCE(SUM(CASE WHEN finished_at > $2 THEN line_count ELSE 0 END), 0) AS recent
  FROM bulk_parts WHERE job_id = $1 AND result IS NOT NULL`;
/** id. The last part before the first that is not finished. */
export const firstUnfinished = `SELECT MIN(part) AS part FROM bulk_parts WHERE job_id = $1 AND result IS NULL`;
/** id. */
export const errorsOfJob = `SELECT errors FROM bulk_parts WHERE job_id = $1 AND failed_count > 0`;

/** id, part. */
export const findResult = `SELECT result FROM bulk_parts WHERE job_id = $1 AND part = $2 AND result IS NOT NULL`;

/** id. */
export const pauseJob = `UPDATE bulk_jobs SET state = 'paused' WHERE id = $1 AND state IN ('queued', 'running')`;
/** id. */
export const resumeJob = `
  UPDATE bulk_jobs SET state = CASE WHEN started_at IS NULL THEN 'queued' ELSE 'running' END
  WHERE id = $1 AND state = 'paused'`;
/** id, now. */
export const cancelJob = `UPDATE bulk_jobs SET state = 'cancelled', sealed = '', finished_at = $2 WHERE id = $1 AND state <> 'expired'`;
/** id. */
export const deleteParts = `DELETE FROM bulk_parts WHERE job_id = $1`;
/** id. */
export const deleteJob = `DELETE FROM bulk_jobs WHERE id = $1`;

/** Jobs that have ended, and of whose end an endpoint was not notified. Parameter: limit. */
export const unnotifiedJobs = `
  SELECT id, state, reason, notify, line_count, finished_at, expires_at FROM bulk_jobs
  WHERE notify <> '' AND state IN ('finished', 'failed', 'cancelled', 'expired') ORDER BY expires_at LIMIT $1`;
/** id. */
export const markNotified = `UPDATE bulk_jobs SET notify = '' WHERE id = $1`;

/** now, the earliest start of an upload that may still be going on. */
export const expireJobs = `
  UPDATE bulk_jobs SET state = 'expired', sealed = ''
  WHERE state <> 'expired' AND (expires_at <= $1 OR (state = 'receiving' AND created_at <= $2))`;
export const deleteExpiredParts = `
  DELETE FROM bulk_parts WHERE job_id IN (SELECT id FROM bulk_jobs WHERE state IN ('expired', 'cancelled'))`;
/** The latest expiry. */
export const deleteExpiredJobs = `DELETE FROM bulk_jobs WHERE state IN ('expired', 'cancelled') AND expires_at <= $1`;
