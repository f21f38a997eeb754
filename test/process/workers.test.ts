import cluster, { type Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import type { Started } from '../../src/process/started.js';
import { startWorkers } from '../../src/process/workers.js';
import { createLogger } from '../../src/telemetry/logger.js';

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

test.each([
  ['with an error', 7, null, 7],
  ['without one', 0, null, 1],
  ['at a signal', null, 'SIGKILL', 1],
] as const)(
  'the start fails if a worker ends before all workers have started: %s',
  async (_, code, signal, exitCode) => {
    const first = Object.assign(new EventEmitter(), { process: { pid: 1 }, isConnected: () => false });
    vi.spyOn(cluster, 'setupPrimary').mockReturnValue();
    vi.spyOn(cluster, 'fork').mockReturnValue(first as unknown as Worker);
    const { ended } = startWorkers({
      count: 2,
      stopWithinMs: 1,
      logger: createLogger('silent'),
      onStarted: () => undefined,
    });
    first.emit('exit', code, signal);
    expect(await ended).toBe(exitCode);
  },
);

const STARTED: Started = { url: 'http://localhost:4000', sources: ['shop'], settings: {}, isOpen: false };

/** Starts workers whose processes are imitated. `workers` has the worker of each start, in order. */
function start(count: number, stopWithinMs = 1) {
  const workers: ReturnType<typeof fakeWorker>[] = [];
  const fakeWorker = (environment: Readonly<Record<string, string>>) =>
    Object.assign(new EventEmitter(), {
      environment,
      process: { pid: 1, kill: vi.fn<(signal: string) => void>() },
      isConnected: () => true,
      send: vi.fn(),
    });
  vi.spyOn(cluster, 'setupPrimary').mockReturnValue();
  vi.spyOn(cluster, 'fork').mockImplementation((environment) => {
    const worker = fakeWorker(environment as Record<string, string>);
    workers.push(worker);
    return worker as unknown as Worker;
  });
  const onStarted = vi.fn();
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const running = startWorkers({ count, stopWithinMs, logger: logger as never, onStarted });
  const signals = () => workers.map(({ process }) => process.kill.mock.calls.flat());
  const startAll = () => {
    for (let i = 0; i < count; i += 1) workers[i]?.emit('message', { type: 'started', started: STARTED });
  };
  return { running, workers, onStarted, logger, signals, startAll };
}

test('the first worker starts alone, then the others, and the start is reported when all accept requests', () => {
  const { workers, onStarted } = start(3);
  expect(workers.map(({ environment }) => environment)).toEqual([
    { WORKERS: '3', WORKERS_FILE: '', WORKER_NUMBER: '1' },
  ]);
  workers[0]?.emit('message', { type: 'started', started: STARTED });
  expect(workers.map(({ environment }) => environment['WORKER_NUMBER'])).toEqual(['1', '2', '3']);
  workers[1]?.emit('message', { type: 'started', started: STARTED });
  expect(onStarted).not.toHaveBeenCalled();
  workers[2]?.emit('message', { type: 'started', started: STARTED });
  expect(onStarted.mock.calls).toEqual([[STARTED]]);
});

test('a worker that ends is started again under its number, after a pause that doubles until it is stable', async () => {
  const { workers, startAll, logger, onStarted, running } = start(2);
  startAll();
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  const crash = async (worker: (typeof workers)[number] | undefined) => {
    const before = workers.length;
    worker?.emit('exit', 7, null);
    await vi.waitFor(() => {
      expect(workers).toHaveLength(before + 1);
    });
    workers.at(-1)?.emit('message', { type: 'started', started: STARTED });
  };
  await crash(workers[1]);
  await crash(workers[2]);
  now.mockReturnValue(60_000);
  await crash(workers[3]);
  expect(workers.map(({ environment }) => environment['WORKER_NUMBER'])).toEqual(['1', '2', '2', '2', '2']);
  expect(logger.error.mock.calls.map(([fields]) => fields as unknown)).toEqual([
    { worker: 2, code: 7, pauseMs: 100 },
    { worker: 2, code: 7, pauseMs: 200 },
    { worker: 2, code: 7, pauseMs: 100 },
  ]);
  expect(logger.info).toHaveBeenCalledTimes(3);
  expect(onStarted).toHaveBeenCalledTimes(1);
  running.stop();
  for (const worker of [workers[0], workers[4]]) worker?.emit('exit', 0, null);
  expect(await running.ended).toBe(0);
});

test('all workers are stopped once, and those that do not end in time are killed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { startAll, running, signals, workers } = start(2, 5_000);
  startAll();
  running.stop();
  running.stop();
  expect(signals()).toEqual([['SIGTERM'], ['SIGTERM']]);
  // A worker that did not handle signals yet ends by the signal.
  workers[0]?.emit('exit', null, 'SIGTERM');
  vi.advanceTimersByTime(4_999);
  expect(signals()).toEqual([['SIGTERM'], ['SIGTERM']]);
  vi.advanceTimersByTime(1);
  expect(signals()).toEqual([['SIGTERM'], ['SIGTERM', 'SIGKILL']]);
  workers[1]?.emit('exit', null, 'SIGKILL');
  expect(await running.ended).toBe(1);
  expect(workers).toHaveLength(2);
});

test('a reload reaches each worker that accepts requests', () => {
  const { running, signals, workers } = start(2);
  workers[0]?.emit('message', { type: 'started', started: STARTED });
  running.reload();
  expect(signals()).toEqual([['SIGHUP'], []]);
  workers[1]?.emit('message', { type: 'started', started: STARTED });
  workers[1]?.emit('exit', 1, null);
  running.reload();
  expect(signals()).toEqual([['SIGHUP', 'SIGHUP'], []]);
  // Otherwise the second worker would be started again.
  running.stop();
});

test('a worker that cannot be started counts as ended, and one that cannot be reached does not', async () => {
  const { workers, running, logger } = start(1);
  workers[0]?.emit('error', new Error('EPIPE'));
  expect(logger.error).toHaveBeenCalledTimes(1);
  Object.assign(workers[0]?.process ?? {}, { pid: undefined });
  workers[0]?.emit('error', new Error('ENOMEM'));
  expect(await running.ended).toBe(1);
});

test('the metrics of all workers are gathered, without those that do not answer within a second', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { startAll, workers } = start(3);
  startAll();
  const gathered = () =>
    workers[1]?.send.mock.calls.map(([message]) => message as { type: string; id: number }) ?? [];
  workers[1]?.emit('message', { type: 'gather' });
  const ids = workers.map(({ send }) => (send.mock.lastCall?.[0] as { id: number }).id);
  expect(new Set(ids).size).toBe(3);
  workers[0]?.emit('message', { type: 'values', id: ids[0], values: ['first'] });
  workers[1]?.emit('message', { type: 'values', id: ids[1], values: ['second'] });
  await vi.advanceTimersByTimeAsync(999);
  expect(gathered().map(({ type }) => type)).toEqual(['count']);
  await vi.advanceTimersByTimeAsync(1);
  expect(gathered()[1]).toEqual({
    type: 'gathered',
    values: new Map([
      [1, ['first']],
      [2, ['second']],
    ]),
  });
  expect(vi.getTimerCount()).toBe(0);
});
