import {
  executeSync,
  GraphQLError,
  Kind,
  parse,
  validate,
  type DocumentNode,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import type { Bucket } from './bucket.js';
import { priceOf, type Price } from './cost.js';
import type { Context } from './schema.js';
import { checkVariables, validationRules } from './validation.js';
import { badRequest, maxCostExceeded, throttled } from './vendor-errors.js';

export interface OperationRequest {
  query: string;
  variables: Record<string, unknown>;
  operationName: string | undefined;
}

export interface Answer {
  data?: unknown;
  errors?: readonly GraphQLError[];
  extensions?: Record<string, unknown>;
}

/** Each document is parsed, validated and priced once. */
interface Prepared {
  document: DocumentNode;
  operations: Map<string, PreparedOperation>;
}

interface PreparedOperation {
  node: OperationDefinitionNode;
  price: Price;
}

const mostPrepared = 500;
const mostTokens = 50_000;

export function createOperations({
  schema,
  bucket,
  maxCost,
}: {
  schema: GraphQLSchema;
  bucket: Bucket;
  maxCost: number;
}): { answer(request: OperationRequest): Answer } {
  const preparedByText = new Map<string, Prepared | readonly GraphQLError[]>();

  function prepared(query: string): Prepared | readonly GraphQLError[] {
    let known = preparedByText.get(query);
    if (!known) {
      known = prepare(schema, query);
      const [oldest] = preparedByText.keys();
      if (preparedByText.size >= mostPrepared && oldest !== undefined) preparedByText.delete(oldest);
      preparedByText.set(query, known);
    }
    return known;
  }

  function costs(requestedQueryCost: number, actualQueryCost: number | null): Record<string, unknown> {
    return { cost: { requestedQueryCost, actualQueryCost, throttleStatus: bucket.status() } };
  }

  return {
    answer({ query, variables, operationName }) {
      const known = prepared(query);
      if (!('document' in known)) return { errors: known };
      const operation = chosen(known, operationName);
      if (operation instanceof GraphQLError) return { errors: [operation] };

      const checked = checkVariables(schema, operation.node.variableDefinitions ?? [], variables);
      if (checked.errors.length > 0) return { errors: checked.errors };

      const requested = operation.price(checked.values);
      if (requested > maxCost) {
        return { errors: [maxCostExceeded(requested, maxCost)], extensions: costs(requested, null) };
      }
      if (!bucket.take(requested)) return { errors: [throttled()], extensions: costs(requested, null) };

      const context: Context = { spent: 0, searches: [] };
      const { data, errors } = executeSync({
        schema,
        document: known.document,
        contextValue: context,
        variableValues: variables,
        operationName: operationName ?? null,
      });
      bucket.giveBack(requested - context.spent);
      return {
        data,
        ...(errors && { errors }),
        extensions: {
          ...costs(requested, context.spent),
          ...(context.searches.length > 0 && { search: context.searches }),
        },
      };
    },
  };
}

function prepare(schema: GraphQLSchema, query: string): Prepared | readonly GraphQLError[] {
  try {
    const document = parse(query, { maxLexicalTokens: mostTokens });
    const errors = validate(schema, document, validationRules);
    if (errors.length > 0) return errors;

    const operations = new Map<string, PreparedOperation>();
    for (const node of document.definitions) {
      if (node.kind !== Kind.OPERATION_DEFINITION) continue;
      operations.set(node.name?.value ?? '', { node, price: priceOf(schema, document, node) });
    }
    return { document, operations };
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    // Thousands of levels would overflow the call stack.
    if (error instanceof RangeError) return [badRequest('The query is nested too deeply.')];
    throw error;
  }
}

function chosen(
  { operations }: Prepared,
  operationName: string | undefined,
): PreparedOperation | GraphQLError {
  const [first, ...others] = operations.values();
  if (operationName === undefined) {
    if (first && others.length === 0) return first;
    return new GraphQLError('An operation name is required');
  }
  return operations.get(operationName) ?? new GraphQLError(`No operation named "${operationName}"`);
}
