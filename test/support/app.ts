import type { GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Clock } from '../../src/clock.js';
import { createConsents } from '../../src/customer/consents.js';
import { createApp, type App } from '../../src/http/app.js';
import { createAuthenticate } from '../../src/http/authenticate.js';
import { createRequestReader } from '../../src/http/read-request.js';
import { NO_ERASURES } from '../../src/identity/erasures.js';
import { permissionsOf } from '../../src/context/roles.js';
import { OperationRunner, type OperationRunnerOptions } from '../../src/operation/answer.js';
import { createBudgets } from '../../src/operation/budgets.js';
import { createCostLimits } from '../../src/operation/cost-limits.js';
import { createPrincipals } from '../../src/operation/principal.js';
import { createConsentGuard } from '../../src/privacy/consent-guard.js';
import { createLogger, type Logger } from '../../src/telemetry/logger.js';
import { createMetrics, type Metrics } from '../../src/telemetry/metrics.js';
import { fakeClock } from './clock.js';
import { createLoading } from './loading.js';
import { preparerFor } from './preparer.js';

/** Runs operations on a schema without sources, field permissions, low limits or audit. */
export function createOperationRunner(
  schema: GraphQLSchema,
  parts: Partial<OperationRunnerOptions> = {},
): { runner: OperationRunner; options: OperationRunnerOptions; close: () => void } {
  const loading = createLoading({ clock: fakeClock() });
  const options: OperationRunnerOptions = {
    preparer: preparerFor(schema),
    privacy: {
      schemas: { executed: () => schema, shown: () => schema },
      disclosures: () => ({ of: () => undefined, forbidden: () => [] }),
      consentGuard: createConsentGuard(createConsents([])),
      needsConsent: () => false,
      maySee: () => true,
    },
    contextOptions: {
      registry: loading.registry,
      rules: {
        namespaces: new Map(),
        sources: [],
        limits: { maxHops: 3, maxValuesPerNamespace: 5, maxIdentifiers: 50, patienceMs: 500 },
      },
      erasures: NO_ERASURES,
      clock: performance,
      deadlineMs: 1_000,
      identityPercent: 50,
    },
    limits: createCostLimits({ budgets: createBudgets() }),
    auditor: undefined,
    errorLog: { logger: createLogger('silent'), failures: { report: () => undefined } },
    sources: [],
    usesPlans: true,
    ...parts,
  };
  return {
    runner: new OperationRunner(options),
    options,
    close: () => {
      loading.close();
    },
  };
}

export interface TestAppOptions {
  clock?: Clock;
  metrics?: Metrics;
  logger?: Logger;
  pages?: readonly Plugin[];
  parts?: Partial<OperationRunnerOptions>;
}

/** Serves a schema of the test as GraphQL over HTTP. */
export function createTestApp(
  schema: GraphQLSchema,
  {
    clock = performance,
    metrics = createMetrics(),
    logger = createLogger('silent'),
    pages = [],
    parts = {},
  }: TestAppOptions = {},
): App & { close: () => void } {
  const errorLog = { logger, failures: { report: () => undefined } };
  const { runner, options, close } = createOperationRunner(schema, { errorLog, ...parts });
  const caller = { ...permissionsOf(['operator']), name: 'test', roles: ['operator' as const], origins: [] };
  const app = createApp({
    schema,
    exchanges: {
      config: { cacheDirectives: 'any', deadlineMs: 1_000 },
      authenticate: createAuthenticate({ caller: () => caller }, createPrincipals(options.privacy)),
      reader: createRequestReader({ maxBodyBytes: 100_000, documents: new Map() }),
      preparer: preparerFor(schema),
      runner,
      metrics,
      errorLog,
      clock,
    },
    subscribe: () => ({ errors: [] }),
    cache: undefined,
    maxBodyBytes: 100_000,
    hasFront: true,
    pages,
    logger,
  });
  return { ...app, close };
}
