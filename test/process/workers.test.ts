import cluster, { type Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { startWorkers } from '../../src/process/workers.js';
import { createLogger } from '../../src/telemetry/logger.js';

afterEach(() => {
  vi.restoreAllMocks();
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
