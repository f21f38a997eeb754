import {
  getOperationAST,
  getVariableValues,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  Kind,
  OperationTypeNode,
  visit,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import { executeFields } from './execution/complete.js';
import { createPlan, type Plan } from './execution/plan.js';
import { Unfinished, type Execution, type Values } from './execution/unfinished.js';

/** Fields whose plans are kept, of all documents, audiences and ways of switching parts on and off: each takes a kilobyte. */
const KEPT_FIELDS = 30_000;

/** A plan holds on to its document, which takes as much for so many characters. */
const CHARACTERS_PER_FIELD = 10;

/** Has operations answered by plans, and by Yoga's executor only what no plan is made for. */
export function usePlannedExecution(): Plugin {
  const executeByPlan = createExecuteByPlan();
  return {
    onExecute({ executeFn, setExecuteFn }) {
      setExecuteFn((args: ExecutionArgs): unknown => executeByPlan(args) ?? executeFn(args));
    },
  };
}

/** Answers by a plan; undefined of an operation that needs the interpreter. */
export type ExecuteByPlan = (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult> | undefined;

/**
 * Answers operations by plans that are made once: which fields there are, how each is resolved and completed, which
 * arguments never change. The answers are those that Yoga's executor gives.
 */
export function createExecuteByPlan(): ExecuteByPlan {
  const operations = new WeakMap<DocumentNode, Map<string, Operation | undefined>>();
  const schemas = new WeakMap<GraphQLSchema, number>();
  const plans = new LRUCache<string, Plan>({
    maxSize: KEPT_FIELDS,
    sizeCalculation: sizeOf,
  });
  let numbered = 0;

  const operationIn = (document: DocumentNode, name: string | null | undefined): Operation | undefined => {
    const ofDocument = operations.get(document) ?? new Map<string, Operation | undefined>();
    operations.set(document, ofDocument);
    const key = name ?? '';
    if (!ofDocument.has(key)) ofDocument.set(key, readOperation(document, name, (numbered += 1)));
    return ofDocument.get(key);
  };

  const numberOf = (schema: GraphQLSchema): number => {
    let number = schemas.get(schema);
    if (number === undefined) schemas.set(schema, (number = numbered += 1));
    return number;
  };

  return ({ schema, document, operationName, variableValues, rootValue, contextValue }) => {
    const asked = operationIn(document, operationName);
    const rootType = schema.getQueryType();
    if (asked === undefined || rootType == null) return undefined;
    const { number, operation, fragments, switches } = asked;
    const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {});
    // It says what is wrong with them, also with a switch that is null.
    if (coerced === undefined) return undefined;
    const set = Object.fromEntries(switches.map((name) => [name, coerced[name]]));
    if (!areSet(set)) return undefined;
    const key = `${number} ${numberOf(schema)} ${Object.values(set).map(Number).join('')}`;
    let plan = plans.get(key);
    if (plan === undefined) {
      plan = createPlan({ schema, operation, fragments }, rootType, set);
      // At once: many may ask it at the same moment, when it is new.
      plans.set(key, plan);
    }
    const { size } = plan;
    const execution = {
      ...{ plan, rootValue, context: contextValue, variables: coerced, errors: [] },
      arguments: new Map(),
    };
    return run(execution, () => {
      if (plan.size === size) return;
      // What is there already is not counted again for being set.
      plans.delete(key);
      plans.set(key, plan);
    });
  };
}

function sizeOf({ size, operation }: Plan): number {
  return size + 1 + Math.ceil((operation.loc?.source.body.length ?? 0) / CHARACTERS_PER_FIELD);
}

function areSet(switches: Record<string, unknown>): switches is Record<string, boolean> {
  return Object.values(switches).every((value) => typeof value === 'boolean');
}

interface Operation {
  number: number;
  operation: OperationDefinitionNode;
  fragments: Record<string, FragmentDefinitionNode>;
  /** The variables that @skip and @include hang on. */
  switches: readonly string[];
}

/** Undefined: not answered by a plan. Incremental delivery, introspection and subscriptions are not. */
function readOperation(
  document: DocumentNode,
  name: string | null | undefined,
  number: number,
): Operation | undefined {
  const operation = getOperationAST(document, name);
  if (operation?.operation !== OperationTypeNode.QUERY) return undefined;
  const fragments = Object.create(null) as Record<string, FragmentDefinitionNode>;
  for (const one of document.definitions)
    if (one.kind === Kind.FRAGMENT_DEFINITION) fragments[one.name.value] = one;
  const switches = new Set<string>();
  let isForPlan = true as boolean;
  visit(document, {
    Field: ({ name: { value } }) => {
      if (value === '__schema' || value === '__type') isForPlan = false;
    },
    Directive: ({ name: { value }, arguments: given = [] }) => {
      if (value === GraphQLSkipDirective.name || value === GraphQLIncludeDirective.name) {
        for (const { value: condition } of given)
          if (condition.kind === Kind.VARIABLE) switches.add(condition.name.value);
      } else isForPlan = false;
    },
  });
  return isForPlan ? { number, operation, fragments, switches: [...switches] } : undefined;
}

function run(execution: Execution, onEnd: () => void): ExecutionResult | Promise<ExecutionResult> {
  const { errors, plan, rootValue } = execution;
  const resultOf = (data: Values | null): ExecutionResult => {
    onEnd();
    return errors.length === 0 ? { data } : { errors, data };
  };
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
