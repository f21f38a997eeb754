import type { z } from 'zod';
import type { Setting } from '../settings.js';
import { milliseconds, type Duration } from '../duration.js';
import { InvalidInputError, SourceContractError } from '../errors.js';
import type { Auth } from './auth.js';
import type { CallScope, Client, Connector } from './connector.js';
import { httpConnector } from './http-connector.js';
import { check, type HttpTransport, type ReadErrorKind, type ReadRateLimits } from './http.js';
import { noteValue } from './path-template.js';

type QueryValue = string | number | boolean | undefined;

/** A REST client: JSON over HTTP. Every answer is validated before it is returned. */
export interface RestClient extends Client {
  /** The answer to a GET; null if the system returns 404. */
  get<T>(schema: z.ZodType<T>, path: string, query?: Readonly<Record<string, QueryValue>>): Promise<T | null>;
  /** The answer to a GET as plain text; null if the system returns 404. */
  getText(path: string, query?: Readonly<Record<string, QueryValue>>): Promise<string | null>;
  /** The answer to a POST that only reads. 207 (partial success) is a success: the schema describes the parts. */
  post<T>(schema: z.ZodType<T>, path: string, body: unknown): Promise<T>;
  /** The page behind a link from the previous page. A link outside the base address is refused. */
  follow<T>(schema: z.ZodType<T>, link: string): Promise<T>;
  /**
   * The answer to a GET of a path, or of a link as in `follow`, and the link to the next page in its `Link` header (RFC
   * 8288); null if the system returns 404.
   */
  getLinked<T>(
    schema: z.ZodType<T>,
    at: { path: string } | { link: string },
  ): Promise<{ answer: T; next: string | undefined } | null>;
  /** The answer to a GET, and one of its headers; null if the system returns 404. */
  getWithHeader<T>(
    schema: z.ZodType<T>,
    path: string,
    header: string,
  ): Promise<{ answer: T; value: string | undefined } | null>;
}

export interface RestOptions {
  /** The base address of the API, with an optional path. */
  baseUrl: Setting<string>;
  auth: Auth;
  /** A cheap path for the health check. */
  pingPath: string;
  /** Whether that path answers with plain text instead of JSON. Default false. */
  isPingText?: boolean;
  /**
   * After a successful health check, none is sent for this time. For systems whose calls are counted. Default `'0
   * s'`.
   */
  pingHolds?: Duration;
  /** The requested media type. Default `application/json`. */
  accept?: string;
  /** Reads the kind of error from the body, for systems whose status is ambiguous. */
  readErrorKind?: ReadErrorKind;
  /** Reads rate-limit info from non-standard headers. */
  readRateLimits?: ReadRateLimits;
  /**
   * Whether numbers that JavaScript cannot represent exactly are returned as text, for schemas with `decimalText`.
   * Parsing is slower. Default false.
   */
  exactNumbers?: boolean;
  /** Additional CA certificates: see `caSetting`. */
  ca?: Setting<string | undefined>;
}

/** A connector to a REST system. */
export function rest({
  baseUrl,
  auth,
  pingPath,
  isPingText = false,
  pingHolds = '0 s',
  accept = 'application/json',
  readErrorKind,
  readRateLimits,
  exactNumbers,
  ca,
}: RestOptions): Connector<RestClient> {
  const options = {
    url: baseUrl,
    auth,
    ca,
    headers: { accept },
    readErrorKind,
    readRateLimits,
    exactNumbers,
  };
  return httpConnector(options, ({ http: opened, reader, source }) => {
    const http = withQuery(opened, auth.query?.(reader));
    const holdsMs = milliseconds(pingHolds);
    let answeredAt = -Infinity;
    const ping = async (scope: CallScope): Promise<void> => {
      if (performance.now() - answeredAt < holdsMs) return;
      await http.send(scope, { method: 'GET', path: pingPath, isText: isPingText }, () => undefined);
      answeredAt = performance.now();
    };
    return (scope) => createClient(http, scope, source, () => ping(scope));
  });
}

/** Adds these query parameters to every call. */
function withQuery(http: HttpTransport, query: Record<string, string> | undefined): HttpTransport {
  const added = queryText(query).slice(1);
  if (added === '') return http;
  return {
    ...http,
    send: (scope, { path, ...request }, read, expected) =>
      http.send(
        scope,
        { ...request, path: `${path}${path.includes('?') ? '&' : '?'}${added}` },
        read,
        expected,
      ),
  };
}

function createClient(
  http: HttpTransport,
  scope: CallScope,
  source: string,
  ping: () => Promise<void>,
): RestClient {
  const getPath = <T>(schema: z.ZodType<T>, path: string): Promise<T | null> =>
    http.send(
      scope,
      { method: 'GET', path },
      ({ status, body }) => (status === 404 ? null : check(schema, body, source)),
      [404],
    );
  const getWithHeader: RestClient['getWithHeader'] = (schema, path, header) =>
    http.send(
      scope,
      { method: 'GET', path, answerHeader: header.toLowerCase() },
      ({ status, body, header: value }) =>
        status === 404 ? null : { answer: check(schema, body, source), value },
      [404],
    );
  const pathOfLink = (link: string): string => {
    const url = URL.canParse(link, http.baseUrl.href) ? new URL(link, http.baseUrl) : undefined;
    const prefix = http.baseUrl.pathname.replace(/\/$/, '');
    if (url?.origin === http.baseUrl.origin && url.pathname.startsWith(`${prefix}/`))
      return `${url.pathname.slice(prefix.length)}${url.search}`;
    throw new SourceContractError(source, `${source} returned a link to a page outside its base address.`, {
      kind: 'wrong-record',
    });
  };
  return {
    getText: (path, query) =>
      http.send(
        scope,
        { method: 'GET', path: `${path}${queryText(query)}`, isText: true },
        ({ status, body }) => (status === 404 ? null : String(body)),
        [404],
      ),
    get: (schema, path, query) => getPath(schema, `${path}${queryText(query)}`),
    post: (schema, path, body) =>
      http.send(scope, { method: 'POST', path, body: JSON.stringify(body) }, (answer) =>
        check(schema, answer.body, source),
      ),
    getLinked: async (schema, at) => {
      const found = await getWithHeader(schema, 'path' in at ? at.path : pathOfLink(at.link), 'link');
      return found === null ? null : { answer: found.answer, next: nextLinkIn(found.value) };
    },
    getWithHeader,
    follow: async (schema, link) => {
      const page = await getPath(schema, pathOfLink(link));
      if (page === null)
        throw new SourceContractError(source, `${source} returned a link to a page that does not exist.`, {
          kind: 'not-found',
        });
      return page;
    },
    ping,
  };
}

/** The target of the first link with `rel="next"`. */
function nextLinkIn(header: string | undefined): string | undefined {
  for (const [, target, parameters = ''] of (header ?? '').matchAll(/<([^<>]*)>([^<]*)/g))
    if (/;\s*rel="?(?:[^"]*\s)?next(?:\s[^"]*)?"?\s*(?:[;,]|$)/i.test(parameters)) return target;
  return undefined;
}

/** Encodes one part of a path, so that an identifier cannot add a path or a query. */
export function pathPart(value: string | number): string {
  const encoded = encode(String(value));
  // An empty part would request the list, and dots would go up in the path. The URL standard treats %2E as a dot too.
  if (encoded === '' || encoded === '.' || encoded === '..')
    throw new InvalidInputError('An identifier must be more than nothing or dots.');
  noteValue(encoded);
  return encoded;
}

function encode(text: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new InvalidInputError(
      'A text in the query has an invalid character: a control character or half of a surrogate pair.',
    );
  return encodeURIComponent(text);
}

function queryText(query: Readonly<Record<string, QueryValue>> = {}): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${encode(name)}=${encode(String(value))}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
