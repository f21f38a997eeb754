import { GraphQLError, Kind, print } from 'graphql';
import { GatewayError, SourceError } from '../errors.js';
import type { Logger } from '../telemetry/logger.js';
import type { SourceFailures } from '../telemetry/source-failures.js';

/** Longer messages are truncated: GraphQL quotes names of the document, which may be very long. */
const MAX_MESSAGE_LENGTH = 500;

/** Defects behind masked errors, until they have been logged with the request's id. */
const defects = new WeakMap<GraphQLError, unknown>();

/** Failures of sources behind errors, until they have been reported to the operator. */
const failed = new WeakMap<Error, SourceError>();

/** Where errors are reported to. */
export interface ErrorLog {
  logger: Logger;
  failures: Pick<SourceFailures, 'report'>;
}

/** Errors that already have their client form. */
const formatted = new WeakSet<Error>();

/**
 * Returns an error as the client may see it. Gateway errors and GraphQL's own errors are unchanged; a defect is
 * masked.
 */
export function formatError(error: unknown): Error {
  if (error instanceof Error && formatted.has(error)) return error;
  const known = findGatewayError(error);
  const at = error instanceof GraphQLError ? { nodes: error.nodes ?? null, path: error.path ?? null } : {};
  if (known !== undefined) {
    const outside = new GraphQLError(known.message, { ...at, extensions: known.extensions });
    if (known instanceof SourceError) failed.set(outside, known);
    return outside;
  }
  if (error instanceof GraphQLError && isAboutRequest(error)) return error;
  const masked = new GraphQLError('The gateway has a defect. Report the request id to its operator.', {
    ...at,
    extensions: {
      code: 'INTERNAL_SERVER_ERROR',
      // An error without a path belongs to no field, so the whole request has failed.
      ...(at.path == null ? { http: { status: 500 } } : {}),
    },
  });
  defects.set(masked, error);
  return masked;
}

function findGatewayError(error: unknown): GatewayError | undefined {
  if (error instanceof GatewayError) return error;
  return error instanceof GraphQLError ? findGatewayError(error.originalError) : undefined;
}

/**
 * Whether the error is GraphQL's own, about the request. GraphQL wraps errors of resolvers; its own errors wrap only
 * each other. An own error with a path is from execution. If its node is an argument, the request is wrong. If its
 * node is the field, a value of a system does not have the type of the field.
 */
function isAboutRequest(error: GraphQLError): boolean {
  if (rootOf(error) !== undefined) return false;
  return error.path === undefined || error.nodes?.[0]?.kind !== Kind.FIELD;
}

/** The innermost original error, if it is not a GraphQLError. */
function rootOf({ originalError }: GraphQLError): unknown {
  return originalError instanceof GraphQLError ? rootOf(originalError) : originalError;
}

/**
 * Returns the errors of an answer in their client form: each with a code, and with a message without values. Logs a
 * line with the request id.
 */
export function toClientErrors(errors: readonly unknown[], requestId: string, log: ErrorLog): GraphQLError[] {
  return completeErrors(
    errors.map(formatError).filter((error) => error instanceof GraphQLError),
    requestId,
    log,
  );
}

function completeErrors(
  from: readonly GraphQLError[],
  requestId: string,
  { logger, failures }: ErrorLog,
): GraphQLError[] {
  const errors = from.map((error) => complete(error, requestId));
  for (const error of from) {
    failures.report(failed.get(error));
    const defect = defects.get(error);
    if (defect === undefined) continue;
    logger.error({ requestId, field: fieldOf(error), defect: describeDefect(defect) }, 'defect');
  }
  const seen = errors.slice(0, 20).map((error) => ({
    field: fieldOf(error),
    code: error.extensions.code,
    source: error.extensions.source,
  }));
  logger.info({ requestId, errors: seen, count: errors.length }, 'answered with errors');
  return errors;
}

/**
 * The schema name of the failed field. Undefined if the error belongs to no field. The path is not logged, because it
 * contains aliases, which may be any text.
 */
function fieldOf({ path, nodes }: GraphQLError): string | undefined {
  const [node] = nodes ?? [];
  return path !== undefined && node?.kind === Kind.FIELD ? node.name.value : undefined;
}

/** Copies the error, because errors of a document are cached and shared by all requests with that document. */
function complete(error: GraphQLError, requestId: string): GraphQLError {
  const { nodes, source, positions, path, extensions } = error;
  const { code = 'BAD_USER_INPUT' } = extensions;
  const completed = new GraphQLError(messageWithoutValues(error), {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions: { ...extensions, code, ...(code === 'INTERNAL_SERVER_ERROR' ? { requestId } : {}) },
  });
  formatted.add(completed);
  return completed;
}

const VALUE_KINDS: ReadonlyMap<string, string> = new Map([
  [Kind.STRING, 'a text'],
  [Kind.INT, 'a number'],
  [Kind.FLOAT, 'a number'],
  [Kind.LIST, 'a list'],
  [Kind.OBJECT, 'an object'],
]);

/** Removes the values of the document from a message of GraphQL, because they may be personal data. */
function messageWithoutValues({ message, nodes = [] }: GraphQLError): string {
  let text = message.replace(/(String|BlockString|Int|Float) ".*"/s, '$1');
  for (const node of nodes) {
    const kind = VALUE_KINDS.get(node.kind);
    if (kind !== undefined) text = text.replaceAll(print(node), kind);
  }
  return text.length > MAX_MESSAGE_LENGTH ? `${text.slice(0, MAX_MESSAGE_LENGTH)}…` : text;
}

/** Describes a defect by its name and stack. Its message is omitted, because it may quote personal data. */
function describeDefect(defect: unknown): unknown {
  const cause = defect instanceof GraphQLError ? (rootOf(defect) ?? defect) : defect;
  if (!(cause instanceof Error)) return typeof cause;
  const frames = cause.stack?.split('\n').filter((line) => line.startsWith('    at '));
  return { name: cause.name, frames: frames?.slice(0, 8) };
}
