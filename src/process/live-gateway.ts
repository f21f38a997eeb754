import type { RequestListener } from 'node:http';
import { GATEWAY_SETTINGS, type GatewayConfig } from '../config.js';
import { ConfigError } from '../errors.js';
import type { Gateway } from '../gateway.js';

/** Settings that take effect at a start only, because they are about the process and its port. */
const OF_PROCESS = [
  ...(['port', 'host', 'allowedHosts', 'maxConnections', 'maxConnectionsPerAddress'] as const),
  ...(['workers', 'logLevel'] as const),
];

/**
 * A gateway that can be replaced while it runs. Its successor is created and checked beside it. If that fails, the gateway stays.
 * Requests in flight end on the gateway that began them; it is closed after the last one.
 */
export class LiveGateway {
  /** The web origins of the current gateway. The same object at all times. */
  readonly origins: Set<string>;
  #current: Gateway;
  readonly #inFlight = new Map<Gateway, { count: number; onIdle?: () => void }>();
  #reloading: Promise<void> | undefined;
  #shouldReloadAgain = false;
  #isStopping = false;

  constructor(
    first: Gateway,
    /** Creates a gateway from the current files, as the successor of the given one. */
    readonly create: (predecessor: Gateway) => Promise<Gateway>,
  ) {
    this.#current = first;
    this.origins = new Set(first.authentication.origins);
  }

  get current(): Gateway {
    return this.#current;
  }

  readonly handler: RequestListener = (request, response) => {
    const gateway = this.#current;
    const requests = this.#requestsOf(gateway);
    requests.count += 1;
    response.once('close', () => {
      requests.count -= 1;
      if (requests.count === 0) requests.onIdle?.();
    });
    gateway.handler(request, response);
  };

  /** Replaces the gateway. Calls during a reload start one more reload after it. Resolves after the switch, or when the reload failed. */
  reload(reason: string): Promise<void> {
    if (this.#reloading !== undefined) {
      this.#shouldReloadAgain = true;
      return this.#reloading;
    }
    this.#reloading = this.#replaceUntilCurrent(reason);
    return this.#reloading;
  }

  async #replaceUntilCurrent(reason: string): Promise<void> {
    try {
      await this.#replace(reason);
    } finally {
      this.#reloading = undefined;
      if (this.#shouldReloadAgain && !this.#isStopping) {
        this.#shouldReloadAgain = false;
        await this.reload(reason);
      }
    }
  }

  /** Waits for a reload, then closes the gateway. */
  async close(): Promise<void> {
    this.#isStopping = true;
    await this.#reloading;
    await this.#current.close();
  }

  async #replace(reason: string): Promise<void> {
    const old = this.#current;
    const { logger } = old;
    let next: Gateway | undefined;
    try {
      next = await this.create(old);
      await next.opened;
    } catch (error) {
      await next?.close();
      if (!(error instanceof ConfigError)) throw error;
      logger.error(
        { problems: error.problems },
        `${reason}: not reloaded. The gateway continues as before; correct these problems`,
      );
      return;
    }
    this.#current = next;
    this.origins.clear();
    for (const origin of next.authentication.origins) this.origins.add(origin);
    const ignored = changedSettings(old.config, next.config);
    if (ignored.length > 0) logger.warn({ settings: ignored }, 'these settings take effect at a restart');
    logger.info({ sources: next.sources }, `${reason}: reloaded`);
    // Its subscriptions end, so that their clients reconnect.
    old.drain();
    void this.#idle(old).then(() => {
      this.#inFlight.delete(old);
      return old.close();
    });
  }

  #requestsOf(gateway: Gateway): { count: number; onIdle?: () => void } {
    let requests = this.#inFlight.get(gateway);
    if (requests === undefined) {
      requests = { count: 0 };
      this.#inFlight.set(gateway, requests);
    }
    return requests;
  }

  #idle(gateway: Gateway): Promise<void> {
    const requests = this.#requestsOf(gateway);
    return new Promise((resolve) => {
      if (requests.count === 0) resolve();
      else requests.onIdle = resolve;
    });
  }
}

function changedSettings(before: GatewayConfig, after: GatewayConfig): string[] {
  return OF_PROCESS.filter((name) => String(before[name]) !== String(after[name])).map(
    (name) => GATEWAY_SETTINGS[name].variable,
  );
}
