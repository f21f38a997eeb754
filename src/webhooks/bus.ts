import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { connectToRedis } from '../redis.js';
import type { Logger } from '../telemetry/logger.js';
import type { KnownEvent } from './interest.js';
import { sealWith } from './store-seal.js';

/** Sends events to subscribers on all instances. Events are not stored: a disconnected subscriber misses them. */
export interface EventBus {
  publish: (known: KnownEvent) => void;
  /** Returns a function that unsubscribes. `onEnd` is called when this instance sends no more events. */
  subscribe: (listener: (known: KnownEvent) => void, onEnd?: () => void) => () => void;
  /** The number of subscribers. */
  readonly size: number;
  /** Ends all subscriptions, also later ones, so that clients reconnect to another instance. */
  end: () => void;
  close: () => void;
}

export interface EventBusOptions {
  /** Without it, an event reaches the subscribers of this instance only. */
  redisUrl: string | undefined;
  /** Encrypts events in Redis. */
  secret: string;
  logger: Pick<Logger, 'warn'>;
}

const CHANNEL = 'stekkerdoos:1:events';

export function createEventBus({ redisUrl, secret, logger }: EventBusOptions): EventBus {
  const listeners = new Map<(known: KnownEvent) => void, (() => void) | undefined>();
  let isEnded = false;
  const notify = (known: KnownEvent): void => {
    for (const listener of listeners.keys()) listener(known);
  };
  const end = (): void => {
    isEnded = true;
    const all = [...listeners.values()];
    listeners.clear();
    for (const onEnd of all) onEnd?.();
  };
  const local: EventBus = {
    publish: notify,
    subscribe: (listener, onEnd) => {
      if (isEnded) onEnd?.();
      else listeners.set(listener, onEnd);
      return () => listeners.delete(listener);
    },
    get size() {
      return listeners.size;
    },
    end,
    close: end,
  };
  if (redisUrl === undefined) return local;

  const seal = sealWith(secret);
  const self = randomUUID();
  const redis = connectToRedis<Redis>({
    url: redisUrl,
    user: 'The bus of events',
    channel: CHANNEL,
    onMessage: (message) => {
      const [from = '', sealed = ''] = message.split(' ');
      if (from === self) return;
      try {
        // Only a gateway with the secret can have sealed it.
        notify(JSON.parse(seal.open(sealed, CHANNEL)) as KnownEvent);
      } catch {
        logger.warn(
          'an event of another instance cannot be read: check that WEBHOOK_SECRET is the same everywhere',
        );
      }
    },
    prepare: ({ commands }) => commands,
    onOpen: () => undefined,
    // The shared cache uses the same Redis, and logs when it is unavailable.
    onDown: () => undefined,
  });
  return {
    subscribe: local.subscribe,
    get size() {
      return listeners.size;
    },
    end,
    publish: (known) => {
      notify(known);
      const message = `${self} ${seal.close(JSON.stringify(known), CHANNEL)}`;
      redis.link?.publish(CHANNEL, message).catch(() => undefined);
    },
    close: () => {
      end();
      redis.close();
    },
  };
}
