import { GraphQLError } from 'graphql';
import { expect, it } from 'vitest';
import {
  AuthenticationUnavailableError,
  ForbiddenError,
  InvalidInputError,
  UnauthenticatedError,
} from '../../src/errors.js';
import { createAuthenticate } from '../../src/http/authenticate.js';

const head = {
  method: 'POST',
  url: 'http://gateway.example/graphql',
  headers: new Headers(),
  signal: new AbortController().signal,
};

/** The HTTP status and headers of the error that refuses a request. */
async function refusalOf(error: Error, isLater: boolean): Promise<unknown> {
  const authenticate = createAuthenticate(
    {
      caller: () => {
        if (isLater) return Promise.reject(error);
        throw error;
      },
    },
    () => {
      throw new Error('No caller is admitted.');
    },
  );
  const refused = await Promise.resolve()
    .then(() => authenticate(head))
    .catch((thrown: unknown) => thrown);
  return refused instanceof GraphQLError ? refused.extensions['http'] : refused;
}

it.each<[string, Error, number, Record<string, string>]>([
  ['has no token', new UnauthenticatedError('missing'), 401, { 'www-authenticate': 'Bearer' }],
  [
    'has an invalid token',
    new UnauthenticatedError('invalid'),
    401,
    { 'www-authenticate': 'Bearer error="invalid_token"' },
  ],
  ['cannot be verified now', new AuthenticationUnavailableError(7), 503, { 'retry-after': '7' }],
  ['is forbidden', new ForbiddenError('no'), 403, {}],
  ['has an unknown purpose', new InvalidInputError('no'), 400, {}],
])('a request that %s is refused with its status and headers', async (_, error, status, headers) => {
  expect(await refusalOf(error, false)).toEqual({ status, headers });
  expect(await refusalOf(error, true)).toEqual({ status, headers });
});
