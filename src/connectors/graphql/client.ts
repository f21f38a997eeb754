import { z } from 'zod';
import type { Setting, SettingsReader } from '../../config.js';
import { SourceRateLimitedError, SourceUnavailableError, type SourceError } from '../../errors.js';
import type { Auth } from '../auth.js';
import type { Client, Connector, ConnectorOptions } from '../connector.js';
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
  /**
   * Tells from the `extensions` of an answer after how many seconds the system can be asked again, when it refused
   * for having been asked too much. Undefined when it did not refuse.
   */
  throttledFor?: (answer: { errors: readonly WireError[]; extensions: unknown }) => number | undefined;
}

const wireError = z.object({
  path: z.array(z.union([z.string(), z.number()])).optional(),
  extensions: z.object({ code: z.string().optional() }).optional(),
});
export type WireError = z.infer<typeof wireError>;

const wireAnswer = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(wireError).optional(),
  extensions: z.unknown(),
});

/** A connector to a system that speaks GraphQL itself. */
export function graphql({ url, auth, throttledFor }: GraphqlOptions): Connector<GraphqlClient> {
  return {
    settings: (reader) => [url, ...auth.settings(reader)],
    connect: (reader: SettingsReader, options: ConnectorOptions): GraphqlClient => {
      const { source, logger } = options;
      const http = openHttp(reader.read(url) ?? '', auth.headers(reader), options);
      const query = async (
        document: string,
        variables: Readonly<Record<string, unknown>>,
      ): Promise<GraphqlAnswer> => {
        const { body } = await http.send({
          method: 'POST',
          path: '',
          body: JSON.stringify({ query: document, variables }),
        });
        const { data, errors = [], extensions } = check(wireAnswer, body, source);
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
      };
      return {
        query,
        ping: async () => {
          await query('{ __typename }', {});
        },
        close: () => http.close(),
      };
    },
  };
}
