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
 * Events that are looked at together: each system is then asked once about all of them. More would keep those who ask
 * waiting while what it answered is read.
 */
const EVENTS_TOGETHER = 8;
/** One that is slow to be looked at holds up no more than those that came with it. */
const GROUPS_AT_ONCE = 2;
/** Beside the time that an endpoint has to answer: for rendering, and for writing down how it went. */
const LEASE_MARGIN_MS = 15_000;
const SWEEP_EVERY_MS = 60_000;

/** What an endpoint receives, as Standard Webhooks recommends it. */
export interface WebhookBody {
  /** Which schema `data` has. */
  type: string;
  /** When the event happened, ISO 8601. */
  timestamp: string;
  data: unknown;
}

/**
 * What a delivery is at the moment of sending. `skip`: it is not to be sent, and why, in words without personal data.
 * `retryAt`: not now, but then; that counts as no attempt.
 */
export type Rendered = { body: WebhookBody } | { skip: string } | { retryAt: number };

export interface DelivererOptions extends SenderOptions {
  store: WebhookStore;
  endpoints: readonly Endpoint[];
  /** What an event leads to. It may be asked again for the same event, when its answer could not be written down. */
  process: (event: SourceEvent) => Promise<Processed>;
  /** Asked before each attempt, so that what is sent is of that moment. */
  render: (delivery: LeasedDelivery) => Promise<Rendered>;
  logger: Logger;
  metrics: Pick<WebhookMetrics, 'eventProcessed' | 'deliveryAttempted'>;
  /** Milliseconds since 1970. Default: the system's clock. */
  now?: () => number;
  /** From 0 up to 1. Default: Math.random. */
  random?: () => number;
  /** How often the store is asked for what has become due. Default: 1,000 ms. */
  pollMs?: number;
  /** After so long without a word of an instance another takes over what it had begun. Default: timeoutMs + 15 s. */
  leaseMs?: number;
}

export interface Deliverer {
  /** Events were kept: there is something to do. */
  wake(): void;
  /** Resolves when all that is due has been tried. */
  idle(): Promise<void>;
  /** Takes on no more, and resolves when what is under way is done and written down. The store stays open. */
  close(): Promise<void>;
}

/** Processes events and sends what follows from them, from now on until it is closed. */
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
  /** Takes events of the store. */
  readonly #inlet: Pump;
  /** Sends the deliveries of each endpoint, so that one that is slow or dead holds up no other. */
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

  /** Logs once when the store becomes unavailable and once when it is back: the polls go on meanwhile. */
  readonly #noteStoreState = (error: unknown): void => {
    if ((error !== undefined) === this.#isStoreDown) return;
    this.#isStoreDown = error !== undefined;
    const { logger } = this.#settings;
    if (this.#isStoreDown) logger.error({ reason: codeOf(error) }, 'webhook store out of reach');
    else logger.info('webhook store back');
  };

  #createInlet(): Pump {
    const { store, leaseMs } = this.#settings;
    // Time that a test turns is not the time that this machine takes.
    const allowance = allowanceOf(this.#pace, () => performance.now());
    return this.#createPump<readonly LeasedEvent[]>({
      allowance,
      together: EVENTS_TOGETHER,
      concurrency: GROUPS_AT_ONCE,
      take: async () => {
        const group = await store.leaseEvents(EVENTS_TOGETHER, leaseMs);
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

  /** Takes nothing while the allowance does not give `together`, and comes again when it does. */
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
      told: this.#noteStoreState,
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
      // Where that cannot be written down either, the lease runs out and the event is tried again.
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
    // What cannot be written down is sent again under the same id, when the lease has run out.
    await store.settle(delivery, settled).catch(this.#noteStoreState);
    if (!isGone) return;
    logger.warn({ endpoint: endpoint.name }, 'webhook endpoint gone, and disabled');
    await store.disable(endpoint.name, settled.reason).catch(this.#noteStoreState);
  }

  /** Undefined: it is left to the instance that takes it over. */
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
      return { state: 'waiting', attempts: delivery.attempts, reason: 'put off', at: rendered.retryAt };
    const body = JSON.stringify(rendered.body);
    // If this instance stood still meanwhile, another may have sent it, and what follows it too.
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

/** What kind of error it is. Its words may hold what a system said. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
