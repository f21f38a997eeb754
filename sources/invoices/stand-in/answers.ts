import { randomUUID } from 'node:crypto';
import type { HttpAnswer } from '../../stand-ins/http.js';

export function ok(body: unknown): HttpAnswer {
  return {
    status: 200,
    headers: {
      'content-type': 'application/json; odata.metadata=minimal; odata.streaming=true',
      'odata-version': '4.0',
    },
    body: JSON.stringify(body),
  };
}

/** Business Central ends each of its messages with an id of the call, for its telemetry. */
export function failure(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): HttpAnswer {
  const error = { code, message: `${message}  CorrelationId:  ${randomUUID()}.` };
  return {
    status,
    headers: { 'content-type': 'application/json; odata.metadata=minimal', ...headers },
    body: JSON.stringify({ error }),
  };
}

export const notFound = (): HttpAnswer =>
  failure(404, 'BadRequest_NotFound', 'Bad Request - Error in query syntax.');

export const badRequest = (message: string): HttpAnswer => failure(400, 'BadRequest', message);

/** The answer to a request that the real system supports, but not this stand-in. */
export function notImitated(what: string): HttpAnswer {
  return failure(501, 'NotImitated', `This stand-in does not imitate ${what}.`);
}

/** Thrown if a part of a request is invalid. It has the answer for the caller. */
export class Refusal extends Error {
  constructor(readonly answer: HttpAnswer) {
    super('refused');
  }
}
