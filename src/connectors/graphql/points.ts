import type { GraphqlOptions } from './client.js';

/** The budget of a caller at a system that counts the cost of calls in points. */
export interface Points {
  /** The cost of the call. */
  cost: number;
  available: number;
  /** How many points become available in a second. */
  perSecond: number;
}

/**
 * Limits of a system that counts points. `codes`: the codes of errors that refuse a call because points are missing. `pointsIn`
 * reads the `extensions` of an answer; undefined if they have no points, and then a refused call is repeated after a second.
 */
export function pointLimits(
  codes: ReadonlySet<string>,
  pointsIn: (extensions: unknown) => Points | undefined,
): Required<Pick<GraphqlOptions, 'throttledFor' | 'exhaustedFor'>> {
  const secondsUntilNext = (extensions: unknown): number => {
    const points = pointsIn(extensions);
    return points === undefined ? 0 : (points.cost - points.available) / points.perSecond;
  };
  return {
    exhaustedFor: (extensions) => {
      const seconds = secondsUntilNext(extensions);
      return seconds > 0 ? seconds : undefined;
    },
    throttledFor: ({ errors, extensions }) =>
      errors.some((error) => codes.has(error.extensions?.code ?? ''))
        ? Math.max(1, Math.ceil(secondsUntilNext(extensions)))
        : undefined,
  };
}
