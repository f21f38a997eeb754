import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readPersistedOperations } from '../../src/operation/persisted-operations.js';
import type { Bench } from './bench.js';
import { asVisitor, CALLER_SETTINGS } from './callers.js';
import { createClient } from './load.js';
import { ordinaryCustomers } from './query.js';
import { median, type Figure } from './report.js';

/** Number of visitors that share the requests, because each has a cost limit per minute. */
const VISITORS = 20;

/**
 * Checks that response times do not reveal to a visitor whether an identifier belongs to a customer. Requests of both
 * kinds alternate on the same connection. The Mann-Whitney statistic shows how often one kind takes longer.
 */
export async function visitorTiming({ open, environment, effort }: Bench): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'stekkerdoos-bench-operations-'));
  writeFileSync(
    join(folder, 'find.graphql'),
    'query Find($by: CustomerKey!) { customer(by: $by) { id name } }',
  );
  const operations = pathToFileURL(`${folder}/`);
  const [find] = readPersistedOperations(operations);
  const gateway = await open({
    role: 'gateway',
    environment: {
      ...environment,
      ...CALLER_SETTINGS,
      AUDIT_FILE: '/dev/null',
      BENCH_OPERATIONS: operations.href,
    },
  });
  rmSync(folder, { recursive: true });
  const known = ordinaryCustomers();
  const clients = await Promise.all(
    known
      .slice(0, VISITORS)
      .map(async (visitor) => createClient(gateway.ready.url, await asVisitor(visitor))),
  );
  const samples = effort.sent * 20;
  const times = { known: [] as number[], unknown: [] as number[] };
  for (let i = 0; i < samples + effort.warmUp; i += 1) {
    const client = clients[i % VISITORS];
    // Alternate the order, because the second request always finds a warm gateway.
    for (const kind of (['known', 'unknown'] as const).toSorted(() => (i % 2 === 0 ? 1 : -1))) {
      const email = kind === 'known' ? known[i % known.length] : `stranger-${i % known.length}@example.nl`;
      const answer = await client?.post(
        JSON.stringify({ documentId: find?.documentId, variables: { by: { email } } }),
      );
      if (answer?.body.includes('FORBIDDEN') !== true)
        throw new Error(`A visitor was not refused: ${answer?.body ?? ''}`);
      if (i >= effort.warmUp) times[kind].push(answer.ms);
    }
  }
  for (const client of clients) client.close();
  const deviation = Math.abs(standardised(times.known, times.unknown));
  const detail = `${samples} of each; medians ${(median(times.known) * 1_000).toFixed(0)} and ${(median(times.unknown) * 1_000).toFixed(0)} µs`;
  return [
    {
      name: 'timing, known / unknown customer, standard deviations apart',
      value: deviation,
      unit: 'x',
      detail,
      atMost: 3,
    },
  ];
}

/** The Mann-Whitney statistic, as the number of standard deviations from "no difference". */
function standardised(ones: readonly number[], others: readonly number[]): number {
  const all = [...ones.map((ms) => ({ ms, own: true })), ...others.map((ms) => ({ ms, own: false }))].sort(
    (a, b) => a.ms - b.ms,
  );
  let ranks = 0;
  for (let from = 0; from < all.length;) {
    let to = from;
    while (to < all.length && all[to]?.ms === all[from]?.ms) to += 1;
    // Equal times get the mean of their ranks.
    const rank = (from + 1 + to) / 2;
    ranks += rank * all.slice(from, to).filter(({ own: item }) => item).length;
    from = to;
  }
  const [n, m] = [ones.length, others.length];
  const statistic = ranks - (n * (n + 1)) / 2;
  return (statistic - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12);
}
