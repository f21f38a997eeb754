import { createHash } from 'node:crypto';

/** The answer to one request, alone or in a batch. */
export interface GraphAnswer {
  code: number;
  body: unknown;
}

export function ok(body: unknown): GraphAnswer {
  return { code: 200, body };
}

export function failure(code: number, status: number, message: string, more: object = {}): GraphAnswer {
  const trace = createHash('sha256').update(message).digest('base64url').slice(0, 23);
  const type = code === 100 ? 'GraphMethodException' : 'OAuthException';
  return { code: status, body: { error: { message, type, code, ...more, fbtrace_id: `A${trace}` } } };
}

export function notFound(id: string): GraphAnswer {
  return failure(
    100,
    400,
    `Unsupported get request. Object with ID '${id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation`,
    { error_subcode: 33 },
  );
}

export function badParameter(message: string): GraphAnswer {
  return failure(100, 400, `(#100) ${message}`);
}
