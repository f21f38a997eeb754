import cluster, { type Worker } from 'node:cluster';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../telemetry/logger.js';
import type { MetricValues } from '../telemetry/worker-metrics.js';
import type { Started } from './started.js';
import { WORKER_NUMBER, type PrimaryMessage, type WorkerMessage } from './messages.js';

/** Before a worker that died is replaced: the first pause, and the longest when it dies again and again. */
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 30_000;
/** Who has lived for so long does not die again and again. */
const STEADY_MS = 60_000;
/** Who does not say in time what it has counted is left out. */
const COUNTS_WITHIN_MS = 1_000;

export interface WorkersOptions {
  count: number;
  /** Who has not ended so long after it was told to stop is killed. */
  stopWithinMs: number;
  logger: Logger;
  /** Told once, when all of them take requests. */
  onStarted: (started: Started) => void;
}

/** The processes that answer on one port. This one, the primary, hands them connections and answers none itself. */
export interface Workers {
  /** Has them answer what is under way, and end. */
  stop(): void;
  /** The exit code, when the last has ended. A worker that cannot start ends them all. */
  ended: Promise<number>;
}

export function startWorkers({ count, stopWithinMs, logger, onStarted }: WorkersOptions): Workers {
  const running = new Map<number, Worker>();
  const listening = new Map<number, Worker>();
  const stopping = new AbortController();
  const isStopping = () => stopping.signal.aborted;
  let haveAllStarted = false;
  let exitCode = 0;
  let filled = 0;
  let tellEnded: (code: number) => void;
  const ended = new Promise<number>((resolve) => (tellEnded = resolve));
  const counting = createCounting(listening);

  if (count > availableParallelism())
    logger.warn(
      { workers: count, cores: availableParallelism() },
      'there are more workers than cores: they take memory and answer no faster',
    );
  // Else what is no number would come as null.
  cluster.setupPrimary({ serialization: 'advanced' });

  const stop = (): void => {
    if (isStopping()) return;
    stopping.abort();
    for (const worker of running.values()) worker.process.kill('SIGTERM');
    setTimeout(() => {
      for (const [number, worker] of running) {
        logger.error({ worker: number }, 'a worker does not stop, and is killed');
        worker.process.kill('SIGKILL');
      }
    }, stopWithinMs).unref();
  };

  /** Runs a worker to its end. */
  const run = (number: number): Promise<number> => {
    const worker = cluster.fork({
      // As they were when the first began, wherever they were read from.
      WORKERS: String(count),
      WORKERS_FILE: '',
      [WORKER_NUMBER]: String(number),
    });
    running.set(number, worker);
    // Nobody else can write to this channel.
    worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'started') listens(number, worker, message.started);
      else if (message.type === 'values') counting.told(message.id, message.values);
      else
        void counting.gather().then((values) => {
          tell(worker, { type: 'gathered', values });
        });
    });
    return new Promise((resolve) => {
      const end = (code: number): void => {
        running.delete(number);
        listening.delete(number);
        resolve(code);
      };
      worker.once('exit', (code: number | null, signal: string | null) => {
        // Before it listens to signals, ours ends it just so.
        end(code ?? (isStopping() && signal === 'SIGTERM' ? 0 : 1));
      });
      worker.on('error', (error) => {
        logger.error({ worker: number, reason: error.message }, 'a worker cannot be reached');
        if (worker.process.pid === undefined) end(1);
      });
    });
  };

  /** Keeps a place filled until all are to stop. */
  const fill = async (number: number): Promise<void> => {
    filled += 1;
    for (let pauseMs = FIRST_PAUSE_MS; !isStopping(); pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS)) {
      const startedAt = performance.now();
      const code = await run(number);
      if (isStopping() || !haveAllStarted) {
        exitCode ||= isStopping() ? code : code || 1;
        stop();
        break;
      }
      if (performance.now() - startedAt >= STEADY_MS) pauseMs = FIRST_PAUSE_MS;
      logger.error({ worker: number, code, pauseMs }, 'a worker has ended: another is to take its place');
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    filled -= 1;
    if (filled === 0) tellEnded(exitCode);
  };

  const listens = (number: number, worker: Worker, started: Started): void => {
    listening.set(number, worker);
    if (haveAllStarted) {
      logger.info({ worker: number }, 'a worker has taken the place of the one that ended');
      return;
    }
    // What is wrong is told by the first alone, before there are others who would tell it as well.
    if (number === 1) for (let next = 2; next <= count; next += 1) void fill(next);
    if (listening.size < count) return;
    haveAllStarted = true;
    onStarted(started);
  };

  void fill(1);
  return { stop, ended };
}

function tell(worker: Worker, message: PrimaryMessage): void {
  // Who is ending does not hear it, and need not.
  if (worker.isConnected()) worker.send(message, () => undefined);
}

/** Asks all workers what they have counted. */
function createCounting(workers: ReadonlyMap<number, Worker>) {
  const asked = new Map<number, (values: MetricValues) => void>();
  let lastId = 0;
  const valuesOf = (worker: Worker): Promise<MetricValues | undefined> =>
    new Promise((resolve) => {
      const id = (lastId += 1);
      const done = (values?: MetricValues): void => {
        asked.delete(id);
        clearTimeout(timer);
        resolve(values);
      };
      const timer = setTimeout(done, COUNTS_WITHIN_MS);
      asked.set(id, done);
      tell(worker, { type: 'count', id });
    });
  return {
    told: (id: number, values: MetricValues) => asked.get(id)?.(values),
    gather: async (): Promise<ReadonlyMap<number, MetricValues>> => {
      const all = await Promise.all(
        [...workers].map(async ([number, worker]) => [number, await valuesOf(worker)] as const),
      );
      return new Map(all.flatMap(([number, values]) => (values === undefined ? [] : [[number, values]])));
    },
  };
}
