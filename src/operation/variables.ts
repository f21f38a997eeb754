import {
  coerceInputValue,
  getNamedType,
  getNullableType,
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
import { operationError } from './request-error.js';

/** A long list of wrong values is not told in full. */
const MAX_ERRORS = 10;

/**
 * What is wrong with the variables of an operation. Execution would say so too, but quote their values: e-mail addresses,
 * for one.
 */
export function checkVariables(
  { variableDefinitions = [] }: OperationDefinitionNode,
  schema: GraphQLSchema,
  variables: Readonly<Record<string, unknown>>,
): GraphQLError[] {
  const errors: GraphQLError[] = [];
  for (const node of variableDefinitions) {
    const type = typeFromAST(schema, node.type);
    // Validation has refused a variable of an output type.
    if (!isInputType(type)) continue;
    const name = node.variable.name.value;
    const given = Object.hasOwn(variables, name);
    const value: unknown = given ? variables[name] : undefined;
    if (given && (value !== null || !isNonNullType(type))) checkValue(node, type, value, errors);
    else if (isNonNullType(type) && (given || node.defaultValue === undefined)) {
      const problem = given ? 'must not be null' : 'is missing';
      errors.push(badInput(`The variable "$${name}" of type "${String(type)}" ${problem}.`, node));
    }
  }
  return errors;
}

function checkValue(
  node: VariableDefinitionNode,
  type: GraphQLInputType,
  value: unknown,
  errors: GraphQLError[],
): void {
  coerceInputValue(value, type, (path, _value, error) => {
    if (errors.length === MAX_ERRORS) return;
    const place = [`$${node.variable.name.value}`, ...path].join('.');
    errors.push(
      badInput(`The variable "${place}" does not fit: ${problemAt(typeAt(type, path), error)}`, node),
    );
  });
}

/** GraphQL's own words quote only values of leaf types, and unknown fields, which may be anything that was sent. */
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
    // One value stands for a list of one, so a field's name may come where a list is.
    if (typeof step === 'number') at = isListType(nullable) ? nullable.ofType : at;
    else if (isInputObjectType(named)) at = named.getFields()[step]?.type ?? at;
  }
  return at;
}

function badInput(message: string, node: VariableDefinitionNode): GraphQLError {
  return operationError('BAD_USER_INPUT', message, { nodes: node });
}
