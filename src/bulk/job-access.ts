import { notAudited, type Auditor } from '../operation/audit.js';
import type { Principal } from '../operation/principal.js';
import { httpError } from '../operation/request-error.js';
import type { AuditedJob, AuditedOperation } from '../privacy/audit-line.js';
import type { BulkRunnable } from './bulk.js';
import type { StoredRequest } from './stored-request.js';

/** The owner of a job is a key, or the subject of tokens of one client. Throws if the token names neither. */
export function ownerOf({ caller: { name, subject = name, budget = '' } }: Principal): string {
  if (subject === '' && budget === '')
    throw httpError(
      'FORBIDDEN',
      'Only a recognisable caller can have jobs. The token needs the claim "sub" or "client_id".',
      403,
    );
  return JSON.stringify([name, subject, budget]);
}

/** Throws if the caller may now see less than when it submitted the job. */
export function checkPermissions(
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

/** Writes an audit line before an act on a job. Throws if it cannot be written, unless the settings allow that. */
export async function auditJob(
  auditor: Pick<Auditor, 'write'> | undefined,
  operation: AuditedOperation,
  { principal: { caller, audience }, requestId }: { principal: Principal; requestId: string },
  job: AuditedJob,
): Promise<void> {
  const isWritten = await auditor?.write({
    requestId,
    caller: caller.name,
    purpose: audience.purpose ?? 'NONE',
    operation,
    customers: [],
    categories: { granted: [], masked: [], withheld: [] },
    sources: {},
    cached: false,
    job,
  });
  if (isWritten === false) throw notAudited();
}
