import { GraphQLError, type GraphQLErrorOptions } from 'graphql';

/**
 * Why a request cannot be answered at all. Each is told before any source is asked, in words that quote no value.
 *
 * | code                         | status        | the request                                                      |
 * | ---------------------------- | ------------- | ---------------------------------------------------------------- |
 * | BAD_REQUEST                  | 400, 405, 415 | is not GraphQL over HTTP: method, content type, JSON, parameters  |
 * | GRAPHQL_PARSE_FAILED         | 400           | holds no GraphQL                                                 |
 * | GRAPHQL_VALIDATION_FAILED    | 400           | asks what the schema does not have                               |
 * | OPERATION_RESOLUTION_FAILURE | 400           | does not tell which of its operations is meant                   |
 * | BAD_USER_INPUT               | 400           | has variables or arguments that do not fit                       |
 * | LIMIT_EXCEEDED               | 413, 400      | has too large a body, or too large an operation                  |
 * | OVERLOADED                   | 503           | comes when there is more to do than can be done: see overload.ts  |
 *
 * A client that accepts only `application/json` gets status 200 where the document or the variables are at fault, as
 * the GraphQL over HTTP specification has it.
 */
export type RequestErrorCode =
  'BAD_REQUEST' | 'OPERATION_RESOLUTION_FAILURE' | 'BAD_USER_INPUT' | 'LIMIT_EXCEEDED';

/** The request itself is at fault, whatever it asks. */
export function httpError(
  code: RequestErrorCode,
  message: string,
  status = 400,
  headers: Record<string, string> = {},
): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status, headers } } });
}

/** What the request asks is at fault. */
export function operationError(
  code: RequestErrorCode,
  message: string,
  at: Pick<GraphQLErrorOptions, 'nodes'> = {},
): GraphQLError {
  return new GraphQLError(message, { ...at, extensions: { code, http: { spec: true, status: 400 } } });
}
