import { requestHeader } from '../request-headers.js';
import type { Wanted } from '../cache/freshness.js';
import type { Priority } from '../priority.js';

/** Which cache directives of a caller are applied: all, only those that cause no calls to systems, or none. */
export type FollowedDirectives = 'any' | 'sparing' | 'none';

/** The request options that a caller sets by headers. */
export interface Directives {
  wanted: Wanted;
  priority: Priority;
  /** `Prefer: wait=N` (RFC 7240) in milliseconds: then the answer is sent with the fields that are resolved. */
  waitMs?: number;
  /** `Report-Sources: 1`: the answer says in `extensions.sources` where its values came from. */
  shouldReportSources: boolean;
}

/** A caller can lower its priority, but not raise it. */
export function priorityOf(requested: string | null, ofCaller: Priority): Priority {
  return LOWER[ofCaller].find((lower) => lower === requested) ?? ofCaller;
}

const LOWER: Readonly<Record<Priority, readonly Priority[]>> = {
  interactive: ['automation', 'bulk'],
  automation: ['bulk'],
  bulk: [],
};

/**
 * Reads the headers. A directive that is not applied is ignored without an error, because browsers send `no-cache` on
 * every reload. The `Age` of the answer is correct in both cases.
 */
export function readDirectives(
  headers: Pick<Headers, 'get'>,
  { followed, priority }: { followed: FollowedDirectives; priority: Priority },
): Directives {
  const wait = seconds(/(?:^|[,;\s])wait=(\d{1,6})\b/i, headers.get('prefer'));
  return {
    wanted: readWanted(headers.get('cache-control'), followed),
    priority: priorityOf(requestHeader(headers, 'request-priority'), priority),
    ...(wait === undefined ? {} : { waitMs: wait * 1000 }),
    shouldReportSources: requestHeader(headers, 'report-sources') === '1',
  };
}

function readWanted(value: string | null, followed: FollowedDirectives): Wanted {
  if (value === null || followed === 'none') return {};
  const wanted: Wanted = {};
  const maxStale = /(?:^|[,\s])max-stale(?:="?(\d+)"?)?(?=\s*(?:,|$))/i.exec(value);
  // Without a number any age is accepted (RFC 9111, 5.2.1.2).
  if (maxStale !== null)
    wanted.maxStaleMs = maxStale[1] === undefined ? Infinity : Number(maxStale[1]) * 1000;
  if (/(?:^|[,\s])only-if-cached\b/i.test(value)) wanted.onlyIfCached = true;
  // The remaining directives cause calls to the systems.
  if (followed === 'sparing') return wanted;
  const maxAge = seconds(/(?:^|[,\s])max-age="?(\d+)\b/i, value);
  if (maxAge !== undefined) wanted.maxAgeMs = maxAge * 1000;
  if (/(?:^|[,\s])no-(?:cache|store)\b/i.test(value)) wanted.maxAgeMs = 0;
  return wanted;
}

function seconds(pattern: RegExp, value: string | null): number | undefined {
  const found = value === null ? undefined : pattern.exec(value)?.[1];
  return found === undefined ? undefined : Number(found);
}
