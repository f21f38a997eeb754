import {
  RATE_PERIOD_MS,
  type JobProgress,
  type JobRecord,
  type JobState,
  type JobStore,
} from './job-store.js';

/** A job, as its caller sees it. */
export interface JobStatus {
  id: string;
  state: JobState;
  /** Why it failed. */
  reason?: string;
  lines: { read: number; answered: number; failed: number };
  errors: JobProgress['errors'];
  /** Results can be fetched up to part `ready`. */
  parts: { all: number; finished: number; ready: number };
  linesPerSecond?: number;
  secondsLeft?: number;
  createdAt: string;
  finishedAt?: string;
  expiresAt: string;
}

/** Reads the progress of a job. `now` is in milliseconds since 1970. */
export async function readStatus(
  store: Pick<JobStore, 'progress'>,
  job: JobRecord,
  now: number,
): Promise<JobStatus> {
  const progress = await store.progress(job);
  const { answered, failed, errors, finishedParts, readyParts, recent } = progress;
  const periodMs = Math.min(RATE_PERIOD_MS, now - (job.startedAt ?? now));
  const perSecond = job.state === 'running' && periodMs > 0 ? (recent / periodMs) * 1_000 : 0;
  return {
    id: job.id,
    state: job.state,
    ...(job.reason === '' ? {} : { reason: job.reason }),
    lines: { read: job.lines, answered, failed },
    errors,
    parts: { all: job.parts, finished: finishedParts, ready: readyParts },
    ...(perSecond === 0
      ? {}
      : {
          linesPerSecond: Math.round(perSecond * 10) / 10,
          secondsLeft: Math.ceil((job.lines - answered) / perSecond),
        }),
    createdAt: timeOf(job.createdAt),
    ...(job.finishedAt === null ? {} : { finishedAt: timeOf(job.finishedAt) }),
    expiresAt: timeOf(job.expiresAt),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
