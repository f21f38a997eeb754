import { z } from 'zod';
import type { Setting } from '../../settings.js';
import { safeCode } from '../../diagnosis.js';
import {
  SourceAuthenticationError,
  SourceContractError,
  SourceForbiddenError,
  SourceRateLimitedError,
  SourceUnavailableError,
  type SourceError,
} from '../../errors.js';
import type { Auth } from '../auth.js';
import type { CallScope, Client, Connector } from '../connector.js';
import { httpConnector } from '../http-connector.js';
import { check, type ErrorKind } from '../http.js';
import { templateOf } from '../path-template.js';

/** An answer of a GraphQL system (GraphQL specification, section 7). */
export interface GraphqlAnswer {
  data: Readonly<Record<string, unknown>> | null;
  /** Errors of single fields. An error of the complete request is thrown. */
  errors: readonly GraphqlFieldError[];
}

export interface GraphqlFieldError {
  /** The path in `data`, with the system's names. */
  path: readonly (string | number)[];
  error: SourceError;
}

/** A client for a system that speaks GraphQL over HTTP. */
export interface GraphqlClient extends Client {
  query(document: string, variables: Readonly<Record<string, unknown>>): Promise<GraphqlAnswer>;
}

export interface GraphqlOptions {
  /** The address of the GraphQL endpoint. */
  url: Setting<string>;
  auth: Auth;
  /** Additional CA certificates: see `caSetting`. */
  ca?: Setting<string | undefined>;
  /** Whether numbers that JavaScript cannot represent exactly are returned as text. Default false. */
  exactNumbers?: boolean;
  /**
   * The meaning of the system's error codes, in addition to common ones. `nothing`: there is no value, and no error. Default:
   * another code means that the field is unavailable.
   */
  errorKinds?: Readonly<Record<string, ErrorKind | 'nothing'>>;
  /** Variables whose values are settings, by name. They are sent with every operation that declares them. Default: none. */
  settings?: Readonly<Record<string, Setting<string>>>;
  /**
   * Reads from the `extensions` of a rate-limited answer after how many seconds the system can be called again.
   * Undefined if it was not rate-limited.
   */
  throttledFor?: (answer: { errors: readonly WireError[]; extensions: unknown }) => number | undefined;
  /**
   * Reads from the `extensions` of a successful answer after how many seconds a similar request is possible.
   * Undefined or 0: at once. No calls are made until then.
   */
  exhaustedFor?: (extensions: unknown) => number | undefined;
}

const wireError = z.object({
  path: z.array(z.union([z.string(), z.number()])).optional(),
  extensions: z.object({ code: z.string().optional() }).optional(),
});
export type WireError = z.infer<typeof wireError>;

/** An answer without data and without errors is invalid. */
const wireAnswer = z
  .object({
    data: z.record(z.string(), z.unknown()).nullish(),
    errors: z.array(wireError).optional(),
    extensions: z.unknown().optional(),
  })
  .refine(({ data, errors = [] }) => data != null || errors.length > 0, { path: ['data'] });

/** A connector to a system that speaks GraphQL. */
export function graphql({
  url,
  auth,
  ca,
  exactNumbers,
  errorKinds = {},
  settings = {},
  throttledFor,
  exhaustedFor,
}: GraphqlOptions): Connector<GraphqlClient> {
  const options = { url, auth, ca, exactNumbers, settings: () => Object.values(settings) };
  const kinds = new Map([...COMMON_KINDS, ...Object.entries(errorKinds)]);
  return httpConnector(options, ({ http, reader, source }) => {
    const values = Object.entries(settings).map(([name, setting]) => [name, reader.read(setting)] as const);
    const query = (
      scope: CallScope,
      document: string,
      variables: Readonly<Record<string, unknown>>,
    ): Promise<GraphqlAnswer> => {
      const declared = Object.fromEntries(values.filter(([name]) => document.includes(`$${name}:`)));
      const body = JSON.stringify({ query: document, variables: { ...declared, ...variables } });
      return http
        .send(scope, { method: 'POST', path: '', body }, (answer) => {
          const wire = check(wireAnswer, answer.body, source);
          const waitSeconds = exhaustedFor?.(wire.extensions) ?? 0;
          if (waitSeconds > 0) scope.slowDown({ retryAfterMs: waitSeconds * 1000 });
          return readAnswer(wire, { throttledFor, kinds, source, request: body });
        })
        .then((answer) => {
          for (const { error } of answer.errors)
            error.addRequest({ method: 'POST', path: templateOf(http.baseUrl.pathname) });
          return answer;
        });
    };
    return (scope) => ({
      query: (document, variables) => query(scope, document, variables),
      ping: async () => {
        await query(scope, '{ __typename }', {});
      },
    });
  });
}

interface Reading {
  throttledFor: GraphqlOptions['throttledFor'];
  kinds: ReadonlyMap<string, ErrorKind | 'nothing'>;
  source: string;
  request: string;
}

function readAnswer(
  { data, errors = [], extensions }: z.infer<typeof wireAnswer>,
  { throttledFor, kinds, source, request }: Reading,
): GraphqlAnswer {
  if (errors.length === 0) return { data: data ?? null, errors: [] };
  const wait = throttledFor?.({ errors, extensions });
  const kindOf = (error: WireError) => kinds.get(error.extensions?.code ?? '');
  // Later fields of the operation would be refused too.
  if (wait !== undefined || errors.some((error) => kindOf(error) === 'rate-limited'))
    throw new SourceRateLimitedError(source, `${source} rate-limited the gateway.`, { retryAfter: wait });
  const failures = errors.filter((error) => kindOf(error) !== 'nothing');
  if (failures.length === 0) return { data: data ?? null, errors: [] };
  const byCode = new Map<string | undefined, SourceError>();
  const errorWith = (code: string | undefined): SourceError => {
    const error = byCode.get(code) ?? errorOf(source, kinds.get(code ?? ''), safeCode(code, request));
    byCode.set(code, error);
    return error;
  };
  const located = failures.flatMap(({ path, extensions: of }) =>
    path === undefined ? [] : [{ path, error: errorWith(of?.code) }],
  );
  if (data == null || located.length === 0) throw errorWith(failures[0]?.extensions?.code);
  return { data, errors: located };
}

/** Codes of common servers and vendors. */
const COMMON_KINDS: readonly (readonly [code: string, kind: ErrorKind])[] = [
  ['UNAUTHENTICATED', 'unauthenticated'],
  ['ACCESS_DENIED', 'forbidden'],
  ['FORBIDDEN', 'forbidden'],
  ['GRAPHQL_VALIDATION_FAILED', 'not-understood'],
  ['GRAPHQL_PARSE_FAILED', 'not-understood'],
  ['BAD_USER_INPUT', 'not-understood'],
  ['undefinedField', 'not-understood'],
  ['undefinedType', 'not-understood'],
  ['argumentNotAccepted', 'not-understood'],
  ['missingRequiredArguments', 'not-understood'],
];

/** A message may quote personal data, so only the code is used. */
function errorOf(
  source: string,
  kind: ErrorKind | 'nothing' | undefined,
  vendorCode: string | undefined,
): SourceError {
  const details = { received: { vendorCode }, kind: 'graphql-error' } as const;
  switch (kind) {
    case 'unauthenticated':
      return new SourceAuthenticationError(source, `${source} refuses the gateway's credentials.`, {
        ...details,
        kind: 'credentials',
      });
    case 'forbidden':
      return new SourceForbiddenError(source, `${source} does not let the gateway read this.`, {
        ...details,
        kind: 'forbidden',
      });
    case 'not-understood':
      return new SourceContractError(source, `${source} did not understand the gateway's request.`, {
        ...details,
        kind: 'request-refused',
      });
    default:
      return new SourceUnavailableError(source, `${source} could not answer this field.`, details);
  }
}
