import { sources } from '../../sources/index.js';
import type { Environment } from '../../src/settings.js';
import { createGateway, type Gateway, type GatewayOptions } from '../../src/gateway.js';
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

/**
 * A gateway as the demo starts it: without a port, unless the suite is run by another front door. A test of freshness
 * has answers kept `'as declared'`.
 */
export function createTestGateway(
  environment: Environment,
  options: Partial<GatewayOptions> = {},
  { freshness = 'none' }: { freshness?: 'none' | 'as declared' } = {},
): TestGateway {
  const made = createGateway({
    sources,
    operations: DEMO_OPERATIONS,
    triggers: DEMO_TRIGGERS,
    ...options,
    // However busy the machine is that the tests run on, no request is refused for it.
    environment: {
      ID_SECRET: 'a secret of the tests',
      // Most tests are not about who asks.
      ...(saysWhoMayAsk(environment) ? {} : { AUTH: 'off' }),
      LOG_LEVEL: 'silent',
      MAX_DELAY_MS: '60000',
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
