import { GraphQLError } from 'graphql';
import type { Authentication } from '../context/authenticate.js';
import type { Caller } from '../context/caller.js';
import { purposeOf } from '../context/purpose.js';
import {
  AuthenticationUnavailableError,
  ForbiddenError,
  GatewayError,
  UnauthenticatedError,
} from '../errors.js';
import { createAskers, type MaySee } from '../operation/caller.js';
import { stateOf, type RequestHead } from '../operation/request-state.js';
import type { RequestStep } from '../operation/request-steps.js';
import { isOriginAllowed } from './edge.js';

export interface CallerOptions {
  authentication: Pick<Authentication, 'caller'>;
  maySee: MaySee;
}

/**
 * Finds out who sends a request before its body is read. Who does not say it, or may not send it from there or for
 * that, is refused with status 401 or 403, and nothing else is made of the request.
 */
export function findCaller({ authentication, maySee }: CallerOptions): RequestStep {
  const askerFor = createAskers(maySee);
  const admit = (request: RequestHead, caller: Caller): void => {
    if (!isOriginAllowed(request, caller))
      throw new ForbiddenError("Pages of this web site may not send this caller's requests.");
    stateOf(request).asker = askerFor(caller, purposeOf(request.headers, caller));
  };
  return {
    begin: (request) => {
      try {
        const caller = authentication.caller(request.headers, request.connection);
        if (!(caller instanceof Promise)) {
          admit(request, caller);
          return undefined;
        }
        return caller
          .then((known) => {
            admit(request, known);
          })
          .catch((error: unknown) => {
            throw refused(error);
          });
      } catch (error) {
        throw refused(error);
      }
    },
  };
}

/** The whole request is refused, so the error has a status. */
function refused(error: unknown): unknown {
  if (!(error instanceof GatewayError)) return error;
  return new GraphQLError(error.message, {
    extensions: { ...error.extensions, http: { status: statusOf(error), headers: headersOf(error) } },
  });
}

function statusOf(error: GatewayError): number {
  if (error instanceof UnauthenticatedError) return 401;
  if (error instanceof AuthenticationUnavailableError) return 503;
  return error instanceof ForbiddenError ? 403 : 400;
}

function headersOf(error: GatewayError): Record<string, string> {
  if (error instanceof UnauthenticatedError) return { 'www-authenticate': error.challenge };
  return error instanceof AuthenticationUnavailableError ? { 'retry-after': String(error.retryAfter) } : {};
}
