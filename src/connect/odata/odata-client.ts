import { z } from 'zod';
import type { OdataVersion } from '../../connectors/odata/query.js';
import { InvalidInputError } from '../../errors.js';
import type { HttpSystem } from '../http-system.js';
import type { Row } from '../tables/table.js';

/** Sends measured requests to an OData service. Each is a GET. */

export interface OdataAnswer {
  status: number;
  /** Undefined if the answer is not a list of records. */
  rows: readonly Row[] | undefined;
  /** The address of the next page. */
  next: string | undefined;
  /** The count of all matching records, if it was requested. */
  count: number | undefined;
  /**
   * Numbers in the message of an error. One of them may be a limit. Only numbers are read, because the
   * message may quote a personal value.
   */
  numbers: readonly number[];
}

export interface OdataProbe {
  /** Requests a list. `pageSize` is a preference: the service decides. */
  list(path: string, pageSize?: number): Promise<OdataAnswer>;
  /** The base address of the entity sets, without a slash at its end. */
  readonly base: URL;
  readonly version: OdataVersion;
  /** Durations of the calls, in milliseconds. */
  readonly times: readonly number[];
  /** The headers of the last answer. */
  readonly headers: Readonly<Record<string, string>>;
}

const records = z.array(z.record(z.string(), z.unknown()));
const count = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number),
  ])
  .optional();
const next = z.string().optional();
const answers = {
  4: z
    .object({ value: records, '@odata.nextLink': next, '@odata.count': count })
    .transform(({ value, '@odata.nextLink': link, '@odata.count': total }) => ({
      ...{ rows: value, next: link, count: total },
    })),
  2: z
    .object({ d: z.union([records, z.object({ results: records, __next: next, __count: count })]) })
    .transform(({ d }) =>
      Array.isArray(d)
        ? { rows: d, next: undefined, count: undefined }
        : { rows: d.results, next: d.__next, count: d.__count },
    ),
};

/** The same as in the connector. Without `IEEE754Compatible`, a decimal would lose digits. */
const ACCEPT = { 2: 'application/json', 4: 'application/json;odata.metadata=minimal;IEEE754Compatible=true' };

export function odataProbe(
  system: HttpSystem,
  { base, version, tokenVariable }: { base: URL; version: OdataVersion; tokenVariable: string },
): OdataProbe {
  const times: number[] = [];
  let headers: Readonly<Record<string, string>> = {};
  const send = async (url: URL, pageSize: number | undefined) => {
    const prefer = pageSize === undefined ? {} : { prefer: `odata.maxpagesize=${pageSize}` };
    const sent = await system.send({ method: 'GET', url, headers: { accept: ACCEPT[version], ...prefer } });
    headers = sent.headers;
    if (sent.status === 401 || sent.status === 403)
      throw new InvalidInputError(
        `The service refuses the credentials (status ${sent.status}). Set ${tokenVariable}, or _USER and _PASSWORD, or _KEY, and check their permissions.`,
      );
    return sent;
  };
  return {
    ...{ base, version, times },
    get headers() {
      return headers;
    },
    list: async (path, pageSize) => {
      const url = addressOf(base, path);
      let sent = await send(url, pageSize);
      // The budget waits for as long as the service requests.
      if (sent.status === 429) sent = await send(url, pageSize);
      const isSuccess = sent.status >= 200 && sent.status < 300;
      const checked = isSuccess ? answers[version].safeParse(sent.json) : undefined;
      if (isSuccess) times.push(sent.ms);
      if (checked?.success === false)
        throw new InvalidInputError(
          `The answer is not that of an OData ${version} service (status ${sent.status}). Check that the address is that of the entity sets.`,
        );
      return {
        status: sent.status,
        rows: checked?.data.rows,
        next: checked?.data.next === undefined ? undefined : new URL(checked.data.next, url).href,
        count: checked?.data.count,
        numbers: isSuccess ? [] : numbersIn(sent.text),
      };
    },
  };
}

/** An address of the service. A link may be absolute. One to another server is refused. */
function addressOf(base: URL, path: string): URL {
  if (!URL.canParse(path)) return new URL(`${base.href.replace(/\/$/, '')}/${path}`);
  const url = new URL(path);
  if (url.origin === base.origin) return url;
  throw new InvalidInputError(
    'The link to the next page leads to another server, so such a list cannot be read. Use the address that the service itself uses in its links.',
  );
}

/** The numbers in the message of an error. */
function numbersIn(text: string): number[] {
  const message = /"message"\s*:\s*(?:\{[^}]{0,500}?"value"\s*:\s*)?"((?:[^"\\]|\\.){0,2000})"/.exec(text);
  return [...(message?.[1] ?? '').matchAll(/(?<![\w.])\d{1,5}(?![\w.]*\w)/g)].map(([digits]) =>
    Number(digits),
  );
}

export interface RateLimit {
  headers: Readonly<Record<string, string>>;
  /** The maximum number of calls in a window. */
  rate?: { calls: number; seconds: number };
}

/** Finds the rate-limit headers and reads them. */
export function rateLimitOf(headers: Readonly<Record<string, string>>): RateLimit | undefined {
  const found = Object.entries(headers).filter(([name]) => /rate-?limit/i.test(name));
  if (found.length === 0) return undefined;
  const [, calls, seconds] =
    found
      .map(([, value]) => /\b(\d{1,7})\s*;\s*w\s*=\s*(\d{1,6})/i.exec(value))
      .find((match) => match !== null) ??
    found
      .filter(([name]) => /minute/i.test(name) && /limit$/i.test(name))
      .map(([, value]) => /^(\d{1,7})()$/.exec(value))
      .find((match) => match !== null) ??
    [];
  return {
    headers: Object.fromEntries(found),
    ...(calls === undefined ? {} : { rate: { calls: Number(calls), seconds: Number(seconds || 60) } }),
  };
}
