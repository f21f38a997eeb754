import { textOfWorkers, type MetricValues } from '../telemetry/worker-metrics.js';
import type { Started } from './started.js';
import { WORKER_NUMBER, type PrimaryMessage, type WorkerMessage } from './messages.js';
import type { Worker } from './share.js';

/** The link of a worker to the primary process, and through it to the other workers. */
export interface PrimaryLink extends Worker {
  /** Returns the metrics of all workers, in the text format of Prometheus. */
  metricsOfAll: () => Promise<string>;
  /** Reports that this worker accepts requests. `values` returns its metrics. */
  started(started: Started, values: () => Promise<MetricValues>): void;
}

export function linkToPrimary(count: number): PrimaryLink {
  const waiting: ((values: ReadonlyMap<number, MetricValues>) => void)[] = [];
  const send = (message: WorkerMessage) => process.send?.(message);
  return {
    number: Number(process.env[WORKER_NUMBER]),
    count,
    metricsOfAll: async () => {
      const gathered = new Promise<ReadonlyMap<number, MetricValues>>((resolve) => waiting.push(resolve));
      send({ type: 'gather' });
      return textOfWorkers(await gathered);
    },
    started: (started, values) => {
      // Only the primary can write to this channel, so messages need no check.
      process.on('message', (message: PrimaryMessage) => {
        if (message.type === 'gathered') for (const resolve of waiting.splice(0)) resolve(message.values);
        else
          void values().then((counted) => {
            send({ type: 'values', id: message.id, values: counted });
          });
      });
      send({ type: 'started', started });
    },
  };
}
