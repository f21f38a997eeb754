import {
  coerceInputValue,
  getNamedType,
  getNullableType,
  getVariableValues,
  isInputObjectType,
  isInputType,
  isLeafType,
  isListType,
  isNonNullType,
  typeFromAST,
  type GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type VariableDefinitionNode,
} from 'graphql';
import type { Variables } from './execution/plan.js';
import { operationError } from './request-error.js';

/** Maximum number of reported errors. */
const MAX_ERRORS = 10;

/** The variables as resolvers get them; or the errors of variables that are not valid. */
export interface CoercedVariables {
  coerced: Variables | undefined;
  errors: readonly GraphQLError[];
}

/**
 * Coerces the variables of an operation. GraphQL's own errors would quote their values, such as e-mail addresses.
 */
export function coerceVariables(
  { variableDefinitions = [] }: OperationDefinitionNode,
  schema: GraphQLSchema,
  variables: Readonly<Record<string, unknown>>,
): CoercedVariables {
  const { coerced } = getVariableValues(schema, variableDefinitions, variables, { maxErrors: 1 });
  if (coerced !== undefined) return { coerced, errors: [] };
  const errors: GraphQLError[] = [];
  try {
    findErrors(variableDefinitions, schema, variables, errors);
  } catch (error) {
    if (!(error instanceof TooManyErrors)) throw error;
  }
  return { coerced, errors };
}

/** Ends the search for errors. Each error takes time, and a list may have thousands. */
class TooManyErrors extends Error {}

function findErrors(
  variableDefinitions: readonly VariableDefinitionNode[],
  schema: GraphQLSchema,
  variables: Readonly<Record<string, unknown>>,
  errors: GraphQLError[],
): void {
  for (const node of variableDefinitions) {
    const type = typeFromAST(schema, node.type);
    // Validation refuses variables of output types.
    if (!isInputType(type)) continue;
    const name = node.variable.name.value;
    const isSet = Object.hasOwn(variables, name);
    const value: unknown = isSet ? variables[name] : undefined;
    if (isSet && (value !== null || !isNonNullType(type))) checkValue(node, type, value, errors);
    else if (isNonNullType(type) && (isSet || node.defaultValue === undefined)) {
      const problem = isSet ? 'must not be null' : 'is missing';
      errors.push(badInput(`The variable "$${name}" of type "${String(type)}" ${problem}.`, node));
    }
  }
}

function checkValue(
  node: VariableDefinitionNode,
  type: GraphQLInputType,
  value: unknown,
  errors: GraphQLError[],
): void {
  coerceInputValue(value, type, (path, _value, error) => {
    if (errors.length === MAX_ERRORS) throw new TooManyErrors();
    const place = [`$${node.variable.name.value}`, ...path].join('.');
    errors.push(
      badInput(`The variable "${place}" is not valid: ${problemAt(typeAt(type, path), error)}`, node),
    );
  });
}

/**
 * The message of an error without values. GraphQL's messages quote values of leaf types, and names of unknown fields.
 */
function problemAt(type: GraphQLInputType, { message }: GraphQLError): string {
  if (isLeafType(getNamedType(type))) return `expected type "${String(type)}".`;
  const unknownField = /^Field "(.*?)" is not defined/s.exec(message)?.[1];
  if (unknownField === undefined || /^[_a-z]\w{0,60}$/i.test(unknownField)) return message;
  return `a field is not defined by type "${String(type)}".`;
}

function typeAt(type: GraphQLInputType, path: readonly (string | number)[]): GraphQLInputType {
  let at = type;
  for (const step of path) {
    const named = getNamedType(at);
    const nullable = getNullableType(at);
    // A single value is allowed in place of a list, so the path may have no index there.
    if (typeof step === 'number') at = isListType(nullable) ? nullable.ofType : at;
    else if (isInputObjectType(named)) at = named.getFields()[step]?.type ?? at;
  }
  return at;
}

function badInput(message: string, node: VariableDefinitionNode): GraphQLError {
  return operationError('BAD_USER_INPUT', message, { nodes: node });
}
