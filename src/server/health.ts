import type { Plugin } from 'graphql-yoga';
import type { Client } from '../connectors/connector.js';

/** Asking all systems for every probe would be load of its own; this many milliseconds one look is good. */
const LOOK_HOLDS_MS = 5_000;

/**
 * `/health/live`: the process answers. `/health/ready`: it can answer queries, and which systems answer it. A system
 * that is down does not make the gateway unready: its fields are null, all others are answered.
 */
export function useHealth(clients: ReadonlyMap<string, Client>): Plugin {
  let look: { at: number; sources: Promise<Record<string, 'up' | 'down'>> } | undefined;
  return {
    onRequest: async (event) => {
      const { url, request, fetchAPI } = event;
      if (!url.pathname.startsWith('/health/')) return;
      const answer = (status: number, body: unknown) => {
        event.endResponse(fetchAPI.Response.json(body, { status, headers: { 'cache-control': 'no-store' } }));
      };
      if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, { status: 'use GET' });
      else if (url.pathname === '/health/live') answer(200, { status: 'live' });
      else if (url.pathname === '/health/ready') {
        const now = performance.now();
        if (look === undefined || now - look.at > LOOK_HOLDS_MS) look = { at: now, sources: askAll(clients) };
        answer(200, { status: 'ready', sources: await look.sources });
      } else answer(404, { status: 'unknown' });
    },
  };
}

async function askAll(clients: ReadonlyMap<string, Client>): Promise<Record<string, 'up' | 'down'>> {
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
