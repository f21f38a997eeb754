import type { Plugin } from 'graphql-yoga';
import type { Clock } from '../clock.js';
import type { Client, Connection } from '../connectors/connector.js';
import type { Protection } from '../resilience/protection.js';
import type { FailureKind } from '../diagnosis.js';
import { SourceError } from '../errors.js';
import type { BreakerState } from '../telemetry/metrics.js';
import type { SourceFailures } from '../telemetry/source-failures.js';

/** Asking all systems for every probe would be load of its own; this many milliseconds one look is good. */
const LOOK_HOLDS_MS = 5_000;

/** Whether a part of the gateway works. Rejects, or says `down`, when it does not. */
export type PartState = () => Promise<'up' | 'down'>;

interface Look {
  sources: Record<string, 'up' | 'down'>;
  /** Why a source is down, by source. */
  reasons: Record<string, FailureKind>;
  parts: Record<string, 'up' | 'down'>;
}

export interface HealthOptions {
  /** The states of the sources' breakers. Default: none is told. */
  breakers?: () => ReadonlyMap<string, BreakerState>;
  /** Whether the gateway is about to end: it still answers, but is not to be given more. Default: it is not. */
  isStopping?: () => boolean;
  /** Parts of the gateway itself, by name. While one is down the gateway is not ready. Default: none. */
  parts?: Readonly<Record<string, PartState>>;
  /** Reports why a source is down, and holds the last failures. Default: nothing is reported. */
  failures?: SourceFailures;
  /** Whether a request may see the last failures of the sources. Default: none may. */
  isOperator?: (request: Request) => Promise<boolean>;
  clock?: Clock;
}

/**
 * `/health/live`: the process answers. `/health/ready`: it can answer queries, and which systems answer it. A system
 * that is down does not make the gateway unready: its fields are null, all others are answered. A gateway that is
 * stopping, or that lacks a part of its own, is unready, with status 503, so that load balancers send their requests
 * elsewhere.
 *
 * Anybody may ask, so it shows states and one word of why. To an operator it shows the last failure of each source too:
 * what was requested, what was received, and the remedy.
 */
export function useHealth(
  clients: ReadonlyMap<string, Client>,
  {
    breakers,
    isStopping = () => false,
    parts = {},
    failures,
    isOperator = () => Promise.resolve(false),
    clock = performance,
  }: HealthOptions = {},
): Plugin {
  let last: { at: number; look: Promise<Look> } | undefined;
  const look = (): Promise<Look> => {
    const now = clock.now();
    if (last === undefined || now - last.at >= LOOK_HOLDS_MS)
      last = { at: now, look: askAll(clients, parts, failures) };
    return last.look;
  };
  return {
    onRequest: async (event) => {
      const { url, request, fetchAPI } = event;
      if (url.pathname !== '/health/live' && url.pathname !== '/health/ready') return;
      const answer = (status: number, content: object, headers: Record<string, string> = {}): void => {
        event.endResponse(fetchAPI.Response.json(content, { status, headers }));
      };
      if (request.method !== 'GET' && request.method !== 'HEAD')
        answer(405, { status: 'use GET' }, { allow: 'GET, HEAD' });
      else if (url.pathname === '/health/live') answer(200, { status: 'live' });
      else if (isStopping()) answer(503, { status: 'stopping' });
      else {
        const { sources, reasons, parts: states } = await look();
        const isReady = Object.values(states).every((state) => state === 'up');
        answer(isReady ? 200 : 503, {
          status: isReady ? 'ready' : 'unready',
          ...(Object.keys(states).length === 0 ? {} : { parts: states }),
          sources,
          ...(Object.keys(reasons).length === 0 ? {} : { reasons }),
          // Breakers change by the call, so they are told as they are now.
          ...(breakers === undefined ? {} : { breakers: Object.fromEntries(breakers()) }),
          ...(failures !== undefined && (await isOperator(request)) ? { failures: failures.recent() } : {}),
        });
      }
    },
  };
}

async function askAll(
  clients: ReadonlyMap<string, Client>,
  parts: Readonly<Record<string, PartState>>,
  failures: SourceFailures | undefined,
): Promise<Look> {
  const look: Look = { sources: {}, reasons: {}, parts: {} };
  // In the order in which they are plugged in, whoever answers first.
  for (const name of clients.keys()) look.sources[name] = 'down';
  await Promise.all([
    ...[...clients].map(async ([name, client]) => {
      try {
        await client.ping();
        look.sources[name] = 'up';
      } catch (error) {
        failures?.report(error, 'ping');
        if (error instanceof SourceError) look.reasons[name] = error.kind;
      }
    }),
    ...Object.entries(parts).map(async ([name, state]) => {
      look.parts[name] = await state().catch(() => 'down' as const);
    }),
  ]);
  return look;
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
