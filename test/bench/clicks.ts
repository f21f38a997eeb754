import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { customersOf, writeManyEvents } from '../../sources/clickstream/stand-in/many-events.js';
import type { Bench } from './bench.js';
import type { Running } from './processes.js';
import { median, spread, type Figure } from './report.js';
import type { ClickTimes } from './roles/clicks.js';

const CLICK_LOG = { events: 2_000_000, days: 30 };
const STARTS = 5;
const QUERIES = 20;
/** The wait before the first query. A gateway starts more slowly than this process, and has loaded DuckDB by then. */
const STARTED_MS = 1_000;
const MEMORY_MB = 256;

/** Time and memory to read a click log of two million events in Parquet, over all of its days. */
export async function clicks({ open }: Pick<Bench, 'open'>): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'stekkerdoos-bench-clicks-'));
  try {
    await writeManyEvents(join(folder, 'events'), CLICK_LOG);
    const environment = {
      CLICKSTREAM_FOLDER: join(folder, 'events'),
      CLICKSTREAM_LOOK_BACK_DAYS: String(CLICK_LOG.days),
      CLICKSTREAM_MEMORY_MB: String(MEMORY_MB),
      CLICKSTREAM_TIMEOUT_MS: '30000',
    };
    let next = 0;
    const readClicks = async (running: Running, what: string, customers: number): Promise<ClickTimes> => {
      const answer = await fetch(new URL(`/${what}?from=${next}&customers=${customers}`, running.ready.url));
      if (!answer.ok) throw new Error(await answer.text());
      next = (next + customers) % (customersOf(CLICK_LOG) - 100);
      return (await answer.json()) as ClickTimes;
    };

    const cold: number[] = [];
    for (let start = 0; start < STARTS; start += 1) {
      const running = await open({ role: 'clicks', environment });
      await wait(STARTED_MS);
      cold.push((await readClicks(running, 'visits', 1)).ms);
      await running.stop();
    }
    const running = await open({ role: 'clicks', environment });
    const before = await running.usage();
    const several = async (what: string, customers: number, times = QUERIES): Promise<ClickTimes[]> => {
      const all: ClickTimes[] = [];
      for (let i = 0; i < times; i += 1) all.push(await readClicks(running, what, customers));
      return all;
    };
    const ofOne = await several('visits', 1);
    const ofHundred = await several('visits', 100);
    const events = await several('events', 100);
    await Promise.all([several('visits', 100, 5), several('visits', 100, 5), several('events', 100, 5)]);
    const after = await running.usage();
    const ms = (times: readonly ClickTimes[]) => times.map((time) => time.ms);
    const found = (times: readonly ClickTimes[]) =>
      `${median(times.map((time) => time.found))} found, ${Math.max(...times.map(({ calls }) => calls))} query`;
    return [
      {
        ...spread(
          'clicks: visits of one customer, first query of a process, 1 s after its start',
          cold,
          'ms',
        ),
        atMost: 150,
      },
      spread('clicks: visits of one customer, later queries', ms(ofOne), 'ms', found(ofOne)),
      spread('clicks: visits of 100 customers', ms(ofHundred), 'ms', found(ofHundred)),
      spread('clicks: events of 100 customers', ms(events), 'ms', found(events)),
      {
        name: 'clicks: highest RSS added by queries',
        value: after.peakRssMb - before.rssMb,
        unit: 'MB',
        detail: `CLICKSTREAM_MEMORY_MB=${MEMORY_MB}, three batches of 100 customers at once; ${before.rssMb.toFixed(0)} MB before`,
      },
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
