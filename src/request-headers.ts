/** Our own request headers. The name with `X-` is an alias, which stays. */
const ALIASES = {
  /** What the data is wanted for: a value of the enum `Purpose`. */
  'data-purpose': 'x-purpose',
  /** `1`: the answer reports in `extensions.sources` where its values came from. */
  'report-sources': 'x-sources',
  /** `automation` or `bulk`: other requests have priority. Not `Priority`, which browsers send (RFC 9218). */
  'request-priority': 'x-priority',
  /** Names the request in logs and in the answer. */
  'request-id': 'x-request-id',
} as const;

export type RequestHeader = keyof typeof ALIASES;

/** All names of our own request headers, in lower case. */
export const REQUEST_HEADERS: readonly string[] = Object.entries(ALIASES).flat();

/** The value of a header, by its name or else by its alias; null if the request has neither. */
export function requestHeader(headers: Pick<Headers, 'get'>, name: RequestHeader): string | null {
  return headers.get(name) ?? headers.get(ALIASES[name]);
}
