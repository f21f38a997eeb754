import { createGateway, type GatewayOptions } from '../../../src/gateway.js';
import { listen } from '../../../src/http/http.js';
import type { Started } from '../bench-process.js';
import { declaredPeerSources } from './declared-sources.js';
import { peerSdl, peerSources } from './gateway-sources.js';

/** Our gateway as in `npm start`, with the same systems as the peers and, like them, without a cache. */
export function startGatewayBesidePeers(): Promise<Started> {
  return startWith({ sources: peerSources, sdl: peerSdl });
}

/** The same gateway with the systems declared in YAML. */
export function startDeclaredBesidePeers(): Promise<Started> {
  return startWith(declaredPeerSources());
}

async function startWith(options: Pick<GatewayOptions, 'sources' | 'sdl'>): Promise<Started> {
  const gateway = createGateway({ ...options, environment: process.env });
  const server = await listen(gateway.handler, gateway.config);
  return {
    ready: { url: `${server.url}/graphql` },
    close: () => gateway.close(),
  };
}
