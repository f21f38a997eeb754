import { Gauge, type Registry } from 'prom-client';

/** What is read at the moment that somebody asks for the metrics. */
export interface ScrapeReaders {
  requestsInFlight: () => number;
  subscribers: () => number;
  eventLoopDelayMs: () => number;
  cache: () => Iterable<{ source: string; bytes: number; entries: number }>;
  /** Whether the cache that instances share can be reached. To be left out when there is none. */
  sharedCacheUp: () => boolean;
}

/** Adds those whose readers are given. */
export function addGauges(
  registry: Registry,
  { requestsInFlight, subscribers, eventLoopDelayMs, cache, sharedCacheUp }: Partial<ScrapeReaders>,
): void {
  const read = (name: string, help: string, value: () => number): void => {
    const gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect: () => {
        gauge.set(value());
      },
    });
  };
  if (requestsInFlight !== undefined) {
    read(
      'stekkerdoos_requests_in_flight',
      'How many requests are being answered at the moment.',
      requestsInFlight,
    );
  }
  if (subscribers !== undefined)
    read('stekkerdoos_subscribers', 'How many subscriptions are told of events at the moment.', subscribers);
  if (eventLoopDelayMs !== undefined) {
    read(
      'stekkerdoos_event_loop_delay_seconds',
      'How much later than planned the event loop came round, as overload is judged by.',
      () => eventLoopDelayMs() / 1_000,
    );
  }
  if (sharedCacheUp !== undefined) {
    read(
      'stekkerdoos_shared_cache_up',
      'The cache that instances share can be reached when this is 1.',
      () => (sharedCacheUp() ? 1 : 0),
    );
  }
  if (cache !== undefined) {
    const perSource = (name: string, help: string, of: 'bytes' | 'entries'): void => {
      const gauge = new Gauge({
        name,
        help,
        labelNames: ['source'],
        registers: [registry],
        collect: () => {
          gauge.reset();
          for (const one of cache()) gauge.set({ source: one.source }, one[of]);
        },
      });
    };
    perSource(
      'stekkerdoos_cache_bytes',
      'How many bytes of memory the kept answers of a source take.',
      'bytes',
    );
    perSource('stekkerdoos_cache_entries', 'How many answers of a source are kept in memory.', 'entries');
  }
}
