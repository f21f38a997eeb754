import type { z } from 'zod';
import type { Setting, SettingsReader } from '../config.js';
import { InvalidInputError, SourceContractError } from '../errors.js';
import type { Auth } from './auth.js';
import type { CallScope, Client, Connection, Connector, ConnectorOptions } from './connector.js';
import { check, openHttp, type HttpTransport } from './http.js';

type QueryValue = string | number | boolean | undefined;

/** JSON over HTTP by paths and verbs. Every answer is checked before anyone sees it. */
export interface RestClient extends Client {
  /** The answer to a GET; null when the system says that it is not there (404). */
  get<T>(schema: z.ZodType<T>, path: string, query?: Readonly<Record<string, QueryValue>>): Promise<T | null>;
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
}

/** A connector to a REST system. */
export function rest({ baseUrl, auth, pingPath }: RestOptions): Connector<RestClient> {
  return {
    settings: (reader) => [baseUrl, ...auth.settings(reader)],
    connect: (reader: SettingsReader, options: ConnectorOptions): Connection<RestClient> => {
      const http = openHttp(reader.read(baseUrl) ?? '', auth.headers(reader), options);
      return {
        client: (scope) => createClient(http, scope, options.source, pingPath),
        forget: () => {
          http.forget();
        },
        close: () => http.close(),
      };
    },
  };
}

function createClient(http: HttpTransport, scope: CallScope, source: string, pingPath: string): RestClient {
  const getPath = <T>(schema: z.ZodType<T>, path: string): Promise<T | null> =>
    http.send(
      scope,
      { method: 'GET', path },
      ({ status, body }) => (status === 404 ? null : check(schema, body, source)),
      [404],
    );
  return {
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
        );
      }
      const page = await getPath(schema, `${url.pathname.slice(prefix.length)}${url.search}`);
      if (page === null)
        throw new SourceContractError(source, `${source} gave a link to a page that is not there.`);
      return page;
    },
    ping: () => http.send(scope, { method: 'GET', path: pingPath }, () => undefined),
  };
}

/** One part of a path, encoded: an identifier never adds a part or a query of its own. */
export function pathPart(value: string | number): string {
  const encoded = encode(String(value));
  // Nothing asks for the list instead of the one, and dots walk up the path: also as %2E, says the URL standard.
  if (encoded === '' || encoded === '.' || encoded === '..')
    throw new InvalidInputError('An identifier must be more than nothing or dots.');
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
