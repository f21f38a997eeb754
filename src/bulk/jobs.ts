import type { AbortListening } from '../operation/answer.js';
import type { Auditor } from '../operation/audit.js';
import type { Principal } from '../operation/principal.js';
import { httpError } from '../operation/request-error.js';
import type { AuditedOperation } from '../privacy/audit-line.js';
import type { Bulk, BulkRequest, BulkRunnable } from './bulk.js';
import type { StoredRow } from './hand-over.js';
import { auditJob, checkPermissions, ownerOf } from './job-access.js';
import { openWithKey, readJobKey } from './job-key.js';
import { readStatus, type JobStatus } from './job-status.js';
import { placeOf, type JobRecord, type JobStore } from './job-store.js';
import type { JobWorker, JobWorkerOptions } from './job-worker.js';
import { listenOnce, type Row } from './run-bulk.js';
import { readRequest } from './stored-request.js';
import {
  PART_LINES,
  submitJob,
  type JobLimits,
  type SubmitOptions,
  type SubmittedLines,
} from './submit-job.js';

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
  /** Stores the lines, and resolves when all are stored. `key` opens the results and is not stored; a job whose rows are sent has none. */
  submit(request: BulkRequest, lines: SubmittedLines): Promise<{ key?: string; status: JobStatus }>;
  status(id: string, principal: Principal): Promise<JobStatus>;
  pause(id: string, principal: Principal): Promise<void>;
  resume(id: string, principal: Principal): Promise<void>;
  /** Ends a job and deletes its content. */
  cancel(id: string, request: Pick<ResultsRequest, 'principal' | 'requestId'>): Promise<void>;
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

export interface JobsOptions extends Pick<JobWorkerOptions, 'principalOf'>, Pick<SubmitOptions, 'outlet'> {
  /** Resolves when the store is open. */
  opening: Promise<{ store: JobStore; worker: Pick<JobWorker, 'wake'> }>;
  bulk: Bulk;
  limits: JobLimits;
  /** Undefined if nothing is audited. */
  auditor: Pick<Auditor, 'write'> | undefined;
  /** Milliseconds since 1970. */
  now?: () => number;
}

export function createJobs(options: JobsOptions): Jobs {
  const { opening, bulk, principalOf, auditor, now = Date.now } = options;

  async function find(id: string, principal: Principal): Promise<{ store: JobStore; job: JobRecord }> {
    const { store } = await opening;
    const job = await store.find(id, ownerOf(principal));
    if (job === undefined) throw httpError('NOT_FOUND', 'This caller has no job with this id.', 404);
    if (job.state === 'expired')
      throw httpError('NOT_FOUND', 'The job has expired, and its results are deleted. Submit it again.', 410);
    return { store, job };
  }

  return {
    submit: async (request, lines) => {
      const { store, worker } = await opening;
      const { id, ...key } = await submitJob(store, request, lines, options);
      worker.wake();
      const { job } = await find(id, request.principal);
      return { ...key, status: await readStatus(store, job, now()) };
    },

    status: async (id, principal) => {
      const { store, job } = await find(id, principal);
      return readStatus(store, job, now());
    },

    pause: async (id, principal) => {
      const { store, job } = await find(id, principal);
      await store.pause(job.id);
    },

    resume: async (id, principal) => {
      const { store, job } = await find(id, principal);
      await store.resume(job.id);
      (await opening).worker.wake();
    },

    cancel: async (id, { principal, requestId }) => {
      const { store, job } = await find(id, principal);
      if (job.state === 'cancelled') return;
      // The request cannot be read if WEBHOOK_SECRET has changed.
      const { audited = UNKNOWN_OPERATION, purpose } =
        job.request === undefined ? {} : readRequest(job.request);
      const submitted = principalOf(principal.caller, purpose);
      await auditJob(
        auditor,
        audited,
        { principal: submitted, requestId },
        { id, act: 'cancel', lines: job.lines },
      );
      await store.cancel(id);
      (await opening).worker.wake();
    },

    results: async (id, { principal, requestId, key, after, maxParts, signal }) => {
      const { store, job } = await find(id, principal);
      if (job.publicKey === '')
        throw httpError(
          'NOT_FOUND',
          'The rows of this job are sent to its endpoint, and are not stored.',
          404,
        );
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
      await auditJob(auditor, stored.audited, request, {
        id,
        act: 'fetch',
        lines: linesIn(job, after, last),
      });
      const open = (sealed: string, part: number) =>
        // A worker has written and sealed it.
        JSON.parse(openWithKey(privateKey, sealed, placeOf(id, part))) as StoredRow[];
      const connection = listenOnce(signal);
      async function* rows(): AsyncGenerator<Row> {
        for (let part = after + 1; part <= last && !connection.hasEnded; part += 1) {
          const sealed = await store.result(id, part);
          if (sealed === undefined) throw new Error(`Part ${part} of ${id} was deleted while it was sent.`);
          yield* bulk.handOver(open(sealed, part), request, { signal: connection.nextSignal() });
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

const UNKNOWN_OPERATION: AuditedOperation = { name: null, id: '' };

/** The number of lines of the parts from `after` + 1 to `last`. */
function linesIn({ lines }: Pick<JobRecord, 'lines'>, after: number, last: number): number {
  return Math.min(lines, last * PART_LINES) - Math.min(lines, after * PART_LINES);
}
