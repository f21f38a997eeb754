import { GraphQLError, Kind, print } from 'graphql';
import { GatewayError, SourceError } from '../errors.js';
import type { Logger } from '../telemetry/logger.js';
import type { SourceFailures } from '../telemetry/source-failures.js';

/** A longer message is cut: it quotes a name that is too long to be one. */
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

/** Told as they are, for they were made here. */
const formatted = new WeakSet<Error>();

/** What the client sees of an error: ours and GraphQL's own as they are, a defect as nothing but that there was one. */
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
  const masked = new GraphQLError(
    'Something is wrong in the gateway itself. Tell its operator the request id.',
    {
      ...at,
      extensions: {
        code: 'INTERNAL_SERVER_ERROR',
        // Without a path there is no answer that the error could be a part of.
        ...(at.path == null ? { http: { status: 500 } } : {}),
      },
    },
  );
  defects.set(masked, error);
  return masked;
}

function findGatewayError(error: unknown): GatewayError | undefined {
  if (error instanceof GatewayError) return error;
  return error instanceof GraphQLError ? findGatewayError(error.originalError) : undefined;
}

/**
 * Whether GraphQL itself refuses something of the request. It wraps what resolvers throw; its own errors wrap nothing
 * but each other. In the midst of execution (they have a path) they are about an argument, and point there: one that
 * points at the field itself says that a system's value is not of the field's type.
 */
function isAboutRequest(error: GraphQLError): boolean {
  if (rootOf(error) !== undefined) return false;
  return error.path === undefined || error.nodes?.[0]?.kind !== Kind.FIELD;
}

/** What is not a GraphQLError at the root of one. */
function rootOf({ originalError }: GraphQLError): unknown {
  return originalError instanceof GraphQLError ? rootOf(originalError) : originalError;
}

/**
 * The errors of an answer as its caller sees them: each with the code of its kind, and in words without values. Logs a
 * line for the request, by its id.
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
 * The schema's name of the field that failed; undefined when the error has no place in an answer. The path of an error has
 * aliases in it, which are any text of the client's.
 */
function fieldOf({ path, nodes }: GraphQLError): string | undefined {
  const [node] = nodes ?? [];
  return path !== undefined && node?.kind === Kind.FIELD ? node.name.value : undefined;
}

/** A copy: errors about a document are kept with it, for all requests that send it. */
function complete(error: GraphQLError, requestId: string): GraphQLError {
  const { nodes, source, positions, path, extensions } = error;
  const { code = 'BAD_USER_INPUT' } = extensions;
  const whole = new GraphQLError(messageWithoutValues(error), {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions: { ...extensions, code, ...(code === 'INTERNAL_SERVER_ERROR' ? { requestId } : {}) },
  });
  formatted.add(whole);
  return whole;
}

const VALUE_KINDS: ReadonlyMap<string, string> = new Map([
  [Kind.STRING, 'a text'],
  [Kind.INT, 'a number'],
  [Kind.FLOAT, 'a number'],
  [Kind.LIST, 'a list'],
  [Kind.OBJECT, 'an object'],
]);

/** What stands in a document as a value may be a customer's: GraphQL's messages quote it, ours do not. */
function messageWithoutValues({ message, nodes = [] }: GraphQLError): string {
  let text = message.replace(/(String|BlockString|Int|Float) ".*"/s, '$1');
  for (const node of nodes) {
    const kind = VALUE_KINDS.get(node.kind);
    if (kind !== undefined) text = text.replaceAll(print(node), kind);
  }
  return text.length > MAX_MESSAGE_LENGTH ? `${text.slice(0, MAX_MESSAGE_LENGTH)}…` : text;
}

/** Where a defect came from. Its message is left out: it may quote what it stumbled over. */
function describeDefect(defect: unknown): unknown {
  const cause = defect instanceof GraphQLError ? (rootOf(defect) ?? defect) : defect;
  if (!(cause instanceof Error)) return typeof cause;
  const frames = cause.stack?.split('\n').filter((line) => line.startsWith('    at '));
  return { name: cause.name, frames: frames?.slice(0, 8) };
}
