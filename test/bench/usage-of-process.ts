import { readdirSync, readFileSync } from 'node:fs';
import type { Usage } from './bench-process.js';

/** CPU time and memory of another process, from /proc (Linux). Sums over threads, which live as long as the process. */
export function usageOfProcess(pid: number): Usage {
  const threads = readdirSync(`/proc/${pid}/task`);
  const ns = threads.map((id) =>
    Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]),
  );
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 2 ** 10;
  return {
    cpuMs: ns.reduce((sum, number) => sum + number, 0) / 1e6,
    rssMb: mb('VmRSS'),
    peakRssMb: mb('VmHWM'),
    heapMb: Number.NaN,
    reservedMb: Number.NaN,
    externalMb: Number.NaN,
    blockedMs: Number.NaN,
  };
}
