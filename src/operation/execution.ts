import { normalizedExecutor } from '@graphql-tools/executor';
import type { ExecutionResult } from '@graphql-tools/utils';
import {
  execute as interpret,
  getVariableValues,
  type GraphQLError,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import { executeFields } from './execution/complete.js';
import { PendingValues, type Execution, type Values } from './execution/pending-values.js';
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
  variables: Readonly<Record<string, unknown>>;
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
  const { schema, rootValue, contextValue: context, variables } = args;
  const rootType = args.rootType ?? schema.getRootType(operation.operation);
  if (!canBePlanned || prepared.isDeferred || rootType == null) return undefined;
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
  // The interpreter reports the errors of the variables.
  if (coerced === undefined) return undefined;
  const switchValues: Record<string, boolean> = {};
  for (const name of switches) {
    const value = coerced[name];
    if (typeof value !== 'boolean') return undefined;
    switchValues[name] = value;
  }
  const plan = prepared.planFor(schema, rootType, switchValues);
  return run({ plan, rootValue, context, variables: coerced, errors: [], arguments: new Map() });
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

function run(execution: Execution): ExecutionResult | Promise<ExecutionResult> {
  const { errors, plan, rootValue } = execution;
  const resultOf = (data: Values | null): ExecutionResult =>
    errors.length === 0 ? { data } : { errors, data };
  const failed = (error: unknown): ExecutionResult => {
    errors.push(error as GraphQLError);
    return resultOf(null);
  };
  let data: Values | PendingValues;
  try {
    data = executeFields(execution, plan.root, rootValue, undefined);
  } catch (error) {
    return failed(error);
  }
  if (!(data instanceof PendingValues)) return resultOf(data);
  const pending = data;
  return new Promise((resolve) => {
    pending.settled(
      () => {
        resolve(resultOf(pending.values));
      },
      (error) => {
        resolve(failed(error));
      },
    );
  });
}
