import type { Plugin } from 'graphql-yoga';
import type { Clock } from '../cache/cache.js';
import type { Client } from '../connectors/connector.js';

/** Asking all systems for every probe would be load of its own; this many milliseconds one look is good. */
const LOOK_HOLDS_MS = 5_000;

type SourceStates = Record<string, 'up' | 'down'>;

/**
 * `/health/live`: the process answers. `/health/ready`: it can answer queries, and which systems answer it. A system
 * that is down does not make the gateway unready: its fields are null, all others are answered.
 */
export function useHealth(clients: ReadonlyMap<string, Client>, clock: Clock = performance): Plugin {
  let look: { at: number; sources: Promise<SourceStates> } | undefined;
  const lookAtSources = (): Promise<SourceStates> => {
    const now = clock.now();
    if (look === undefined || now - look.at >= LOOK_HOLDS_MS) look = { at: now, sources: askAll(clients) };
    return look.sources;
  };
  return {
    onRequest: async (event) => {
      const { url, request, fetchAPI } = event;
      if (url.pathname !== '/health/live' && url.pathname !== '/health/ready') return;
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        const headers = { allow: 'GET, HEAD' };
        event.endResponse(fetchAPI.Response.json({ status: 'use GET' }, { status: 405, headers }));
      } else if (url.pathname === '/health/live')
        event.endResponse(fetchAPI.Response.json({ status: 'live' }));
      else event.endResponse(fetchAPI.Response.json({ status: 'ready', sources: await lookAtSources() }));
    },
  };
}

async function askAll(clients: ReadonlyMap<string, Client>): Promise<SourceStates> {
  const states = await Promise.all(
    [...clients].map(async ([name, client]) => {
      const state = await client.ping().then(
        () => 'up' as const,
        () => 'down' as const,
      );
      return [name, state] as const;
    }),
  );
  return Object.fromEntries(states);
}
