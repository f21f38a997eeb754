import type { EntryState } from '../cache/cache.js';

/** Where a request's values came from and how old they are: what it tells its caller about each source. */

/** Worst first: a source of which one part failed has failed. */
const STATUSES = ['failed', 'stale', 'live', 'cached', 'skipped'] as const;
export type SourceStatus = (typeof STATUSES)[number];

/** What `extensions.sources` says about one source. */
export interface SourceReport {
  /** `live`: asked now. `cached`: kept and fresh. `stale`: kept and no longer fresh. `skipped`: not needed. */
  status: SourceStatus;
  /** Seconds since the oldest of the answers was asked for. */
  age: number;
  /** Calls to the system that this request had a part in. */
  calls: number;
  /** Answers that the request took from the source. */
  records: number;
  /** Calls that were made again. */
  retries: number;
  /** Milliseconds from the start of the request to the first question. */
  startedMs: number;
  /** Milliseconds from then to the last answer. */
  durationMs: number;
}

/** The calls made for one batch, which several requests may have waited for. */
export interface Run {
  calls: number;
  readonly scope: { readonly retries: number };
}

/** Where one answer came from. Every member is always there: one is noted for each answer, and objects of one form are read faster. */
export interface Origin {
  source: string;
  status: Exclude<SourceStatus, 'skipped'>;
  ageMs: number;
  /** Milliseconds that the answer stays fresh; none when it is not. */
  freshMs: number;
  /** When the question was put, by the engine's clock. */
  startedAt: number;
  run: Run | undefined;
  /** Of an answer that was kept in memory, and fresh. */
  entryState: EntryState | undefined;
}

/** Of an answer that did not come. */
export function failedOrigin(source: string, startedAt: number, run?: Run): Origin {
  return { source, status: 'failed', ageMs: 0, freshMs: 0, startedAt, run, entryState: undefined };
}

/** Something that an answer was made of. */
export interface Part {
  source: string;
  entryState: EntryState;
}

/** What is made of more is made anew each time. */
const MAX_PARTS = 2_000;

export interface Provenance {
  note(origin: Origin): void;
  /** Age of the oldest answer, and for how long all are fresh. Undefined when no source was asked for anything. */
  freshness(): { ageMs: number; freshMs: number } | undefined;
  /** What the answer was made of; undefined when not all of it was kept in memory, and fresh, or it is very much. */
  parts(): readonly Part[] | undefined;
  /** How each source that was needed answered. */
  statuses(): Record<string, Exclude<SourceStatus, 'skipped'>>;
  /** By source; those in the list that were not needed are `skipped`. Empty unless details were asked for. */
  report(all: readonly string[]): Record<string, SourceReport>;
}

interface Noted {
  report: SourceReport;
  startedAt: number;
  endedAt: number;
  runs: Set<Run>;
}

/** What it takes when nobody asks for the details is a few comparisons an answer. */
export function createProvenance(clock: { now(): number }, { details }: { details: boolean }): Provenance {
  const begunAt = clock.now();
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
      let one = noted.get(origin.source);
      if (one === undefined) {
        one = { report: emptyReport(), startedAt: origin.startedAt, endedAt: 0, runs: new Set() };
        noted.set(origin.source, one);
      }
      const { report } = one;
      if (isWorse(origin.status, report.status)) report.status = origin.status;
      report.age = Math.max(report.age, Math.floor(origin.ageMs / 1000));
      if (origin.status !== 'failed') report.records += 1;
      one.startedAt = Math.min(one.startedAt, origin.startedAt);
      one.endedAt = Math.max(one.endedAt, clock.now());
      if (origin.run !== undefined) one.runs.add(origin.run);
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
      const whole: Record<string, SourceReport> = {};
      for (const source of all) {
        const one = noted.get(source);
        whole[source] =
          one === undefined
            ? emptyReport()
            : {
                ...one.report,
                calls: sum(one.runs, ({ calls }) => calls),
                retries: sum(one.runs, ({ scope }) => scope.retries),
                startedMs: toTenths(one.startedAt - begunAt),
                durationMs: toTenths(one.endedAt - one.startedAt),
              };
      }
      return whole;
    },
  };
}

function isWorse(one: SourceStatus, other: SourceStatus): boolean {
  return STATUSES.indexOf(one) < STATUSES.indexOf(other);
}

function emptyReport(): SourceReport {
  return { status: 'skipped', age: 0, calls: 0, records: 0, retries: 0, startedMs: 0, durationMs: 0 };
}

function sum<T>(all: Iterable<T>, of: (one: T) => number): number {
  let total = 0;
  for (const one of all) total += of(one);
  return total;
}

function toTenths(value: number): number {
  return Math.round(value * 10) / 10;
}
