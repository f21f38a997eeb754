import type { Finding } from '../draft.js';
import { rateWithin, type DeclaredRate } from '../http-system.js';

/** Reads rate limits and support for revalidation from the headers of the answers. */

/** The header names that the gateway reads without a declaration. */
const STANDARD = /^(ratelimit-|x-rate-limit-)(remaining|reset)$/;
const MINUTE_S = 60;

export interface RateLimits {
  /** The member `rateLimitHeaders` of the declaration. */
  declared?: { remaining: string; reset: string };
  recorded?: { headers: Record<string, string>; perMinute?: number };
  rate?: DeclaredRate;
  findings: readonly Finding[];
}

export function rateLimitsOf(headers: ReadonlyMap<string, string>): RateLimits {
  const named = [...headers].filter(
    ([name, value]) =>
      /rate-?limit|throttle|x-.*(remaining|calls)/i.test(name) && /^[\w .,;:="-]{1,100}$/.test(value),
  );
  const find = (part: RegExp) => named.find(([name, value]) => part.test(name) && /^\d{1,10}$/.test(value));
  const [remaining, reset, limit] = [
    find(/remaining|left/i),
    find(/reset/i),
    find(/limit$|limit-limit|max/i),
  ];
  const findings: Finding[] = [];
  if (named.length > 0)
    findings.push({
      step: 'measure',
      text: `Rate-limit headers: ${named.map(([name]) => name).join(', ')}.`,
    });
  else
    findings.push({
      step: 'measure',
      text: 'The answers have no rate-limit headers. Set limits.rate if the system has a rate limit.',
    });
  if (headers.has('etag'))
    findings.push({
      step: 'measure',
      text: 'The answers have an ETag, with which the gateway revalidates them.',
    });
  const isStandard = remaining !== undefined && STANDARD.test(remaining[0]);
  const seconds = Number(reset?.[1]);
  const calls = Number(limit?.[1]);
  // If a window ends within a minute, it is at most a minute long.
  const perMinute = calls > 0 && seconds > 1 && seconds <= MINUTE_S ? calls : undefined;
  if (perMinute !== undefined)
    findings.push({
      step: 'measure',
      text: `The system accepts ${perMinute} calls in a window of at most a minute. Other clients may share this limit, so the source uses half of it, and a quarter of it at once.`,
    });
  return {
    ...(remaining === undefined || reset === undefined || isStandard
      ? {}
      : { declared: { remaining: remaining[0], reset: reset[0] } }),
    ...(named.length === 0
      ? {}
      : {
          recorded: { headers: Object.fromEntries(named), ...(perMinute === undefined ? {} : { perMinute }) },
        }),
    ...(perMinute === undefined ? {} : { rate: rateWithin(perMinute, MINUTE_S) }),
    findings,
  };
}
