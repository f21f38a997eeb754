import { sources } from '../../../sources/index.js';
import { createGateway } from '../../../src/gateway.js';
import { listen } from '../../../src/http/http.js';
import type { Started } from '../bench-process.js';
import { tune } from '../tuning.js';

/** The gateway of `npm start`, with tuned freshness and limits. Its clock runs. */
export async function startTunedGateway(): Promise<Started> {
  const gateway = createGateway(tune(sources));
  const server = await listen(gateway.handler, gateway.config);
  return {
    ready: { url: `${server.url}/graphql` },
    close: () => gateway.close(),
  };
}
