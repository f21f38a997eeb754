import type { MetricValues } from '../telemetry/worker-metrics.js';
import type { Started } from './started.js';

/** The environment variable with the number of a worker. */
export const WORKER_NUMBER = 'WORKER_NUMBER';

/** A message from a worker to the primary. */
export type WorkerMessage =
  | { type: 'started'; started: Started }
  /** Requests the metrics of all workers. */
  | { type: 'gather' }
  /** Answers `count` with the metrics of the worker. */
  | { type: 'values'; id: number; values: MetricValues };

/** A message from the primary to a worker. */
export type PrimaryMessage =
  /** Requests the metrics of the worker. */
  | { type: 'count'; id: number }
  /** Answers `gather` with the metrics of all workers, by their numbers. */
  | { type: 'gathered'; values: ReadonlyMap<number, MetricValues> };
