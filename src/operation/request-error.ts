import { GraphQLError, type GraphQLErrorOptions } from 'graphql';

/**
 * Why a whole request is refused. Except for AUDIT_UNAVAILABLE, a request is refused before any source is called.
 * Messages quote no values.
 *
 * | code                         | status        | the request                                                      |
 * | ---------------------------- | ------------- | ---------------------------------------------------------------- |
 * | BAD_REQUEST                  | 400, 405, 415 | is not GraphQL over HTTP: method, content type, JSON, parameters |
 * | GRAPHQL_PARSE_FAILED         | 400           | has a document with a syntax error                               |
 * | GRAPHQL_VALIDATION_FAILED    | 400           | has a document that is not valid in the schema                   |
 * | OPERATION_RESOLUTION_FAILURE | 400           | does not select one of several operations, or an unknown one     |
 * | BAD_USER_INPUT               | 400           | has invalid variables or arguments                               |
 * | UNAUTHENTICATED              | 401           | has no valid key or token                                        |
 * | FORBIDDEN                    | 403           | has an origin, a purpose or a document that the caller may not use |
 * | PERSISTED_DOCUMENT_NOT_FOUND | 404           | has an unknown `documentId`                                      |
 * | NOT_FOUND                    | 404, 410      | names a bulk job that does not exist, or whose results were deleted |
 * | LIMIT_EXCEEDED               | 413, 400, 429 | has a too large body, or a too large or expensive operation      |
 * | RATE_LIMITED                 | 429           | comes when the caller's budget of this minute is spent           |
 * | OVERLOADED                   | 503           | comes while the gateway is overloaded: see overload.ts           |
 * | AUTHENTICATION_UNAVAILABLE   | 503           | has a token that cannot be checked now                           |
 * | AUDIT_UNAVAILABLE            | 503           | was executed, but its audit line cannot be written               |
 *
 * A client that accepts only `application/json` gets status 200 if the document or the variables are wrong, as the
 * GraphQL over HTTP specification requires.
 */
export type RequestErrorCode =
  | 'BAD_REQUEST'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'OPERATION_RESOLUTION_FAILURE'
  | 'BAD_USER_INPUT'
  | 'FORBIDDEN'
  | 'PERSISTED_DOCUMENT_NOT_FOUND'
  | 'NOT_FOUND'
  | 'LIMIT_EXCEEDED'
  | 'RATE_LIMITED'
  | 'AUDIT_UNAVAILABLE';

/** Creates an error about the HTTP request. Its status is always sent. */
export function httpError(
  code: RequestErrorCode,
  message: string,
  status = 400,
  headers: Record<string, string> = {},
): GraphQLError {
  return new GraphQLError(message, { extensions: { code, http: { status, headers } } });
}

/** Creates an error about the operation. A client that accepts only `application/json` gets status 200. */
export function operationError(
  code: RequestErrorCode,
  message: string,
  at: Pick<GraphQLErrorOptions, 'nodes'> = {},
): GraphQLError {
  return new GraphQLError(message, { ...at, extensions: { code, http: { spec: true, status: 400 } } });
}

/** Creates an error for a caller whose budget is spent. `retryAfter` is the time to wait, in seconds. */
export function waitError(message: string, retryAfter: number): GraphQLError {
  const http = { status: 429, headers: { 'retry-after': String(retryAfter) } };
  return new GraphQLError(message, { extensions: { code: 'RATE_LIMITED', retryAfter, http } });
}
