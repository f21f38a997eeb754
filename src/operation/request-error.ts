import { GraphQLError, type GraphQLErrorOptions } from 'graphql';

/**
 * Why a request cannot be answered at all. All but the last are told before any source is asked, in words that quote no
 * value.
 *
 * | code                         | status        | the request                                                      |
 * | ---------------------------- | ------------- | ---------------------------------------------------------------- |
 * | BAD_REQUEST                  | 400, 405, 415 | is not GraphQL over HTTP: method, content type, JSON, parameters  |
 * | GRAPHQL_PARSE_FAILED         | 400           | holds no GraphQL                                                 |
 * | GRAPHQL_VALIDATION_FAILED    | 400           | asks what the schema does not have                               |
 * | OPERATION_RESOLUTION_FAILURE | 400           | does not tell which of its operations is meant                   |
 * | BAD_USER_INPUT               | 400           | has variables or arguments that do not fit                       |
 * | UNAUTHENTICATED              | 401           | does not say who sends it, by a key or token that is good         |
 * | FORBIDDEN                    | 403           | is not for its caller to send: from there, for that, in own words |
 * | PERSISTED_DOCUMENT_NOT_FOUND | 404           | names an operation that there is not                             |
 * | LIMIT_EXCEEDED               | 413, 400, 429 | has too large a body, or too large or expensive an operation     |
 * | OVERLOADED                   | 503           | comes when there is more to do than can be done: see overload.ts  |
 * | AUTHENTICATION_UNAVAILABLE   | 503           | has a token that cannot be checked now                           |
 * | AUDIT_UNAVAILABLE            | 503           | is answered, but the audit log cannot be written: and is not given                      |
 *
 * A client that accepts only `application/json` gets status 200 where the document or the variables are at fault, as
 * the GraphQL over HTTP specification has it.
 */
export type RequestErrorCode =
  | 'BAD_REQUEST'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'OPERATION_RESOLUTION_FAILURE'
  | 'BAD_USER_INPUT'
  | 'FORBIDDEN'
  | 'PERSISTED_DOCUMENT_NOT_FOUND'
  | 'LIMIT_EXCEEDED'
  | 'AUDIT_UNAVAILABLE';

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

/** The caller has asked for so much that it must wait, for so many seconds. */
export function waitError(message: string, retryAfter: number): GraphQLError {
  const http = { status: 429, headers: { 'retry-after': String(retryAfter) } };
  return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED', retryAfter, http } });
}
