import { sources } from '../../sources/index.js';
import type { Environment } from '../../src/config.js';
import { createGateway, type Gateway, type GatewayOptions } from '../../src/gateway.js';

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
  query(query: string, variables?: Record<string, unknown>): Promise<Answer>;
}

/** A gateway as `npm start` makes it, without a port. */
export function createTestGateway(
  environment: Environment,
  options: Partial<GatewayOptions> = {},
): TestGateway {
  const gateway = createGateway({
    sources,
    ...options,
    // However busy the machine is that the tests run on, no request is refused for it.
    environment: {
      ID_SECRET: 'a secret of the tests',
      LOG_LEVEL: 'silent',
      MAX_DELAY_MS: '60000',
      ...environment,
    },
  });
  return {
    ...gateway,
    query: async (query, variables = {}) => {
      const response = await gateway.fetch('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
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
