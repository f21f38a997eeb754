import { RequestParts } from '../../declared/rest-request.js';
import { InvalidInputError } from '../../errors.js';
import type { CallBudget } from '../call-budget.js';
import type { Credentials, HttpAnswer, HttpSystem } from '../http-system.js';
import type { RequestTemplate } from './way.js';

/** Sends measured requests to a REST system, as a declared source does. */

export type Added = Readonly<Record<string, string | number>>;

export interface RestProbe {
  /**
   * Sends a template with keys and further parameters. An answer with an error status is returned, not
   * thrown.
   */
  send(template: RequestTemplate, keys: readonly string[], added?: Added): Promise<HttpAnswer>;
  /** Reads the page behind a link. Undefined if the link is outside of the base address. */
  follow(link: string): Promise<HttpAnswer> | undefined;
  /** Whether the key may be sent in this template. */
  canSend(template: RequestTemplate, key: string): boolean;
  /** The length of the address with these keys. */
  lengthOf(template: RequestTemplate, keys: readonly string[]): number;
  /** Durations of the successful calls, in milliseconds. */
  readonly times: readonly number[];
  /** The headers of all answers: the last value of each. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface ProbeOptions {
  system: HttpSystem;
  /** The calls that are left. A retry is one of them. */
  budget: CallBudget;
  base: URL;
  /** Headers of every request, without credentials. */
  headers: Readonly<Record<string, string>>;
  /** The names of the variables of the credentials, for messages. */
  credentials: Credentials;
  variables: string;
}

export function restProbe({
  system,
  budget,
  base,
  headers: sentHeaders,
  credentials,
  variables,
}: ProbeOptions): RestProbe {
  const times: number[] = [];
  const headers = new Map<string, string>();
  const prefix = base.pathname.replace(/\/$/, '');
  const sendTo = async (url: URL, method: 'GET' | 'POST', body?: string): Promise<HttpAnswer> => {
    const call = {
      ...{ method, url },
      headers: { ...sentHeaders, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body }),
    };
    let answer = await system.send(call);
    // The budget waits for as long as the system requests.
    if (answer.status === 429 && budget.left > 0) answer = await system.send(call);
    for (const [name, value] of Object.entries(answer.headers)) headers.set(name, value);
    if (answer.status === 401 || (answer.status === 403 && Object.keys(credentials.values).length === 0))
      throw new InvalidInputError(
        `The system refuses the credentials (status ${answer.status}). Set ${variables}, or pass a curl command with them.`,
      );
    if (answer.status < 400) times.push(answer.ms);
    return answer;
  };
  const partsOf = (template: RequestTemplate) => {
    const parts = new RequestParts((_, problem) => {
      throw new InvalidInputError(problem);
    });
    const addressOf = parts.address(template.path, template.query, [], []);
    const bodyOf = template.body === undefined ? undefined : parts.body(template.body, []);
    return { parts, addressOf, bodyOf };
  };
  const urlOf = (address: string): URL => new URL(`${base.origin}${prefix}${address}`);
  return {
    times,
    headers,
    send: (template, keys, added = {}) => {
      const { addressOf, bodyOf } = partsOf(template);
      const extra = Object.entries(added).map(
        ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
      );
      const address = addressOf(keys);
      const joined =
        extra.length === 0 ? address : `${address}${address.includes('?') ? '&' : '?'}${extra.join('&')}`;
      return sendTo(
        urlOf(joined),
        template.method,
        bodyOf === undefined ? undefined : JSON.stringify(bodyOf(keys)),
      );
    },
    follow: (link) => {
      const url = URL.canParse(link, base.href) ? new URL(link, base) : undefined;
      const isInside = url?.origin === base.origin && url.pathname.startsWith(`${prefix}/`);
      return isInside ? sendTo(url, 'GET') : undefined;
    },
    canSend: (template, key) => partsOf(template).parts.canSend(key),
    lengthOf: (template, keys) => urlOf(partsOf(template).addressOf(keys)).href.length,
  };
}

/** The parameters of a query that have no key. */
export function constantsIn(
  query: RequestTemplate['query'],
): (readonly [string, string | number | boolean])[] {
  return Object.entries(query).flatMap(([name, value]) =>
    typeof value === 'object' || /^\{keys?(\|\w+)?\}$/.test(String(value)) ? [] : [[name, value] as const],
  );
}
