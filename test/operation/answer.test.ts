import { makeExecutableSchema } from '@graphql-tools/schema';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { permissionsOf } from '../../src/context/roles.js';
import type { CustomerEvent } from '../../src/customer/customer.js';
import { InvalidInputError } from '../../src/errors.js';
import type { OperationRequest } from '../../src/operation/answer.js';
import { createPrincipals } from '../../src/operation/principal.js';
import { operationError } from '../../src/operation/request-error.js';
import type { AuditEntry } from '../../src/privacy/audit-line.js';
import { createLogger } from '../../src/telemetry/logger.js';
import { createOperationRunner } from '../support/app.js';

/** The steps of an answer, in order of execution. */
const steps: string[] = [];
/** The decisions of the charge and the audit. */
const decisions = { isCharged: true, isAudited: true };

const schema = makeExecutableSchema({
  typeDefs: 'type Query { name(of: Int!): String broken: String }',
  resolvers: {
    Query: {
      name: () => {
        steps.push('execution');
        return 'Jan';
      },
      broken: () => {
        steps.push('execution');
        throw new InvalidInputError('Not that.');
      },
    },
  },
});

const ENTRY: AuditEntry = {
  requestId: 'request',
  caller: 'test',
  purpose: 'SERVICE',
  operation: { name: null, id: '' },
  customers: ['sealed'],
  categories: { granted: ['IDENTITY'], masked: [], withheld: [] },
  sources: {},
  cached: false,
};

const { options, close } = createOperationRunner(schema);
const { privacy, contextOptions } = options;
const logger = createLogger('silent');
const { runner } = createOperationRunner(schema, {
  privacy: {
    ...privacy,
    schemas: {
      ...privacy.schemas,
      executed: () => {
        steps.push('schema');
        return schema;
      },
    },
  },
  limits: {
    tooExpensive: () => undefined,
    charge: () => {
      steps.push('charge');
      if (!decisions.isCharged) return { refused: operationError('LIMIT_EXCEEDED', 'Too expensive.') };
      const settle = (): { requested: number; actual: number; limit: number; remaining: number } => {
        steps.push('settling');
        return { requested: 2, actual: 1, limit: 10, remaining: 9 };
      };
      return { settle };
    },
    chargeAgain: () => false,
  },
  contextOptions: {
    ...contextOptions,
    registry: {
      ...contextOptions.registry,
      forRequest: (scope) => {
        steps.push('context');
        return contextOptions.registry.forRequest(scope);
      },
    },
  },
  auditor: {
    entryOf: () => {
      steps.push('consent and audit');
      return ENTRY;
    },
    write: () => Promise.resolve(decisions.isAudited),
  },
  errorLog: {
    failures: { report: () => undefined },
    logger: Object.assign(Object.create(logger) as typeof logger, {
      info: () => {
        steps.push('errors');
      },
    }),
  },
});
afterAll(close);

const caller = { ...permissionsOf(['operator']), name: 'test', roles: ['operator' as const], origins: [] };
const principal = createPrincipals({ maySee: () => true, needsConsent: () => false })(caller, 'SERVICE');
const answer = async (query: string, request: Partial<OperationRequest> = {}) => {
  const prepared = options.preparer.prepare(query);
  return runner.answer(prepared, { principal, requestId: 'request', ...request });
};

beforeEach(() => {
  steps.length = 0;
  Object.assign(decisions, { isCharged: true, isAudited: true });
});

describe('an operation', () => {
  test('is answered in the order of the steps', async () => {
    const { result } = await answer('{ name(of: 1) broken }');
    expect(result).toMatchObject({ data: { name: 'Jan', broken: null }, errors: [{ path: ['broken'] }] });
    expect(steps).toEqual([
      'schema',
      'charge',
      'context',
      'execution',
      'execution',
      'consent and audit',
      'settling',
      'errors',
    ]);
  });

  test.each([
    ['an invalid variable', 'query ($of: Int!) { name(of: $of) }', { of: 'text' }],
    ['data and introspection together', '{ name(of: 1) __schema { queryType { name } } }', {}],
  ])('is refused before it is charged for %s', async (_, query, variables) => {
    const { result } = await answer(query, { variables });
    expect(result.errors?.map(({ extensions }) => extensions['code'])).toEqual(['BAD_USER_INPUT']);
    expect(result).not.toHaveProperty('data');
    expect(steps).toEqual(['schema', 'errors']);
  });

  test('is refused before its context is created if it costs too much', async () => {
    decisions.isCharged = false;
    expect((await answer('{ name(of: 1) }')).result).not.toHaveProperty('data');
    expect(steps).toEqual(['schema', 'charge', 'errors']);
  });

  test('is withheld if it cannot be audited, after its cost is settled', async () => {
    decisions.isAudited = false;
    const { result, outcome } = await answer('{ name(of: 1) }');
    expect(outcome).toBe('refused');
    expect(result.errors?.map(({ extensions }) => extensions['code'])).toEqual(['AUDIT_UNAVAILABLE']);
    expect(JSON.stringify(result)).not.toContain('Jan');
    expect(steps.slice(-3)).toEqual(['consent and audit', 'settling', 'errors']);
  });

  test('of an event is withheld temporarily if the conditions cannot be evaluated', async () => {
    const recordId = 'somebody';
    const event = {
      field: 'name',
      event: { recordId } as unknown as CustomerEvent,
      conditions: [],
      only: 'allowed' as const,
    };
    // The schema of this test has no type CustomerEvent.
    const { result, withheld } = await answer('{ name(of: 1) }', { event });
    expect(withheld).toEqual({ code: 'INTERNAL_SERVER_ERROR', isTemporary: true });
    expect(JSON.stringify(result)).not.toContain('Jan');
  });

  test('reports its cost and its sources only if requested', async () => {
    expect((await answer('{ name(of: 1) }')).result).toEqual({ data: { name: 'Jan' } });
    const { result } = await answer('{ name(of: 1) }', { shouldReportCost: true, shouldReportSources: true });
    expect(result.extensions).toEqual({
      cost: { requested: 2, actual: 1, limit: 10, remaining: 9 },
      sources: {},
    });
  });
});
