import type { HttpAnswer } from '../../stand-ins/http.js';

export function ok(body: unknown): HttpAnswer {
  return { status: 200, body: JSON.stringify(body) };
}

export function problem(status: number, title: string, type: string, detail: string): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ title, type, status, detail }),
  };
}

/** The error for an invalid parameter. */
export function invalid(name: string, message: string): HttpAnswer {
  return {
    status: 400,
    body: JSON.stringify({
      errors: [{ parameters: { [name]: [] }, message }],
      title: 'Invalid Request',
      detail: 'One or more parameters to your request was invalid.',
      type: 'https://api.x.com/2/problems/invalid-request',
    }),
  };
}

/** Shows a developer that the real system supports the request, but this stand-in does not. */
export function notImitated(what: string): HttpAnswer {
  return problem(501, 'NotImitated', 'about:blank', `This stand-in does not imitate ${what}`);
}
