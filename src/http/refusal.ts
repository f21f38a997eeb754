import { STATUS_CODES, type ServerResponse } from 'node:http';

/**
 * Security headers of every response. With them a browser does not guess the media type, does not show the response in
 * another page, runs no script in it, and does not send its URL to other sites. A page that needs scripts, such as GraphiQL,
 * sends its own policy.
 *
 * `Strict-Transport-Security` is left to the proxy in front of the gateway, which terminates TLS.
 */
export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

const SECURITY_LIST = Object.entries(SECURITY_HEADERS);

/** Sets the security headers. Call it before other headers are set, so that those take precedence. */
export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of SECURITY_LIST) response.setHeader(name, value);
}

/** Why a request is refused before it is processed. It quotes nothing of the request. */
export interface Refusal {
  status: number;
  /** Sent as `extensions.code`. */
  code: 'BAD_REQUEST' | 'FORBIDDEN' | 'LIMIT_EXCEEDED';
  message: string;
}

function bodyOf({ code, message }: Refusal): string {
  return JSON.stringify({ errors: [{ message, extensions: { code } }] });
}

/** Writes a refusal in the form that GraphQL clients read. */
export function refuse(
  response: ServerResponse,
  refusal: Refusal,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = bodyOf(refusal);
  response
    .writeHead(refusal.status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      ...headers,
    })
    .end(body);
}

/**
 * Returns a whole HTTP response with a refusal. It is for invalid requests: write it to the connection, and close
 * that.
 */
export function rawRefusal(refusal: Refusal): string {
  const body = bodyOf(refusal);
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    connection: 'close',
  };
  return [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n');
}
