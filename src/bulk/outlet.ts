import { milliseconds } from '../duration.js';
import { allowanceOf } from '../webhooks/deliver-endpoint.js';
import { retryDelayMs } from '../webhooks/deliver-schedule.js';
import type { Endpoint } from '../webhooks/endpoints.js';
import { createSender, type SenderOptions } from '../webhooks/send.js';
import type { WebhookStore } from '../webhooks/store.js';

/** A part waits this long if its endpoint has the most concurrent deliveries. */
const BUSY_MS = milliseconds('1 s');

export interface OutletOptions extends SenderOptions {
  endpoints: readonly Endpoint[];
  /** The endpoints that returned status 410 are disabled in it. */
  store: () => Promise<Pick<WebhookStore, 'disable' | 'disabled'>>;
  /** Milliseconds since 1970. */
  now?: () => number;
  /** Returns a number from 0 to 1. Default: Math.random. */
  random?: () => number;
}

/** The outcome of sending a part. `refused` without `retryAt`: it is not sent again. */
export type PartOutcome = { outcome: 'delivered' } | { outcome: 'refused'; reason: string; retryAt?: number };

/** Sends parts of jobs to endpoints, signed as Standard Webhooks specifies, within the rates of the endpoints. */
export interface Outlet {
  /** Whether an endpoint may receive the jobs of a caller. */
  allows(endpoint: string, caller: string): boolean;
  /**
   * Reserves one delivery to an endpoint. `waitMs`: its rate, its concurrency or a pause allows none before this time. `reason`:
   * it receives nothing.
   */
  reserve(endpoint: string): Promise<Reservation | { waitMs: number } | { reason: string }>;
  close(): Promise<void>;
}

export interface Reservation {
  /** `refusals` is the number of earlier attempts. */
  send(message: { id: string; body: string; refusals: number }): Promise<PartOutcome>;
  /** Ends the reservation. Call it once. */
  end(): void;
}

export function createOutlet(options: OutletOptions): Outlet {
  const { endpoints, store, now = Date.now, random = Math.random, timeoutMs, lookup } = options;
  const sender = createSender({ timeoutMs, lookup });
  const known = new Map(
    endpoints.map((endpoint) => [
      endpoint.name,
      { endpoint, allowance: allowanceOf(endpoint, now), inFlight: 0 },
    ]),
  );
  return {
    allows: (name, caller) => known.get(name)?.endpoint.callers.includes(caller) === true,
    reserve: async (name) => {
      const found = known.get(name);
      if (found === undefined) return { reason: `The endpoint "${name}" is not in WEBHOOK_ENDPOINTS.` };
      const disabled = await (await store()).disabled();
      if (disabled.some(({ endpoint }) => endpoint === name))
        return { reason: `The endpoint "${name}" is disabled. Enable it, and submit the job again.` };
      const { endpoint, allowance } = found;
      if (found.inFlight >= endpoint.concurrency) return { waitMs: BUSY_MS };
      if (allowance.of(1) < 1) return { waitMs: Math.max(1, allowance.waitMs(1)) };
      allowance.use(1);
      found.inFlight += 1;
      return {
        send: async ({ id, body, refusals }) => {
          const sent = await sender.send(endpoint, { id, body, now: now() });
          const { outcome, reason, isOverloaded, retryAfterMs } = sent;
          if (outcome === 'delivered') return { outcome };
          if (outcome === 'gone') {
            await (await store()).disable(name, reason);
            return { outcome: 'refused', reason };
          }
          if (isOverloaded || retryAfterMs !== undefined) allowance.pause(retryAfterMs);
          const delay = retryDelayMs(refusals + 1, random, retryAfterMs);
          return { outcome: 'refused', reason, ...(delay === undefined ? {} : { retryAt: now() + delay }) };
        },
        end: () => {
          found.inFlight -= 1;
        },
      };
    },
    close: () => sender.close(),
  };
}
