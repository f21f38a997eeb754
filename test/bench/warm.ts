import autocannon from 'autocannon';
import { openTuned, type Bench } from './bench.js';
import { createClient, type Body } from './load.js';
import { metric } from './metrics.js';
import type { Running } from './processes.js';
import { customersEverywhere, customerQuery } from './query.js';
import { ratios, spread, type Figure } from './report.js';

const CUSTOMERS = 5;
const CONNECTIONS = 64;
const BLOCK_S = 1;

/**
 * Repeats the same queries about few customers, with everything cached and fresh. Compares a gateway with a response
 * cache, a gateway that computes each answer from cached records, and a fixed answer of the same size.
 */
export async function warm(bench: Bench): Promise<Figure[]> {
  const { effort } = bench;
  const freshness = { '*': { freshness: { maxAge: '1 hour' } } } as const;
  const bodies = customersEverywhere()
    .slice(0, CUSTOMERS)
    .map((email) => customerQuery(email));
  const fromBytes = await openTuned(bench, freshness);
  const fromMemory = await openTuned(bench, freshness, { ANSWERS_MAX_MB: '0' });
  const answer = await readLastAnswer(fromBytes, bodies);
  await readLastAnswer(fromMemory, bodies);
  const fixed = await bench.open({ role: 'static', environment: { BENCH_STATIC_BODY: answer } });
  const measured = [fromBytes, fromMemory, fixed].map((running) => ({
    running,
    perSecond: [] as number[],
    cpuMs: [] as number[],
  }));

  for (const { running } of measured) await applyLoad(running, bodies);
  const countCacheHits = () =>
    metric(fromBytes.ready.url, 'stekkerdoos_response_cache_answers_total', { answer: 'hit' });
  const before = await countCacheHits();
  let answeredFromBytes = 0;
  let refusals = 0;
  for (let block = 0; block < Math.ceil(effort.blocks / 2); block += 1)
    for (const { running, perSecond, cpuMs } of block % 2 === 0 ? measured : measured.toReversed()) {
      const used = await running.usage();
      const { answered, refused, seconds } = await applyLoad(running, bodies);
      perSecond.push(answered / seconds);
      cpuMs.push(((await running.usage()).cpuMs - used.cpuMs) / answered);
      refusals += refused;
      if (running === fromBytes) answeredFromBytes += answered;
    }
  // Cache hits of requests in flight at the end of a block count as hits but not as answers.
  const share = Math.min(1, ((await countCacheHits()) - before) / answeredFromBytes);

  const [bytes, memory, still] = measured;
  if (bytes === undefined || memory === undefined || still === undefined)
    throw new Error('There is nothing to compare.');
  const what = `warm, ${CONNECTIONS} connections`;
  return [
    spread(
      `${what}, from bytes`,
      bytes.perSecond,
      'requests/s',
      `${(share * 100).toFixed(0)} % of the answers from the response cache; ${refusals} refused, of all three`,
    ),
    { ...spread(`${what}, from memory`, memory.perSecond, 'requests/s'), atLeast: 8_000 },
    spread(`${what}, fixed answer`, still.perSecond, 'requests/s', `${Buffer.byteLength(answer)} bytes`),
    {
      ...spread(`${what}, from bytes / fixed answer`, ratios(bytes.perSecond, still.perSecond), 'x'),
      atLeast: 0.6,
    },
    spread(`${what}, from memory / fixed answer`, ratios(memory.perSecond, still.perSecond), 'x'),
    spread('CPU per request, warm, from bytes', bytes.cpuMs, 'ms'),
    spread('CPU per request, warm, from memory', memory.cpuMs, 'ms'),
    spread('CPU per request, warm, fixed answer', still.cpuMs, 'ms'),
    spread('CPU, warm, fixed answer / from bytes', ratios(still.cpuMs, bytes.cpuMs), 'x'),
  ];
}

/** Sends each query once. Returns the last answer. */
async function readLastAnswer({ ready }: Running, bodies: readonly Body[]): Promise<string> {
  const client = createClient(ready.url);
  let answer = '';
  for (const body of bodies) ({ body: answer } = await client.post(body));
  client.close();
  if (answer.includes('"errors"')) throw new Error(`An answer contains errors: ${answer}`);
  return answer;
}

/**
 * Sends requests as fast as they are answered. The requests are prepared in advance, so that the client does not
 * limit the load. On a busy machine the gateway may refuse some.
 */
async function applyLoad({ ready }: Running, bodies: readonly Body[]) {
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const result = await autocannon({
    url: ready.url,
    connections: CONNECTIONS,
    duration: BLOCK_S,
    requests: bodies.map((body) => ({ method: 'POST', headers, body })),
  });
  if (result.errors > 0) throw new Error(`${result.errors} requests to ${ready.url} were not answered.`);
  return { answered: result['2xx'], refused: result.non2xx, seconds: result.duration };
}
