import { once } from 'node:events';
import { request } from 'node:http';
import { openTuned, type Bench } from './bench.js';
import { customersEverywhere } from './query.js';
import { leftOut, spread, type Figure } from './report.js';

const SLOW = 'contact-centre';
const SLOW_MS = 300;
const REQUESTS = 20;
const NAMES = {
  first: `@defer, ${SLOW} takes ${SLOW_MS} ms, first part`,
  whole: `@defer, ${SLOW} takes ${SLOW_MS} ms, complete answer`,
} as const;

const QUERY = `query ($by: CustomerKey!) { customer(by: $by) {
  orders(first: 3) { nodes { number placedAt } }
  ... @defer { tickets(first: 3) { nodes { subject status } } }
} }`;

/** With @defer, the rest of the answer does not wait for the slow part. */
export async function defer(bench: Bench): Promise<Figure[]> {
  const { control } = bench;
  const gateway = await openTuned(bench, {});
  const emails = customersEverywhere().slice(0, REQUESTS);
  const first: number[] = [];
  const whole: number[] = [];
  await control.set(SLOW, { latencyMs: SLOW_MS });
  try {
    for (const email of emails) {
      const { type, parts } = await readParts(gateway.ready.url, email);
      if (!type.startsWith('multipart/mixed'))
        return Object.values(NAMES).map((name) => leftOut(name, 'ms', 'the gateway does not support @defer'));
      first.push(parts[0] ?? Number.NaN);
      whole.push(parts.at(-1) ?? Number.NaN);
    }
  } finally {
    await control.heal();
  }
  return [spread(NAMES.first, first, 'ms'), spread(NAMES.whole, whole, 'ms')];
}

/** Sends the query. Returns the time of each part of the answer, in milliseconds. */
async function readParts(url: string, email: string): Promise<{ type: string; parts: number[] }> {
  const started = performance.now();
  const sentRequest = request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'multipart/mixed, application/json' },
  });
  sentRequest.end(JSON.stringify({ query: QUERY, variables: { by: { email } } }));
  const [response] = (await once(sentRequest, 'response')) as [
    AsyncIterable<Buffer> & { headers: Record<string, string> },
  ];
  const parts: number[] = [];
  for await (const chunk of response) if (chunk.includes('"data"')) parts.push(performance.now() - started);
  return { type: response.headers['content-type'] ?? '', parts };
}
