import { timeout } from './timeout.js';

/** How one source is protected, and how we are protected against it. */
export interface ResilienceOptions {
  source: string;
  /** The longest that one call may take, connecting and reading included. */
  timeoutMs: number;
}

/** Puts the parts of resilience around a call, in the one order that they stand in. */
export function wrap({ source, timeoutMs }: ResilienceOptions) {
  return <T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> => timeout(source, timeoutMs, call);
}
