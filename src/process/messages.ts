import type { MetricValues } from '../telemetry/worker-metrics.js';
import type { Started } from './started.js';

/** In a worker's environment: the number of the place that it fills. */
export const WORKER_NUMBER = 'WORKER_NUMBER';

/** What a worker says to the primary. */
export type WorkerMessage =
  | { type: 'started'; started: Started }
  /** It wants the metrics of all. */
  | { type: 'gather' }
  | { type: 'values'; id: number; values: MetricValues };

/** What the primary says to a worker. */
export type PrimaryMessage =
  | { type: 'count'; id: number }
  /** The metrics of all, by the worker's number. */
  | { type: 'gathered'; values: ReadonlyMap<number, MetricValues> };
