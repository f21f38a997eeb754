import type { HttpAnswer } from '../../stand-ins/http.js';

export function ok(body: string | Buffer): HttpAnswer {
  return { status: 200, body };
}

export function failure(status: number, body: unknown, headers?: Record<string, string>): HttpAnswer {
  return { status, body: JSON.stringify(body), ...(headers !== undefined && { headers }) };
}

export const recordNotFound = failure(404, { error: 'RecordNotFound', description: 'Not found' });

export const invalidEndpoint = failure(404, { error: 'InvalidEndpoint', description: 'Not found' });

export function invalidAttribute(name: string, mustBe: string, action: string): HttpAnswer {
  return failure(400, {
    error: {
      title: 'Invalid attribute',
      message: `You passed an invalid value for the ${name} attribute. Invalid parameter: ${name} must be ${mustBe} from ${action}`,
    },
  });
}

export function invalidPaginationParameter(name: string): HttpAnswer {
  return failure(400, { errors: [{ code: 'InvalidPaginationParameter', title: `${name} is not valid` }] });
}

/** Shows a developer that the real system supports the request, and that only this imitation does not. */
export function notImitated(what: string): HttpAnswer {
  return failure(501, { error: 'NotImitated', description: `This stand-in does not imitate ${what}` });
}
