import { randomBytes } from 'node:crypto';
import type { Auditor } from '../operation/audit.js';
import { httpError } from '../operation/request-error.js';
import type { Bulk, BulkRequest } from './bulk.js';
import { auditJob, ownerOf } from './job-access.js';
import { createJobKeys } from './job-key.js';
import type { JobStore } from './job-store.js';
import { checkPlan } from './plan.js';
import type { InputLine } from './read-lines.js';
import { writeRequest } from './stored-request.js';

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

/** The lines of a job while they arrive. */
export interface SubmittedLines {
  lines: AsyncIterable<InputLine>;
  format: 'json' | 'csv';
}

export interface SubmitOptions {
  bulk: Pick<Bulk, 'plan'>;
  limits: JobLimits;
  auditor: Pick<Auditor, 'write'> | undefined;
}

/** Stores a job with its lines, and resolves when all are stored. `key` opens the results and is not stored. */
export async function submitJob(
  store: JobStore,
  request: BulkRequest,
  { lines, format }: SubmittedLines,
  { bulk, limits, auditor }: SubmitOptions,
): Promise<{ id: string; key: string }> {
  const { principal, runnable, variables } = request;
  const { audited } = runnable.prepared;
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
      audited,
      variables,
      inputs: format === 'csv' ? stored.inputs : undefined,
      purpose: audience.purpose,
      caller,
    });
    await auditJob(auditor, audited, request, { id, act: 'submit', lines: stored.lines });
    await store.queue(id, { request: written, lines: stored.lines, parts: stored.parts });
  } catch (error) {
    await store.discard(id);
    throw error;
  }
  return { id, key: privateKey };
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
