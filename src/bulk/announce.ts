import { GATEWAY_SOURCE, type SourceEvent } from '../webhooks/event.js';
import type { EndedJob, JobStore } from './job-store.js';

/** Jobs that are announced together. */
const MAX_JOBS = 100;

export interface AnnouncerOptions {
  store: Pick<JobStore, 'unnotified' | 'progress' | 'markNotified'>;
  /** Adds events to the store of webhooks, which sends them to their endpoints. A repeated event is added once. */
  add: (events: readonly SourceEvent[]) => Promise<unknown>;
}

/**
 * Returns a function that sends `bulk.finished` to the endpoints of jobs that have ended. If the process ends between the steps,
 * or if two instances announce the same job, the event is still added once.
 */
export function createAnnouncer({ store, add }: AnnouncerOptions): () => Promise<void> {
  return async () => {
    const jobs = await store.unnotified(MAX_JOBS);
    for (const job of jobs) {
      await add([await eventOf(job, store)]);
      await store.markNotified(job.id);
    }
  };
}

async function eventOf(
  { id, state, reason, lines, operation, endpoint, endedAt }: EndedJob,
  store: Pick<JobStore, 'progress'>,
): Promise<SourceEvent> {
  const { answered, failed } = await store.progress({ id, parts: 0 });
  return {
    ...{ id, subject: id, source: GATEWAY_SOURCE, type: 'bulk.finished' },
    time: new Date(endedAt).toISOString(),
    identifiers: {},
    data: {
      endpoint,
      job: id,
      operation,
      state,
      ...(reason === '' ? {} : { reason }),
      lines,
      answered,
      failed,
    },
  };
}
