import type { Plugin } from 'graphql-yoga';
import type { Clock } from '../cache/cache.js';
import type { Client, Connection } from '../connectors/connector.js';
import type { Protection } from '../resilience/protection.js';
import type { BreakerState } from '../telemetry/metrics.js';

/** Asking all systems for every probe would be load of its own; this many milliseconds one look is good. */
const LOOK_HOLDS_MS = 5_000;

type SourceStates = Record<string, 'up' | 'down'>;

export interface HealthOptions {
  /** The states of the sources' breakers. Default: none is told. */
  breakers?: () => ReadonlyMap<string, BreakerState>;
  /** Whether the gateway is about to end: it still answers, but is not to be given more. Default: it is not. */
  isStopping?: () => boolean;
  clock?: Clock;
}

/**
 * `/health/live`: the process answers. `/health/ready`: it can answer queries, and which systems answer it. A system
 * that is down does not make the gateway unready: its fields are null, all others are answered. A gateway that is
 * stopping is unready, with status 503, so that load balancers send their requests elsewhere.
 */
export function useHealth(
  clients: ReadonlyMap<string, Client>,
  { breakers, isStopping = () => false, clock = performance }: HealthOptions = {},
): Plugin {
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
      else if (isStopping())
        event.endResponse(fetchAPI.Response.json({ status: 'stopping' }, { status: 503 }));
      else {
        const sources = await lookAtSources();
        // Breakers change by the call, so they are told as they are now.
        const states = breakers === undefined ? {} : { breakers: Object.fromEntries(breakers()) };
        event.endResponse(fetchAPI.Response.json({ status: 'ready', sources, ...states }));
      }
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

/** Asks whether the system is there, under its limits as any other call. */
export function pinger({
  connection,
  protection,
}: {
  connection: Connection<Client>;
  protection: Protection;
}): Client {
  return {
    ping: () => {
      const scope = protection.scope({ priority: 'interactive' });
      return connection
        .client({
          run: (call) => scope.run(call),
          slowDown: (news) => {
            scope.slowDown(news);
          },
          holds: () => undefined,
          headers: {},
        })
        .ping();
    },
  };
}
