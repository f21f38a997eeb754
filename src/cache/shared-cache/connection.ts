import { ConfigError } from '../../errors.js';
import type { Logger } from '../../telemetry/logger.js';
import { isFull, isRefusal, openLink, reasonOf, type Link } from './link.js';
import { LateError, within } from './within.js';

/** A hiccup is over soon, a restart is not. */
const FIRST_PROBE_MS = 50;
const FIRST_OPENING_MS = 250;
const LONGEST_PAUSE_MS = 2_000;
/** After a link, or an answer in time, has held for so long, the next pause is a short one again. */
const TRUSTED_AFTER_MS = 10_000;

/** A link that is made anew whenever it breaks, and left alone while Redis is slow. */
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
  let link: Link | undefined;
  let slow = false;
  const closing = new AbortController();
  let complained = false;
  let timer: NodeJS.Timeout | undefined;
  const opening = pauses(FIRST_OPENING_MS);
  const probing = pauses(FIRST_PROBE_MS);

  const complain = (reason: string, message: string): void => {
    // Once for each time that it goes away, however long it is gone.
    if (!complained) logger.warn({ reason }, message);
    complained = true;
  };

  const open = async (): Promise<void> => {
    try {
      const opened: Link = await openLink({
        url,
        lastSince,
        signal: closing.signal,
        onMessage,
        onBroken: (reason) => {
          link = undefined;
          if (closing.signal.aborted) return;
          complain(reason, 'the shared cache was lost; answers go on without it');
          later(open, opening.next());
        },
      });
      link = opened;
      opening.good();
      slow = opened.greetingMs > waitMs;
      if (slow) later(probe, probing.next());
      logger.info({ slow }, 'the shared cache is there');
      complained = false;
      onOpen(opened);
    } catch (error) {
      if (closing.signal.aborted) return;
      if (error instanceof ConfigError) {
        logger.error({ reason: error.message }, 'there is no shared cache');
        return;
      }
      complain(reasonOf(error), 'the shared cache cannot be reached; answers go on without it');
      later(open, opening.next());
    }
  };

  const probe = async (): Promise<void> => {
    const probed = link;
    if (probed === undefined) return;
    try {
      await within(waitMs, probed.ping());
      if (probed !== link) return;
      slow = false;
      probing.good();
      logger.info('the shared cache is quick again');
    } catch {
      if (probed === link) later(probe, probing.next());
    }
  };

  const later = (what: () => Promise<void>, ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void what(), ms).unref();
  };

  void open();
  return {
    get link() {
      return link;
    },
    get quick() {
      return slow ? undefined : link;
    },
    failed: (over, error) => {
      if (over !== link) return;
      // It has become a replica, and somewhere there is another that writes.
      if (isRefusal(error) && error.message.startsWith('READONLY')) {
        over.close(error.message);
        return;
      }
      // One that closes is told by the link itself; here it is late, or answered something it should not.
      if (slow || isFull(error) || !(error instanceof LateError || isRefusal(error))) return;
      slow = true;
      logger.warn(
        { reason: reasonOf(error) },
        'the shared cache is slow or refuses; answers go on without it',
      );
      later(probe, probing.next());
    },
    close: () => {
      closing.abort();
      clearTimeout(timer);
    },
  };
}

/** How long to wait before each try: longer each time, unless things were good for long in between. */
function pauses(firstMs: number): { next(): number; good(): void } {
  let pause = firstMs;
  let goodSince: number | undefined;
  return {
    next: () => {
      if (goodSince !== undefined && performance.now() - goodSince > TRUSTED_AFTER_MS) pause = firstMs;
      goodSince = undefined;
      const now = pause;
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      return now;
    },
    good: () => {
      goodSince = performance.now();
    },
  };
}
