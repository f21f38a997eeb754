import { createGateway, type Gateway, type GatewayOptions } from '../gateway.js';
import type { Environment } from '../settings.js';
import { withoutCache } from './without-cache.js';

/** The response to an operation. */
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

/** A timeout that a healthy system never reaches, even on a busy machine. */
export const LONG_TIMEOUT = '30 s';

/**
 * Creates a gateway without a port. It has a deadline of 10 s, refuses no request because of load, and logs
 * nothing. Unless the environment declares callers, every client may query everything (`AUTH=off`). With
 * freshness `'none'`, the default, it caches only identities; with `'as declared'` it caches as in
 * production.
 */
export function createTestGateway(
  environment: Environment,
  options: GatewayOptions,
  { freshness = 'none' }: { freshness?: 'none' | 'as declared' } = {},
): TestGateway {
  return withQuery(
    createGateway({
      ...options,
      environment: {
        ID_SECRET: 'a secret of the tests',
        ...(declaresCallers(environment) ? {} : { AUTH: 'off' }),
        LOG_LEVEL: 'silent',
        MAX_DELAY_MS: '60000',
        DEADLINE_MS: '10000',
        ...(freshness === 'none' ? withoutCache(environment, options.sources) : {}),
        ...environment,
      },
    }),
  );
}

/** Adds `query` to a gateway. */
export function withQuery(gateway: Gateway): TestGateway {
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

function declaresCallers(environment: Environment): boolean {
  return Object.keys(environment).some((variable) => /^(API_KEYS|JWT_)/.test(variable));
}
