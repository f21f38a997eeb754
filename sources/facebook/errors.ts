import {
  SourceAuthenticationError,
  SourceContractError,
  SourceRateLimitedError,
  SourceUnavailableError,
  type ErrorKind,
  type News,
} from '../../src/index.js';
import { z } from 'zod';
import { graphError, type GraphError } from './wire.js';

/**
 * Meta tells what is wrong by a code of its own, mostly with status 400:
 * https://developers.facebook.com/docs/graph-api/guides/error-handling. 4, 17, 32 and 613 are limits of app, user, page
 * and call; those from 80000 on are limits of a business' use case.
 */
export function kindOf({ code, message = '' }: GraphError): ErrorKind | undefined {
  if ([4, 17, 32, 613].includes(code) || (code >= 80_000 && code <= 80_014)) return 'rate-limited';
  // The token has expired or was withdrawn (190, 102), or lacks a permission (10, 200 to 299).
  if (code === 190 || code === 102 || code === 10 || (code >= 200 && code <= 299)) return 'unauthenticated';
  if (code === 100 && message.includes('appsecret_proof')) return 'unauthenticated';
  return code === 1 || code === 2 ? 'unavailable' : undefined;
}

const usage = z.record(
  z.string(),
  z.array(z.object({ estimated_time_to_regain_access: z.number().nonnegative().optional() })),
);

/**
 * `X-Business-Use-Case-Usage` tells with every answer for how many minutes the page is to ask nothing:
 * https://developers.facebook.com/docs/graph-api/overview/rate-limiting/
 */
export function readNews(headers: Readonly<Record<string, string | string[] | undefined>>): News | undefined {
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

/** Of an answer whose status is not a good one. */
export function readErrorKind(_: number, body: unknown): ErrorKind | undefined {
  const read = graphError.safeParse(body);
  return read.success ? kindOf(read.data.error) : undefined;
}

/** Nobody is there by that id: it never existed, was deleted, or is not the page's to see. */
export function isNotFound({ code }: GraphError): boolean {
  return code === 100 || code === 803;
}

/** Of one part of a batch. */
export function errorOf(error: GraphError): Error {
  switch (kindOf(error)) {
    case 'rate-limited':
      return new SourceRateLimitedError('facebook', 'facebook asks us to slow down.');
    case 'unauthenticated':
      return new SourceAuthenticationError('facebook', "facebook refuses the gateway's credentials.");
    case 'unavailable':
      return new SourceUnavailableError('facebook', 'facebook answered with an error.');
    default:
      return new SourceContractError('facebook', "facebook did not understand the gateway's request.");
  }
}
