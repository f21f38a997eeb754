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

/** JSON over HTTP by paths and verbs. Every answer is checked before anyone sees it. */
export interface RestClient extends Client {
  /** The answer to a GET; null when the system says that it is not there (404). */
  get<T>(schema: z.ZodType<T>, path: string, query?: Readonly<Record<string, QueryValue>>): Promise<T | null>;
  /** The same of a system that answers in plain text. */
  getText(path: string, query?: Readonly<Record<string, QueryValue>>): Promise<string | null>;
  /** The answer to a POST that only reads. A 207 (partial success) is a good answer: its schema tells the parts. */
  post<T>(schema: z.ZodType<T>, path: string, body: unknown): Promise<T>;
  /** A page by the link that the page before it gave. A link out of the base address is refused. */
  follow<T>(schema: z.ZodType<T>, link: string): Promise<T>;
}

export interface RestOptions {
  /** Where the API is; may have a path. */
  baseUrl: Setting<string>;
  auth: Auth;
  /** A path that answers cheaply when all is well, for the health check. */
  pingPath: string;
  /** The system answers that path with plain text rather than JSON. Default false. */
  isPingText?: boolean;
  /** For so long it is not asked again once it has answered: for a system whose calls are counted. Default `'0 s'`. */
  pingHolds?: Duration;
  /** The media type that is asked for. Default `application/json`. */
  accept?: string;
  /** Where a system's status does not tell what its error is about, how its body does. */
  readErrorKind?: ReadErrorKind;
  /** Where a system tells how much more it takes in headers of its own, how they are read. */
  readRateLimits?: ReadRateLimits;
  /**
   * Numbers of which JavaScript would lose digits arrive as text, for schemas with `decimalText`. Reading takes longer.
   * Default false.
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

/** The same transport, whose calls carry these in their query. */
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
    follow: async (schema, link) => {
      const url = URL.canParse(link, http.baseUrl.href) ? new URL(link, http.baseUrl) : undefined;
      const prefix = http.baseUrl.pathname.replace(/\/$/, '');
      if (url?.origin !== http.baseUrl.origin || !url.pathname.startsWith(`${prefix}/`)) {
        throw new SourceContractError(
          source,
          `${source} gave a link to a next page outside of its own address.`,
          { kind: 'wrong-record' },
        );
      }
      const page = await getPath(schema, `${url.pathname.slice(prefix.length)}${url.search}`);
      if (page === null)
        throw new SourceContractError(source, `${source} gave a link to a page that is not there.`, {
          kind: 'not-found',
        });
      return page;
    },
    ping,
  };
}

/** One part of a path, encoded: an identifier never adds a part or a query of its own. */
export function pathPart(value: string | number): string {
  const encoded = encode(String(value));
  // Nothing asks for the list instead of the one, and dots walk up the path: also as %2E, says the URL standard.
  if (encoded === '' || encoded === '.' || encoded === '..')
    throw new InvalidInputError('An identifier must be more than nothing or dots.');
  noteValue(encoded);
  return encoded;
}

function encode(text: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new InvalidInputError('A text to look for has a character in it that no text can have.');
  return encodeURIComponent(text);
}

function queryText(query: Readonly<Record<string, QueryValue>> = {}): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${encode(name)}=${encode(String(value))}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
