import { sources } from '../../../sources/index.js';
import { createGateway } from '../../../src/gateway.js';
import { listen } from '../../../src/http/http.js';
import type { Started } from '../bench-process.js';
import { frozenClock } from '../frozen-clock.js';
import { tune } from '../tuning.js';

/** The gateway of `npm start`, with a frozen clock and tuned sources. */
export async function startGateway(): Promise<Started> {
  const { clock, advance } = frozenClock();
  const operations = process.env['BENCH_OPERATIONS'];
  const gateway = createGateway({
    ...tune(sources),
    clock,
    ...(operations === undefined ? {} : { operations: new URL(operations) }),
  });
  const server = await listen(gateway.handler, gateway.config);
  return {
    ready: { url: `${server.url}/graphql` },
    forget: advance,
    close: () => gateway.close(),
  };
}
