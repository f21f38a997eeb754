export const faults = ['down', 'hang', 'status', 'garbage', 'drip', 'reset', 'rate-limit'] as const;

/**
 * - `down`: connections are refused, open ones broken
 * - `hang`: taken, never answered
 * - `status`: refused with an HTTP status, or an SQL error that says the server is not ready
 * - `garbage`: answered with bytes of no protocol
 * - `drip`: the true answer, one byte each half second
 * - `reset`: the connection is reset as soon as something is asked
 * - `rate-limit`: refused as one call or connection too many
 */
export type Fault = (typeof faults)[number];

/** How a source's proxy treats what is asked from now on. */
export interface Condition {
  /** Added to each answer. */
  latencyMs: number;
  fault: Fault | null;
  /** The HTTP status given while `fault` is "status". */
  status: number;
}

export const healthy: Condition = { latencyMs: 0, fault: null, status: 500 };
