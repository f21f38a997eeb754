import type { DeadlineAt } from './protection.js';
import { SourceRateLimitedError } from '../errors.js';
import type { RateLimitInfo } from '../rate-limit-info.js';
import type { Cancellation } from './cancellation.js';
import type { Clock } from '../clock.js';
import { Fifo, type Queued } from './fifo.js';
import type { Pace } from './pace.js';
import { PRIORITIES, type Priority } from '../priority.js';

/** A class of calls that was passed over for so long, */
const STARVING_MS = 5_000;
/** and by so many others, has one call taken next. By others too, or a slow source would know no priority at all. */
const STARVING_TURNS = 10;
/** Longer than this `setTimeout` cannot wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Decides which call to a source is made when. */
export interface Limiter {
  /** Takes a turn that is free, or tells that one has to wait. */
  tryTake(priority: Priority): boolean;
  /**
   * Resolves when it is the call's turn. Rejects with SourceRateLimitedError at the deadline (clock milliseconds), at
   * once if there is certainly no turn before it, or with the reason when it is cancelled.
   */
  wait(priority: Priority, deadlineAt?: DeadlineAt, cancelled?: Cancellation): Promise<void>;
  /** A call that had its turn is over; it took so long, or was not made after all. */
  giveBack(priority: Priority, tookMs?: number): void;
  /**
   * A call timed out. Its place goes to nobody until another call has shown that the system answers, or none is left
   * that could show it: whoever waits would have it and hang as well, on top of having waited.
   */
  withhold(priority: Priority, tookMs: number): void;
  /** What the system said to a call that is under way. */
  slowDown(info: RateLimitInfo): void;
  /** Sends all away who wait. */
  refuseWaiting(error: Error): void;
  readonly waiting: number;
  /** Milliseconds until a call that starts to wait now would likely be made. */
  likelyMs(priority: Priority): number;
}

interface Waiter extends Queued<Waiter> {
  since: number;
  /** Turns that had been given when it began to wait. */
  turn: number;
  go: () => void;
  leave: (reason: Error) => void;
}

export interface LimiterOptions {
  source: string;
  concurrency: number;
  /** 0 to 1. */
  bulkShare: number;
  pace: Pace;
  clock: Clock;
}

export function createLimiter({ source, concurrency, bulkShare, pace, clock }: LimiterOptions): Limiter {
  const bulkSlots = Math.max(1, Math.floor(bulkShare * concurrency));
  const queues = {
    interactive: new Fifo<Waiter>(),
    automation: new Fifo<Waiter>(),
    bulk: new Fifo<Waiter>(),
  };
  const served = { interactive: neverServed(), automation: neverServed(), bulk: neverServed() };
  let waiting = 0;
  let underWay = 0;
  let bulkUnderWay = 0;
  let turns = 0;
  let meanMs = 0;
  /** Places that are given back already but not yet free. */
  const withheld: Priority[] = [];
  let alarm: NodeJS.Timeout | undefined;
  let alarmAt = Infinity;

  const hasSlot = (priority: Priority) =>
    underWay < concurrency && (priority !== 'bulk' || bulkUnderWay < bulkSlots);
  const leaving = (priority: Priority) => (priority === 'bulk' ? pace.reserve : 0);
  const take = (priority: Priority) => {
    underWay += 1;
    if (priority === 'bulk') bulkUnderWay += 1;
    turns += 1;
    pace.take();
  };

  /** When the class has been passed over for too long; Infinity when that cannot be said yet. */
  const starvesAt = (priority: Priority) => {
    const head = queues[priority].first;
    if (head === undefined || !hasSlot(priority)) return Infinity;
    const last = served[priority];
    return turns - Math.max(head.turn, last.turn) < STARVING_TURNS
      ? Infinity
      : Math.max(head.since, last.at) + STARVING_MS;
  };

  const mostStarving = (now: number) => {
    const [automation, bulk] = [starvesAt('automation'), starvesAt('bulk')];
    if (Math.min(automation, bulk) > now) return undefined;
    return automation <= bulk ? 'automation' : 'bulk';
  };

  const rest = () => {
    clearTimeout(alarm);
    alarm = undefined;
    alarmAt = Infinity;
  };
  const ring = () => {
    rest();
    pump();
  };
  const ringAt = (at: number, now: number) => {
    if (at >= alarmAt) return;
    clearTimeout(alarm);
    alarmAt = at;
    alarm = setTimeout(ring, Math.max(1, Math.ceil(Math.min(at - now, MAX_TIMER_MS))));
  };

  /** Gives turns for as long as there are any, and comes back when time alone brings the next one. */
  const pump = () => {
    while (waiting > 0 && underWay < concurrency) {
      const now = clock.now();
      const starving = mostStarving(now);
      const priority = starving ?? PRIORITIES.find((one) => queues[one].length > 0 && hasSlot(one));
      const waiter = priority === undefined ? undefined : queues[priority].first;
      // Only bulk waits, and has its share of the slots: the one that is given back first brings us here again.
      if (priority === undefined || waiter === undefined) return;
      const waitMs = pace.waitMs(starving === undefined ? leaving(priority) : 0);
      if (waitMs > 0) {
        const starves = starvesAt(priority);
        ringAt(Math.min(now + waitMs, starves > now ? starves : Infinity), now);
        return;
      }
      take(priority);
      served[priority] = { at: now, turn: turns };
      waiter.go();
    }
    if (waiting === 0) rest();
  };

  /** The likely wait: for the pace of those before it, or for them to be done. */
  const likelyMs = (priority: Priority, leaves = 0) => {
    const before = PRIORITIES.slice(0, PRIORITIES.indexOf(priority) + 1);
    const ahead = before.reduce((sum, one) => sum + queues[one].length, -leaves);
    const slots = priority === 'bulk' ? bulkSlots : concurrency;
    const slotMs = hasSlot(priority) && ahead === 0 ? 0 : (meanMs * (ahead + 1)) / slots;
    return Math.max(slotMs, pace.waitMs(ahead + leaving(priority)));
  };

  const free = (priority: Priority) => {
    underWay -= 1;
    if (priority === 'bulk') bulkUnderWay -= 1;
  };
  const took = (ms: number | undefined) => {
    if (ms !== undefined) meanMs += (ms - meanMs) * 0.1;
  };
  const freeWithheld = () => {
    for (const priority of withheld.splice(0)) free(priority);
    pump();
  };

  return {
    tryTake: (priority) => {
      if (waiting > 0 || !hasSlot(priority) || pace.waitMs(leaving(priority)) > 0) return false;
      take(priority);
      return true;
    },
    wait: (priority, deadlineAt = Infinity, cancelled) =>
      new Promise((resolve, reject) => {
        const now = clock.now();
        const queue = queues[priority];
        let timer: NodeJS.Timeout | undefined;
        const step = () => {
          queue.remove(waiter);
          waiting -= 1;
          clearTimeout(timer);
          cancelled?.remove(waiter.leave);
        };
        const waiter: Waiter = {
          since: now,
          turn: turns,
          go: () => {
            step();
            resolve();
          },
          leave: (reason) => {
            step();
            reject(reason);
            if (waiting === 0) rest();
          },
        };
        const until = typeof deadlineAt === 'number' ? () => deadlineAt : deadlineAt;
        const arm = () => {
          const leftMs = until() - clock.now();
          if (leftMs <= MAX_TIMER_MS) timer = setTimeout(ring, Math.max(0, Math.ceil(leftMs)));
        };
        const ring = () => {
          if (clock.now() < until() && typeof deadlineAt !== 'number') arm();
          else giveUp();
        };
        const giveUp = () => {
          waiter.leave(
            new SourceRateLimitedError(
              source,
              `${source} is asked as much as it may be; no turn came before the deadline.`,
              // Those before it, without itself.
              { retryAfter: Math.max(1, Math.ceil(likelyMs(priority, 1) / 1_000)), kind: 'own-limit' },
            ),
          );
        };
        queue.add(waiter);
        waiting += 1;
        pump();
        if (!queue.has(waiter)) return;
        // Not even the first in the queue has a turn by then: whoever asks is told now what it would be told later.
        if (now + pace.waitMs(0) >= until()) {
          giveUp();
          return;
        }
        cancelled?.add(waiter.leave);
        arm();
      }),
    giveBack: (priority, tookMs) => {
      free(priority);
      took(tookMs);
      freeWithheld();
    },
    withhold: (priority, tookMs) => {
      withheld.push(priority);
      took(tookMs);
      if (withheld.length === underWay) freeWithheld();
    },
    slowDown: (info) => {
      pace.slowDown(info, Math.max(0, underWay - withheld.length - 1));
    },
    refuseWaiting: (error) => {
      for (const queue of Object.values(queues))
        for (let head = queue.first; head !== undefined; head = queue.first) head.leave(error);
    },
    get waiting() {
      return waiting;
    },
    likelyMs: (priority) => likelyMs(priority),
  };
}

function neverServed() {
  return { at: -Infinity, turn: 0 };
}
