import { GraphQLError } from 'graphql';
import type { Authentication } from '../context/authenticate.js';
import type { Caller } from '../context/caller.js';
import { purposeOf } from '../context/purpose.js';
import type { Purpose } from '../customer/schema.generated.js';
import {
  AuthenticationUnavailableError,
  ForbiddenError,
  GatewayError,
  UnauthenticatedError,
} from '../errors.js';
import type { Principal } from '../operation/principal.js';
import { isOriginAllowed } from './edge.js';
import type { RequestHead } from './node-request.js';

export type Authenticate = (head: RequestHead) => Principal | Promise<Principal>;

/**
 * Resolves the principal of a request before its body is read. A request is refused with status 401 if it is not
 * authenticated, and with status 403 if its origin or its purpose is not allowed.
 */
export function createAuthenticate(
  authentication: Pick<Authentication, 'caller'>,
  principalOf: (caller: Caller, purpose: Purpose | undefined) => Principal,
): Authenticate {
  const admit = (head: RequestHead, caller: Caller): Principal => {
    if (!isOriginAllowed(head, caller))
      throw new ForbiddenError(
        "Pages of this web site may not use this caller's key. If they should, add the site to the caller's origins.",
      );
    return principalOf(caller, purposeOf(head.headers, caller));
  };
  return (head) => {
    try {
      const caller = authentication.caller(head.headers, head.connection);
      if (!(caller instanceof Promise)) return admit(head, caller);
      return caller
        .then((known) => admit(head, known))
        .catch((error: unknown) => {
          throw refused(error);
        });
    } catch (error) {
      throw refused(error);
    }
  };
}

/** Adds an HTTP status to the error, because it refuses the whole request. */
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
