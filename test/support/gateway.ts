import { sources } from '../../sources/index.js';
import type { Environment } from '../../src/settings.js';
import { createGateway, type Gateway, type GatewayOptions } from '../../src/gateway.js';
import type { Duration } from '../../src/duration.js';
import type { SourceDefinition } from '../../src/source.js';
import { behindItsDoor, doorSettings } from './front-doors.js';
import { withoutCache } from './without-cache.js';

/** The operations and triggers of the demo. */
export const DEMO_OPERATIONS = new URL('../../schema/demo/operations/', import.meta.url);
export const DEMO_TRIGGERS = new URL('../../schema/demo/triggers/', import.meta.url);

export interface Answer {
  status: number;
  data: Record<string, unknown> | null | undefined;
  errors: {
    message: string;
    path?: (string | number)[];
    extensions: { code: string; source?: string; retryable?: boolean; [name: string]: unknown };
  }[];
  extensions: Record<string, unknown> | undefined;
}

export interface TestGateway extends Gateway {
  /** Posts an operation and reads the response. */
  query(
    query: string,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

function declaresCallers(environment: Environment): boolean {
  return Object.keys(environment).some((variable) => /^(API_KEYS|JWT_)/.test(variable));
}

/** A healthy stand-in answers sooner, also on a busy machine. */
export const LONG_TIMEOUT = '30 s';

/** All sources with a long timeout, except the named ones, which a test lets time out. */
export function patientSources(timeouts: Record<string, Duration> = {}): SourceDefinition[] {
  return sources.map((source) => ({
    ...source,
    limits: { ...source.limits, timeout: timeouts[source.name] ?? LONG_TIMEOUT },
  }));
}

/**
 * A gateway as in the demo, without a port unless FRONT_DOOR is set. A test of deadlines or timeouts sets DEADLINE_MS, or passes
 * `patientSources()` with a timeout. A test of freshness caches records `'as declared'`. A test of persisted operations passes
 * their folder, `DEMO_OPERATIONS`.
 */
export function createTestGateway(
  environment: Environment,
  options: Partial<GatewayOptions> = {},
  { freshness = 'none' }: { freshness?: 'none' | 'as declared' } = {},
): TestGateway {
  const made = createGateway({
    sources: patientSources(),
    triggers: DEMO_TRIGGERS,
    ...options,
    // On a busy machine, no request is refused or cut short.
    environment: {
      ID_SECRET: 'a secret of the tests',
      // Most tests are not about callers.
      ...(declaresCallers(environment) ? {} : { AUTH: 'off' }),
      LOG_LEVEL: 'silent',
      MAX_DELAY_MS: '60000',
      DEADLINE_MS: '10000',
      ...doorSettings(),
      // All tests can run with either setting.
      ...(process.env['EXECUTION'] === undefined ? {} : { EXECUTION: process.env['EXECUTION'] }),
      ...(freshness === 'none' ? withoutCache(environment, options.sources ?? sources) : {}),
      ...environment,
    },
  });
  const gateway = { ...made, ...behindItsDoor(made) };
  return {
    ...gateway,
    query: async (query, variables = {}, headers = {}) => {
      const response = await gateway.fetch('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query, variables }),
      });
      const body = (await response.json()) as Partial<Answer>;
      return {
        status: response.status,
        data: body.data,
        errors: body.errors ?? [],
        extensions: body.extensions,
      };
    },
  };
}
