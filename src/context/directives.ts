import type { Wanted } from '../cache/freshness.js';
import type { Priority } from '../priority.js';

/** Which of a caller's cache directives are followed. */
export type FollowedDirectives = 'any' | 'sparing' | 'none';

/** What a caller says in the headers of its request about how it is to be answered. */
export interface Directives {
  wanted: Wanted;
  priority: Priority;
  /** `Prefer: wait=N` (RFC 7240) in milliseconds: the answer leaves by then with what there is. */
  waitMs?: number;
  /** `X-Sources: 1`: the answer says in `extensions.sources` where its values came from. */
  shouldReportSources: boolean;
}

/** Priority can only be given away, never taken. */
export function priorityOf(given: string | null, own: Priority): Priority {
  return LOWER[own].find((lower) => lower === given) ?? own;
}

const LOWER: Readonly<Record<Priority, readonly Priority[]>> = {
  interactive: ['automation', 'bulk'],
  automation: ['bulk'],
  bulk: [],
};

/**
 * Reads the headers. What is not followed is as if it were not there, since browsers send `no-cache` on every
 * reload; the `Age` of the answer tells the truth either way.
 */
export function readDirectives(
  headers: Pick<Headers, 'get'>,
  { followed, priority }: { followed: FollowedDirectives; priority: Priority },
): Directives {
  const wait = seconds(/(?:^|[,;\s])wait=(\d{1,6})\b/i, headers.get('prefer'));
  return {
    wanted: readWanted(headers.get('cache-control'), followed),
    priority: priorityOf(headers.get('x-priority'), priority),
    ...(wait === undefined ? {} : { waitMs: wait * 1000 }),
    shouldReportSources: headers.get('x-sources') === '1',
  };
}

function readWanted(value: string | null, followed: FollowedDirectives): Wanted {
  if (value === null || followed === 'none') return {};
  const wanted: Wanted = {};
  const maxStale = /(?:^|[,\s])max-stale(?:="?(\d+)"?)?(?=\s*(?:,|$))/i.exec(value);
  // Without a number any age will do (RFC 9111, 5.2.1.2).
  if (maxStale !== null)
    wanted.maxStaleMs = maxStale[1] === undefined ? Infinity : Number(maxStale[1]) * 1000;
  if (/(?:^|[,\s])only-if-cached\b/i.test(value)) wanted.onlyIfCached = true;
  // The others make the systems work.
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
