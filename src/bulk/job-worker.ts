import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../telemetry/logger.js';
import { createPump, type Pump } from '../webhooks/deliver-pump.js';
import type { Bulk, BulkRequest } from './bulk.js';
import { deliverPart, type PartDeliveryOptions } from './deliver-part.js';
import type { StoredRow } from './hand-over.js';
import { sealToKey } from './job-key.js';
import { placeOf, sumErrors, type JobStore, type LeasedPart } from './job-store.js';
import type { InputLine } from './read-lines.js';
import { readRequest, type StoredRequest } from './stored-request.js';

/** After this time without a renewal, another instance takes a part over. */
const LEASE_MS = 60_000;
const RENEWALS_PER_LEASE = 3;
const CONCURRENT_PARTS = 2;
const POLL_MS = 1_000;
const SWEEP_INTERVAL_MS = 60_000;
/** A part that ends the process this many times is not tried again. */
const MAX_ATTEMPTS = 5;

export interface JobWorkerOptions extends Omit<PartDeliveryOptions, 'now'> {
  store: JobStore;
  bulk: Pick<Bulk, 'find' | 'run' | 'handOver'>;
  /** Notifies endpoints of jobs that have ended. */
  announce: () => Promise<void>;
  logger: Pick<Logger, 'info' | 'error'>;
  /** Default: a minute. */
  leaseMs?: number;
  /** Default: a second. */
  pollMs?: number;
  /** Milliseconds since 1970. */
  now?: () => number;
}

export interface JobWorker extends Pick<Pump, 'wake'> {
  /** Returns the parts in progress to the store, for other instances. */
  close(): Promise<void>;
}

/** Answers the parts of jobs. Each instance has one; they share the parts through leases. */
export function createJobWorker(options: JobWorkerOptions): JobWorker {
  const { store, bulk, principalOf, logger, announce, leaseMs = LEASE_MS, pollMs = POLL_MS } = options;
  const { now = Date.now } = options;
  const closing = new AbortController();

  async function answer(
    lines: readonly InputLine[],
    request: BulkRequest,
    signal: AbortSignal,
  ): Promise<StoredRow[]> {
    const run = bulk.run(lines, request, {
      signal,
      firstSize: Infinity,
      wait: (ms) => sleep(ms, undefined, { signal }),
    });
    const rows: StoredRow[] = [];
    for await (const row of run) {
      const key = lines[rows.length]?.key;
      rows.push({ row, ...(key === undefined ? {} : { key }) });
    }
    return rows;
  }

  /** Answers a part, and stores or sends its rows. Returns the reason if the job cannot continue. Throws if it cannot run. */
  async function process(
    leased: LeasedPart,
    content: NonNullable<LeasedPart['content']>,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { job, part, publicKey } = leased;
    const stored: StoredRequest = readRequest(content.request);
    const { operation, variables, caller, purpose, deliverTo: endpoint } = stored;
    const runnable = bulk.find(operation);
    // The gateway has written and sealed it, in `Jobs.submit`.
    const lines = JSON.parse(content.lines) as InputLine[];
    const request = { runnable, variables, requestId: `${job}-${part}` };
    const cancelled = rejectOnAbort(signal);
    const answerAs = (principal: BulkRequest['principal']) =>
      Promise.race([answer(lines, { ...request, principal }, signal), cancelled]);
    if (endpoint !== undefined)
      return deliverPart(
        { ...{ leased, stored, request, endpoint, signal }, answer: answerAs, count: countErrors },
        { ...options, now },
      );
    const rows = await answerAs(principalOf(caller, purpose));
    const sealed = sealToKey(publicKey, JSON.stringify(rows), placeOf(job, part));
    // A cancelled answer has errors that are not results.
    if (!signal.aborted) await store.finish(leased, { sealed, ...countErrors(rows) });
    return undefined;
  }

  async function fail(job: string, reason: string): Promise<void> {
    await store.fail(job, reason);
    logger.error({ job, reason }, 'a bulk job failed');
  }

  async function work(leased: LeasedPart): Promise<void> {
    const { job, part, attempts, content } = leased;
    if (content === undefined || attempts > MAX_ATTEMPTS) {
      const reason =
        content === undefined
          ? 'The lines cannot be read: WEBHOOK_SECRET has changed.'
          : `Part ${part} could not be answered in ${MAX_ATTEMPTS} attempts.`;
      await fail(job, reason);
      return;
    }
    const { signal, stop } = renewLease(store, leased, { leaseMs, closing: closing.signal });
    try {
      const reason = await process(leased, content, signal);
      if (reason !== undefined) await fail(job, reason);
    } catch (error) {
      if (!signal.aborted)
        logger.error(
          { job, part, reason: error instanceof Error ? error.name : 'unknown' },
          'a part of a bulk job was not answered: it is tried again when its lease ends',
        );
    } finally {
      stop();
    }
    if (closing.signal.aborted) await store.release(leased);
  }

  const pump = createPump<LeasedPart>({
    concurrency: CONCURRENT_PARTS,
    pollMs,
    take: (limit) => store.lease(limit, leaseMs),
    // If the store is unavailable, the lease ends, and the part is tried again.
    work: (leased) =>
      work(leased)
        .then(announce)
        .catch(() => undefined),
    onTaken: () => undefined,
  });
  const notifyNow = () => void announce().catch(() => undefined);
  const sweep = () =>
    void store
      .sweep()
      .then(announce)
      .catch(() => undefined);
  sweep();
  const sweeping = setInterval(sweep, SWEEP_INTERVAL_MS);
  pump.wake();
  return {
    wake: () => {
      pump.wake();
      notifyNow();
    },
    close: async () => {
      clearInterval(sweeping);
      closing.abort();
      await pump.close();
    },
  };
}

/** Renews the lease of a part until it is stopped. The signal aborts when the lease is lost, or when the worker closes. */
function renewLease(
  store: Pick<JobStore, 'renew'>,
  leased: LeasedPart,
  { leaseMs, closing }: { leaseMs: number; closing: AbortSignal },
): { signal: AbortSignal; stop: () => void } {
  const lost = new AbortController();
  const renewing = setInterval(() => {
    // If the store is unavailable, the next renewal tries again.
    void store.renew(leased, leaseMs).then(
      (isHeld) => {
        if (!isHeld) lost.abort();
      },
      () => undefined,
    );
  }, leaseMs / RENEWALS_PER_LEASE);
  return {
    signal: AbortSignal.any([closing, lost.signal]),
    stop: () => {
      clearInterval(renewing);
    },
  };
}

/** Rejects when the signal aborts, because a cancelled answer may never end. */
function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const aborted = new Promise<never>((_, reject) => {
    const cancel = () => {
      reject(new Error('The part is no longer answered here.'));
    };
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
  });
  aborted.catch(() => undefined);
  return aborted;
}

function countErrors(rows: readonly Pick<StoredRow, 'row'>[]) {
  const failed = rows.filter(({ row: { errors = [] } }) => errors.length > 0).length;
  const errors = sumErrors(
    rows.flatMap(({ row: { errors = [] } }) =>
      // A line counts once for each kind of error.
      sumErrors(
        errors.map(({ extensions: { code, source } }) => ({
          code: String(code),
          ...(typeof source === 'string' ? { source } : {}),
          lines: 1,
        })),
      ).map((error) => ({ ...error, lines: 1 })),
    ),
  );
  return { failed, errors };
}
