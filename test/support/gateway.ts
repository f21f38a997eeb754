import { sources } from '../../sources/index.js';
import type { Environment } from '../../src/settings.js';
import { createGateway, type Gateway, type GatewayOptions } from '../../src/gateway.js';
import type { Duration } from '../../src/duration.js';
import type { SourceDefinition } from '../../src/source.js';
import { behindItsDoor, doorSettings } from './front-doors.js';
import { keepsNothing } from './keeps-nothing.js';

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
  /** Posts an operation through the front door and reads the answer. */
  query(
    query: string,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

function saysWhoMayAsk(environment: Environment): boolean {
  return Object.keys(environment).some((variable) => /^(API_KEYS|JWT_)/.test(variable));
}

/** No answer of a healthy stand-in takes this long, however busy the machine is. */
export const LONG_TIMEOUT = '30 s';

/** All sources with a long timeout, except those that a test wants to time out: by name, with their timeout. */
export function patientSources(timeouts: Record<string, Duration> = {}): SourceDefinition[] {
  return sources.map((source) => ({
    ...source,
    limits: { ...source.limits, timeout: timeouts[source.name] ?? LONG_TIMEOUT },
  }));
}

/**
 * A gateway as the demo starts it: without a port, unless the suite is run by another front door. A test of deadlines or
 * timeouts sets its own: DEADLINE_MS, and `patientSources()` with a timeout. A test of freshness has answers kept
 * `'as declared'`, and one of persisted operations names their folder, `DEMO_OPERATIONS`.
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
    // However busy the machine is that the tests run on, no request is refused or cut short for it.
    environment: {
      ID_SECRET: 'a secret of the tests',
      // Most tests are not about who asks.
      ...(saysWhoMayAsk(environment) ? {} : { AUTH: 'off' }),
      LOG_LEVEL: 'silent',
      MAX_DELAY_MS: '60000',
      DEADLINE_MS: '10000',
      ...doorSettings(),
      // So that all tests can be run either way.
      ...(process.env['EXECUTION'] === undefined ? {} : { EXECUTION: process.env['EXECUTION'] }),
      ...(freshness === 'none' ? keepsNothing(environment, options.sources ?? sources) : {}),
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
