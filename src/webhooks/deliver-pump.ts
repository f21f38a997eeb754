export interface Pump {
  /** There may be something to do. */
  wake: () => void;
  /** Resolves when nothing is under way and nothing more can be done at this moment. */
  idle(): Promise<void>;
  /** Takes no more, and resolves when what is under way is done. */
  close(): Promise<void>;
}

export interface PumpOptions<T> {
  concurrency: number;
  /** How often it is asked whether there is something to do, when nobody tells. */
  pollMs: number;
  /** Takes on so many at most. */
  take: (limit: number) => Promise<readonly T[]>;
  /** Must not reject. */
  work: (item: T) => Promise<void>;
  /** Taking failed, or goes well again. */
  told: (error: unknown) => void;
}

/** Takes on work as long as there is any, and not more at once than is allowed. */
export function createPump<T>({ concurrency, pollMs, take, work, told }: PumpOptions<T>): Pump {
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
        told(undefined);
        for (const item of items) start(item);
      } catch (error) {
        // The next poll tries again.
        told(error);
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
