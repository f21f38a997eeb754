import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { connectToRedis } from '../redis.js';
import type { Logger } from '../telemetry/logger.js';
import type { KnownEvent } from './interest.js';
import { sealWith } from './store-seal.js';

/** Hands events to whoever is subscribed, on this instance and on the others. Nothing is kept: who is away misses it. */
export interface EventBus {
  publish: (known: KnownEvent) => void;
  /** Gives what ends it. `onEnd`: nothing more is told by this instance. */
  subscribe: (listener: (known: KnownEvent) => void, onEnd?: () => void) => () => void;
  /** How many are subscribed. */
  readonly size: number;
  /** Ends all subscriptions, those that come later too: they are taken up again with another instance. */
  end: () => void;
  close: () => void;
}

export interface EventBusOptions {
  /** Without it only this instance's subscribers are told of what reaches this instance. */
  redisUrl: string | undefined;
  /** Events are sealed with it on their way. */
  secret: string;
  logger: Pick<Logger, 'warn'>;
}

const CHANNEL = 'stekkerdoos:1:events';

export function createEventBus({ redisUrl, secret, logger }: EventBusOptions): EventBus {
  const listeners = new Map<(known: KnownEvent) => void, (() => void) | undefined>();
  let isEnded = false;
  const tell = (known: KnownEvent): void => {
    for (const listener of listeners.keys()) listener(known);
  };
  const end = (): void => {
    isEnded = true;
    const all = [...listeners.values()];
    listeners.clear();
    for (const onEnd of all) onEnd?.();
  };
  const local: EventBus = {
    publish: tell,
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
        // Only who has the secret can have sealed it, and these are gateways.
        tell(JSON.parse(seal.open(sealed, CHANNEL)) as KnownEvent);
      } catch {
        logger.warn('an event of another instance cannot be read: is WEBHOOK_SECRET the same everywhere?');
      }
    },
    prepare: ({ commands }) => commands,
    onOpen: () => undefined,
    // The shared cache uses the same Redis, and logs that it is down.
    onDown: () => undefined,
  });
  return {
    subscribe: local.subscribe,
    get size() {
      return listeners.size;
    },
    end,
    publish: (known) => {
      tell(known);
      const message = `${self} ${seal.close(JSON.stringify(known), CHANNEL)}`;
      redis.link?.publish(CHANNEL, message).catch(() => undefined);
    },
    close: () => {
      end();
      redis.close();
    },
  };
}
