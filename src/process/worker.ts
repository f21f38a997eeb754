import { textOfWorkers, type MetricValues } from '../telemetry/worker-metrics.js';
import type { Started } from './started.js';
import { WORKER_NUMBER, type PrimaryMessage, type WorkerMessage } from './messages.js';
import type { Worker } from './share.js';

/** A worker's way to the primary process, and by it to the others. */
export interface PrimaryLink extends Worker {
  /** What all workers have counted, in the text format of Prometheus. */
  metricsOfAll: () => Promise<string>;
  /** Requests are taken from now on. `values` tells what this worker has counted. */
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
      // Nobody else can write to this channel.
      process.on('message', (message: PrimaryMessage) => {
        if (message.type === 'gathered') for (const tell of waiting.splice(0)) tell(message.values);
        else
          void values().then((counted) => {
            send({ type: 'values', id: message.id, values: counted });
          });
      });
      send({ type: 'started', started });
    },
  };
}
