import type { HttpAnswer } from '../../stand-ins/http.js';

export function ok(body: unknown): HttpAnswer {
  return { status: 200, body: JSON.stringify(body) };
}

/** Errors are always a list, even if there is only one. */
export function failure(status: number, errorCode: string, message: string): HttpAnswer {
  return { status, body: JSON.stringify([{ message, errorCode }]) };
}

export function notFound(): HttpAnswer {
  return failure(404, 'NOT_FOUND', 'The requested resource does not exist');
}

export function methodNotAllowed(method: string): HttpAnswer {
  return failure(405, 'METHOD_NOT_ALLOWED', `HTTP Method '${method}' not allowed. Allowed are HEAD,GET,POST`);
}

/** The answer to a request that the real system supports, but not this imitation. */
export function notImitated(what: string): HttpAnswer {
  return failure(501, 'NOT_IMITATED', `This stand-in does not imitate ${what}`);
}

/** Thrown if a request cannot be answered. */
export class Refusal extends Error {
  override name = 'Refusal';
  constructor(
    readonly errorCode: string,
    message: string,
    readonly status = 400,
  ) {
    super(message);
  }

  get answer(): HttpAnswer {
    return failure(this.status, this.errorCode, this.message);
  }
}
