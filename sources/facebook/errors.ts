import { errorOf as sourceErrorOf, safeCode, type ErrorKind, type RateLimitInfo } from '../../src/index.js';
import { z } from 'zod';
import { graphError, type GraphError } from './wire.js';

/**
 * Meta reports an error by its own code, mostly with status 400:
 * https://developers.facebook.com/docs/graph-api/guides/error-handling. 4, 17, 32 and 613 are limits of app, user, page and
 * call. 80000 and higher are limits of a business use case.
 */
export function kindOf({ code, message = '' }: GraphError): ErrorKind | undefined {
  if ([4, 17, 32, 613].includes(code) || (code >= 80_000 && code <= 80_014)) return 'rate-limited';
  // The token has expired or was revoked.
  if (code === 190 || code === 102) return 'unauthenticated';
  // The token lacks a permission.
  if (code === 10 || (code >= 200 && code <= 299)) return 'forbidden';
  if (code === 100 && message.includes('appsecret_proof')) return 'unauthenticated';
  return code === 1 || code === 2 ? 'unavailable' : undefined;
}

const usage = z.record(
  z.string(),
  z.array(z.object({ estimated_time_to_regain_access: z.number().nonnegative().optional() })),
);

/**
 * The header `X-Business-Use-Case-Usage` of every answer has the number of minutes without calls:
 * https://developers.facebook.com/docs/graph-api/overview/rate-limiting/
 */
export function readRateLimits(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): RateLimitInfo | undefined {
  const header = headers['x-business-use-case-usage'];
  if (typeof header !== 'string') return undefined;
  const read = usage.safeParse(parsed(header));
  const minutes = Math.max(
    0,
    ...Object.values(read.data ?? {}).flatMap((uses) =>
      uses.map((use) => use.estimated_time_to_regain_access ?? 0),
    ),
  );
  return minutes === 0 ? undefined : { retryAfterMs: minutes * 60_000 };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The kind of error in the body of an answer whose status is not 2xx. */
export function readErrorKind(_: number, body: unknown): ErrorKind | undefined {
  const read = graphError.safeParse(body);
  return read.success ? kindOf(read.data.error) : undefined;
}

/** Whether there is no person with this id: it never existed, was deleted, or is not visible to the page. */
export function isNotFound({ code }: GraphError): boolean {
  return code === 100 || code === 803;
}

/** The error of one part of a batch, by its status and Meta's code. */
export function errorOf(error: GraphError, status: number): Error {
  const received = { status, vendorCode: safeCode(error.code) };
  return sourceErrorOf(kindOf(error) ?? 'not-understood', 'facebook', { received });
}
