import { sources } from '../../../sources/index.js';
import { createGateway } from '../../../src/gateway.js';
import { keepHeapSmall } from '../../../src/server/heap.js';
import { listen } from '../../../src/server/http.js';
import type { Started } from '../bench-process.js';
import { standingClock } from '../standing-clock.js';

/** The gateway as `npm start` makes it, but for its clock. */
export async function startGateway(): Promise<Started> {
  keepHeapSmall();
  const { clock, turn } = standingClock();
  const gateway = createGateway({ sources, clock });
  const server = await listen(gateway.handler, gateway.config);
  return {
    ready: { url: `${server.url}/graphql` },
    forget: turn,
    close: () => gateway.close(),
  };
}
