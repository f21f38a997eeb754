import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../telemetry/logger.js';
import { createPump, type Pump } from '../webhooks/deliver-pump.js';
import type { Bulk, BulkRequest } from './bulk.js';
import type { StoredRow } from './hand-over.js';
import { sealToKey } from './job-key.js';
import { placeOf, sumErrors, type JobStore, type LeasedPart } from './job-store.js';
import type { InputLine } from './read-lines.js';
import { readRequest } from './stored-request.js';

/** After this time without a renewal, another instance takes a part over. */
const LEASE_MS = 60_000;
const RENEWALS_PER_LEASE = 3;
const CONCURRENT_PARTS = 2;
const POLL_MS = 1_000;
const SWEEP_INTERVAL_MS = 60_000;
/** A part that ends the process this many times is not tried again. */
const MAX_ATTEMPTS = 5;

export interface JobWorkerOptions {
  store: JobStore;
  bulk: Pick<Bulk, 'find' | 'run'>;
  principalOf: (caller: BulkRequest['principal']['caller'], purpose: Purpose) => BulkRequest['principal'];
  logger: Pick<Logger, 'info' | 'error'>;
  /** Default: a minute. */
  leaseMs?: number;
  /** Default: a second. */
  pollMs?: number;
}

type Purpose = BulkRequest['principal']['audience']['purpose'];

export interface JobWorker extends Pick<Pump, 'wake'> {
  /** Returns the parts in progress to the store, for other instances. */
  close(): Promise<void>;
}

/** Answers the parts of jobs. Each instance has one; they share the parts through leases. */
export function createJobWorker(options: JobWorkerOptions): JobWorker {
  const { store, bulk, principalOf, logger, leaseMs = LEASE_MS, pollMs = POLL_MS } = options;
  const closing = new AbortController();

  /** Throws if the operation can no longer run. */
  async function answer(
    { job, part, publicKey }: LeasedPart,
    content: NonNullable<LeasedPart['content']>,
    signal: AbortSignal,
  ) {
    const { operation, variables, caller, purpose } = readRequest(content.request);
    const runnable = bulk.find(operation);
    // The gateway has written and sealed it, in `Jobs.submit`.
    const lines = JSON.parse(content.lines) as InputLine[];
    const request = {
      runnable,
      variables,
      principal: principalOf(caller, purpose),
      requestId: `${job}-${part}`,
    };
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
    return {
      sealed: sealToKey(publicKey, JSON.stringify(rows), placeOf(job, part)),
      failed: rows.filter(({ row: { errors = [] } }) => errors.length > 0).length,
      errors: errorsOf(rows),
    };
  }

  async function work(leased: LeasedPart): Promise<void> {
    const { job, part, attempts, content } = leased;
    if (content === undefined || attempts > MAX_ATTEMPTS) {
      const reason =
        content === undefined
          ? 'The lines cannot be read: WEBHOOK_SECRET has changed.'
          : `Part ${part} could not be answered in ${MAX_ATTEMPTS} attempts.`;
      await store.fail(job, reason);
      logger.error({ job, reason }, 'a bulk job failed');
      return;
    }
    const lost = new AbortController();
    const signal = AbortSignal.any([closing.signal, lost.signal]);
    const renewing = setInterval(() => {
      // If the store is unavailable, the next renewal tries again.
      void store.renew(leased, leaseMs).then(
        (isHeld) => {
          if (!isHeld) lost.abort();
        },
        () => undefined,
      );
    }, leaseMs / RENEWALS_PER_LEASE);
    // A cancelled answer may be pending until its deadline.
    const aborted = new Promise<undefined>((resolve) => {
      signal.addEventListener(
        'abort',
        () => {
          resolve(undefined);
        },
        { once: true },
      );
    });
    try {
      const result = await Promise.race([answer(leased, content, signal), aborted]);
      // A cancelled answer has errors that are not results.
      if (result !== undefined && !signal.aborted) await store.finish(leased, result);
    } catch (error) {
      if (!signal.aborted)
        logger.error(
          { job, part, reason: error instanceof Error ? error.name : 'unknown' },
          'a part of a bulk job was not answered: it is tried again when its lease ends',
        );
    } finally {
      clearInterval(renewing);
    }
    if (closing.signal.aborted) await store.release(leased);
  }

  const pump = createPump<LeasedPart>({
    concurrency: CONCURRENT_PARTS,
    pollMs,
    take: (limit) => store.lease(limit, leaseMs),
    // If the store is unavailable, the lease ends, and the part is tried again.
    work: (leased) => work(leased).catch(() => undefined),
    onTaken: () => undefined,
  });
  const sweep = () => void store.sweep().catch(() => undefined);
  sweep();
  const sweeping = setInterval(sweep, SWEEP_INTERVAL_MS);
  pump.wake();
  return {
    wake: pump.wake,
    close: async () => {
      clearInterval(sweeping);
      closing.abort();
      await pump.close();
    },
  };
}

function errorsOf(rows: readonly StoredRow[]) {
  return sumErrors(
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
}
