import { request } from 'undici';
import type { Duration } from '../duration.js';
import { InvalidInputError } from '../errors.js';
import type { Environment } from '../settings.js';
import type { CallBudget } from './call-budget.js';

/** Sends the measured calls to a system that is called over HTTP. */

const TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

export interface HttpAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  text: string;
  /** The body as JSON. Undefined if it is not JSON. */
  json: unknown;
  ms: number;
}

export interface HttpCall {
  method: 'GET' | 'POST';
  url: URL;
  headers?: Readonly<Record<string, string>>;
  body?: string;
}

/** The credentials that the environment has, in the syntax of a declaration. */
export interface Credentials {
  /** The member `auth` of `connect`. Undefined without credentials. */
  auth?: Readonly<Record<string, unknown>>;
  headers: Readonly<Record<string, string>>;
  /** Headers of every call, without the credentials, in the syntax of a declaration. */
  declaredHeaders?: Readonly<Record<string, string>>;
  /** The variables, and what each holds. */
  variables: Readonly<Record<string, string>>;
  values: Environment;
}

/** The variable of a source, such as WARRANTY_TOKEN. */
export function variableOf(source: string, name: string): string {
  return `${source.toUpperCase().replaceAll('-', '_')}_${name}`;
}

/** The variables of the credentials of a source. */
export function credentialVariables(source: string) {
  return {
    token: variableOf(source, 'TOKEN'),
    user: variableOf(source, 'USER'),
    password: variableOf(source, 'PASSWORD'),
    key: variableOf(source, 'KEY'),
  };
}

/** Reads the credentials of a source: `_TOKEN`, or `_USER` and `_PASSWORD`, or `_KEY`. Those in an address are basic ones. */
export function credentialsOf(source: string, environment: Environment, url?: URL): Credentials {
  const { token, user, password, key } = credentialVariables(source);
  const values: Record<string, string | undefined> = { ...environment };
  if (url !== undefined && url.username !== '') {
    values[user] = decodeURIComponent(url.username);
    values[password] = decodeURIComponent(url.password);
  } else if (values[token] !== undefined)
    return {
      auth: { bearer: `\${${token}}` },
      headers: { authorization: `Bearer ${values[token]}` },
      variables: { [token]: 'The access token.' },
      values: { [token]: values[token] },
    };
  if (values[user] !== undefined && values[password] !== undefined) {
    const encoded = Buffer.from(`${values[user]}:${values[password]}`).toString('base64');
    return {
      auth: { basic: { user: `\${${user}}`, password: `\${${password}}` } },
      headers: { authorization: `Basic ${encoded}` },
      variables: { [user]: 'The user name.', [password]: 'The password.' },
      values: { [user]: values[user], [password]: values[password] },
    };
  }
  if (values[key] !== undefined)
    return {
      auth: { apiKey: { key: `\${${key}}`, header: 'X-Api-Key' } },
      headers: { 'x-api-key': values[key] },
      variables: { [key]: 'The API key.' },
      values: { [key]: values[key] },
    };
  return { headers: {}, variables: {}, values: {} };
}

/** The address of a system without its credentials, query and fragment. */
export function plainAddress(url: URL): URL {
  const plain = new URL(url);
  plain.username = '';
  plain.password = '';
  plain.search = '';
  plain.hash = '';
  return plain;
}

export interface HttpSystem {
  send(call: HttpCall): Promise<HttpAnswer>;
}

/** Sends each call within the budget, with the credentials. Errors name neither the address nor a value. */
export function httpSystem(budget: CallBudget, credentials: Credentials): HttpSystem {
  return {
    send: async ({ method, url, headers = {}, body }) => {
      const { value, ms } = await budget.run(async () => {
        try {
          const answer = await request(url, {
            method,
            headers: { accept: 'application/json', ...headers, ...credentials.headers },
            body: body ?? null,
            signal: AbortSignal.timeout(TIMEOUT_MS),
          });
          return { status: answer.statusCode, headers: answer.headers, text: await readText(answer.body) };
        } catch (error) {
          if (error instanceof InvalidInputError) throw error;
          throw new InvalidInputError(
            `The system cannot be reached (${codeOf(error)}). Check the address, and whether this machine may call it.`,
            { cause: error },
          );
        }
      });
      const flat = Object.entries(value.headers).map(([name, text]) => [name, [text].flat().join(', ')]);
      const plain = Object.fromEntries(flat) as Record<string, string>;
      const retryAfter = Number(plain['retry-after']);
      if (value.status === 429 && retryAfter > 0) budget.pause(Math.min(retryAfter, 60) * 1_000);
      return { status: value.status, headers: plain, text: value.text, json: jsonOf(value.text), ms };
    },
  };
}

async function readText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES)
      throw new InvalidInputError(`The system sent an answer of more than ${MAX_ANSWER_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^[A-Z_0-9]{1,40}$/.test(code)
    ? code
    : error instanceof Error
      ? error.name
      : 'no answer';
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The p50 and p95 of measured times. */
export function latencyOf(times: readonly number[]): { p50: number; p95: number } | undefined {
  if (times.length === 0) return undefined;
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) =>
    Math.max(1, Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0));
  return { p50: at(0.5), p95: at(0.95) };
}

/**
 * The limits that follow from measured times: a timeout of five times the slowest call, between `minSeconds` and 10
 * seconds.
 */
export function limitsOf(times: readonly number[], minSeconds = 1): Readonly<Record<string, unknown>> {
  const { p95 } = latencyOf(times) ?? { p95: 0 };
  const seconds = Math.min(10, Math.max(minSeconds, Math.ceil((p95 * 5) / 1_000)));
  return { timeout: `${seconds} s`, concurrency: 4 };
}

/** The member `limits.rate` of a declaration. */
export interface DeclaredRate {
  calls: number;
  per: Duration;
  burst: number;
}

/**
 * The rate of a source whose system accepts a number of calls in each window. Other clients may share the limit, so the source
 * uses half of it, and a quarter of it at once: at most three quarters in a window.
 */
export function rateWithin(calls: number, seconds: number): DeclaredRate {
  return {
    calls: Math.max(1, Math.floor(calls / 2)),
    per: seconds === 60 ? '1 minute' : `${seconds} s`,
    burst: Math.max(1, Math.floor(calls / 4)),
  };
}
