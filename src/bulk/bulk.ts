import { isInputObjectType, type GraphQLSchema } from 'graphql';
import type { Clock } from '../clock.js';
import type { OperationRunner } from '../operation/answer.js';
import type { Prepared, Preparer } from '../operation/prepare.js';
import type { Principal } from '../operation/principal.js';
import { httpError } from '../operation/request-error.js';
import type { ProtectionBounds } from '../resilience/protection.js';
import type { Metrics } from '../telemetry/metrics.js';
import { audienceMembers, MEMBERS } from './audience-members.js';
import { bulkOperation, type BulkOperation } from './bulk-operation.js';
import { createCallHistory, type CallHistory } from './call-history.js';
import type { DeclaredCalls } from './declared-calls.js';
import { handOver, handOverCheck, type HandOverOptions, type StoredRow } from './hand-over.js';
import { checkPlan, planBulk, type BulkPlan } from './plan.js';
import type { InputLine } from './read-lines.js';
import { partSizes, runBulk, type BulkOptions, type Row } from './run-bulk.js';

export interface BulkParts {
  schema: GraphQLSchema;
  /** The documents of the persisted operations, by name. */
  operations: ReadonlyMap<string, string>;
  maxCustomers: number;
  preparer: Pick<Preparer, 'prepareTrusted'>;
  runner: Pick<OperationRunner, 'answer'>;
  metrics: Pick<Metrics, 'operationAnswered'>;
  clock: Clock;
  /** The limits of each source now. */
  bounds: () => ReadonlyMap<string, ProtectionBounds>;
  declaredCalls: DeclaredCalls;
}

/** An operation that can run in bulk. */
export interface BulkRunnable {
  readonly operation: BulkOperation;
  readonly prepared: Prepared;
  /** Checks before stored results are handed over. */
  readonly check: HandOverOptions['check'];
  readonly history: CallHistory;
}

/** A bulk request of a principal. */
export interface BulkRequest {
  runnable: BulkRunnable;
  principal: Principal;
  requestId: string;
  /** The variables of the operation beside the key. */
  variables: Readonly<Record<string, unknown>>;
}

/** Runs persisted operations in bulk, for all entry points. */
export interface Bulk {
  readonly schema: GraphQLSchema;
  /** The kinds of identifiers by which customers can be found. */
  readonly kinds: ReadonlySet<string>;
  /** The names of the persisted operations. */
  readonly names: readonly string[];
  /** Finds an operation by its name, in any case. Throws a GraphQLError if there is none, or if it cannot run in bulk. */
  find(name: string): BulkRunnable;
  /** Plans a request without calling a system. */
  plan(request: Omit<BulkRequest, 'requestId'>, lines: number): BulkPlan;
  /** The sizes of the parts in which this many lines are answered. */
  sizes(request: Omit<BulkRequest, 'requestId'>, lines: number): readonly number[];
  run(
    lines: Iterable<InputLine>,
    request: BulkRequest,
    options?: Pick<BulkOptions, 'signal' | 'firstSize' | 'wait'>,
  ): AsyncGenerator<Row>;
  /** Runs the operation for each member of a named audience, page by page. Throws the error of a page that cannot be read. */
  runAudience(
    name: string,
    request: BulkRequest,
    options?: Pick<BulkOptions, 'signal' | 'wait'>,
  ): AsyncGenerator<Row>;
  /** Checks stored rows again, before they are sent to the caller. */
  handOver(
    rows: readonly StoredRow[],
    request: BulkRequest,
    options: Pick<BulkOptions, 'signal'>,
  ): AsyncGenerator<Row>;
}

export function createBulk(parts: BulkParts): Bulk {
  const { schema, operations, preparer, runner, metrics, clock, maxCustomers } = parts;
  const known = new Map<string, BulkRunnable>();
  const keyType = schema.getType('CustomerKey');
  const names = new Map([...operations.keys()].map((name) => [name.toLowerCase(), name]));
  const sizes: Bulk['sizes'] = ({ runnable, ...request }, lines) =>
    partSizes(lines, { ...runnable, ...request, maxCustomers });

  const members = preparer.prepareTrusted(MEMBERS);

  const self: Bulk = {
    schema,
    kinds: new Set(isInputObjectType(keyType) ? Object.keys(keyType.getFields()) : []),
    names: [...operations.keys()],
    find: (requested) => {
      const name = operations.has(requested) ? requested : (names.get(requested.toLowerCase()) ?? '');
      const document = operations.get(name);
      if (document === undefined)
        throw httpError(
          'PERSISTED_DOCUMENT_NOT_FOUND',
          `There is no persisted operation with this name. Add it to schema/operations.`,
          404,
        );
      let found = known.get(name);
      if (found === undefined) {
        const operation = bulkOperation(name, document, schema);
        const prepared = preparer.prepareTrusted(operation.document);
        const ofCheck = handOverCheck(operation, schema);
        const check = { ...ofCheck, prepared: preparer.prepareTrusted(ofCheck.operation.document) };
        known.set(name, (found = { operation, prepared, check, history: createCallHistory() }));
      }
      return found;
    },
    sizes,
    plan: (request, lines) => {
      const { runnable, principal, variables } = request;
      const { operation, prepared, history } = runnable;
      const all = sizes(request, lines);
      const costOf = (count: number) =>
        prepared.cost({ ...variables, [operation.keyVariable]: Array.from({ length: count }, () => ({})) })
          .requested;
      const costs = new Map([...new Set(all)].map((size) => [size, costOf(size)]));
      return planBulk({
        operation: operation.name,
        sizes: all,
        history,
        declaredCalls: (count) => parts.declaredCalls(operation, count),
        bounds: parts.bounds(),
        points: all.reduce((sum, size) => sum + (costs.get(size) ?? 0), 0),
        costPerMinute: principal.caller.costPerMinute,
      });
    },
    runAudience: async function* (name, request, options = {}) {
      const { principal, requestId } = request;
      const asMembers = { runner, prepared: members, principal, requestId, ...options };
      for await (const lines of audienceMembers(name, asMembers)) {
        checkPlan(self.plan(request, lines.length));
        yield* self.run(lines, request, { ...options, firstSize: Math.max(1, lines.length) });
      }
    },
    handOver: (rows, { runnable: { check, prepared }, ...request }, options) =>
      handOver(rows, { ...request, ...options, runner, clock, maxCustomers, check, released: prepared }),
    run: (lines, { runnable, ...request }, options = {}) =>
      runBulk(lines, {
        ...{ ...runnable, ...request, ...options, runner, clock, maxCustomers },
        onAnswer: ({ outcome, provenance }, count, startedAt) => {
          const tookMs = clock.now() - startedAt;
          metrics.operationAnswered(runnable.operation.name, tookMs, outcome);
          if (provenance !== undefined) runnable.history.add(count, provenance.batches(), tookMs);
        },
      }),
  };
  return self;
}
