import { sources } from '../../sources/index.js';
import type { Environment } from '../../src/settings.js';
import type { GatewayOptions } from '../../src/gateway.js';
import type { Duration } from '../../src/duration.js';
import type { SourceDefinition } from '../../src/source.js';
import {
  createTestGateway as createGatewayOf,
  LONG_TIMEOUT,
  withQuery,
  type Answer,
  type TestGateway,
} from '../../src/testing/test-gateway.js';
import { behindHttpFront, frontSettings } from './http-fronts.js';

/** The operations and triggers of the demo. */
export const DEMO_OPERATIONS = new URL('../../schema/demo/operations/', import.meta.url);
export const DEMO_TRIGGERS = new URL('../../schema/demo/triggers/', import.meta.url);

export { LONG_TIMEOUT, type Answer, type TestGateway };

/** All sources with a long timeout. `timeouts` has shorter ones for the sources that a test lets time out. */
export function patientSources(timeouts: Record<string, Duration> = {}): SourceDefinition[] {
  return sources.map((source) => ({
    ...source,
    limits: { ...source.limits, timeout: timeouts[source.name] ?? LONG_TIMEOUT },
  }));
}

/**
 * Creates a gateway as in the demo, without a port unless TEST_FRONT is set. A test of deadlines or timeouts sets
 * DEADLINE_MS, or passes `patientSources()` with a timeout. A test of freshness sets the cache to `'as declared'`.
 * A test of persisted operations passes their folder, `DEMO_OPERATIONS`.
 */
export function createTestGateway(
  environment: Environment,
  options: Partial<GatewayOptions> = {},
  { freshness = 'none' }: { freshness?: 'none' | 'as declared' } = {},
): TestGateway {
  const gatewayOf = createGatewayOf(
    {
      ...frontSettings(),
      // The environment variable EXECUTION applies to all tests.
      ...(process.env['EXECUTION'] === undefined ? {} : { EXECUTION: process.env['EXECUTION'] }),
      ...environment,
    },
    { sources: patientSources(), triggers: DEMO_TRIGGERS, ...options },
    { freshness },
  );
  return withQuery({ ...gatewayOf, ...behindHttpFront(gatewayOf) });
}
