import { Gauge, type Registry } from 'prom-client';

/** Values that are read at each scrape. */
export interface ScrapeReaders {
  requestsInFlight: () => number;
  subscribers: () => number;
  eventLoopDelayMs: () => number;
  cache: () => Iterable<{ source: string; bytes: number; entries: number }>;
  /** Whether the shared cache can be reached. Omit it if there is no shared cache. */
  sharedCacheUp: () => boolean;
  /** Whether the list of erased customers can be used. Omit it if there is no list. */
  suppressionListUp: () => Promise<boolean>;
  /** The figures of the webhook store (undefined while it is unavailable), and the endpoints of the settings. */
  webhookStore: { figures: () => Promise<WebhookStoreFigures | undefined>; endpoints: readonly string[] };
}

interface WebhookStoreFigures {
  eventsWaiting: number;
  oldestEventS: number;
  eventsDead: number;
  deliveries: readonly { endpoint: string; state: string; count: number }[];
  disabled: readonly string[];
}

/** Adds a gauge for each reader. */
export function addGauges(registry: Registry, readers: Partial<ScrapeReaders>): void {
  const { requestsInFlight, subscribers, eventLoopDelayMs, cache, sharedCacheUp } = readers;
  const { suppressionListUp, webhookStore } = readers;
  const read = (name: string, help: string, value: () => number | Promise<number>): void => {
    const gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect: async () => {
        gauge.set(await value());
      },
    });
  };
  if (requestsInFlight !== undefined) {
    read('stekkerdoos_requests_in_flight', 'How many requests are in flight.', requestsInFlight);
  }
  if (subscribers !== undefined)
    read('stekkerdoos_subscribers', 'How many subscriptions are open.', subscribers);
  if (eventLoopDelayMs !== undefined) {
    read(
      'stekkerdoos_event_loop_delay_seconds',
      'The delay of the event loop, by which load shedding decides.',
      () => eventLoopDelayMs() / 1_000,
    );
  }
  if (sharedCacheUp !== undefined) {
    read('stekkerdoos_shared_cache_up', 'Whether the shared cache can be reached (1) or not (0).', () =>
      sharedCacheUp() ? 1 : 0,
    );
  }
  if (suppressionListUp !== undefined)
    read(
      'stekkerdoos_suppression_list_up',
      'Whether the list of erased customers can be used (1) or not (0).',
      async () => ((await suppressionListUp()) ? 1 : 0),
    );
  if (webhookStore !== undefined) addWebhookStore(registry, webhookStore, read);
  if (cache !== undefined) {
    const perSource = (name: string, help: string, of: 'bytes' | 'entries'): void => {
      const gauge = new Gauge({
        name,
        help,
        labelNames: ['source'],
        registers: [registry],
        collect: () => {
          gauge.reset();
          for (const usage of cache()) gauge.set({ source: usage.source }, usage[of]);
        },
      });
    };
    perSource(
      'stekkerdoos_cache_bytes',
      'How many bytes of memory the cached answers of a source take.',
      'bytes',
    );
    perSource('stekkerdoos_cache_entries', 'How many answers of a source are cached in memory.', 'entries');
  }
}

/** While the store is unavailable, only `..._up` has a value, because the last figures would look like current ones. */
function addWebhookStore(
  registry: Registry,
  { figures, endpoints }: ScrapeReaders['webhookStore'],
  read: (name: string, help: string, value: () => Promise<number>) => void,
): void {
  read('stekkerdoos_webhook_store_up', 'Whether the webhook store answers (1) or not (0).', async () =>
    (await figures()) === undefined ? 0 : 1,
  );
  const labelled = (
    name: string,
    help: string,
    labelNames: string[],
    values: (of: WebhookStoreFigures) => readonly { labels: Record<string, string>; value: number }[],
  ): void => {
    const gauge = new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect: async () => {
        const of = await figures();
        gauge.reset();
        // Without labels, `reset` would leave a 0.
        if (of === undefined && labelNames.length === 0) gauge.remove();
        if (of !== undefined) for (const { labels, value } of values(of)) gauge.set(labels, value);
      },
    });
  };
  labelled(
    'stekkerdoos_webhook_events',
    'How many events in the webhook store wait or are dead.',
    ['state'],
    (of) => [
      { labels: { state: 'waiting' }, value: of.eventsWaiting },
      { labels: { state: 'dead' }, value: of.eventsDead },
    ],
  );
  labelled(
    'stekkerdoos_webhook_oldest_event_seconds',
    'The age of the oldest waiting event in the webhook store.',
    [],
    ({ oldestEventS }) => [{ labels: {}, value: oldestEventS }],
  );
  labelled(
    'stekkerdoos_webhook_deliveries',
    'How many deliveries to an endpoint wait or are dead.',
    ['endpoint', 'state'],
    ({ deliveries }) =>
      deliveries.map(({ endpoint, state, count }) => ({ labels: { endpoint, state }, value: count })),
  );
  labelled(
    'stekkerdoos_webhook_endpoint_disabled',
    'Whether the endpoint is disabled (1) or not (0).',
    ['endpoint'],
    ({ disabled }) =>
      [...new Set([...endpoints, ...disabled])].map((endpoint) => ({
        labels: { endpoint },
        value: disabled.includes(endpoint) ? 1 : 0,
      })),
  );
}
