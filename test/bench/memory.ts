import type { Effort } from './effort.js';
import { load } from './load.js';
import type { Running } from './processes.js';
import { customersEverywhere, customerQuery } from './query.js';
import type { Figure } from './report.js';

const CONNECTIONS = 8;

/** Memory of a gateway that has answered many requests, as the operating system sees it. */
export async function memory(gateway: Running, { memory: requests }: Effort): Promise<Figure[]> {
  const before = await gateway.usage();
  const bodies = customersEverywhere().map((email) => customerQuery(email));
  await load(gateway.ready.url, bodies, { requests, connections: CONNECTIONS });
  const after = await gateway.usage();
  const collected = await gateway.collect();
  const mb = (value: number) => value.toFixed(0);
  return [
    { name: 'gateway RSS, before the first request', value: before.rssMb, unit: 'MB' },
    {
      name: `gateway RSS, after ${requests} requests`,
      value: after.rssMb,
      unit: 'MB',
      atMost: 200,
      detail: `${bodies.length} customers; heap ${mb(after.heapMb)} of ${mb(after.reservedMb)} reserved, buffers ${mb(after.externalMb)}`,
    },
    { name: 'gateway RSS, highest', value: after.peakRssMb, unit: 'MB' },
    { name: 'gateway heap, after a collection', value: collected.heapMb, unit: 'MB' },
  ];
}
