import { randomBytes } from 'node:crypto';
import type { Auditor } from '../operation/audit.js';
import { httpError } from '../operation/request-error.js';
import type { Bulk, BulkRequest } from './bulk.js';
import { auditJob, ownerOf } from './job-access.js';
import { createJobKeys } from './job-key.js';
import type { JobStore } from './job-store.js';
import type { Outlet } from './outlet.js';
import { checkPlan } from './plan.js';
import type { InputLine } from './read-lines.js';
import { writeRequest } from './stored-request.js';

/** The number of lines of a part. Each part is answered by one instance and stored at once. */
export const PART_LINES = 1_000;
/** The number of lines of a part that is sent to an endpoint in one message. */
const DELIVERED_PART_LINES = 250;

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
  /** The endpoint that is notified of the end of the job. */
  notify?: string | undefined;
  /** Whether the rows are sent to the endpoint `notify`. Otherwise they are stored until they are fetched. */
  isDelivered?: boolean;
}

export interface SubmitOptions {
  bulk: Pick<Bulk, 'plan'>;
  limits: JobLimits;
  auditor: Pick<Auditor, 'write'> | undefined;
  outlet: Pick<Outlet, 'allows'>;
}

/** Stores a job with its lines, and resolves when all are stored. `key` opens the results and is not stored. */
export async function submitJob(
  store: JobStore,
  request: BulkRequest,
  { lines, format, notify, isDelivered = false }: SubmittedLines,
  { bulk, limits, auditor, outlet }: SubmitOptions,
): Promise<{ id: string; key?: string }> {
  const { principal, runnable, variables } = request;
  const { audited } = runnable.prepared;
  const id = `job_${randomBytes(15).toString('base64url')}`;
  const owner = ownerOf(principal);
  if (notify !== undefined && !outlet.allows(notify, principal.caller.name))
    throw httpError(
      'FORBIDDEN',
      'This caller may not use this endpoint. Its entry in WEBHOOK_ENDPOINTS must list the caller in "callers".',
      403,
    );
  // Rows that are sent are not stored, so they need no key.
  const { publicKey, privateKey } = isDelivered ? NO_KEYS : createJobKeys();
  const { retainMs, maxJobs: maxPerOwner } = limits;
  if (!(await store.create({ id, owner, publicKey, retainMs, maxPerOwner })))
    throw httpError(
      'LIMIT_EXCEEDED',
      `A caller may have at most ${maxPerOwner} jobs. Delete a job with DELETE /bulk/jobs/<id>.`,
      429,
    );
  try {
    const partLines = isDelivered ? DELIVERED_PART_LINES : PART_LINES;
    const stored = await storeLines(store, id, lines, { maxLines: limits.maxLines, partLines });
    checkPlan(bulk.plan(request, stored.lines));
    const { caller, audience } = principal;
    const written = writeRequest({
      operation: runnable.operation.name,
      audited,
      variables,
      inputs: format === 'csv' ? stored.inputs : undefined,
      purpose: audience.purpose,
      caller,
      deliverTo: isDelivered ? notify : undefined,
    });
    await auditJob(auditor, audited, request, { id, act: 'submit', lines: stored.lines });
    await store.queue(
      id,
      { request: written, lines: stored.lines, parts: stored.parts },
      notify === undefined ? undefined : { endpoint: notify, operation: runnable.operation.name },
    );
  } catch (error) {
    await store.discard(id);
    throw error;
  }
  return { id, ...(privateKey === undefined ? {} : { key: privateKey }) };
}

const NO_KEYS = { publicKey: '', privateKey: undefined };

/** Stores lines in parts while they arrive. Throws if there are none, or too many. */
async function storeLines(
  store: JobStore,
  id: string,
  lines: AsyncIterable<InputLine>,
  { maxLines, partLines }: { maxLines: number; partLines: number },
) {
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
    if (part.length === partLines) await write();
  }
  if (part.length > 0) await write();
  if (inputs === undefined) throw httpError('BAD_REQUEST', 'The body has no lines.');
  return { lines: count, parts, inputs };
}
