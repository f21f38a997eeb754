import type { Authentication } from '../context/authenticate.js';
import type { Caller } from '../context/caller.js';
import { purposeOf } from '../context/purpose.js';
import type { Rights } from '../customer/customer.js';
import type { Purpose } from '../customer/schema.generated.js';
import {
  AuthenticationUnavailableError,
  ForbiddenError,
  GatewayError,
  UnauthenticatedError,
} from '../errors.js';
import type { Audience } from '../privacy/access.js';
import { GraphQLError } from 'graphql';
import { isOriginAllowed } from './edge.js';
import { stateOf, type RequestHead } from './request-state.js';
import type { RequestStep } from './request-steps.js';

/** Who sends a request, what for, and what that lets them do. */
export interface Asker {
  caller: Caller;
  audience: Audience;
  rights: Rights;
}

export interface CallerOptions {
  authentication: Pick<Authentication, 'caller'>;
  /** Whether an audience may see a field, or what is of an enum value. */
  maySee: (audience: Audience, place: string) => boolean;
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

/** What follows from a caller and its purpose is worked out once. */
function createAskers(
  maySee: CallerOptions['maySee'],
): (caller: Caller, purpose: Purpose | undefined) => Asker {
  const known = new WeakMap<Caller, Map<Purpose | undefined, Asker>>();
  return (caller, purpose) => {
    let ofCaller = known.get(caller);
    if (ofCaller === undefined) known.set(caller, (ofCaller = new Map<Purpose | undefined, Asker>()));
    let asker = ofCaller.get(purpose);
    if (asker === undefined) {
      const { scopes, sees, findsBy, customer: own } = caller;
      const audience = { scopes, sees, purpose };
      asker = {
        caller,
        audience,
        rights: {
          findsBy,
          ...(own === undefined ? {} : { own }),
          maySee: (place) => maySee(audience, place),
          // The operator, who has to answer to customers. With `AUTH=off` nobody is one.
          seesErased: scopes.has('admin:forget'),
        },
      };
      ofCaller.set(purpose, asker);
    }
    return asker;
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

/** Who sends a request that was let in. */
export function askerOf(request: RequestHead): Asker {
  const { asker } = stateOf(request);
  if (asker === undefined) throw new Error('A request is answered of which nobody knows whose it is.');
  return asker;
}
