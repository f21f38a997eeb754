import { TRICKS } from './v8-tricks.js';

/** Result of one process for one trick. */
export interface Measured {
  /** Processor time of all threads for one request, garbage collection included. */
  microseconds: number;
  /** Memory of the process at the end, in MB. */
  megabytes: number;
}

/** Requests in flight at the same time: their objects live for a while, as in a gateway with many clients. */
const IN_FLIGHT = 64;

const [name = '', variant = '', count = ''] = process.argv.slice(2);
const trick = TRICKS.find((trick) => trick.name === name);
if (trick === undefined) throw new Error(`There is no trick "${name}".`);
const begin = trick.variants[variant === 'plain' ? 'plain' : 'trick']();
const requests = Number(count);

const ends: (() => void)[] = Array.from({ length: IN_FLIGHT }, () => () => undefined);
async function run(many: number): Promise<void> {
  for (let i = 0; i < many; i += 1) {
    ends[i % IN_FLIGHT]?.();
    ends[i % IN_FLIGHT] = begin(i);
    // Yield to the event loop after 16 requests. V8 also clears weak references only then.
    if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

await run(requests / 3);
const before = process.cpuUsage();
await run(requests);
const { user, system } = process.cpuUsage(before);
process.send?.({
  microseconds: (user + system) / requests,
  megabytes: process.memoryUsage.rss() / 1024 / 1024,
} satisfies Measured);
