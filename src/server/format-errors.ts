import { GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { GatewayError } from '../errors.js';
import type { Logger } from '../telemetry/logger.js';
import { requestIdOf } from './request-id.js';

/** Defects behind masked errors, until they have been logged with the request's id. */
const defects = new WeakMap<GraphQLError, unknown>();

/** What the client sees of an error: ours and GraphQL's own as they are, a defect as nothing but that there was one. */
export function formatError(error: unknown): Error {
  const known = findGatewayError(error);
  const at = error instanceof GraphQLError ? { nodes: error.nodes ?? null, path: error.path ?? null } : {};
  if (known !== undefined) return new GraphQLError(known.message, { ...at, extensions: known.extensions });
  if (error instanceof GraphQLError && findDefect(error) === undefined) return error;
  const masked = new GraphQLError(
    'Something is wrong in the gateway itself. Tell its operator the request id.',
    {
      ...at,
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    },
  );
  defects.set(masked, error);
  return masked;
}

function findGatewayError(error: unknown): GatewayError | undefined {
  if (error instanceof GatewayError) return error;
  return error instanceof GraphQLError ? findGatewayError(error.originalError) : undefined;
}

/** GraphQL wraps what resolvers throw; its own errors about documents and variables wrap nothing but each other. */
function findDefect(error: GraphQLError): unknown {
  const { originalError } = error;
  return originalError instanceof GraphQLError ? findDefect(originalError) : originalError;
}

/** Logs every failed request by id, and gives each error the code that its kind has. */
export function useErrorLog(logger: Logger): Plugin {
  return {
    onResultProcess({ result, request }) {
      const errors = 'errors' in result ? result.errors : undefined;
      if (errors === undefined || errors.length === 0) return;
      const requestId = requestIdOf(request);
      for (const error of errors) {
        const { extensions } = error as { extensions: Record<string, unknown> };
        extensions.code ??= 'BAD_USER_INPUT';
        if (extensions.code !== 'INTERNAL_SERVER_ERROR') continue;
        extensions.requestId = requestId;
        logger.error({ requestId, path: error.path, defect: describeDefect(defects.get(error)) }, 'defect');
      }
      const seen = errors.map(({ path, extensions }) => ({
        path,
        code: extensions.code,
        source: extensions.source,
      }));
      logger.info({ requestId, errors: seen.slice(0, 20), count: errors.length }, 'answered with errors');
    },
  };
}

/** Where a defect came from. Its message is left out: it may quote what it stumbled over. */
function describeDefect(defect: unknown): unknown {
  const cause = defect instanceof GraphQLError ? findDefect(defect) : defect;
  if (!(cause instanceof Error)) return typeof cause;
  const frames = cause.stack?.split('\n').filter((line) => line.startsWith('    at '));
  return { name: cause.name, frames: frames?.slice(0, 8) };
}
