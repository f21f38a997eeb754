import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Caller } from '../context/caller.js';
import type { RequestHead } from './node-request.js';
import { refuse, setSecurityHeaders, type Refusal } from './refusal.js';

export interface EdgeOptions {
  /** Web sites whose pages may ask and read answers, such as `https://www.example.nl`. Default: none. */
  origins?: Iterable<string> | undefined;
  /** The names that the gateway may be asked by, beside those of this machine itself. Default: any. */
  allowedHosts?: Iterable<string> | undefined;
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers':
    'authorization, content-type, x-purpose, x-sources, x-priority, x-request-id, cache-control, prefer',
  // Longer, and a site that was taken off the list would be believed for longer.
  'access-control-max-age': '600',
};
const EXPOSED_HEADERS = 'x-request-id, age, cache-control, retry-after';

/** More headers than these are nothing that a client of ours sends. */
export const MAX_HEADERS = 200;

const NOT_ADDRESSED: Refusal = {
  status: 400,
  code: 'BAD_REQUEST',
  message: 'The address of the request is none.',
};
const TOO_MANY_HEADERS: Refusal = {
  status: 431,
  code: 'LIMIT_EXCEEDED',
  message: `A request may have at most ${MAX_HEADERS} headers.`,
};
const OTHER_HOST: Refusal = {
  status: 421,
  code: 'BAD_REQUEST',
  message: 'The gateway is not asked by the name in "Host". If it should be, add the name to ALLOWED_HOSTS.',
};
const OTHER_SITE: Refusal = {
  status: 403,
  code: 'FORBIDDEN',
  message: 'Pages of this web site may not ask the gateway. If they should, add its origin to CORS_ORIGINS.',
};

/**
 * Stands in front of all that the gateway does on a port: what a browser may be made to send by a web site that is not
 * ours is turned away here, before anything is made of it, and every answer carries the security headers. Programs that
 * are no browsers notice nothing of it.
 */
export function guardEdge(
  handler: RequestListener,
  { origins = [], allowedHosts }: EdgeOptions,
): RequestListener {
  const mayAskFrom = new Set(origins);
  const names = allowedHosts === undefined ? undefined : new Set(allowedHosts);
  return (request, response) => {
    setSecurityHeaders(response);
    if (request.rawHeaders.length / 2 > MAX_HEADERS) {
      refuse(response, TOO_MANY_HEADERS, { connection: 'close' });
    } else if (!isAddressed(request)) refuse(response, NOT_ADDRESSED, { connection: 'close' });
    else if (names !== undefined && !isOurName(request.headers.host, names)) {
      refuse(response, OTHER_HOST);
    } else if (mayAsk(request, response, mayAskFrom)) handler(request, response);
  };
}

/**
 * By default only names of this machine itself while nobody else can reach us: else a web site could give its own name
 * our address (DNS rebinding), and its pages would be asking "their own" site.
 */
export function defaultHosts(host: string): readonly string[] | undefined {
  const isLoopback = LOOPBACK_NAMES.has(host) || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
  return isLoopback ? [host.includes(':') ? `[${host}]` : host] : undefined;
}

/** Whether the request's address is one. Yoga would answer another with the stack trace of what it stumbles over. */
function isAddressed({ url = '', headers, httpVersion }: IncomingMessage): boolean {
  // Only HTTP/1.0 needs none (RFC 9112, 3.2).
  if (headers.host === undefined && httpVersion !== '1.0') return false;
  return URL.canParse(`http://${headers.host ?? 'localhost'}${url}`);
}

function isOurName(host: string | undefined, allowed: ReadonlySet<string>): boolean {
  // Browsers always send one.
  if (host === undefined) return true;
  const name = host.replace(/:\d*$/, '').toLowerCase();
  return LOOPBACK_NAMES.has(name) || allowed.has(name);
}

/** Answers what may not go on, and the browser's question whether it may. */
function mayAsk(request: IncomingMessage, response: ServerResponse, origins: ReadonlySet<string>): boolean {
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

/** Whether a browser sends this for a page of another site. Of programs that are no browsers it says no. */
function isOtherSite({ method, headers }: IncomingMessage): boolean {
  const { origin, host, accept } = headers;
  const site = headers['sec-fetch-site'];
  // Browsers tell it to addresses that begin with https or are of this machine.
  if (site === 'same-origin') return false;
  if (site === 'cross-site' || site === 'same-site') {
    // A link to GraphiQL: whoever follows it gets the page, which asks nothing by itself, and not an answer.
    const isVisit = headers['sec-fetch-mode'] === 'navigate' && accept?.includes('text/html') === true;
    return !(isVisit && method === 'GET');
  }
  return origin !== undefined && !isOwn(origin, host ?? '');
}

/** Whether TLS ends before us we do not know, so the scheme does not count. */
function isOwn(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

/**
 * Whether the page that sent the request may use this caller's key: one of ours may, and one of the caller's origins.
 * What comes from no page is allowed. To be asked once the caller is known; the answer to false is 403 FORBIDDEN.
 */
export function isOriginAllowed(request: RequestHead, { origins }: Pick<Caller, 'origins'>): boolean {
  const origin = request.headers.get('origin');
  if (origin === null || request.headers.get('sec-fetch-site') === 'same-origin') return true;
  return isOwn(origin, request.headers.get('host') ?? new URL(request.url).host) || origins.includes(origin);
}
