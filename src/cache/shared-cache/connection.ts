import type { Logger } from '../../telemetry/logger.js';
import { connectToRedis, createPauses, reasonOf } from '../../redis.js';
import { isFull, isRefusal, prepareLink, type Link } from './link.js';
import { CHANNEL } from './scripts.js';
import { LateError, within } from './within.js';

/** A hiccup is over soon, a restart is not. */
const FIRST_PROBE_MS = 50;

/** A link that is made anew whenever it is lost, and left alone while Redis is slow. */
export interface Connection {
  /** There is a link, slow or not. */
  readonly link: Link | undefined;
  /** There is one that answers in time. */
  readonly quick: Link | undefined;
  /** A command over this link failed: judges what that says about it. */
  failed(link: Link, error: unknown): void;
  close(): void;
}

export interface ConnectionOptions {
  url: string;
  /** What takes longer is slow. */
  waitMs: number;
  logger: Logger;
  lastSince: () => number;
  onMessage: (message: string) => void;
  /** A link was made, the first or another. */
  onOpen: (link: Link) => void;
}

export function createConnection(options: ConnectionOptions): Connection {
  const { url, waitMs, logger, lastSince, onMessage, onOpen } = options;
  let slow = false;
  let complained = false;
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
      logger.info('the shared cache is quick again');
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
      logger.info({ slow }, 'the shared cache is there');
      complained = false;
      onOpen(opened);
    },
    onDown: ({ reason, wasOpen, isFinal }) => {
      clearTimeout(timer);
      if (isFinal) {
        logger.error({ reason }, 'there is no shared cache');
        return;
      }
      // Once for each outage, however long it lasts.
      if (!complained)
        logger.warn(
          { reason },
          wasOpen
            ? 'the shared cache was lost; answers go on without it'
            : 'the shared cache cannot be reached; answers go on without it',
        );
      complained = true;
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
      // It has become a replica, and somewhere there is another that writes.
      if (isRefusal(error) && error.message.startsWith('READONLY')) {
        over.drop(error.message);
        return;
      }
      // One that closes is told by the link itself; here it is late, or answered something it should not.
      if (slow || isFull(error) || !(error instanceof LateError || isRefusal(error))) return;
      slow = true;
      logger.warn(
        { reason: reasonOf(error) },
        'the shared cache is slow or refuses; answers go on without it',
      );
      probeLater();
    },
    close: () => {
      redis.close();
      clearTimeout(timer);
    },
  };
}
