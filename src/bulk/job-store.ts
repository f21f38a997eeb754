import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { milliseconds } from '../duration.js';
import type { Database, Statement, Value } from '../webhooks/store-database.js';
import { sealWith, type Seal } from '../webhooks/store-seal.js';
import * as sql from './job-tables.js';

/**
 * `queued`: no part has started. `running`, `paused`: some parts are unfinished. `finished`: all parts have results. `failed`: it
 * cannot continue; `reason` says why, and finished parts have results. `cancelled`: the caller deleted it. `expired`: its content
 * was deleted after its time. `receiving`: its lines are still being uploaded, so no caller knows it.
 */
export const JOB_STATES = [
  'receiving',
  'queued',
  'running',
  'paused',
  'finished',
  'failed',
  'cancelled',
  'expired',
] as const;
export type JobState = (typeof JOB_STATES)[number];

/** A job. Times are in milliseconds since 1970. */
export interface JobRecord {
  id: string;
  state: JobState;
  reason: string;
  publicKey: string;
  /** What was submitted beside the lines. Undefined if it was deleted, or sealed with another secret. */
  request: string | undefined;
  lines: number;
  parts: number;
  createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  expiresAt: number;
}

export interface JobProgress {
  answered: number;
  /** Lines with an error. */
  failed: number;
  finishedParts: number;
  /** All parts up to this one are finished. */
  readyParts: number;
  /** Lines that were answered in the last minute. */
  recent: number;
  errors: readonly LineErrors[];
}

/** The number of lines with an error of this code, from this source. */
export interface LineErrors {
  code: string;
  source?: string | undefined;
  lines: number;
}

/** A part with a lease: one instance answers it. */
export interface LeasedPart {
  job: string;
  part: number;
  /** The lease. A result under a lost lease is ignored. */
  holder: string;
  publicKey: string;
  /** Undefined if they were sealed with another secret. */
  content: { request: string; lines: string } | undefined;
  attempts: number;
  /** How often the endpoint did not accept the part. */
  refusals: number;
  /** The number of parts of the job. */
  parts: number;
}

/** A job that has ended, and of whose end an endpoint was not notified. */
export interface EndedJob extends Pick<JobRecord, 'id' | 'state' | 'reason' | 'lines'> {
  endpoint: string;
  operation: string;
  /** In milliseconds since 1970. */
  endedAt: number;
}

export interface PartResult {
  /** Sealed with the key of the job. Empty if the rows were sent to an endpoint. */
  sealed: string;
  failed: number;
  errors: readonly LineErrors[];
}

const jobRow = z
  .object({
    id: z.string(),
    state: z.enum(JOB_STATES),
    reason: z.string(),
    public_key: z.string(),
    sealed: z.string(),
    line_count: z.number(),
    part_count: z.number(),
    created_at: z.number(),
    started_at: z.number().nullable(),
    finished_at: z.number().nullable(),
    expires_at: z.number(),
  })
  .transform(({ id, state, reason, sealed, ...row }) => ({
    ...{ id, state, reason, sealed, publicKey: row.public_key, lines: row.line_count, parts: row.part_count },
    createdAt: row.created_at,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    expiresAt: row.expires_at,
  }));
const partRow = z.object({
  job_id: z.string(),
  part: z.number(),
  input: z.string(),
  attempts: z.number(),
  refusals: z.number(),
  sealed: z.string(),
  public_key: z.string(),
  part_count: z.number(),
});
const notification = z.object({ endpoint: z.string(), operation: z.string() });
const endedRow = z
  .object({
    id: z.string(),
    state: z.enum(JOB_STATES),
    reason: z.string(),
    notify: z.string(),
    line_count: z.number(),
    finished_at: z.number().nullable(),
    expires_at: z.number(),
  })
  .transform(({ id, state, reason, notify, line_count: lines, ...row }): EndedJob => ({
    ...{ id, state, reason, lines, endedAt: row.finished_at ?? row.expires_at },
    ...notification.parse(JSON.parse(notify)),
  }));
const progressRow = z.object({
  parts: z.number(),
  answered: z.number(),
  failed: z.number(),
  recent: z.number(),
});
const lineErrors = z.array(z.object({ code: z.string(), source: z.string().optional(), lines: z.number() }));

/** The period over which the rate of a job is measured. */
export const RATE_PERIOD_MS = milliseconds('1 minute');
/** An upload that takes longer was interrupted. A request takes at most half a minute. */
const MAX_UPLOAD_MS = milliseconds('10 minutes');
/** An expired job is still reported as expired for this time. */
const REMEMBER_EXPIRED_MS = milliseconds('1 day');

/** Jobs on disk. When a promise resolves, the change has been written durably. */
export class JobStore {
  readonly #database: Database;
  readonly #seal: Seal;
  readonly #now: () => number;

  private constructor(database: Database, secret: string, now: () => number) {
    this.#database = database;
    this.#seal = sealWith(secret);
    this.#now = now;
  }

  /** Creates the tables if they do not exist. `secret` seals what instances must read. `now` is in milliseconds since 1970. */
  static async open(database: Database, secret: string, now = Date.now): Promise<JobStore> {
    await database.prepare(sql.jobTables(database));
    return new JobStore(database, secret, now);
  }

  /** Creates a job whose lines are not complete yet. False if the owner has the most jobs. */
  async create(job: {
    id: string;
    owner: string;
    publicKey: string;
    retainMs: number;
    maxPerOwner: number;
  }): Promise<boolean> {
    const at = this.#now();
    const values = [job.id, this.#ownerOf(job.owner), job.publicKey, at, at + job.retainMs, job.maxPerOwner];
    return (await this.#rowsOf(z.unknown(), sql.createJob, values)).length > 0;
  }

  /** Adds a part: `count` lines, as text. Parts are numbered from 1. */
  async addPart(job: string, part: number, count: number, lines: string): Promise<void> {
    const input = this.#seal.close(lines, placeOf(job, part));
    await this.#run(sql.addPart, [job, part, count, input]);
  }

  /** Completes the lines of a job, so that it can be answered. `notify` is the endpoint that is notified of its end. */
  async queue(
    job: string,
    { request, lines, parts }: Pick<JobRecord, 'request' | 'lines' | 'parts'>,
    notify?: Pick<EndedJob, 'endpoint' | 'operation'>,
  ) {
    const text = notify === undefined ? '' : JSON.stringify(notify);
    await this.#run(sql.queueJob, [job, this.#seal.close(request ?? '', job), lines, parts, text]);
  }

  /** Deletes a job whose lines are not complete. */
  async discard(job: string): Promise<void> {
    await this.#database.run([
      { sql: sql.deleteParts, values: [job] },
      { sql: sql.deleteJob, values: [job] },
    ]);
  }

  async lease(limit: number, leaseMs: number): Promise<LeasedPart[]> {
    const holder = randomBytes(9).toString('base64url');
    const at = this.#now();
    const [, , rows = []] = await this.#database.run([
      { sql: sql.leaseParts(this.#database), values: [at, at + leaseMs, holder, limit] },
      { sql: sql.startJobs, values: [holder, at] },
      { sql: sql.leasedParts, values: [holder] },
    ]);
    return rows.map((row) => {
      const { job_id: job, part, input, sealed, public_key: publicKey, ...counts } = partRow.parse(row);
      const { attempts, refusals, part_count: parts } = counts;
      const lines = this.#open(input, placeOf(job, part));
      const request = this.#open(sealed, job);
      const content = lines === undefined || request === undefined ? undefined : { lines, request };
      return { job, part, holder, attempts, refusals, parts, publicKey, content };
    });
  }

  /** Extends a lease. False if it was lost, or if the job was deleted. */
  async renew({ job, part, holder }: LeasedPart, leaseMs: number): Promise<boolean> {
    const values = [job, part, holder, this.#now() + leaseMs];
    return (await this.#rowsOf(z.unknown(), sql.renewLease, values)).length > 0;
  }

  /** Returns a part, so that another instance can lease it at once. */
  async release({ job, part, holder }: LeasedPart): Promise<void> {
    await this.#run(sql.releaseLease, [job, part, holder]);
  }

  /** Returns a part, which can be leased again at a time. `isRefused`: the endpoint did not accept it. */
  async postpone({ job, part, holder }: LeasedPart, until: number, isRefused: boolean): Promise<void> {
    await this.#run(sql.postponePart, [job, part, holder, until, isRefused ? 1 : 0]);
  }

  /** Stores the result of a part and deletes its lines, in one transaction. Has no effect if the lease was lost. */
  async finish({ job, part, holder }: LeasedPart, { sealed, failed, errors }: PartResult): Promise<void> {
    const at = this.#now();
    await this.#database.run([
      ...(this.#database.dialect.forUpdate === ''
        ? []
        : [{ sql: sql.lockJob(this.#database), values: [job] }]),
      { sql: sql.finishPart, values: [job, part, holder, sealed, failed, JSON.stringify(errors), at] },
      { sql: sql.finishJob, values: [job, at] },
    ]);
  }

  /** Ends a job that cannot continue. The reason must be our own text without personal data. */
  async fail(job: string, reason: string): Promise<void> {
    await this.#database.run([
      { sql: sql.failJob, values: [job, reason, this.#now()] },
      { sql: sql.deleteInput, values: [job] },
    ]);
  }

  /** Finds a job of an owner. */
  async find(id: string, owner: string): Promise<JobRecord | undefined> {
    const [row] = await this.#rowsOf(jobRow, sql.findJob, [id, this.#ownerOf(owner)]);
    if (row === undefined) return undefined;
    const { sealed, ...job } = row;
    const isExpired = job.expiresAt <= this.#now() && job.state !== 'cancelled';
    return { ...job, request: this.#open(sealed, id), state: isExpired ? 'expired' : job.state };
  }

  async progress({ id, parts }: Pick<JobRecord, 'id' | 'parts'>): Promise<JobProgress> {
    const [[sums] = [], [first] = [], rows = []] = await this.#database.run([
      { sql: sql.progressOfJob, values: [id, this.#now() - RATE_PERIOD_MS] },
      { sql: sql.firstUnfinished, values: [id] },
      { sql: sql.errorsOfJob, values: [id] },
    ]);
    const { parts: finishedParts, ...counts } = progressRow.parse(sums);
    const unfinished = z.object({ part: z.number().nullable() }).parse(first).part;
    const errors = rows.flatMap((row) => lineErrors.parse(JSON.parse(String(row['errors']))));
    return {
      ...{ ...counts, finishedParts },
      readyParts: unfinished === null ? parts : unfinished - 1,
      errors: sumErrors(errors),
    };
  }

  /** The sealed result of a part. Undefined if it has none, or if it was deleted. */
  async result(job: string, part: number): Promise<string | undefined> {
    const [row] = await this.#rowsOf(z.object({ result: z.string() }), sql.findResult, [job, part]);
    return row?.result;
  }

  /** Starts no further part. Parts in progress are finished. */
  async pause(job: string): Promise<void> {
    await this.#run(sql.pauseJob, [job]);
  }

  async resume(job: string): Promise<void> {
    await this.#run(sql.resumeJob, [job]);
  }

  /** Ends a job and deletes its content. */
  async cancel(job: string): Promise<void> {
    await this.#database.run([
      { sql: sql.cancelJob, values: [job, this.#now()] },
      { sql: sql.deleteParts, values: [job] },
    ]);
  }

  /** The first jobs that have ended, and of whose end an endpoint was not notified. */
  async unnotified(limit: number): Promise<EndedJob[]> {
    return this.#rowsOf(endedRow, sql.unnotifiedJobs, [limit]);
  }

  async markNotified(job: string): Promise<void> {
    await this.#run(sql.markNotified, [job]);
  }

  /** Deletes the content of expired jobs and of interrupted uploads. */
  async sweep(): Promise<void> {
    const at = this.#now();
    await this.#database.run([
      { sql: sql.expireJobs, values: [at, at - MAX_UPLOAD_MS] },
      { sql: sql.deleteExpiredParts },
      { sql: sql.deleteExpiredJobs, values: [at - REMEMBER_EXPIRED_MS] },
    ]);
  }

  #ownerOf(owner: string): string {
    return this.#seal.digest('bulk owner', owner);
  }

  #open(sealed: string, place: string): string | undefined {
    try {
      return this.#seal.open(sealed, place);
    } catch {
      return undefined;
    }
  }

  async #run(statement: string, values: readonly Value[]): Promise<void> {
    await this.#database.run([{ sql: statement, values } satisfies Statement]);
  }

  async #rowsOf<T>(schema: z.ZodType<T>, statement: string, values: readonly Value[]): Promise<T[]> {
    const [rows = []] = await this.#database.run([{ sql: statement, values }]);
    return rows.map((row) => schema.parse(row));
  }
}

/** The place to which the content of a part is sealed. */
export function placeOf(job: string, part: number): string {
  return `${job}/${part}`;
}

/** Adds the numbers of lines with the same code and source. */
export function sumErrors(errors: readonly LineErrors[]): LineErrors[] {
  const sums = new Map<string, LineErrors>();
  for (const { code, source, lines } of errors) {
    const key = `${code} ${source ?? ''}`;
    const known = sums.get(key);
    sums.set(key, { code, ...(source === undefined ? {} : { source }), lines: (known?.lines ?? 0) + lines });
  }
  return [...sums.values()].toSorted((a, b) => b.lines - a.lines);
}
