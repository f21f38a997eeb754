import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Answer, Ask, Started, Usage } from './bench-process.js';

const TICK_MS = 5;
const loop = monitorEventLoopDelay({ resolution: TICK_MS });

/** Is at the bench's service from inside of a process: tells where it is asked, and answers what it has used. It ends with the bench, however that ends. */
export function beAtService({ ready, forget, close, usage = usageOfThisProcess }: Started): void {
  const stop = async (): Promise<void> => {
    await close();
    // Connections that a client keeps open would keep the process too; everything of our own is closed by now.
    process.exit();
  };
  process.once('disconnect', () => void stop());
  loop.enable();
  process.on('message', (ask: Ask) => {
    if (ask === 'stop') {
      void stop();
      return;
    }
    if (ask === 'collect') globalThis.gc?.();
    if (ask === 'forget') forget?.();
    tell({ kind: 'usage', usage: usage() });
  });
  tell({ kind: 'ready', ready });
}

function tell(answer: Answer): void {
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
