import { GraphQLError } from 'graphql';
import { milliseconds } from '../duration.js';
import type { Auditor } from '../operation/audit.js';
import type { Principal } from '../operation/principal.js';
import type { Bulk, BulkRequest } from './bulk.js';
import type { StoredRow } from './hand-over.js';
import { auditJob, checkPermissions } from './job-access.js';
import type { JobStore, LeasedPart, PartResult } from './job-store.js';
import type { Outlet } from './outlet.js';
import type { Row } from './run-bulk.js';
import type { StoredRequest } from './stored-request.js';

/** Rows that were read earlier are checked again, because a customer may have withdrawn consent meanwhile. */
const MAX_AGE_MS = milliseconds('5 s');

export interface PartDeliveryOptions {
  store: Pick<JobStore, 'postpone' | 'finish'>;
  bulk: Pick<Bulk, 'handOver'>;
  outlet: Outlet;
  /** The caller as the settings define it now. */
  currentCaller: (caller: Principal['caller']) => Principal['caller'] | undefined;
  principalOf: (caller: Principal['caller'], purpose: StoredRequest['purpose']) => Principal;
  auditor: Pick<Auditor, 'write'> | undefined;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** A part to answer and to send. */
export interface PartToDeliver {
  leased: LeasedPart;
  stored: StoredRequest;
  request: Omit<BulkRequest, 'principal'>;
  endpoint: string;
  /** Answers the lines of the part. */
  answer: (principal: Principal) => Promise<StoredRow[]>;
  count: (rows: readonly Pick<StoredRow, 'row'>[]) => Omit<PartResult, 'sealed'>;
  /** Aborted when the part must not be sent. */
  signal: AbortSignal;
}

/**
 * Answers a part and sends it to the endpoint of its job. Its rows are never stored. If the endpoint does not accept it, it is
 * answered again for the next attempt. Returns the reason if the job cannot continue.
 */
export async function deliverPart(
  { leased, stored, request, endpoint, answer, count, signal }: PartToDeliver,
  options: PartDeliveryOptions,
): Promise<string | undefined> {
  const { store, bulk, outlet, principalOf, auditor, now } = options;
  const { job, part, parts, refusals } = leased;
  const { runnable, requestId } = request;
  const caller = options.currentCaller(stored.caller);
  if (caller === undefined || !outlet.allows(endpoint, caller.name))
    return `The caller may no longer send jobs to the endpoint "${endpoint}".`;
  const principal = principalOf(caller, stored.purpose);
  try {
    checkPermissions(principal, stored, principalOf(stored.caller, stored.purpose), runnable);
  } catch (error) {
    if (error instanceof GraphQLError) return error.message;
    throw error;
  }
  // The part is not read before it can be sent.
  const reserved = await outlet.reserve(endpoint);
  if ('reason' in reserved) return reserved.reason;
  if ('waitMs' in reserved) {
    await store.postpone(leased, now() + reserved.waitMs, false);
    return undefined;
  }
  try {
    const startedAt = now();
    const answered = await answer(principal);
    const isOld = now() - startedAt > MAX_AGE_MS;
    const checked = isOld ? bulk.handOver(answered, { ...request, principal }, { signal }) : undefined;
    const rows: Row[] = checked === undefined ? answered.map(({ row }) => row) : [];
    if (checked !== undefined) for await (const row of checked) rows.push(row);
    if (signal.aborted) return undefined;
    const act = { id: job, act: 'deliver', lines: rows.length, endpoint } as const;
    await auditJob(auditor, stored.audited, { principal, requestId }, act);
    const sent = await reserved.send({
      id: `${job}-${part}`,
      refusals,
      body: JSON.stringify({
        type: 'bulk.rows',
        timestamp: new Date(now()).toISOString(),
        data: { job, operation: runnable.operation.name, part, parts, rows },
      }),
    });
    if (sent.outcome === 'delivered')
      await store.finish(leased, { sealed: '', ...count(rows.map((row) => ({ row }))) });
    else if (sent.retryAt === undefined)
      return `The endpoint "${endpoint}" did not accept part ${part} (${sent.reason}).`;
    else await store.postpone(leased, sent.retryAt, true);
    return undefined;
  } finally {
    reserved.end();
  }
}
