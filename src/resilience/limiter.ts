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
const STARVING_SLOTS = 10;
/** Longer than this `setTimeout` cannot wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Decides which call to a source is made when. */
export interface Limiter {
  /** Takes a turn that is free, or tells that one has to wait. */
  tryAcquire(priority: Priority): boolean;
  /**
   * Resolves when it is the call's turn. Rejects with SourceRateLimitedError at the deadline (clock milliseconds), at
   * once if there is certainly no turn before it, or with the reason when it is cancelled.
   */
  wait(priority: Priority, deadlineAt?: DeadlineAt, cancelled?: Cancellation): Promise<void>;
  /** A call that had its turn is over; it took so long, or was not made after all. */
  release(priority: Priority, tookMs?: number): void;
  /**
   * A call timed out. Its place goes to nobody until another call has shown that the system answers, or none is left
   * that could show it: whoever waits would have it and hang as well, on top of having waited.
   */
  holdBack(priority: Priority, tookMs: number): void;
  /** What the system said to a call that is under way. */
  slowDown(info: RateLimitInfo): void;
  /** Sends all away who wait. */
  rejectWaiting(error: Error): void;
  readonly waiting: number;
  /** Milliseconds until a call that starts to wait now would likely be made. */
  estimatedWaitMs(priority: Priority): number;
}

export interface LimiterOptions {
  source: string;
  concurrency: number;
  /** 0 to 1. */
  bulkShare: number;
  pace: Pace;
  clock: Clock;
}

export function createLimiter(options: LimiterOptions): Limiter {
  return new PriorityLimiter(options);
}

/** A call that waits for its slot. */
interface Waiter extends Queued<Waiter> {
  since: number;
  /** Slots that had been taken when it began to wait. */
  turn: number;
  go: () => void;
  leave: (reason: Error) => void;
}

class PriorityLimiter implements Limiter {
  readonly #options: LimiterOptions;
  readonly #bulkSlots: number;
  readonly #queues = {
    interactive: new Fifo<Waiter>(),
    automation: new Fifo<Waiter>(),
    bulk: new Fifo<Waiter>(),
  };
  /** When a waiting call of each priority last got a slot. */
  readonly #served = { interactive: neverServed(), automation: neverServed(), bulk: neverServed() };
  #waiting = 0;
  #underWay = 0;
  #bulkUnderWay = 0;
  /** Slots taken so far. */
  #slotsTaken = 0;
  #meanMs = 0;
  /** Slots of calls that timed out. They are not free yet. */
  readonly #withheld: Priority[] = [];
  #alarm: NodeJS.Timeout | undefined;
  #alarmAt = Infinity;

  constructor(options: LimiterOptions) {
    this.#options = options;
    this.#bulkSlots = Math.max(1, Math.floor(options.bulkShare * options.concurrency));
  }

  get waiting(): number {
    return this.#waiting;
  }

  tryAcquire(priority: Priority): boolean {
    if (this.#waiting > 0 || !this.#hasSlot(priority)) return false;
    if (this.#options.pace.waitMs(this.#reserveFor(priority)) > 0) return false;
    this.#take(priority);
    return true;
  }

  wait(priority: Priority, deadlineAt: DeadlineAt = Infinity, cancelled?: Cancellation): Promise<void> {
    const { clock, pace } = this.#options;
    return new Promise((resolve, reject) => {
      const now = clock.now();
      const queue = this.#queues[priority];
      let timer: NodeJS.Timeout | undefined;
      const end = () => {
        queue.remove(waiter);
        this.#waiting -= 1;
        clearTimeout(timer);
        cancelled?.remove(waiter.leave);
      };
      const waiter: Waiter = {
        since: now,
        turn: this.#slotsTaken,
        go: () => {
          end();
          resolve();
        },
        leave: (reason) => {
          end();
          reject(reason);
          if (this.#waiting === 0) this.#clearAlarm();
        },
      };
      const until = typeof deadlineAt === 'number' ? () => deadlineAt : deadlineAt;
      const arm = () => {
        const leftMs = until() - clock.now();
        if (leftMs <= MAX_TIMER_MS) timer = setTimeout(ring, Math.max(0, Math.ceil(leftMs)));
      };
      const ring = () => {
        if (clock.now() < until() && typeof deadlineAt !== 'number') arm();
        else waiter.leave(this.#refusal(priority));
      };
      queue.add(waiter);
      this.#waiting += 1;
      this.#pump();
      if (!queue.has(waiter)) return;
      // Not even the first in the queue gets a slot by then: it is refused now instead of later.
      if (now + pace.waitMs(0) >= until()) {
        waiter.leave(this.#refusal(priority));
        return;
      }
      cancelled?.add(waiter.leave);
      arm();
    });
  }

  release(priority: Priority, tookMs?: number): void {
    this.#free(priority);
    this.#count(tookMs);
    this.#freeWithheld();
  }

  holdBack(priority: Priority, tookMs: number): void {
    this.#withheld.push(priority);
    this.#count(tookMs);
    if (this.#withheld.length === this.#underWay) this.#freeWithheld();
  }

  slowDown(info: RateLimitInfo): void {
    this.#options.pace.slowDown(info, Math.max(0, this.#underWay - this.#withheld.length - 1));
  }

  rejectWaiting(error: Error): void {
    for (const queue of Object.values(this.#queues))
      for (let head = queue.first; head !== undefined; head = queue.first) head.leave(error);
  }

  estimatedWaitMs(priority: Priority): number {
    return this.#estimatedWaitMs(priority, 0);
  }

  /** The likely wait: for the pace of the calls before it, or for them to end. `leaves`: calls that wait no longer. */
  #estimatedWaitMs(priority: Priority, leaves: number): number {
    const { concurrency, pace } = this.#options;
    const before = PRIORITIES.slice(0, PRIORITIES.indexOf(priority) + 1);
    const ahead = before.reduce((sum, one) => sum + this.#queues[one].length, -leaves);
    const slots = priority === 'bulk' ? this.#bulkSlots : concurrency;
    const slotMs = this.#hasSlot(priority) && ahead === 0 ? 0 : (this.#meanMs * (ahead + 1)) / slots;
    return Math.max(slotMs, pace.waitMs(ahead + this.#reserveFor(priority)));
  }

  /** The error of a call that waits and gets no slot before its deadline. */
  #refusal(priority: Priority): SourceRateLimitedError {
    const { source } = this.#options;
    const message = `${source} is asked as much as it may be; no turn came before the deadline.`;
    // Those before it, without itself.
    const retryAfter = Math.max(1, Math.ceil(this.#estimatedWaitMs(priority, 1) / 1_000));
    return new SourceRateLimitedError(source, message, { retryAfter, kind: 'own-limit' });
  }

  /** Gives slots to waiting calls as long as there are any, and sets the alarm if time alone brings the next one. */
  #pump(): void {
    const { concurrency, pace, clock } = this.#options;
    while (this.#waiting > 0 && this.#underWay < concurrency) {
      const now = clock.now();
      const starving = this.#mostStarving(now);
      const priority =
        starving ?? PRIORITIES.find((one) => this.#queues[one].length > 0 && this.#hasSlot(one));
      const waiter = priority === undefined ? undefined : this.#queues[priority].first;
      // Only bulk waits, and has its share of the slots: the next one that is given back calls this again.
      if (priority === undefined || waiter === undefined) return;
      const waitMs = pace.waitMs(starving === undefined ? this.#reserveFor(priority) : 0);
      if (waitMs > 0) {
        const starves = this.#starvesAt(priority);
        this.#setAlarm(Math.min(now + waitMs, starves > now ? starves : Infinity), now);
        return;
      }
      this.#take(priority);
      this.#served[priority] = { at: now, turn: this.#slotsTaken };
      waiter.go();
    }
    if (this.#waiting === 0) this.#clearAlarm();
  }

  /** When calls of this priority have been passed over for too long; Infinity when that cannot be said yet. */
  #starvesAt(priority: Priority): number {
    const head = this.#queues[priority].first;
    if (head === undefined || !this.#hasSlot(priority)) return Infinity;
    const last = this.#served[priority];
    return this.#slotsTaken - Math.max(head.turn, last.turn) < STARVING_SLOTS
      ? Infinity
      : Math.max(head.since, last.at) + STARVING_MS;
  }

  #mostStarving(now: number): 'automation' | 'bulk' | undefined {
    const [automation, bulk] = [this.#starvesAt('automation'), this.#starvesAt('bulk')];
    if (Math.min(automation, bulk) > now) return undefined;
    return automation <= bulk ? 'automation' : 'bulk';
  }

  #hasSlot(priority: Priority): boolean {
    return (
      this.#underWay < this.#options.concurrency &&
      (priority !== 'bulk' || this.#bulkUnderWay < this.#bulkSlots)
    );
  }

  /** What a call of this priority leaves to calls before it. */
  #reserveFor(priority: Priority): number {
    return priority === 'bulk' ? this.#options.pace.reserve : 0;
  }

  #take(priority: Priority): void {
    this.#underWay += 1;
    if (priority === 'bulk') this.#bulkUnderWay += 1;
    this.#slotsTaken += 1;
    this.#options.pace.take();
  }

  #free(priority: Priority): void {
    this.#underWay -= 1;
    if (priority === 'bulk') this.#bulkUnderWay -= 1;
  }

  #freeWithheld(): void {
    for (const priority of this.#withheld.splice(0)) this.#free(priority);
    this.#pump();
  }

  #count(tookMs: number | undefined): void {
    if (tookMs !== undefined) this.#meanMs += (tookMs - this.#meanMs) * 0.1;
  }

  readonly #ring = (): void => {
    this.#clearAlarm();
    this.#pump();
  };

  #setAlarm(at: number, now: number): void {
    if (at >= this.#alarmAt) return;
    clearTimeout(this.#alarm);
    this.#alarmAt = at;
    this.#alarm = setTimeout(this.#ring, Math.max(1, Math.ceil(Math.min(at - now, MAX_TIMER_MS))));
  }

  #clearAlarm(): void {
    clearTimeout(this.#alarm);
    this.#alarm = undefined;
    this.#alarmAt = Infinity;
  }
}

function neverServed() {
  return { at: -Infinity, turn: 0 };
}
