import type { Logger } from '../../telemetry/logger.js';
import { connectToRedis, createPauses, reasonOf } from '../../redis.js';
import { isFull, isRefusal, prepareLink, type Link } from './link.js';
import { CHANNEL } from './scripts.js';
import { LateError, within } from './within.js';

/** Pause before the first PING that checks whether a slow Redis answers in time again. Later pauses are longer. */
const FIRST_PROBE_MS = 50;

/** A link to Redis that reconnects when it is lost, and is not used while Redis is slow. */
export interface Connection {
  /** The current link, slow or not. */
  readonly link: Link | undefined;
  /** The current link, if it answers in time. */
  readonly quick: Link | undefined;
  /** Reports that a command over this link failed. The connection then marks the link as slow, or replaces it. */
  failed(link: Link, error: unknown): void;
  close(): void;
}

export interface ConnectionOptions {
  url: string;
  /** A link that takes longer to answer is slow, in milliseconds. */
  waitMs: number;
  logger: Logger;
  /** The greatest `since` that this instance has read. */
  lastSince: () => number;
  onMessage: (message: string) => void;
  /** A link was opened, at the start or after a loss. */
  onOpen: (link: Link) => void;
}

export function createConnection(options: ConnectionOptions): Connection {
  const { url, waitMs, logger, lastSince, onMessage, onOpen } = options;
  let slow = false;
  let hasWarned = false;
  let timer: NodeJS.Timeout | undefined;
  const probing = createPauses(FIRST_PROBE_MS);

  const probe = async (): Promise<void> => {
    const probed = redis.link;
    if (probed === undefined) return;
    try {
      await within(waitMs, probed.ping());
      if (probed !== redis.link) return;
      slow = false;
      probing.good();
      logger.info('the shared cache answers in time again');
    } catch {
      if (probed === redis.link) probeLater();
    }
  };
  const probeLater = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void probe(), probing.next()).unref();
  };

  const redis = connectToRedis<Link>({
    url,
    user: 'The shared cache',
    channel: CHANNEL,
    onMessage,
    prepare: (link) => prepareLink(link, lastSince),
    onOpen: (opened) => {
      slow = opened.greetingMs > waitMs;
      if (slow) probeLater();
      logger.info({ slow }, 'the shared cache is connected');
      hasWarned = false;
      onOpen(opened);
    },
    onDown: ({ reason, wasOpen, isFinal }) => {
      clearTimeout(timer);
      if (isFinal) {
        logger.error({ reason }, 'the gateway runs without a shared cache: correct REDIS_URL');
        return;
      }
      // One warning for each outage.
      if (!hasWarned)
        logger.warn(
          { reason },
          wasOpen
            ? 'the shared cache was disconnected; the gateway continues without it and reconnects'
            : 'the shared cache cannot be reached; the gateway continues without it and retries',
        );
      hasWarned = true;
    },
  });

  return {
    get link() {
      return redis.link;
    },
    get quick() {
      return slow ? undefined : redis.link;
    },
    failed: (over, error) => {
      if (over !== redis.link) return;
      // This Redis has become a replica. A new connection leads to the one that accepts writes.
      if (isRefusal(error) && error.message.startsWith('READONLY')) {
        over.drop(error.message);
        return;
      }
      // A closed link reports itself. Here Redis is late, or refused a command.
      if (slow || isFull(error) || !(error instanceof LateError || isRefusal(error))) return;
      slow = true;
      logger.warn(
        { reason: reasonOf(error) },
        'the shared cache is slow or refuses commands; the gateway continues without it until it answers in time',
      );
      probeLater();
    },
    close: () => {
      redis.close();
      clearTimeout(timer);
    },
  };
}
