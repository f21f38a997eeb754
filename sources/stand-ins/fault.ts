export const faults = ['down', 'hang', 'status', 'garbage', 'drip', 'reset', 'rate-limit'] as const;

/**
 * - `down`: new connections are refused, open ones are broken
 * - `hang`: requests are accepted but never answered
 * - `status`: rejected with an HTTP status, or with the SQL error of a server that is not ready
 * - `garbage`: answered with random bytes
 * - `drip`: the real answer, one byte per half second
 * - `reset`: the connection is reset as soon as a request arrives
 * - `rate-limit`: rejected as one call or connection too many
 */
export type Fault = (typeof faults)[number];

/** How a source's proxy treats new requests. */
export interface Condition {
  /** Added to each answer, in milliseconds. */
  latencyMs: number;
  fault: Fault | null;
  /** The HTTP status while `fault` is "status". */
  status: number;
}

export const healthy: Condition = { latencyMs: 0, fault: null, status: 500 };
