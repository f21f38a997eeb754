import { openTuned, type Bench } from './bench.js';
import { capacity } from './capacity.js';
import { difference } from './fault-control.js';
import { openConnections, openLoop } from './open-loop.js';
import { customersEverywhere, customerQuery } from './query.js';
import type { Figure } from './report.js';

const HOT_CUSTOMERS = 100;
const MAX_AGE_S = 30;
const WANTED_PER_SECOND = 1_000;
/** The share of the capacity that is used. At full capacity, a queue would grow. */
const SHARE_OF_CAPACITY = 0.8;

/** Calls to the systems per page view, when many page views a second are about the same hundred customers. */
export async function hot(bench: Bench): Promise<Figure[]> {
  const { control, effort } = bench;
  const gateway = await openTuned(bench, { '*': { freshness: { maxAge: `${MAX_AGE_S} s` } } });
  const bodies = customersEverywhere().map((email) => customerQuery(email));
  const chosen = bodies.slice(0, HOT_CUSTOMERS);
  const others = bodies.slice(HOT_CUSTOMERS);
  if (others.length === 0)
    throw new Error(`There are no more than ${HOT_CUSTOMERS} customers in all systems.`);

  const capacityPerSecond = await capacity(gateway, others, Math.max(3, effort.loadS / 10));
  const perSecond = Math.min(WANTED_PER_SECOND, Math.floor(SHARE_OF_CAPACITY * capacityPerSecond));
  const connections = await openConnections(gateway.ready.url, 200);
  const before = await control.calls();
  let answered = 0;
  const sent = await openLoop(connections, {
    perSecond,
    seconds: effort.hotS,
    createRequest: (i) => ({ body: chosen[i % HOT_CUSTOMERS] ?? '' }),
    each: ({ status, body }) => {
      if (body.includes('"errors"') && status === 200) throw new Error(`An answer contains errors: ${body}`);
      if (status === 200) answered += 1;
    },
  });
  const calls = Object.entries(difference(await control.calls(), before));
  await connections.close();
  const total = calls.reduce((sum, [, count]) => sum + count, 0);
  const reached = sent / effort.hotS;
  return [
    {
      name: `hot customers, requests per second${perSecond < WANTED_PER_SECOND ? ', limited by the machine' : ''}`,
      value: reached,
      unit: 'requests/s',
      detail: `of ${HOT_CUSTOMERS} customers for ${effort.hotS} s; ${answered} of ${sent} answered, the others refused; capacity ${capacityPerSecond.toFixed(0)}`,
    },
    {
      name: `hot customers, maxAge ${MAX_AGE_S} s, calls to systems per request`,
      value: total / answered,
      unit: 'calls/request',
      atMost: 0.1,
      detail: `from cold; ${calls.map(([name, count]) => `${count} ${name}`).join(' + ')}`,
    },
  ];
}
