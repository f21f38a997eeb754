import type { EntryState } from '../cache/cache.js';

/** Records where a request's values came from and how old they are, for the report about each source. */

/** Worst first: a source is `failed` if one of its answers failed. */
const STATUSES = ['failed', 'stale', 'live', 'cached', 'skipped'] as const;
export type SourceStatus = (typeof STATUSES)[number];

/** The entry of one source in `extensions.sources`. */
export interface SourceReport {
  /**
   * `live`: called for this request. `cached`: cached and fresh. `stale`: cached and no longer fresh. `skipped`:
   * not needed.
   */
  status: SourceStatus;
  /** Age of the oldest answer, in seconds. */
  age: number;
  /** Calls to the system that loaded keys of this request. */
  calls: number;
  /** Answers that the request got from the source. */
  records: number;
  /** Number of retries. */
  retries: number;
  /** Milliseconds from the start of the request to its first call. */
  startedMs: number;
  /** Milliseconds from the first call to the last answer. */
  durationMs: number;
}

/** The calls made for one batch. Several requests may wait for it. */
export interface BatchCalls {
  readonly loader: string;
  /** The most keys in one batch of this loader. */
  readonly maxKeys: number;
  readonly slots: { readonly length: number };
  calls: number;
  readonly scope: { readonly retries: number };
}

/** Where answers came from. All members are always present, because objects of one shape are read faster. */
export interface Origin {
  source: string;
  status: Exclude<SourceStatus, 'skipped'>;
  /** Number of answers. 0 for a key that could not be loaded. */
  records: number;
  ageMs: number;
  /** Milliseconds that all of the answers stay fresh; 0 or less when one is stale. */
  freshMs: number;
  /** When the keys were requested, by the engine's clock. */
  startedAt: number;
  batchCalls: BatchCalls | undefined;
  /** Set when the one answer was cached and fresh. */
  entryState: EntryState | undefined;
}

/** The origin of an answer that could not be loaded. */
export function failedOrigin(source: string, startedAt: number, batchCalls?: BatchCalls): Origin {
  return {
    source,
    status: 'failed',
    records: 0,
    ageMs: 0,
    freshMs: 0,
    startedAt,
    batchCalls,
    entryState: undefined,
  };
}

/** A cached answer that was used to build a response. */
export interface Part {
  source: string;
  entryState: EntryState;
}

/** A response of more parts than this is not cached. */
const MAX_PARTS = 2_000;

export interface Provenance {
  note(origin: Origin): void;
  /** Age of the oldest answer, and how long all answers stay fresh. Undefined when no source was needed. */
  freshness(): { ageMs: number; freshMs: number } | undefined;
  /**
   * The cached answers that the response was built from. Undefined if one of them was not cached and fresh, or if
   * there are too many.
   */
  parts(): readonly Part[] | undefined;
  /** The status of each source that was needed. */
  statuses(): Record<string, Exclude<SourceStatus, 'skipped'>>;
  /**
   * The reports by source. Listed sources that were not needed are `skipped`. Empty unless details were
   * requested.
   */
  report(all: readonly string[]): Record<string, SourceReport>;
  /** The batches of each source, and how many of its answers were cached. Empty unless details were requested. */
  batches(): readonly SourceBatches[];
}

/** What one request loaded from a source. */
export interface SourceBatches {
  source: string;
  batches: readonly BatchCalls[];
  records: number;
  /** The records that no call was needed for. */
  cachedRecords: number;
}

interface Noted {
  report: SourceReport;
  startedAt: number;
  endedAt: number;
  batches: Set<BatchCalls>;
  cachedRecords: number;
}

/** Without details, this costs a few comparisons for each answer. */
export function createProvenance(clock: { now(): number }, { details }: { details: boolean }): Provenance {
  const createdAt = clock.now();
  const noted = new Map<string, Noted>();
  const worst = new Map<string, Origin['status']>();
  let oldestMs = -1;
  let freshMs = Infinity;
  let parts: Part[] | undefined = [];
  return {
    note: (origin) => {
      const { source, status, entryState } = origin;
      if (origin.ageMs > oldestMs) oldestMs = origin.ageMs;
      if (origin.freshMs < freshMs) freshMs = origin.freshMs;
      if (entryState === undefined || parts?.length === MAX_PARTS) parts = undefined;
      else parts?.push({ source, entryState });
      const known = worst.get(source);
      if (known !== status && (known === undefined || isWorse(status, known))) worst.set(source, status);
      if (!details) return;
      let entry = noted.get(origin.source);
      if (entry === undefined) {
        entry = {
          ...{ report: emptyReport(), startedAt: origin.startedAt, endedAt: 0 },
          ...{ batches: new Set(), cachedRecords: 0 },
        };
        noted.set(origin.source, entry);
      }
      const { report } = entry;
      if (isWorse(origin.status, report.status)) report.status = origin.status;
      report.age = Math.max(report.age, Math.floor(origin.ageMs / 1000));
      report.records += origin.records;
      entry.startedAt = Math.min(entry.startedAt, origin.startedAt);
      entry.endedAt = Math.max(entry.endedAt, clock.now());
      if (origin.batchCalls !== undefined) entry.batches.add(origin.batchCalls);
      if (status === 'cached' || status === 'stale') entry.cachedRecords += origin.records;
    },
    freshness: () => (oldestMs < 0 ? undefined : { ageMs: oldestMs, freshMs: Math.max(0, freshMs) }),
    parts: () => parts,
    statuses: () => {
      const all: Record<string, Origin['status']> = {};
      for (const [source, status] of worst) all[source] = status;
      return all;
    },
    report: (all) => {
      if (!details) return {};
      const reports: Record<string, SourceReport> = {};
      for (const source of all) {
        const entry = noted.get(source);
        reports[source] =
          entry === undefined
            ? emptyReport()
            : {
                ...entry.report,
                calls: sum(entry.batches, ({ calls }) => calls),
                retries: sum(entry.batches, ({ scope }) => scope.retries),
                startedMs: toTenths(entry.startedAt - createdAt),
                durationMs: toTenths(entry.endedAt - entry.startedAt),
              };
      }
      return reports;
    },
    batches: () =>
      [...noted].map(([source, { batches, report, cachedRecords }]) => ({
        ...{ source, batches: [...batches], records: report.records, cachedRecords },
      })),
  };
}

function isWorse(status: SourceStatus, other: SourceStatus): boolean {
  return STATUSES.indexOf(status) < STATUSES.indexOf(other);
}

function emptyReport(): SourceReport {
  return { status: 'skipped', age: 0, calls: 0, records: 0, retries: 0, startedMs: 0, durationMs: 0 };
}

function sum<T>(items: Iterable<T>, valueOf: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += valueOf(item);
  return total;
}

function toTenths(value: number): number {
  return Math.round(value * 10) / 10;
}
