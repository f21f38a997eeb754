import { REMEDIES, type FailureKind, type Received, type Requested } from '../diagnosis.js';
import { SourceError } from '../errors.js';
import type { Logger } from './logger.js';

/** One kind of failure is logged at most this often. */
const LOG_EVERY_MS = 60_000;
/** A failure is shown for this long after it happened last. */
const SHOWN_FOR_MS = 10 * 60_000;

/** They follow from other failures or from our own limits, and say nothing of what the system answers. */
const CONSEQUENCES: ReadonlySet<FailureKind> = new Set([
  'breaker-open',
  'deadline',
  'own-limit',
  'gateway-stopping',
]);

/** What is known of a failed call. It holds no personal value and no secret. */
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
   * Reports a failure to the operator. A failure is reported once, however often it is explained; an error that is no
   * SourceError never.
   */
  report: (error: unknown, loader?: string) => void;
  /** The last failure of each source in the last ten minutes, with its moment (ISO 8601). */
  recent: () => (FailureReport & { at: string })[];
}

export interface SourceFailuresOptions {
  logger: Pick<Logger, 'warn'>;
  count: (source: string, code: string, kind: FailureKind) => void;
  clock?: { now(): number };
}

/** Logs and counts the failures of source systems, and remembers the last of each. */
export function createSourceFailures({
  logger,
  count,
  clock = performance,
}: SourceFailuresOptions): SourceFailures {
  const reported = new WeakSet<SourceError>();
  /** By source, code, kind, and loader where that matters: all from closed lists. */
  const logged = new Map<string, { at: number; suppressed: number }>();
  const last = new Map<string, { at: number; report: FailureReport & { at: string } }>();

  const isRecent = (at: number) => clock.now() - at < SHOWN_FOR_MS;

  const remember = (report: FailureReport): void => {
    const known = last.get(report.source);
    if (CONSEQUENCES.has(report.kind) && known !== undefined && isRecent(known.at)) return;
    last.set(report.source, { at: clock.now(), report: { ...report, at: new Date().toISOString() } });
  };

  const log = (report: FailureReport, isOfSystem: boolean): void => {
    const { source, code, kind, loader = '' } = report;
    // A system that is down fails all loaders alike; a missing table fails those that read it.
    const key = [source, code, kind, isOfSystem ? '' : loader].join(' ');
    const now = clock.now();
    const known = logged.get(key);
    if (known !== undefined && now - known.at < LOG_EVERY_MS) {
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
      remember(report);
      log(report, failure.retryable);
    },
    recent: () => [...last.values()].filter(({ at }) => isRecent(at)).map(({ report }) => report),
  };
}
