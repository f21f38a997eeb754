import { z } from 'zod';
import { InvalidInputError } from '../../errors.js';
import type { HttpSystem } from '../http-system.js';

/** Sends measured operations to a GraphQL system. Only queries: the reader never sends a mutation. */

export interface GraphqlError {
  code: string | undefined;
  path: readonly (string | number)[];
  /**
   * The smallest number in the message that may be a limit. Only the number is used, because the message may
   * quote a personal value.
   */
  numbers: readonly number[];
}

export interface GraphqlResult {
  status: number;
  /** Null if the answer has no data. */
  data: Readonly<Record<string, unknown>> | null;
  errors: readonly GraphqlError[];
  extensions: unknown;
}

export interface GraphqlProbe {
  query(document: string, variables?: Readonly<Record<string, unknown>>): Promise<GraphqlResult>;
  /** Durations of the calls without errors, in milliseconds. */
  readonly times: readonly number[];
  /** The extensions of the last answer. */
  readonly extensions: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

const answer = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z
    .array(
      z.object({
        message: z.string().optional(),
        path: z.array(z.union([z.string(), z.number()])).nullish(),
        extensions: z.looseObject({ code: z.unknown().optional() }).nullish(),
      }),
    )
    .nullish(),
  extensions: z.unknown().optional(),
});

export function graphqlProbe(system: HttpSystem, url: URL, tokenVariable: string): GraphqlProbe {
  const times: number[] = [];
  let extensions: unknown;
  let headers: Readonly<Record<string, string>> = {};
  const send = async (body: string) => {
    const sent = await system.send({
      ...{ method: 'POST' as const, url, body },
      headers: { 'content-type': 'application/json' },
    });
    headers = sent.headers;
    if (sent.status === 401 || sent.status === 403)
      throw new InvalidInputError(
        `The system refuses the credentials (status ${sent.status}). Set ${tokenVariable}, or _USER and _PASSWORD, or _KEY.`,
      );
    return sent;
  };
  return {
    times,
    get extensions() {
      return extensions;
    },
    get headers() {
      return headers;
    },
    query: async (document, variables = {}) => {
      const body = JSON.stringify({ query: document, variables });
      let sent = await send(body);
      // The budget waits for as long as the system requests.
      if (sent.status === 429) sent = await send(body);
      const checked = answer.safeParse(sent.json);
      if (!checked.success)
        throw new InvalidInputError(
          `The answer is not a GraphQL response (status ${sent.status}). Check that the address is that of the GraphQL endpoint.`,
        );
      const { data = null, errors } = checked.data;
      const found = (errors ?? []).map(({ message = '', path, extensions: of }) => ({
        code: typeof of?.code === 'string' && /^[\w.-]{1,60}$/.test(of.code) ? of.code : undefined,
        path: path ?? [],
        numbers: [...message.matchAll(/\b\d{1,5}\b/g)].map(([digits]) => Number(digits)),
      }));
      if (checked.data.extensions != null) extensions = checked.data.extensions;
      if (found.some(({ code }) => code === 'UNAUTHENTICATED'))
        throw new InvalidInputError(
          `The system refuses the credentials (UNAUTHENTICATED). Set ${tokenVariable}, or _USER and _PASSWORD, or _KEY.`,
        );
      if (found.length === 0) times.push(sent.ms);
      return { status: sent.status, data, errors: found, extensions: checked.data.extensions };
    },
  };
}

/**
 * Paths of the cost of a call and of the remaining points, in systems that limit the cost, such as Shopify.
 */
export function pointsIn(
  extensions: unknown,
): Record<'cost' | 'available' | 'perSecond', string> | undefined {
  const numbers = numbersIn(extensions, '');
  const find = (pattern: RegExp) => numbers.find((path) => pattern.test(path.split('.').at(-1) ?? ''));
  const cost = find(/^(requested|requestedQueryCost|requestedCost|queryCost|cost)$/i);
  const available = find(/^(currentlyAvailable|available|remaining|pointsRemaining)$/i);
  const perSecond = find(/^(restoreRate|perSecond|refillRate|restoreRatePerSecond)$/i);
  return cost === undefined || available === undefined || perSecond === undefined
    ? undefined
    : { cost, available, perSecond };
}

function numbersIn(value: unknown, path: string): string[] {
  if (typeof value === 'number') return [path];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value)
    .slice(0, 50)
    .flatMap(([name, inner]) => numbersIn(inner, path === '' ? name : `${path}.${name}`));
}
