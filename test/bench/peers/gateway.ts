import { createGateway } from '../../../src/gateway.js';
import { listen } from '../../../src/http/http.js';
import type { Started } from '../bench-process.js';
import { peerSdl, peerSources } from './gateway-sources.js';

/** Our gateway as in `npm start`, with the same systems as the peers and, like them, without a cache. */
export async function startGatewayBesidePeers(): Promise<Started> {
  const gateway = createGateway({ sources: peerSources, sdl: peerSdl, environment: process.env });
  const server = await listen(gateway.handler, gateway.config);
  return {
    ready: { url: `${server.url}/graphql` },
    close: () => gateway.close(),
  };
}
