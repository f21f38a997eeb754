import type { Plugin } from 'graphql-yoga';
import type { Clock } from '../clock.js';
import type { Client, Connection } from '../connectors/connector.js';
import type { Protection } from '../resilience/protection.js';
import type { FailureKind } from '../diagnosis.js';
import { SourceError } from '../errors.js';
import type { BreakerState } from '../telemetry/metrics.js';
import type { SourceFailures } from '../telemetry/source-failures.js';

/** The result of a check is reused for this long, so that frequent probes put no load on the systems. */
const CHECK_MAX_AGE_MS = 5_000;

/** Checks a part of the gateway. Rejects, or resolves to `down`, if it does not work. */
export type PartState = () => Promise<'up' | 'down'>;

interface Check {
  sources: Record<string, 'up' | 'down'>;
  /** Why a source is unavailable, by source. */
  reasons: Record<string, FailureKind>;
  parts: Record<string, 'up' | 'down'>;
}

export interface HealthOptions {
  /** The states of the sources' breakers. Default: no states are shown. */
  breakers?: () => ReadonlyMap<string, BreakerState>;
  /** Whether the gateway is about to end. It still answers requests, but should get no new ones. Default: false. */
  isStopping?: () => boolean;
  /** Parts of the gateway itself, by name. If one does not work, the gateway is not ready. Default: none. */
  parts?: Readonly<Record<string, PartState>>;
  /** Reports why a source is unavailable, and holds the last failures. Default: nothing is reported. */
  failures?: SourceFailures;
  /** Whether a request may see the last failures of the sources. Default: false. */
  isOperator?: (request: Request) => Promise<boolean>;
  clock?: Clock;
}

/**
 * Answers `/health/live` (the process runs) and `/health/ready` (it can answer queries), with the state of each
 * system. The gateway is ready even if a system is unavailable: only the fields of that system are null. A gateway
 * that is stopping, or whose own part does not work, is unready. The status is then 503, so that load balancers send
 * requests elsewhere.
 *
 * The page is public, so it shows states and the kind of a failure. An operator also sees the last failure of each
 * source: the request, what was received, and the remedy.
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
  let last: { at: number; check: Promise<Check> } | undefined;
  const check = (): Promise<Check> => {
    const now = clock.now();
    if (last === undefined || now - last.at >= CHECK_MAX_AGE_MS)
      last = { at: now, check: checkAll(clients, parts, failures) };
    return last.check;
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
        const { sources, reasons, parts: states } = await check();
        const isReady = Object.values(states).every((state) => state === 'up');
        answer(isReady ? 200 : 503, {
          status: isReady ? 'ready' : 'unready',
          ...(Object.keys(states).length === 0 ? {} : { parts: states }),
          sources,
          ...(Object.keys(reasons).length === 0 ? {} : { reasons }),
          // Breakers may change with each call, so their states are read now.
          ...(breakers === undefined ? {} : { breakers: Object.fromEntries(breakers()) }),
          ...(failures !== undefined && (await isOperator(request)) ? { failures: failures.recent() } : {}),
        });
      }
    },
  };
}

async function checkAll(
  clients: ReadonlyMap<string, Client>,
  parts: Readonly<Record<string, PartState>>,
  failures: SourceFailures | undefined,
): Promise<Check> {
  const check: Check = { sources: {}, reasons: {}, parts: {} };
  // Shows sources in the order in which they are plugged in, not in the order of their answers.
  for (const name of clients.keys()) check.sources[name] = 'down';
  await Promise.all([
    ...[...clients].map(async ([name, client]) => {
      try {
        await client.ping();
        check.sources[name] = 'up';
      } catch (error) {
        failures?.report(error, 'ping');
        if (error instanceof SourceError) check.reasons[name] = error.kind;
      }
    }),
    ...Object.entries(parts).map(async ([name, state]) => {
      check.parts[name] = await state().catch(() => 'down' as const);
    }),
  ]);
  return check;
}

/** Returns a client that pings the system within the limits of the source, as with any other call. */
export function pinger(source: ProtectedConnection): Client {
  return { ping: () => clientWithin(source).ping() };
}

interface ProtectedConnection {
  connection: Connection<Client>;
  protection: Protection;
}

/** Returns a client for calls outside requests, within the limits of the source. Its answers are not cached. */
export function clientWithin({ connection, protection }: ProtectedConnection): Client {
  const scope = protection.scope({ priority: 'interactive' });
  return connection.client({
    run: (call) => scope.run(call),
    slowDown: (info) => {
      scope.slowDown(info);
    },
    limitMaxAge: () => undefined,
    headers: {},
  });
}
