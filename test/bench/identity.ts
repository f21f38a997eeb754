import type { Bench } from './bench.js';
import { median, quantile, spread, type Figure } from './report.js';
import type { IdentifyingTimes } from './roles/identifying.js';

/** CPU time to resolve an identity when all records are cached. */
export async function identity({ open }: Pick<Bench, 'open'>): Promise<Figure[]> {
  const running = await open({ role: 'identifying' });
  const times = (await (await fetch(running.ready.url)).json()) as IdentifyingTimes[];
  return times.map(({ customers, identified, loaded }) => {
    const extra = identified.map((time, i) => time - (loaded[i] ?? Number.NaN));
    return {
      ...spread(
        `identity, warm, a customer of ${customers} in a request, CPU on top of the loaders`,
        extra,
        'µs',
        `${median(identified).toFixed(1)}, less ${median(loaded).toFixed(1)} of four loaders`,
      ),
      range: [quantile(extra, 0.05), quantile(extra, 0.95)],
      atMost: 50,
    };
  });
}
