import { randomBytes } from 'node:crypto';
import type { AbortListening } from '../operation/answer.js';
import type { Principal } from '../operation/principal.js';
import { httpError } from '../operation/request-error.js';
import type { Bulk, BulkRequest, BulkRunnable } from './bulk.js';
import type { StoredRow } from './hand-over.js';
import { createJobKeys, openWithKey, readJobKey } from './job-key.js';
import {
  placeOf,
  RATE_PERIOD_MS,
  type JobProgress,
  type JobRecord,
  type JobState,
  type JobStore,
} from './job-store.js';
import type { JobWorker, JobWorkerOptions } from './job-worker.js';
import { checkPlan } from './plan.js';
import type { InputLine } from './read-lines.js';
import type { Row } from './run-bulk.js';
import { readRequest, writeRequest, type StoredRequest } from './stored-request.js';

/** The number of lines of a part. Each part is answered by one instance and stored at once. */
export const PART_LINES = 1_000;

/** The limits of jobs. */
export interface JobLimits {
  /** The results are deleted this long after the submission. */
  retainMs: number;
  /** The most lines of a job. */
  maxLines: number;
  /** The most jobs of a caller whose content is stored. */
  maxJobs: number;
}

/** A job, as its caller sees it. */
export interface JobStatus {
  id: string;
  state: JobState;
  /** Why it failed. */
  reason?: string;
  lines: { read: number; answered: number; failed: number };
  errors: JobProgress['errors'];
  /** Results can be fetched up to part `ready`. */
  parts: { all: number; finished: number; ready: number };
  linesPerSecond?: number;
  secondsLeft?: number;
  createdAt: string;
  finishedAt?: string;
  expiresAt: string;
}

/** Results of the parts from `after` + 1 to `last`. */
export interface JobResults {
  runnable: BulkRunnable;
  /** The columns of the submitted CSV. Undefined if the lines were JSON. */
  inputs: readonly string[] | undefined;
  /** The last part of these results: `after` of the next request. */
  last: number;
  /** Whether further parts exist, or will. */
  hasMore: boolean;
  rows: AsyncIterable<Row>;
}

/** Jobs over persisted operations. A job is visible to the caller that submitted it; others get status 404. */
export interface Jobs {
  /** Stores the lines, and resolves when all are stored. `key` opens the results and is not stored. */
  submit(
    request: BulkRequest,
    lines: AsyncIterable<InputLine>,
    format: 'json' | 'csv',
  ): Promise<{ key: string; status: JobStatus }>;
  status(id: string, principal: Principal): Promise<JobStatus>;
  change(id: string, principal: Principal, change: 'pause' | 'resume' | 'cancel'): Promise<void>;
  results(id: string, request: ResultsRequest): Promise<JobResults>;
}

export interface ResultsRequest {
  principal: Principal;
  requestId: string;
  key: string;
  after: number;
  maxParts: number;
  signal: AbortListening;
}

export interface JobsOptions extends Pick<JobWorkerOptions, 'principalOf'> {
  /** Resolves when the store is open. */
  opening: Promise<{ store: JobStore; worker: Pick<JobWorker, 'wake'> }>;
  bulk: Bulk;
  limits: JobLimits;
  /** Milliseconds since 1970. */
  now?: () => number;
}

export function createJobs(options: JobsOptions): Jobs {
  const { opening, bulk, limits, principalOf, now = Date.now } = options;

  async function find(id: string, principal: Principal): Promise<{ store: JobStore; job: JobRecord }> {
    const { store } = await opening;
    const job = await store.find(id, ownerOf(principal));
    if (job === undefined) throw httpError('NOT_FOUND', 'This caller has no job with this id.', 404);
    if (job.state === 'expired')
      throw httpError('NOT_FOUND', 'The job has expired, and its results are deleted. Submit it again.', 410);
    return { store, job };
  }

  async function statusOf(store: JobStore, job: JobRecord): Promise<JobStatus> {
    const progress = await store.progress(job);
    const { answered, failed, errors, finishedParts, readyParts, recent } = progress;
    const periodMs = Math.min(RATE_PERIOD_MS, now() - (job.startedAt ?? now()));
    const perSecond = job.state === 'running' && periodMs > 0 ? (recent / periodMs) * 1_000 : 0;
    return {
      id: job.id,
      state: job.state,
      ...(job.reason === '' ? {} : { reason: job.reason }),
      lines: { read: job.lines, answered, failed },
      errors,
      parts: { all: job.parts, finished: finishedParts, ready: readyParts },
      ...(perSecond === 0
        ? {}
        : {
            linesPerSecond: Math.round(perSecond * 10) / 10,
            secondsLeft: Math.ceil((job.lines - answered) / perSecond),
          }),
      createdAt: timeOf(job.createdAt),
      ...(job.finishedAt === null ? {} : { finishedAt: timeOf(job.finishedAt) }),
      expiresAt: timeOf(job.expiresAt),
    };
  }

  return {
    submit: async (request, lines, format) => {
      const { store, worker } = await opening;
      const { principal, runnable, variables } = request;
      const id = `job_${randomBytes(15).toString('base64url')}`;
      const owner = ownerOf(principal);
      const { publicKey, privateKey } = createJobKeys();
      const { retainMs, maxJobs: maxPerOwner } = limits;
      if (!(await store.create({ id, owner, publicKey, retainMs, maxPerOwner })))
        throw httpError(
          'LIMIT_EXCEEDED',
          `A caller may have at most ${maxPerOwner} jobs. Delete a job with DELETE /bulk/jobs/<id>.`,
          429,
        );
      try {
        const stored = await storeLines(store, id, lines, limits.maxLines);
        checkPlan(bulk.plan(request, stored.lines));
        const { caller, audience } = principal;
        const written = writeRequest({
          operation: runnable.operation.name,
          variables,
          inputs: format === 'csv' ? stored.inputs : undefined,
          purpose: audience.purpose,
          caller,
        });
        await store.queue(id, { request: written, lines: stored.lines, parts: stored.parts });
      } catch (error) {
        await store.discard(id);
        throw error;
      }
      worker.wake();
      const { job } = await find(id, principal);
      return { key: privateKey, status: await statusOf(store, job) };
    },

    status: async (id, principal) => {
      const { store, job } = await find(id, principal);
      return statusOf(store, job);
    },

    change: async (id, principal, change) => {
      const { store, job } = await find(id, principal);
      await store[change](job.id);
      (await opening).worker.wake();
    },

    results: async (id, { principal, requestId, key, after, maxParts, signal }) => {
      const { store, job } = await find(id, principal);
      const privateKey = readJobKey(key, job.publicKey);
      if (privateKey === undefined)
        throw httpError('FORBIDDEN', 'The header "Bulk-Job-Key" does not have the key of this job.', 403);
      if (job.state === 'cancelled')
        throw httpError('NOT_FOUND', 'The job was cancelled, and its results are deleted.', 410);
      if (job.request === undefined) throw new Error(`The request of ${id} cannot be read.`);
      const stored = readRequest(job.request);
      const runnable = bulk.find(stored.operation);
      const current = principalOf(principal.caller, stored.purpose);
      checkPermissions(current, stored, principalOf(stored.caller, stored.purpose), runnable);
      const { readyParts } = await store.progress(job);
      const last = Math.max(after, Math.min(readyParts, after + maxParts));
      const isComplete = job.state === 'finished' || job.state === 'failed';
      const request = { runnable, principal: current, requestId, variables: stored.variables };
      const open = (sealed: string, part: number) =>
        // A worker has written and sealed it.
        JSON.parse(openWithKey(privateKey, sealed, placeOf(id, part))) as StoredRow[];
      async function* rows(): AsyncGenerator<Row> {
        for (let part = after + 1; part <= last; part += 1) {
          const sealed = await store.result(id, part);
          if (sealed === undefined) throw new Error(`Part ${part} of ${id} was deleted while it was sent.`);
          yield* bulk.handOver(open(sealed, part), request, { signal });
        }
      }
      return {
        runnable,
        inputs: stored.inputs,
        last,
        hasMore: last < readyParts || !isComplete,
        rows: rows(),
      };
    },
  };
}

/** Stores lines in parts while they arrive. Throws if there are none, or too many. */
async function storeLines(store: JobStore, id: string, lines: AsyncIterable<InputLine>, maxLines: number) {
  let count = 0;
  let parts = 0;
  let part: InputLine[] = [];
  let inputs: string[] | undefined;
  const write = async (): Promise<void> => {
    parts += 1;
    await store.addPart(id, parts, part.length, JSON.stringify(part));
    part = [];
  };
  for await (const line of lines) {
    inputs ??= Object.keys(line.input ?? {});
    count += 1;
    if (count > maxLines)
      throw httpError(
        'LIMIT_EXCEEDED',
        `A job may have at most ${maxLines} lines. Submit several jobs.`,
        413,
      );
    part.push(line);
    if (part.length === PART_LINES) await write();
  }
  if (part.length > 0) await write();
  if (inputs === undefined) throw httpError('BAD_REQUEST', 'The body has no lines.');
  return { lines: count, parts, inputs };
}

/** Throws if the caller may now see less than when it submitted the job. */
function checkPermissions(
  current: Principal,
  { purpose }: StoredRequest,
  submitter: Principal,
  { prepared }: BulkRunnable,
): void {
  const { caller, audience } = current;
  const before = new Set(prepared.disclosure.forbidden(submitter.audience));
  const lost = prepared.disclosure.forbidden(audience).filter((field) => !before.has(field));
  const isPurposeLost = purpose !== undefined && !caller.purposes.includes(purpose);
  const isMaskedNow = caller.sees === 'masked' && submitter.caller.sees === 'clear';
  if (lost.length === 0 && !isPurposeLost && !isMaskedNow) return;
  throw httpError(
    'FORBIDDEN',
    `This caller may no longer see the results${lost.length === 0 ? '' : `: ${lost.join(', ')}`}. Submit the job again.`,
    403,
  );
}

/** A caller is one key or one issuer of tokens. Each visitor has a budget. */
function ownerOf({ caller }: Principal): string {
  return JSON.stringify([caller.name, caller.budget ?? '']);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
