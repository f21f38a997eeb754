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
import { Unfinished, type Execution, type Values } from './execution/unfinished.js';
import type { Prepared } from './prepare.js';

/** An answer, or its parts as they come. */
export type Executed = ExecutionResult | AsyncIterable<ExecutionResult>;

/** What an operation is executed with. */
export interface ExecuteArgs {
  schema: GraphQLSchema;
  /** Default: the schema's type for the kind of operation. */
  rootType?: GraphQLObjectType;
  rootValue?: unknown;
  contextValue: unknown;
  variables: Readonly<Record<string, unknown>>;
}

/**
 * Answers by a plan, which is made once: which fields there are, how each is resolved and completed, which arguments
 * never change. Undefined of what needs an interpreter: introspection, `@defer`, and a switch that is null.
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
  // The interpreter says what is wrong with them.
  if (coerced === undefined) return undefined;
  const set: Record<string, boolean> = {};
  for (const name of switches) {
    const value = coerced[name];
    if (typeof value !== 'boolean') return undefined;
    set[name] = value;
  }
  const plan = prepared.planFor(schema, rootType, set);
  return run({ plan, rootValue, context, variables: coerced, errors: [], arguments: new Map() });
}

/**
 * Answers what no plan does: introspection by graphql-js, and all else, such as `@defer`, by the executor that Yoga uses.
 * What a plan can answer as well has the same answer.
 */
export function executeByInterpreter(
  { document, operation, kind, hasFieldThen }: Prepared,
  { schema, rootValue, contextValue, variables }: ExecuteArgs,
): Executed | Promise<Executed> {
  const operationName = operation.name?.value ?? null;
  const args = { schema, document, operationName, rootValue, contextValue, variableValues: variables };
  // Yoga's would subscribe, and takes an object with a field `then` for a promise.
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
  let data: Values | Unfinished;
  try {
    data = executeFields(execution, plan.root, rootValue, undefined);
  } catch (error) {
    return failed(error);
  }
  if (!(data instanceof Unfinished)) return resultOf(data);
  const unfinished = data;
  return new Promise((resolve) => {
    unfinished.settled(
      () => {
        resolve(resultOf(unfinished.values));
      },
      (error) => {
        resolve(failed(error));
      },
    );
  });
}
