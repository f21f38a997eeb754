import { z } from 'zod';
import type { Setting, SettingsReader } from '../../settings.js';
import { SourceRateLimitedError, SourceUnavailableError, type SourceError } from '../../errors.js';
import type { Auth } from '../auth.js';
import type { CallScope, Client, Connection, Connector, ConnectorOptions } from '../connector.js';
import { check, openHttp } from '../http.js';

/** What a GraphQL system answered (GraphQL specification, section 7). */
export interface GraphqlAnswer {
  data: Readonly<Record<string, unknown>> | null;
  /** Errors that belong to one field; an error about the whole request has been thrown. */
  errors: readonly GraphqlFieldError[];
}

export interface GraphqlFieldError {
  /** Where in `data`, in the system's own words. */
  path: readonly (string | number)[];
  error: SourceError;
}

/** GraphQL over HTTP with a system that speaks it. */
export interface GraphqlClient extends Client {
  query(document: string, variables: Readonly<Record<string, unknown>>): Promise<GraphqlAnswer>;
}

export interface GraphqlOptions {
  /** The address that operations are posted to. */
  url: Setting<string>;
  auth: Auth;
  /** Variables whose values are settings, by name. They are sent with every operation that declares them. Default: none. */
  settings?: Readonly<Record<string, Setting<string>>>;
  /**
   * Tells from the `extensions` of an answer after how many seconds the system can be asked again, when it refused
   * for having been asked too much. Undefined when it did not refuse.
   */
  throttledFor?: (answer: { errors: readonly WireError[]; extensions: unknown }) => number | undefined;
  /**
   * Tells from the `extensions` of an answer that was given after how many seconds the like of it can be asked again.
   * Undefined or 0 when it can at once. Until then nobody asks.
   */
  exhaustedFor?: (extensions: unknown) => number | undefined;
}

const wireError = z.object({
  path: z.array(z.union([z.string(), z.number()])).optional(),
  extensions: z.object({ code: z.string().optional() }).optional(),
});
export type WireError = z.infer<typeof wireError>;

const wireAnswer = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(wireError).optional(),
  extensions: z.unknown().optional(),
});

/** A connector to a system that speaks GraphQL itself. */
export function graphql({
  url,
  auth,
  settings = {},
  throttledFor,
  exhaustedFor,
}: GraphqlOptions): Connector<GraphqlClient> {
  return {
    settings: (reader) => [url, ...auth.settings(reader), ...Object.values(settings)],
    connect: (reader: SettingsReader, options: ConnectorOptions): Connection<GraphqlClient> => {
      const http = openHttp(reader.read(url) ?? '', auth.headers(reader), options, {
        session: auth.session?.(reader, options),
      });
      const values = Object.entries(settings).map(([name, one]) => [name, reader.read(one)] as const);
      const query = (
        scope: CallScope,
        document: string,
        variables: Readonly<Record<string, unknown>>,
      ): Promise<GraphqlAnswer> => {
        const declared = Object.fromEntries(values.filter(([name]) => document.includes(`$${name}:`)));
        const body = JSON.stringify({ query: document, variables: { ...declared, ...variables } });
        return http.send(scope, { method: 'POST', path: '', body }, (answer) => {
          const wire = check(wireAnswer, answer.body, options.source);
          const waitSeconds = exhaustedFor?.(wire.extensions) ?? 0;
          if (waitSeconds > 0) scope.slowDown({ retryAfterMs: waitSeconds * 1000 });
          return readAnswer(wire, throttledFor, options);
        });
      };
      return {
        client: (scope) => ({
          query: (document, variables) => query(scope, document, variables),
          ping: async () => {
            await query(scope, '{ __typename }', {});
          },
        }),
        close: () => http.close(),
      };
    },
  };
}

function readAnswer(
  { data, errors = [], extensions }: z.infer<typeof wireAnswer>,
  throttledFor: GraphqlOptions['throttledFor'],
  { source, logger }: ConnectorOptions,
): GraphqlAnswer {
  if (errors.length === 0) return { data: data ?? null, errors: [] };
  const wait = throttledFor?.({ errors, extensions });
  if (wait !== undefined) {
    throw new SourceRateLimitedError(source, `${source} asks us to slow down.`, { retryAfter: wait });
  }
  logger.warn(
    { source, errors: errors.map(({ path, extensions: e }) => ({ path, code: e?.code })) },
    'graphql errors',
  );
  // Its message may quote personal data, so the client is told only which system it was.
  const error = new SourceUnavailableError(source, `${source} could not answer this field.`);
  const located = errors.flatMap(({ path }) => (path === undefined ? [] : [{ path, error }]));
  if (data == null || located.length === 0) throw error;
  return { data, errors: located };
}
