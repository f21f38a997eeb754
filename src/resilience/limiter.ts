import type { DeadlineAt } from './protection.js';
import { SourceRateLimitedError } from '../errors.js';
import type { RateLimitInfo } from '../rate-limit-info.js';
import type { Cancellation } from './cancellation.js';
import type { Clock } from '../clock.js';
import { Fifo, type Queued } from './fifo.js';
import type { Pace } from './pace.js';
import { PRIORITIES, type Priority } from '../priority.js';

/** Minimum wait before calls of one priority count as starving. */
const STARVING_MS = 5_000;
/**
 * Minimum number of other calls that got a slot meanwhile. Time alone would end all priority at a slow source, where every
 * call waits long. A starving priority gets the next slot.
 */
const STARVING_SLOTS = 10;
/** The longest delay that `setTimeout` supports. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Decides when each call to a source is made. A slot is the permission to make one call. */
export interface Limiter {
  /** Takes a free slot. Returns false if the call has to wait. */
  tryAcquire(priority: Priority): boolean;
  /**
   * Resolves when the call gets a slot. Rejects with SourceRateLimitedError at the deadline (clock milliseconds), or
   * at once if no slot can be free before it. Rejects with the reason when it is cancelled.
   */
  wait(priority: Priority, deadlineAt?: DeadlineAt, cancelled?: Cancellation): Promise<void>;
  /** Returns the slot of a call that ended. `tookMs` is undefined if the call was not made. */
  release(priority: Priority, tookMs?: number): void;
  /**
   * Returns the slot of a call that timed out. The slot stays occupied until another call shows that the system
   * answers, or until no call is left that could show it. Otherwise each waiting call would take the slot and time
   * out too.
   */
  holdBack(priority: Priority, tookMs: number): void;
  /** Applies rate-limit info that the system sent with an answer. */
  slowDown(info: RateLimitInfo): void;
  /** Rejects all waiting calls. */
  rejectWaiting(error: Error): void;
  readonly waiting: number;
  /** Estimated milliseconds until a call that starts to wait now is made. */
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
  /** Number of slots taken before it began to wait. */
  slotNumber: number;
  grant: () => void;
  refuse: (reason: Error) => void;
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
  #inProgress = 0;
  #bulkInProgress = 0;
  /** Number of slots that were taken since the start. */
  #slotsTaken = 0;
  #meanMs = 0;
  /** Slots of calls that timed out and are still occupied. */
  readonly #heldBack: Priority[] = [];
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;

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
        cancelled?.remove(waiter.refuse);
      };
      const waiter: Waiter = {
        since: now,
        slotNumber: this.#slotsTaken,
        grant: () => {
          end();
          resolve();
        },
        refuse: (reason) => {
          end();
          reject(reason);
          if (this.#waiting === 0) this.#clearTimer();
        },
      };
      const until = typeof deadlineAt === 'number' ? () => deadlineAt : deadlineAt;
      const arm = () => {
        const leftMs = until() - clock.now();
        if (leftMs <= MAX_TIMER_MS) timer = setTimeout(ring, Math.max(0, Math.ceil(leftMs)));
      };
      const ring = () => {
        if (clock.now() < until() && typeof deadlineAt !== 'number') arm();
        else waiter.refuse(this.#refusal(priority));
      };
      queue.add(waiter);
      this.#waiting += 1;
      this.#pump();
      if (!queue.has(waiter)) return;
      // If even the first call in the queue gets no slot in time, the call is refused now instead of later.
      if (now + pace.waitMs(0) >= until()) {
        waiter.refuse(this.#refusal(priority));
        return;
      }
      cancelled?.add(waiter.refuse);
      arm();
    });
  }

  release(priority: Priority, tookMs?: number): void {
    this.#free(priority);
    this.#count(tookMs);
    this.#freeHeldBack();
  }

  holdBack(priority: Priority, tookMs: number): void {
    this.#heldBack.push(priority);
    this.#count(tookMs);
    if (this.#heldBack.length === this.#inProgress) this.#freeHeldBack();
  }

  slowDown(info: RateLimitInfo): void {
    this.#options.pace.slowDown(info, Math.max(0, this.#inProgress - this.#heldBack.length - 1));
  }

  rejectWaiting(error: Error): void {
    for (const queue of Object.values(this.#queues))
      for (let head = queue.first; head !== undefined; head = queue.first) head.refuse(error);
  }

  estimatedWaitMs(priority: Priority): number {
    return this.#estimatedWaitMs(priority, 0);
  }

  /** The estimated wait for the rate limit, or for earlier calls to end. `leaves`: calls to leave out of the queue. */
  #estimatedWaitMs(priority: Priority, leaves: number): number {
    const { concurrency, pace } = this.#options;
    const before = PRIORITIES.slice(0, PRIORITIES.indexOf(priority) + 1);
    const ahead = before.reduce((sum, priority) => sum + this.#queues[priority].length, -leaves);
    const slots = priority === 'bulk' ? this.#bulkSlots : concurrency;
    const slotMs = this.#hasSlot(priority) && ahead === 0 ? 0 : (this.#meanMs * (ahead + 1)) / slots;
    return Math.max(slotMs, pace.waitMs(ahead + this.#reserveFor(priority)));
  }

  /** The error of a call that gets no slot before its deadline. */
  #refusal(priority: Priority): SourceRateLimitedError {
    const { source } = this.#options;
    const message = `The limits of ${source} are reached: the call got no slot before its deadline.`;
    // The calls ahead of it, without the call itself.
    const retryAfter = Math.max(1, Math.ceil(this.#estimatedWaitMs(priority, 1) / 1_000));
    return new SourceRateLimitedError(source, message, { retryAfter, kind: 'own-limit' });
  }

  /** Gives free slots to waiting calls. Sets the timer if the next slot depends on time alone. */
  #pump(): void {
    const { concurrency, pace, clock } = this.#options;
    while (this.#waiting > 0 && this.#inProgress < concurrency) {
      const now = clock.now();
      const starving = this.#mostStarving(now);
      const priority =
        starving ??
        PRIORITIES.find((priority) => this.#queues[priority].length > 0 && this.#hasSlot(priority));
      const waiter = priority === undefined ? undefined : this.#queues[priority].first;
      // Only bulk calls wait, and bulk uses all of its slots. The next release calls this method again.
      if (priority === undefined || waiter === undefined) return;
      const waitMs = pace.waitMs(starving === undefined ? this.#reserveFor(priority) : 0);
      if (waitMs > 0) {
        const starves = this.#starvesAt(priority);
        this.#setTimer(Math.min(now + waitMs, starves > now ? starves : Infinity), now);
        return;
      }
      this.#take(priority);
      this.#served[priority] = { at: now, slotNumber: this.#slotsTaken };
      waiter.grant();
    }
    if (this.#waiting === 0) this.#clearTimer();
  }

  /** The time when this priority starts to starve; Infinity while it is not known. */
  #starvesAt(priority: Priority): number {
    const head = this.#queues[priority].first;
    if (head === undefined || !this.#hasSlot(priority)) return Infinity;
    const last = this.#served[priority];
    return this.#slotsTaken - Math.max(head.slotNumber, last.slotNumber) < STARVING_SLOTS
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
      this.#inProgress < this.#options.concurrency &&
      (priority !== 'bulk' || this.#bulkInProgress < this.#bulkSlots)
    );
  }

  /** Tokens that a call of this priority leaves in the bucket for higher priorities. */
  #reserveFor(priority: Priority): number {
    return priority === 'bulk' ? this.#options.pace.reserve : 0;
  }

  #take(priority: Priority): void {
    this.#inProgress += 1;
    if (priority === 'bulk') this.#bulkInProgress += 1;
    this.#slotsTaken += 1;
    this.#options.pace.take();
  }

  #free(priority: Priority): void {
    this.#inProgress -= 1;
    if (priority === 'bulk') this.#bulkInProgress -= 1;
  }

  #freeHeldBack(): void {
    for (const priority of this.#heldBack.splice(0)) this.#free(priority);
    this.#pump();
  }

  #count(tookMs: number | undefined): void {
    if (tookMs !== undefined) this.#meanMs += (tookMs - this.#meanMs) * 0.1;
  }

  readonly #ring = (): void => {
    this.#clearTimer();
    this.#pump();
  };

  #setTimer(at: number, now: number): void {
    if (at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(this.#ring, Math.max(1, Math.ceil(Math.min(at - now, MAX_TIMER_MS))));
  }

  #clearTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }
}

function neverServed() {
  return { at: -Infinity, slotNumber: 0 };
}
