export interface Pump {
  /** Takes work without waiting for the next poll. */
  wake: () => void;
  /** Resolves when no work is in flight and none can be taken. */
  idle(): Promise<void>;
  /** Takes no more work. Resolves when no work is in flight. */
  close(): Promise<void>;
}

export interface PumpOptions<T> {
  concurrency: number;
  /** Interval between polls for work. */
  pollMs: number;
  /** Takes at most `limit` items. */
  take: (limit: number) => Promise<readonly T[]>;
  /** Must not reject. */
  work: (item: T) => Promise<void>;
  /** Called after each attempt to take work, with its error or undefined. */
  onTaken: (error: unknown) => void;
}

/** Takes work while there is any, and runs at most `concurrency` items at a time. */
export function createPump<T>({ concurrency, pollMs, take, work, onTaken }: PumpOptions<T>): Pump {
  let inFlight = 0;
  let isTaking = false;
  let isWoken = false;
  let isClosed = false;
  const idle: (() => void)[] = [];

  async function run(): Promise<void> {
    isTaking = true;
    while (isWoken && !isClosed && inFlight < concurrency) {
      isWoken = false;
      try {
        const items = await take(concurrency - inFlight);
        onTaken(undefined);
        for (const item of items) start(item);
      } catch (error) {
        // The next poll tries again.
        onTaken(error);
      }
    }
    isTaking = false;
    if (inFlight > 0) return;
    for (const resolve of idle.splice(0)) resolve();
  }

  function start(item: T): void {
    inFlight += 1;
    void work(item).finally(() => {
      inFlight -= 1;
      wake();
    });
  }

  function wake(): void {
    isWoken = true;
    if (!isTaking) void run();
  }

  const timer = setInterval(wake, pollMs);
  const whenIdle = () =>
    new Promise<void>((resolve) => {
      idle.push(resolve);
      wake();
    });
  return {
    wake,
    idle: whenIdle,
    close: () => {
      clearInterval(timer);
      isClosed = true;
      return whenIdle();
    },
  };
}
