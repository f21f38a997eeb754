import { STATUS_CODES, type ServerResponse } from 'node:http';

/**
 * What every answer of the gateway tells a browser: take it for nothing but what it says it is, show it in no other
 * page, run nothing out of it, tell nobody its address. A page that needs more (GraphiQL) sends a policy of its own.
 *
 * `Strict-Transport-Security` is not among them: it means something over TLS only, and that ends in the proxy before us.
 */
export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

const SECURITY_LIST = Object.entries(SECURITY_HEADERS);

/** Before anybody else writes headers, so that those of an answer's own win. */
export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of SECURITY_LIST) response.setHeader(name, value);
}

/** Why a request gets no further than the door, in words that quote nothing of it. */
export interface Refusal {
  status: number;
  /** As `extensions.code`. */
  code: 'BAD_REQUEST' | 'FORBIDDEN' | 'LIMIT_EXCEEDED';
  message: string;
}

function bodyOf({ code, message }: Refusal): string {
  return JSON.stringify({ errors: [{ message, extensions: { code } }] });
}

/** Answers in the form that GraphQL clients read. */
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

/** The same for what never became a request: to be written to the connection, which then ends. */
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
