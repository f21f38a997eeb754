import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Answer, BenchCommand, Started, Usage } from './bench-process.js';

const TICK_MS = 5;
const loop = monitorEventLoopDelay({ resolution: TICK_MS });

/**
 * Connects a child process to the bench. Reports its address when it is ready, and its usage on request. The process
 * ends when the bench ends.
 */
export function serveBench({ ready, forget, close, usage = usageOfThisProcess }: Started): void {
  const stop = async (): Promise<void> => {
    await close();
    // Everything that this process opened is closed. Open connections of a client would still delay the exit.
    process.exit();
  };
  process.once('disconnect', () => void stop());
  loop.enable();
  process.on('message', (command: BenchCommand) => {
    if (command === 'stop') {
      void stop();
      return;
    }
    if (command === 'collect') globalThis.gc?.();
    if (command === 'forget') forget?.();
    report({ kind: 'usage', usage: usage() });
  });
  report({ kind: 'ready', ready });
}

function report(answer: Answer): void {
  process.send?.(answer);
}

function usageOfThisProcess(): Usage {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  const blockedMs = Math.max(0, loop.max / 1e6 - TICK_MS);
  loop.reset();
  return {
    cpuMs: (user + system) / 1_000,
    rssMb: rss / 2 ** 20,
    peakRssMb: process.resourceUsage().maxRSS / 2 ** 10,
    heapMb: heapUsed / 2 ** 20,
    reservedMb: heapTotal / 2 ** 20,
    externalMb: external / 2 ** 20,
    blockedMs,
  };
}
