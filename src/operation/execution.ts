import { normalizedExecutor } from '@graphql-tools/executor';
import type { ExecutionResult } from '@graphql-tools/utils';
import { execute as interpret, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import { Execution } from './execution/execution.js';
import type { Variables } from './execution/plan.js';
import type { Prepared } from './prepare.js';

/** A result, or the results of incremental delivery. */
export type Executed = ExecutionResult | AsyncIterable<ExecutionResult>;

/** The inputs of execution. */
export interface ExecuteArgs {
  schema: GraphQLSchema;
  /** Default: the schema's type for the kind of operation. */
  rootType?: GraphQLObjectType;
  rootValue?: unknown;
  contextValue: unknown;
  /** The variables as they were sent. */
  variables: Readonly<Record<string, unknown>>;
  /** The variables as resolvers get them. Undefined if they are invalid. */
  coerced: Variables | undefined;
}

/**
 * Executes an operation by its plan. A plan is made once: it has the fields, how each is resolved and completed, and
 * the constant arguments. Undefined if the operation needs the interpreter: introspection, `@defer`, or a null in
 * `@skip` or `@include`.
 */
export function executeByPlan(
  prepared: Prepared,
  args: ExecuteArgs,
): ExecutionResult | Promise<ExecutionResult> | undefined {
  const { operation, switches, canBePlanned } = prepared;
  const { schema, rootValue, contextValue: context, coerced } = args;
  const rootType = args.rootType ?? schema.getRootType(operation.operation);
  if (!canBePlanned || prepared.isDeferred || rootType == null) return undefined;
  // The interpreter reports the errors of the variables.
  if (coerced === undefined) return undefined;
  const switchValues: Record<string, boolean> = {};
  for (const name of switches) {
    const value = coerced[name];
    if (typeof value !== 'boolean') return undefined;
    switchValues[name] = value;
  }
  const plan = prepared.planFor(schema, rootType, switchValues);
  return new Execution({ plan, rootValue, context, variables: coerced }).run();
}

/**
 * Executes an operation without a plan: by graphql-js for introspection, otherwise by Yoga's executor, for example for
 * `@defer`. A plan would give the same result.
 */
export function executeByInterpreter(
  { document, operation, kind, hasFieldThen }: Prepared,
  { schema, rootValue, contextValue, variables }: ExecuteArgs,
): Executed | Promise<Executed> {
  const operationName = operation.name?.value ?? null;
  const args = { schema, document, operationName, rootValue, contextValue, variableValues: variables };
  // Yoga's executor would start a subscription, and would await an object with a field `then`.
  if (kind !== 'data' || hasFieldThen) return interpret(args);
  return normalizedExecutor(args);
}
