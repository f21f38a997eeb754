import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { REQUEST_HEADERS } from '../request-headers.js';
import type { Caller } from '../context/caller.js';
import type { RequestHead } from './node-request.js';
import { refuse, setSecurityHeaders, type Refusal } from './refusal.js';

export interface EdgeOptions {
  /** Web sites whose pages may send requests and read answers, such as `https://www.example.nl`. Default: none. */
  origins?: Iterable<string> | undefined;
  /** Names that `Host` may have, beside the names of this machine. Default: any. */
  allowedHosts?: Iterable<string> | undefined;
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': `authorization, content-type, ${REQUEST_HEADERS.join(', ')}, cache-control, prefer`,
  // Seconds. After this time, browsers notice that a site was removed from the list.
  'access-control-max-age': '600',
};
const EXPOSED_HEADERS = 'request-id, x-request-id, age, cache-control, retry-after';

/** Maximum number of headers of a request. */
export const MAX_HEADERS = 200;

const INVALID_ADDRESS: Refusal = {
  status: 400,
  code: 'BAD_REQUEST',
  message: 'The URL or the "Host" header of the request is not valid.',
};
const TOO_MANY_HEADERS: Refusal = {
  status: 431,
  code: 'LIMIT_EXCEEDED',
  message: `A request may have at most ${MAX_HEADERS} headers.`,
};
const OTHER_HOST: Refusal = {
  status: 421,
  code: 'BAD_REQUEST',
  message: 'The gateway does not answer to the name in "Host". If it should, add the name to ALLOWED_HOSTS.',
};
const OTHER_SITE: Refusal = {
  status: 403,
  code: 'FORBIDDEN',
  message:
    'Pages of this web site may not send requests to the gateway. If they should, add its origin to CORS_ORIGINS.',
};

/**
 * Guards the port of the gateway. It refuses requests that a foreign web site makes a browser send, before they are
 * processed. Every response gets the security headers. It does not affect programs other than browsers.
 */
export function guardEdge(
  handler: RequestListener,
  { origins = [], allowedHosts }: EdgeOptions,
): RequestListener {
  const allowedOrigins = new Set(origins);
  const names = allowedHosts === undefined ? undefined : new Set(allowedHosts);
  return (request, response) => {
    setSecurityHeaders(response);
    if (request.rawHeaders.length / 2 > MAX_HEADERS) {
      refuse(response, TOO_MANY_HEADERS, { connection: 'close' });
    } else if (!hasValidAddress(request)) refuse(response, INVALID_ADDRESS, { connection: 'close' });
    else if (names !== undefined && !isAllowedHost(request.headers.host, names)) {
      refuse(response, OTHER_HOST);
    } else if (applyCors(request, response, allowedOrigins)) handler(request, response);
  };
}

/**
 * The default of ALLOWED_HOSTS. A gateway on a loopback address accepts only loopback names. Otherwise a web site
 * could give its own name that address (DNS rebinding), and its pages could call the gateway as "their own" site.
 */
export function defaultHosts(host: string): readonly string[] | undefined {
  const isLoopback = LOOPBACK_NAMES.has(host) || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
  return isLoopback ? [host.includes(':') ? `[${host}]` : host] : undefined;
}

/** Whether the request has a valid URL and host. Without this check, Yoga would answer with a stack trace. */
function hasValidAddress({ url = '', headers, httpVersion }: IncomingMessage): boolean {
  // Only HTTP/1.0 allows requests without a host (RFC 9112, 3.2).
  if (headers.host === undefined && httpVersion !== '1.0') return false;
  return URL.canParse(`http://${headers.host ?? 'localhost'}${url}`);
}

function isAllowedHost(host: string | undefined, allowed: ReadonlySet<string>): boolean {
  // Browsers always send a host.
  if (host === undefined) return true;
  const name = host.replace(/:\d*$/, '').toLowerCase();
  return LOOPBACK_NAMES.has(name) || allowed.has(name);
}

/** Sets the CORS headers. False if the request was answered here: a preflight request, or one of a foreign site. */
function applyCors(
  request: IncomingMessage,
  response: ServerResponse,
  origins: ReadonlySet<string>,
): boolean {
  const { origin } = request.headers;
  if (origins.size > 0) response.setHeader('vary', 'Origin');
  if (origin === undefined || !origins.has(origin)) {
    if (!isOtherSite(request)) return true;
    refuse(response, OTHER_SITE);
    return false;
  }
  response.setHeader('access-control-allow-origin', origin);
  if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
    response.writeHead(204, PREFLIGHT_HEADERS).end();
    return false;
  }
  response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
  return true;
}

/** Whether a browser sends the request for a page of another site. False for other programs. */
function isOtherSite({ method, headers }: IncomingMessage): boolean {
  const { origin, host, accept } = headers;
  const site = headers['sec-fetch-site'];
  // Browsers send this header only over https and to this machine.
  if (site === 'same-origin') return false;
  if (site === 'cross-site' || site === 'same-site') {
    // A link to GraphiQL is allowed: it opens the page, which sends no request by itself.
    const isVisit = headers['sec-fetch-mode'] === 'navigate' && accept?.includes('text/html') === true;
    return !(isVisit && method === 'GET');
  }
  return origin !== undefined && !isSameHost(origin, host ?? '');
}

/** Ignores the scheme, because a proxy in front of the gateway may terminate TLS. */
function isSameHost(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

/**
 * Whether the page that sent the request may use this caller's key. The gateway's own pages may, and the pages of the
 * caller's origins. A request without a page is allowed. False must be answered with 403 FORBIDDEN.
 */
export function isOriginAllowed(request: RequestHead, { origins }: Pick<Caller, 'origins'>): boolean {
  const origin = request.headers.get('origin');
  if (origin === null || request.headers.get('sec-fetch-site') === 'same-origin') return true;
  return (
    isSameHost(origin, request.headers.get('host') ?? new URL(request.url).host) || origins.includes(origin)
  );
}
