import { afterAll, expect, inject, test } from 'vitest';
import { load, type Body } from '../bench/load.js';
import { start, type Running, type StartOptions } from '../bench/processes.js';
import { customersEverywhere, SYSTEMS } from '../bench/query.js';
import { tuningEnvironment } from '../bench/tuning.js';

/**
 * Clients can send an unlimited number of different selections, aliases, operation names and values. The number of
 * metric series, loaders and cached plans must stay bounded.
 */
const running: Running[] = [];
const open = async (options: Omit<StartOptions, 'build'>): Promise<Running> => {
  const started = await start({ build: inject('guardBuild'), ...options });
  running.push(started);
  return started;
};
afterAll(async () => {
  await Promise.all(running.map((running) => running.stop()));
});

const CUSTOMERS = 100;
const systems = await Promise.all(
  SYSTEMS.map((system) =>
    open({ role: 'source', environment: { BENCH_SYSTEMS: system, BENCH_CUSTOMERS: String(CUSTOMERS) } }),
  ),
);
const gateway = await open({
  role: 'gateway',
  environment: {
    ...(Object.assign({}, ...systems.map(({ ready }) => ready.settings)) as Record<string, string>),
    ...{ PORT: '0', ID_SECRET: 'a secret of the guard', AUTH: 'off', LOG_LEVEL: 'warn' },
    ...{ DEADLINE_MS: '60000', MAX_DELAY_MS: '60000', CACHE_MAX_MB: '16', ANSWERS_MAX_MB: '4' },
    ...tuningEnvironment({ '*': { limits: { timeout: '60 s' }, freshness: { maxAge: '1 hour' } } }),
  },
});

/** The state of a linear congruential generator. The fixed seed gives the same operations in each run. */
let seed = 20_261_201;
function randomBelow(limit: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((seed / 2 ** 32) * limit);
}

const PRODUCT = ['sku', 'title', 'descriptionHtml', 'availableQuantity', 'imageUrl'];
const LINE = ['title', 'quantity'];
const CART = ['name', 'updatedAt', 'checkoutUrl'];
const CUSTOMER = ['locale', 'becameCustomerAt', 'name', 'id'];

/** A random choice of the fields. About half of them have an alias that no other operation has. */
function randomSelection(fields: readonly string[]): string {
  const chosen = fields.filter(() => randomBelow(2) === 0);
  return (chosen.length === 0 ? fields.slice(0, 1) : chosen)
    .map((field) => (randomBelow(2) === 0 ? field : `written_${randomBelow(1e9)}: ${field}`))
    .join(' ');
}

const emails = customersEverywhere()
  .map((email) => ({ email, number: Number(/\d+/.exec(email)?.[0]) }))
  .filter(({ number }) => number < CUSTOMERS);

function randomOperation(): Body {
  const lines = `lines(first: ${randomBelow(20) + 1}) { nodes { ${randomSelection(LINE)} product { ${randomSelection(PRODUCT)} } } }`;
  const cart = `cart { ${randomSelection(CART)} ${lines} total { ${randomSelection(['amount', 'currency'])} } }`;
  const orders = `orders(first: ${randomBelow(3) + 1}) { nodes { ${randomSelection(['number', 'placedAt'])} lines { product { ${randomSelection(PRODUCT)} } } } }`;
  return JSON.stringify({
    query: `query Written_${randomBelow(1e9)}($by: CustomerKey!) { customer(by: $by) { ${randomSelection(CUSTOMER)} ${cart} ${orders} } }`,
    variables: { by: { email: emails[randomBelow(emails.length)]?.email } },
  });
}

async function metrics(): Promise<string> {
  return (await fetch(new URL('/metrics', gateway.ready.url))).text();
}

const series = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));

async function send(requests: number): Promise<{ heapMb: number; series: string[]; text: string }> {
  const bodies = Array.from({ length: requests }, randomOperation);
  await load(gateway.ready.url, bodies, { requests, connections: 4 });
  const text = await metrics();
  return { heapMb: (await gateway.collect()).heapMb, series: series(text), text };
}

/** Number of requests that fill all caches of bounded size. */
const FILL = 3_000;
const MORE = 3_000;

test('thousands of different operations add no metric series and no heap after the caches are full', async () => {
  const first = await send(50);
  const filled = await send(FILL);
  const after = await send(MORE);
  const heap = { first: first.heapMb, filled: filled.heapMb, after: after.heapMb };
  const grown = after.series.filter((sery) => !filled.series.includes(sery));
  expect(grown.length, grown[0]).toBe(0);
  expect(/written_/.test(after.text)).toBe(false);
  // These caches of bounded size fill up: records, responses, documents, plans.
  expect(heap.filled - heap.first, JSON.stringify(heap)).toBeLessThan(80);
  expect(heap.after - heap.filled, JSON.stringify(heap)).toBeLessThan(8);
}, 600_000);
