import type { Logger } from '../telemetry/logger.js';
import type { WebhookMetrics } from '../telemetry/webhook-metrics.js';
import { allowanceOf, type Allowance } from './deliver-endpoint.js';
import { createPump, type Pump, type PumpOptions } from './deliver-pump.js';
import { retryDelayMs } from './deliver-schedule.js';
import type { Endpoint } from './endpoints.js';
import type { SourceEvent } from './event.js';
import { createEventPace, type EventPace } from './event-pace.js';
import { createSender, type Sender, type SenderOptions } from './send.js';
import type { LeasedDelivery, LeasedEvent, Processed, Settled, WebhookStore } from './store.js';

/**
 * Events that are processed together, so that each system gets one call for all of them. A larger group would delay requests
 * while its records are parsed.
 */
const EVENTS_PER_GROUP = 8;
/** A slow event delays only the events of its group. */
const MAX_CONCURRENT_GROUPS = 2;
/** Added to the timeout of an endpoint, for rendering the body and storing the outcome. */
const LEASE_MARGIN_MS = 15_000;
const SWEEP_EVERY_MS = 60_000;

/** The body of a delivery, as Standard Webhooks recommends it. */
export interface WebhookBody {
  /** The type of the event, which defines the schema of `data`. */
  type: string;
  /** When the event happened, ISO 8601. */
  timestamp: string;
  data: unknown;
}

/**
 * A delivery at the moment of sending. `skip`: the reason why it is not sent, without personal data. `retryAt`: when to render it
 * again, in milliseconds since 1970; this does not count as an attempt.
 */
export type Rendered = { body: WebhookBody } | { skip: string } | { retryAt: number };

export interface DelivererOptions extends SenderOptions {
  store: WebhookStore;
  endpoints: readonly Endpoint[];
  /** Processes an event. It may be called again for the same event, if its result could not be stored. */
  process: (event: SourceEvent) => Promise<Processed>;
  /** Renders a delivery before each attempt, so that the body has current data. */
  render: (delivery: LeasedDelivery) => Promise<Rendered>;
  logger: Logger;
  metrics: Pick<WebhookMetrics, 'eventProcessed' | 'deliveryAttempted'>;
  /** Milliseconds since 1970. Default: the system's clock. */
  now?: () => number;
  /** Returns a number from 0 to 1. Default: Math.random. */
  random?: () => number;
  /** Interval between polls of the store for due deliveries. Default: 1,000 ms. */
  pollMs?: number;
  /** Duration of a lease. When it expires, another instance takes over. Default: timeoutMs + 15 s. */
  leaseMs?: number;
}

export interface Deliverer {
  /** Processes new events without waiting for the next poll. */
  wake(): void;
  /** Resolves when each due delivery has been attempted. */
  idle(): Promise<void>;
  /** Leases nothing more. Resolves when work in flight has ended and is stored. The store stays open. */
  close(): Promise<void>;
}

/** Processes events and sends deliveries until it is closed. */
export function createDeliverer(options: DelivererOptions): Deliverer {
  return new StoreDeliverer(options);
}

type Settings = Required<Omit<DelivererOptions, 'lookup' | 'endpoints' | 'timeoutMs'>> & {
  timeoutMs: number;
};

class StoreDeliverer implements Deliverer {
  readonly #settings: Settings;
  readonly #sender: Sender;
  readonly #pace: EventPace = createEventPace();
  /** Processes the events of the store. */
  readonly #inlet: Pump;
  /** Sends the deliveries of each endpoint separately, so that a slow endpoint delays no other. */
  readonly #outlets: ReadonlyMap<string, Pump>;
  readonly #sweeper: NodeJS.Timeout;
  #isStoreDown = false;

  constructor({
    endpoints,
    lookup,
    now = Date.now,
    random = Math.random,
    pollMs = 1_000,
    timeoutMs = 15_000,
    leaseMs = timeoutMs + LEASE_MARGIN_MS,
    ...rest
  }: DelivererOptions) {
    this.#settings = { ...rest, now, random, pollMs, timeoutMs, leaseMs };
    this.#sender = createSender({ timeoutMs, lookup });
    this.#inlet = this.#createInlet();
    this.#outlets = new Map(endpoints.map((endpoint) => [endpoint.name, this.#createOutlet(endpoint)]));
    this.#sweeper = setInterval(() => {
      rest.store.sweep().catch(this.#noteStoreState);
    }, SWEEP_EVERY_MS);
    this.#inlet.wake();
    for (const outlet of this.#outlets.values()) outlet.wake();
  }

  wake(): void {
    this.#inlet.wake();
  }

  async idle(): Promise<void> {
    await this.#inlet.idle();
    await Promise.all([...this.#outlets.values()].map((outlet) => outlet.idle()));
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#pace.close();
    await this.#inlet.close();
    await Promise.all([...this.#outlets.values()].map((outlet) => outlet.close()));
    await this.#sender.close();
  }

  /** Logs once when the store becomes unavailable, and once when it is available again. Polling continues. */
  readonly #noteStoreState = (error: unknown): void => {
    if ((error !== undefined) === this.#isStoreDown) return;
    this.#isStoreDown = error !== undefined;
    const { logger } = this.#settings;
    if (this.#isStoreDown)
      logger.error({ reason: codeOf(error) }, 'the webhook store is unavailable: check its file or database');
    else logger.info('the webhook store is available again');
  };

  #createInlet(): Pump {
    const { store, leaseMs } = this.#settings;
    // Real time, also in tests that control the clock: the pace depends on the load of this machine.
    const allowance = allowanceOf(this.#pace, () => performance.now());
    return this.#createPump<readonly LeasedEvent[]>({
      allowance,
      together: EVENTS_PER_GROUP,
      concurrency: MAX_CONCURRENT_GROUPS,
      take: async () => {
        const group = await store.leaseEvents(EVENTS_PER_GROUP, leaseMs);
        allowance.use(group.length);
        return group.length === 0 ? [] : [group];
      },
      work: async (group) => {
        await Promise.all(group.map((event) => this.#process(event)));
      },
    });
  }

  #createOutlet(endpoint: Endpoint): Pump {
    const { store, leaseMs, now } = this.#settings;
    const allowance = allowanceOf(endpoint, now);
    return this.#createPump<LeasedDelivery>({
      allowance,
      together: 1,
      concurrency: endpoint.concurrency,
      take: async (wanted) => {
        const leased = await store.leaseDeliveries(endpoint.name, allowance.of(wanted), leaseMs);
        allowance.use(leased.length);
        return leased;
      },
      work: (delivery) => this.#deliver(delivery, endpoint, allowance),
    });
  }

  /** Creates a pump that takes work only when the allowance permits `together` items. */
  #createPump<T>({
    allowance,
    together,
    take,
    ...same
  }: Pick<PumpOptions<T>, 'concurrency' | 'take' | 'work'> & {
    allowance: Allowance;
    together: number;
  }): Pump {
    const { pollMs } = this.#settings;
    let timer: NodeJS.Timeout | undefined;
    const pump: Pump = createPump({
      ...same,
      pollMs,
      take: (wanted) => {
        if (allowance.of(together) === together) return take(wanted);
        clearTimeout(timer);
        timer = setTimeout(pump.wake, Math.min(allowance.waitMs(together), pollMs)).unref();
        return Promise.resolve([]);
      },
      onTaken: this.#noteStoreState,
    });
    return pump;
  }

  async #process(event: LeasedEvent): Promise<void> {
    const { store, process, logger, metrics, now, random } = this.#settings;
    const { source } = event.event;
    try {
      const what = await process(event.event);
      await store.processed(event, what);
      metrics.eventProcessed(source, 'ok');
      for (const { endpoint } of what.deliveries) this.#outlets.get(endpoint)?.wake();
    } catch (error) {
      const delay = retryDelayMs(event.attempts + 1, random);
      const outcome = delay === undefined ? 'dead' : 'failed';
      metrics.eventProcessed(source, outcome);
      logger[outcome === 'dead' ? 'error' : 'warn'](
        { source, type: event.event.type, attempts: event.attempts + 1, reason: codeOf(error) },
        `webhook event ${outcome}`,
      );
      const retryAt = delay === undefined ? undefined : now() + delay;
      // If this cannot be stored either, the lease expires and the event is processed again.
      await store.eventFailed(event, codeOf(error), retryAt).catch(this.#noteStoreState);
    }
  }

  async #deliver(delivery: LeasedDelivery, endpoint: Endpoint, allowance: Allowance): Promise<void> {
    const { store, logger, metrics } = this.#settings;
    const end = await this.#attempt(delivery, endpoint, allowance);
    if (end === undefined) return;
    const { isGone = false, ...settled } = end;
    metrics.deliveryAttempted(endpoint.name, settled.state);
    if (settled.state === 'dead')
      logger.warn({ endpoint: endpoint.name, delivery: delivery.id, ...settled }, 'webhook delivery dead');
    // If the outcome cannot be stored, the lease expires and the delivery is sent again with the same id.
    await store.settle(delivery, settled).catch(this.#noteStoreState);
    if (!isGone) return;
    logger.warn({ endpoint: endpoint.name }, 'the endpoint returned status 410 and is disabled');
    await store.disable(endpoint.name, settled.reason).catch(this.#noteStoreState);
  }

  /** Sends a delivery. Resolves to undefined if the lease is too short: another instance then takes it over. */
  async #attempt(
    delivery: LeasedDelivery,
    endpoint: Endpoint,
    allowance: Allowance,
  ): Promise<(Settled & { isGone?: true }) | undefined> {
    const { render, now, timeoutMs } = this.#settings;
    const attempts = delivery.attempts + 1;
    let rendered: Rendered;
    try {
      rendered = await render(delivery);
    } catch (error) {
      return this.#failed(attempts, `could not be rendered (${codeOf(error)})`);
    }
    if ('skip' in rendered) return { state: 'skipped', attempts: delivery.attempts, reason: rendered.skip };
    if ('retryAt' in rendered)
      return { state: 'waiting', attempts: delivery.attempts, reason: 'postponed', at: rendered.retryAt };
    const body = JSON.stringify(rendered.body);
    // If this process was paused, another instance may have sent this delivery and the next one.
    if (now() + timeoutMs > delivery.leasedUntil) return undefined;
    const sent = await this.#sender.send(endpoint, { id: delivery.id, body, now: now() });
    const { outcome, reason, isOverloaded, retryAfterMs } = sent;
    if (outcome === 'delivered') return { state: 'delivered', attempts, reason };
    if (outcome === 'gone') return { state: 'dead', attempts, reason, isGone: true };
    if (isOverloaded || retryAfterMs !== undefined) allowance.pause(retryAfterMs);
    return this.#failed(attempts, reason, retryAfterMs);
  }

  #failed(attempts: number, reason: string, retryAfterMs?: number): Settled {
    const { now, random } = this.#settings;
    const delay = retryDelayMs(attempts, random, retryAfterMs);
    return delay === undefined
      ? { state: 'dead', attempts, reason }
      : { state: 'waiting', attempts, reason, at: now() + delay };
  }
}

/** The code or name of an error. Its message may contain text from a system. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
