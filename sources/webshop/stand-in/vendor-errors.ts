import { GraphQLError, print, type VariableDefinitionNode } from 'graphql';

/** The errors of Shopify, with its messages and codes. */

export const rateLimitsPage = 'https://shopify.dev/api/usage/rate-limits';

export function badRequest(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}

export function unknownId(id: string): GraphQLError {
  return new GraphQLError(`Invalid id: ${id}`, { extensions: { code: 'RESOURCE_NOT_FOUND' } });
}

export function tooManyInputs(count: number, most: number): GraphQLError {
  return new GraphQLError(
    `The input array size of ${count} is greater than the maximum allowed of ${most}.`,
    { extensions: { code: 'MAX_INPUT_SIZE_EXCEEDED' } },
  );
}

export function throttled(): GraphQLError {
  return new GraphQLError('Throttled', { extensions: { code: 'THROTTLED', documentation: rateLimitsPage } });
}

export function maxCostExceeded(cost: number, maxCost: number): GraphQLError {
  return new GraphQLError(
    `Query cost is ${cost}, which exceeds the single query max cost limit (${maxCost}).\n\n` +
      'See https://shopify.dev/concepts/about-apis/rate-limits for more information on how the\n' +
      'cost of a query is calculated.\n\n' +
      'To query larger amounts of data with fewer limits, bulk operations should be used instead.\n' +
      'See https://shopify.dev/api/usage/bulk-operations/queries for usage details.\n',
    { extensions: { code: 'MAX_COST_EXCEEDED', cost, maxCost, documentation: rateLimitsPage } },
  );
}

export function noCustomIds(): GraphQLError {
  return new GraphQLError("Metafield definition of type 'id' is required when using custom ids.", {
    extensions: { code: 'NOT_FOUND' },
  });
}

export function oneOfExplanation(typeName: string, count: number): string {
  return `'${typeName}' requires exactly one argument, but ${count} were provided.`;
}

export function invalidGidExplanation(value: string): string {
  return `Invalid global id '${value}'`;
}

/** The path and the problem in the value of a variable. */
export interface Problem {
  path: (string | number)[];
  explanation: string;
}

export function invalidVariable(
  { variable, type: typeNode }: VariableDefinitionNode,
  value: unknown,
  problems: readonly Problem[],
): GraphQLError {
  return new GraphQLError(
    `Variable $${variable.name.value} of type ${print(typeNode)} was provided invalid value`,
    { nodes: variable, extensions: { code: 'INVALID_VARIABLE', value: value ?? null, problems } },
  );
}
