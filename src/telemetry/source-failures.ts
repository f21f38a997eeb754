import { REMEDIES, type FailureKind, type Received, type Requested } from '../diagnosis.js';
import { SourceError } from '../errors.js';
import type { Logger } from './logger.js';

/** The same kind of failure is logged at most once in this time. */
const LOG_INTERVAL_MS = 60_000;
/** A failure is shown for this long after its last occurrence. */
const MAX_SHOWN_AGE_MS = 10 * 60_000;

/** Kinds that follow from other failures or from the gateway's own limits. They do not explain why a system fails. */
const SECONDARY_KINDS: ReadonlySet<FailureKind> = new Set([
  'breaker-open',
  'deadline',
  'own-limit',
  'gateway-stopping',
]);

/** The diagnosis of a failed call. It contains no personal data and no secrets. */
export interface FailureReport {
  source: string;
  code: string;
  kind: FailureKind;
  loader?: string | undefined;
  requested: Requested;
  received: Received;
  remedy: string;
}

export interface SourceFailures {
  /**
   * Reports a failure to the operator. Each failure is reported once, even if several errors explain it. Only a
   * SourceError is reported.
   */
  report: (error: unknown, loader?: string) => void;
  /** The last failure of each source in the last ten minutes, with its time (ISO 8601). */
  recent: () => (FailureReport & { at: string })[];
}

export interface SourceFailuresOptions {
  logger: Pick<Logger, 'warn'>;
  count: (source: string, code: string, kind: FailureKind) => void;
  clock?: { now(): number };
}

/** Logs and counts the failures of source systems, and stores the last failure of each source. */
export function createSourceFailures({
  logger,
  count,
  clock = performance,
}: SourceFailuresOptions): SourceFailures {
  const reported = new WeakSet<SourceError>();
  /** Logged failures by source, code, kind and sometimes loader. These are closed lists, so the map is bounded. */
  const logged = new Map<string, { at: number; suppressed: number }>();
  const last = new Map<string, { at: number; report: FailureReport & { at: string } }>();

  const isRecent = (at: number) => clock.now() - at < MAX_SHOWN_AGE_MS;

  const storeLast = (report: FailureReport): void => {
    const known = last.get(report.source);
    if (SECONDARY_KINDS.has(report.kind) && known !== undefined && isRecent(known.at)) return;
    last.set(report.source, { at: clock.now(), report: { ...report, at: new Date().toISOString() } });
  };

  const log = (report: FailureReport, affectsAllLoaders: boolean): void => {
    const { source, code, kind, loader = '' } = report;
    // An unavailable system fails all loaders, so its failure is logged once. A missing table fails only some loaders.
    const key = [source, code, kind, affectsAllLoaders ? '' : loader].join(' ');
    const now = clock.now();
    const known = logged.get(key);
    if (known !== undefined && now - known.at < LOG_INTERVAL_MS) {
      known.suppressed += 1;
      return;
    }
    logged.set(key, { at: now, suppressed: 0 });
    logger.warn({ ...report, suppressed: known?.suppressed ?? 0 }, 'a call to a source system failed');
  };

  return {
    report: (error, loader) => {
      if (!(error instanceof SourceError) || reported.has(error.failure)) return;
      const { failure } = error;
      reported.add(failure);
      const { source, code, kind, requested, received } = failure;
      const report = { source, code, kind, loader, requested, received, remedy: REMEDIES[kind] };
      count(source, code, kind);
      storeLast(report);
      log(report, failure.retryable);
    },
    recent: () => [...last.values()].filter(({ at }) => isRecent(at)).map(({ report }) => report),
  };
}
