import cluster, { type Worker } from 'node:cluster';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../telemetry/logger.js';
import type { MetricValues } from '../telemetry/worker-metrics.js';
import type { Started } from './started.js';
import { WORKER_NUMBER, type PrimaryMessage, type WorkerMessage } from './messages.js';

/** Pause before the first restart of a worker. It doubles with each further restart. */
const MIN_RESTART_PAUSE_MS = 100;
/** Maximum pause before a restart. */
const MAX_RESTART_PAUSE_MS = 30_000;
/** After a worker ran for this long, the pause starts at its minimum again. */
const STABLE_AFTER_MS = 60_000;
/** If a worker does not send its metrics within this time, the answer omits them. */
const METRICS_TIMEOUT_MS = 1_000;

export interface WorkersOptions {
  count: number;
  /** A worker that does not stop within this time is killed. */
  stopWithinMs: number;
  logger: Logger;
  /** Called once, when all workers accept requests. */
  onStarted: (started: Started) => void;
}

/**
 * Processes that answer on one port. The primary process passes connections to them, and answers no requests itself.
 */
export interface Workers {
  /** Lets the workers answer their in-flight requests, then stop. */
  stop(): void;
  /** Lets each worker read its files again. */
  reload(): void;
  /** Resolves with the exit code when the last worker has ended. If a worker cannot start, all workers are stopped. */
  ended: Promise<number>;
}

export function startWorkers({ count, stopWithinMs, logger, onStarted }: WorkersOptions): Workers {
  const running = new Map<number, Worker>();
  const listening = new Map<number, Worker>();
  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  let haveAllStarted = false;
  let exitCode = 0;
  let slotCount = 0;
  let resolveEnded: (code: number) => void;
  const ended = new Promise<number>((resolve) => (resolveEnded = resolve));
  const metrics = createMetricsCollector(listening);

  if (count > availableParallelism())
    logger.warn(
      { workers: count, cores: availableParallelism() },
      'there are more workers than cores: they need memory and are not faster. Set WORKERS to the number of cores',
    );
  // With JSON, NaN and infinite metrics would arrive as null.
  cluster.setupPrimary({ serialization: 'advanced' });

  const stop = (): void => {
    if (isStopping()) return;
    stopping.abort();
    for (const worker of running.values()) worker.process.kill('SIGTERM');
    setTimeout(() => {
      for (const [number, worker] of running) {
        logger.error({ worker: number }, 'a worker did not stop in time and is killed');
        worker.process.kill('SIGKILL');
      }
    }, stopWithinMs).unref();
  };

  /** Runs a worker. Resolves with its exit code. */
  const run = (number: number): Promise<number> => {
    const worker = cluster.fork({
      // All workers get the number that the primary has read, even if a file with it changes.
      WORKERS: String(count),
      WORKERS_FILE: '',
      [WORKER_NUMBER]: String(number),
    });
    running.set(number, worker);
    // Only the worker can write to this channel, so messages need no check.
    worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'started') onListening(number, worker, message.started);
      else if (message.type === 'values') metrics.received(message.id, message.values);
      else
        void metrics.gather().then((values) => {
          send(worker, { type: 'gathered', values });
        });
    });
    return new Promise((resolve) => {
      const end = (code: number): void => {
        running.delete(number);
        listening.delete(number);
        resolve(code);
      };
      worker.once('exit', (code: number | null, signal: string | null) => {
        // Before a worker handles signals, SIGTERM ends it without an exit code.
        end(code ?? (isStopping() && signal === 'SIGTERM' ? 0 : 1));
      });
      worker.on('error', (error) => {
        logger.error({ worker: number, reason: error.message }, 'a worker cannot be reached');
        if (worker.process.pid === undefined) end(1);
      });
    });
  };

  /** Runs a worker, and restarts it each time it ends, until all workers are stopped. */
  const runAlways = async (number: number): Promise<void> => {
    slotCount += 1;
    for (
      let pauseMs = MIN_RESTART_PAUSE_MS;
      !isStopping();
      pauseMs = Math.min(pauseMs * 2, MAX_RESTART_PAUSE_MS)
    ) {
      const startedAt = performance.now();
      const code = await run(number);
      if (isStopping() || !haveAllStarted) {
        exitCode ||= isStopping() ? code : code || 1;
        stop();
        break;
      }
      if (performance.now() - startedAt >= STABLE_AFTER_MS) pauseMs = MIN_RESTART_PAUSE_MS;
      logger.error({ worker: number, code, pauseMs }, 'a worker has ended: it is restarted after the pause');
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    slotCount -= 1;
    if (slotCount === 0) resolveEnded(exitCode);
  };

  const onListening = (number: number, worker: Worker, started: Started): void => {
    listening.set(number, worker);
    if (haveAllStarted) {
      logger.info({ worker: number }, 'a worker was restarted');
      return;
    }
    // The first worker checks the settings alone, so that each problem is reported once.
    if (number === 1) for (let next = 2; next <= count; next += 1) void runAlways(next);
    if (listening.size < count) return;
    haveAllStarted = true;
    onStarted(started);
  };

  void runAlways(1);
  const reload = (): void => {
    for (const worker of listening.values()) worker.process.kill('SIGHUP');
  };
  return { stop, reload, ended };
}

function send(worker: Worker, message: PrimaryMessage): void {
  // A worker that is ending needs no message.
  if (worker.isConnected()) worker.send(message, () => undefined);
}

/** Requests the metrics of all workers. */
function createMetricsCollector(workers: ReadonlyMap<number, Worker>) {
  const pending = new Map<number, (values: MetricValues) => void>();
  let lastId = 0;
  const valuesOf = (worker: Worker): Promise<MetricValues | undefined> =>
    new Promise((resolve) => {
      const id = (lastId += 1);
      const done = (values?: MetricValues): void => {
        pending.delete(id);
        clearTimeout(timer);
        resolve(values);
      };
      const timer = setTimeout(done, METRICS_TIMEOUT_MS);
      pending.set(id, done);
      send(worker, { type: 'count', id });
    });
  return {
    received: (id: number, values: MetricValues) => pending.get(id)?.(values),
    gather: async (): Promise<ReadonlyMap<number, MetricValues>> => {
      const all = await Promise.all(
        [...workers].map(async ([number, worker]) => [number, await valuesOf(worker)] as const),
      );
      return new Map(all.flatMap(([number, values]) => (values === undefined ? [] : [[number, values]])));
    },
  };
}
